//! What a rule looked at, shown in its text.

use std::io::Write;

use wafpass::explain::Visible;
use wafpass::rules::ast::{Argument, Expr, ExprKind, Operand, OperandKind, Span, Step};
use wafpass::rules::trace::Trace;
use wafpass::rules::{Facts, FieldId, Scheme, Value};

use crate::error::Fault;
use crate::style::{FAINT, GOOD, HEADING};

/// Characters of a value that are shown.
const SHOWN: usize = 60;

/// A field in an expression, and whether it was looked at.
pub(super) struct Place<'e> {
    operand: &'e Operand,
    field: FieldId,
    pub(super) is_looked_at: bool,
}

/// Every field of an expression, in order.
pub(super) fn places<'e>(expression: &'e Expr, trace: &Trace<'_>) -> Vec<Place<'e>> {
    let mut found = Vec::new();
    in_condition(expression, &mut |operand, field| {
        let here = |span: &Span| span.start == operand.span.start;
        let is_looked_at = trace.accesses.iter().any(|access| here(&access.span));
        found.push(Place { operand, field, is_looked_at });
    });
    found.sort_by_key(|place| place.operand.span.start);
    found
}

fn in_condition<'e>(expression: &'e Expr, found: &mut impl FnMut(&'e Operand, FieldId)) {
    match &expression.kind {
        ExprKind::Logical { operands, .. } => {
            operands.iter().for_each(|operand| in_condition(operand, found));
        }
        ExprKind::Not(operand) | ExprKind::Quantified { operand, .. } => {
            in_condition(operand, found);
        }
        ExprKind::Compare { operand, .. } | ExprKind::Truth(operand) => in_operand(operand, found),
        _ => {}
    }
}

fn in_operand<'e>(operand: &'e Operand, found: &mut impl FnMut(&'e Operand, FieldId)) {
    match &operand.kind {
        OperandKind::Field(field) => found(operand, *field),
        OperandKind::Call(call) => {
            for argument in &call.arguments {
                if let Argument::Operand(operand) = argument {
                    in_operand(operand, found);
                }
            }
        }
        _ => {}
    }
}

impl Place<'_> {
    /// The field as the expression names it, line and column.
    pub(super) fn at(&self, text: &str) -> (String, usize, usize) {
        let span = &self.operand.span;
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (text.get(span.clone()).unwrap_or_default().to_owned(), line, column)
    }
}

/// Prints the text with `^` under what was looked at and `-` under what was not, then the values.
pub(super) fn print(
    out: &mut dyn Write,
    text: &str,
    places: &[Place<'_>],
    facts: &Facts<'_>,
    scheme: &Scheme,
) -> Result<(), Fault> {
    let mut start = 0;
    for line in text.split('\n') {
        let end = start + line.len();
        let shown: String = line.chars().map(one_column).collect();
        writeln!(out, "  {}", shown.trim_end())?;
        let marks = marks(line, start, places);
        if !marks.is_empty() {
            writeln!(out, "  {GOOD}{marks}{GOOD:#}")?;
        }
        start = end + 1;
    }
    let mut skipped = false;
    for place in places {
        let (name, line, column) = place.at(text);
        if place.is_looked_at {
            let value = value(place, facts, scheme);
            writeln!(
                out,
                "  {FAINT}{line}:{column:<3}{FAINT:#} {HEADING}{}{HEADING:#} = {value}",
                visible(&name)
            )?;
        } else {
            skipped = true;
            writeln!(out, "  {FAINT}{line}:{column:<3} {} not looked at{FAINT:#}", visible(&name))?;
        }
    }
    if skipped {
        writeln!(
            out,
            "  {FAINT}what is marked with - was not looked at: the answer was known{FAINT:#}"
        )?;
    }
    Ok(())
}

/// A character that takes one column and does nothing else.
fn one_column(character: char) -> char {
    match character {
        ' '..='~' => character,
        '\t' => ' ',
        character if character.is_alphabetic() => character,
        _ => '.',
    }
}

fn marks(line: &str, start: usize, places: &[Place<'_>]) -> String {
    let mark = |at: usize| {
        let here = places.iter().find(|place| place.operand.span.contains(&at));
        here.map_or(' ', |place| if place.is_looked_at { '^' } else { '-' })
    };
    let marks: String = line.char_indices().map(|(at, _)| mark(start + at)).collect();
    marks.trim_end().to_owned()
}

fn value(place: &Place<'_>, facts: &Facts<'_>, scheme: &Scheme) -> String {
    let mut value = facts.get(place.field);
    for step in &place.operand.path {
        value = match (step, value) {
            (Step::At(index), Some(Value::Array(values))) => {
                usize::try_from(*index).ok().and_then(|index| values.get(index))
            }
            (Step::Key(key), Some(Value::Map(map))) => map.get(key),
            _ => value, // `[*]`: all of them
        };
    }
    let kind = || scheme.field_at(place.field).map(|field| field.ty().to_string());
    value.map_or_else(|| format!("no value ({})", kind().unwrap_or_default()), shown)
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Ip(address) => address.to_string(),
        Value::Bytes(bytes) => {
            let text = Visible(bytes).to_string();
            let cut: String = text.chars().take(SHOWN).collect();
            let more = if cut.len() < text.len() { "…" } else { "" };
            format!("\"{cut}\"{more}")
        }
        Value::Array(values) => {
            let first: Vec<_> = values.iter().take(3).map(shown).collect();
            let more = if values.len() > 3 { ", …" } else { "" };
            format!("[{}{more}] ({})", first.join(", "), values.len())
        }
        Value::Map(map) => {
            let first: Vec<_> =
                map.iter().take(3).map(|(name, _)| Visible(name).to_string()).collect();
            let more = if map.len() > 3 { ", …" } else { "" };
            format!("{{{}{more}}} ({})", first.join(", "), map.len())
        }
        _ => "…".into(),
    }
}

fn visible(text: &str) -> String {
    text.chars().map(one_column).collect()
}
