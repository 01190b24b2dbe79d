//! The supervisor's side of a host, whatever lies between the two.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::message::{Request, Response};
use super::{Death, Host, Replacement, Sharing, Slot, Start, Started};
use crate::model::{Phase, PluginFault, PluginId, Site, Warning};
use crate::source::Source;

/// A way to where plugins run.
pub(super) trait Link {
    /// Sends a request; whether there was anybody to send it to. `about` is the plugin whose code
    /// runs until the answer comes.
    fn send(&mut self, request: Request, about: Option<&PluginId>) -> bool;

    /// Waits for the next answer; `None` if the other side is gone.
    fn receive(&mut self) -> Option<Response>;

    /// See [`Host::death`].
    fn death(&mut self) -> Option<Death>;

    /// See [`Host::process`].
    fn process(&self) -> Option<u32> {
        None
    }

    /// See [`Host::pause`].
    fn pause(&self) -> Duration;

    /// See [`Host::revive`].
    fn revive(&mut self) -> Result<(), String>;

    /// Everything was said; waits for the other side to end.
    fn close(&mut self);
}

/// A host at the other end of a link.
pub struct Client {
    link: Box<dyn Link + Send>,
    site: Site,
    /// What is being compiled though nobody asked for it yet; its answer is the next that comes.
    prepared: Option<Source>,
    /// The calls that were begun and not waited for yet: whether anybody was there to hear it.
    begun: VecDeque<bool>,
    /// The same of those in the midst of which others began, because of a wish.
    interrupted: Vec<VecDeque<bool>>,
    /// An answer that came in place of a wish.
    answer: Option<Response>,
}

impl Client {
    /// To the interpreter at `site`, by `link`.
    pub(super) fn new(link: Box<dyn Link + Send>, site: Site) -> Self {
        let (begun, interrupted) = (VecDeque::new(), Vec::new());
        Self { link, site, prepared: None, begun, interrupted, answer: None }
    }

    /// The interpreter's version, such as `3.11.7`.
    pub fn version(&self) -> &str {
        &self.site.version
    }

    fn ask(&mut self, request: Request, about: Option<&PluginId>) -> Option<Response> {
        self.take_prepared();
        if self.link.send(request, about) { self.receive() } else { None }
    }

    /// Asks for a call that is waited for later.
    fn send_call(&mut self, request: Request, about: &PluginId) {
        self.take_prepared();
        let sent = self.link.send(request, Some(about));
        self.begun.push_back(sent);
    }

    /// Waits for the first of those.
    fn end_call(&mut self) -> Option<Response> {
        let sent = self.begun.pop_front().unwrap_or_default();
        let answer = self.answer.take();
        sent.then(|| answer.or_else(|| self.receive())).flatten()
    }

    /// The next answer. Nobody waits for a wish, so nobody looks after one.
    fn receive(&mut self) -> Option<Response> {
        loop {
            match self.link.receive() {
                Some(Response::Wish(_)) => {
                    self.link.send(Request::Meanwhile, None);
                    self.link.send(Request::GoOn, None);
                }
                answer => return answer,
            }
        }
    }

    fn ask_done(&mut self, request: Request, about: Option<&PluginId>) -> Result<(), PluginFault> {
        done(self.ask(request, about))
    }

    /// What was compiled ahead, and what came of it.
    fn take_prepared(&mut self) -> Option<(Source, Result<(), PluginFault>)> {
        let source = self.prepared.take()?;
        Some((source, done(self.receive())))
    }
}

fn done(response: Option<Response>) -> Result<(), PluginFault> {
    match response {
        Some(Response::Done(result)) => result,
        _ => Err(gone()),
    }
}

fn gone() -> PluginFault {
    PluginFault::new(Phase::Host, "HostDied", "the process that plugins run in has died")
}

impl Host for Client {
    fn site(&self) -> Option<&Site> {
        Some(&self.site)
    }

    fn process(&self) -> Option<u32> {
        self.link.process()
    }

    fn prepare(&mut self, source: &Source) {
        self.take_prepared();
        // If nobody is there to compile it, the next question says so.
        let sent = self.link.send(Request::Compile(vec![source.clone()]), None);
        self.prepared = sent.then(|| source.clone());
    }

    fn compile(&mut self, sources: &[Source]) -> Result<(), PluginFault> {
        if sources.is_empty() {
            return Ok(());
        }
        match self.take_prepared() {
            Some((source, result)) if sources == std::slice::from_ref(&source) => result,
            _ => self.ask_done(Request::Compile(sources.to_vec()), None),
        }
    }

    fn begin(&mut self, start: Start) {
        let key = start.key.clone();
        self.send_call(Request::Start(Box::new(start)), &key);
    }

    fn expect(&mut self, services: &BTreeSet<String>) {
        let _ = self.ask_done(Request::Expect(services.clone()), None);
    }

    fn wish(&mut self) -> Option<String> {
        if self.answer.is_none() && self.begun.front() == Some(&true) {
            self.answer = self.link.receive();
        }
        match self.answer.take() {
            Some(Response::Wish(service)) => {
                self.link.send(Request::Meanwhile, None);
                self.interrupted.push(std::mem::take(&mut self.begun));
                Some(service)
            }
            answer => {
                self.answer = answer;
                None
            }
        }
    }

    fn go_on(&mut self) {
        self.take_prepared();
        self.link.send(Request::GoOn, None);
        self.begun = self.interrupted.pop().unwrap_or_default();
    }

    fn granted(&mut self, services: &[String]) {
        let _ = self.ask_done(Request::Granted(services.to_vec()), None);
    }

    fn started(&mut self) -> Started {
        match self.end_call() {
            Some(Response::Started(started)) => *started,
            _ => Started::failed(gone()),
        }
    }

    fn stop(&mut self, key: &PluginId, slot: Slot) -> Vec<Warning> {
        match self.ask(Request::Stop(key.clone(), slot), Some(key)) {
            Some(Response::Stopped(warnings)) => warnings,
            _ => Vec::new(),
        }
    }

    fn begin_restore(&mut self, key: &PluginId) {
        self.send_call(Request::Restore(key.clone()), key);
    }

    fn restored(&mut self) -> Result<(), PluginFault> {
        done(self.end_call())
    }

    fn forget(&mut self, key: &PluginId) {
        // An answer is waited for only to keep the two sides in step.
        let _ = self.ask_done(Request::Forget(key.clone()), Some(key));
    }

    fn share(&mut self, sharing: Sharing) {
        let _ = self.ask_done(Request::Share(sharing), None);
    }

    fn replace(&mut self, replacement: Replacement) {
        let _ = self.ask_done(Request::Replace(Box::new(replacement)), None);
    }

    fn settle(&mut self, for_good: bool, epoch: u64) {
        let _ = self.ask_done(Request::Settle(for_good, epoch), None);
    }

    fn begin_exec(&mut self, key: &PluginId, code: &str) {
        self.send_call(Request::Exec(key.clone(), code.to_owned()), key);
    }

    fn executed(&mut self) -> Result<Option<String>, PluginFault> {
        match self.end_call() {
            Some(Response::Value(value)) => value,
            _ => Err(gone()),
        }
    }

    fn begin_call(&mut self, key: &PluginId, method: &str, arguments: &str) {
        let call = Request::Call(key.clone(), method.to_owned(), arguments.to_owned());
        self.send_call(call, key);
    }

    fn death(&mut self) -> Option<Death> {
        self.link.death()
    }

    fn pause(&self) -> Duration {
        self.link.pause()
    }

    fn revive(&mut self) -> Result<(), String> {
        self.prepared = None;
        self.answer = None;
        self.link.revive()
    }

    fn inspect(&mut self) -> (Vec<(PluginId, Warning)>, Duration) {
        match self.ask(Request::Inspect, None) {
            Some(Response::Inspected(warnings, took)) => (warnings, took),
            _ => (Vec::new(), Duration::ZERO),
        }
    }

    fn finish(&mut self) {
        let _ = self.ask_done(Request::Finish, None);
        self.link.close();
    }
}
