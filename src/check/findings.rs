//! Everything that is wrong with the plugins of a survey, in one pass.

use std::collections::{BTreeMap, BTreeSet};

use super::dependencies::Dependencies;
use super::{Finding, Level, Survey, broken, candidate};
use crate::discovery::{self, Places, nearest_field, syntax_fault};
use crate::model::{
    Candidate, Fields, Phase, Place, PluginFault, PluginId, PluginKind, UnitChange, is_python,
};
use crate::requirements::{Packages, Why};
use crate::source::Source;

impl Survey {
    /// All findings, by file, line and column. Plugins in `disabled` count as absent.
    pub fn findings(&self, packages: &Packages, disabled: &BTreeSet<PluginId>) -> Vec<Finding> {
        let on = |plugin: &&Candidate| !disabled.contains(&plugin.id);
        let plugins: Vec<&Candidate> = self.plugins().into_iter().filter(on).collect();
        let broken_ids = self.broken().into_iter().filter_map(|broken| broken.id).collect();
        let dependencies = Dependencies::of(&plugins, broken_ids, disabled);
        let mut findings = Vec::new();
        for unit in &self.units {
            if let Some(broken) = broken(unit) {
                findings.extend(self.faults(unit, broken.id, broken.fault));
                if broken.fault.phase == Phase::Metadata {
                    let fields = self.places(unit).fields();
                    findings.extend(self.unknown_fields(unit, broken.id, &fields));
                }
            }
            if let Some(plugin) = unit.verdict.as_ref().and_then(candidate) {
                findings.extend(self.unknown_fields(unit, Some(&plugin.id), &plugin.fields));
                findings.extend(self.unknowable(unit, plugin));
                if on(&plugin) {
                    findings.extend(self.unmet(unit, plugin, &dependencies, packages));
                }
            }
        }
        findings.extend(self.clashes(&plugins));
        findings.extend(self.own_modules(&plugins));
        findings.sort_by_key(|finding| {
            let place = finding.fault.place.clone().unwrap_or_default();
            (place.file, place.line, place.column, finding.level)
        });
        findings
    }

    /// The places of a unit's metadata.
    fn places<'a>(&'a self, unit: &'a UnitChange) -> Places<'a> {
        Places::of(self.index.manifest(&unit.unit), unit.entry.as_ref())
    }

    /// What discovery told first, and whatever else is wrong with the metadata.
    fn faults(
        &self,
        unit: &UnitChange,
        id: Option<&PluginId>,
        first: &PluginFault,
    ) -> Vec<Finding> {
        let mut faults = vec![first.clone()];
        if let (Phase::Metadata, Some(some)) = (first.phase, id.cloned().or_else(stand_in)) {
            let more = self.places(unit).faults(&some);
            faults.extend(more.into_iter().filter(|fault| fault.message != first.message));
        }
        let file = || Place::file(&unit.unit);
        faults.into_iter().map(|fault| Finding::of_fault(id, fault, file())).collect()
    }

    fn unknown_fields(
        &self,
        unit: &UnitChange,
        id: Option<&PluginId>,
        fields: &Fields,
    ) -> Vec<Finding> {
        let unknown: Vec<&String> = fields.keys().filter(|field| !is_known(field)).collect();
        if unknown.is_empty() {
            return Vec::new();
        }
        let places = self.places(unit);
        let finding = |field: &String| {
            let (level, message, remedy) = match nearest_field(field) {
                // What is there as well cannot be meant by the other one.
                Some(near) if !fields.contains_key(near) => (
                    Level::Error,
                    format!("`{field}` is no field of a plugin's metadata; `{near}` is one"),
                    format!("write `{near}`"),
                ),
                _ => (
                    Level::Warning,
                    format!("`{field}` is no field that replug knows"),
                    "it is kept in `PluginMetadata.extra`; take it out if nothing reads it there"
                        .to_owned(),
                ),
            };
            let fault = PluginFault::new(Phase::Metadata, "UnknownField", message);
            let place = places.name(field).or_else(|| Some(Place::file(&unit.unit)));
            Finding::new(level, id, fault, place, remedy)
        };
        unknown.into_iter().map(finding).collect()
    }

    /// Fields whose values show only when the plugin runs.
    fn unknowable(&self, unit: &UnitChange, plugin: &Candidate) -> Vec<Finding> {
        if plugin.computed.is_empty() {
            return Vec::new();
        }
        let places = self.places(unit);
        let finding = |field: &String| {
            let message =
                format!("`{field}` is no literal, so what it is shows only when the plugin runs");
            let remedy = match field.as_str() {
                "dependencies" | "requirements" => {
                    "write it as a literal, so that it is known before anything runs"
                }
                "activation" => "write it as a literal; until then it counts as \"eager\"",
                _ => "write it as a literal, if it is to be checked",
            };
            let fault = PluginFault::new(Phase::Metadata, "ComputedField", message);
            let place = places.name(field).or_else(|| Some(Place::file(&plugin.entry)));
            Finding::new(Level::Warning, Some(&plugin.id), fault, place, remedy)
        };
        plugin.computed.iter().map(finding).collect()
    }

    /// Plugins and packages that it needs and that are not there.
    fn unmet(
        &self,
        unit: &UnitChange,
        plugin: &Candidate,
        dependencies: &Dependencies<'_>,
        packages: &Packages,
    ) -> Vec<Finding> {
        let missing = dependencies.unmet(plugin);
        let lacks = packages.lacks(&plugin.metadata.requirements);
        if missing.is_empty() && lacks.is_empty() {
            return Vec::new();
        }
        let places = self.places(unit);
        let file = || Place::file(&plugin.entry);
        let missing = missing.into_iter().map(|unmet| {
            let place = places.element("dependencies", unmet.id.as_str()).unwrap_or_else(file);
            let fault = PluginFault::new(Phase::Dependency, unmet.kind, unmet.message);
            Finding::new(unmet.level, Some(&plugin.id), fault, Some(place), unmet.remedy)
        });
        let mut findings: Vec<Finding> = missing.collect();
        for lack in lacks {
            let place = places.element("requirements", &lack.requirement).unwrap_or_else(file);
            let (kind, phase) = match lack.why {
                Why::Unreadable(_) => ("InvalidRequirement", Phase::Metadata),
                Why::Missing(_) | Why::OtherVersion(..) => {
                    ("MissingRequirement", Phase::Dependency)
                }
            };
            let remedy = packages.remedy(std::slice::from_ref(&lack));
            let remedy = remedy.unwrap_or_else(|| {
                "write it as PEP 508 has it: a name, then maybe versions, as in numpy>=1.26".into()
            });
            let fault = PluginFault::new(phase, kind, lack.message());
            findings.push(Finding::new(Level::Error, Some(&plugin.id), fault, Some(place), remedy));
        }
        findings
    }

    /// Two plugins with one id: the first by path has it.
    fn clashes(&self, plugins: &[&Candidate]) -> Vec<Finding> {
        let mut holders: BTreeMap<&PluginId, &Candidate> = BTreeMap::new();
        let mut findings = Vec::new();
        // An id that is made from the name of a file may be another one at run time.
        for plugin in plugins.iter().filter(|plugin| !plugin.provisional) {
            let holder = *holders.entry(&plugin.id).or_insert(plugin);
            if holder.entry == plugin.entry {
                continue;
            }
            let unit = self.units.iter().find(|unit| {
                unit.verdict
                    .as_ref()
                    .and_then(candidate)
                    .is_some_and(|one| std::ptr::eq(one, *plugin))
            });
            let place = unit.and_then(|unit| self.places(unit).name("id"));
            let message = format!(
                "the id {} is taken: {} and {} both have it",
                plugin.id,
                holder.entry.display(),
                plugin.entry.display()
            );
            let fault = PluginFault::new(Phase::Metadata, "DuplicatePluginId", message);
            let place = place.or_else(|| Some(Place::file(&plugin.entry)));
            let remedy = "give one of them another id; the first by path has it meanwhile";
            findings.push(Finding::new(Level::Error, Some(&plugin.id), fault, place, remedy));
        }
        findings
    }

    /// Modules of folder plugins that are no Python. Those beside a file plugin may be anybody's.
    fn own_modules(&self, plugins: &[&Candidate]) -> Vec<Finding> {
        let folders = plugins.iter().filter(|plugin| plugin.kind == PluginKind::Folder);
        let mut findings = Vec::new();
        for plugin in folders {
            let own = self.files.iter().filter(|file| {
                is_python(file) && file.starts_with(&plugin.home) && **file != plugin.entry
            });
            for file in own {
                let Ok(source) = Source::read(file) else { continue };
                if let Some(fault) = syntax_fault(&source) {
                    findings.push(Finding::of_fault(Some(&plugin.id), fault, Place::file(file)));
                }
            }
        }
        findings
    }
}

/// Whether somebody reads that field; an editor reads the first of these.
fn is_known(field: &str) -> bool {
    matches!(field, "$schema" | "extra") || discovery::is_known_field(field)
}

/// For messages of fields, none of which names the id.
fn stand_in() -> Option<PluginId> {
    PluginId::new("unknown")
}
