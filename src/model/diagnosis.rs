//! What was found out about one thing that watching depends on: a limit, a root, an interpreter.

use std::path::PathBuf;

use serde::Serialize;
use serde_json::{Map, Value};

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Ok,
    /// It works, and a person should know something.
    Warn,
    /// It will not work, or not as it is meant to.
    Fail,
}

impl Health {
    /// `"ok"`, `"warn"` or `"fail"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// What was found out about one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// About what: one word, the same in every version.
    pub check: &'static str,
    /// How it stands.
    pub health: Health,
    /// About which file or folder, if about one.
    pub path: Option<PathBuf>,
    /// What was found, for a person.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// The same for a program: numbers and names.
    pub facts: Map<String, Value>,
}

impl Diagnosis {
    /// All is well with `check`.
    pub fn ok(check: &'static str, message: impl Into<String>) -> Self {
        let (health, message) = (Health::Ok, message.into());
        Self { check, health, path: None, message, remedy: None, facts: Map::new() }
    }

    /// About this file or folder.
    #[must_use]
    pub fn about(self, path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()), ..self }
    }

    /// Not as well as it looked so far.
    #[must_use]
    pub fn but(self, health: Health, remedy: impl Into<String>) -> Self {
        Self { health: self.health.max(health), remedy: Some(remedy.into()), ..self }
    }

    /// Adds a fact: something that JSON can hold.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl Serialize) -> Self {
        let value = serde_json::to_value(value).unwrap_or_default();
        self.facts.insert(name.to_owned(), value);
        self
    }
}
