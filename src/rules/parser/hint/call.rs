//! Arguments that a function does not take.

use super::not_closed;
use crate::rules::ast::Span;
use crate::rules::error::Fault;
use crate::rules::functions::{Parameter, Signature, Takes};
use crate::rules::lexer::Cursor;
use crate::rules::limits::MAX_ARGUMENTS;
use crate::rules::parser::call::Given;
use crate::rules::types::Type;

/// What is no key of an HMAC, and what stands behind one: it is not repeated, since errors are logged.
pub(in crate::rules::parser) fn not_a_key(cursor: &Cursor<'_>, signature: &Signature) -> Fault {
    let fault = format!("the key of {} is a string of its own", signature.function.name());
    let way_out = "write it in quotes, each quote within it as \\\", and a comma behind it";
    Fault::new(cursor.token(), fault, way_out)
}

/// What stands behind an argument.
pub(in crate::rules::parser) fn call_not_closed(cursor: &Cursor<'_>, open: usize) -> Fault {
    if cursor.is_at_end() {
        return not_closed(cursor, open);
    }
    let way_out = "an argument is a field, a call or a literal; commas stand between arguments";
    Fault::new(
        cursor.token(),
        format!("a `,` or `)` belongs here, and {}", cursor.found()),
        way_out,
    )
}

pub(in crate::rules::parser) fn each_behind_first(span: Span) -> Fault {
    let fault = "[*] stands in the first argument of a function only";
    Fault::new(span, fault, "write one element, as in [0]")
}

pub(in crate::rules::parser) fn too_few(span: Span, given: usize, signature: &Signature) -> Fault {
    let least = signature.required.len();
    let fault = format!("{} takes {} more", signature.function.name(), arguments(least - given));
    Fault::new(span, fault, format!("write {signature}"))
}

pub(in crate::rules::parser) fn too_many(
    cursor: &Cursor<'_>,
    position: usize,
    signature: &Signature,
) -> Fault {
    let name = signature.function.name();
    if position >= MAX_ARGUMENTS {
        let fault = format!("a call takes {MAX_ARGUMENTS} arguments at most");
        return Fault::new(cursor.token(), fault, format!("write one {name} within the other"));
    }
    let fault = format!("{name} takes {} at most", arguments(position));
    Fault::new(cursor.token(), fault, format!("write {signature}"))
}

fn arguments(count: usize) -> String {
    format!("{count} argument{}", if count == 1 { "" } else { "s" })
}

pub(in crate::rules::parser) fn argument_of_other_type(
    given: &Given,
    parameter: &Parameter,
    first: &Type,
    signature: &Signature,
) -> Fault {
    let ty = &given.ty;
    let takes = match parameter.takes {
        Takes::AsFirst => first.to_string(),
        Takes::Element => first.element().map_or_else(String::new, Type::to_string),
        takes => takes.to_string(),
    };
    let name = signature.function.name();
    let fault = format!("the {} of {name} is {takes}, and this is {ty}", parameter.name);
    let is_first = signature.required.first().is_some_and(|first| std::ptr::eq(first, parameter));
    let element = ty.element().filter(|element| parameter.takes.takes(element, first));
    let way_out = match (element, ty) {
        (Some(_), Type::Array(_)) if is_first => {
            format!("write [*] behind it for every element, as in {name}(…[*])[*], or [0]")
        }
        (Some(_), Type::Array(_)) => "write [0] behind it for one element".into(),
        (Some(_), Type::Map(_)) => "write [\"name\"] behind it".into(),
        _ => format!("write {signature}"),
    };
    Fault::new(given.span.clone(), fault, way_out)
}

pub(in crate::rules::parser) fn literal_argument(
    span: Span,
    parameter: &Parameter,
    signature: &Signature,
) -> Fault {
    let fault =
        format!("the {} of {} comes from the request", parameter.name, signature.function.name());
    Fault::new(span, fault, "write a field, or a call, in place of the literal")
}

pub(in crate::rules::parser) fn operand_argument(
    span: Span,
    parameter: &Parameter,
    signature: &Signature,
) -> Fault {
    let fault = format!("the {} of {} is a literal", parameter.name, signature.function.name());
    Fault::new(span, fault, format!("write it out: {signature}"))
}
