//! What a rule is compiled to: its conditions, each with a matcher that is ready to run.

use std::net::IpAddr;
use std::sync::Arc;

use memchr::memmem::Finder;

use super::ast::{OrderOp, Quantifier, Span, Step};
use super::facts::FieldSet;
use super::functions::{Base64Options, ByteSet, Function, TimedHmac, UrlOptions};
use super::regex::Regex;
use super::replacement::Replacement;
use super::scheme::FieldId;
use super::sets::{BytesSet, IntSet, IpSet};
use super::wildcard::Wildcard;

/// A rule's condition, ready to run.
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) root: Node,
    pub(super) fields: FieldSet,
}

impl Program {
    /// The fields that it looks at.
    #[must_use]
    pub const fn fields(&self) -> &FieldSet {
        &self.fields
    }
}

/// A condition that gives a Bool.
#[derive(Clone, Debug)]
pub(super) enum Node {
    /// `and` and `or`: the first operand that is `decides` is the answer, and the others are not looked at.
    Joined {
        decides: bool,
        operands: Box<[Node]>,
    },
    Xor(Box<[Node]>),
    Not(Box<Node>),
    Quantified(Quantifier, Box<Each>),
    /// Of a field or an element of it: most conditions are.
    Field(Box<FieldCompare>),
    /// Of what a function gives.
    Compare(Box<Compare>),
}

/// A field's value, and what is asked of it.
#[derive(Clone, Debug)]
pub(super) struct FieldCompare {
    pub(super) field: FieldId,
    pub(super) path: Box<[Step]>,
    pub(super) test: Test,
    /// Where the field stands.
    pub(super) named: Place,
    pub(super) place: Place,
}

/// A condition that gives an Array(Bool).
#[derive(Clone, Debug)]
pub(super) enum Each {
    And(Box<[Each]>),
    Or(Box<[Each]>),
    Xor(Box<[Each]>),
    Not(Box<Each>),
    Compare(Box<Compare>),
}

/// A value, and what is asked of it.
#[derive(Clone, Debug)]
pub(super) struct Compare {
    pub(super) operand: Operand,
    pub(super) test: Test,
    pub(super) place: Place,
}

/// A place in the text of an expression, which is shorter than 4 GB.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    start: u32,
    end: u32,
}

impl Place {
    pub(super) fn of(span: &Span) -> Self {
        let short = |offset| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: short(span.start), end: short(span.end) }
    }

    pub(super) fn span(self) -> Span {
        let long = |offset| usize::try_from(offset).unwrap_or(usize::MAX);
        long(self.start)..long(self.end)
    }
}

/// What is asked of a value.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// A Bool by itself.
    True,
    Int(OrderOp, i64),
    Bytes(OrderOp, Box<[u8]>),
    V4(OrderOp, u32),
    V6(OrderOp, u128),
    BitwiseAnd(i64),
    Contains(Box<Finder<'static>>),
    Matches(Arc<Regex>),
    Wildcard(Arc<Wildcard>),
    InInts(Arc<IntSet>),
    InIps(Arc<IpSet>),
    InBytes(Arc<BytesSet>),
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) struct Operand {
    pub(super) source: Source,
    /// The steps before the first `[*]`.
    pub(super) path: Box<[Step]>,
    /// The steps from the first `[*]` on; empty for one value.
    pub(super) each: Box<[Step]>,
}

/// A field or a call.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Field(FieldId, Place),
    Call(Box<Call>),
}

/// A call of a function.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: Function,
    pub(super) work: Work,
    pub(super) first: Argument,
    pub(super) rest: Box<[Argument]>,
}

/// An argument that is not prepared: a value of the request, or one of the rule.
#[derive(Clone, Debug)]
pub(super) enum Argument {
    Operand(Operand),
    Int(i64),
    Bytes(Box<[u8]>),
    Ip(IpAddr),
}

/// What a call does. What has to be a literal is in here, ready to use, and not among the arguments.
#[derive(Clone, Debug)]
pub(super) enum Work {
    BitSlice {
        start: i64,
        end: i64,
    },
    Cidr {
        v4_bits: i64,
        v6_bits: i64,
    },
    Concat,
    DecodeBase64,
    EncodeBase64(Base64Options),
    EndsWith,
    HasKey,
    HasValue,
    /// The first argument is the token, the second the time.
    IsTimedHmacValid(Box<TimedHmac>),
    Join,
    Len,
    LookupJsonInteger,
    LookupJsonString,
    Lower,
    RegexReplace(Arc<Regex>, Replacement),
    RemoveBytes(Box<ByteSet>),
    RemoveQueryArgs(Box<[Vec<u8>]>),
    Sha256,
    Sha512,
    Split(Box<Finder<'static>>, usize),
    StartsWith,
    Substring,
    ToString,
    Upper,
    UrlDecode(UrlOptions),
    Uuidv4,
    WildcardReplace(Box<Wildcard>, Replacement),
}
