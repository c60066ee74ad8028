//! From what a rule says to what runs.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::ast::{
    self, Case, Comparison, Expr, ExprKind, Literal, LogicalOp, OperandKind, Shape, Step,
};
use super::facts::FieldSet;
use super::functions::{Base64Options, ByteSet, Function, MacEncoding, TimedHmac, UrlOptions};
use super::lists::List;
use super::program::{
    Argument, Call, Compare, Each, FieldCompare, Node, Operand, Place, Program, Source, Test, Work,
};
use super::regex::Regex;
use super::replacement::Replacement;
use super::scheme::{ListId, Scheme};
use super::sets::{BytesSet, IntSet, IpSet};
use super::wildcard::Wildcard;

/// An expression that cannot be compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// It names a field or list that the scheme does not have.
    #[error(
        "the expression was parsed with another scheme\ncompile it with the scheme that it was parsed with"
    )]
    OtherScheme,
    /// It holds what the parser refuses: a literal of another type, or a bad pattern.
    #[error(
        "the expression is not one that the parser gives\nparse its text instead of changing what was parsed"
    )]
    Malformed,
}

/// Compiles expressions. What several of them use, regular expressions and lists, they share.
#[derive(Debug)]
pub struct Compiler<'s> {
    scheme: &'s Scheme,
    regexes: HashMap<String, Arc<Regex>>,
    wildcards: HashMap<(Vec<u8>, bool), Arc<Wildcard>>,
    lists: HashMap<usize, Test>,
    fields: FieldSet,
}

impl<'s> Compiler<'s> {
    /// A compiler for expressions that were parsed with this scheme.
    #[must_use]
    pub fn new(scheme: &'s Scheme) -> Self {
        Self {
            scheme,
            regexes: HashMap::new(),
            wildcards: HashMap::new(),
            lists: HashMap::new(),
            fields: FieldSet::default(),
        }
    }

    /// Compiles an expression.
    ///
    /// # Errors
    ///
    /// [`CompileError`], which no expression gives that the parser made with the same scheme.
    pub fn compile(&mut self, expr: &Expr) -> Result<Program, CompileError> {
        self.fields = FieldSet::default();
        let root = self.node(expr)?;
        Ok(Program { root, fields: std::mem::take(&mut self.fields) })
    }

    fn node(&mut self, expr: &Expr) -> Result<Node, CompileError> {
        match &expr.kind {
            ExprKind::Logical { op, operands } => {
                let operands = operands.iter().map(|operand| self.node(operand));
                let operands = operands.collect::<Result<_, _>>()?;
                Ok(match op {
                    LogicalOp::And => Node::Joined { decides: false, operands },
                    LogicalOp::Or => Node::Joined { decides: true, operands },
                    LogicalOp::Xor => Node::Xor(operands),
                })
            }
            ExprKind::Not(operand) => self.node(operand).map(Box::new).map(Node::Not),
            ExprKind::Quantified { quantifier, operand } => {
                Ok(Node::Quantified(*quantifier, Box::new(self.each(operand)?)))
            }
            _ if expr.shape != Shape::One => Err(CompileError::Malformed),
            ExprKind::Compare { .. } | ExprKind::Truth(_) => self.compare(expr).map(Self::one),
        }
    }

    /// A comparison of one value.
    fn one(compare: Compare) -> Node {
        let Compare { operand: Operand { source, path, each }, test, place } = compare;
        match source {
            Source::Field(field, named) => {
                Node::Field(Box::new(FieldCompare { field, path, test, named, place }))
            }
            source @ Source::Call(_) => {
                let operand = Operand { source, path, each };
                Node::Compare(Box::new(Compare { operand, test, place }))
            }
        }
    }

    fn each(&mut self, expr: &Expr) -> Result<Each, CompileError> {
        match &expr.kind {
            ExprKind::Logical { op, operands } => {
                let operands = operands.iter().map(|operand| self.each(operand));
                let operands = operands.collect::<Result<_, _>>()?;
                Ok(match op {
                    LogicalOp::And => Each::And(operands),
                    LogicalOp::Or => Each::Or(operands),
                    LogicalOp::Xor => Each::Xor(operands),
                })
            }
            ExprKind::Not(operand) => self.each(operand).map(Box::new).map(Each::Not),
            ExprKind::Compare { .. } | ExprKind::Truth(_) if expr.shape == Shape::Each => {
                self.compare(expr).map(Box::new).map(Each::Compare)
            }
            _ => Err(CompileError::Malformed),
        }
    }

    fn compare(&mut self, expr: &Expr) -> Result<Compare, CompileError> {
        let place = Place::of(&expr.span);
        match &expr.kind {
            ExprKind::Compare { operand, comparison } => {
                let test = self.test(comparison)?;
                Ok(Compare { operand: self.operand(operand)?, test, place })
            }
            ExprKind::Truth(operand) => {
                let is_array = operand.shape == Shape::One && expr.shape == Shape::Each;
                let mut operand = self.operand(operand)?;
                if is_array {
                    // An Array(Bool) by itself is each of its elements.
                    operand.each = Box::new([Step::Each]);
                }
                Ok(Compare { operand, test: Test::True, place })
            }
            _ => Err(CompileError::Malformed),
        }
    }

    fn test(&mut self, comparison: &Comparison) -> Result<Test, CompileError> {
        Ok(match comparison {
            Comparison::Order { op, literal: Literal::Int(int) } => Test::Int(*op, *int),
            Comparison::Order { op, literal: Literal::Ip(IpAddr::V4(ip)) } => {
                Test::V4(*op, ip.to_bits())
            }
            Comparison::Order { op, literal: Literal::Ip(IpAddr::V6(ip)) } => {
                Test::V6(*op, ip.to_bits())
            }
            Comparison::Order { op, literal: Literal::Bytes(bytes) } => {
                Test::Bytes(*op, bytes.as_slice().into())
            }
            Comparison::BitwiseAnd(bits) => Test::BitwiseAnd(*bits),
            Comparison::Contains(needle) => {
                Test::Contains(Box::new(Finder::new(needle).into_owned()))
            }
            Comparison::Matches(pattern) => Test::Matches(self.regex(pattern)?),
            Comparison::Wildcard { pattern, case } => {
                Test::Wildcard(self.wildcard(pattern, *case)?)
            }
            Comparison::InInts(ranges) => Test::InInts(Arc::new(IntSet::new(ranges))),
            Comparison::InIps(ranges) => Test::InIps(Arc::new(IpSet::new(ranges))),
            Comparison::InBytes(values) => Test::InBytes(Arc::new(BytesSet::new(values))),
            Comparison::InList(list) => self.list(*list)?,
        })
    }

    fn regex(&mut self, pattern: &str) -> Result<Arc<Regex>, CompileError> {
        if let Some(regex) = self.regexes.get(pattern) {
            return Ok(Arc::clone(regex));
        }
        let regex = Regex::new(pattern).map(Arc::new).map_err(|_| CompileError::Malformed)?;
        self.regexes.insert(pattern.to_owned(), Arc::clone(&regex));
        Ok(regex)
    }

    fn wildcard(&mut self, pattern: &[u8], case: Case) -> Result<Arc<Wildcard>, CompileError> {
        let key = (pattern.to_vec(), case == Case::Ignored);
        if let Some(wildcard) = self.wildcards.get(&key) {
            return Ok(Arc::clone(wildcard));
        }
        let wildcard = Wildcard::new(pattern, case).map_err(|_| CompileError::Malformed)?;
        let wildcard = Arc::new(wildcard);
        self.wildcards.insert(key, Arc::clone(&wildcard));
        Ok(wildcard)
    }

    fn list(&mut self, id: ListId) -> Result<Test, CompileError> {
        if let Some(test) = self.lists.get(&id.index()) {
            return Ok(test.clone());
        }
        let (_, list) = self.scheme.list_at(id).ok_or(CompileError::OtherScheme)?;
        let test = match list {
            List::Ints(ranges) => Test::InInts(Arc::new(IntSet::new(ranges))),
            List::Ips(ranges) => Test::InIps(Arc::new(IpSet::new(ranges))),
            List::Bytes(values) => Test::InBytes(Arc::new(BytesSet::new(values))),
        };
        self.lists.insert(id.index(), test.clone());
        Ok(test)
    }

    fn operand(&mut self, operand: &ast::Operand) -> Result<Operand, CompileError> {
        let source = match &operand.kind {
            OperandKind::Field(field) => {
                self.scheme.field_at(*field).ok_or(CompileError::OtherScheme)?;
                self.fields.insert(*field);
                Source::Field(*field, Place::of(&operand.span))
            }
            OperandKind::Call(call) => Source::Call(Box::new(self.call(call)?)),
        };
        let each = operand.path.iter().position(|step| *step == Step::Each);
        let (path, each) = operand.path.split_at(each.unwrap_or(operand.path.len()));
        Ok(Operand { source, path: path.into(), each: each.into() })
    }

    fn call(&mut self, call: &ast::Call) -> Result<Call, CompileError> {
        let literals = Literals(&call.arguments);
        let (work, arguments) = literals.work(call.function).ok_or(CompileError::Malformed)?;
        let mut arguments = arguments.iter().map(|argument| self.argument(argument));
        let first = arguments.next().ok_or(CompileError::Malformed)??;
        let rest = arguments.collect::<Result<_, _>>()?;
        Ok(Call { function: call.function, work, first, rest })
    }

    fn argument(&mut self, argument: &ast::Argument) -> Result<Argument, CompileError> {
        Ok(match argument {
            ast::Argument::Operand(operand) => Argument::Operand(self.operand(operand)?),
            ast::Argument::Literal(Literal::Int(int)) => Argument::Int(*int),
            ast::Argument::Literal(Literal::Bytes(bytes)) => {
                Argument::Bytes(bytes.as_slice().into())
            }
            ast::Argument::Literal(Literal::Ip(ip)) => Argument::Ip(*ip),
        })
    }
}

/// The arguments of a call, some of which are literals that are prepared.
struct Literals<'a>(&'a [ast::Argument]);

impl<'a> Literals<'a> {
    /// What the call does, and the arguments that are left.
    fn work(&self, function: Function) -> Option<(Work, Vec<&'a ast::Argument>)> {
        let first = |work| Some((work, self.0.iter().take(1).collect()));
        let all = |work| Some((work, self.0.iter().collect()));
        match function {
            Function::BitSlice => first(Work::BitSlice { start: self.int(1)?, end: self.int(2)? }),
            Function::Cidr => first(Work::Cidr { v4_bits: self.int(1)?, v6_bits: self.int(2)? }),
            // As documented: `cidr(<address>, 32, <ipv6_network_bits>)`.
            Function::Cidr6 => first(Work::Cidr { v4_bits: 32, v6_bits: self.int(1)? }),
            Function::Concat => all(Work::Concat),
            Function::DecodeBase64 => first(Work::DecodeBase64),
            Function::EncodeBase64 => {
                let options = self
                    .optional_bytes(1)
                    .map_or(Some(Base64Options::default()), Base64Options::parse);
                first(Work::EncodeBase64(options?))
            }
            Function::EndsWith => all(Work::EndsWith),
            Function::HasKey => all(Work::HasKey),
            Function::HasValue => all(Work::HasValue),
            Function::IsTimedHmacValidV0 => Some((
                Work::IsTimedHmacValid(Box::new(self.timed_hmac()?)),
                vec![self.0.get(1)?, self.0.get(3)?],
            )),
            Function::Join => all(Work::Join),
            Function::Len => first(Work::Len),
            Function::LookupJsonInteger => all(Work::LookupJsonInteger),
            Function::LookupJsonString => all(Work::LookupJsonString),
            Function::Lower => first(Work::Lower),
            Function::RegexReplace => {
                let pattern = std::str::from_utf8(self.bytes(1)?).ok()?;
                let regex = Regex::capturing(pattern).ok()?;
                let last = regex.groups().saturating_sub(1);
                let replacement = Replacement::parse(self.bytes(2)?, last).ok()?;
                first(Work::RegexReplace(Arc::new(regex), replacement))
            }
            Function::RemoveBytes => {
                first(Work::RemoveBytes(Box::new(ByteSet::new(self.bytes(1)?))))
            }
            Function::RemoveQueryArgs => {
                let names = (1..self.0.len()).map(|at| self.bytes(at).map(<[u8]>::to_vec));
                first(Work::RemoveQueryArgs(names.collect::<Option<_>>()?))
            }
            Function::Sha256 => first(Work::Sha256),
            Function::Sha512 => first(Work::Sha512),
            Function::Split => {
                let separator = self.bytes(1).filter(|separator| !separator.is_empty())?;
                let limit = usize::try_from(self.int(2)?).ok()?;
                first(Work::Split(Box::new(Finder::new(separator).into_owned()), limit))
            }
            Function::StartsWith => all(Work::StartsWith),
            Function::Substring => all(Work::Substring),
            Function::ToString => first(Work::ToString),
            Function::Upper => first(Work::Upper),
            Function::UrlDecode => {
                let options =
                    self.optional_bytes(1).map_or(Some(UrlOptions::default()), UrlOptions::parse);
                first(Work::UrlDecode(options?))
            }
            Function::Uuidv4 => first(Work::Uuidv4),
            Function::WildcardReplace => {
                let case = if self.optional_bytes(3).is_some_and(|flags| flags == b"s") {
                    Case::Sensitive
                } else {
                    Case::Ignored
                };
                let wildcard = Wildcard::new(self.bytes(1)?, case).ok()?;
                let replacement = Replacement::parse(self.bytes(2)?, wildcard.stars()).ok()?;
                first(Work::WildcardReplace(Box::new(wildcard), replacement))
            }
        }
    }

    fn timed_hmac(&self) -> Option<TimedHmac> {
        let separator_bytes = if self.0.len() > 4 { self.int(4)? } else { 0 };
        let encoding = if self.optional_bytes(5).is_some_and(|flags| flags == b"s") {
            MacEncoding::UrlSafe
        } else {
            MacEncoding::Percent
        };
        TimedHmac::new(self.bytes(0)?, self.int(2)?, separator_bytes, encoding)
    }

    fn int(&self, at: usize) -> Option<i64> {
        match self.0.get(at)? {
            ast::Argument::Literal(Literal::Int(int)) => Some(*int),
            _ => None,
        }
    }

    fn bytes(&self, at: usize) -> Option<&'a [u8]> {
        match self.0.get(at)? {
            ast::Argument::Literal(Literal::Bytes(bytes)) => Some(bytes),
            _ => None,
        }
    }

    fn optional_bytes(&self, at: usize) -> Option<&'a [u8]> {
        self.bytes(at)
    }
}
