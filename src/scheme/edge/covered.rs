//! Covered fields: the names in `h`, and the one value of each.

use super::{NEVER_COVERED, Scan, class};
use crate::limits::{MAX_COVERED_FIELDS, MAX_FIELD_NAME_BYTES};
use crate::message::{Field, MessageHead};

/// The covered fields of a request, in the order of `h`.
///
/// None by default. Filled in place, by [`read_names`](Self::read_names) and then
/// [`read_values`](Self::read_values): it is large, and moving it shows in the time of a check.
#[derive(Clone, Copy, Default)]
pub(crate) struct Covered<'a> {
    h: &'a [u8],
    /// Where each name in `h` ends.
    ends: [u16; MAX_COVERED_FIELDS],
    values: [&'a [u8]; MAX_COVERED_FIELDS],
    count: usize,
}

/// What is wrong with a covered field (§3, row 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Missing,
    Duplicate,
    ForbiddenByte,
}

impl<'a> Covered<'a> {
    /// The fields that `h` names; no field has a name that departs from the grammar.
    pub(crate) fn collect(
        h: &'a [u8],
        head: &MessageHead<'a>,
        scan: &Scan<'a>,
    ) -> Result<Self, Fault> {
        let mut covered = Self::default();
        covered.read_names(h).ok_or(Fault::Missing)?;
        covered.read_values(head, scan)?;
        Ok(covered)
    }

    /// Reads `h`; `None` when it departs from the grammar: at most 16 names, strictly ascending,
    /// none that hops rewrite (§1).
    #[inline]
    pub(crate) fn read_names(&mut self, h: &'a [u8]) -> Option<()> {
        self.h = h;
        let (mut last, mut rest) = (None, h);
        while !h.is_empty() {
            let (name, tail) = rest.split_at_checked(class::span(rest, class::NAME))?;
            let fits = (1..=MAX_FIELD_NAME_BYTES).contains(&name.len());
            let ascends = last.is_none_or(|last| last < name);
            if !fits || !ascends || is_never_covered(name) {
                return None;
            }
            *self.ends.get_mut(self.count)? = u16::try_from(h.len() - tail.len()).ok()?;
            self.count += 1;
            last = Some(name);
            rest = match tail {
                [] => break,
                [b':', rest @ ..] => rest,
                _ => return None,
            };
        }
        Some(())
    }

    /// Reads the values of these fields: each there exactly once, of %x20-7E and HTAB.
    #[inline]
    pub(crate) fn read_values(
        &mut self,
        head: &MessageHead<'a>,
        scan: &Scan<'a>,
    ) -> Result<(), Fault> {
        let Self { h, ends, values, count } = self;
        let ends = ends.get(..*count).unwrap_or_default();
        for (name, slot) in names_of(h, ends).zip(values) {
            let value = match scan.field(name).unwrap_or_else(|| head.field(name)) {
                Field::Absent => return Err(Fault::Missing),
                Field::Repeated => return Err(Fault::Duplicate),
                Field::Once(value) => value,
            };
            if !class::all(value, class::VALUE) {
                return Err(Fault::ForbiddenByte);
            }
            *slot = value;
        }
        Ok(())
    }

    #[inline]
    pub(crate) const fn len(&self) -> usize {
        self.count
    }

    /// The names in `h`.
    #[inline]
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a [u8]> + Clone {
        names_of(self.h, self.ends.get(..self.count).unwrap_or_default())
    }

    /// Names and values, in the order of `h`.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.names().zip(self.values.iter().copied())
    }

    /// The value of the field `name`, when it is covered.
    #[inline]
    pub(crate) fn get(&self, name: &[u8]) -> Option<&'a [u8]> {
        self.iter().find(|(covered, _)| *covered == name).map(|(_, value)| value)
    }
}

/// `*( %x20-7E / HTAB )`.
pub(crate) fn is_field_value(value: &[u8]) -> bool {
    class::all(value, class::VALUE)
}

/// `1*64( %x61-7A / DIGIT / "-" )`.
pub(super) fn is_field_name(name: &[u8]) -> bool {
    (1..=MAX_FIELD_NAME_BYTES).contains(&name.len()) && class::all(name, class::NAME)
}

fn names_of<'a>(h: &'a [u8], ends: &[u16]) -> impl Iterator<Item = &'a [u8]> + Clone {
    let mut start = 0;
    ends.iter().map(move |&end| {
        let name = h.get(start..end.into()).unwrap_or_default();
        start = usize::from(end) + 1;
        name
    })
}

fn is_never_covered(name: &[u8]) -> bool {
    NEVER_COVERED.iter().any(|never| never.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascending_and_few() {
        let reads = |h: &str| Covered::default().read_names(h.as_bytes()).is_some();
        let sixteen =
            (b'a'..=b'p').map(|c| char::from(c).to_string()).collect::<Vec<_>>().join(":");
        for good in ["", "a", "a:b", "a-b:a0", &sixteen, &"a".repeat(64)] {
            assert!(reads(good), "{good}");
        }
        for bad in [
            ":",
            "a:",
            ":a",
            "b:a",
            "a:a",
            "A",
            "a b",
            "a:host",
            "via",
            "te",
            &format!("{sixteen}:q"),
            &"a".repeat(65),
        ] {
            assert!(!reads(bad), "{bad}");
        }
    }
}
