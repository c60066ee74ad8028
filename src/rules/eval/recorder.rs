//! Records what an evaluation looked at, and what of it made the rule what it is.

use std::cell::Cell;
use std::ops::{ControlFlow, Range};

use super::compose::{self, compose};
use super::flow::{self, Flow};
use super::tracer::{Subject, Tracer};
use crate::rules::ast::Step;
use crate::rules::functions::Function;
use crate::rules::functions::written::Kept;
use crate::rules::program::{FieldCompare, Place, Test};
use crate::rules::scheme::FieldId;
use crate::rules::trace::{Access, Contribution, Input, Piece, Taken, What};
use crate::rules::value::Value;

/// Records.
#[derive(Clone, Copy)]
pub(super) struct Recorder<'t> {
    accesses: &'t Cell<Vec<Access>>,
}

impl<'t> Recorder<'t> {
    pub(super) const fn new(accesses: &'t Cell<Vec<Access>>) -> Self {
        Self { accesses }
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin<'v> {
    inputs: Vec<Input>,
    via: Vec<Function>,
    /// `None` where the value is the first input, byte for byte.
    pieces: Option<Vec<Piece>>,
    /// What the first input holds, before any function.
    own: Option<&'v Value<'v>>,
    stands_for: Option<StandIn<'v>>,
}

/// What is logged in place of a result that says something of other values.
#[derive(Clone, Debug)]
struct StandIn<'v> {
    subjects: Vec<Contribution<'v>>,
    scope: Scope,
}

/// How far a stand-in counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// For the result itself.
    Result,
    /// For whatever becomes of it.
    Everything,
}

impl<'v> Origin<'v> {
    fn stepped(&self, step: Taken, own: Option<&'v Value<'v>>) -> Self {
        let mut origin = self.clone();
        if let Some(input) = origin.inputs.first_mut() {
            input.path.push(step);
        }
        origin.own = own;
        origin
    }

    /// Of what a function gave: the first argument that has an input says which functions it went through.
    fn joined<'o>(function: Function, arguments: &[&'o Self], pieces: &Kept) -> Self
    where
        'v: 'o,
    {
        let leading = arguments.iter().find(|argument| !argument.inputs.is_empty());
        let leading =
            leading.or_else(|| arguments.iter().find(|argument| !argument.via.is_empty()));
        let mut via = leading.map(|argument| argument.via.clone()).unwrap_or_default();
        via.push(function);
        let mut inputs = Vec::new();
        let mut numbered = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let input = inputs.len();
            numbered.push(compose::Argument { pieces: argument.pieces.as_deref(), input });
            inputs.extend(argument.inputs.iter().cloned());
        }
        let stands_for = leading.and_then(|argument| argument.stands_for.as_ref());
        let stands_for = stands_for.filter(|stand_in| stand_in.scope == Scope::Everything);
        Self {
            inputs,
            via,
            pieces: Some(compose(&pieces.pieces, &numbered)),
            own: leading.and_then(|argument| argument.own),
            stands_for: stands_for.map(|stand_in| stand_in.through(function)),
        }
    }

    fn contribution(self, place: Place, value: Option<Value<'v>>, what: What) -> Contribution<'v> {
        let Self { inputs, via, pieces, .. } = self;
        Contribution {
            span: place.span(),
            inputs,
            via,
            value,
            what,
            pieces: pieces.unwrap_or_default(),
        }
    }
}

impl<'v> StandIn<'v> {
    fn through(&self, function: Function) -> Self {
        let mut through = self.clone();
        for subject in &mut through.subjects {
            subject.via.push(function);
        }
        through
    }
}

/// Some place; each contribution gets that of its comparison.
const NOWHERE: Range<usize> = 0..0;

/// The pieces of a value that is its input, byte for byte, written out.
fn identity(length: usize) -> Vec<Piece> {
    if length == 0 {
        return Vec::new();
    }
    vec![Piece { value: 0..length, input: 0, from: 0..length, aligned: true }]
}

fn length_of<'v, T: Tracer<'v>>(value: &Flow<'v, T>) -> usize {
    match value {
        Flow::Bytes(bytes) => bytes.len(),
        other => other.text().len(),
    }
}

/// Every plain value in a value, with its own origin.
fn leaves<'v, 't>(
    value: Flow<'v, Recorder<'t>>,
    origin: &Origin<'v>,
    give: &mut dyn FnMut(Flow<'v, Recorder<'t>>, &Origin<'v>),
) {
    match value {
        Flow::Array(_) | Flow::Map(_) | Flow::Made(_) => {
            let _ = flow::each(value, origin, &mut |value, origin| {
                leaves(value, &origin, give);
                ControlFlow::<()>::Continue(())
            });
        }
        plain => give(plain, origin),
    }
}

fn subject<'v, 't>(
    value: Flow<'v, Recorder<'t>>,
    origin: &Origin<'v>,
    function: &[Function],
    part: Option<Range<usize>>,
) -> Contribution<'v> {
    let mut origin = origin.clone();
    origin.via.extend(function);
    origin.pieces.get_or_insert_with(|| identity(length_of(&value)));
    Contribution {
        span: NOWHERE,
        inputs: origin.inputs,
        via: origin.via,
        what: part.map_or(What::Whole, What::Span),
        pieces: origin.pieces.unwrap_or_default(),
        value: Some(value.into_value()),
    }
}

impl<'v> Tracer<'v> for Recorder<'_> {
    const RECORDS: bool = true;
    type Origin = Origin<'v>;
    type Reasons = Vec<Contribution<'v>>;
    type Pieces = Kept;

    fn access(self, field: FieldId, place: Place) {
        let mut accesses = self.accesses.take();
        accesses.push(Access { field, span: place.span() });
        self.accesses.set(accesses);
    }

    fn of_field(field: FieldId, value: Option<&'v Value<'v>>) -> Origin<'v> {
        let inputs = vec![Input { field, path: Vec::new() }];
        Origin { inputs, own: value, ..Origin::default() }
    }

    fn of_rule() -> Origin<'v> {
        Origin { pieces: Some(Vec::new()), ..Origin::default() }
    }

    fn at(origin: &Origin<'v>, index: usize, element: Option<&'v Value<'v>>) -> Origin<'v> {
        origin.stepped(Taken::At(index), element)
    }

    fn under(origin: &Origin<'v>, key: &[u8], member: Option<&'v Value<'v>>) -> Origin<'v> {
        origin.stepped(Taken::Key(key.to_vec()), member)
    }

    fn stepped(origin: &Origin<'v>, step: &Step, value: Option<&'v Value<'v>>) -> Origin<'v> {
        match step {
            Step::At(index) => {
                let index = usize::try_from(*index).unwrap_or(usize::MAX);
                origin.stepped(Taken::At(index), value)
            }
            Step::Key(key) => origin.stepped(Taken::Key(key.clone()), value),
            Step::Each => origin.clone(),
        }
    }

    fn called<'o>(
        function: Function,
        arguments: impl Iterator<Item = &'o Origin<'v>>,
        pieces: Kept,
    ) -> Origin<'v>
    where
        'v: 'o,
    {
        Origin::joined(function, &arguments.collect::<Vec<_>>(), &pieces)
    }

    fn handed_on(function: Function, origin: &Origin<'v>) -> Origin<'v> {
        let mut origin = origin.clone();
        origin.via.push(function);
        if let Some(stands_for) = &mut origin.stands_for {
            *stands_for = stands_for.through(function);
        }
        origin
    }

    fn condensed<'o>(
        function: Function,
        arguments: impl Iterator<Item = &'o Origin<'v>>,
        pieces: Kept,
    ) -> Origin<'v>
    where
        'v: 'o,
    {
        let mut origin = Origin::joined(function, &arguments.collect::<Vec<_>>(), &pieces);
        if origin.stands_for.is_some() {
            return origin;
        }
        let mut subjects = Vec::new();
        let field = Origin {
            inputs: origin.inputs.iter().take(1).cloned().collect(),
            own: origin.own,
            ..Origin::default()
        };
        if let Some(own) = origin.own {
            leaves(Flow::of(own), &field, &mut |value, of| {
                subjects.push(subject(value, of, &origin.via, None));
            });
        }
        origin.stands_for = Some(StandIn { subjects, scope: Scope::Everything });
        origin
    }

    fn said_of<'o>(
        function: Function,
        arguments: impl Iterator<Item = &'o Origin<'v>>,
        pieces: Kept,
        subjects: impl FnOnce() -> Vec<Subject<'v, Self>>,
    ) -> Origin<'v>
    where
        'v: 'o,
    {
        let mut origin = Origin::joined(function, &arguments.collect::<Vec<_>>(), &pieces);
        if origin.stands_for.is_some() {
            return origin;
        }
        let mut said = Vec::new();
        for (value, of, part) in subjects() {
            leaves(value, &of, &mut |value, of| {
                said.push(subject(value, of, &[function], part.clone()));
            });
        }
        origin.stands_for = Some(StandIn { subjects: said, scope: Scope::Result });
        origin
    }

    fn no_reasons() -> Vec<Contribution<'v>> {
        Vec::new()
    }

    fn reason_of_field(
        compare: &FieldCompare,
        value: Option<&'v Value<'v>>,
        origin: Origin<'v>,
        holds: bool,
    ) -> Vec<Contribution<'v>> {
        let value = value.map(Flow::of);
        Self::reason(&compare.test, compare.place, value.as_ref(), origin, holds)
    }

    fn reason(
        test: &Test,
        place: Place,
        value: Option<&Flow<'v, Self>>,
        mut origin: Origin<'v>,
        holds: bool,
    ) -> Vec<Contribution<'v>> {
        if let (Some(_), Some(stand_in)) = (value, &origin.stands_for) {
            let at =
                |subject: &Contribution<'v>| Contribution { span: place.span(), ..subject.clone() };
            return stand_in.subjects.iter().map(at).collect();
        }
        let what = if holds { test.what(value) } else { What::Whole };
        if let (Some(value), false) = (value, origin.via.is_empty()) {
            origin.pieces.get_or_insert_with(|| identity(length_of(value)));
        }
        let value = value.cloned().map(Flow::into_value);
        vec![origin.contribution(place, value, what)]
    }

    fn add(reasons: &mut Vec<Contribution<'v>>, more: Vec<Contribution<'v>>) {
        reasons.extend(more);
    }

    fn whole(mut reasons: Vec<Contribution<'v>>) -> Vec<Contribution<'v>> {
        for reason in &mut reasons {
            reason.what = What::Whole;
        }
        reasons
    }
}
