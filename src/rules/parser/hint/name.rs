//! Names that nobody has.

use crate::rules::ast::Span;
use crate::rules::error::Fault;
use crate::rules::functions::Function;
use crate::rules::lexer::{Cursor, cut};
use crate::rules::scheme::Scheme;
use crate::rules::suggest;

/// A name that is no field, or no function.
pub(in crate::rules::parser) fn unknown_name(
    span: Span,
    name: &str,
    called: bool,
    scheme: &Scheme,
) -> Fault {
    let function = Function::from_name(name).is_some() || matches!(name, "any" | "all");
    let fault = match (function, called) {
        (true, _) => format!("{} is a function", cut(name)),
        (false, true) => format!("there is no function {}", cut(name)),
        (false, false) => format!("there is no field {}", cut(name)),
    };
    let way_out = match (name, function, called) {
        ("any" | "all", _, true) => {
            "any and all give an answer, not a value: they stand where a condition does".into()
        }
        (_, true, _) => format!("write {name}(…)"),
        ("true" | "false", _, _) => "a Bool stands by itself: write ssl, or not ssl".into(),
        ("and" | "or" | "xor" | "eq" | "ne" | "in" | "contains" | "matches", _, _) => {
            format!("`{name}` stands between two things; write the first one")
        }
        (_, _, true) => {
            let names = Function::ALL.iter().map(|function| function.name()).chain(["any", "all"]);
            suggest::like(name, names).map_or_else(
                || "docs/rules.md lists them all".into(),
                |like| format!("did you mean {like}?"),
            )
        }
        _ => {
            let names = scheme.fields().map(|(_, field)| field.name());
            suggest::like(name, names).map_or_else(
                || "docs/rules.md lists the built-in ones; fields of your own are registered with the scheme".into(),
                |like| format!("did you mean {like}?"),
            )
        }
    };
    Fault::new(span, fault, way_out)
}

pub(in crate::rules::parser) fn unknown_list(span: Span, name: &str, scheme: &Scheme) -> Fault {
    let fault = format!("there is no list {}", cut(&format!("${name}")));
    let way_out = suggest::like(name, scheme.lists().map(|(_, name, _)| name)).map_or_else(
        || "a rule file declares lists in [lists]; others are added to the scheme".into(),
        |like| format!("did you mean ${like}?"),
    );
    Fault::new(span, fault, way_out)
}

/// A field or a call where a literal belongs.
pub(in crate::rules::parser) fn not_a_literal(
    cursor: &Cursor<'_>,
    scheme: &Scheme,
) -> Result<(), Fault> {
    let name = cursor.word();
    let known = scheme.field(name).is_some() || Function::from_name(name).is_some();
    if !known || cursor.rest().get(name.len()..).is_some_and(|rest| rest.starts_with('"')) {
        return Ok(());
    }
    let fault = format!("a literal belongs here, and there is {}", cut(name));
    Err(Fault::new(
        cursor.token(),
        fault,
        "values of a request are compared with literals, not with each other",
    ))
}
