//! `and`, `or`, `xor`, `not`, parentheses, `any` and `all`.

use super::{Parser, hint};
use crate::rules::ast::{Expr, ExprKind, LogicalOp, Quantifier, Shape};
use crate::rules::error::Fault;

/// The operators with their spellings.
const OPERATORS: [(LogicalOp, &str, &str); 3] = [
    (LogicalOp::Or, "or", "||"),
    (LogicalOp::Xor, "xor", "^^"),
    (LogicalOp::And, "and", "&&"),
];

impl Parser<'_> {
    /// A condition, with its operators of any precedence.
    pub(super) fn logical(&mut self) -> Result<Expr, Fault> {
        self.chain(LogicalOp::Or)
    }

    /// Conditions joined by operators that bind at least as strongly as `least`.
    fn chain(&mut self, least: LogicalOp) -> Result<Expr, Fault> {
        let mut left = self.simple()?;
        while let Some(op) = self.eat_operator(least) {
            let right = match op {
                LogicalOp::Or => self.chain(LogicalOp::Xor)?,
                LogicalOp::Xor => self.chain(LogicalOp::And)?,
                LogicalOp::And => self.simple()?,
            };
            left = join(op, left, right)?;
        }
        Ok(left)
    }

    /// Goes on behind an operator that binds at least as strongly as `least`, if one stands here.
    fn eat_operator(&mut self, least: LogicalOp) -> Option<LogicalOp> {
        let before = self.cursor;
        self.cursor.skip_space();
        let operators = OPERATORS.iter().filter(|(op, ..)| *op >= least);
        for (op, word, symbol) in operators {
            if self.cursor.eat_word(word) || self.cursor.eat(symbol) {
                return Some(*op);
            }
        }
        self.cursor = before;
        None
    }

    /// A condition that no operator joins.
    fn simple(&mut self) -> Result<Expr, Fault> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        if self.cursor.eat("(") {
            return self.nested(start, |parser| parser.in_parentheses(start));
        }
        if self.cursor.eat_word("not") || self.eat_bang() {
            return self.nested(start, |parser| parser.negated(start));
        }
        match self.quantifier() {
            Some(quantifier) => self.nested(start, |parser| parser.quantified(quantifier, start)),
            None => self.comparison(),
        }
    }

    fn in_parentheses(&mut self, start: usize) -> Result<Expr, Fault> {
        let mut inner = self.logical()?;
        self.close(start)?;
        inner.span = self.cursor.span(start);
        Ok(inner)
    }

    fn negated(&mut self, start: usize) -> Result<Expr, Fault> {
        let inner = self.simple()?;
        let shape = inner.shape;
        let kind = ExprKind::Not(Box::new(inner));
        Ok(Expr { kind, shape, span: self.cursor.span(start) })
    }

    fn quantified(&mut self, quantifier: Quantifier, start: usize) -> Result<Expr, Fault> {
        let open = self.cursor.at() - 1;
        let operand = self.logical()?;
        if operand.shape == Shape::One {
            return Err(hint::one_in_quantifier(quantifier, &operand, self.cursor.since(operand.span.start)));
        }
        self.close(open)?;
        let kind = ExprKind::Quantified { quantifier, operand: Box::new(operand) };
        Ok(Expr { kind, shape: Shape::One, span: self.cursor.span(start) })
    }

    /// `!`, which `!=` does not start with.
    fn eat_bang(&mut self) -> bool {
        !self.cursor.rest().starts_with("!=") && self.cursor.eat("!")
    }

    /// `any(` or `all(`.
    fn quantifier(&mut self) -> Option<Quantifier> {
        let mut ahead = self.cursor;
        let quantifier = match ahead.word() {
            "any" => Quantifier::Any,
            "all" => Quantifier::All,
            _ => return None,
        };
        ahead.take_while(char::is_alphanumeric);
        ahead.skip_space();
        let called = ahead.eat("(");
        if called {
            self.cursor = ahead;
        }
        called.then_some(quantifier)
    }

    /// The `)` of the `(` at `open`.
    pub(super) fn close(&mut self, open: usize) -> Result<(), Fault> {
        self.cursor.skip_space();
        if self.cursor.eat(")") { Ok(()) } else { Err(hint::not_closed(&self.cursor, open)) }
    }
}

/// Joins two conditions; chains of one operator are flat.
fn join(op: LogicalOp, left: Expr, right: Expr) -> Result<Expr, Fault> {
    if left.shape != right.shape {
        return Err(hint::mixed(op, &left, &right));
    }
    let shape = left.shape;
    let span = left.span.start..right.span.end;
    let mut operands = operands_of(op, left);
    operands.extend(operands_of(op, right));
    Ok(Expr { kind: ExprKind::Logical { op, operands }, shape, span })
}

fn operands_of(op: LogicalOp, expression: Expr) -> Vec<Expr> {
    match expression.kind {
        ExprKind::Logical { op: own, operands } if own == op => operands,
        _ => vec![expression],
    }
}
