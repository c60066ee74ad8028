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

use std::ops::ControlFlow;

pub(super) use self::flow::element;

use self::flow::Flow;
use self::recorder::Recorder;
use self::test::Seen;
use self::tracer::{Off, Tracer};
use super::ast::{Quantifier, Step};
use super::facts::Facts;
use super::program::{Compare, Each, FieldCompare, Node, Operand, Program, Source};
use super::trace::Trace;

impl Program {
    /// Whether the condition holds.
    #[must_use]
    pub fn holds(&self, facts: &Facts<'_>) -> bool {
        holds(&self.root, facts, &mut Off).0
    }

    /// Whether the condition holds, what it looked at, and what made it so.
    #[must_use]
    pub fn trace<'v>(&'v self, facts: &'v Facts<'v>) -> (bool, Trace<'v>) {
        let mut recorder = Recorder::default();
        let (value, contributions) = holds(&self.root, facts, &mut recorder);
        (value, Trace { accesses: recorder.accesses, contributions })
    }
}

/// The answer of a condition, and why. What most conditions are is done in place.
#[inline(always)]
fn holds<'v, T: Tracer<'v>>(
    node: &'v Node,
    facts: &'v Facts<'v>,
    tracer: &mut T,
) -> (bool, T::Reasons) {
    match node {
        Node::Field(compare) => field(compare, facts, tracer),
        node => composed(node, facts, tracer),
    }
}

#[inline(never)]
fn composed<'v, T: Tracer<'v>>(
    node: &'v Node,
    facts: &'v Facts<'v>,
    tracer: &mut T,
) -> (bool, T::Reasons) {
    match node {
        // The first operand that decides is the reason; none does if all agree.
        Node::And(operands) => joined(operands, false, facts, tracer),
        Node::Or(operands) => joined(operands, true, facts, tracer),
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
        Node::Field(compare) => field(compare, facts, tracer),
        Node::Compare(compare) => made(compare, facts, tracer),
    }
}

/// A comparison of a field's value, which stays where it is.
#[inline(always)]
fn field<'v, T: Tracer<'v>>(
    compare: &'v FieldCompare,
    facts: &'v Facts<'v>,
    tracer: &mut T,
) -> (bool, T::Reasons) {
    tracer.access(compare.field, compare.named);
    let mut value = facts.get(compare.field);
    let mut origin = T::of_field(compare.field, value);
    for step in &compare.path {
        value = flow::element(value, step);
        origin = T::stepped(&origin, step, value);
    }
    let holds = compare.test.holds(Seen::value(value));
    (holds, T::reason_of_field(compare, value, origin, holds))
}

/// A comparison of what a function gives.
#[inline(never)]
fn made<'v, T: Tracer<'v>>(
    compare: &'v Compare,
    facts: &'v Facts<'v>,
    tracer: &mut T,
) -> (bool, T::Reasons) {
    let (value, origin) = operand(&compare.operand, facts, tracer);
    let holds = compare.test.holds(Seen::flow(value.as_ref()));
    (holds, T::reason(&compare.test, compare.place, value, origin, holds))
}

/// `and` and `or`: the first operand that is `decides` ends it.
#[inline(always)]
fn joined<'v, T: Tracer<'v>>(
    operands: &'v [Node],
    decides: bool,
    facts: &'v Facts<'v>,
    tracer: &mut T,
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

#[inline(never)]
fn quantified<'v, T: Tracer<'v>>(
    quantifier: Quantifier,
    node: &'v Each,
    facts: &'v Facts<'v>,
    tracer: &mut T,
) -> (bool, T::Reasons) {
    let mut tally = Tally::<T>::new(quantifier);
    let is_there = match node {
        // Most are like this: no array of answers is made.
        Each::Compare(compare) => answers(compare, facts, tracer, &mut |value, why| {
            tally.count(value, why);
            if tally.is_decided() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }),
        node => match each(node, facts, tracer) {
            Some(answers) => {
                answers.into_iter().for_each(|(value, why)| tally.count(value, why));
                true
            }
            None => false,
        },
    };
    if is_there { tally.answer() } else { (false, T::no_reasons()) }
}

/// The answers of the elements, as `any` or `all` sees them.
struct Tally<'v, T: Tracer<'v>> {
    quantifier: Quantifier,
    one_holds: bool,
    one_fails: bool,
    holding: T::Reasons,
    failing: T::Reasons,
}

impl<'v, T: Tracer<'v>> Tally<'v, T> {
    fn new(quantifier: Quantifier) -> Self {
        Self {
            quantifier,
            one_holds: false,
            one_fails: false,
            holding: T::no_reasons(),
            failing: T::no_reasons(),
        }
    }

    fn count(&mut self, value: bool, why: T::Reasons) {
        if value {
            self.one_holds = true;
            T::add(&mut self.holding, why);
        } else {
            self.one_fails = true;
            T::add(&mut self.failing, why);
        }
    }

    /// Whether the elements that are left make no difference. They do to a record.
    fn is_decided(&self) -> bool {
        !T::RECORDS
            && match self.quantifier {
                Quantifier::Any => self.one_holds,
                Quantifier::All => self.one_fails,
            }
    }

    fn answer(self) -> (bool, T::Reasons) {
        match self.quantifier {
            Quantifier::Any if self.one_holds => (true, self.holding),
            Quantifier::Any => (false, T::whole(self.failing)),
            Quantifier::All if self.one_fails => (false, self.failing),
            Quantifier::All => (true, self.holding),
        }
    }
}

/// An answer for each element, and why. `None` where there is no array.
type Answers<'v, T> = Option<Vec<(bool, <T as Tracer<'v>>::Reasons)>>;

/// Array-wise: every operand is evaluated, and the longer arrays are cut to the shortest.
fn each<'v, T: Tracer<'v>>(node: &'v Each, facts: &'v Facts<'v>, tracer: &mut T) -> Answers<'v, T> {
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
    tracer: &mut T,
) -> Answers<'v, T> {
    let mut joined: Answers<'v, T> = None;
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
    tracer: &mut T,
    give: &mut impl FnMut(bool, T::Reasons) -> ControlFlow<()>,
) -> bool {
    elements(&compare.operand, facts, tracer, &mut |value, origin| {
        let holds = compare.test.holds(Seen::flow(Some(&value)));
        give(holds, T::reason(&compare.test, compare.place, Some(value), origin, holds))
    })
}

/// The value of an operand that has one.
fn operand<'v, T: Tracer<'v>>(
    operand: &'v Operand,
    facts: &'v Facts<'v>,
    tracer: &mut T,
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
    tracer: &mut T,
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
