//! Whether a value passes what is asked of it, and which bytes of it do.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::flow::Flow;
use super::tracer::Tracer;
use crate::rules::ast::OrderOp;
use crate::rules::program::Test;
use crate::rules::trace::What;
use crate::rules::value::Value;

impl OrderOp {
    #[inline]
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }

    /// Whether it holds of values that cannot be compared.
    #[inline]
    fn holds_of_nothing(self) -> bool {
        matches!(self, Self::NotEqual)
    }
}

/// A value as a test sees it.
#[derive(Clone, Copy)]
pub(super) enum Seen<'a> {
    Bool(bool),
    Int(i64),
    Bytes(&'a [u8]),
    Ip(IpAddr),
    /// None, or none that a test can pass.
    Nothing,
}

impl<'a> Seen<'a> {
    #[inline]
    pub(super) fn value(value: Option<&'a Value<'_>>) -> Self {
        match value {
            Some(Value::Bool(value)) => Self::Bool(*value),
            Some(Value::Int(value)) => Self::Int(*value),
            Some(Value::Bytes(value)) => Self::Bytes(value),
            Some(Value::Ip(value)) => Self::Ip(*value),
            Some(Value::Array(_) | Value::Map(_)) | None => Self::Nothing,
        }
    }

    #[inline]
    pub(super) fn flow<'v, T: Tracer<'v>>(value: Option<&'a Flow<'v, T>>) -> Self {
        match value {
            Some(Flow::Bool(value)) => Self::Bool(*value),
            Some(Flow::Int(value)) => Self::Int(*value),
            Some(Flow::Bytes(value)) => Self::Bytes(value),
            Some(Flow::Ip(value)) => Self::Ip(*value),
            Some(Flow::Array(_) | Flow::Map(_) | Flow::Made(_)) | None => Self::Nothing,
        }
    }
}

impl Test {
    /// Whether a value passes. One that is missing passes `ne` only, and so does an address of the other
    /// family.
    #[inline]
    pub(super) fn holds(&self, value: Seen<'_>) -> bool {
        match self {
            Self::True => matches!(value, Seen::Bool(true)),
            Self::Int(op, int) => match value {
                Seen::Int(value) => op.holds(value.cmp(int)),
                _ => op.holds_of_nothing(),
            },
            Self::Bytes(op, bytes) => match value {
                Seen::Bytes(value) => match op {
                    OrderOp::Equal => *value == **bytes,
                    OrderOp::NotEqual => *value != **bytes,
                    op => op.holds(value.cmp(bytes)),
                },
                _ => op.holds_of_nothing(),
            },
            Self::V4(op, ip) => match value {
                Seen::Ip(IpAddr::V4(value)) => op.holds(value.to_bits().cmp(ip)),
                _ => op.holds_of_nothing(),
            },
            Self::V6(op, ip) => match value {
                Seen::Ip(IpAddr::V6(value)) => op.holds(value.to_bits().cmp(ip)),
                _ => op.holds_of_nothing(),
            },
            Self::BitwiseAnd(bits) => matches!(value, Seen::Int(value) if value & bits != 0),
            Self::InInts(set) => matches!(value, Seen::Int(value) if set.contains(value)),
            Self::InIps(set) => matches!(value, Seen::Ip(value) if set.contains(value)),
            Self::Contains(_) | Self::Matches(_) | Self::Wildcard(_) | Self::InBytes(_) => {
                matches!(value, Seen::Bytes(value) if self.searches(value))
            }
        }
    }

    /// Apart, so that what is short stays in registers.
    #[inline(never)]
    fn searches(&self, value: &[u8]) -> bool {
        match self {
            Self::Contains(finder) => finder.find(value).is_some(),
            Self::Matches(regex) => regex.is_match(value),
            Self::Wildcard(wildcard) => wildcard.is_match(value),
            Self::InBytes(set) => set.contains(value),
            _ => false,
        }
    }

    /// What of a value that passes made it pass.
    pub(super) fn what(&self, value: Seen<'_>) -> What {
        let span = match (self, value) {
            (Self::Contains(finder), Seen::Bytes(value)) => {
                finder.find(value).map(|start| start..start + finder.needle().len())
            }
            (Self::Matches(regex), Seen::Bytes(value)) => regex.find(value),
            _ => None,
        };
        span.map_or(What::Whole, What::Span)
    }
}
