//! What `--help` teaches beside the options. Lines that stand for themselves fit 80 columns; a
//! paragraph is one line, which is broken where the terminal ends.

/// Below the options of `-h` and `--help` alike.
pub(super) const EXAMPLES: &str = "\
Examples:
  replug                          load what watch.toml names, or this folder
  replug plugins/                 load what is in plugins/, reload it on a save
  replug --once --json plugins/   load it once for a script; exit 1 on a failure
  replug --print-config           where each setting comes from; runs nothing
  replug check plugins/           what is wrong with it, without running any of it
  replug doctor plugins/          why a save is not noticed, or late

Settings of a project stand in its watch.toml. An option goes before its environment variable, \
that before watch.toml, that before the default. A folder named like a command is written ./watch.";

/// What `--help` has beside that.
pub(super) const MORE: &str = "\
Keys on a terminal:
  r   reload a plugin by its number, or all of them
  l   list the plugins: what runs, since when, what failed
  e   show the last error again
  c   clear the screen
  q   quit, as Ctrl-C does
  ?   help

Exit codes:
  0   stopped cleanly; with --once, every plugin loaded
  1   a fatal fault; with --once, a plugin failed
  2   bad usage or configuration

Environment:
  REPLUG_...        an option each, as named above; a switch is yes or no
  VIRTUAL_ENV       the active virtual environment, whose Python runs plugins
  NO_COLOR          no colour, unless --color says always
  FORCE_HYPERLINK   1: file names are links on this terminal; 0: never

Files:
  watch.toml    settings; for editors: schema/watch.schema.json
  plugin.json   makes a folder a plugin; for editors: schema/plugin.schema.json";

/// What `replug list --help` has beside its options.
pub(super) const LIST_MORE: &str = "\
Examples:
  replug list plugins/             a table; with --json, one object a line
  replug list --graph plugins/     who depends on whom and imports what, as a tree
  replug list --graph=dot | dot -Tsvg -o plugins.svg

Exit codes:
  0   done, also if there are no plugins
  1   a path is not there
  2   bad usage or configuration";

/// What `replug why --help` has beside its options.
pub(super) const WHY_MORE: &str = "\
Examples:
  replug why lib/money.py          with the folders that watch.toml names
  replug why helpers.py plugins/   with the plugins of this folder

Only import statements are seen, in own and in shared modules, also in functions and in branches that \
may never run. What a plugin imports by name, or reads while it starts, shows only when it runs: then \
`watch` tells it with `changed` and `because`.

Exit codes:
  0   done, also if no plugin would be reloaded
  2   bad usage or configuration";

/// What `replug check --help` has beside its options.
pub(super) const CHECK_MORE: &str = "\
Examples:
  replug check plugins/           every finding with its place and a remedy
  replug check --json plugins/    for an editor or CI: one object a line
  replug check -q                 errors only

Exit codes:
  0   nothing is wrong; there may be warnings
  1   something is wrong
  2   bad usage or configuration";

/// What `replug doctor --help` has beside its options.
pub(super) const DOCTOR_MORE: &str = "\
Examples:
  replug doctor plugins/           what is fine, what is not, and what to do
  replug doctor --json plugins/    one object a line, one a finding
  replug doctor -q                 only what will not work

Exit codes:
  0   everything works; there may be warnings
  1   something will not work
  2   bad usage or configuration";

/// What `replug exec --help` has beside its options.
pub(super) const EXEC_MORE: &str = "\
Examples:
  replug exec com.example.clock 'plugin.ticks()' plugins/
  replug exec com.example.clock 'context.get_service(\"clock\").now()'
  replug exec --json com.example.clock 'plugin.ticks()'    {\"id\":…,\"value\":…}

Exit codes:
  0   the code ran
  1   it raised, or the plugin could not be loaded
  2   bad usage or configuration";

/// What `replug bridge --help` has beside its options.
pub(super) const BRIDGE_MORE: &str = "\
Examples:
  replug bridge                    as a host program starts it
  replug bridge --watch            the same, and a save reloads what it touches
  python -m qtforge.bridge         the same, with the Python package

Plugins are loaded by request. Deadlines, the mode of reloads and the configuration of plugins come \
from watch.toml, if it is there; what it says of folders and isolation has no meaning here.

Exit codes:
  0   a shutdown was asked for, stdin ended, or SIGINT or SIGTERM came
  1   a fatal fault
  2   bad usage or configuration, or no usable interpreter";

/// What `replug new --help` has beside its options.
pub(super) const NEW_MORE: &str = "\
Examples:
  replug new clock                          clock.py, a plugin of one file
  replug new --folder plugins/my.shop       plugins/shop/ with plugin.json

Exit codes:
  0   written
  1   it could not be written, or something is there already
  2   bad usage";
