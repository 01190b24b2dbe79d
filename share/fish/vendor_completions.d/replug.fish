complete -c replug -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -l settle -d 'Quiet time to wait for in a burst of saves, in milliseconds; a plain save does not wait [default: 20]' -r
complete -c replug -l timeout -d 'Deadline of each phase of a load, in seconds, such as 0.5 [default: 10]' -r
complete -c replug -l python -d 'Python interpreter to run plugins with' -r -F
complete -c replug -l isolation -d 'Where plugins run: `shared`, in one child process, or `none`, in the supervisor\'s own' -r
complete -c replug -l poll -d 'Look at the files every MS milliseconds instead of waiting for the system\'s notices' -r
complete -c replug -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -l json -d 'Print events as JSON, one object a line'
complete -c replug -l once -d 'Load everything, shut it down again, and exit: 0, or 1 if any plugin failed'
complete -c replug -l print-config -d 'Print the settings in force as a watch.toml, with the origin of each, and exit'
complete -c replug -l no-keys -d 'Leave the keyboard alone, for plugins that read it (with `--isolation none`)'
complete -c replug -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -s V -l version -d 'Print version'
