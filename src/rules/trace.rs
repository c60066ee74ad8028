//! What a rule looked at, and what of it made the rule match.

use std::ops::Range;

use super::ast::Span;
use super::functions::Function;
use super::scheme::FieldId;
use super::value::Value;

/// What the second execution of a rule recorded.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Trace<'v> {
    /// Every access to a field on the executed path, in order. What a short circuit skipped is not here.
    pub accesses: Vec<Access>,
    /// The comparisons that made the rule what it is, in order (matched data §3.3).
    pub contributions: Vec<Contribution<'v>>,
}

/// An access to a field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Access {
    /// The field.
    pub field: FieldId,
    /// Where the expression names it.
    pub span: Span,
}

/// One comparison of one value that contributed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contribution<'v> {
    /// Where the comparison stands in the expression.
    pub span: Span,
    /// Where the value came from: the first is what the value is logged under; a function of several
    /// arguments has more. `join` has the array first, and then its elements; a value that is all the
    /// rule's own has none.
    pub inputs: Vec<Input>,
    /// The functions that the first input went through, inner first.
    pub via: Vec<Function>,
    /// The value that was compared, after the functions; `None` where the request has none.
    ///
    /// Some functions say something of a value, and it stands here in place of what they say: the source
    /// of `starts_with` and `ends_with`, the members that `has_key` and `has_value` found (or, where none
    /// is equal, all that were looked at), and for `len`, hashes, `uuidv4`, `is_timed_hmac_valid_v0` and
    /// all that is made of their results, each value of the field itself.
    pub value: Option<Value<'v>>,
    /// What of the value contributed.
    pub what: What,
    /// How the value's bytes go back to its inputs, in order of `Piece::value`; bytes in no piece come
    /// from the rule itself. Empty where there is no function to go through: then the value is the input,
    /// byte for byte. The bytes of a Bool, Int or Ip are those of its text.
    pub pieces: Vec<Piece>,
}

/// What of a value contributed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum What {
    /// All of it, and no context: the comparison was false, or does not say where.
    Whole,
    /// These bytes of it, perhaps none.
    Span(Range<usize>),
}

/// A field's element that fed a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Input {
    /// The field.
    pub field: FieldId,
    /// The steps into it that were taken.
    pub path: Vec<Taken>,
}

/// A step that was taken: of `[*]`, the element it was at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Taken {
    /// Into an array, by index.
    At(usize),
    /// Into a map, by key.
    Key(Vec<u8>),
}

/// Some bytes of a transformed value, and the bytes of an input that they come from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Piece {
    /// In the value.
    pub value: Range<usize>,
    /// Which of the inputs.
    pub input: usize,
    /// In the input's own value.
    pub from: Range<usize>,
    /// Whether the bytes stand one for one: offset k of the piece is offset k of `from`. Otherwise all of
    /// `from` may be in each byte of the piece.
    pub aligned: bool,
}
