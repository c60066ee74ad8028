//! Any expression that there can be prints as text that parses to it again.

use std::net::IpAddr;

use proptest::prelude::*;

use crate::rules::ast::{
    Argument, Call, Case, Comparison, Expr, ExprKind, Literal, LogicalOp, Operand, OperandKind,
    OrderOp, Quantifier, Shape, Span, Step,
};
use crate::rules::functions::{Check, Function, Gives, Parameter, Source, Takes};
use crate::rules::lists::List;
use crate::rules::parser::parse;
use crate::rules::scheme::Scheme;
use crate::rules::types::Type;

/// Nobody compares places.
const NOWHERE: Span = 0..0;

/// The deepest expression that is made, in levels.
const DEEPEST: u32 = 4;

fn scheme() -> Scheme {
    let mut scheme = Scheme::default();
    for (name, ty) in [
        ("my.bool", Type::Bool),
        ("my.int", Type::Int),
        ("my.ip", Type::Ip),
        ("my.bools", Type::Bool.array()),
        ("my.ints", Type::Int.array()),
        ("my.ips", Type::Ip.map()),
        ("my.words", Type::Bytes.map()),
        ("my.tables", Type::Bool.array().array()),
        ("my.maps", Type::Int.map().array()),
    ] {
        scheme.register(name, ty).unwrap();
    }
    scheme.add_list("ints", List::Ints(vec![(1, 5)])).unwrap();
    scheme.add_list("ips", List::Ips(Vec::new())).unwrap();
    scheme.add_list("words", List::Bytes(vec![b"a".to_vec()])).unwrap();
    scheme
}

/// Makes expressions out of bytes: the same bytes make the same expression, fewer bytes a smaller one.
struct Maker<'m> {
    scheme: &'m Scheme,
    bytes: &'m [u8],
}

impl Maker<'_> {
    /// A number below `count`.
    fn below(&mut self, count: usize) -> usize {
        let Some((first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(*first) % count
    }

    fn one_of<T: Clone>(&mut self, of: &[T]) -> T {
        let place = self.below(of.len());
        of[place].clone()
    }

    fn some<T>(
        &mut self,
        least: usize,
        most: usize,
        mut make: impl FnMut(&mut Self) -> T,
    ) -> Vec<T> {
        let count = least + self.below(most - least + 1);
        (0..count).map(|_| make(self)).collect()
    }

    fn expression(&mut self, shape: Shape, deep: u32) -> Expr {
        let kinds = if deep == 0 || self.bytes.is_empty() { 2 } else { 6 };
        let kind = match (self.below(kinds), shape) {
            (0, _) => return self.truth(shape, deep),
            (1, _) => {
                let ty = self.one_of(&[Type::Bytes, Type::Int, Type::Ip]);
                let operand = self.operand(&ty, shape, deep);
                let comparison = self.comparison(&ty);
                ExprKind::Compare { operand, comparison }
            }
            (2, _) => ExprKind::Not(Box::new(self.expression(shape, deep - 1))),
            (3, Shape::One) => ExprKind::Quantified {
                quantifier: self.one_of(&[Quantifier::Any, Quantifier::All]),
                operand: Box::new(self.expression(Shape::Each, deep - 1)),
            },
            _ => self.logical(shape, deep - 1),
        };
        Expr { kind, shape, span: NOWHERE }
    }

    /// Flat, as the parser makes them: no operand is a chain of the same operator.
    fn logical(&mut self, shape: Shape, deep: u32) -> ExprKind {
        let op = self.one_of(&[LogicalOp::And, LogicalOp::Or, LogicalOp::Xor]);
        let operands = self.some(2, 4, |maker| match maker.expression(shape, deep) {
            Expr { kind: ExprKind::Logical { op: own, .. }, .. } if own == op => {
                maker.truth(shape, 0)
            }
            expression => expression,
        });
        ExprKind::Logical { op, operands }
    }

    fn truth(&mut self, shape: Shape, deep: u32) -> Expr {
        let operand = match (shape, self.below(2)) {
            (Shape::Each, 0) => self.operand(&Type::Bool.array(), Shape::One, deep),
            _ => self.operand(&Type::Bool, shape, deep),
        };
        Expr { kind: ExprKind::Truth(operand), shape, span: NOWHERE }
    }

    fn operand(&mut self, ty: &Type, shape: Shape, deep: u32) -> Operand {
        let calls = Function::ALL.iter().filter(|function| gives(**function) == *ty);
        let calls: Vec<_> =
            calls.filter(|function| shape == Shape::One || maps(**function)).collect();
        let leaf = deep == 0 || self.bytes.is_empty() || calls.is_empty();
        if leaf || self.below(2) == 0 {
            return self.field(&|found| found == ty, shape);
        }
        let function = *self.one_of(&calls);
        let call = self.call(function, shape, deep - 1);
        let path = if shape == Shape::Each { vec![Step::Each] } else { Vec::new() };
        Operand { kind: OperandKind::Call(call), path, ty: ty.clone(), shape, span: NOWHERE }
    }

    /// A field whose type, behind some steps, is a wanted one.
    fn field(&mut self, wanted: &dyn Fn(&Type) -> bool, shape: Shape) -> Operand {
        let mut found = Vec::new();
        for (id, field) in self.scheme.fields() {
            reach(field.ty(), &mut Vec::new(), wanted, shape, &mut |path, ty| {
                found.push((id, path, ty));
            });
        }
        let place = self.below(found.len());
        let (id, mut path, ty) = found.swap_remove(place);
        for step in &mut path {
            match step {
                Step::At(index) => *index = u32::try_from(self.below(200)).unwrap(),
                Step::Key(key) => *key = self.text(),
                Step::Each => {}
            }
        }
        Operand { kind: OperandKind::Field(id), path, ty, shape, span: NOWHERE }
    }

    fn call(&mut self, function: Function, shape: Shape, deep: u32) -> Call {
        let signature = function.signature();
        let optional = self.below(signature.optional.len() + 1);
        let given = signature.required.iter().chain(&signature.optional[..optional]);
        let mut parameters: Vec<_> = given.collect();
        if let Some(more) = signature.more {
            parameters.extend((0..self.below(3)).map(|_| more));
        }
        let mut arguments: Vec<Argument> = Vec::new();
        let mut first = Type::Bytes;
        for (place, parameter) in parameters.into_iter().enumerate() {
            let shape = if place == 0 { shape } else { Shape::One };
            let argument = self.argument(function, parameter, shape, &first, deep);
            if place == 0 {
                first = match &argument {
                    Argument::Operand(operand) => operand.ty.clone(),
                    Argument::Literal(_) => Type::Bytes,
                };
            }
            arguments.push(argument);
        }
        if function == Function::BitSlice {
            let start = self.below(200);
            let end = start + 1 + self.below(32);
            arguments[1] = Argument::Literal(Literal::Int(start.try_into().unwrap()));
            arguments[2] = Argument::Literal(Literal::Int(end.try_into().unwrap()));
        }
        let ty = signature.gives.ty(&first);
        let ty = if shape == Shape::Each { ty.array() } else { ty };
        Call { function, arguments, ty, span: NOWHERE }
    }

    fn argument(
        &mut self,
        function: Function,
        parameter: &Parameter,
        shape: Shape,
        first: &Type,
        deep: u32,
    ) -> Argument {
        let literal = match parameter.source {
            Source::Literal => true,
            Source::Request => false,
            _ => {
                shape == Shape::One && parameter.takes != Takes::BytesOrArray && self.below(2) == 0
            }
        };
        if literal {
            return Argument::Literal(self.argument_literal(parameter, first));
        }
        if function == Function::RemoveQueryArgs {
            let (id, field) = self.scheme.field("http.request.uri.query").unwrap();
            let (kind, ty) = (OperandKind::Field(id), field.ty().clone());
            return Argument::Operand(Operand {
                kind,
                path: Vec::new(),
                ty,
                shape: Shape::One,
                span: NOWHERE,
            });
        }
        Argument::Operand(match parameter.takes {
            Takes::Bytes => self.operand(&Type::Bytes, shape, deep),
            Takes::Int => self.operand(&Type::Int, shape, deep),
            Takes::Ip => self.operand(&Type::Ip, shape, deep),
            Takes::Element => self.operand(&first.element().unwrap().clone(), shape, deep),
            Takes::AsFirst => self.operand(&first.clone(), shape, deep),
            takes => self.field(&|ty| takes.takes(ty, first), shape),
        })
    }

    fn argument_literal(&mut self, parameter: &Parameter, first: &Type) -> Literal {
        match parameter.check {
            Check::Between(least, most) if self.below(2) == 0 || parameter.takes == Takes::Int => {
                let number = least.saturating_add(self.below(200).try_into().unwrap());
                Literal::Int(number.min(most))
            }
            Check::Flags(letters) => {
                let count = self.below(letters.len() + 1);
                Literal::Bytes(letters.as_bytes()[..count].to_vec())
            }
            Check::NotEmpty => Literal::Bytes([self.text(), b"x".to_vec()].concat()),
            Check::Regex => {
                Literal::Bytes(self.one_of(&[r"(a)\d", "(\"[\"]\")", "(\u{e9})"]).into())
            }
            Check::Wildcard => Literal::Bytes(self.one_of(&["*", r"a\**", "\"*"]).into()),
            Check::Replacement => Literal::Bytes(self.one_of(&["", "${1}$$", "\"${0}"]).into()),
            _ => match parameter.takes {
                Takes::Element => self.literal(&first.element().unwrap().clone()),
                Takes::AsFirst => self.literal(&first.clone()),
                Takes::Int => self.literal(&Type::Int),
                _ => self.literal(&Type::Bytes),
            },
        }
    }

    fn comparison(&mut self, ty: &Type) -> Comparison {
        match (self.below(7), ty) {
            (0, Type::Int) => Comparison::InInts(self.some(0, 3, Self::ints)),
            (0, Type::Ip) => Comparison::InIps(self.some(0, 3, Self::ips)),
            (0, _) => Comparison::InBytes(self.some(0, 3, Self::text)),
            (1, Type::Int) => Comparison::BitwiseAnd(self.int()),
            (2, Type::Bytes) => Comparison::Contains(self.text()),
            (3, Type::Bytes) => Comparison::Matches(self.pattern()),
            (4, Type::Bytes) => Comparison::Wildcard {
                pattern: self.one_of(&[&b"*"[..], br"a\**\\", b"\"*\xff", b""]).to_vec(),
                case: self.one_of(&[Case::Ignored, Case::Sensitive]),
            },
            (5, _) => {
                let name = match ty {
                    Type::Int => "ints",
                    Type::Ip => "ips",
                    _ => "words",
                };
                Comparison::InList(self.scheme.list(name).unwrap().0)
            }
            _ => Comparison::Order {
                op: self.one_of(&[
                    OrderOp::Equal,
                    OrderOp::NotEqual,
                    OrderOp::Less,
                    OrderOp::LessOrEqual,
                    OrderOp::Greater,
                    OrderOp::GreaterOrEqual,
                ]),
                literal: self.literal(ty),
            },
        }
    }

    fn literal(&mut self, ty: &Type) -> Literal {
        match ty {
            Type::Int => Literal::Int(self.int()),
            Type::Ip => Literal::Ip(self.ips().0),
            _ => Literal::Bytes(self.text()),
        }
    }

    fn int(&mut self) -> i64 {
        let near = i64::try_from(self.below(256)).unwrap();
        self.one_of(&[near, -near, i64::MIN + near, i64::MAX - near])
    }

    fn ints(&mut self) -> (i64, i64) {
        let (one, other) = (self.int(), self.int());
        (one.min(other), one.max(other))
    }

    fn ips(&mut self) -> (IpAddr, IpAddr) {
        let mut four = || IpAddr::from([10, 0, 0, u8::try_from(self.below(256)).unwrap()]);
        let pairs = (four(), four());
        let mut six = || {
            IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::try_from(self.below(256)).unwrap()])
        };
        let (one, other) = if pairs.0 < pairs.1 { pairs } else { (six(), six()) };
        (one.min(other), one.max(other))
    }

    fn text(&mut self) -> Vec<u8> {
        self.some(0, 4, |maker| {
            maker.one_of(&[
                "a", "\"", "\\", "'", "\n", "\t", "\0", "é", "日", "\u{202e}", "#", "\u{301}",
            ])
        })
        .concat()
        .into_bytes()
        .into_iter()
        .chain(self.some(0, 1, |maker| u8::try_from(maker.below(256)).unwrap()))
        .collect()
    }

    /// What a regular expression may look like, whole.
    fn pattern(&mut self) -> String {
        self.some(0, 5, |maker| {
            maker.one_of(&[
                "a",
                "\"",
                r#"\""#,
                "[\"]",
                r#"[\"]"#,
                r"[\]]",
                r"\[",
                r"\\",
                "[[:alpha:]]",
                "[]a]",
                "\"#",
                "é",
                "\n",
                r"\n",
                "(?i)",
            ])
        })
        .concat()
    }
}

/// Whether its first argument may have `[*]`.
fn maps(function: Function) -> bool {
    // The query is one; the key of an HMAC is a literal.
    !matches!(function, Function::RemoveQueryArgs | Function::IsTimedHmacValidV0)
}

fn gives(function: Function) -> Type {
    match function.signature().gives {
        // `concat`, of fields that are Bytes.
        Gives::AsFirst => Type::Ip.map(),
        gives => gives.ty(&Type::Bytes),
    }
}

/// The ways from a type to one that is wanted: with `[*]` on them, or without.
fn reach(
    ty: &Type,
    path: &mut Vec<Step>,
    wanted: &dyn Fn(&Type) -> bool,
    shape: Shape,
    found: &mut dyn FnMut(Vec<Step>, Type),
) {
    let each = path.contains(&Step::Each);
    if wanted(ty) && each == (shape == Shape::Each) {
        found(path.clone(), ty.clone());
    }
    let Some(element) = ty.element() else { return };
    let one = if matches!(ty, Type::Map(_)) { Step::Key(Vec::new()) } else { Step::At(0) };
    for step in [one, Step::Each] {
        path.push(step);
        reach(element, path, wanted, shape, found);
        path.pop();
    }
}

fn strip(expression: &mut Expr) {
    expression.span = NOWHERE;
    match &mut expression.kind {
        ExprKind::Logical { operands, .. } => operands.iter_mut().for_each(strip),
        ExprKind::Not(operand) | ExprKind::Quantified { operand, .. } => strip(operand),
        ExprKind::Compare { operand, .. } | ExprKind::Truth(operand) => strip_operand(operand),
    }
}

fn strip_operand(operand: &mut Operand) {
    operand.span = NOWHERE;
    if let OperandKind::Call(call) = &mut operand.kind {
        call.span = NOWHERE;
        for argument in &mut call.arguments {
            if let Argument::Operand(operand) = argument {
                strip_operand(operand);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn what_is_printed_parses_to_the_same(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let scheme = scheme();
        let mut maker = Maker { scheme: &scheme, bytes: &bytes };
        let made = maker.expression(Shape::One, DEEPEST);
        let printed = made.display(&scheme).to_string();
        let mut parsed = match parse(&printed, &scheme) {
            Ok(parsed) => parsed,
            Err(error) => return Err(TestCaseError::fail(format!("{error:#}"))),
        };
        strip(&mut parsed);
        prop_assert_eq!(parsed, made, "{}", printed);
    }
}
