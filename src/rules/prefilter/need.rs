//! What an expression cannot hold without.

use super::literals::{folded, of_regex};
use crate::rules::ast::{
    Argument, Comparison, Expr, ExprKind, Literal, LogicalOp, Operand, OperandKind, OrderOp,
    Quantifier, Step,
};
use crate::rules::functions::{Function, UrlOptions};
use crate::rules::lists::List;
use crate::rules::scheme::{FieldId, Scheme};
use crate::rules::wildcard;

/// Most literals of one clause. Longer sets are not waited for: the automaton would cost more than it saves.
const MAX_LITERALS: usize = 64;

/// A value that is looked through: a field, or a part of it that the path leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Hay {
    pub(super) field: FieldId,
    pub(super) path: Vec<Step>,
    /// Whether it is looked through as it came, or as `url_decode` gives it.
    pub(super) decoded: Option<UrlOptions>,
}

/// Bytes that have to stand somewhere in a value, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Needle {
    pub(super) hay: Hay,
    pub(super) literal: Vec<u8>,
}

/// Needles one of which has to be found.
#[derive(Clone, Debug)]
pub(super) struct Clause {
    pub(super) needles: Vec<Needle>,
}

impl Clause {
    /// The shortest literal decides how telling a clause is, then how few there are.
    fn worth(&self) -> (usize, usize) {
        let shortest = self.needles.iter().map(|needle| needle.literal.len()).min();
        (shortest.unwrap_or(0), MAX_LITERALS.saturating_sub(self.needles.len()))
    }
}

/// The clauses that all have to be found for an expression to hold, the most telling first. None where it can
/// hold whatever the request is.
pub(super) fn clauses(expr: &Expr, scheme: &Scheme) -> Vec<Clause> {
    let mut found = of_expr(expr, scheme);
    found.sort_by_key(|clause| std::cmp::Reverse(clause.worth()));
    found
}

/// An Array(Bool) holds where one element does: so `any` sees the same clauses.
fn of_expr(expr: &Expr, scheme: &Scheme) -> Vec<Clause> {
    match &expr.kind {
        ExprKind::Logical { op: LogicalOp::And, operands } => {
            operands.iter().flat_map(|operand| of_expr(operand, scheme)).collect()
        }
        ExprKind::Logical { op: LogicalOp::Or, operands } => {
            either(operands.iter().map(|operand| of_expr(operand, scheme)))
        }
        ExprKind::Quantified { quantifier: Quantifier::Any, operand } => of_expr(operand, scheme),
        ExprKind::Compare { operand, comparison } => {
            let literals = of_comparison(comparison, scheme);
            hay(operand).map(|hay| waiting(&hay, literals)).unwrap_or_default()
        }
        ExprKind::Truth(operand) => of_truth(operand),
        // These can hold over nothing, or because something is not there.
        ExprKind::Logical { op: LogicalOp::Xor, .. }
        | ExprKind::Not(_)
        | ExprKind::Quantified { quantifier: Quantifier::All, .. } => Vec::new(),
    }
}

/// The best clause of each, together. None where one of them has none.
fn either(each: impl Iterator<Item = Vec<Clause>>) -> Vec<Clause> {
    let mut needles = Vec::new();
    for clauses in each {
        let Some(best) = clauses.into_iter().max_by_key(Clause::worth) else { return Vec::new() };
        needles.extend(best.needles);
        if needles.len() > MAX_LITERALS {
            return Vec::new();
        }
    }
    vec![Clause { needles }]
}

fn waiting(hay: &Hay, literals: Vec<Vec<Vec<u8>>>) -> Vec<Clause> {
    let clause = |literals: Vec<Vec<u8>>| {
        let is_telling = literals.iter().all(|literal| is_telling(literal));
        if literals.is_empty() || literals.len() > MAX_LITERALS || !is_telling {
            return None;
        }
        let needle = |literal| Needle { hay: hay.clone(), literal };
        Some(Clause { needles: literals.into_iter().map(needle).collect() })
    };
    literals.into_iter().filter_map(clause).collect()
}

/// Whether it is worth while to look for it: nothing, a letter, a digit and what every URL has is not.
fn is_telling(literal: &[u8]) -> bool {
    match literal {
        [] => false,
        [byte] => !byte.is_ascii_alphanumeric() && !b"/.-_=&?:;, %+".contains(byte),
        _ => true,
    }
}

/// What a value has to contain to pass a comparison: one of each of these.
fn of_comparison(comparison: &Comparison, scheme: &Scheme) -> Vec<Vec<Vec<u8>>> {
    match comparison {
        Comparison::Order { op: OrderOp::Equal, literal: Literal::Bytes(bytes) }
        | Comparison::Contains(bytes) => vec![vec![folded(bytes)]],
        Comparison::Matches(pattern) => of_regex(pattern),
        Comparison::Wildcard { pattern, .. } => {
            let pieces = wildcard::pieces(pattern).unwrap_or_default();
            pieces.iter().map(|piece| vec![folded(piece)]).collect()
        }
        Comparison::InBytes(values) => one_of(values),
        Comparison::InList(list) => match scheme.list_at(*list) {
            Some((_, List::Bytes(values))) => one_of(values),
            _ => Vec::new(),
        },
        Comparison::Order { .. }
        | Comparison::BitwiseAnd(_)
        | Comparison::InInts(_)
        | Comparison::InIps(_) => Vec::new(),
    }
}

fn one_of(values: &[Vec<u8>]) -> Vec<Vec<Vec<u8>>> {
    if values.len() > MAX_LITERALS {
        return Vec::new();
    }
    vec![values.iter().map(|value| folded(value)).collect()]
}

/// `starts_with(x, "…")`, `ends_with(x, "…")`, `has_value(x, "…")`
fn of_truth(operand: &Operand) -> Vec<Clause> {
    let OperandKind::Call(call) = &operand.kind else { return Vec::new() };
    match (call.function, call.arguments.as_slice()) {
        (
            Function::StartsWith | Function::EndsWith | Function::HasValue,
            [Argument::Operand(source), Argument::Literal(Literal::Bytes(bytes))],
        ) => hay(source).map(|hay| waiting(&hay, vec![vec![folded(bytes)]])).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The field that all bytes of an operand are of, but for their case, and perhaps decoded.
fn hay(operand: &Operand) -> Option<Hay> {
    let call = match &operand.kind {
        OperandKind::Field(field) => {
            let path = operand.path.iter().take_while(|step| **step != Step::Each);
            return Some(Hay { field: *field, path: path.cloned().collect(), decoded: None });
        }
        OperandKind::Call(call) => call,
    };
    let Some(Argument::Operand(source)) = call.arguments.first() else { return None };
    match call.function {
        Function::Lower | Function::Upper | Function::Substring | Function::Split => hay(source),
        // Of a field only: what cuts before it is decoded may cut an escape.
        Function::UrlDecode if matches!(source.kind, OperandKind::Field(_)) => {
            let options = match call.arguments.get(1) {
                None => UrlOptions::default(),
                Some(Argument::Literal(Literal::Bytes(options))) => UrlOptions::parse(options)?,
                Some(_) => return None,
            };
            Some(Hay { decoded: Some(options), ..hay(source)? })
        }
        _ => None,
    }
}
