//! The texts that `regex_replace` and `wildcard_replace` put in place of what they found.

use std::ops::Range;

use super::limits::MAX_REFERENCES;

/// A text with references to groups: `${1}` is the first, `$$` the character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    parts: Vec<Part>,
}

/// A part of a [`Replacement`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// These bytes.
    Text(Vec<u8>),
    /// What the group with this number took; nothing where it took no part in the match.
    Group(usize),
}

/// Why a text is no replacement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplacementError {
    /// A `$` before something else.
    #[error(
        "in a replacement, $ stands before {{NUMBER}} or another $ only\nwrite ${{1}} for the first group, $$ for the character"
    )]
    Dollar,
    /// More references than [`MAX_REFERENCES`].
    #[error("the replacement has more than {MAX_REFERENCES} references\nuse fewer groups")]
    References,
    /// A group that is not there.
    #[error(
        "the replacement names group {group}, and the last one is {last}\nput what is to be kept in parentheses, or under a star"
    )]
    Group {
        /// Its number.
        group: usize,
        /// The number of the last one.
        last: usize,
    },
}

impl Replacement {
    /// Reads a text that may name the groups up to `last`; 0 is the whole match.
    ///
    /// # Errors
    ///
    /// [`ReplacementError`]
    pub fn parse(text: &[u8], last: usize) -> Result<Self, ReplacementError> {
        let mut parts = Vec::new();
        let mut references = 0;
        let mut rest = text;
        while let Some((before, after)) = split_at_dollar(rest) {
            push(&mut parts, before);
            if let Some(after) = after.strip_prefix(b"$") {
                push(&mut parts, b"$");
                rest = after;
                continue;
            }
            let (group, after) = reference(after).ok_or(ReplacementError::Dollar)?;
            references += 1;
            if references > MAX_REFERENCES {
                return Err(ReplacementError::References);
            }
            if group > last {
                return Err(ReplacementError::Group { group, last });
            }
            parts.push(Part::Group(group));
            rest = after;
        }
        push(&mut parts, rest);
        Ok(Self { parts })
    }

    /// Its parts, in order.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Adds it to `out`, with what the groups took of `value`.
    pub fn apply(&self, value: &[u8], groups: &[Option<Range<usize>>], out: &mut Vec<u8>) {
        for part in &self.parts {
            match part {
                Part::Text(text) => out.extend_from_slice(text),
                Part::Group(group) => {
                    let taken = groups.get(*group).cloned().flatten();
                    let taken = taken.and_then(|range| value.get(range));
                    out.extend_from_slice(taken.unwrap_or_default());
                }
            }
        }
    }
}

fn split_at_dollar(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'$', text)?;
    Some((text.get(..at)?, text.get(at + 1..)?))
}

/// The number in `{1}`, and what follows.
fn reference(text: &[u8]) -> Option<(usize, &[u8])> {
    let inner = text.strip_prefix(b"{")?;
    let end = memchr::memchr(b'}', inner)?;
    let digits = std::str::from_utf8(inner.get(..end)?).ok()?;
    let digits = digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?;
    Some((digits.parse().ok()?, inner.get(end + 1..)?))
}

fn push(parts: &mut Vec<Part>, text: &[u8]) {
    match parts.last_mut() {
        _ if text.is_empty() => {}
        Some(Part::Text(before)) => before.extend_from_slice(text),
        _ => parts.push(Part::Text(text.to_vec())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_put_in() {
        let replacement = Replacement::parse(b"/bar/${2}/${1}$$${0}", 2).unwrap();
        let mut out = Vec::new();
        replacement.apply(b"ab", &[Some(0..2), Some(0..1), None], &mut out);
        assert_eq!(out, b"/bar//a$ab");
        assert_eq!(Replacement::parse(b"a$$b", 0).unwrap().parts(), [Part::Text(b"a$b".to_vec())]);
        assert_eq!(Replacement::parse(b"", 0).unwrap().parts(), []);
    }

    #[test]
    fn what_is_no_replacement_is_refused() {
        for (text, expected) in [
            ("$", ReplacementError::Dollar),
            ("$1", ReplacementError::Dollar),
            ("${}", ReplacementError::Dollar),
            ("${1", ReplacementError::Dollar),
            ("${+1}", ReplacementError::Dollar),
            ("${99999999999999999999999}", ReplacementError::Dollar),
            ("${2}", ReplacementError::Group { group: 2, last: 1 }),
            ("${1}${1}${1}${1}${1}${1}${1}${1}${1}", ReplacementError::References),
        ] {
            assert_eq!(Replacement::parse(text.as_bytes(), 1), Err(expected), "{text}");
        }
    }
}
