//! Python literals as JSON values, and the names that a file imports under other names.
//!
//! What JSON cannot hold as it is (bytes, huge integers, keys that are no strings) counts as no
//! literal: the value that the program computes at run time is then the one to trust.

use std::collections::HashMap;

use ruff_python_ast::{Expr, Number as Literal, UnaryOp};
use serde_json::{Map, Number, Value};

/// What names stand for in a module: `from qtforge.core import PluginInterface as Base`.
#[derive(Default)]
pub(super) struct Names<'a>(HashMap<&'a str, &'a str>);

impl<'a> Names<'a> {
    pub(super) fn alias(&mut self, name: &'a str, target: &'a str) {
        self.0.insert(name, target);
    }

    /// The last word of `a`, `m.a` or `a[T]`, by its name at home.
    pub(super) fn resolve(&self, mut expr: &'a Expr) -> Option<&'a str> {
        loop {
            match expr {
                Expr::Subscript(subscript) => expr = &subscript.value,
                Expr::Attribute(attribute) => return Some(attribute.attr.as_str()),
                Expr::Name(name) => {
                    let name = name.id.as_str();
                    return Some(self.0.get(name).copied().unwrap_or(name));
                }
                _ => return None,
            }
        }
    }
}

/// How deep a literal may nest; serde_json reads no deeper either.
const REACH: usize = 100;

/// The value of a literal; `None` if `expr` is none.
pub(super) fn value<'a>(expr: &'a Expr, names: &Names<'a>) -> Option<Value> {
    within(expr, names, REACH)
}

fn within<'a>(expr: &'a Expr, names: &Names<'a>, reach: usize) -> Option<Value> {
    let reach = reach.checked_sub(1)?;
    let list = |items: &'a [Expr]| {
        items.iter().map(|item| within(item, names, reach)).collect::<Option<_>>().map(Value::Array)
    };
    match expr {
        // Half of a surrogate pair, which Python can hold, comes out of the parser as this sign.
        Expr::StringLiteral(text) => {
            Some(text.value.to_str()).filter(|text| !text.contains('\u{fffd}')).map(Value::from)
        }
        Expr::NumberLiteral(literal) => number(&literal.value, false).map(Value::Number),
        Expr::BooleanLiteral(literal) => Some(Value::Bool(literal.value)),
        Expr::NoneLiteral(_) => Some(Value::Null),
        Expr::UnaryOp(unary) => match (unary.op, &*unary.operand) {
            (UnaryOp::USub, Expr::NumberLiteral(literal)) => {
                number(&literal.value, true).map(Value::Number)
            }
            (UnaryOp::UAdd, Expr::NumberLiteral(literal)) => {
                number(&literal.value, false).map(Value::Number)
            }
            _ => None,
        },
        Expr::List(items) => list(&items.elts),
        Expr::Tuple(items) => list(&items.elts),
        Expr::Set(items) => list(&items.elts),
        Expr::Dict(dict) => {
            let mut map = Map::new();
            for item in &dict.items {
                let Some(Expr::StringLiteral(key)) = &item.key else { return None };
                map.insert(key.value.to_str().to_owned(), within(&item.value, names, reach)?);
            }
            Some(Value::Object(map))
        }
        Expr::Attribute(member) => plugin_type(&member.value, member.attr.as_str(), names),
        _ => None,
    }
}

/// `PluginType.SERVICE` and `PluginType.SERVICE.value` are as good as literals.
fn plugin_type<'a>(of: &'a Expr, member: &str, names: &Names<'a>) -> Option<Value> {
    match of {
        Expr::Attribute(inner) if member == "value" => {
            plugin_type(&inner.value, inner.attr.as_str(), names)
                .filter(|_| inner.attr.as_str() != "value")
        }
        _ if names.resolve(of) == Some("PluginType") => {
            Some(Value::from(member.to_ascii_lowercase()))
        }
        _ => None,
    }
}

fn number(literal: &Literal, negative: bool) -> Option<Number> {
    match literal {
        Literal::Int(int) => match int.as_i64() {
            Some(int) => Some(Number::from(if negative { -int } else { int })),
            None => int.as_usize().filter(|_| !negative).map(Number::from),
        },
        Literal::Float(float) => Number::from_f64(if negative { -float } else { *float }),
        Literal::Complex { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use ruff_python_parser::parse_expression;
    use serde_json::json;

    use super::*;

    fn of(text: &str) -> Option<Value> {
        let parsed = parse_expression(text).unwrap();
        let mut names = Names::default();
        names.alias("PT", "PluginType");
        value(parsed.expr(), &names)
    }

    #[test]
    fn literals_are_values() {
        assert_eq!(of("'a' \"b\"\n"), Some(json!("ab")));
        assert_eq!(of("r'\\d'"), Some(json!("\\d")));
        assert_eq!(of("[1, -2, +3, 1.5, -0.5, 0x10]"), Some(json!([1, -2, 3, 1.5, -0.5, 16])));
        assert_eq!(of("(True, False, None)"), Some(json!([true, false, null])));
        assert_eq!(of("{'a', 'b'}"), Some(json!(["a", "b"])));
        assert_eq!(of("{'a': {'b': ()}, 'a': 1}"), Some(json!({"a": 1})));
        assert_eq!(of("9223372036854775808"), Some(json!(9223372036854775808_u64)));
        assert_eq!(of("PT.SERVICE"), Some(json!("service")));
        assert_eq!(of("q.core.PluginType.UI.value"), Some(json!("ui")));
    }

    #[test]
    fn what_is_computed_is_none() {
        for text in [
            "x",
            "f()",
            "[x]",
            "{'a': x}",
            "{**a}",
            "{1: 2}",
            "b'a'",
            "1j",
            "f'a'",
            "1 + 1",
            "--1",
            "-'a'",
            "1e999",
            "99999999999999999999999",
            "[*a]",
            "not True",
            "os.name",
            "...",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
