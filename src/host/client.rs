//! The supervisor's side of a host, whatever lies between the two.

use std::collections::VecDeque;
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
    /// The starts that were asked for and not waited for yet: whether anybody was there to hear it.
    begun: VecDeque<bool>,
}

impl Client {
    /// To the interpreter at `site`, by `link`.
    pub(super) fn new(link: Box<dyn Link + Send>, site: Site) -> Self {
        Self { link, site, prepared: None, begun: VecDeque::new() }
    }

    /// The interpreter's version, such as `3.11.7`.
    pub fn version(&self) -> &str {
        &self.site.version
    }

    fn ask(&mut self, request: Request, about: Option<&PluginId>) -> Option<Response> {
        self.take_prepared();
        if self.link.send(request, about) { self.link.receive() } else { None }
    }

    fn ask_done(&mut self, request: Request, about: Option<&PluginId>) -> Result<(), PluginFault> {
        done(self.ask(request, about))
    }

    /// What was compiled ahead, and what came of it.
    fn take_prepared(&mut self) -> Option<(Source, Result<(), PluginFault>)> {
        let source = self.prepared.take()?;
        Some((source, done(self.link.receive())))
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
        self.take_prepared();
        let key = start.key.clone();
        let sent = self.link.send(Request::Start(Box::new(start)), Some(&key));
        self.begun.push_back(sent);
    }

    fn started(&mut self) -> Started {
        let sent = self.begun.pop_front().unwrap_or_default();
        match sent.then(|| self.link.receive()).flatten() {
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

    fn restore(&mut self, key: &PluginId) -> Result<(), PluginFault> {
        self.ask_done(Request::Restore(key.clone()), Some(key))
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

    fn exec(&mut self, key: &PluginId, code: &str) -> Result<Option<String>, PluginFault> {
        match self.ask(Request::Exec(key.clone(), code.to_owned()), Some(key)) {
            Some(Response::Value(value)) => value,
            _ => Err(gone()),
        }
    }

    fn call(
        &mut self,
        key: &PluginId,
        method: &str,
        arguments: &str,
    ) -> Result<String, PluginFault> {
        let call = Request::Call(key.clone(), method.to_owned(), arguments.to_owned());
        match self.ask(call, Some(key)) {
            Some(Response::Value(value)) => value.map(Option::unwrap_or_default),
            _ => Err(gone()),
        }
    }

    fn death(&mut self) -> Option<Death> {
        self.link.death()
    }

    fn pause(&self) -> Duration {
        self.link.pause()
    }

    fn revive(&mut self) -> Result<(), String> {
        self.prepared = None;
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
