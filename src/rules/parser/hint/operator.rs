//! Operators of other languages, and of other types.

use super::INDEX_BEHIND_SPACE;
use crate::rules::ast::{Operand, Span};
use crate::rules::error::Fault;
use crate::rules::functions::Function;
use crate::rules::lexer::{Cursor, repeated};
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

/// The operand, as it was written, up to the key of an HMAC: errors are logged.
fn written(cursor: &Cursor<'_>, operand: &Operand) -> String {
    let text = cursor.since(operand.span.start).trim_end();
    let name = Function::IsTimedHmacValidV0.name();
    match text.split_once(name) {
        Some((before, _)) => format!("{}{name}(…)", repeated(before)),
        None => repeated(text),
    }
}

/// An array or a map where a single value is compared.
pub(in crate::rules::parser) fn not_comparable(cursor: &Cursor<'_>, operand: &Operand) -> Fault {
    let written = written(cursor, operand);
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
        format!("`{written}` is {ty}, and only single values are compared"),
        way_out,
    )
}

/// A Bool that is compared.
pub(in crate::rules::parser) fn compared_bool(
    cursor: &Cursor<'_>,
    operand: &Operand,
) -> Result<(), Fault> {
    let written = written(cursor, operand);
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
pub(in crate::rules::parser) fn not_an_operator(
    cursor: &Cursor<'_>,
    operand: &Operand,
) -> Result<(), Fault> {
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
pub(in crate::rules::parser) fn doubled(cursor: &Cursor<'_>, operator: &Span) -> Result<(), Fault> {
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

pub(in crate::rules::parser) fn no_operator(cursor: &Cursor<'_>, operand: &Operand) -> Fault {
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

pub(in crate::rules::parser) fn operator_of_other_type(
    span: Span,
    written: &str,
    operand: &Operand,
) -> Fault {
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
