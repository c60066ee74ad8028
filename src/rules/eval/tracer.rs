//! What an evaluation can be asked to record.

use std::ops::Range;

use super::flow::Flow;
use crate::rules::ast::Step;
use crate::rules::functions::Function;
use crate::rules::functions::written::Pieces;
use crate::rules::program::{FieldCompare, Place, Test};
use crate::rules::scheme::FieldId;
use crate::rules::value::Value;

/// A value that something is said of, where it comes from, and the part that it is said of.
pub(super) type Subject<'v, T> = (Flow<'v, T>, <T as Tracer<'v>>::Origin, Option<Range<usize>>);

/// Records an evaluation, or does not.
///
/// Only [`access`](Self::access) changes the tracer; the rest says how origins and reasons are put together,
/// and the evaluator carries them beside the values.
pub(super) trait Tracer<'v>: Copy {
    /// Whether anything is recorded.
    const RECORDS: bool;
    /// Where a value comes from.
    type Origin: Clone;
    /// Why a Bool is what it is.
    type Reasons;
    /// How the bytes of a function's result go back to its arguments.
    type Pieces: Pieces;

    /// A field was looked at.
    fn access(self, field: FieldId, place: Place);

    /// The origin of a field's value.
    fn of_field(field: FieldId, value: Option<&'v Value<'v>>) -> Self::Origin;
    /// The origin of a value of the rule.
    fn of_rule() -> Self::Origin;
    /// The origin of an array's element.
    fn at(origin: &Self::Origin, index: usize, element: Option<&'v Value<'v>>) -> Self::Origin;
    /// The origin of what a step leads to.
    fn stepped(origin: &Self::Origin, step: &Step, value: Option<&'v Value<'v>>) -> Self::Origin;
    /// The origin of a map's value.
    fn under(origin: &Self::Origin, key: &[u8], member: Option<&'v Value<'v>>) -> Self::Origin;

    /// The origin of what a function gave for these arguments.
    fn called<'o>(
        function: Function,
        arguments: impl Iterator<Item = &'o Self::Origin>,
        pieces: Self::Pieces,
    ) -> Self::Origin
    where
        Self: 'o,
        'v: 'o;
    /// The origin of a value that a function handed on as it was.
    fn handed_on(function: Function, origin: &Self::Origin) -> Self::Origin;
    /// The origin of what a function gave that tells nothing of its arguments in clear: in place of the
    /// result, the field stands for itself.
    fn condensed<'o>(
        function: Function,
        arguments: impl Iterator<Item = &'o Self::Origin>,
        pieces: Self::Pieces,
    ) -> Self::Origin
    where
        Self: 'o,
        'v: 'o;
    /// The origin of a Bool that a function said of these values, all of each or a part of it: in place of
    /// the Bool, they stand for themselves.
    fn said_of<'o>(
        function: Function,
        arguments: impl Iterator<Item = &'o Self::Origin>,
        pieces: Self::Pieces,
        subjects: impl FnOnce() -> Vec<Subject<'v, Self>>,
    ) -> Self::Origin
    where
        Self: 'o,
        'v: 'o;

    /// No reason yet.
    fn no_reasons() -> Self::Reasons;
    /// The reason why a comparison of a field is what it is.
    fn reason_of_field(
        compare: &FieldCompare,
        value: Option<&'v Value<'v>>,
        origin: Self::Origin,
        holds: bool,
    ) -> Self::Reasons;
    /// The reason why a comparison is what it is.
    fn reason(
        test: &Test,
        place: Place,
        value: Option<&Flow<'v, Self>>,
        origin: Self::Origin,
        holds: bool,
    ) -> Self::Reasons;
    /// Adds more reasons.
    fn add(reasons: &mut Self::Reasons, more: Self::Reasons);
    /// The same reasons, with the values whole.
    fn whole(reasons: Self::Reasons) -> Self::Reasons;
}

/// Records nothing. It is handed on by value: even a reference to nothing would take a register.
#[derive(Clone, Copy)]
pub(super) struct Off;

impl<'v> Tracer<'v> for Off {
    const RECORDS: bool = false;
    type Origin = ();
    type Reasons = ();
    type Pieces = ();

    #[inline(always)]
    fn access(self, _field: FieldId, _place: Place) {}
    #[inline(always)]
    fn of_field(_field: FieldId, _value: Option<&'v Value<'v>>) {}
    #[inline(always)]
    fn of_rule() {}
    #[inline(always)]
    fn at(_origin: &(), _index: usize, _element: Option<&'v Value<'v>>) {}
    #[inline(always)]
    fn stepped(_origin: &(), _step: &Step, _value: Option<&'v Value<'v>>) {}
    #[inline(always)]
    fn under(_origin: &(), _key: &[u8], _member: Option<&'v Value<'v>>) {}
    #[inline(always)]
    fn called<'o>(_function: Function, _arguments: impl Iterator<Item = &'o ()>, _pieces: ()) {}
    #[inline(always)]
    fn handed_on(_function: Function, _origin: &()) {}
    #[inline(always)]
    fn condensed<'o>(_function: Function, _arguments: impl Iterator<Item = &'o ()>, _pieces: ()) {}
    #[inline(always)]
    fn said_of<'o>(
        _function: Function,
        _arguments: impl Iterator<Item = &'o ()>,
        _pieces: (),
        _subjects: impl FnOnce() -> Vec<Subject<'v, Self>>,
    ) {
    }
    #[inline(always)]
    fn no_reasons() {}
    #[inline(always)]
    fn reason_of_field(
        _compare: &FieldCompare,
        _value: Option<&'v Value<'v>>,
        _origin: (),
        _holds: bool,
    ) {
    }
    #[inline(always)]
    fn reason(
        _test: &Test,
        _place: Place,
        _value: Option<&Flow<'v, Self>>,
        _origin: (),
        _holds: bool,
    ) {
    }
    #[inline(always)]
    fn add(_reasons: &mut (), _more: ()) {}
    #[inline(always)]
    fn whole(_reasons: ()) {}
}
