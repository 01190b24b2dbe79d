//! What every test is written in: a scene of files, the running program, its events.

pub(crate) mod event;
pub(crate) mod files;
pub(crate) mod idle;
pub(crate) mod namespace;
pub(crate) mod pipes;
pub(crate) mod plugin;
pub(crate) mod save;
pub(crate) mod scene;
pub(crate) mod watch;

pub(crate) use event::Event;
pub(crate) use plugin::Plugin;
pub(crate) use scene::Scene;
pub(crate) use watch::Watch;

/// A path as events spell it.
pub(crate) fn text(path: impl AsRef<std::path::Path>) -> String {
    path.as_ref().to_str().expect("the test uses UTF-8 here").to_owned()
}
