//! What a module says about itself, read from its tree: `PLUGIN_METADATA`, the
//! `PluginMetadata(...)` call of a `get_metadata`, and whether it defines a plugin class.
//!
//! Takes a tree, gives owned [`Facts`]; nothing is judged here.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{ExceptHandler, Expr, ExprCall, ExprDict, Pattern, Stmt, StmtFunctionDef};
use ruff_text_size::{Ranged, TextRange};
use serde_json::Value;

use super::indicators;
use super::literal::{Names, value};
use super::syntax::Tree;
use crate::model::{Fields, PluginId};

const BASES: [&str; 2] = ["PluginInterface", "ServicePlugin"];

/// What one module says about itself.
pub(super) struct Facts {
    /// It has a mark of a plugin in its code.
    pub(super) indicator: bool,
    /// Its `PLUGIN_METADATA`.
    pub(super) declared: Declared,
    /// The literal arguments of its `PluginMetadata(...)` call.
    pub(super) described: Option<Literals>,
    /// It defines a class that derives from a plugin base class.
    pub(super) derives: bool,
    /// The first syntax error.
    pub(super) error: Option<(String, TextRange)>,
}

/// `PLUGIN_METADATA` as the last assignment left it.
pub(super) enum Declared {
    Absent,
    /// There, and not a dict that could be read without running it.
    NotADict(TextRange),
    Dict(Literals),
}

/// Named values as written, those that are literals with their value.
pub(super) struct Literals {
    pub(super) fields: Fields,
    /// Where each value is, also of those that are no literals.
    pub(super) ranges: HashMap<String, TextRange>,
    /// Where the names of the values are.
    pub(super) names: HashMap<String, TextRange>,
    /// Where all of it is.
    pub(super) range: TextRange,
    /// Further fields come from elsewhere: `{**COMMON, ...}`.
    pub(super) open: bool,
}

/// The `id` among some fields.
pub(super) enum IdState {
    Absent,
    /// There, and known only at run time.
    Computed(TextRange),
    /// There, and not an id.
    Bad(Value, TextRange),
    Good(PluginId),
}

impl Literals {
    fn new(range: TextRange) -> Self {
        Self {
            fields: Fields::new(),
            ranges: HashMap::new(),
            names: HashMap::new(),
            range,
            open: false,
        }
    }

    /// Fields that are there and whose values show only when the code runs; not the id.
    pub(super) fn computed(&self) -> impl Iterator<Item = &String> {
        self.ranges.keys().filter(|name| *name != "id" && !self.fields.contains_key(*name))
    }

    fn add<'a>(&mut self, name: &str, expr: &'a Expr, names: &Names<'a>) {
        self.ranges.insert(name.to_owned(), expr.range());
        match value(expr, names) {
            Some(value) => self.fields.insert(name.to_owned(), value),
            // A later value that is computed hides an earlier one that is not.
            None => self.fields.shift_remove(name),
        };
    }

    fn of_dict<'a>(dict: &'a ExprDict, names: &Names<'a>) -> Self {
        let mut literals = Self::new(dict.range());
        for item in &dict.items {
            match &item.key {
                Some(Expr::StringLiteral(key)) => {
                    literals.add(key.value.to_str(), &item.value, names);
                    literals.names.insert(key.value.to_str().to_owned(), key.range());
                }
                Some(_) => {}
                None => {
                    // It may have any of those that stand before it; the id has to be literal.
                    literals.fields.retain(|name, _| name == "id");
                    literals.open = true;
                }
            }
        }
        literals
    }

    fn of_call<'a>(call: &'a ExprCall, names: &Names<'a>) -> Self {
        let mut literals = Self::new(call.range());
        if let Some(first) = call.arguments.args.first()
            && !first.is_starred_expr()
        {
            literals.add("id", first, names);
        }
        for keyword in &call.arguments.keywords {
            if let Some(name) = &keyword.arg {
                literals.add(name.as_str(), &keyword.value, names);
                literals.names.insert(name.to_string(), name.range());
            }
        }
        literals
    }

    /// The id, as far as it can be told.
    pub(super) fn id(&self) -> IdState {
        match (self.ranges.get("id"), self.fields.get("id")) {
            (None, _) => IdState::Absent,
            (Some(range), None) => IdState::Computed(*range),
            (Some(range), Some(value)) => match value.as_str().and_then(PluginId::new) {
                Some(id) => IdState::Good(id),
                None => IdState::Bad(value.clone(), *range),
            },
        }
    }
}

impl Facts {
    /// The facts of a module.
    pub(super) fn of(text: &str, tree: &Tree) -> Self {
        let mut module = Module::default();
        each(tree.suite(), &mut |statement| module.see(statement));
        let Module { names, declared, getters, derived } = module;
        Self {
            indicator: indicators::in_code(text, tree.tokens()),
            declared: match declared {
                None => Declared::Absent,
                Some(Expr::Dict(dict)) => Declared::Dict(Literals::of_dict(dict, &names)),
                Some(other) => Declared::NotADict(other.range()),
            },
            described: described(&getters, &names),
            derives: !derived.is_empty(),
            error: tree.errors().first().map(|error| (error.error.to_string(), error.location)),
        }
    }
}

/// What is collected on the way through the module, in source order.
#[derive(Default)]
struct Module<'a> {
    names: Names<'a>,
    declared: Option<&'a Expr>,
    getters: Vec<&'a StmtFunctionDef>,
    derived: HashSet<&'a str>,
}

impl<'a> Module<'a> {
    fn see(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    if let Some(name) = &alias.asname {
                        self.names.alias(name.as_str(), alias.name.as_str());
                    }
                }
            }
            Stmt::Assign(assign) => {
                for target in &assign.targets {
                    self.assign(target, &assign.value);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.assign(&assign.target, value);
                }
            }
            Stmt::FunctionDef(function) => self.getter(function),
            Stmt::ClassDef(class) => {
                // A base class stands before what derives from it, so one pass is enough.
                let mut bases = class.arguments.iter().flat_map(|arguments| &arguments.args);
                if bases.any(|base| self.is_base(base)) {
                    self.derived.insert(class.name.as_str());
                }
                each(&class.body, &mut |statement| {
                    if let Stmt::FunctionDef(function) = statement {
                        self.getter(function);
                    }
                });
            }
            _ => {}
        }
    }

    fn assign(&mut self, target: &'a Expr, value: &'a Expr) {
        let Expr::Name(target) = target else { return };
        if target.id.as_str() == "PLUGIN_METADATA" {
            self.declared = Some(value);
        } else if let Expr::Name(_) | Expr::Attribute(_) = value
            && let Some(name) = self.names.resolve(value)
        {
            self.names.alias(target.id.as_str(), name);
        }
    }

    fn getter(&mut self, function: &'a StmtFunctionDef) {
        if function.name.as_str() == "get_metadata" {
            self.getters.push(function);
        }
    }

    fn is_base(&self, base: &'a Expr) -> bool {
        self.names
            .resolve(base)
            .is_some_and(|name| BASES.contains(&name) || self.derived.contains(name))
    }
}

/// The `PluginMetadata(...)` call with a literal id, else the first one.
fn described<'a>(getters: &[&'a StmtFunctionDef], names: &Names<'a>) -> Option<Literals> {
    let mut calls = Calls { names, found: Vec::new(), depth: 0 };
    for getter in getters {
        calls.visit_body(&getter.body);
    }
    let mut found: Vec<Literals> =
        calls.found.iter().map(|call| Literals::of_call(call, names)).collect();
    let best = found.iter().position(|call| call.fields.contains_key("id")).unwrap_or(0);
    (best < found.len()).then(|| found.swap_remove(best))
}

/// How far into a tree this walk goes; no person nests deeper, and a walk that went on would need
/// more stack for each level than the tree itself does.
const REACH: usize = 100;

struct Calls<'n, 'a> {
    names: &'n Names<'a>,
    found: Vec<&'a ExprCall>,
    depth: usize,
}

impl Calls<'_, '_> {
    fn deeper(&mut self, walk: impl FnOnce(&mut Self)) {
        if self.depth < REACH {
            self.depth += 1;
            walk(self);
            self.depth -= 1;
        }
    }
}

impl<'a> Visitor<'a> for Calls<'_, 'a> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        self.deeper(|calls| walk_stmt(calls, stmt));
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        if let Expr::Call(call) = expr
            && matches!(&*call.func, Expr::Name(_) | Expr::Attribute(_))
            && self.names.resolve(&call.func) == Some("PluginMetadata")
        {
            self.found.push(call);
        }
        self.deeper(|calls| walk_expr(calls, expr));
    }

    // Nothing is called in a pattern.
    fn visit_pattern(&mut self, _: &'a Pattern) {}
}

/// Shows `visit` every statement that runs with the module (or class) body itself.
fn each<'a>(suite: &'a [Stmt], visit: &mut dyn FnMut(&'a Stmt)) {
    let mut waiting: Vec<_> = suite.iter().rev().collect();
    while let Some(statement) = waiting.pop() {
        visit(statement);
        let mut bodies: Vec<&'a [Stmt]> = Vec::new();
        match statement {
            Stmt::If(s) => {
                bodies.push(&s.body);
                bodies.extend(s.elif_else_clauses.iter().map(|clause| &*clause.body));
            }
            Stmt::Try(s) => {
                bodies.push(&s.body);
                for ExceptHandler::ExceptHandler(handler) in &s.handlers {
                    bodies.push(&handler.body);
                }
                bodies.extend([&*s.orelse, &*s.finalbody]);
            }
            Stmt::With(s) => bodies.push(&s.body),
            Stmt::For(s) => bodies.extend([&*s.body, &*s.orelse]),
            Stmt::While(s) => bodies.extend([&*s.body, &*s.orelse]),
            Stmt::Match(s) => bodies.extend(s.cases.iter().map(|case| &*case.body)),
            _ => {}
        }
        // The last goes in first, so that all come out in source order.
        waiting.extend(bodies.into_iter().flatten().rev());
    }
}
