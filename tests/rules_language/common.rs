//! A scheme with fields of every type, and what tests do with expressions.

use wafpass::rules::ast::{Argument, Expr, ExprKind, Operand, OperandKind};
use wafpass::rules::{List, ParseError, Scheme, Type, parse};

/// The built-in fields, one of each type under `my.`, and a list of each type.
pub(crate) fn scheme() -> Scheme {
    let mut scheme = Scheme::default();
    for (name, ty) in [
        ("my.bool", Type::Bool),
        ("my.int", Type::Int),
        ("my.bytes", Type::Bytes),
        ("my.ip", Type::Ip),
        ("my.bools", Type::Bool.array()),
        ("my.ints", Type::Int.array()),
        ("my.strings", Type::Bytes.array()),
        ("my.ips", Type::Ip.array()),
        ("my.bools_by_name", Type::Bool.map()),
        ("my.ints_by_name", Type::Int.map()),
        ("my.strings_by_name", Type::Bytes.map()),
        ("my.tables", Type::Bool.array().array()),
        ("notes", Type::Bytes),
    ] {
        scheme.register(name, ty).unwrap();
    }
    scheme.add_list("ints", List::Ints(vec![(1, 5)])).unwrap();
    scheme
        .add_list("office.ips", List::Ips(vec![([1, 2, 3, 4].into(), [1, 2, 3, 5].into())]))
        .unwrap();
    scheme.add_list("words", List::Bytes(vec![b"a".to_vec()])).unwrap();
    scheme
}

/// What a text parses to, printed.
pub(crate) fn printed(text: &str) -> String {
    let scheme = scheme();
    match parse(text, &scheme) {
        Ok(expression) => expression.display(&scheme).to_string(),
        Err(error) => panic!("{text}\n{error:#}"),
    }
}

/// What is said of a text that does not parse.
pub(crate) fn refused(text: &str) -> ParseError {
    let scheme = scheme();
    match parse(text, &scheme) {
        Ok(expression) => panic!("{text}\nparses to {}", expression.display(&scheme)),
        Err(error) => error,
    }
}

/// An expression without the places it stood in.
pub(crate) fn without_places(mut expression: Expr) -> Expr {
    strip(&mut expression);
    expression
}

fn strip(expression: &mut Expr) {
    expression.span = 0..0;
    match &mut expression.kind {
        ExprKind::Logical { operands, .. } => operands.iter_mut().for_each(strip),
        ExprKind::Not(operand) | ExprKind::Quantified { operand, .. } => strip(operand),
        ExprKind::Compare { operand, .. } | ExprKind::Truth(operand) => strip_operand(operand),
        _ => panic!("a kind that this test does not know"),
    }
}

fn strip_operand(operand: &mut Operand) {
    operand.span = 0..0;
    if let OperandKind::Call(call) = &mut operand.kind {
        call.span = 0..0;
        for argument in &mut call.arguments {
            if let Argument::Operand(operand) = argument {
                strip_operand(operand);
            }
        }
    }
}
