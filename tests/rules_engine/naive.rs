//! The language as its description says it, without a thought for speed: by recursion over what was parsed, and
//! Contrib from the top down.

use std::ops::Range;

use wafpass::rules::ast::{
    Argument, Call, Case, Comparison, Expr, ExprKind, Literal, LogicalOp, Operand, OperandKind,
    OrderOp, Quantifier, Shape, Step,
};
use wafpass::rules::functions::Function;
use wafpass::rules::trace::{Contribution, Taken, What};
use wafpass::rules::{Facts, FieldId, List, Regex, Scheme, Value};

use super::functions::compute;

/// A field looked at, and where.
pub(crate) type Access = (FieldId, Range<usize>);

/// What is said of one comparison.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Told {
    span: Range<usize>,
    inputs: Vec<(FieldId, Vec<Taken>)>,
    via: Vec<Function>,
    value: Option<Value<'static>>,
    what: What,
}

impl Told {
    pub(crate) fn of(contribution: &Contribution<'_>) -> Self {
        let inputs = contribution.inputs.iter();
        Self {
            span: contribution.span.clone(),
            inputs: inputs.map(|input| (input.field, input.path.clone())).collect(),
            via: contribution.via.clone(),
            value: contribution.value.as_ref().map(owned),
            what: contribution.what.clone(),
        }
    }
}

pub(crate) fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Bool(value) => Value::Bool(*value),
        Value::Int(value) => Value::Int(*value),
        Value::Bytes(value) => Value::Bytes(value.to_vec().into()),
        Value::Ip(value) => Value::Ip(*value),
        Value::Array(values) => Value::Array(values.iter().map(owned).collect()),
        Value::Map(map) => {
            let mut copy = wafpass::rules::Map::new();
            map.iter().for_each(|(key, value)| copy.insert(key.to_vec(), owned(value)));
            Value::Map(copy)
        }
        other => panic!("{other:?}"),
    }
}

/// A value with its history.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) value: Option<Value<'static>>,
    /// Of an array that a function made.
    made: Option<Vec<Known>>,
    inputs: Vec<(FieldId, Vec<Taken>)>,
    via: Vec<Function>,
    /// What the first input holds.
    own: Option<Value<'static>>,
    /// What is logged in place of it, and whether also of what is made of it.
    stands_for: Option<(Vec<Told>, bool)>,
}

impl Known {
    fn literal(value: Value<'static>) -> Self {
        Self {
            value: Some(value),
            made: None,
            inputs: vec![],
            via: vec![],
            own: None,
            stands_for: None,
        }
    }

    fn step(&self, taken: Taken, value: Option<Value<'static>>) -> Self {
        let mut stepped = self.clone();
        stepped.value = value.clone();
        stepped.own = value;
        stepped.made = None;
        if let Some((_, path)) = stepped.inputs.first_mut() {
            path.push(taken);
        }
        stepped
    }

    fn elements(&self) -> Vec<Self> {
        if let Some(made) = &self.made {
            return made.clone();
        }
        match &self.value {
            Some(Value::Array(values)) => {
                let elements = values.iter().enumerate();
                elements.map(|(at, value)| self.step(Taken::At(at), Some(value.clone()))).collect()
            }
            Some(Value::Map(map)) => {
                let members = map.iter();
                members
                    .map(|(key, value)| self.step(Taken::Key(key.to_vec()), Some(value.clone())))
                    .collect()
            }
            _ => vec![],
        }
    }

    fn leaves(&self) -> Vec<Self> {
        match &self.value {
            Some(Value::Array(_) | Value::Map(_)) => {
                self.elements().iter().flat_map(Self::leaves).collect()
            }
            Some(_) => vec![self.clone()],
            None => vec![],
        }
    }

    fn told(&self, span: Range<usize>, what: What) -> Told {
        let Self { value, inputs, via, .. } = self.clone();
        Told { span, inputs, via, value, what }
    }

    fn tell(&self, span: Range<usize>, what: What) -> Vec<Told> {
        match (&self.value, &self.stands_for) {
            (Some(_), Some((told, _))) => {
                told.iter().map(|told| Told { span: span.clone(), ..told.clone() }).collect()
            }
            _ => vec![self.told(span, what)],
        }
    }
}

pub(crate) struct Naive<'n> {
    pub(crate) scheme: &'n Scheme,
    pub(crate) facts: &'n Facts<'n>,
}

impl Naive<'_> {
    /// The answer, and the fields looked at.
    pub(crate) fn value(&self, expr: &Expr, accesses: &mut Vec<Access>) -> bool {
        match &expr.kind {
            ExprKind::Logical { op: LogicalOp::And, operands } => {
                operands.iter().all(|operand| self.value(operand, accesses))
            }
            ExprKind::Logical { op: LogicalOp::Or, operands } => {
                operands.iter().any(|operand| self.value(operand, accesses))
            }
            ExprKind::Logical { operands, .. } => {
                operands.iter().filter(|operand| self.value(operand, accesses)).count() % 2 == 1
            }
            ExprKind::Not(operand) => !self.value(operand, accesses),
            ExprKind::Quantified { quantifier, operand } => match self.each(operand, accesses) {
                None => false,
                Some(values) if *quantifier == Quantifier::Any => values.contains(&true),
                Some(values) => !values.contains(&false),
            },
            ExprKind::Compare { operand, comparison } => {
                self.passes(self.operand(operand, accesses).value.as_ref(), comparison)
            }
            ExprKind::Truth(operand) => {
                self.operand(operand, accesses).value == Some(Value::Bool(true))
            }
            other => panic!("{other:?}"),
        }
    }

    /// The answers of the elements; `None` where there is no array.
    fn each(&self, expr: &Expr, accesses: &mut Vec<Access>) -> Option<Vec<bool>> {
        match &expr.kind {
            ExprKind::Logical { op, operands } => {
                let all: Vec<_> =
                    operands.iter().map(|operand| self.each(operand, accesses)).collect();
                let all = all.into_iter().collect::<Option<Vec<_>>>()?;
                let shortest = all.iter().map(Vec::len).min()?;
                let at = |index: usize| {
                    let held = all.iter().filter(|values| values[index]).count();
                    match op {
                        LogicalOp::And => held == all.len(),
                        LogicalOp::Or => held > 0,
                        _ => held % 2 == 1,
                    }
                };
                Some((0..shortest).map(at).collect())
            }
            ExprKind::Not(operand) => {
                Some(self.each(operand, accesses)?.into_iter().map(|value| !value).collect())
            }
            ExprKind::Compare { operand, comparison } => {
                let elements = self.elements(operand, accesses)?.into_iter();
                Some(elements.map(|known| self.passes(known.value.as_ref(), comparison)).collect())
            }
            ExprKind::Truth(operand) => {
                let elements = self.elements(operand, accesses)?.into_iter();
                Some(elements.map(|known| known.value == Some(Value::Bool(true))).collect())
            }
            other => panic!("{other:?}"),
        }
    }

    /// Contrib(e, v)
    pub(crate) fn contributions(&self, expr: &Expr, value: bool) -> Vec<Told> {
        let nobody = &mut Vec::new();
        match &expr.kind {
            ExprKind::Logical { op: op @ (LogicalOp::And | LogicalOp::Or), operands } => {
                let decides = *op == LogicalOp::Or;
                if value == decides {
                    let first =
                        operands.iter().find(|operand| self.value(operand, nobody) == decides);
                    self.contributions(first.unwrap(), decides)
                } else {
                    operands
                        .iter()
                        .flat_map(|operand| self.contributions(operand, !decides))
                        .collect()
                }
            }
            ExprKind::Logical { operands, .. } => operands
                .iter()
                .flat_map(|operand| self.contributions(operand, self.value(operand, nobody)))
                .collect(),
            ExprKind::Not(operand) => self.contributions(operand, !value),
            ExprKind::Quantified { quantifier, operand } => {
                let Some(values) = self.each(operand, nobody) else { return vec![] };
                let of = |wanted: Option<bool>| -> Vec<Told> {
                    let chosen = values
                        .iter()
                        .enumerate()
                        .filter(|(_, value)| wanted.is_none_or(|it| it == **value));
                    chosen
                        .flat_map(|(index, value)| self.of_element(operand, index, *value))
                        .collect()
                };
                match (quantifier, value) {
                    (Quantifier::Any, true) => of(Some(true)),
                    (Quantifier::Any, false) => of(None)
                        .into_iter()
                        .map(|told| Told { what: What::Whole, ..told })
                        .collect(),
                    (_, true) => of(None),
                    (_, false) => of(Some(false)),
                }
            }
            ExprKind::Compare { operand, comparison } => {
                let known = self.operand(operand, nobody);
                self.tell(&known, expr, comparison, value)
            }
            ExprKind::Truth(operand) => {
                self.operand(operand, nobody).tell(expr.span.clone(), What::Whole)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Contrib of one element: array-wise, every operand.
    fn of_element(&self, expr: &Expr, index: usize, value: bool) -> Vec<Told> {
        let nobody = &mut Vec::new();
        match &expr.kind {
            ExprKind::Logical { operands, .. } => operands
                .iter()
                .flat_map(|operand| {
                    let value = self.each(operand, nobody).unwrap()[index];
                    self.of_element(operand, index, value)
                })
                .collect(),
            ExprKind::Not(operand) => self.of_element(operand, index, !value),
            ExprKind::Compare { operand, comparison } => {
                let known = &self.elements(operand, nobody).unwrap()[index];
                self.tell(known, expr, comparison, value)
            }
            ExprKind::Truth(operand) => {
                self.elements(operand, nobody).unwrap()[index].tell(expr.span.clone(), What::Whole)
            }
            other => panic!("{other:?}"),
        }
    }

    fn tell(&self, known: &Known, expr: &Expr, comparison: &Comparison, value: bool) -> Vec<Told> {
        let what = match (&known.value, comparison) {
            (Some(Value::Bytes(bytes)), Comparison::Contains(needle)) if value => {
                let first = (0..=bytes.len()).find(|at| bytes[*at..].starts_with(needle)).unwrap();
                What::Span(first..first + needle.len())
            }
            (Some(Value::Bytes(bytes)), Comparison::Matches(pattern)) if value => {
                What::Span(Regex::new(pattern).unwrap().find(bytes).unwrap())
            }
            _ => What::Whole,
        };
        known.tell(expr.span.clone(), what)
    }

    fn passes(&self, value: Option<&Value<'_>>, comparison: &Comparison) -> bool {
        let Some(value) = value else {
            return matches!(comparison, Comparison::Order { op: OrderOp::NotEqual, .. });
        };
        match (value, comparison) {
            (Value::Int(a), Comparison::Order { op, literal: Literal::Int(b) }) => {
                ordered(*op, a, b)
            }
            (Value::Bytes(a), Comparison::Order { op, literal: Literal::Bytes(b) }) => {
                ordered(*op, &a.to_vec(), b)
            }
            (Value::Ip(a), Comparison::Order { op, literal: Literal::Ip(b) }) => {
                if a.is_ipv4() == b.is_ipv4() {
                    ordered(*op, a, b)
                } else {
                    *op == OrderOp::NotEqual
                }
            }
            (Value::Int(a), Comparison::BitwiseAnd(b)) => a & b != 0,
            (Value::Int(a), Comparison::InInts(ranges)) => {
                ranges.iter().any(|(from, to)| (from..=to).contains(&a))
            }
            (Value::Ip(a), Comparison::InIps(ranges)) => ranges
                .iter()
                .any(|(from, to)| from.is_ipv4() == a.is_ipv4() && (from..=to).contains(&a)),
            (Value::Bytes(a), Comparison::InBytes(values)) => {
                values.iter().any(|value| **value == **a)
            }
            (value, Comparison::InList(list)) => {
                let same = match self.scheme.list_at(*list).unwrap().1.clone() {
                    List::Ints(ranges) => Comparison::InInts(ranges),
                    List::Ips(ranges) => Comparison::InIps(ranges),
                    List::Bytes(values) => Comparison::InBytes(values),
                    other => panic!("{other:?}"),
                };
                self.passes(Some(value), &same)
            }
            (Value::Bytes(a), Comparison::Contains(needle)) => {
                (0..=a.len()).any(|at| a[at..].starts_with(needle))
            }
            (Value::Bytes(a), Comparison::Matches(pattern)) => {
                Regex::new(pattern).unwrap().find(a).is_some()
            }
            (Value::Bytes(a), Comparison::Wildcard { pattern, case }) => match case {
                Case::Ignored => fits(&pattern.to_ascii_lowercase(), &a.to_ascii_lowercase()),
                _ => fits(pattern, a),
            },
            other => panic!("{other:?}"),
        }
    }

    fn operand(&self, operand: &Operand, accesses: &mut Vec<Access>) -> Known {
        let mut known = self.source(operand, accesses);
        for step in operand.path.iter().take_while(|step| **step != Step::Each) {
            known = stepped(&known, step);
        }
        known
    }

    /// The elements; `None` where there is nothing to take them of.
    fn elements(&self, operand: &Operand, accesses: &mut Vec<Access>) -> Option<Vec<Known>> {
        let container = self.operand(operand, accesses);
        container.value.as_ref()?;
        let first = operand.path.iter().position(|step| *step == Step::Each);
        // An Array(Bool) by itself.
        let Some(first) = first else { return Some(container.elements()) };
        let mut elements = vec![container];
        for step in &operand.path[first..] {
            elements = match step {
                Step::Each => elements.iter().flat_map(Known::elements).collect(),
                step => elements.iter().map(|known| stepped(known, step)).collect(),
            };
            elements.retain(|known| known.value.is_some());
        }
        Some(elements)
    }

    fn source(&self, operand: &Operand, accesses: &mut Vec<Access>) -> Known {
        match &operand.kind {
            OperandKind::Field(field) => {
                accesses.push((*field, operand.span.clone()));
                let value = self.facts.get(*field).map(owned);
                Known {
                    own: value.clone(),
                    value,
                    made: None,
                    inputs: vec![(*field, vec![])],
                    via: vec![],
                    stands_for: None,
                }
            }
            OperandKind::Call(call) => self.call(call, accesses),
            other => panic!("{other:?}"),
        }
    }

    fn call(&self, call: &Call, accesses: &mut Vec<Access>) -> Known {
        let mut each = None;
        let mut arguments = Vec::new();
        for (number, argument) in call.arguments.iter().enumerate() {
            arguments.push(match argument {
                Argument::Operand(operand) if number == 0 && operand.shape == Shape::Each => {
                    each = Some(self.elements(operand, &mut Vec::new()));
                    self.operand(operand, accesses)
                }
                Argument::Operand(operand) => self.operand(operand, accesses),
                Argument::Literal(Literal::Int(int)) => Known::literal(Value::Int(*int)),
                Argument::Literal(Literal::Bytes(bytes)) => {
                    Known::literal(Value::Bytes(bytes.clone().into()))
                }
                Argument::Literal(Literal::Ip(ip)) => Known::literal(Value::Ip(*ip)),
                other => panic!("{other:?}"),
            });
        }
        match each {
            None => apply(call.function, &arguments),
            Some(elements) => {
                let result = |first: Known| {
                    let rest = arguments[1..].iter().cloned();
                    apply(call.function, &std::iter::once(first).chain(rest).collect::<Vec<_>>())
                };
                let results = elements.map(|elements| {
                    elements.into_iter().map(result).filter(|known| known.value.is_some()).collect()
                });
                array(call.function, &arguments, results)
            }
        }
    }
}

fn ordered<T: Ord>(op: OrderOp, a: &T, b: &T) -> bool {
    match op {
        OrderOp::Equal => a == b,
        OrderOp::NotEqual => a != b,
        OrderOp::Less => a < b,
        OrderOp::LessOrEqual => a <= b,
        OrderOp::Greater => a > b,
        OrderOp::GreaterOrEqual => a >= b,
        other => panic!("{other:?}"),
    }
}

/// `*` takes nothing, or one byte more.
fn fits(pattern: &[u8], value: &[u8]) -> bool {
    match (pattern, value) {
        ([], []) => true,
        ([b'*', pattern @ ..], []) => fits(pattern, value),
        ([b'*', rest @ ..], [_, after @ ..]) => fits(rest, value) || fits(pattern, after),
        ([first, pattern @ ..], [byte, value @ ..]) => first == byte && fits(pattern, value),
        _ => false,
    }
}

fn stepped(known: &Known, step: &Step) -> Known {
    match step {
        Step::At(index) => match &known.made {
            Some(made) if (*index as usize) < made.len() => made[*index as usize].clone(),
            _ => {
                let value = match &known.value {
                    Some(Value::Array(values)) => values.get(*index as usize).cloned(),
                    _ => None,
                };
                known.step(Taken::At(*index as usize), value)
            }
        },
        Step::Key(key) => {
            let value = match &known.value {
                Some(Value::Map(map)) => map.get(key).cloned(),
                _ => None,
            };
            known.step(Taken::Key(key.clone()), value)
        }
        other => panic!("{other:?}"),
    }
}

/// The history of what a function gives.
fn history(function: Function, arguments: &[Known]) -> Known {
    let leading = arguments.iter().find(|argument| !argument.inputs.is_empty());
    let leading = leading.or_else(|| arguments.iter().find(|argument| !argument.via.is_empty()));
    let mut via = leading.map(|argument| argument.via.clone()).unwrap_or_default();
    via.push(function);
    let stands_for = leading
        .and_then(|argument| argument.stands_for.clone())
        .filter(|(_, everything)| *everything);
    Known {
        value: None,
        made: None,
        inputs: arguments.iter().flat_map(|argument| argument.inputs.clone()).collect(),
        via,
        own: leading.and_then(|argument| argument.own.clone()),
        stands_for: stands_for.map(|(mut told, everything)| {
            told.iter_mut().for_each(|told| told.via.push(function));
            (told, everything)
        }),
    }
}

fn array(function: Function, arguments: &[Known], made: Option<Vec<Known>>) -> Known {
    let values =
        made.as_ref().map(|made| made.iter().map(|known| known.value.clone().unwrap()).collect());
    Known { value: values.map(Value::Array), made, ..history(function, arguments) }
}

fn apply(function: Function, arguments: &[Known]) -> Known {
    let values: Vec<_> = arguments.iter().map(|argument| argument.value.clone()).collect();
    let value = compute(function, &values);
    // What has no value is no part of what was put together.
    let given: Vec<_> =
        arguments.iter().filter(|argument| argument.value.is_some()).cloned().collect();
    let arguments =
        if function == Function::Concat && !given.is_empty() { &given } else { arguments };
    let through = |known: &Known| history(function, std::slice::from_ref(known));
    match (function, &value) {
        (Function::Split, Some(Value::Array(parts))) => {
            let part = |value: &Value<'static>| Known {
                value: Some(value.clone()),
                ..through(&arguments[0])
            };
            array(function, arguments, Some(parts.iter().map(part).collect()))
        }
        (Function::Concat, Some(Value::Array(_))) => {
            let items = arguments.iter().flat_map(Known::elements);
            let items = items.map(|item| Known {
                value: item.value.clone(),
                made: item.made.clone(),
                ..through(&item)
            });
            array(function, arguments, Some(items.collect()))
        }
        (Function::Join, Some(_)) => {
            let elements = arguments[0].elements();
            let all: Vec<_> = arguments.iter().cloned().chain(elements).collect();
            Known { value, ..history(function, &all) }
        }
        (Function::Len | Function::Sha256, _) => {
            let known = Known { value, ..history(function, arguments) };
            if known.stands_for.is_some() {
                return known;
            }
            let field = Known {
                value: known.own.clone(),
                inputs: known.inputs.iter().take(1).cloned().collect(),
                via: vec![],
                ..known.clone()
            };
            let told = field
                .leaves()
                .into_iter()
                .map(|leaf| Told { via: known.via.clone(), ..leaf.told(0..0, What::Whole) });
            Known { stands_for: Some((told.collect(), true)), ..known }
        }
        (
            Function::StartsWith | Function::EndsWith | Function::HasKey | Function::HasValue,
            Some(Value::Bool(is)),
        ) => {
            let known = Known { value: value.clone(), ..history(function, arguments) };
            if known.stands_for.is_some() {
                return known;
            }
            let subjects = subjects(function, arguments, *is);
            let told = subjects.into_iter().flat_map(|(subject, what)| {
                let leaves = subject.leaves().into_iter();
                leaves.map(move |leaf| {
                    let mut told = leaf.told(0..0, what.clone());
                    told.via.push(function);
                    told
                })
            });
            Known { stands_for: Some((told.collect(), false)), ..known }
        }
        _ => Known { value, ..history(function, arguments) },
    }
}

/// What a Bool is said of.
fn subjects(function: Function, arguments: &[Known], is: bool) -> Vec<(Known, What)> {
    let source = &arguments[0];
    let length = |value: &Option<Value<'_>>| match value {
        Some(Value::Bytes(bytes)) => bytes.len(),
        other => panic!("{other:?}"),
    };
    match function {
        Function::HasKey => {
            let Some(Value::Bytes(key)) = &arguments[1].value else { panic!("a key") };
            vec![(stepped(source, &Step::Key(key.to_vec())), What::Whole)]
        }
        Function::HasValue => {
            let chosen = source.elements().into_iter();
            chosen
                .filter(|element| !is || element.value == arguments[1].value)
                .map(|element| (element, What::Whole))
                .collect()
        }
        _ if !is => vec![(source.clone(), What::Whole)],
        Function::StartsWith => vec![(source.clone(), What::Span(0..length(&arguments[1].value)))],
        _ => {
            let all = length(&source.value);
            vec![(source.clone(), What::Span(all - length(&arguments[1].value)..all))]
        }
    }
}
