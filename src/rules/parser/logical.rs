//! `and`, `or`, `xor`, `not`, parentheses, `any` and `all`.

use super::{Parser, hint};
use crate::rules::ast::{Expr, ExprKind, LogicalOp, Quantifier, Shape, Span};
use crate::rules::error::Fault;

/// The operators with their spellings.
const OPERATORS: [(LogicalOp, &str, &str); 3] =
    [(LogicalOp::Or, "or", "||"), (LogicalOp::Xor, "xor", "^^"), (LogicalOp::And, "and", "&&")];

impl Parser<'_> {
    /// Conditions with operators between them. One function for all precedences: nesting costs less stack.
    pub(super) fn logical(&mut self) -> Result<Box<Expr>, Fault> {
        // What waits for its right side, each with an operator that binds more than the one before.
        let mut waiting: Vec<(Box<Expr>, LogicalOp)> = Vec::new();
        loop {
            let mut right = self.simple()?;
            let next = self.eat_operator();
            while let Some((left, op)) =
                waiting.pop_if(|(_, op)| next.is_none_or(|next| *op >= next))
            {
                right = join(op, left, right)?;
            }
            match next {
                Some(op) => waiting.push((right, op)),
                None => return Ok(right),
            }
        }
    }

    /// Goes on behind an operator, if one stands here.
    fn eat_operator(&mut self) -> Option<LogicalOp> {
        let before = self.cursor;
        self.cursor.skip_space();
        for (op, word, symbol) in OPERATORS {
            if self.cursor.eat_word(word) || self.cursor.eat(symbol) {
                return Some(op);
            }
        }
        self.cursor = before;
        None
    }

    /// A condition that no operator joins.
    fn simple(&mut self) -> Result<Box<Expr>, Fault> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        if self.cursor.eat("(") {
            self.enter(start)?;
            let mut inner = self.logical()?;
            self.close(start)?;
            self.leave();
            inner.span = self.cursor.span(start);
            return Ok(inner);
        }
        if self.cursor.eat_word("not") || self.eat_bang() {
            self.enter(start)?;
            let inner = self.simple()?;
            self.leave();
            return Ok(negation(inner, self.cursor.span(start)));
        }
        match self.quantifier() {
            Some(quantifier) => self.quantified(quantifier, start),
            None => self.comparison(),
        }
    }

    fn quantified(&mut self, quantifier: Quantifier, start: usize) -> Result<Box<Expr>, Fault> {
        self.enter(start)?;
        let open = self.cursor.at() - 1;
        let operand = self.logical()?;
        if operand.shape == Shape::One {
            let written = self.cursor.since(operand.span.start);
            return Err(hint::one_in_quantifier(quantifier, &operand, written));
        }
        self.close(open)?;
        self.leave();
        Ok(quantification(quantifier, operand, self.cursor.span(start)))
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
    fn close(&mut self, open: usize) -> Result<(), Fault> {
        self.cursor.skip_space();
        if self.cursor.eat(")") { Ok(()) } else { Err(hint::not_closed(&self.cursor, open)) }
    }
}

fn negation(inner: Box<Expr>, span: Span) -> Box<Expr> {
    let shape = inner.shape;
    Box::new(Expr { kind: ExprKind::Not(inner), shape, span })
}

fn quantification(quantifier: Quantifier, operand: Box<Expr>, span: Span) -> Box<Expr> {
    let kind = ExprKind::Quantified { quantifier, operand };
    Box::new(Expr { kind, shape: Shape::One, span })
}

/// Joins two conditions; chains of one operator are flat.
fn join(op: LogicalOp, left: Box<Expr>, right: Box<Expr>) -> Result<Box<Expr>, Fault> {
    if left.shape != right.shape {
        return Err(hint::mixed(op, &left, &right));
    }
    let shape = left.shape;
    let span = left.span.start..right.span.end;
    let mut operands = operands_of(op, *left);
    operands.extend(operands_of(op, *right));
    Ok(Box::new(Expr { kind: ExprKind::Logical { op, operands }, shape, span }))
}

fn operands_of(op: LogicalOp, expression: Expr) -> Vec<Expr> {
    match expression.kind {
        ExprKind::Logical { op: own, operands } if own == op => operands,
        _ => vec![expression],
    }
}
