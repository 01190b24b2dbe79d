//! What a program that holds a supervisor asks of it, from another thread.
//!
//! Each command takes its turn in the loop. Its answer is a function that is called there; one that
//! was not called when the loop has ended never will be.

use std::time::{Instant, SystemTime};

use super::Supervisor;
use crate::discovery::Content;
use crate::host::Host;
use crate::model::{Edit, Event, PluginFault, PluginId};

/// Takes an answer, on the supervisor's thread.
pub type Answer<T> = Box<dyn FnOnce(T) + Send>;

/// Something to do.
pub enum Command {
    /// Give a plugin a new generation from what is on disk now. The answer is when and how that ended;
    /// nothing if there is no such plugin.
    Reload(PluginId, Answer<Option<(SystemTime, Event)>>),
    /// Load a plugin that may not be live yet. Whether it is now; nothing if there is no such plugin.
    Wake(PluginId, Answer<Option<bool>>),
    /// Call a method of a plugin with a JSON list of arguments; a lazy plugin is loaded first. What it
    /// returns as JSON; nothing if there is no such plugin that is live.
    Call(PluginId, String, String, Answer<Option<Result<String, PluginFault>>>),
}

impl<H: Host> Supervisor<H> {
    /// Does it, and answers.
    pub(super) fn obey(&mut self, command: Command) {
        match command {
            Command::Reload(id, answer) => {
                let outcome = self.renew(&id);
                answer(outcome);
            }
            Command::Wake(id, answer) => {
                let awake = self.wake(&id);
                answer(awake);
            }
            Command::Call(id, method, arguments, answer) => {
                self.wake(&id);
                let Self { loader, voice, .. } = self;
                let (outcome, imported) =
                    loader.call(&id, &method, &arguments, &mut |event| voice.say(&event));
                self.compare(imported);
                answer(outcome);
            }
        }
    }

    /// Whether it is live, if it is a plugin. One that failed is not tried again for this.
    fn wake(&mut self, id: &PluginId) -> Option<bool> {
        if !self.loader.is_asleep(id) {
            let (_, live) = self.loader.at(&self.loader.unit_of(id)?)?;
            return Some(live);
        }
        let Self { loader, voice, .. } = self;
        let awake = loader.wake(id, &mut |event| voice.say(&event));
        self.compare(Vec::new());
        awake
    }

    fn renew(&mut self, id: &PluginId) -> Option<(SystemTime, Event)> {
        let seen = Instant::now();
        let (key, _) = self.loader.at(&self.loader.unit_of(id)?)?;
        // A save that is there already need not settle. What is gone or empty may be in the middle of
        // being saved, so the watch decides about that.
        self.ahead = None;
        let mut edit = Edit { seen, ..Edit::nothing() };
        let mut contents = Vec::new();
        for path in self.loader.files_of(&key).into_keys() {
            let content = Content::read(&path);
            if let Content::Present(source) = &content
                && !source.bytes.is_empty()
                && !self.is_outside(&path)
                && !self.index.is_known(&path, &content)
            {
                edit.changed.insert(path.clone(), Some(source.clone()));
                contents.push((path, content));
            }
        }
        edit.units = self.index.update(contents);
        let mut outcome = None;
        let Self { loader, voice, .. } = self;
        let imported = loader.renew(edit, &key, &mut |event| {
            voice.say(&event);
            if is_about(&event, id) {
                outcome = Some((SystemTime::now(), event));
            }
        });
        self.compare(imported);
        self.follow_packages();
        self.warn_of_the_tree();
        outcome
    }
}

/// Whether this is what a reload of `id` came to.
fn is_about(event: &Event, id: &PluginId) -> bool {
    match event {
        Event::Loaded(live) | Event::Reloaded { live, .. } => live.id == *id,
        Event::Failed { id: failed, .. } => failed.as_ref() == Some(id),
        Event::Unloaded { id: gone, .. } => gone == id,
        _ => false,
    }
}
