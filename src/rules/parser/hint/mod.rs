//! What is wrong and the way out, for what is often written by mistake.

mod call;
mod name;
mod operator;
mod set;

pub(super) use self::call::{
    argument_of_other_type, call_not_closed, each_behind_first, literal_argument, not_a_key,
    operand_argument, too_few, too_many,
};
pub(super) use self::name::{not_a_literal, unknown_list, unknown_name};
pub(super) use self::operator::{
    compared_bool, doubled, no_operator, not_an_operator, not_comparable, operator_of_other_type,
};
pub(super) use self::set::{in_set, no_index, no_set, no_such_step};

use crate::rules::ast::{Expr, LogicalOp, Quantifier, Shape};
use crate::rules::error::Fault;
use crate::rules::lexer::Cursor;
use crate::rules::limits::MAX_NESTING;

/// What stands where a value belongs.
pub(super) fn no_operand(cursor: &Cursor<'_>) -> Fault {
    let way_out = match cursor.peek() {
        Some('\'' | '"') => "the value of the request comes first: http.host eq \"…\"",
        Some('$') => "a list stands after `in`",
        Some('0'..='9' | '-') => {
            "the value of the request comes first: http.request.body.size gt 100"
        }
        Some(')') => "take the parenthesis away, or write what is to be in it",
        Some('#' | '/') => "there are no comments in an expression; a rule has a description",
        Some('&' | '|' | '^' | '=') => {
            "write each operator once, with a value before and behind it"
        }
        _ => "a value is a field, such as http.host, or a call, such as lower(http.host)",
    };
    Fault::new(cursor.token(), format!("a value belongs here, and {}", cursor.found()), way_out)
}

pub(super) fn too_deep(start: usize) -> Fault {
    let fault = format!("the expression nests more than {MAX_NESTING} levels deep");
    Fault::new(start..start + 1, fault, "drop parentheses that do nothing, or split the rule")
}

/// What stands behind a whole expression.
pub(super) fn behind(cursor: &Cursor<'_>) -> Fault {
    let fault = format!("the expression is whole, and {} behind it", cursor.found());
    Fault::new(cursor.token(), fault, joined(cursor))
}

const INDEX_BEHIND_SPACE: &str = "an index follows its field without a space";

fn joined_by_word(word: &str) -> &'static str {
    match word.to_ascii_lowercase().as_str() {
        "eq" | "ne" | "in" | "is" => "an answer stands by itself: it is not compared",
        "and" => "write and, in lower case",
        "or" => "write or, in lower case",
        "xor" => "write xor, in lower case",
        _ => "join conditions with and, or, xor",
    }
}

/// What was meant by what stands behind a condition.
fn joined(cursor: &Cursor<'_>) -> &'static str {
    match cursor.peek() {
        Some(')') => "take the parenthesis away: none is open",
        Some('|') => "write or, or ||",
        Some('&') => "write and, or &&",
        Some('^') => "write xor, or ^^",
        Some('#' | '/') => "there are no comments in an expression; a rule has a description",
        Some(';') => "an expression has no end mark; a rule has one expression",
        Some('[') => INDEX_BEHIND_SPACE,
        Some('=' | '<' | '>' | '~') => "an answer stands by itself: it is not compared",
        _ => joined_by_word(cursor.word()),
    }
}

pub(super) fn not_closed(cursor: &Cursor<'_>, open: usize) -> Fault {
    if cursor.is_at_end() {
        let (line, column) = cursor.place(open);
        let way_out = format!("close the one of line {line}, column {column}");
        return Fault::new(cursor.token(), "a parenthesis is not closed", way_out);
    }
    Fault::new(
        cursor.token(),
        format!("a `)` belongs here, and {}", cursor.found()),
        joined(cursor),
    )
}

/// An operator that joins a Bool with an Array(Bool).
pub(super) fn mixed(op: LogicalOp, left: &Expr, right: &Expr) -> Fault {
    let of = |shape| if shape == Shape::One { "a Bool" } else { "an Array(Bool)" };
    let fault = format!("`{op}` joins {} with {}", of(left.shape), of(right.shape));
    Fault::new(
        right.span.clone(),
        fault,
        "write any(…) or all(…) around the side that looks at each of several values",
    )
}

pub(super) fn one_in_quantifier(quantifier: Quantifier, operand: &Expr, written: &str) -> Fault {
    let fault = format!(
        "{quantifier}(…) takes an answer for each of several values, and here is one answer"
    );
    let way_out = if written.contains("[*]") {
        format!("take {quantifier}(…) away")
    } else {
        format!(
            "write [*] behind an array, such as {quantifier}(http.request.headers.values[*] contains \"…\")"
        )
    };
    Fault::new(operand.span.clone(), fault, way_out)
}
