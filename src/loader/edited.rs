//! Which plugins an edit concerns, and whether their contents compile, before anything that runs is
//! touched.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::registry::Plugin;
use super::{Dirty, Out, Work};
use crate::host::Host;
use crate::model::{Because, Edit, Event, MANIFEST, PluginId, Warning, is_python};
use crate::source::Source;

impl<H: Host> Work<'_, H> {
    /// Which plugins depend on the files that changed.
    pub(super) fn find_dirty(&mut self) {
        for (path, content) in &self.edit.changed {
            let keys = self.loader.registry.concerned(path);
            for key in keys {
                if let Some(plugin) =
                    self.loader.registry.get(&key).filter(|it| it.has_loaded(path))
                {
                    let (id, warning) = (Some(plugin.id.clone()), needs_process(path));
                    (self.out)(Event::Warned { id, warning });
                    continue;
                }
                if let Some(plugin) = self.loader.registry.get_mut(&key) {
                    plugin.edited.insert(path.clone());
                    match content {
                        // The host reads everything else itself, if it does at all.
                        Some(source) if is_python(path) || path.ends_with(MANIFEST) => {
                            plugin.latest.insert(path.clone(), source.clone())
                        }
                        _ => plugin.latest.remove(path),
                    };
                }
                if self.leaving.contains_key(&key) || self.failed.contains(&key) {
                    continue;
                }
                let shared = self.is_shared_for(&key, path);
                let because = if shared { Because::Shared } else { Because::Edit };
                let new = || Dirty { because, changed: BTreeSet::new() };
                let dirty = self.dirty.entry(key).or_insert_with(new);
                dirty.changed.insert(path.clone());
                if !shared && dirty.because == Because::Shared {
                    dirty.because = Because::Edit;
                }
            }
        }
        let Self { loader, edit, echoes, out, .. } = self;
        self.dirty.retain(|key, dirty| {
            let Some(plugin) = loader.registry.get_mut(key) else { return false };
            let manifest = plugin.candidate.manifest.as_ref();
            if dirty.because == Because::Edit
                && dirty.changed.iter().all(|path| Some(path) == manifest)
                && !dirty.changed.is_empty()
            {
                dirty.because = Because::Metadata;
            }
            plugin.behind = true;
            // What stands on disk is no plugin: that was told, and another of its files changes nothing.
            if plugin.refused.is_some() {
                return false;
            }
            // What killed its process before may be mended.
            loader.deaths.remove(key);
            if dirty.because == Because::Edit && is_echo(plugin, &dirty.changed, edit) {
                if plugin.echoes {
                    plugin.behind = false;
                    writes_itself(plugin, &dirty.changed, out);
                    return false;
                }
                echoes.insert(key.clone());
            }
            // A lazy plugin that nobody asked for yet is read when somebody does.
            plugin.live.is_some()
                || plugin.waiting.is_some()
                || std::mem::take(&mut plugin.declined)
                || !loader.policy.is_lazy(&plugin.id, &plugin.candidate.metadata)
        });
    }

    /// Compiles what was edited, before anything that runs is touched.
    pub(super) fn preflight(&mut self) {
        let began = Instant::now();
        let keys: Vec<PluginId> = self.dirty.keys().cloned().collect();
        for key in keys {
            let changed =
                self.dirty.get(&key).map(|dirty| dirty.changed.clone()).unwrap_or_default();
            // What it looked for and missed is no file of it yet.
            let reached = self.loader.registry.get(&key).map(|plugin| &plugin.reached.files);
            let sources: Vec<Source> = changed
                .iter()
                .filter(|path| is_python(path) && reached.is_some_and(|it| it.contains(*path)))
                .filter_map(|path| self.edit.changed.get(path).cloned().flatten())
                .collect();
            if let Err(fault) = self.loader.host.compile(&sources)
                && !self.is_lost(&fault)
            {
                self.fail(&key, fault);
            }
        }
        self.check = began.elapsed();
    }
}

/// Whether nothing else changed than what the latest start has left itself.
fn is_echo(plugin: &Plugin, changed: &BTreeSet<PathBuf>, edit: &Edit) -> bool {
    let left = |path: &PathBuf| {
        let content = edit.changed.get(path)?.as_ref()?.hash;
        plugin.left.get(path).map(|left| *left == Some(content))
    };
    !changed.is_empty() && changed.iter().all(|path| left(path).unwrap_or_default())
}

/// A plugin that changes its own source whenever it starts would reload for ever.
fn writes_itself(plugin: &Plugin, changed: &BTreeSet<PathBuf>, out: Out<'_>) {
    let files: Vec<String> = changed.iter().map(|path| path.display().to_string()).collect();
    let message = format!(
        "it has written {} while it started, and again after the reload that this was; it is not \
         reloaded again for that",
        files.join(", ")
    );
    let warning = Warning::new("writes_itself", message);
    out(Event::Warned { id: Some(plugin.id.clone()), warning });
}

/// An extension module was replaced. The interpreter keeps the old one as long as it runs.
pub(super) fn needs_process(path: &Path) -> Warning {
    let message = format!(
        "{} was replaced, and an extension module can only change in a new process; start replug \
         again to load it",
        path.display()
    );
    Warning::new("needs_process", message)
}
