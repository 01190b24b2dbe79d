//! The source of a plugin that tells what happens to it.
//!
//! Its log lines are `<id> <step> <tag>`: `a body one`, `a init one`, `a shutdown one`. The tag
//! stands for the generation's text; tags of equal length make sources of equal size.

use std::path::PathBuf;

use super::scene::Scene;

pub(crate) struct Plugin<'a> {
    scene: &'a Scene,
    id: String,
    version: String,
    tag: String,
    base: String,
    metadata: String,
    body: String,
    init: String,
    shutdown: String,
    methods: String,
}

impl<'a> Plugin<'a> {
    pub(crate) fn new(scene: &'a Scene, id: &str) -> Self {
        Self {
            scene,
            id: id.to_owned(),
            version: "1.0.0".to_owned(),
            tag: "one".to_owned(),
            base: "PluginInterface".to_owned(),
            metadata: String::new(),
            body: String::new(),
            init: String::new(),
            shutdown: String::new(),
            methods: String::new(),
        }
    }

    pub(crate) fn tag(mut self, tag: &str) -> Self {
        self.tag = tag.to_owned();
        self
    }

    pub(crate) fn version(mut self, version: &str) -> Self {
        self.version = version.to_owned();
        self
    }

    pub(crate) fn base(mut self, base: &str) -> Self {
        self.base = base.to_owned();
        self
    }

    /// Further entries of the `PLUGIN_METADATA` dict.
    pub(crate) fn metadata(mut self, entries: &str) -> Self {
        self.metadata.push_str(entries);
        self
    }

    pub(crate) fn needs(self, ids: &[&str]) -> Self {
        self.metadata(&format!("\"dependencies\": {ids:?},"))
    }

    /// Lines of the module body, after `log` is defined and `body` was told.
    pub(crate) fn body(mut self, lines: &str) -> Self {
        self.body.push_str(lines);
        self.body.push('\n');
        self
    }

    /// Lines of `initialize(self, context)`, after `init` was told.
    pub(crate) fn init(mut self, lines: &str) -> Self {
        self.init.push_str(&indent(lines));
        self
    }

    /// Lines of `shutdown(self)`, after `shutdown` was told.
    pub(crate) fn shutdown(mut self, lines: &str) -> Self {
        self.shutdown.push_str(&indent(lines));
        self
    }

    /// Further methods, indented by four.
    pub(crate) fn methods(mut self, lines: &str) -> Self {
        self.methods.push_str(lines);
        self.methods.push('\n');
        self
    }

    pub(crate) fn text(&self) -> String {
        let Self { id, version, tag, base, metadata, body, init, shutdown, methods, scene } = self;
        let log = scene.log_function();
        format!(
            r#"from qtforge.core import PluginInterface, PluginMetadata, ServicePlugin
PLUGIN_METADATA = {{"id": "{id}", "version": "{version}", {metadata}}}
TAG = "{tag}"
{log}
log("{id} body " + TAG)
{body}
class Plugin({base}):
    def get_metadata(self):
        return PluginMetadata.from_dict(PLUGIN_METADATA)
    def initialize(self, context):
        log("{id} init " + TAG)
{init}        return True
    def shutdown(self):
        log("{id} shutdown " + TAG)
{shutdown}{methods}"#
        )
    }

    /// Writes it in place into the watched folder.
    pub(crate) fn save(&self, name: &str) -> PathBuf {
        self.scene.write(name, self.text())
    }
}

fn indent(lines: &str) -> String {
    lines.lines().map(|line| format!("        {line}\n")).collect()
}
