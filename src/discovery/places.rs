//! Where the fields of a plugin's metadata stand, and all that is wrong with them.
//!
//! Made only for plugins that something is to be said of: it parses their files once more.

use ruff_text_size::{TextRange, TextSize};

use super::classify::{Layer, Module, overlay};
use super::manifest::Manifest;
use super::metadata::{Declared, Literals};
use crate::model::fields::{KNOWN, is_known};
use crate::model::{FieldFault, Fields, Phase, Place, PluginFault, PluginId, check_fields};
use crate::source::Source;

/// The files that a plugin's metadata stands in.
pub struct Places<'a> {
    manifest: Option<Manifest<'a>>,
    module: Option<Module<'a>>,
}

impl<'a> Places<'a> {
    /// Those of a plugin with this `plugin.json` and this entry, as far as they are there.
    pub fn of(manifest: Option<&'a Source>, entry: Option<&'a Source>) -> Self {
        Self {
            manifest: manifest.and_then(|source| Manifest::parse(source).ok()),
            module: entry.map(Module::of),
        }
    }

    /// Where the name of `field` stands, by whom it is decided.
    pub fn name(&self, field: &str) -> Option<Place> {
        let manifest = self.manifest.as_ref().filter(|manifest| says(&manifest.fields, field));
        manifest.map(|manifest| manifest.place(field)).or_else(|| {
            let (module, literals) = self.literals(field)?;
            let range = literals.names.get(field).or_else(|| literals.ranges.get(field))?;
            Some(module.place(*range))
        })
    }

    /// Where `text` stands in the list that `field` is, else where the field stands.
    pub fn element(&self, field: &str, text: &str) -> Option<Place> {
        let manifest = self.manifest.as_ref().filter(|manifest| says(&manifest.fields, field));
        let found = manifest.and_then(|manifest| manifest.element(field, text)).or_else(|| {
            let (module, literals) = self.literals(field).filter(|_| manifest.is_none())?;
            let range = *literals.ranges.get(field)?;
            let list = module.text.get(range.to_std_range())?;
            let quotes = ['"', '\''].map(|quote| format!("{quote}{text}{quote}"));
            let (at, found) = quotes.iter().find_map(|word| Some((list.find(word)?, word)))?;
            let start = range.start() + TextSize::try_from(at).ok()?;
            let length = TextSize::try_from(found.len()).ok()?;
            Some(module.place(TextRange::at(start, length)))
        });
        found.or_else(|| self.name(field))
    }

    /// Every field that cannot be used, each at its place.
    pub fn faults(&self, id: &PluginId) -> Vec<PluginFault> {
        let mut fields = self.fields();
        let mut faults = Vec::new();
        while let Err(FieldFault { field, message }) = check_fields(&fields, id) {
            let fault = PluginFault::new(Phase::Metadata, "InvalidMetadata", message);
            faults.push(match self.value(&field) {
                Some(place) => fault.at(place),
                None => fault,
            });
            if fields.shift_remove(&field).is_none() {
                break;
            }
        }
        faults
    }

    fn value(&self, field: &str) -> Option<Place> {
        let manifest = self.manifest.as_ref().filter(|manifest| says(&manifest.fields, field));
        manifest.map(|manifest| manifest.place(field)).or_else(|| {
            let (module, literals) = self.literals(field)?;
            Some(module.place(*literals.ranges.get(field)?))
        })
    }

    /// All that is said literally; of two values the most trusted.
    pub fn fields(&self) -> Fields {
        let manifest = self.manifest.iter().map(|manifest| Layer {
            fields: &manifest.fields,
            computed: Vec::new(),
            place: Box::new(|field| manifest.place(field)),
        });
        let module = self.module.as_ref().map(Module::layers).unwrap_or_default();
        overlay(&manifest.chain(module).collect::<Vec<_>>()).0
    }

    /// The literals of the module that have `field`, the most trusted.
    fn literals(&self, field: &str) -> Option<(&Module<'a>, &Literals)> {
        let module = self.module.as_ref()?;
        let facts = module.facts.as_ref()?;
        let declared = match &facts.declared {
            Declared::Dict(literals) => Some(literals),
            _ => None,
        };
        let mut all = declared.into_iter().chain(&facts.described);
        Some((module, all.find(|literals| literals.ranges.contains_key(field))?))
    }
}

fn says(fields: &Fields, field: &str) -> bool {
    fields.contains_key(field)
}

/// Whether `field` is one of a plugin's metadata.
pub fn is_known_field(field: &str) -> bool {
    field == "id" || is_known(field)
}

/// The known field that `field` is most likely to mean.
pub fn nearest_field(field: &str) -> Option<&'static str> {
    let distance = |known: &&str| strsim::damerau_levenshtein(&field.to_lowercase(), known);
    let nearest = KNOWN.into_iter().chain(["id"]).min_by_key(distance)?;
    (distance(&nearest) * 3 <= nearest.len()).then_some(nearest)
}

/// Why `source` is not Python, if our own parser thinks so.
pub fn syntax_fault(source: &Source) -> Option<PluginFault> {
    Module::of(source).fault
}
