//! Covered fields: the names in `h`, and the one value of each.

use super::{NEVER_COVERED, class};
use crate::limits::{MAX_COVERED_FIELDS, MAX_FIELD_NAME_BYTES};
use crate::message::MessageHead;

/// The covered fields of a request, in the order of `h`.
#[derive(Clone, Copy)]
pub(crate) struct Covered<'a> {
    names: &'a [u8],
    values: [&'a [u8]; MAX_COVERED_FIELDS],
}

/// What is wrong with a covered field (§3, row 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Missing,
    Duplicate,
    ForbiddenByte,
}

impl<'a> Covered<'a> {
    /// The names in `h`; `None` when they depart from the grammar: at most 16, strictly ascending,
    /// none that hops rewrite (§1).
    pub(crate) fn names(h: &'a [u8]) -> Option<impl Iterator<Item = &'a [u8]> + Clone + use<'a>> {
        let names = split_names(h);
        let mut last: &[u8] = b"";
        for (place, name) in names.clone().enumerate() {
            let ascending = last < name;
            if place >= MAX_COVERED_FIELDS || !ascending || !is_field_name(name) || is_never_covered(name) {
                return None;
            }
            last = name;
        }
        Some(names)
    }

    /// The values of the fields that `h` names: each there exactly once, of %x20-7E and HTAB.
    pub(crate) fn collect(h: &'a [u8], head: &MessageHead<'a>) -> Result<Self, Fault> {
        let mut values = [[].as_slice(); MAX_COVERED_FIELDS];
        for (name, slot) in split_names(h).zip(&mut values) {
            let mut found = head.values(name);
            let value = found.next().ok_or(Fault::Missing)?;
            if found.next().is_some() {
                return Err(Fault::Duplicate);
            }
            if !class::all(value, class::VALUE) {
                return Err(Fault::ForbiddenByte);
            }
            *slot = value;
        }
        Ok(Self { names: h, values })
    }

    /// Names and values, in the order of `h`.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        split_names(self.names).zip(self.values)
    }

    /// The value of the field `name`, when it is covered.
    pub(crate) fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.iter().find(|(covered, _)| *covered == name).map(|(_, value)| value)
    }
}

/// `1*64( %x61-7A / DIGIT / "-" )`.
pub(super) fn is_field_name(name: &[u8]) -> bool {
    (1..=MAX_FIELD_NAME_BYTES).contains(&name.len()) && class::all(name, class::NAME)
}

fn is_never_covered(name: &[u8]) -> bool {
    NEVER_COVERED.iter().any(|never| never.as_bytes() == name)
}

fn split_names(h: &[u8]) -> impl Iterator<Item = &[u8]> + Clone {
    h.split(|&byte| byte == b':').take(if h.is_empty() { 0 } else { usize::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascending_and_few() {
        let sixteen = (b'a'..=b'p').map(|c| char::from(c).to_string()).collect::<Vec<_>>().join(":");
        for good in ["", "a", "a:b", "a-b:a0", &sixteen, &"a".repeat(64)] {
            assert!(Covered::names(good.as_bytes()).is_some(), "{good}");
        }
        for bad in [":", "a:", ":a", "b:a", "a:a", "A", "a b", "a:host", "via", "te", &format!("{sixteen}:q"), &"a".repeat(65)] {
            assert!(Covered::names(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
