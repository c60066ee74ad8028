//! What an evaluation can be asked to record.

use std::ops::Range;

use super::flow::Flow;
use crate::rules::functions::Function;
use crate::rules::functions::written::Pieces;
use crate::rules::program::{Compare, Place};
use crate::rules::scheme::FieldId;
use crate::rules::value::Value;

/// Records an evaluation, or does not.
///
/// Only [`access`](Self::access) changes the tracer; the rest says how origins and reasons are put together,
/// and the evaluator carries them beside the values.
pub(super) trait Tracer: Sized {
    /// Whether anything is recorded.
    const RECORDS: bool;
    /// Where a value comes from.
    type Origin<'v>: Clone;
    /// Why a Bool is what it is.
    type Reasons<'v>;
    /// How the bytes of a function's result go back to its arguments.
    type Pieces: Pieces;

    /// A field was looked at.
    fn access(&mut self, field: FieldId, place: Place);

    /// The origin of a field's value.
    fn of_field<'v>(field: FieldId, value: Option<&'v Value<'v>>) -> Self::Origin<'v>;
    /// The origin of a value of the rule.
    fn of_rule<'v>() -> Self::Origin<'v>;
    /// The origin of an array's element.
    fn at<'v>(
        origin: &Self::Origin<'v>,
        index: usize,
        element: Option<&'v Value<'v>>,
    ) -> Self::Origin<'v>;
    /// The origin of a map's value.
    fn under<'v>(
        origin: &Self::Origin<'v>,
        key: &[u8],
        member: Option<&'v Value<'v>>,
    ) -> Self::Origin<'v>;

    /// The origin of what a function gave for these arguments.
    fn called<'o, 'v: 'o>(
        function: Function,
        arguments: impl Iterator<Item = &'o Self::Origin<'v>>,
        pieces: Self::Pieces,
    ) -> Self::Origin<'v>
    where
        Self: 'o;
    /// The origin of a value that a function handed on as it was.
    fn handed_on<'v>(function: Function, origin: &Self::Origin<'v>) -> Self::Origin<'v>;
    /// The origin of what a function gave that tells nothing of its arguments in clear: in place of the
    /// result, the field stands for itself.
    fn condensed<'o, 'v: 'o>(
        function: Function,
        arguments: impl Iterator<Item = &'o Self::Origin<'v>>,
    ) -> Self::Origin<'v>
    where
        Self: 'o;
    /// The origin of a Bool that a function said of these values, all of each or a part of it: in place of
    /// the Bool, they stand for themselves.
    fn said_of<'v>(
        function: Function,
        argument: &Self::Origin<'v>,
        subjects: Vec<(Flow<'v, Self>, Self::Origin<'v>, Option<Range<usize>>)>,
    ) -> Self::Origin<'v>;

    /// No reason yet.
    fn no_reasons<'v>() -> Self::Reasons<'v>;
    /// The reason why a comparison is what it is.
    fn reason<'v>(
        compare: &Compare,
        value: Option<Flow<'v, Self>>,
        origin: Self::Origin<'v>,
        holds: bool,
    ) -> Self::Reasons<'v>;
    /// Adds more reasons.
    fn add<'v>(reasons: &mut Self::Reasons<'v>, more: Self::Reasons<'v>);
    /// The same reasons, with the values whole.
    fn whole<'v>(reasons: Self::Reasons<'v>) -> Self::Reasons<'v>;
}

/// Records nothing.
pub(super) struct Off;

impl Tracer for Off {
    const RECORDS: bool = false;
    type Origin<'v> = ();
    type Reasons<'v> = ();
    type Pieces = ();

    #[inline(always)]
    fn access(&mut self, _field: FieldId, _place: Place) {}
    #[inline(always)]
    fn of_field<'v>(_field: FieldId, _value: Option<&'v Value<'v>>) {}
    #[inline(always)]
    fn of_rule<'v>() {}
    #[inline(always)]
    fn at<'v>(_origin: &(), _index: usize, _element: Option<&'v Value<'v>>) {}
    #[inline(always)]
    fn under<'v>(_origin: &(), _key: &[u8], _member: Option<&'v Value<'v>>) {}
    #[inline(always)]
    fn called<'o, 'v: 'o>(
        _function: Function,
        _arguments: impl Iterator<Item = &'o ()>,
        _pieces: (),
    ) {
    }
    #[inline(always)]
    fn handed_on<'v>(_function: Function, _origin: &()) {}
    #[inline(always)]
    fn condensed<'o, 'v: 'o>(_function: Function, _arguments: impl Iterator<Item = &'o ()>) {}
    #[inline(always)]
    fn said_of<'v>(
        _function: Function,
        _argument: &(),
        _subjects: Vec<(Flow<'v, Self>, (), Option<Range<usize>>)>,
    ) {
    }
    #[inline(always)]
    fn no_reasons<'v>() {}
    #[inline(always)]
    fn reason<'v>(
        _compare: &Compare,
        _value: Option<Flow<'v, Self>>,
        _origin: (),
        _holds: bool,
    ) {
    }
    #[inline(always)]
    fn add<'v>(_reasons: &mut (), _more: ()) {}
    #[inline(always)]
    fn whole<'v>(_reasons: ()) {}
}
