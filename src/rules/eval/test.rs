//! Whether a value passes what is asked of it, and which bytes of it do.

use std::cmp::Ordering;

use super::flow::Flow;
use super::tracer::Tracer;
use crate::rules::ast::OrderOp;
use crate::rules::compile::are_of_one_family;
use crate::rules::program::Test;
use crate::rules::trace::What;

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
}

impl Test {
    /// Whether a value passes. One that is missing passes `ne` only, and so does an address of the other
    /// family.
    #[inline]
    pub(super) fn holds<'v, T: Tracer<'v>>(&self, value: Option<&Flow<'v, T>>) -> bool {
        match (self, value) {
            (Self::True, Some(Flow::Bool(value))) => *value,
            (Self::Int(op, int), Some(Flow::Int(value))) => op.holds(value.cmp(int)),
            (Self::BitwiseAnd(bits), Some(Flow::Int(value))) => value & bits != 0,
            (Self::InInts(set), Some(Flow::Int(value))) => set.contains(*value),
            (Self::Ip(op, ip), Some(Flow::Ip(value))) if are_of_one_family(*ip, *value) => {
                op.holds(value.cmp(ip))
            }
            (Self::InIps(set), Some(Flow::Ip(value))) => set.contains(*value),
            (Self::Bytes(OrderOp::Equal, bytes), Some(Flow::Bytes(value))) => **value == **bytes,
            (Self::Bytes(OrderOp::NotEqual, bytes), Some(Flow::Bytes(value))) => {
                **value != **bytes
            }
            (Self::Bytes(op, bytes), Some(Flow::Bytes(value))) => {
                op.holds((**value).cmp(&**bytes))
            }
            (Self::Contains(finder), Some(Flow::Bytes(value))) => finder.find(value).is_some(),
            (Self::Matches(regex), Some(Flow::Bytes(value))) => regex.is_match(value),
            (Self::Wildcard(wildcard), Some(Flow::Bytes(value))) => wildcard.is_match(value),
            (Self::InBytes(set), Some(Flow::Bytes(value))) => set.contains(value),
            (test, _) => matches!(
                test,
                Self::Int(OrderOp::NotEqual, _)
                    | Self::Bytes(OrderOp::NotEqual, _)
                    | Self::Ip(OrderOp::NotEqual, _)
            ),
        }
    }

    /// What of a value that passes made it pass.
    pub(super) fn what<'v, T: Tracer<'v>>(&self, value: Option<&Flow<'v, T>>) -> What {
        let span = match (self, value) {
            (Self::Contains(finder), Some(Flow::Bytes(value))) => {
                finder.find(value).map(|start| start..start + finder.needle().len())
            }
            (Self::Matches(regex), Some(Flow::Bytes(value))) => regex.find(value),
            _ => None,
        };
        span.map_or(What::Whole, What::Span)
    }
}
