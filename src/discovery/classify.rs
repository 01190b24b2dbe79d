//! One file: is it a plugin, and which?
//!
//! Takes a [`Source`], gives a [`Verdict`]. A file without a mark of a plugin costs one pass of a
//! regular expression; only others are decoded and parsed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::Path;

use ruff_text_size::TextRange;

use super::decode::decode;
use super::indicators;
use super::metadata::{Declared, Facts, IdState, Literals};
use super::place::place_of;
use super::syntax::with_tree;
use crate::model::fields::{ID_RULE, is_known, kind_of};
use crate::model::{
    Candidate, FieldFault, Fields, Metadata, Phase, Place, PluginFault, PluginId, PluginKind,
    Verdict, check_fields,
};
use crate::source::Source;

/// A file plugin, or not.
pub fn classify_file(source: &Source) -> Verdict {
    if !indicators::in_text(&source.bytes) {
        return Verdict::NotAPlugin;
    }
    let module = Module::of(source);
    let verdict = match &module.facts {
        Some(facts) if facts.indicator => conclude(source, &module, facts),
        _ => Verdict::NotAPlugin,
    };
    module.or_unparsed(verdict)
}

/// A file that somebody named as a plugin: one without any mark of a plugin may be one all the same,
/// which shows when it runs.
pub fn classify_named_file(source: &Source) -> Verdict {
    let verdict = classify_file(source);
    if verdict != Verdict::NotAPlugin {
        return verdict;
    }
    let Some(id) = id_of_stem(&source.path) else { return verdict };
    match merge(&[], &id) {
        Ok(Merged { fields, metadata, computed }) => Verdict::Plugin(Box::new(Candidate {
            id,
            provisional: true,
            kind: PluginKind::File,
            entry: source.path.clone(),
            home: source.path.parent().unwrap_or(&source.path).to_owned(),
            manifest: None,
            fields,
            metadata,
            computed,
        })),
        Err(_) => verdict,
    }
}

/// A source as far as it could be understood.
pub(super) struct Module<'a> {
    path: &'a Path,
    pub(super) text: Cow<'a, str>,
    pub(super) facts: Option<Facts>,
    pub(super) fault: Option<PluginFault>,
}

impl<'a> Module<'a> {
    pub(super) fn of(source: &'a Source) -> Self {
        let decoded = decode(&source.bytes);
        let mut module = Self { path: &source.path, text: decoded.text, facts: None, fault: None };
        let mut wrong = decoded.fault.map(|(message, range)| (message, Some(range)));
        match with_tree(&module.text, |tree| Some(Facts::of(&module.text, tree))) {
            Ok(mut facts) => {
                let error = facts.error.take().map(|(message, range)| (message, Some(range)));
                wrong = wrong.or(error);
                module.facts = Some(facts);
            }
            Err(message) => wrong = wrong.or(Some((message, None))),
        }
        module.fault = wrong.map(|(message, range)| {
            let place = range.map_or_else(|| Place::file(module.path), |range| module.place(range));
            PluginFault::new(Phase::Parse, "SyntaxError", message).at(place)
        });
        module
    }

    pub(super) fn place(&self, range: TextRange) -> Place {
        place_of(self.path, &self.text, range)
    }

    /// `verdict`, unless the source has a fault that makes it a guess.
    pub(super) fn or_unparsed(self, verdict: Verdict) -> Verdict {
        let Some(fault) = self.fault else { return verdict };
        let id = match &verdict {
            Verdict::Plugin(candidate) => Some(candidate.id.clone()),
            Verdict::Broken { id, .. } => id.clone(),
            Verdict::NotAPlugin | Verdict::Unparsed { .. } => None,
        };
        let otherwise = match (&self.facts, verdict) {
            // Nothing at all could be learned, so nothing can be ruled out either.
            (None, Verdict::NotAPlugin) => Verdict::Broken { id: None, fault: fault.clone() },
            (_, verdict) => verdict,
        };
        Verdict::Unparsed { id, fault, otherwise: Box::new(otherwise) }
    }

    /// What the module says about itself, most trusted first.
    pub(super) fn layers(&self) -> Vec<Layer<'_>> {
        let Some(facts) = &self.facts else { return Vec::new() };
        let declared = match &facts.declared {
            Declared::Dict(literals) => Some(literals),
            _ => None,
        };
        // What may be in `PLUGIN_METADATA` after all counts for more than what is not.
        let described = facts.described.iter().filter(|_| !declared.is_some_and(|all| all.open));
        declared.into_iter().chain(described).map(|literals| self.layer(literals)).collect()
    }

    fn layer<'l>(&'l self, literals: &'l Literals) -> Layer<'l> {
        let place =
            |field: &str| self.place(*literals.ranges.get(field).unwrap_or(&literals.range));
        let computed = literals.computed().map(String::as_str).collect();
        Layer { fields: &literals.fields, computed, place: Box::new(place) }
    }

    /// The id by what the module says literally; `None` if it says none.
    pub(super) fn literal_id(&self) -> Result<Option<PluginId>, PluginFault> {
        let Some(facts) = &self.facts else { return Ok(None) };
        if let Declared::Dict(literals) = &facts.declared {
            let (message, range) = match literals.id() {
                IdState::Good(id) => return Ok(Some(id)),
                IdState::Absent => ("`PLUGIN_METADATA` has no `id`".to_owned(), literals.range),
                IdState::Computed(range) => {
                    ("`id` of `PLUGIN_METADATA` must be a literal string".to_owned(), range)
                }
                IdState::Bad(value, range) => (not_an_id(&value), range),
            };
            return Err(invalid(message, self.place(range)));
        }
        match facts.described.as_ref().map(Literals::id) {
            Some(IdState::Good(id)) => Ok(Some(id)),
            Some(IdState::Bad(value, range)) => Err(invalid(not_an_id(&value), self.place(range))),
            Some(IdState::Absent | IdState::Computed(_)) | None => Ok(None),
        }
    }
}

/// Fields of one origin, and where each of them stands.
pub(super) struct Layer<'a> {
    pub(super) fields: &'a Fields,
    /// Fields whose values show only when the code runs.
    pub(super) computed: Vec<&'a str>,
    pub(super) place: Box<dyn Fn(&str) -> Place + 'a>,
}

/// All layers as one.
pub(super) struct Merged {
    pub(super) fields: Fields,
    pub(super) metadata: Metadata,
    pub(super) computed: BTreeSet<String>,
}

/// What all layers say; the first that has a field wins, even if its value shows only when it runs.
pub(super) fn overlay(layers: &[Layer<'_>]) -> (Fields, BTreeSet<String>) {
    let (mut fields, mut computed) = (Fields::new(), BTreeSet::new());
    for layer in layers {
        for (field, value) in layer.fields {
            if !computed.contains(field) {
                fields.entry(field.as_str()).or_insert_with(|| value.clone());
            }
        }
        let fresh = layer.computed.iter().filter(|field| !fields.contains_key(**field));
        computed.extend(fresh.map(|field| (*field).to_owned()));
    }
    computed.retain(|field| is_known(field));
    (fields, computed)
}

/// The layers as one, checked.
pub(super) fn merge(layers: &[Layer<'_>], id: &PluginId) -> Result<Merged, PluginFault> {
    let (fields, computed) = overlay(layers);
    match check_fields(&fields, id) {
        Ok(metadata) => Ok(Merged { fields, metadata, computed }),
        Err(FieldFault { field, message }) => {
            let fault = PluginFault::new(Phase::Metadata, "InvalidMetadata", message);
            let origin = layers.iter().find(|layer| layer.fields.contains_key(&field));
            Err(match origin {
                Some(layer) => fault.at((layer.place)(&field)),
                None => fault,
            })
        }
    }
}

/// A `metadata` fault at a place.
pub(super) fn invalid(message: String, place: Place) -> PluginFault {
    PluginFault::new(Phase::Metadata, "InvalidMetadata", message).at(place)
}

/// Why `value` cannot be an id.
pub(super) fn not_an_id(value: &serde_json::Value) -> String {
    match value.as_str() {
        Some(text) => format!("`id` {text:?} is no plugin id ({ID_RULE})"),
        None => format!("`id` must be a string, not {}", kind_of(value)),
    }
}

fn conclude(source: &Source, module: &Module<'_>, facts: &Facts) -> Verdict {
    let (id, provisional) = match (module.literal_id(), &facts.declared) {
        (Err(fault), _) => return Verdict::Broken { id: None, fault },
        (Ok(Some(id)), _) => (id, false),
        (Ok(None), _) if facts.derives => match id_of_stem(&source.path) {
            Some(id) => (id, true),
            None => return Verdict::NotAPlugin,
        },
        (Ok(None), Declared::NotADict(range)) => {
            let message = "`PLUGIN_METADATA` must be a literal dict with an `id`: it is read without running the file";
            return Verdict::Broken {
                id: None,
                fault: invalid(message.to_owned(), module.place(*range)),
            };
        }
        (Ok(None), _) => return Verdict::NotAPlugin,
    };
    match merge(&module.layers(), &id) {
        Ok(Merged { fields, metadata, computed }) => Verdict::Plugin(Box::new(Candidate {
            id,
            provisional,
            kind: PluginKind::File,
            entry: source.path.clone(),
            home: source.path.parent().unwrap_or(&source.path).to_owned(),
            manifest: None,
            fields,
            metadata,
            computed,
        })),
        Err(fault) => Verdict::Broken { id: Some(id), fault },
    }
}

/// `python.<file stem>`, with `_` for what an id cannot hold.
fn id_of_stem(path: &Path) -> Option<PluginId> {
    let stem = path.file_stem()?.to_string_lossy();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let stem: String = stem.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    PluginId::new(&format!("python.{stem}"))
}
