//! A folder of its own for one test: the watched root in it, and beside the root the log file that
//! plugins write to, `watch.toml`, and whatever must not be watched.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use tempfile::TempDir;

use super::event::Event;
use super::plugin::Plugin;
use super::watch::Watch;

pub(crate) struct Scene {
    // Held for its end, which removes the folder.
    _dir: TempDir,
    dir: PathBuf,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self::within(&env::temp_dir())
    }

    /// A scene in a place where others do less than in the usual one: whatever happens in a folder
    /// above a root is told as well.
    pub(crate) fn aside() -> Self {
        let memory = Path::new("/dev/shm");
        let usable = tempfile::tempfile_in(memory).is_ok();
        if usable { Self::within(memory) } else { Self::new() }
    }

    fn within(place: &Path) -> Self {
        let dir = tempfile::Builder::new().prefix("replug-e2e-").tempdir_in(place).unwrap();
        let path = dir.path().canonicalize().unwrap();
        fs::create_dir(path.join("plugins")).unwrap();
        Self { _dir: dir, dir: path }
    }

    /// A scene whose root holds the plugins named, each in `<id>.py`.
    pub(crate) fn with(ids: &[&str]) -> Self {
        let scene = Self::new();
        for id in ids {
            scene.plugin(id).save(&format!("{id}.py"));
        }
        scene
    }

    // --- files ----------------------------------------------------------------------------------

    /// The watched folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.join("plugins")
    }

    /// A path in the watched folder.
    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.root().join(name)
    }

    /// A path beside the watched folder.
    pub(crate) fn outside(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.join(name)
    }

    /// Writes a file of the watched folder in place, with the folders that it needs.
    pub(crate) fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        put(self.path(name), text.as_ref())
    }

    /// Writes a file beside the watched folder.
    pub(crate) fn write_outside(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) -> PathBuf {
        put(self.outside(name), text.as_ref())
    }

    pub(crate) fn remove(&self, name: impl AsRef<Path>) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// A plugin to be written, of generation `one` unless told otherwise.
    pub(crate) fn plugin(&self, id: &str) -> Plugin<'_> {
        Plugin::new(self, id)
    }

    /// The second plugin that `Watch::assert_quiet` needs, in a folder where it is in nobody's way.
    pub(crate) fn probe(&self) -> &Self {
        self.plugin("probe").save("zz-probe/probe.py");
        self
    }

    // --- what plugins told ----------------------------------------------------------------------

    pub(crate) fn log_file(&self) -> PathBuf {
        self.dir.join("log.txt")
    }

    /// Lines of Python that define `log(line)`.
    pub(crate) fn log_function(&self) -> String {
        format!(
            "def log(line):\n    with open({:?}, \"a\", encoding=\"utf-8\") as file:\n        \
             file.write(str(line) + \"\\n\")\n",
            self.log_file()
        )
    }

    /// All that plugins told, line by line, without what the probe did.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log_file()).unwrap_or_default();
        text.lines().filter(|line| !line.starts_with("probe ")).map(str::to_owned).collect()
    }

    /// What was told since the last call of this.
    pub(crate) fn take_log(&self) -> Vec<String> {
        let lines = self.log();
        let _ = fs::remove_file(self.log_file());
        lines
    }

    /// How often exactly this line was told.
    pub(crate) fn told(&self, line: &str) -> usize {
        self.log().iter().filter(|told| *told == line).count()
    }

    // --- the program ----------------------------------------------------------------------------

    /// Where the program keeps what it compiled.
    pub(crate) fn caches(&self) -> PathBuf {
        self.dir.join("caches")
    }

    /// The program with nothing of the tester's own environment that would change what it does.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_replug"));
        command.args(args).current_dir(&self.dir).env("XDG_CACHE_HOME", self.caches());
        for (name, _) in env::vars_os() {
            let replug = name.to_str().is_some_and(|name| name.starts_with("REPLUG_"));
            if replug || name == "VIRTUAL_ENV" || name == "PYTHONDONTWRITEBYTECODE" {
                command.env_remove(name);
            }
        }
        command
    }

    pub(crate) fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Watch {
        let mut watch = Watch::start(self.command(args));
        watch.probe = self.path("zz-probe/probe.py");
        watch
    }

    /// `replug watch --json ROOT`, from its first line on.
    pub(crate) fn watch(&self) -> Watch {
        self.start([OsStr::new("watch"), OsStr::new("--json"), self.root().as_os_str()])
    }

    /// The same, after `ready`.
    pub(crate) fn watching(&self) -> Watch {
        let mut watch = self.watch();
        watch.wait_ready();
        watch
    }

    /// `replug watch --json ROOT` with further options, after `ready`.
    pub(crate) fn watching_with(&self, options: &[&str]) -> Watch {
        let root = self.root();
        let mut args = vec![OsStr::new("watch"), OsStr::new("--json")];
        args.extend(options.iter().map(OsStr::new));
        args.push(root.as_os_str());
        let mut watch = self.start(args);
        watch.wait_ready();
        watch
    }

    /// Watches until `ready` and gives all events up to it.
    pub(crate) fn first_pass(&self) -> (Watch, Vec<Event>) {
        let watch = self.watching();
        let events = watch.seen.clone();
        (watch, events)
    }
}

fn put(path: PathBuf, text: &[u8]) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}
