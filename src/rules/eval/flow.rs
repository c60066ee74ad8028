//! A value on its way through a rule: borrowed from the request as long as no function changes it.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::ops::ControlFlow;

use super::test::Look;
use super::tracer::Tracer;
use crate::rules::ast::Step;
use crate::rules::value::{Map, Value};

/// A value on its way.
pub(super) enum Flow<'v, T: Tracer<'v>> {
    Bool(bool),
    Int(i64),
    Bytes(Cow<'v, [u8]>),
    Ip(IpAddr),
    /// An array of the request.
    Array(&'v [Value<'v>]),
    /// A map of the request.
    Map(&'v Map<'v>),
    /// An array that a function made: each element has an origin of its own.
    Made(Vec<Item<'v, T>>),
}

/// An element of an array that a function made.
pub(super) struct Item<'v, T: Tracer<'v>> {
    pub(super) value: Flow<'v, T>,
    pub(super) origin: T::Origin,
}

impl<'v, T: Tracer<'v>> Clone for Flow<'v, T> {
    fn clone(&self) -> Self {
        match self {
            Self::Bool(value) => Self::Bool(*value),
            Self::Int(value) => Self::Int(*value),
            Self::Bytes(value) => Self::Bytes(value.clone()),
            Self::Ip(value) => Self::Ip(*value),
            Self::Array(value) => Self::Array(value),
            Self::Map(value) => Self::Map(value),
            Self::Made(items) => Self::Made(items.clone()),
        }
    }
}

impl<'v, T: Tracer<'v>> Clone for Item<'v, T> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), origin: self.origin.clone() }
    }
}

impl<'v, T: Tracer<'v>> Flow<'v, T> {
    /// A value of the request.
    #[inline]
    pub(super) fn of(value: &'v Value<'v>) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value) => Self::Int(*value),
            Value::Bytes(value) => Self::Bytes(Cow::Borrowed(value)),
            Value::Ip(value) => Self::Ip(*value),
            Value::Array(values) => Self::Array(values),
            Value::Map(map) => Self::Map(map),
        }
    }

    /// The value, for a record.
    pub(super) fn into_value(self) -> Value<'v> {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::Int(value) => Value::Int(value),
            Self::Bytes(value) => Value::Bytes(value),
            Self::Ip(value) => Value::Ip(value),
            Self::Array(values) => Value::Array(values.to_vec()),
            Self::Map(map) => Value::Map(map.clone()),
            Self::Made(items) => {
                Value::Array(items.into_iter().map(|item| item.value.into_value()).collect())
            }
        }
    }

    /// How many elements it has; of one that is no array or map, none.
    pub(super) fn elements(&self) -> usize {
        match self {
            Self::Array(values) => values.len(),
            Self::Map(map) => map.len(),
            Self::Made(items) => items.len(),
            Self::Bool(_) | Self::Int(_) | Self::Bytes(_) | Self::Ip(_) => 0,
        }
    }

    /// A Bool, Int or Ip as text; of any other value, nothing.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = match self {
            Self::Bool(value) => write!(text, "{value}"),
            Self::Int(value) => write!(text, "{value}"),
            Self::Ip(value) => write!(text, "{value}"),
            Self::Bytes(_) | Self::Array(_) | Self::Map(_) | Self::Made(_) => Ok(()),
        };
        text
    }
}

impl<'a, 'v, T: Tracer<'v>> Look<'a> for Option<&'a Flow<'v, T>> {
    #[inline(always)]
    fn bool(self) -> Option<bool> {
        if let Some(Flow::Bool(value)) = self { Some(*value) } else { None }
    }
    #[inline(always)]
    fn int(self) -> Option<i64> {
        if let Some(Flow::Int(value)) = self { Some(*value) } else { None }
    }
    #[inline(always)]
    fn bytes(self) -> Option<&'a [u8]> {
        if let Some(Flow::Bytes(value)) = self { Some(value) } else { None }
    }
    #[inline(always)]
    fn ip(self) -> Option<IpAddr> {
        if let Some(Flow::Ip(value)) = self { Some(*value) } else { None }
    }
}

/// The element or member of a value of the request that a step leads to.
#[inline]
pub(in crate::rules) fn element<'f, 'v>(
    value: Option<&'f Value<'v>>,
    step: &Step,
) -> Option<&'f Value<'v>> {
    match (step, value?) {
        (Step::At(index), Value::Array(values)) => {
            usize::try_from(*index).ok().and_then(|index| values.get(index))
        }
        (Step::Key(key), Value::Map(map)) => map.get(key),
        // Operands are split at the first `[*]`; `each` goes on from there.
        _ => None,
    }
}

/// The element or member that a step leads to.
pub(super) fn step<'v, T: Tracer<'v>>(
    value: Option<Flow<'v, T>>,
    origin: T::Origin,
    step: &Step,
) -> (Option<Flow<'v, T>>, T::Origin) {
    let found = match (step, value) {
        (Step::At(index), Some(Flow::Made(mut items))) => {
            let index = usize::try_from(*index).unwrap_or(usize::MAX);
            if index < items.len() {
                let item = items.swap_remove(index);
                return (Some(item.value), item.origin);
            }
            None
        }
        (Step::At(index), Some(Flow::Array(values))) => {
            usize::try_from(*index).ok().and_then(|index| values.get(index))
        }
        (Step::Key(key), Some(Flow::Map(map))) => map.get(key),
        _ => None,
    };
    (found.map(Flow::of), T::stepped(&origin, step, found))
}

/// Gives each element of an array or value of a map, in order.
pub(super) fn each<'v, T: Tracer<'v>>(
    value: Flow<'v, T>,
    origin: &T::Origin,
    give: &mut impl FnMut(Flow<'v, T>, T::Origin) -> ControlFlow<()>,
) -> ControlFlow<()> {
    match value {
        Flow::Array(values) => values.iter().enumerate().try_for_each(|(index, value)| {
            give(Flow::of(value), T::at(origin, index, Some(value)))
        }),
        Flow::Map(map) => map
            .iter()
            .try_for_each(|(key, value)| give(Flow::of(value), T::under(origin, key, Some(value)))),
        Flow::Made(items) => items.into_iter().try_for_each(|item| give(item.value, item.origin)),
        Flow::Bool(_) | Flow::Int(_) | Flow::Bytes(_) | Flow::Ip(_) => ControlFlow::Continue(()),
    }
}
