//! What a rule says, typed: the parser builds it, the compiler reads it, and it prints as an
//! expression that parses to the same again.
//!
//! Only the parser makes an [`Expr`]. So every one is typed, names fields and lists that its scheme has, and
//! nests no deeper than [`MAX_NESTING`](super::limits::MAX_NESTING) levels: it can be walked by recursion.

use std::net::IpAddr;
use std::ops::Range;

use super::functions::Function;
use super::scheme::{FieldId, ListId};
use super::types::Type;

/// A place in the text of an expression: byte offsets.
pub type Span = Range<usize>;

/// A condition: of type Bool, or Array(Bool) when it looks at each of several values.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Expr {
    /// What it says.
    pub kind: ExprKind,
    /// One answer, or one for each element.
    pub shape: Shape,
    /// Where it stands.
    pub span: Span,
}

/// How many answers a condition gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Shape {
    /// A Bool.
    One,
    /// An Array(Bool).
    Each,
}

/// The kinds of conditions.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExprKind {
    /// `and`, `or`, `xor` over two or more operands of one shape. Chains of one operator are flat.
    Logical {
        /// The operator.
        op: LogicalOp,
        /// The operands, in order.
        operands: Vec<Expr>,
    },
    /// `not` before one simple expression.
    Not(Box<Expr>),
    /// `any(…)` and `all(…)`: an Array(Bool) becomes a Bool.
    Quantified {
        /// Which of the two.
        quantifier: Quantifier,
        /// Of shape [`Shape::Each`].
        operand: Box<Expr>,
    },
    /// A value compared with what the rule names.
    Compare {
        /// The value.
        operand: Operand,
        /// The operator, and its right-hand side.
        comparison: Comparison,
    },
    /// A value of type Bool or Array(Bool), by itself.
    Truth(Operand),
}

/// The operators that join conditions, by rising precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogicalOp {
    /// `or`, `||`
    Or,
    /// `xor`, `^^`
    Xor,
    /// `and`, `&&`
    And,
}

/// What makes one Bool of several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantifier {
    /// Holds if one element does; not over none.
    Any,
    /// Holds if all elements do; also over none.
    All,
}

/// A field or the result of a function, indexed or not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operand {
    /// The field or call.
    pub kind: OperandKind,
    /// `[0]`, `["key"]`, `[*]`, from left to right.
    pub path: Vec<Step>,
    /// The type of what it gives; with [`Step::Each`] in it, of each element that it gives.
    pub ty: Type,
    /// One value, or one for each element.
    pub shape: Shape,
    /// Where it stands.
    pub span: Span,
}

/// Where an operand's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperandKind {
    /// A field of the scheme.
    Field(FieldId),
    /// A function's result.
    Call(Call),
}

/// One step into an array or map.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Step {
    /// `[0]`: the element with this index.
    At(u32),
    /// `["key"]`: the value of this key.
    Key(Vec<u8>),
    /// `[*]`: every element, in order.
    Each,
}

/// A call of a function.
///
/// Where the first argument has shape [`Shape::Each`], the function is called for each element, and the
/// call gives an array.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The function.
    pub function: Function,
    /// Its arguments, in number and type as its signature wants them.
    pub arguments: Vec<Argument>,
    /// What the call gives, before the steps of the operand.
    pub ty: Type,
    /// Where it stands.
    pub span: Span,
}

/// An argument of a function.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Argument {
    /// A value of the request, or made of one.
    Operand(Operand),
    /// A value that the rule names.
    Literal(Literal),
}

/// A value in the text of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Literal {
    /// An integer.
    Int(i64),
    /// A string or byte string, unescaped.
    Bytes(Vec<u8>),
    /// An address.
    Ip(IpAddr),
}

/// A comparison's operator with its right-hand side.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Comparison {
    /// `eq ne lt le gt ge`
    Order {
        /// The operator.
        op: OrderOp,
        /// Of the operand's type.
        literal: Literal,
    },
    /// `&`: one of these bits is set.
    BitwiseAnd(i64),
    /// `contains`: these bytes stand somewhere in the value.
    Contains(Vec<u8>),
    /// `matches`: the regular expression, as the engine is to read it, matches somewhere.
    Matches(String),
    /// `wildcard` and `strict wildcard`: the whole value has this form.
    Wildcard {
        /// The pattern, its escapes still in it.
        pattern: Vec<u8>,
        /// Whether case counts.
        case: Case,
    },
    /// `in {…}` over integers; each range with both ends, `start <= end`.
    InInts(Vec<(i64, i64)>),
    /// `in {…}` over addresses; each range with both ends, of one family.
    InIps(Vec<(IpAddr, IpAddr)>),
    /// `in {…}` over bytes.
    InBytes(Vec<Vec<u8>>),
    /// `in $name`
    InList(ListId),
}

/// Whether case counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Case {
    /// `A` is `a`, in ASCII.
    Ignored,
    /// `A` is not `a`.
    Sensitive,
}

/// The operators of order and equality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderOp {
    /// `eq`, `==`
    Equal,
    /// `ne`, `!=`: the only one that holds where a value is missing, or of another address family.
    NotEqual,
    /// `lt`, `<`
    Less,
    /// `le`, `<=`
    LessOrEqual,
    /// `gt`, `>`
    Greater,
    /// `ge`, `>=`
    GreaterOrEqual,
}
