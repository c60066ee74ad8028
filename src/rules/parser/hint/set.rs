//! Sets and indexes.

use crate::rules::ast::{Span, Step};
use crate::rules::error::Fault;
use crate::rules::lexer::{Cursor, shown};
use crate::rules::types::Type;

pub(in crate::rules::parser) fn no_set(cursor: &Cursor<'_>) -> Fault {
    let way_out = match cursor.peek() {
        Some('[' | '(') => "a set stands in braces: in {…}",
        _ => "write a set, in {…}, or a list, in $name",
    };
    Fault::new(cursor.token(), format!("a set belongs here, and {}", cursor.found()), way_out)
}

/// What is no element of a set.
pub(in crate::rules::parser) fn in_set(cursor: &Cursor<'_>, open: usize) -> Result<(), Fault> {
    match cursor.peek() {
        Some(mark @ (',' | ';')) => {
            let fault = format!("there is {} between the elements of a set", shown(mark));
            Err(Fault::new(cursor.token(), fault, "put a space there"))
        }
        None => {
            let (line, column) = cursor.place(open);
            let way_out = format!("close the brace of line {line}, column {column} with }}");
            Err(Fault::new(cursor.token(), "the set has no end", way_out))
        }
        Some('$') => Err(Fault::new(
            cursor.token(),
            "a list stands by itself",
            "write in $name, joined with or",
        )),
        _ => Ok(()),
    }
}

pub(in crate::rules::parser) fn no_index(cursor: &Cursor<'_>) -> Fault {
    let way_out = match cursor.peek() {
        Some('-') => "an index counts from the start, which is 0",
        Some('\'') => "a name stands in double quotes: [\"name\"]",
        _ => "an index is like [0], [\"name\"] or [*]",
    };
    Fault::new(cursor.token(), format!("an index belongs here, and {}", cursor.found()), way_out)
}

pub(in crate::rules::parser) fn no_such_step(span: Span, ty: &Type, step: &Step) -> Fault {
    let (fault, way_out) = match (ty, step) {
        (Type::Array(_), Step::Key(_)) => {
            (format!("{ty} has no names"), "write a number, as in [0], or [*]")
        }
        (Type::Map(_), Step::At(_)) => {
            (format!("{ty} has no numbers"), "write a name, as in [\"name\"], or [*]")
        }
        _ => (format!("{ty} has no elements"), "take the index away"),
    };
    Fault::new(span, fault, way_out)
}
