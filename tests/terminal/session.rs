//! A pseudo terminal with a program in it, and a folder of plugins for it to watch.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;
use std::{env, fs, thread};

use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, ioctl_tiocsctty, kill_process, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use tempfile::TempDir;

/// Longer than anything may take on the busiest machine; it is reached only by a failing test.
const DEADLINE: Duration = Duration::from_secs(60);

/// A folder with plugins in `plugins/`.
pub(crate) struct Scene {
    dir: TempDir,
}

impl Scene {
    /// A scene with a plugin of each id.
    pub(crate) fn with(ids: &[&str]) -> Self {
        Self::within(&env::temp_dir(), ids)
    }

    /// The same in a place where others do less than in the usual one: whatever happens in a folder
    /// above a root is told as well.
    pub(crate) fn aside(ids: &[&str]) -> Self {
        let memory = Path::new("/dev/shm");
        let usable = tempfile::tempfile_in(memory).is_ok();
        if usable { Self::within(memory, ids) } else { Self::with(ids) }
    }

    fn within(place: &Path, ids: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("replug-tty-").tempdir_in(place).unwrap();
        let scene = Self { dir };
        fs::create_dir(scene.dir.path().join("plugins")).unwrap();
        for id in ids {
            scene.plugin(id, "pass");
        }
        scene
    }

    /// A plugin that does `body` in its `initialize`; `shutdown` is there to be replaced.
    pub(crate) fn plugin(&self, id: &str, body: &str) {
        self.write(id, &format!("import qtforge\nPLUGIN_METADATA = {{'id': '{id}'}}\n\ndef initialize():\n    {body}\n"));
    }

    pub(crate) fn write(&self, id: &str, text: &str) {
        fs::write(self.path(id), text).unwrap();
    }

    pub(crate) fn path(&self, id: &str) -> PathBuf {
        self.dir.path().join(format!("plugins/{id}.py"))
    }

    /// `replug`, as a person would call it on the plugins.
    pub(crate) fn replug(&self, options: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_replug"));
        command.args(options).arg("plugins");
        command
    }

    /// A program in this folder, with nothing of the tester's own terminal, and without colour.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.dir.path());
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let kept = ["PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR"].contains(&text.as_ref());
            if !kept {
                command.env_remove(&name);
            }
        }
        command.env("XDG_CACHE_HOME", self.dir.path().join("caches"));
        command.env("TERM", "xterm").env("TZ", "UTC").env("NO_COLOR", "1");
        command
    }

    /// `replug` in a terminal, once it is ready.
    pub(crate) fn session(&self, options: &[&str]) -> Session {
        let mut session = Session::start(self.replug(options));
        session.wait("ready: ");
        session.wait("\n");
        session
    }
}

/// A program in a terminal of its own. Dropped, it is killed.
pub(crate) struct Session {
    pid: Pid,
    exit: Receiver<ExitStatus>,
    ended: Option<ExitStatus>,
    keyboard: File,
    /// The program's side, held so that the terminal outlives the program.
    terminal: OwnedFd,
    tape: Arc<Tape>,
    /// How much of the tape was waited for.
    read: usize,
}

#[derive(Default)]
struct Tape {
    text: Mutex<String>,
    moved: Condvar,
}

impl Session {
    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_pid().cast_unsigned()
    }

    /// Starts the program in a terminal of 24 rows and 80 columns.
    pub(crate) fn start(command: Command) -> Self {
        Self::start_wide(command, 80)
    }

    #[expect(unsafe_code, reason = "what happens between fork and exec is unsafe by nature")]
    pub(crate) fn start_wide(mut command: Command, columns: u16) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let name = ptsname(&master, Vec::new()).unwrap();
        let terminal = rustix::fs::open(name, flags, Mode::empty()).unwrap();
        let side = || Stdio::from(terminal.try_clone().unwrap());
        command.stdin(side()).stdout(side()).stderr(side());
        // SAFETY: both are single system calls, which are allowed after a fork.
        unsafe {
            command.pre_exec(|| {
                setsid()?;
                Ok(ioctl_tiocsctty(rustix::stdio::stdin())?)
            });
        }
        let screen = File::from(master);
        resize(&screen, columns);
        let mut child = command.spawn().unwrap();
        let pid = Pid::from_child(&child);
        let (send, exit) = mpsc::channel();
        thread::spawn(move || send.send(child.wait().unwrap()));
        let tape = Arc::new(Tape::default());
        let keyboard = screen.try_clone().unwrap();
        thread::spawn({
            let tape = Arc::clone(&tape);
            move || record(screen, &tape)
        });
        Self { pid, exit, ended: None, keyboard, terminal, tape, read: 0 }
    }

    // --- what is shown --------------------------------------------------------------------------

    /// Waits for `needle` in what was not waited for yet; gives what came before it and itself.
    pub(crate) fn wait(&mut self, needle: &str) -> String {
        let from = self.read;
        let find = |text: &str| text[from..].find(needle).map(|at| from + at + needle.len());
        let text = self.tape.text.lock().unwrap();
        let (text, _) = self
            .tape
            .moved
            .wait_timeout_while(text, DEADLINE, |text| find(text).is_none())
            .unwrap();
        let Some(end) = find(&text) else {
            let text = text.clone();
            panic!("{needle:?} never came after {:?}; all there is:\n{text}", &text[..from]);
        };
        self.read = end;
        text[from..end].to_owned()
    }

    /// All that was shown so far.
    pub(crate) fn shown(&self) -> String {
        self.tape.text.lock().unwrap().clone()
    }

    pub(crate) fn resize(&self, columns: u16) {
        resize(&self.keyboard, columns);
    }

    // --- what is done ---------------------------------------------------------------------------

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid, signal).unwrap();
    }

    /// Waits for the end of the program.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let status = self.exit.recv_timeout(DEADLINE).unwrap_or_else(|_| {
            panic!("it did not end; all it showed:\n{}", self.shown());
        });
        *self.ended.insert(status)
    }

    // --- the terminal ---------------------------------------------------------------------------

    /// Whether the terminal is as a shell wants it: whole lines, and what is typed is seen.
    pub(crate) fn is_plain(&self) -> bool {
        let modes = tcgetattr(&self.terminal).unwrap().local_modes;
        let plain = LocalModes::ICANON | LocalModes::ECHO;
        assert!(modes.contains(LocalModes::ISIG), "Ctrl-C would be no signal");
        assert_eq!(modes.contains(LocalModes::ICANON), modes.contains(LocalModes::ECHO));
        modes.contains(plain)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if self.ended.is_none() && self.exit.try_recv().is_err() {
            let _ = kill_process(self.pid, Signal::KILL);
            let _ = self.exit.recv_timeout(DEADLINE);
        }
    }
}

fn resize(terminal: &File, columns: u16) {
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}

/// Adds what is shown to the tape, with plain line ends.
fn record(mut screen: File, tape: &Tape) {
    let mut pending = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = screen.read(&mut buffer) {
        pending.extend_from_slice(&buffer[..count]);
        let whole = match std::str::from_utf8(&pending) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        // A break may come in two reads; its first half waits for the second.
        let whole = if pending[..whole].ends_with(b"\r") { whole - 1 } else { whole };
        let text: Vec<u8> = pending.drain(..whole).collect();
        let text = String::from_utf8(text).unwrap().replace("\r\n", "\n");
        tape.text.lock().unwrap().push_str(&text);
        tape.moved.notify_all();
    }
}
