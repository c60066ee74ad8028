//! What is wrong and the way out, for what is often written by mistake.

use super::call::Given;
use crate::rules::ast::{Expr, LogicalOp, Operand, Quantifier, Shape, Span, Step};
use crate::rules::error::Fault;
use crate::rules::functions::{Function, Parameter, Signature};
use crate::rules::lexer::{Cursor, cut, shown};
use crate::rules::limits::{MAX_ARGUMENTS, MAX_NESTING};
use crate::rules::scheme::Scheme;
use crate::rules::suggest;
use crate::rules::types::Type;

/// Operators of other languages, and what they are here; of those that begin alike, the longer first.
const FOREIGN_SYMBOLS: [(&str, &str); 13] = [
    ("===", "write == or eq"),
    ("!==", "write != or ne"),
    ("=~", "write matches or ~"),
    ("!~", "write not before the value: not VALUE matches \"…\""),
    ("=<", "write <="),
    ("=>", "write >="),
    ("<>", "write !="),
    ("=", ""),
    ("^", "write wildcard \"…*\" or matches \"^…\" for what a value starts with"),
    ("*", ARITHMETIC),
    ("+", ARITHMETIC),
    ("/", ARITHMETIC),
    ("%", ARITHMETIC),
];

const ARITHMETIC: &str = "there is no arithmetic in this language";

const FOREIGN_WORDS: [(&str, &str); 15] = [
    ("is", "write eq"),
    ("equals", "write eq"),
    ("equal", "write eq"),
    ("neq", "write ne"),
    ("like", "write wildcard \"…*…\" or contains \"…\""),
    ("contain", "write contains"),
    ("includes", "write contains"),
    ("has", "write contains"),
    ("match", "write matches"),
    ("regex", "write matches"),
    ("starts_with", "write starts_with(VALUE, \"…\")"),
    ("startswith", "write starts_with(VALUE, \"…\")"),
    ("ends_with", "write ends_with(VALUE, \"…\")"),
    ("endswith", "write ends_with(VALUE, \"…\")"),
    ("not", "write not before the value: not VALUE in {…}"),
];

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

/// A name that is no field, or no function.
pub(super) fn unknown_name(span: Span, name: &str, called: bool, scheme: &Scheme) -> Fault {
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

pub(super) fn too_deep(start: usize) -> Fault {
    let fault = format!("the expression nests more than {MAX_NESTING} levels deep");
    Fault::new(start..start + 1, fault, "drop parentheses that do nothing, or split the rule")
}

pub(super) fn unknown_list(span: Span, name: &str, scheme: &Scheme) -> Fault {
    let fault = format!("there is no list {}", cut(&format!("${name}")));
    let way_out = suggest::like(name, scheme.lists().map(|(_, name, _)| name)).map_or_else(
        || "a rule file declares lists in [lists]; others are added to the scheme".into(),
        |like| format!("did you mean ${like}?"),
    );
    Fault::new(span, fault, way_out)
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

/// What stands behind an argument.
pub(super) fn call_not_closed(cursor: &Cursor<'_>, open: usize) -> Fault {
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

/// An array or a map where a single value is compared.
pub(super) fn not_comparable(cursor: &Cursor<'_>, operand: &Operand) -> Fault {
    let written = cursor.since(operand.span.start).trim_end();
    let ty = &operand.ty;
    let way_out = match ty {
        _ if cursor.rest().trim_start().starts_with('[') => INDEX_BEHIND_SPACE.into(),
        Type::Map(element) if element.element().is_some() => {
            format!(
                "write any({written}[\"name\"][*] …) for one name, any({written}[*][*] …) for every one"
            )
        }
        Type::Map(_) => {
            format!("write {written}[\"name\"] for one name, any({written}[*] …) for every one")
        }
        _ => format!(
            "write any({written}[*] …) for one that holds, all({written}[*] …), or {written}[0]"
        ),
    };
    let mut ahead = *cursor;
    ahead.skip_space();
    Fault::new(
        ahead.token(),
        format!("{} is {ty}, and only single values are compared", cut(written)),
        way_out,
    )
}

/// A field or a call where a literal belongs.
pub(super) fn not_a_literal(cursor: &Cursor<'_>, scheme: &Scheme) -> Result<(), Fault> {
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

/// A Bool that is compared.
pub(super) fn compared_bool(cursor: &Cursor<'_>, operand: &Operand) -> Result<(), Fault> {
    let written = cut(cursor.since(operand.span.start)).replace('`', "");
    let mut ahead = *cursor;
    ahead.skip_space();
    let start = ahead.at();
    let word =
        ["eq", "ne", "in", "is", "contains", "matches"].iter().any(|word| ahead.word() == *word);
    let symbol = ["==", "!=", "=", "<", ">", "~"].iter().any(|symbol| ahead.eat(symbol));
    if !word && !symbol {
        return Ok(());
    }
    let span = if word { ahead.token() } else { ahead.span(start) };
    let fault = format!("{written} is {}, which is not compared", operand.ty);
    Err(Fault::new(
        span,
        fault,
        format!("a Bool stands by itself: write {written}, or not {written}"),
    ))
}

/// Operators that look like one of this language.
pub(super) fn not_an_operator(cursor: &Cursor<'_>, operand: &Operand) -> Result<(), Fault> {
    let known = ["==", "!=", "&&"].iter().any(|known| cursor.rest().starts_with(known));
    let long = ["===", "!=="].iter().any(|long| cursor.rest().starts_with(long));
    if known && !long {
        return Ok(());
    }
    let symbol = FOREIGN_SYMBOLS.iter().find(|(symbol, _)| cursor.rest().starts_with(symbol));
    let word = FOREIGN_WORDS.iter().find(|(word, _)| cursor.word() == *word);
    let Some((written, way_out)) = symbol.or(word) else { return Ok(()) };
    let way_out = match (*written, &operand.ty) {
        ("=", _) => "write == or eq",
        ("^", Type::Int) => "there is no arithmetic in this language, but & for bits",
        _ => way_out,
    };
    let span = cursor.at()..cursor.at() + written.len();
    Err(Fault::new(span, format!("`{written}` is not an operator of this language"), way_out))
}

/// `&&&`, `~~`, `====`: what is left of an operator that was written once too often.
pub(super) fn doubled(cursor: &Cursor<'_>, operator: &Span) -> Result<(), Fault> {
    let next = cursor.peek().filter(|next| matches!(next, '=' | '&' | '~' | '<' | '>' | '!' | '|'));
    let Some(next) = next.filter(|_| operator.end == cursor.at()) else { return Ok(()) };
    let span = operator.start..cursor.at() + next.len_utf8();
    let way_out = if next == '&' {
        "`&` tests bits of an Int; conditions are joined with and, or &&"
    } else {
        "write the operator once"
    };
    Err(Fault::new(span, "this is not an operator of this language", way_out))
}

pub(super) fn no_operator(cursor: &Cursor<'_>, operand: &Operand) -> Fault {
    let operators = operators_of(&operand.ty);
    let word = cursor.word();
    let like = || suggest::like(word, operators.split(' ')).filter(|_| word.len() > 1);
    let way_out = match cursor.peek() {
        Some('[') => INDEX_BEHIND_SPACE.into(),
        Some('(') => "only functions are called; docs/rules.md lists them all".into(),
        _ => like().map_or_else(
            || format!("{} is compared with {operators}", operand.ty),
            |like| format!("did you mean {like}?"),
        ),
    };
    Fault::new(
        cursor.token(),
        format!("a comparison belongs here, and {}", cursor.found()),
        way_out,
    )
}

fn operators_of(ty: &Type) -> &'static str {
    match ty {
        Type::Int => "eq ne lt le gt ge & in",
        Type::Ip => "eq ne lt le gt ge in",
        _ => "eq ne lt le gt ge contains matches wildcard strict wildcard in",
    }
}

pub(super) fn operator_of_other_type(span: Span, written: &str, operand: &Operand) -> Fault {
    let operator: String = written.split_whitespace().collect::<Vec<_>>().join(" ");
    let ty = &operand.ty;
    let of = if matches!(operator.as_str(), "&" | "bitwise_and") { "Int" } else { "Bytes" };
    let fault = format!("`{operator}` compares {of}, and this value is {ty}");
    let way_out = match (operator.as_str(), ty) {
        ("&", Type::Bytes) => "conditions are joined with and, or &&".into(),
        (_, Type::Ip) => {
            format!("{ty} is compared with {}; in {{10.0.0.0/8}} is a network", operators_of(ty))
        }
        _ => format!("{ty} is compared with {}", operators_of(ty)),
    };
    Fault::new(span, fault, way_out)
}

pub(super) fn no_set(cursor: &Cursor<'_>) -> Fault {
    let way_out = match cursor.peek() {
        Some('[' | '(') => "a set stands in braces: in {…}",
        _ => "write a set, in {…}, or a list, in $name",
    };
    Fault::new(cursor.token(), format!("a set belongs here, and {}", cursor.found()), way_out)
}

/// What is no element of a set.
pub(super) fn in_set(cursor: &Cursor<'_>, open: usize) -> Result<(), Fault> {
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

pub(super) fn no_index(cursor: &Cursor<'_>) -> Fault {
    let way_out = match cursor.peek() {
        Some('-') => "an index counts from the start, which is 0",
        Some('\'') => "a name stands in double quotes: [\"name\"]",
        _ => "an index is like [0], [\"name\"] or [*]",
    };
    Fault::new(cursor.token(), format!("an index belongs here, and {}", cursor.found()), way_out)
}

pub(super) fn no_such_step(span: Span, ty: &Type, step: &Step) -> Fault {
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

pub(super) fn each_behind_first(span: Span) -> Fault {
    let fault = "[*] stands in the first argument of a function only";
    Fault::new(span, fault, "write one element, as in [0]")
}

pub(super) fn too_few(span: Span, given: usize, signature: &Signature) -> Fault {
    let least = signature.required.len();
    let fault = format!("{} takes {} more", signature.function.name(), arguments(least - given));
    Fault::new(span, fault, format!("write {signature}"))
}

pub(super) fn too_many(cursor: &Cursor<'_>, position: usize, signature: &Signature) -> Fault {
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

pub(super) fn argument_of_other_type(
    given: &Given,
    parameter: &Parameter,
    first: &Type,
    signature: &Signature,
) -> Fault {
    let ty = &given.ty;
    let takes = match parameter.takes {
        crate::rules::functions::Takes::AsFirst => first.to_string(),
        crate::rules::functions::Takes::Element => {
            first.element().map_or_else(String::new, Type::to_string)
        }
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

pub(super) fn literal_argument(span: Span, parameter: &Parameter, signature: &Signature) -> Fault {
    let fault =
        format!("the {} of {} comes from the request", parameter.name, signature.function.name());
    Fault::new(span, fault, "write a field, or a call, in place of the literal")
}

pub(super) fn operand_argument(span: Span, parameter: &Parameter, signature: &Signature) -> Fault {
    let fault = format!("the {} of {} is a literal", parameter.name, signature.function.name());
    Fault::new(span, fault, format!("write it out: {signature}"))
}
