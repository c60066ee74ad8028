//! Lists that rules name: `ip.src in $office`.

use std::net::IpAddr;

use super::error::Fault;
use super::lexer::{self, Cursor};
use super::types::Type;

/// The members of a list, all of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum List {
    /// Integers; each range with both ends.
    Ints(Vec<(i64, i64)>),
    /// Addresses; each range with both ends, of one family.
    Ips(Vec<(IpAddr, IpAddr)>),
    /// Bytes.
    Bytes(Vec<Vec<u8>>),
}

impl List {
    /// The type of its members.
    #[must_use]
    pub const fn ty(&self) -> Type {
        match self {
            Self::Ints(_) => Type::Int,
            Self::Ips(_) => Type::Ip,
            Self::Bytes(_) => Type::Bytes,
        }
    }

    /// How many members it has; a range counts as one.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Ints(ranges) => ranges.len(),
            Self::Ips(ranges) => ranges.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    /// Whether it has no member.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether every range has its ends in order and of one family.
    pub(super) fn is_in_order(&self) -> bool {
        match self {
            Self::Ints(ranges) => ranges.iter().all(|(first, last)| first <= last),
            Self::Ips(ranges) => ranges
                .iter()
                .all(|(first, last)| first.is_ipv4() == last.is_ipv4() && first <= last),
            Self::Bytes(_) => true,
        }
    }
}

/// An address, a network or a range, as sets write them, and nothing else.
pub(super) fn address_range(text: &str) -> Result<(IpAddr, IpAddr), Fault> {
    whole(text, lexer::address_range)
}

/// An integer or a range, as sets write them, and nothing else.
pub(super) fn int_range(text: &str) -> Result<(i64, i64), Fault> {
    whole(text, lexer::int_range)
}

fn whole<T>(text: &str, read: impl Fn(&mut Cursor<'_>) -> Result<T, Fault>) -> Result<T, Fault> {
    let mut cursor = Cursor::new(text);
    let read = read(&mut cursor)?;
    match cursor.is_at_end() {
        true => Ok(read),
        false => cursor.fault(
            cursor.token(),
            format!("behind the element, {}", cursor.found()),
            "write one element in each string",
        ),
    }
}
