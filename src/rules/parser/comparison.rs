//! A value and what it is compared with.

use super::{Parser, hint};
use crate::rules::ast::{Case, Comparison, Expr, ExprKind, Literal, Operand, OrderOp, Shape};
use crate::rules::error::Fault;
use crate::rules::lexer;
use crate::rules::limits::MAX_SET_ELEMENTS;
use crate::rules::regex::Regex;
use crate::rules::types::Type;
use crate::rules::wildcard::Wildcard;

/// The operators of a comparison.
#[derive(Clone, Copy)]
pub(super) enum Operator {
    Order(OrderOp),
    BitwiseAnd,
    Contains,
    Matches,
    Wildcard(Case),
    In,
}

/// Spellings; of those that begin alike, the longer first.
const SYMBOLS: [(&str, Operator); 8] = [
    ("==", Operator::Order(OrderOp::Equal)),
    ("!=", Operator::Order(OrderOp::NotEqual)),
    ("<=", Operator::Order(OrderOp::LessOrEqual)),
    (">=", Operator::Order(OrderOp::GreaterOrEqual)),
    ("<", Operator::Order(OrderOp::Less)),
    (">", Operator::Order(OrderOp::Greater)),
    ("&", Operator::BitwiseAnd),
    ("~", Operator::Matches),
];

const WORDS: [(&str, Operator); 11] = [
    ("eq", Operator::Order(OrderOp::Equal)),
    ("ne", Operator::Order(OrderOp::NotEqual)),
    ("le", Operator::Order(OrderOp::LessOrEqual)),
    ("ge", Operator::Order(OrderOp::GreaterOrEqual)),
    ("lt", Operator::Order(OrderOp::Less)),
    ("gt", Operator::Order(OrderOp::Greater)),
    ("bitwise_and", Operator::BitwiseAnd),
    ("contains", Operator::Contains),
    ("matches", Operator::Matches),
    ("wildcard", Operator::Wildcard(Case::Ignored)),
    ("in", Operator::In),
];

impl Parser<'_> {
    /// A value, and what it is compared with; a Bool stands by itself.
    pub(super) fn comparison(&mut self) -> Result<Box<Expr>, Fault> {
        let start = self.cursor.at();
        let operand = self.operand()?;
        let shape = match (&operand.ty, operand.shape) {
            (Type::Bool, shape) => shape,
            (ty, Shape::One) if is_bools(ty) => Shape::Each,
            (Type::Int | Type::Bytes | Type::Ip, _) => return self.compared(*operand, start),
            _ => return Err(hint::not_comparable(&self.cursor, &operand)),
        };
        hint::compared_bool(&self.cursor, &operand)?;
        let kind = ExprKind::Truth(*operand);
        Ok(Box::new(Expr { kind, shape, span: self.cursor.span(start) }))
    }

    fn compared(&mut self, operand: Operand, start: usize) -> Result<Box<Expr>, Fault> {
        let shape = operand.shape;
        let comparison = self.right_side(&operand)?;
        let kind = ExprKind::Compare { operand, comparison };
        Ok(Box::new(Expr { kind, shape, span: self.cursor.span(start) }))
    }

    /// The operator, and what stands behind it.
    fn right_side(&mut self, operand: &Operand) -> Result<Comparison, Fault> {
        self.cursor.skip_space();
        let start = self.cursor.at();
        let operator = self.operator(operand)?;
        let span = self.cursor.span(start);
        self.cursor.skip_space();
        hint::doubled(&self.cursor, &span)?;
        match (operator, &operand.ty) {
            (Operator::Order(op), ty) => Ok(Comparison::Order { op, literal: self.literal(ty)? }),
            (Operator::In, ty) if self.cursor.peek() == Some('$') => self.in_list(ty),
            (Operator::In, ty) => self.in_set(ty),
            (Operator::BitwiseAnd, Type::Int) => {
                Ok(Comparison::BitwiseAnd(lexer::int(&mut self.cursor)?))
            }
            (Operator::Contains, Type::Bytes) => {
                Ok(Comparison::Contains(lexer::bytes(&mut self.cursor)?))
            }
            (Operator::Matches, Type::Bytes) => self.pattern(),
            (Operator::Wildcard(case), Type::Bytes) => self.wildcard(case),
            _ => Err(hint::operator_of_other_type(
                span.clone(),
                self.cursor.since(span.start),
                operand,
            )),
        }
    }

    fn operator(&mut self, operand: &Operand) -> Result<Operator, Fault> {
        hint::not_an_operator(&self.cursor, operand)?;
        for (word, operator) in WORDS {
            if self.cursor.eat_word(word) {
                return Ok(operator);
            }
        }
        if self.cursor.eat_word("strict") {
            self.cursor.skip_space();
            return match self.cursor.eat_word("wildcard") {
                true => Ok(Operator::Wildcard(Case::Sensitive)),
                false => self.cursor.fault(
                    self.cursor.token(),
                    "`strict` stands before `wildcard` only",
                    "write strict wildcard",
                ),
            };
        }
        let symbol = SYMBOLS.iter().find(|(symbol, _)| self.cursor.eat(symbol));
        symbol
            .map(|(_, operator)| *operator)
            .ok_or_else(|| hint::no_operator(&self.cursor, operand))
    }

    /// A value of the type.
    pub(super) fn literal(&mut self, ty: &Type) -> Result<Literal, Fault> {
        hint::not_a_literal(&self.cursor, self.scheme)?;
        let literal = match ty {
            Type::Int => Literal::Int(lexer::int(&mut self.cursor)?),
            Type::Ip => Literal::Ip(lexer::address(&mut self.cursor)?),
            _ => Literal::Bytes(lexer::bytes(&mut self.cursor)?),
        };
        Ok(literal)
    }

    fn pattern(&mut self) -> Result<Comparison, Fault> {
        let start = self.cursor.at();
        let text = lexer::regex(&mut self.cursor)?;
        let regex = Regex::new(&text.pattern).map_err(|error| {
            let span = error.at().map_or(self.cursor.span(start), |at| text.place(&at));
            Fault::new(span, error.fault(), error.way_out())
        })?;
        self.count(regex.memory_usage());
        Ok(Comparison::Matches(text.pattern))
    }

    fn wildcard(&mut self, case: Case) -> Result<Comparison, Fault> {
        let start = self.cursor.at();
        let pattern = lexer::string(&mut self.cursor)?;
        let checked = Wildcard::new(&pattern, case);
        let checked = checked.map_err(|error| Fault::of(self.cursor.span(start), &error))?;
        self.count(checked.memory_usage());
        Ok(Comparison::Wildcard { pattern, case })
    }

    fn in_list(&mut self, ty: &Type) -> Result<Comparison, Fault> {
        let start = self.cursor.at();
        self.cursor.eat("$");
        let name = self.cursor.word();
        self.cursor.eat(name);
        let span = self.cursor.span(start);
        let Some((id, list)) = self.scheme.list(name) else {
            return Err(hint::unknown_list(span, name, self.scheme));
        };
        if list.ty() != *ty {
            let fault = format!("the list ${name} holds {}, and the value is {ty}", list.ty());
            return Err(Fault::new(span, fault, "name a list of the same type"));
        }
        Ok(Comparison::InList(id))
    }

    fn in_set(&mut self, ty: &Type) -> Result<Comparison, Fault> {
        match ty {
            Type::Int => Ok(Comparison::InInts(self.set(lexer::int_range)?)),
            Type::Ip => Ok(Comparison::InIps(self.set(lexer::address_range)?)),
            _ => Ok(Comparison::InBytes(self.set(lexer::bytes)?)),
        }
    }

    /// `{a b c}`
    fn set<T>(
        &mut self,
        element: impl Fn(&mut lexer::Cursor<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let start = self.cursor.at();
        if !self.cursor.eat("{") {
            return Err(hint::no_set(&self.cursor));
        }
        let mut elements = Vec::new();
        loop {
            self.cursor.skip_space();
            if self.cursor.eat("}") {
                return Ok(elements);
            }
            hint::in_set(&self.cursor, start)?;
            elements.push(element(&mut self.cursor)?);
            if elements.len() > MAX_SET_ELEMENTS {
                let fault = format!("the set has more than {MAX_SET_ELEMENTS} elements");
                return self.cursor.fault(
                    start..start + 1,
                    fault,
                    "put them into a list: in $name",
                );
            }
        }
    }
}

fn is_bools(ty: &Type) -> bool {
    matches!(ty, Type::Array(element) if **element == Type::Bool)
}
