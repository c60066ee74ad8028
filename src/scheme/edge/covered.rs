//! Covered fields: the names in `h`, and the one value of each.

use super::{NEVER_COVERED, class};
use crate::limits::{MAX_COVERED_FIELDS, MAX_FIELD_NAME_BYTES};
use crate::message::{MessageHead, is_named, trim};

/// The covered fields of a request, in the order of `h`.
#[derive(Clone, Copy)]
pub(crate) struct Covered<'a> {
    fields: [Field<'a>; MAX_COVERED_FIELDS],
    count: usize,
}

#[derive(Clone, Copy)]
struct Field<'a> {
    name: &'a [u8],
    value: &'a [u8],
}

/// What is wrong with a covered field (§3, row 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Missing,
    Duplicate,
    ForbiddenByte,
}

impl<'a> Covered<'a> {
    /// None yet. Filled in place, by [`read_names`](Self::read_names) and then
    /// [`read_values`](Self::read_values): to pass it on by value would cost as much as to read it.
    pub(crate) const NONE: Self =
        Self { fields: [Field { name: &[], value: &[] }; MAX_COVERED_FIELDS], count: 0 };

    /// The fields that `h` names; no field has a name that departs from the grammar.
    pub(crate) fn collect(h: &'a [u8], head: &MessageHead<'a>) -> Result<Self, Fault> {
        let mut covered = Self::NONE;
        covered.read_names(h).ok_or(Fault::Missing)?;
        covered.read_values(head)?;
        Ok(covered)
    }

    /// Reads `h`; `None` when it departs from the grammar: at most 16 names, strictly ascending,
    /// none that hops rewrite (§1).
    pub(crate) fn read_names(&mut self, h: &'a [u8]) -> Option<()> {
        let (mut last, mut rest) = (None, h);
        while !h.is_empty() {
            let (name, tail) = rest.split_at_checked(class::span(rest, class::NAME))?;
            let fits = (1..=MAX_FIELD_NAME_BYTES).contains(&name.len());
            let ascends = last.is_none_or(|last| last < name);
            if !fits || !ascends || is_never_covered(name) {
                return None;
            }
            self.fields.get_mut(self.count)?.name = name;
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
    pub(crate) fn read_values(&mut self, head: &MessageHead<'a>) -> Result<(), Fault> {
        let covered = self.fields.get_mut(..self.count).unwrap_or_default();
        let (mut found, mut repeated) = (0_u16, 0_u16);
        const { assert!(MAX_COVERED_FIELDS <= 16, "a bit for each field") };
        let lengths = covered.iter().fold(0, |lengths, field| lengths | length_bit(field.name));
        for (name, value) in head.fields.iter() {
            if lengths & length_bit(name) == 0 {
                continue;
            }
            for (place, field) in covered.iter_mut().enumerate() {
                if is_named(name, field.name) {
                    repeated |= found & 1 << place;
                    found |= 1 << place;
                    field.value = trim(value);
                }
            }
        }
        for (place, field) in covered.iter().enumerate() {
            if found & 1 << place == 0 {
                return Err(Fault::Missing);
            }
            if repeated & 1 << place != 0 {
                return Err(Fault::Duplicate);
            }
            if !class::all(field.value, class::VALUE) {
                return Err(Fault::ForbiddenByte);
            }
        }
        Ok(())
    }

    /// The names in `h`.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a [u8]> {
        self.iter().map(|(name, _)| name)
    }

    /// Names and values, in the order of `h`.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.fields.iter().take(self.count).map(|field| (field.name, field.value))
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

/// A bit for the length of a name, by which most fields are passed over without a comparison.
fn length_bit(name: &[u8]) -> u64 {
    1 << (name.len() % 64)
}

fn is_never_covered(name: &[u8]) -> bool {
    NEVER_COVERED.iter().any(|never| never.as_bytes() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ascending_and_few() {
        let reads = |h: &str| Covered::NONE.read_names(h.as_bytes()).is_some();
        let sixteen = (b'a'..=b'p').map(|c| char::from(c).to_string()).collect::<Vec<_>>().join(":");
        for good in ["", "a", "a:b", "a-b:a0", &sixteen, &"a".repeat(64)] {
            assert!(reads(good), "{good}");
        }
        for bad in [":", "a:", ":a", "b:a", "a:a", "A", "a b", "a:host", "via", "te", &format!("{sixteen}:q"), &"a".repeat(65)] {
            assert!(!reads(bad), "{bad}");
        }
    }
}
