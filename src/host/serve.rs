//! The child's side: the same host as in one process, served over two sockets.
//!
//! Over the channel go requests and answers, one after the other, from thread to thread without
//! anybody between: each hand-over costs the user time. Beside it, over the aside, goes what does not
//! wait for a turn: the supervisor's hurry and its end, and what was imported long after a start.
//! The two threads that look after the aside need no GIL, so a plugin that hangs cannot stop them.

use std::io::BufReader;
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crossbeam_channel::{Receiver, Sender, select, unbounded};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

use super::contents::Contents;
use super::death::{MARK, Spoiled};
use super::local::{LocalOptions, Requests, Starting, carry_out_all};
use super::message::{Request, Response, Telling, Word};
use super::{Note, wire};
use crate::model::PluginId;
use crate::python::{AskTerminal, Interpreter, StartupError, Urgency, take_no_signals};

/// The descriptor of the socket for requests and answers.
pub(super) const CHANNEL: i32 = 3;

/// The descriptor of the file that a crash is described in.
pub(crate) const CRASH: i32 = 4;

/// The descriptor of the socket for what does not wait for its turn.
pub(super) const ASIDE: i32 = 5;

/// The exit code of a process whose plugins have closed its sockets.
pub(super) const CUT_OFF: i32 = 121;

/// Serves one supervisor until it says so or is gone; the exit code. `tag_prints` is what the tags
/// begin with that say whose output it is.
#[expect(unsafe_code, reason = "inherited descriptors are numbers")]
pub fn serve(python: Option<PathBuf>, tag_prints: Option<String>, cache: Option<PathBuf>) -> u8 {
    // What plugins start shall not hold any of these open.
    for descriptor in [CHANNEL, CRASH, ASIDE] {
        close_on_exec(descriptor);
    }
    // They are never closed, for a plugin that does so would make us close somebody else's.
    // SAFETY: the supervisor put these sockets there for us, and nobody else in this process knows.
    let [channel, aside]: [&'static UnixStream; 2] = [CHANNEL, ASIDE]
        .map(|descriptor| &*Box::leak(Box::new(unsafe { UnixStream::from_raw_fd(descriptor) })));
    lead_nowhere_in_forked_copies();
    let contents: Arc<Mutex<Contents>> = Arc::default();
    let requests = FromSupervisor { reading: BufReader::new(channel), contents: contents.clone() };
    let answer = move |about: Option<&PluginId>, mut response| {
        let mut contents = contents.lock().unwrap_or_else(PoisonError::into_inner);
        contents.shorten_answer(about, &mut response);
        drop(contents);
        tell(channel, &response) || end(channel)
    };
    let (notes, noted) = unbounded();
    let (wishes, wished) = unbounded();
    let (granted, answers) = unbounded();
    let terminal: AskTerminal =
        Arc::new(move |wanted| wishes.send(wanted).is_ok() && answers.recv().unwrap_or_default());
    let chosen = match Interpreter::choose(python.as_deref()) {
        Ok(chosen) => chosen,
        Err(error) => {
            refuse(channel, &error);
            return 1;
        }
    };
    let options = LocalOptions { python, expendable: true, tag_prints, cache, terminal };
    let signals = take_no_signals();
    let body = move || {
        signals.restore();
        let started = move |outcome: Starting| match outcome {
            Ok((site, urgency)) => {
                look_after(aside, urgency, granted, noted, wished)
                    && tell(channel, &Response::Ready(Box::new(site)))
            }
            Err(error) => {
                refuse(channel, &error);
                false
            }
        };
        carry_out_all(&chosen, &options, notes, requests, answer, started);
    };
    match Interpreter::on_main_thread(body) {
        Ok(ended) => u8::from(!ended.wait()),
        Err(_) => 1,
    }
}

/// What the supervisor asks for.
struct FromSupervisor {
    reading: BufReader<&'static UnixStream>,
    contents: Arc<Mutex<Contents>>,
}

impl Requests for FromSupervisor {
    // Nothing is read after the last request, so an end of this one means that the supervisor is
    // gone. Whichever socket is seen to end first: what plugins started ends with us.
    fn next(&mut self) -> Option<Request> {
        let request = wire::read::<Request>(&mut self.reading);
        let mut request = request.ok().flatten().unwrap_or_else(|| end(self.reading.get_ref()));
        self.contents.lock().unwrap_or_else(PoisonError::into_inner).complete(&mut request);
        Some(request)
    }

    fn is_idle(&self) -> bool {
        let mut channel = [PollFd::new(*self.reading.get_ref(), PollFlags::IN)];
        let nothing_came = matches!(poll(&mut channel, Some(&Timespec::default())), Ok(0));
        self.reading.buffer().is_empty() && nothing_came
    }
}

fn refuse(channel: &UnixStream, error: &StartupError) {
    let usage = !matches!(error, StartupError::Failed(_));
    tell(channel, &Response::Refused(error.to_string(), usage));
}

/// Starts the two threads for what does not wait for its turn; whether they run.
fn look_after(
    aside: &'static UnixStream,
    urgency: Urgency,
    granted: Sender<bool>,
    noted: Receiver<Note>,
    wished: Receiver<bool>,
) -> bool {
    let helpers = [
        thread::Builder::new()
            .name("hurry".to_owned())
            .spawn(move || heed_supervisor(aside, &urgency, &granted)),
        thread::Builder::new()
            .name("notes".to_owned())
            .spawn(move || tell_asides(&noted, &wished, aside)),
    ];
    helpers.iter().all(Result::is_ok)
}

/// Whether there was anybody to tell it to.
fn tell(mut out: &UnixStream, message: &impl Serialize) -> bool {
    let written = wire::write(&mut out, message);
    if let Err(error) = &written {
        tracing::debug!(%error, "the supervisor does not listen any more");
    }
    written.is_ok()
}

fn heed_supervisor(aside: &UnixStream, urgency: &Urgency, granted: &Sender<bool>) {
    take_no_signals();
    let mut words = BufReader::new(aside);
    while let Ok(Some(word)) = wire::read(&mut words) {
        match word {
            Word::Hurry(limit) => urgency.hurry(limit),
            // Whoever asked waits for it.
            Word::Terminal(done) => _ = granted.send(done),
        }
    }
    end(aside);
}

fn tell_asides(notes: &Receiver<Note>, wishes: &Receiver<bool>, out: &UnixStream) {
    take_no_signals();
    loop {
        let telling = select! {
            recv(notes) -> note => note.map(|note| Telling::Note(Box::new(note))),
            recv(wishes) -> wish => wish.map(Telling::Terminal),
        };
        let Ok(telling) = telling else { return };
        tell(out, &telling);
    }
}

/// A copy that a plugin forks would hold the sockets open, and describe its own end as ours.
#[expect(unsafe_code, reason = "what happens in a fork is C API only")]
fn lead_nowhere_in_forked_copies() {
    extern "C" fn lead_nowhere() {
        // SAFETY: all of these are allowed in a copy that has none of our threads.
        unsafe {
            let nowhere = libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC);
            for descriptor in [CHANNEL, CRASH, ASIDE] {
                libc::dup2(nowhere, descriptor);
                libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
            }
            libc::close(nowhere);
        }
    }
    // SAFETY: the handler does what is allowed in one. If it cannot be registered, only a crash
    // beside a forked copy is noticed late.
    unsafe {
        libc::pthread_atfork(None, None, Some(lead_nowhere));
    }
}

/// Nothing more comes from the supervisor: it is gone, however it ended, and so are we and what
/// plugins started. Or a plugin has closed the socket, which the exit code says.
#[expect(unsafe_code, reason = "process groups are C API only")]
fn end(socket: &UnixStream) -> ! {
    // SAFETY: this process leads its group, which has nobody in it but what plugins started; what
    // is asked of a closed descriptor is an error.
    unsafe {
        let is_open = libc::fcntl(socket.as_raw_fd(), libc::F_GETFD) >= 0;
        if is_open {
            libc::kill(0, libc::SIGKILL);
        }
        libc::_exit(CUT_OFF)
    }
}

#[expect(unsafe_code, reason = "numbered descriptors are C API only")]
fn close_on_exec(descriptor: i32) {
    // SAFETY: only a flag of a descriptor that the supervisor gave us.
    unsafe {
        libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC);
    }
}

/// Ends this process because its interpreter is broken; the crash file says in what way.
#[expect(unsafe_code, reason = "writing to an inherited descriptor, and leaving at once")]
pub(crate) fn end_spoiled(what: &str, when: Spoiled) -> ! {
    let line = format!("{MARK}{}\n", what.replace('\n', " "));
    // SAFETY: the bytes are alive for the call; leaving has no preconditions.
    unsafe {
        libc::write(CRASH, line.as_ptr().cast(), line.len());
        libc::_exit(when.code())
    }
}
