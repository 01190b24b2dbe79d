//! Requests, carried out one after the other on the interpreter's thread; and, when the code of one
//! of them asks for a service that nobody offers, others in the midst of it.
//!
//! Such a wish is told in place of the answer. What was sent before that was known is kept for later;
//! what is sent from `Meanwhile` to `GoOn` is carried out at once.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use pyo3::Python;

use super::local::Requests;
use super::message::{Request, Response};
use crate::model::PluginId;
use crate::python::{self, Fulfil, Runtime};

/// Where requests come from, and those that came before their turn.
struct Inbox<I> {
    requests: I,
    later: VecDeque<Request>,
}

/// What carries requests out.
pub(super) struct Turns<I, A> {
    runtime: Runtime,
    inbox: RefCell<Inbox<I>>,
    answer: A,
}

impl<I, A> Turns<I, A>
where
    I: Requests + Send + 'static,
    A: Fn(Option<&PluginId>, Response) -> bool + 'static,
{
    /// With `runtime`, what `requests` gives; `answer` is told which plugin a start was about, and says
    /// whether anybody listens.
    pub(super) fn new(runtime: Runtime, requests: I, answer: A) -> Rc<Self> {
        let inbox = RefCell::new(Inbox { requests, later: VecDeque::new() });
        Rc::new(Self { runtime, inbox, answer })
    }

    /// Until there are no more requests, the last one was carried out, or nobody listens.
    pub(super) fn run(self: &Rc<Self>) {
        python::fulfil_here(Some(self.clone()));
        while let Some(request) = self.next() {
            let last = matches!(request, Request::Finish);
            let heard = self.runtime.attached(|py| self.carry_out(py, request));
            if !heard || last {
                break;
            }
            self.runtime.attached(|py| self.runtime.rest(py, self.is_idle()));
        }
        python::fulfil_here(None);
    }

    fn next(&self) -> Option<Request> {
        let mut inbox = self.inbox.borrow_mut();
        inbox.later.pop_front().or_else(|| inbox.requests.next())
    }

    /// Whether no request is waiting to be carried out.
    fn is_idle(&self) -> bool {
        let inbox = self.inbox.borrow();
        inbox.later.is_empty() && inbox.requests.is_idle()
    }

    /// The same as `next` while a plugin's call stands still: its threads run on.
    fn next_within(&self, py: Python<'_>) -> Option<Request> {
        let mut inbox = self.inbox.borrow_mut();
        let inbox = &mut *inbox;
        py.detach(|| inbox.later.pop_front().or_else(|| inbox.requests.next()))
    }

    /// The call under way has told its wish. Whether it was looked after.
    fn look_after(&self, py: Python<'_>) -> bool {
        let mut later = std::mem::take(&mut self.inbox.borrow_mut().later);
        let granted = self.carry_out_meanwhile(py, &mut later);
        self.inbox.borrow_mut().later = later;
        granted
    }

    fn carry_out_meanwhile(&self, py: Python<'_>, later: &mut VecDeque<Request>) -> bool {
        loop {
            match self.next_within(py) {
                Some(Request::Meanwhile) => break,
                Some(request) => later.push_back(request),
                None => return false,
            }
        }
        loop {
            match self.next_within(py) {
                Some(Request::GoOn) => return true,
                Some(request) => {
                    if !self.carry_out(py, request) {
                        return false;
                    }
                }
                None => return false,
            }
        }
    }

    /// Carries it out and answers; whether anybody listens.
    fn carry_out(&self, py: Python<'_>, request: Request) -> bool {
        let runtime = &self.runtime;
        let response = match request {
            Request::Compile(sources) => Response::Done(runtime.compile(py, &sources)),
            Request::Start(start) => {
                let key = start.key.clone();
                let started = runtime.start(py, *start);
                return (self.answer)(Some(&key), Response::Started(Box::new(started)));
            }
            Request::Stop(key, slot) => Response::Stopped(runtime.stop(py, &key, slot)),
            Request::Restore(key) => Response::Done(runtime.restore(py, &key)),
            Request::Forget(key) => {
                runtime.forget(py, &key);
                Response::Done(Ok(()))
            }
            Request::Share(sharing) => {
                runtime.share(sharing);
                Response::Done(Ok(()))
            }
            Request::Replace(replacement) => {
                runtime.replace(py, *replacement);
                Response::Done(Ok(()))
            }
            Request::Settle(for_good, epoch) => {
                runtime.settle(py, for_good, epoch);
                Response::Done(Ok(()))
            }
            Request::Exec(key, code) => Response::Value(runtime.exec(py, &key, &code)),
            Request::Call(key, method, arguments) => {
                Response::Value(runtime.call(py, &key, &method, &arguments).map(Some))
            }
            Request::Inspect => {
                let (warnings, took) = runtime.inspect(py);
                Response::Inspected(warnings, took)
            }
            Request::Expect(services) => {
                runtime.expect(services);
                Response::Done(Ok(()))
            }
            Request::Granted(services) => {
                runtime.granted(&services);
                Response::Done(Ok(()))
            }
            Request::Finish => {
                runtime.finish(py);
                Response::Done(Ok(()))
            }
            // They belong to a wish, and there is none.
            Request::Meanwhile | Request::GoOn => return true,
        };
        (self.answer)(None, response)
    }
}

impl<I, A> Fulfil for Turns<I, A>
where
    I: Requests + Send + 'static,
    A: Fn(Option<&PluginId>, Response) -> bool + 'static,
{
    fn fulfil(&self, py: Python<'_>, service: &str) -> bool {
        let looked_after = self.runtime.meanwhile(py, || {
            (self.answer)(None, Response::Wish(service.to_owned())) && self.look_after(py)
        });
        looked_after.unwrap_or_default()
    }
}
