//! Reads one table of `watch.toml` key by key, and knows where each key stands.
//!
//! Takes the parsed table; gives checked values, or a [`SettingsError`] with the place, the key
//! and what is expected. Serde's own derive is not used here: its errors know neither the key of a
//! wrong value nor the nearest known one.

use std::borrow::Cow;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::SettingsError;
use super::document::Document;
use super::keys::{self, Keys};
use super::rules::{self, Rule};
use super::unavailable::{self, Asked};

/// One key and its value, with their places.
type Entry<'a> = (&'a Spanned<Cow<'a, str>>, &'a Spanned<DeValue<'a>>);

/// Which table of the file it is.
#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    Top,
    Section(&'a str),
    Plugin(&'a str),
}

impl Name<'_> {
    /// The words that follow a key to say where it is.
    fn within(self) -> String {
        match self {
            Self::Top => String::new(),
            Self::Section(name) => format!(" in [{name}]"),
            Self::Plugin(id) => format!(" in [plugins.\"{id}\"]"),
        }
    }
}

/// One table of a settings file.
pub(super) struct Section<'a> {
    document: &'a Document<'a>,
    within: String,
    table: &'a DeTable<'a>,
}

impl<'a> Section<'a> {
    /// The table, if it has no key beside the known ones.
    pub(super) fn new(
        document: &'a Document<'a>,
        name: Name<'_>,
        table: &'a DeTable<'a>,
        known: &Keys,
    ) -> Result<Self, SettingsError> {
        let within = name.within();
        let unknown =
            in_order(table).find(|(key, _)| !known.keys.contains(&key.get_ref().as_ref()));
        let Some((key, value)) = unknown else { return Ok(Self { document, within, table }) };

        let text = key.get_ref();
        let unquoted = match name {
            Name::Plugin(id) => keys::unquoted_id(id, text, value.get_ref()),
            Name::Top | Name::Section(_) => None,
        };
        let advice = unquoted.unwrap_or_else(|| known.advice(text));
        let message = format!("unknown key `{}`{within}; {advice}", text.escape_debug());
        let mut error = document.error(key.span(), message).about(text);
        error.nearest = known.nearest(text);
        Err(error)
    }

    /// The table under `key`.
    pub(super) fn table(&self, key: &str) -> Result<Option<&'a DeTable<'a>>, SettingsError> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        match value.get_ref().as_table() {
            Some(table) => Ok(Some(table)),
            None => Err(self.wrong(key, value, "a table", None)),
        }
    }

    /// The value under `key`.
    pub(super) fn one<T>(&self, key: &str, rule: &Rule<T>) -> Result<Option<T>, SettingsError> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        self.read(key, value, rule).map(Some)
    }

    /// The list under `key`; a fault points at the element.
    pub(super) fn list<T>(
        &self,
        key: &str,
        rule: &Rule<T>,
    ) -> Result<Option<Vec<T>>, SettingsError> {
        let Some(value) = self.value(key)? else { return Ok(None) };
        let Some(elements) = value.get_ref().as_array() else {
            return Err(self.wrong(key, value, rule.expected, None));
        };
        let read = elements.iter().map(|element| self.read(key, element, rule));
        read.collect::<Result<_, _>>().map(Some)
    }

    /// The list under `key`, which must not be empty if it is there.
    pub(super) fn filled_list<T>(
        &self,
        key: &str,
        rule: &Rule<T>,
    ) -> Result<Option<Vec<T>>, SettingsError> {
        let list = self.list(key, rule)?;
        match self.table.get(key) {
            Some(value) if list.as_ref().is_some_and(Vec::is_empty) => {
                Err(self.wrong(key, value, rule.expected, Some("at least one".to_owned())))
            }
            _ => Ok(list),
        }
    }

    /// The table under `key` as JSON; a fault points at the value.
    pub(super) fn json(&self, key: &str) -> Result<Map<String, Value>, SettingsError> {
        match self.table(key)? {
            Some(table) => self.map(key, table),
            None => Ok(Map::new()),
        }
    }

    /// What is written under `key`, if this version has it.
    fn value(&self, key: &str) -> Result<Option<&'a Spanned<DeValue<'a>>>, SettingsError> {
        let Some((name, value)) = self.table.get_key_value(key) else { return Ok(None) };
        let asked = match value.get_ref() {
            DeValue::String(text) => Asked::Word(text),
            _ => Asked::Other,
        };
        let written = match asked {
            Asked::Word(_) => {
                format!("{key} = {}", self.document.excerpt(value.span()))
            }
            Asked::Other => key.to_owned(),
        };
        match unavailable::refusal(key, asked, &written) {
            Some(refusal) => Err(self.document.error(name.span(), refusal).about(key)),
            None => Ok(Some(value)),
        }
    }

    fn read<T>(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        rule: &Rule<T>,
    ) -> Result<T, SettingsError> {
        (rule.read)(value.get_ref()).map_err(|why| self.wrong(key, value, rule.expected, why))
    }

    /// An error about the value of `key`.
    fn wrong(
        &self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
        expected: &str,
        why: Option<String>,
    ) -> SettingsError {
        let written = self.document.excerpt(value.span());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let message = format!("`{key}`{} must be {expected}, not {written}{why}", self.within);
        self.document.error(value.span(), message).about(key)
    }

    fn map(&self, key: &str, table: &DeTable<'_>) -> Result<Map<String, Value>, SettingsError> {
        let convert = |(name, value): Entry<'_>| {
            let name = name.get_ref();
            Ok((name.to_string(), self.convert(&format!("{key}.{name}"), value)?))
        };
        in_order(table).map(convert).collect()
    }

    fn convert(&self, key: &str, value: &Spanned<DeValue<'_>>) -> Result<Value, SettingsError> {
        let converted = match value.get_ref() {
            DeValue::String(text) => Some(Value::from(text.as_ref())),
            DeValue::Boolean(truth) => Some(Value::from(*truth)),
            DeValue::Integer(number) => rules::integer(number).map(Value::from),
            DeValue::Float(number) => {
                let number = number.as_str().parse().ok().and_then(serde_json::Number::from_f64);
                number.map(Value::Number)
            }
            DeValue::Datetime(moment) => Some(Value::from(moment.to_string())),
            DeValue::Array(elements) => {
                let elements = elements.iter().map(|element| self.convert(key, element));
                Some(Value::Array(elements.collect::<Result<_, _>>()?))
            }
            DeValue::Table(table) => Some(Value::Object(self.map(key, table)?)),
        };
        let expected = "a finite number of at most 64 bits";
        converted.ok_or_else(|| self.wrong(key, value, expected, None))
    }
}

/// The entries as they are written. The parser sorts by name; people read from top to bottom.
pub(super) fn in_order<'a>(table: &'a DeTable<'a>) -> impl Iterator<Item = Entry<'a>> {
    let mut entries: Vec<Entry<'a>> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries.into_iter()
}
