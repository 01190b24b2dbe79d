//! Look-ups of services that nobody offers yet: asked of the supervisor, which may start a lazy plugin.
//!
//! On the interpreter's own thread the call that is under way stands still meanwhile, and whoever
//! carries requests out carries others out in the midst of it ([`Fulfil`]). A thread of a plugin waits
//! for its turn; when its generation ends, it waits no longer.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::process;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_channel::{Sender, bounded};
use pyo3::prelude::{Bound, Py, PyAny, PyAnyMethods, PyResult, Python};
use pyo3::types::{PyWeakrefMethods, PyWeakrefReference};
use pyo3::{pyclass, pymethods};

use super::imports::Importer;

/// Whoever carries requests out on the interpreter's thread.
pub trait Fulfil {
    /// The code whose call is under way asks for `service`. Whether anything was done about it.
    fn fulfil(&self, py: Python<'_>, service: &str) -> bool;
}

thread_local! {
    static HERE: RefCell<Option<Rc<dyn Fulfil>>> = const { RefCell::new(None) };
}

/// From now on `fulfil` is asked for what is looked up on this thread; with `None` nobody is.
pub fn fulfil_here(fulfil: Option<Rc<dyn Fulfil>>) {
    HERE.with_borrow_mut(|here| *here = fulfil);
}

/// What the plugins of one process may wake.
pub(crate) struct Waking {
    process: u32,
    services: Mutex<BTreeSet<String>>,
    waiting: Mutex<Vec<Waiting>>,
}

/// A thread that waits.
struct Waiting {
    asker: Arc<Asker>,
    service: String,
    /// When this is dropped it goes on.
    _released: Sender<()>,
}

/// A generation that may look services up.
pub(crate) struct Asker {
    importer: Py<PyWeakrefReference>,
    ended: AtomicBool,
}

impl Asker {
    /// The generation of `importer`.
    pub(crate) fn new(importer: &Bound<'_, Importer>) -> PyResult<Arc<Self>> {
        let importer = PyWeakrefReference::new(importer)?.unbind();
        Ok(Arc::new(Self { importer, ended: AtomicBool::new(false) }))
    }

    fn tell(&self, py: Python<'_>, service: &str) -> bool {
        let importer = self.importer.bind(py).upgrade();
        let Some(importer) = importer.and_then(|it| it.cast_into::<Importer>().ok()) else {
            return false;
        };
        importer.get().wish(service.to_owned());
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Waking {
    /// Of this process; nothing is asked for yet.
    pub(crate) fn new() -> Arc<Self> {
        let (services, waiting) = (Mutex::default(), Mutex::default());
        Arc::new(Self { process: process::id(), services, waiting })
    }

    /// Only these services are asked for.
    pub(crate) fn expect(&self, services: BTreeSet<String>) {
        *lock(&self.services) = services;
    }

    /// Whoever waits for one of these goes on.
    pub(crate) fn granted(&self, services: &[String]) {
        lock(&self.waiting).retain(|waiting| !services.contains(&waiting.service));
    }

    /// That generation begins, or goes on after it had ended.
    pub(crate) fn begins(&self, asker: &Asker) {
        asker.ended.store(false, Ordering::Relaxed);
    }

    /// That generation ends: it waits for nobody any more.
    pub(crate) fn ends(&self, asker: &Arc<Asker>) {
        let mut waiting = lock(&self.waiting);
        asker.ended.store(true, Ordering::Relaxed);
        waiting.retain(|waiting| !Arc::ptr_eq(&waiting.asker, asker));
    }

    /// A thread waits until the service was asked for and somebody is awake, or nobody will be.
    fn wait(&self, py: Python<'_>, asker: &Arc<Asker>, service: &str) -> bool {
        let (released, release) = bounded(0);
        {
            let mut waiting = lock(&self.waiting);
            if asker.ended.load(Ordering::Relaxed) {
                return false;
            }
            let service = service.to_owned();
            waiting.push(Waiting { asker: asker.clone(), service, _released: released });
        }
        if !asker.tell(py, service) {
            return false;
        }
        // Nobody sends anything: it is over when the other end is dropped.
        let _ = py.detach(|| release.recv());
        true
    }
}

/// What a context calls when nobody offers a service.
#[pyclass(frozen, module = "qtforge")]
pub(crate) struct Wake {
    pub(super) waking: Arc<Waking>,
    pub(super) asker: Arc<Asker>,
}

#[pymethods]
impl Wake {
    /// Whether it is worth another look.
    fn __call__(&self, service: &Bound<'_, PyAny>) -> bool {
        let py = service.py();
        let Ok(service) = service.extract::<String>() else { return false };
        if !lock(&self.waking.services).contains(&service) {
            return false;
        }
        // A copy that a plugin forked has nobody to ask.
        if process::id() != self.waking.process {
            return false;
        }
        match HERE.with_borrow(Clone::clone) {
            Some(here) => here.fulfil(py, &service),
            None => self.waking.wait(py, &self.asker, &service),
        }
    }
}
