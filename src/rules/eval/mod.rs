//! Runs a program on what is known of a request.
//!
//! One evaluator, generic over a [`Tracer`]: with [`Off`] nothing is recorded and nothing of the recording
//! is left in the machine code; with `Recorder` each value knows where it comes from, and each answer why
//! it is what it is.

mod call;
mod compose;
mod flow;
mod recorder;
mod test;
mod tracer;

use std::cell::Cell;
use std::ops::ControlFlow;

pub(super) use self::flow::element;

use self::flow::Flow;
use self::recorder::Recorder;
use self::tracer::{Off, Tracer};
use crate::rules::ast::{Quantifier, Step};
use crate::rules::facts::Facts;
use crate::rules::program::{Compare, Each, FieldCompare, Node, Operand, Program, Source};
use crate::rules::trace::Trace;

impl Program {
    /// Whether the condition holds.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        holds(&self.root, facts, Off).0
    }

    /// Whether the condition holds, what it looked at, and what made it so.
    #[must_use]
    pub fn trace<'v>(&'v self, facts: &'v Facts<'v>) -> (bool, Trace<'v>) {
        let accesses = Cell::default();
        let (value, contributions) = holds(&self.root, facts, Recorder::new(&accesses));
        (value, Trace { accesses: accesses.into_inner(), contributions })
    }
}

/// The answer of a condition, and why. What most conditions are is done in place.
#[inline(always)]
fn holds<'v, T: Tracer<'v>>(node: &'v Node, facts: &'v Facts<'v>, tracer: T) -> (bool, T::Reasons) {
    match node {
        Node::Field(compare) => field(compare, facts, tracer),
        Node::Joined { decides, operands } => joined(operands, *decides, facts, tracer),
        node => composed(node, facts, tracer),
    }
}

#[inline(never)]
fn composed<'v, T: Tracer<'v>>(
    node: &'v Node,
    facts: &'v Facts<'v>,
    tracer: T,
) -> (bool, T::Reasons) {
    match node {
        Node::Xor(operands) => {
            let mut odd = false;
            let mut reasons = T::no_reasons();
            for operand in operands {
                let (value, why) = holds(operand, facts, tracer);
                odd ^= value;
                T::add(&mut reasons, why);
            }
            (odd, reasons)
        }
        Node::Not(operand) => {
            let (value, why) = holds(operand, facts, tracer);
            (!value, why)
        }
        Node::Quantified(quantifier, operand) => quantified(*quantifier, operand, facts, tracer),
        Node::Compare(compare) => made(compare, facts, tracer),
        node @ (Node::Field(_) | Node::Joined { .. }) => holds(node, facts, tracer),
    }
}

/// `and` and `or`: the first operand that is `decides` ends it, and is the reason; all are where none is.
#[inline(never)]
fn joined<'v, T: Tracer<'v>>(
    operands: &'v [Node],
    decides: bool,
    facts: &'v Facts<'v>,
    tracer: T,
) -> (bool, T::Reasons) {
    let mut reasons = T::no_reasons();
    for operand in operands {
        let (value, why) = holds(operand, facts, tracer);
        if value == decides {
            return (decides, why);
        }
        T::add(&mut reasons, why);
    }
    (!decides, reasons)
}

/// A comparison of a field's value, which stays where it is.
#[inline(always)]
fn field<'v, T: Tracer<'v>>(
    compare: &'v FieldCompare,
    facts: &'v Facts<'v>,
    tracer: T,
) -> (bool, T::Reasons) {
    if !compare.path.is_empty() {
        return member(compare, facts, tracer);
    }
    tracer.access(compare.field, compare.named);
    let value = facts.get(compare.field);
    let holds = compare.test.holds(value);
    (holds, T::reason_of_field(compare, value, T::of_field(compare.field, value), holds))
}

/// A comparison of an element or member of a field.
#[inline(never)]
fn member<'v, T: Tracer<'v>>(
    compare: &'v FieldCompare,
    facts: &'v Facts<'v>,
    tracer: T,
) -> (bool, T::Reasons) {
    tracer.access(compare.field, compare.named);
    let mut value = facts.get(compare.field);
    let mut origin = T::of_field(compare.field, value);
    for step in &compare.path {
        value = flow::element(value, step);
        origin = T::stepped(&origin, step, value);
    }
    let holds = compare.test.holds(value);
    (holds, T::reason_of_field(compare, value, origin, holds))
}

/// A comparison of what a function gives.
#[inline(never)]
fn made<'v, T: Tracer<'v>>(
    compare: &'v Compare,
    facts: &'v Facts<'v>,
    tracer: T,
) -> (bool, T::Reasons) {
    let (value, origin) = operand(&compare.operand, facts, tracer);
    let holds = compare.test.holds(value.as_ref());
    (holds, T::reason(&compare.test, compare.place, value.as_ref(), origin, holds))
}

#[inline(never)]
fn quantified<'v, T: Tracer<'v>>(
    quantifier: Quantifier,
    node: &'v Each,
    facts: &'v Facts<'v>,
    tracer: T,
) -> (bool, T::Reasons) {
    let mut tally = tally::<T>(quantifier);
    let is_there = match node {
        // Most are like this: no array of answers is made.
        Each::Compare(compare) => answers(compare, facts, tracer, &mut |value, why| {
            count::<T>(&mut tally, value, why);
            if is_decided::<T>(&tally) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }),
        node => match each(node, facts, tracer) {
            Some(answers) => {
                answers.into_iter().for_each(|(value, why)| count::<T>(&mut tally, value, why));
                true
            }
            None => false,
        },
    };
    if is_there { answer::<T>(tally) } else { (false, T::no_reasons()) }
}

/// The answers of the elements, as `any` or `all` sees them, and the reasons of each kind.
struct Tally<R> {
    quantifier: Quantifier,
    one_holds: bool,
    one_fails: bool,
    holding: R,
    failing: R,
}

fn tally<'v, T: Tracer<'v>>(quantifier: Quantifier) -> Tally<T::Reasons> {
    let (holding, failing) = (T::no_reasons(), T::no_reasons());
    Tally { quantifier, one_holds: false, one_fails: false, holding, failing }
}

fn count<'v, T: Tracer<'v>>(tally: &mut Tally<T::Reasons>, value: bool, why: T::Reasons) {
    if value {
        tally.one_holds = true;
        T::add(&mut tally.holding, why);
    } else {
        tally.one_fails = true;
        T::add(&mut tally.failing, why);
    }
}

/// Whether the elements that are left make no difference. They do to a record.
fn is_decided<'v, T: Tracer<'v>>(tally: &Tally<T::Reasons>) -> bool {
    !T::RECORDS
        && match tally.quantifier {
            Quantifier::Any => tally.one_holds,
            Quantifier::All => tally.one_fails,
        }
}

fn answer<'v, T: Tracer<'v>>(tally: Tally<T::Reasons>) -> (bool, T::Reasons) {
    match tally.quantifier {
        Quantifier::Any if tally.one_holds => (true, tally.holding),
        Quantifier::Any => (false, T::whole(tally.failing)),
        Quantifier::All if tally.one_fails => (false, tally.failing),
        Quantifier::All => (true, tally.holding),
    }
}

/// An answer for each element, and why. `None` where there is no array.
type Answers<R> = Option<Vec<(bool, R)>>;

/// Array-wise: every operand is evaluated, and the longer arrays are cut to the shortest.
fn each<'v, T: Tracer<'v>>(node: &'v Each, facts: &'v Facts<'v>, tracer: T) -> Answers<T::Reasons> {
    match node {
        Each::And(operands) => pairwise(operands, |a, b| a & b, facts, tracer),
        Each::Or(operands) => pairwise(operands, |a, b| a | b, facts, tracer),
        Each::Xor(operands) => pairwise(operands, |a, b| a ^ b, facts, tracer),
        Each::Not(operand) => {
            let mut answers = each(operand, facts, tracer)?;
            answers.iter_mut().for_each(|(value, _)| *value = !*value);
            Some(answers)
        }
        Each::Compare(compare) => {
            let mut found = Vec::new();
            let is_there = answers(compare, facts, tracer, &mut |value, why| {
                found.push((value, why));
                ControlFlow::Continue(())
            });
            is_there.then_some(found)
        }
    }
}

fn pairwise<'v, T: Tracer<'v>>(
    operands: &'v [Each],
    join: impl Fn(bool, bool) -> bool,
    facts: &'v Facts<'v>,
    tracer: T,
) -> Answers<T::Reasons> {
    let mut joined: Answers<T::Reasons> = None;
    let mut is_there = true;
    for operand in operands {
        // Also after one that is missing: only scalar `and` and `or` skip.
        let Some(answers) = each(operand, facts, tracer) else {
            is_there = false;
            continue;
        };
        joined = Some(match joined {
            None => answers,
            Some(mut joined) => {
                joined.truncate(answers.len());
                for ((value, reasons), (other, why)) in joined.iter_mut().zip(answers) {
                    *value = join(*value, other);
                    T::add(reasons, why);
                }
                joined
            }
        });
    }
    joined.filter(|_| is_there)
}

/// Gives the answer of each element, in order; whether there is an array.
fn answers<'v, T: Tracer<'v>>(
    compare: &'v Compare,
    facts: &'v Facts<'v>,
    tracer: T,
    give: &mut impl FnMut(bool, T::Reasons) -> ControlFlow<()>,
) -> bool {
    elements(&compare.operand, facts, tracer, &mut |value, origin| {
        let holds = compare.test.holds(Some(&value));
        give(holds, T::reason(&compare.test, compare.place, Some(&value), origin, holds))
    })
}

/// The value of an operand that has one.
fn operand<'v, T: Tracer<'v>>(
    operand: &'v Operand,
    facts: &'v Facts<'v>,
    tracer: T,
) -> (Option<Flow<'v, T>>, T::Origin) {
    let (mut value, mut origin) = match &operand.source {
        Source::Field(field, place) => {
            tracer.access(*field, *place);
            let value = facts.get(*field);
            (value.map(Flow::of), T::of_field(*field, value))
        }
        Source::Call(call) => call::call(call, facts, tracer),
    };
    for step in &operand.path {
        (value, origin) = flow::step::<T>(value, origin, step);
    }
    (value, origin)
}

/// Gives each value of an operand with a `[*]`, in order; whether there is an array or map to take them of.
/// Where the steps after a `[*]` lead nowhere, the element is left out.
fn elements<'v, T: Tracer<'v>>(
    of: &'v Operand,
    facts: &'v Facts<'v>,
    tracer: T,
    give: &mut impl FnMut(Flow<'v, T>, T::Origin) -> ControlFlow<()>,
) -> bool {
    let (container, origin) = operand(of, facts, tracer);
    let Some(container) = container else { return false };
    // It stops early when `give` has seen enough.
    let _ = walk(container, origin, &of.each, give);
    true
}

fn walk<'v, T: Tracer<'v>>(
    value: Flow<'v, T>,
    origin: T::Origin,
    steps: &'v [Step],
    give: &mut impl FnMut(Flow<'v, T>, T::Origin) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some((step, rest)) = steps.split_first() else { return give(value, origin) };
    match (step, value) {
        (Step::Each, value) => {
            flow::each(value, &origin, &mut |value, origin| walk(value, origin, rest, give))
        }
        (step, value) => match flow::step::<T>(Some(value), origin, step) {
            (Some(value), origin) => walk(value, origin, rest, give),
            (None, _) => ControlFlow::Continue(()),
        },
    }
}
