//! Whether a value passes what is asked of it, and which bytes of it do.

use std::cmp::Ordering;
use std::net::IpAddr;

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

/// A value as a test looks at it: of the one type that it asks for, or nothing.
pub(in crate::rules::eval) trait Look<'a>: Copy {
    fn bool(self) -> Option<bool>;
    fn int(self) -> Option<i64>;
    fn bytes(self) -> Option<&'a [u8]>;
    fn ip(self) -> Option<IpAddr>;
}

impl<'a> Look<'a> for Option<&'a Value<'_>> {
    #[inline(always)]
    fn bool(self) -> Option<bool> {
        if let Some(Value::Bool(value)) = self { Some(*value) } else { None }
    }
    #[inline(always)]
    fn int(self) -> Option<i64> {
        if let Some(Value::Int(value)) = self { Some(*value) } else { None }
    }
    #[inline(always)]
    fn bytes(self) -> Option<&'a [u8]> {
        if let Some(Value::Bytes(value)) = self { Some(value) } else { None }
    }
    #[inline(always)]
    fn ip(self) -> Option<IpAddr> {
        if let Some(Value::Ip(value)) = self { Some(*value) } else { None }
    }
}

impl Test {
    /// Whether a value passes. One that is missing passes `ne` only, and so does an address of the other
    /// family.
    #[inline(always)]
    pub(in crate::rules::eval) fn holds<'a>(&self, value: impl Look<'a>) -> bool {
        match self {
            Self::True => value.bool().unwrap_or(false),
            Self::Int(op, int) => match value.int() {
                Some(value) => op.holds(value.cmp(int)),
                None => op.holds_of_nothing(),
            },
            Self::Bytes(op, bytes) => match value.bytes() {
                Some(value) => match op {
                    OrderOp::Equal => *value == **bytes,
                    OrderOp::NotEqual => *value != **bytes,
                    op => op.holds(value.cmp(bytes)),
                },
                None => op.holds_of_nothing(),
            },
            Self::V4(op, ip) => match value.ip() {
                Some(IpAddr::V4(value)) => op.holds(value.to_bits().cmp(ip)),
                _ => op.holds_of_nothing(),
            },
            Self::V6(op, ip) => match value.ip() {
                Some(IpAddr::V6(value)) => op.holds(value.to_bits().cmp(ip)),
                _ => op.holds_of_nothing(),
            },
            Self::BitwiseAnd(bits) => value.int().is_some_and(|value| value & bits != 0),
            Self::InInts(set) => matches!(value.int(), Some(value) if set.contains(value)),
            Self::InIps(set) => matches!(value.ip(), Some(value) if set.contains(value)),
            Self::Matches(regex) => matches!(value.bytes(), Some(value) if regex.is_match(value)),
            Self::Contains(_) | Self::Wildcard(_) | Self::InBytes(_) => {
                value.bytes().is_some_and(|value| self.searches(value))
            }
        }
    }

    /// Apart, so that what is short stays in registers.
    #[inline(never)]
    fn searches(&self, value: &[u8]) -> bool {
        match self {
            Self::Contains(finder) => finder.find(value).is_some(),
            Self::Wildcard(wildcard) => wildcard.is_match(value),
            Self::InBytes(set) => set.contains(value),
            _ => false,
        }
    }

    /// What of a value that passes made it pass.
    pub(in crate::rules::eval) fn what<'a>(&self, value: impl Look<'a>) -> What {
        let span = match (self, value.bytes()) {
            (Self::Contains(finder), Some(value)) => {
                finder.find(value).map(|start| start..start + finder.needle().len())
            }
            (Self::Matches(regex), Some(value)) => regex.find(value),
            _ => None,
        };
        span.map_or(What::Whole, What::Span)
    }
}
