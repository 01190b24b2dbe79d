//! The language of the files in these tests: what a plugin is, and what happens when it is started.
//!
//! One word a line, with what it takes behind it. `plugin ID` (or `anonymous`, which has its id from
//! the file's name) makes the file a plugin. `needs ID…`, `offers NAME`, `overlap` and `lazy` are its metadata;
//! `broken` does not compile. When it is started, `import NAME` and `try NAME` reach for a module
//! beside it, `asks NAME` looks up a service, `appends NAME` adds a line to
//! the file of that name, `says ID` is the id that it gives itself, `raises PHASE` fails, `dies` ends the process.
//! `refuses` does not start again once it was stopped, `dies-stopping` ends the process then. Any
//! other line only makes another content of it.

use std::collections::BTreeSet;
use std::path::Path;

use replug::model::{
    Activation, Candidate, Fields, Metadata, Phase, PluginFault, PluginId, PluginKind, ReloadMode,
    Verdict,
};

pub(crate) fn id(text: &str) -> PluginId {
    PluginId::new(text).unwrap()
}

/// What stands behind each `word` in `text`.
pub(crate) fn all<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter_map(move |line| {
        let rest = line.strip_prefix(word)?;
        (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
    })
}

pub(crate) fn has(text: &str, word: &str) -> bool {
    all(text, word).next().is_some()
}

pub(crate) fn needs(text: &str) -> Vec<PluginId> {
    all(text, "needs").flat_map(str::split_whitespace).map(id).collect()
}

/// What discovery says of a file.
pub(crate) fn verdict(path: &Path, text: &str) -> Verdict {
    let (id, provisional) = match all(text, "plugin").next() {
        Some(name) => (id(name), false),
        None if has(text, "anonymous") => {
            (id(&format!("python.{}", path.file_stem().unwrap().display())), true)
        }
        None => return Verdict::NotAPlugin,
    };
    let metadata = Metadata {
        dependencies: needs(text),
        capabilities: all(text, "offers").map(str::to_owned).collect(),
        activation: if has(text, "lazy") { Activation::Lazy } else { Activation::Eager },
        reload: has(text, "overlap").then_some(ReloadMode::Overlap),
        ..Metadata::default()
    };
    let candidate = Candidate {
        id: id.clone(),
        provisional,
        kind: PluginKind::File,
        entry: path.to_owned(),
        home: path.parent().unwrap().to_owned(),
        manifest: None,
        fields: Fields::new(),
        metadata,
        computed: BTreeSet::new(),
    };
    let plugin = Verdict::Plugin(Box::new(candidate));
    if has(text, "broken") {
        let fault = PluginFault::new(Phase::Parse, "SyntaxError", "in our own words");
        return Verdict::Unparsed { id: Some(id), fault, otherwise: Box::new(plugin) };
    }
    plugin
}
