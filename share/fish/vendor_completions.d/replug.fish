# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_replug_global_optspecs
    string join \n config= json v/verbose q/quiet color= once print-config no-keys no-prefix no-cache timings settle= timeout= python= isolation= poll= h/help V/version
end

function __fish_replug_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_replug_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_replug_using_subcommand
    set -l cmd (__fish_replug_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c replug -n "__fish_replug_needs_command" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_needs_command" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_needs_command" -l settle -d 'Quiet time to wait for in a burst of saves, in milliseconds; a plain save does not wait [default: 20]' -r
complete -c replug -n "__fish_replug_needs_command" -l timeout -d 'Deadline of each phase of a load, in seconds, such as 0.5 [default: 10]' -r
complete -c replug -n "__fish_replug_needs_command" -l python -d 'Python interpreter to run plugins with' -r -F
complete -c replug -n "__fish_replug_needs_command" -l isolation -d 'Where plugins run: `shared`, in one child process, or `none`, in the supervisor\'s own' -r
complete -c replug -n "__fish_replug_needs_command" -l poll -d 'Look at the files every MS milliseconds instead of waiting for the system\'s notices' -r
complete -c replug -n "__fish_replug_needs_command" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_needs_command" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_needs_command" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_needs_command" -l once -d 'Load everything, shut it down again, and exit: 0, or 1 if any plugin failed'
complete -c replug -n "__fish_replug_needs_command" -l print-config -d 'Print the settings in force as a watch.toml, with the origin of each, and exit'
complete -c replug -n "__fish_replug_needs_command" -l no-keys -d 'Leave the keyboard alone, for plugins that read it (with `--isolation none`)'
complete -c replug -n "__fish_replug_needs_command" -l no-prefix -d 'Show what plugins print as it is, without the plugin\'s id before each line'
complete -c replug -n "__fish_replug_needs_command" -l no-cache -d 'Compile every plugin anew, and keep no compiled code for the next start'
complete -c replug -n "__fish_replug_needs_command" -l timings -d 'Tell where the time of each load and reload went, for each own module as well'
complete -c replug -n "__fish_replug_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_needs_command" -s V -l version -d 'Print version'
complete -c replug -n "__fish_replug_needs_command" -a "watch" -d 'Load plugins, watch them and reload what a save touches; what runs without a command'
complete -c replug -n "__fish_replug_needs_command" -a "list" -d 'List the plugins that are found; runs nothing'
complete -c replug -n "__fish_replug_needs_command" -a "why" -d 'Say which plugins an edit of a file would reload, and by which imports; runs nothing'
complete -c replug -n "__fish_replug_needs_command" -a "check" -d 'Check the plugins for everything that can be told without running them'
complete -c replug -n "__fish_replug_needs_command" -a "doctor" -d 'Find out whether saves will be noticed here, and how fast'
complete -c replug -n "__fish_replug_needs_command" -a "exec" -d 'Load a plugin, run code beside it, and shut it down again'
complete -c replug -n "__fish_replug_needs_command" -a "new" -d 'Write a working plugin to start from'
complete -c replug -n "__fish_replug_needs_command" -a "bridge" -d 'Serve one host program over JSON lines on stdin and stdout'
complete -c replug -n "__fish_replug_needs_command" -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c replug -n "__fish_replug_using_subcommand watch" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_using_subcommand watch" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_using_subcommand watch" -l settle -d 'Quiet time to wait for in a burst of saves, in milliseconds; a plain save does not wait [default: 20]' -r
complete -c replug -n "__fish_replug_using_subcommand watch" -l timeout -d 'Deadline of each phase of a load, in seconds, such as 0.5 [default: 10]' -r
complete -c replug -n "__fish_replug_using_subcommand watch" -l python -d 'Python interpreter to run plugins with' -r -F
complete -c replug -n "__fish_replug_using_subcommand watch" -l isolation -d 'Where plugins run: `shared`, in one child process, or `none`, in the supervisor\'s own' -r
complete -c replug -n "__fish_replug_using_subcommand watch" -l poll -d 'Look at the files every MS milliseconds instead of waiting for the system\'s notices' -r
complete -c replug -n "__fish_replug_using_subcommand watch" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_using_subcommand watch" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_using_subcommand watch" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_using_subcommand watch" -l once -d 'Load everything, shut it down again, and exit: 0, or 1 if any plugin failed'
complete -c replug -n "__fish_replug_using_subcommand watch" -l print-config -d 'Print the settings in force as a watch.toml, with the origin of each, and exit'
complete -c replug -n "__fish_replug_using_subcommand watch" -l no-keys -d 'Leave the keyboard alone, for plugins that read it (with `--isolation none`)'
complete -c replug -n "__fish_replug_using_subcommand watch" -l no-prefix -d 'Show what plugins print as it is, without the plugin\'s id before each line'
complete -c replug -n "__fish_replug_using_subcommand watch" -l no-cache -d 'Compile every plugin anew, and keep no compiled code for the next start'
complete -c replug -n "__fish_replug_using_subcommand watch" -l timings -d 'Tell where the time of each load and reload went, for each own module as well'
complete -c replug -n "__fish_replug_using_subcommand watch" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_using_subcommand list" -l graph -d 'Show who depends on whom and imports what: as a tree, or with `=dot` for Graphviz' -r -f -a "text\t'As a tree, for a person'
dot\t'In the language of Graphviz'"
complete -c replug -n "__fish_replug_using_subcommand list" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_using_subcommand list" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_using_subcommand list" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_using_subcommand list" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_using_subcommand list" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_using_subcommand list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_using_subcommand why" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_using_subcommand why" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_using_subcommand why" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_using_subcommand why" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_using_subcommand why" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_using_subcommand why" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_using_subcommand check" -l python -d 'Python interpreter that plugins run with: requirements are looked for in its packages' -r -F
complete -c replug -n "__fish_replug_using_subcommand check" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_using_subcommand check" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_using_subcommand check" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_using_subcommand check" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_using_subcommand check" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_using_subcommand check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_using_subcommand doctor" -l python -d 'Python interpreter that plugins would run with' -r -F
complete -c replug -n "__fish_replug_using_subcommand doctor" -l poll -d 'As for `watch`: look at the files every MS milliseconds instead of waiting for the system\'s notices' -r
complete -c replug -n "__fish_replug_using_subcommand doctor" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_using_subcommand doctor" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_using_subcommand doctor" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_using_subcommand doctor" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_using_subcommand doctor" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_using_subcommand exec" -l timeout -d 'Deadline of each phase of a load, in seconds, such as 0.5 [default: 10]' -r
complete -c replug -n "__fish_replug_using_subcommand exec" -l python -d 'Python interpreter to run plugins with' -r -F
complete -c replug -n "__fish_replug_using_subcommand exec" -l isolation -d 'Where plugins run: `shared`, in a child process, or `none`, in this one, where code can read the keyboard' -r
complete -c replug -n "__fish_replug_using_subcommand exec" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_using_subcommand exec" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_using_subcommand exec" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_using_subcommand exec" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_using_subcommand exec" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_using_subcommand exec" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_using_subcommand new" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_using_subcommand new" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_using_subcommand new" -l folder -d 'A folder with plugin.json and modules of its own, instead of one file'
complete -c replug -n "__fish_replug_using_subcommand new" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_using_subcommand new" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_using_subcommand new" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_using_subcommand new" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_using_subcommand bridge" -l timeout -d 'Deadline of each phase of a load, of each call and of each piece of code, in seconds, such as 0.5 [default: 10]' -r
complete -c replug -n "__fish_replug_using_subcommand bridge" -l python -d 'Python interpreter to run plugins with' -r -F
complete -c replug -n "__fish_replug_using_subcommand bridge" -l config -d 'Read settings from FILE [default: watch.toml, if it is there]' -r -F
complete -c replug -n "__fish_replug_using_subcommand bridge" -l color -d 'When to use colour' -r -f -a "auto\t'On a terminal, unless NO_COLOR is set'
always\t'Always'
never\t'Never'"
complete -c replug -n "__fish_replug_using_subcommand bridge" -l watch -d 'Reload plugins when one of their files is saved, and not by request only'
complete -c replug -n "__fish_replug_using_subcommand bridge" -l json -d 'Print JSON, one object a line'
complete -c replug -n "__fish_replug_using_subcommand bridge" -s v -l verbose -d 'Tell more; twice for more still'
complete -c replug -n "__fish_replug_using_subcommand bridge" -s q -l quiet -d 'Tell only what went wrong'
complete -c replug -n "__fish_replug_using_subcommand bridge" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "watch" -d 'Load plugins, watch them and reload what a save touches; what runs without a command'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "list" -d 'List the plugins that are found; runs nothing'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "why" -d 'Say which plugins an edit of a file would reload, and by which imports; runs nothing'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "check" -d 'Check the plugins for everything that can be told without running them'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "doctor" -d 'Find out whether saves will be noticed here, and how fast'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "exec" -d 'Load a plugin, run code beside it, and shut it down again'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "new" -d 'Write a working plugin to start from'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "bridge" -d 'Serve one host program over JSON lines on stdin and stdout'
complete -c replug -n "__fish_replug_using_subcommand help; and not __fish_seen_subcommand_from watch list why check doctor exec new bridge help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
