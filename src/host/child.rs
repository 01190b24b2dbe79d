//! A host in a child process: whatever a plugin does, it ends that process and no other.
//!
//! The child is this program again, asked by a hidden command to serve two sockets. It leads a process
//! group of its own, so that a terminal's Ctrl-C does not reach it, and so that what plugins start
//! ends with it.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsRawFd, FromRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::client::{Client, Link};
use super::contents::Contents;
use super::message::{Request, Response, Telling, Word};
use super::patience::{Due, Patient, stop_signal, wait_for_the_end};
use super::prints::{Printing, Prints};
use super::serve::{ASIDE, CHANNEL, CRASH};
use super::{Death, Limits, Note, Slot, death, program, wire};
use crate::model::{PluginId, Site};
use crate::python::StartupError;

/// A process that lived this long was not killed by what started it.
const LONG_LIFE: Duration = Duration::from_secs(10);

/// The longest pause before another process is started.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a process may take to end after its sockets closed.
const LAST_BREATH: Duration = Duration::from_secs(1);

/// How long it may be stopped while it starts.
const START: Duration = Duration::from_secs(30);

/// How long it may be stopped while it does what is no plugin's.
const CHORE: Duration = Duration::from_secs(3);

/// How to start the child.
#[derive(Clone, Default)]
pub struct ChildOptions {
    /// The interpreter that was asked for, if one was.
    pub python: Option<PathBuf>,
    /// What the child logs, as for its `--log` option.
    pub log: String,
    /// Where what plugins print goes, line by line; without it, where our own goes, as it is.
    pub printing: Option<Printing>,
    /// Where compiled code is kept, if it is.
    pub cache: Option<PathBuf>,
    /// Gives the terminal to the process group named, for a debugger, or takes it back; whether that
    /// could be done.
    pub terminal: Option<Terminal>,
}

/// Why there is no child.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// The interpreter that the user named cannot be used.
    #[error("{0}")]
    Usage(String),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// See [`ChildOptions::terminal`].
pub type Terminal = Arc<dyn Fn(Option<u32>) -> bool + Send + Sync>;

/// Shortens the call that is under way in the child, from any thread.
pub type Hurry = Box<dyn Fn(Duration) + Send + Sync>;

/// Starts a child. What plugins import after their start arrives at `notes`; `gone` is told when the
/// child has ended unasked.
///
/// # Errors
/// [`SpawnError`].
pub fn spawn(
    options: ChildOptions,
    notes: Sender<Note>,
    gone: Sender<()>,
) -> Result<(Client, Hurry), SpawnError> {
    let aside: Aside = Arc::default();
    let due = Due::default();
    let mut link = ChildLink {
        options,
        notes,
        gone,
        aside: aside.clone(),
        due: due.clone(),
        limits: BTreeMap::new(),
        process: None,
        unanswered: VecDeque::new(),
        interrupted: Vec::new(),
        early: VecDeque::new(),
        contents: Contents::default(),
        deaths: 0,
    };
    let site = link.start()?;
    let hurry = move |limit: Duration| {
        due.hurry(limit);
        if let Some(aside) = lock(&aside).as_mut() {
            // If it cannot be sent the child is gone, and that is told elsewhere.
            let _ = wire::write(aside, &Word::Hurry(limit));
        }
    };
    Ok((Client::new(Box::new(link), site), Box::new(hurry)))
}

/// The socket for what does not wait for its turn.
type Aside = Arc<Mutex<Option<UnixStream>>>;

fn lock(aside: &Aside) -> MutexGuard<'_, Option<UnixStream>> {
    aside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the child may be stopped before it is ended; `None` if for ever.
fn limit(request: &Request, limits: Option<&Limits>) -> Option<Duration> {
    match request {
        Request::Start(_) | Request::Restore(_) | Request::Call(..) | Request::Exec(..) => {
            limits.map(|limits| limits.phase)
        }
        Request::Stop(..) | Request::Forget(_) => {
            Some(limits.map_or(CHORE, |limits| limits.shutdown))
        }
        Request::Compile(_)
        | Request::Share(_)
        | Request::Replace(_)
        | Request::Settle(..)
        | Request::Inspect
        | Request::Expect(_)
        | Request::Meanwhile
        | Request::GoOn
        | Request::Granted(_)
        | Request::Finish => Some(CHORE),
    }
}

struct ChildLink {
    options: ChildOptions,
    notes: Sender<Note>,
    gone: Sender<()>,
    aside: Aside,
    /// When the answer to the latest request is due.
    due: Due,
    /// How long the calls of each plugin may take.
    limits: BTreeMap<PluginId, Limits>,
    process: Option<Process>,
    /// What was asked for and is not answered yet.
    unanswered: VecDeque<Unanswered>,
    /// The same of calls in the midst of which others began, because of a wish.
    interrupted: Vec<VecDeque<Unanswered>>,
    /// Answers that had to be taken before anybody waited for them.
    early: VecDeque<Response>,
    contents: Contents,
    /// How many processes in a row have died young.
    deaths: u32,
}

/// A request on its way, or under way.
struct Unanswered {
    /// Whose code it runs.
    about: Option<PluginId>,
    /// It ends a live generation.
    stopping: bool,
    /// The process was stopped when it was sent, so whoever it is about has not done that.
    innocent: bool,
    /// How long the process may be stopped meanwhile.
    limit: Option<Duration>,
    /// Of its frame.
    bytes: usize,
}

/// So many bytes of requests fit into any socket. With more under way both sides could wait for the
/// other to read.
const MOST_BYTES_UNANSWERED: usize = 64 * 1024;

struct Process {
    child: Child,
    channel: BufReader<Patient>,
    crash: File,
    prints: Option<Prints>,
    born: Instant,
    /// It is expected to end.
    finished: Arc<AtomicBool>,
    /// The other end of one of the sockets is closed.
    silent: Arc<AtomicBool>,
}

impl ChildLink {
    fn start(&mut self) -> Result<Site, SpawnError> {
        let failed = |error: io::Error| SpawnError::Failed(format!("no host process: {error}"));
        let (channel, their_channel) = UnixStream::pair().map_err(failed)?;
        let (aside, their_aside) = UnixStream::pair().map_err(failed)?;
        let crash = memory_file().map_err(failed)?;
        let inherited = [
            (their_channel.as_raw_fd(), CHANNEL),
            (crash.as_raw_fd(), CRASH),
            (their_aside.as_raw_fd(), ASIDE),
        ];
        let (child, prints) = self.spawn(inherited)?;
        drop((their_channel, their_aside));
        let listening = aside.try_clone().map_err(failed)?;
        *lock(&self.aside) = Some(aside);
        let finished = Arc::new(AtomicBool::new(false));
        let silent = Arc::new(AtomicBool::new(false));
        let debugged = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            notes: self.notes.clone(),
            gone: self.gone.clone(),
            finished: finished.clone(),
            silent: silent.clone(),
            terminal: self.options.terminal.clone(),
            group: child.id(),
            debugged: debugged.clone(),
            prints: prints.clone(),
        };
        let thread = thread::Builder::new().name("host".to_owned());
        thread.spawn(move || reader.run(listening)).map_err(failed)?;
        self.due.begin(Some(START));
        let channel = Patient::new(channel, child.id(), self.due.clone(), debugged);
        let channel = BufReader::new(channel.map_err(failed)?);
        let born = Instant::now();
        let process = Process { child, channel, crash, prints, born, finished, silent };
        self.process = Some(process);
        match self.receive() {
            Some(Response::Ready(site)) => Ok(*site),
            Some(Response::Refused(message, true)) => Err(SpawnError::Usage(message)),
            Some(Response::Refused(message, false)) => Err(SpawnError::Failed(message)),
            _ => {
                let death = self.bury().map(|death| death.fault.message).unwrap_or_default();
                Err(SpawnError::Failed(format!("the host process did not start: {death}")))
            }
        }
    }

    /// Starts the process. What holds the other ends of its pipes here is gone when this returns.
    fn spawn(&self, inherited: [(RawFd, RawFd); 3]) -> Result<(Child, Option<Prints>), SpawnError> {
        let failed = |error: io::Error| SpawnError::Failed(format!("no host process: {error}"));
        let mut command = program::command(&self.options).map_err(refused)?;
        program::inherit(&mut command, inherited).map_err(failed)?;
        let Some(printing) = &self.options.printing else {
            return Ok((command.spawn().map_err(failed)?, None));
        };
        // Another one each time, so that nothing looks like it by chance.
        let mark = format!("{:016x}", RandomState::new().hash_one(0));
        let prints = Prints::attach(&mut command, printing, &mark).map_err(failed)?;
        let child = command.arg("--tag-prints").arg(&mark).spawn().map_err(failed)?;
        prints.start().map_err(failed)?;
        Ok((child, Some(prints)))
    }

    /// The next answer from the socket.
    fn take(&mut self) -> Option<Response> {
        let process = self.process.as_mut()?;
        match wire::read(&mut process.channel) {
            Ok(Some(mut response)) => {
                // A wish is no answer: that call is still under way.
                if !matches!(response, Response::Wish(_)) {
                    let answered = self.unanswered.pop_front();
                    let about = answered.as_ref().and_then(|answered| answered.about.as_ref());
                    self.contents.complete_answer(about, &mut response);
                    self.attend();
                }
                Some(response)
            }
            Ok(None) | Err(_) => {
                process.silent.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// What is asked from now on is answered before what was asked for until now, or that is over.
    fn nest(&mut self, request: &Request) {
        if matches!(request, Request::Meanwhile) {
            self.interrupted.push(std::mem::take(&mut self.unanswered));
        } else {
            self.unanswered = self.interrupted.pop().unwrap_or_default();
            self.attend();
        }
    }

    /// Whose call it is that is under way now, and when it is due.
    fn attend(&self) {
        let next = self.unanswered.front();
        if let Some(next) = next {
            self.due.begin(next.limit);
        }
        if let Some(prints) = self.process.as_ref().and_then(|process| process.prints.as_ref()) {
            prints.call(next.and_then(|next| next.about.as_ref()));
        }
    }

    /// What became of a process that does not answer any more.
    fn bury(&mut self) -> Option<Death> {
        *lock(&self.aside) = None;
        let mut process = self.process.take()?;
        // Nobody answers those any more. The first of them was under way, within the first of the
        // calls that it interrupted.
        let within = std::mem::take(&mut self.interrupted).into_iter().rev().flatten();
        let first = self.unanswered.drain(..).chain(within).next();
        self.early.clear();
        self.contents = Contents::default();
        let ending = end_of(&mut process.child);
        end_group(process.child.id());
        let status = process.child.wait().ok()?;
        if let Some(prints) = &process.prints {
            prints.end();
        }
        let mut crash = String::new();
        let read = process.crash.seek(SeekFrom::Start(0)).and_then(|_| {
            let mut bytes = Vec::new();
            let count = process.crash.read_to_end(&mut bytes)?;
            crash = String::from_utf8_lossy(&bytes).into_owned();
            Ok(count)
        });
        if let Err(error) = read {
            tracing::debug!(%error, "nothing is known of the crash");
        }
        let lived_long = process.born.elapsed() > LONG_LIFE;
        self.deaths = if lived_long { 1 } else { self.deaths + 1 };
        let first = first.filter(|_| !death::is_innocent(status, &crash));
        let fault = match process.channel.get_ref().stopped_by {
            Some(signal) => death::describe_stopped(signal),
            None => death::describe(ending.then_some(status), &crash),
        };
        Some(Death {
            while_stopping: first.as_ref().is_some_and(|first| first.stopping),
            culprit: first.filter(|first| !first.innocent).and_then(|first| first.about),
            fault,
        })
    }
}

impl Link for ChildLink {
    fn send(&mut self, mut request: Request, about: Option<&PluginId>) -> bool {
        self.contents.shorten(&mut request);
        let Ok(frame) = wire::frame(&request) else { return false };
        let bytes = frame.len();
        let under_way: usize = self.unanswered.iter().map(|other| other.bytes).sum();
        if under_way + bytes > MOST_BYTES_UNANSWERED {
            while !self.unanswered.is_empty()
                && let Some(response) = self.take()
            {
                // Whoever has a wish reads everything.
                let reads = matches!(response, Response::Wish(_));
                self.early.push_back(response);
                if reads {
                    break;
                }
            }
        }
        let Some(process) = &mut self.process else { return false };
        // What was under way when it died stays known.
        if process.silent.load(Ordering::Relaxed) {
            return false;
        }
        if matches!(request, Request::Finish) {
            process.finished.store(true, Ordering::Relaxed);
        }
        if matches!(request, Request::Meanwhile | Request::GoOn) {
            let sent = process.channel.get_mut().write_all(&frame).is_ok();
            self.nest(&request);
            return sent;
        }
        let stopping = about.is_some() && matches!(request, Request::Stop(_, Slot::Live));
        if self.unanswered.is_empty()
            && let Some(prints) = &process.prints
        {
            prints.call(about);
        }
        let innocent = stop_signal(process.child.id()).is_some();
        if let Request::Start(start) = &request {
            self.limits.insert(start.key.clone(), start.limits);
        }
        let limit = limit(&request, about.and_then(|plugin| self.limits.get(plugin)));
        if self.unanswered.is_empty() {
            self.due.begin(limit);
        }
        let sent = process.channel.get_mut().write_all(&frame).is_ok();
        if !sent {
            process.silent.store(true, Ordering::Relaxed);
        }
        self.unanswered.push_back(Unanswered {
            about: about.cloned(),
            stopping,
            innocent,
            limit,
            bytes,
        });
        sent
    }

    fn receive(&mut self) -> Option<Response> {
        self.early.pop_front().or_else(|| self.take())
    }

    fn death(&mut self) -> Option<Death> {
        let process = self.process.as_ref()?;
        let dead = process.silent.load(Ordering::Relaxed);
        if dead { self.bury() } else { None }
    }

    fn process(&self) -> Option<u32> {
        self.process.as_ref().map(|process| process.child.id())
    }

    fn pause(&self) -> Duration {
        let doublings = self.deaths.checked_sub(2);
        let pause = doublings.map(|count| Duration::from_millis(100) * 2_u32.pow(count.min(6)));
        pause.unwrap_or_default().min(LONGEST_PAUSE)
    }

    fn revive(&mut self) -> Result<(), String> {
        self.start().map(|_| ()).map_err(|error| error.to_string())
    }

    fn close(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It leaves by itself if it was told; what plugins left running in its group does not.
            if !process.silent.load(Ordering::Relaxed) && process.finished.load(Ordering::Relaxed) {
                wait_for_the_end(&process.child);
            }
            end_group(process.child.id());
            let _ = process.child.wait();
            if let Some(prints) = &process.prints {
                prints.end();
            }
        }
        *lock(&self.aside) = None;
    }
}

impl Drop for ChildLink {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            end_group(process.child.id());
            let _ = process.child.wait();
        }
    }
}

/// Listens to what the child says unasked, and to its end.
struct Reader {
    notes: Sender<Note>,
    gone: Sender<()>,
    finished: Arc<AtomicBool>,
    silent: Arc<AtomicBool>,
    terminal: Option<Terminal>,
    /// Of the child.
    group: u32,
    /// It has the terminal.
    debugged: Arc<AtomicBool>,
    prints: Option<Prints>,
}

impl Reader {
    fn run(self, aside: UnixStream) {
        let mut words = BufReader::new(&aside);
        while let Ok(Some(telling)) = wire::read(&mut words) {
            match telling {
                // If nobody wants to know, that is no end of the child.
                Telling::Note(note) => _ = self.notes.send(*note),
                Telling::Terminal(wanted) => {
                    let done = self.lend(wanted);
                    // If nobody is there to hear it, nobody uses it.
                    let _ = wire::write(&mut &aside, &Word::Terminal(done));
                }
            }
        }
        self.lend(false);
        self.silent.store(true, Ordering::Relaxed);
        if !self.finished.load(Ordering::Relaxed) {
            let _ = self.gone.send(());
        }
    }
}

impl Reader {
    fn lend(&self, wanted: bool) -> bool {
        if let Some(prints) = &self.prints {
            prints.show();
        }
        let done =
            self.terminal.as_ref().is_some_and(|terminal| terminal(wanted.then_some(self.group)));
        self.debugged.store(wanted && done, Ordering::Relaxed);
        done
    }
}

#[expect(unsafe_code, reason = "anonymous files are C API only")]
fn memory_file() -> io::Result<File> {
    // SAFETY: the name is a C string, and the new descriptor is nobody else's.
    unsafe {
        let descriptor = libc::memfd_create(c"crash".as_ptr(), libc::MFD_CLOEXEC);
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(File::from_raw_fd(descriptor))
    }
}

fn refused(error: StartupError) -> SpawnError {
    match error {
        StartupError::Failed(message) => SpawnError::Failed(message),
        error => SpawnError::Usage(error.to_string()),
    }
}

/// Whether a process that does not talk any more has ended by itself. Its sockets close a moment
/// before it can be waited for.
fn end_of(child: &mut Child) -> bool {
    let began = Instant::now();
    while began.elapsed() < LAST_BREATH {
        match child.try_wait() {
            Ok(None) => thread::sleep(Duration::from_millis(1)),
            Ok(Some(_)) => return true,
            Err(_) => break,
        }
    }
    false
}

#[expect(unsafe_code, reason = "process groups are C API only")]
pub(super) fn end_group(leader: u32) {
    let Ok(leader) = i32::try_from(leader) else { return };
    // SAFETY: the child made itself the leader of that group before it ran anything, and it was not
    // waited for yet or has just been, so the number is not anybody else's.
    unsafe {
        libc::kill(-leader, libc::SIGKILL);
    }
}
