//! Names and values: of a query, a form, cookies.

use std::ops::Range;

use super::limits::MAX_PAIRS;

/// A name and its value, as ranges of the text they stand in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) name: Range<usize>,
    pub(crate) value: Range<usize>,
}

/// The arguments of a query or form: between `&`, a name up to the first `=`. Nothing is decoded; what is
/// empty is no argument (WHATWG URL §5.1). The last one that [`MAX_PAIRS`] leaves room for holds the rest.
pub(crate) fn arguments(text: &[u8]) -> impl Iterator<Item = Pair> {
    pieces(text, b'&').map(|piece| {
        let mark = memchr::memchr(b'=', text.get(piece.clone()).unwrap_or_default());
        let name_end = mark.map_or(piece.end, |at| piece.start + at);
        Pair { name: piece.start..name_end, value: (name_end + 1).min(piece.end)..piece.end }
    })
}

/// The cookies of a `Cookie` line: between `;`, white space around them dropped. One without `=` is a
/// value without a name, as browsers send it (RFC 6265bis §5.8.3).
pub(crate) fn cookies(text: &[u8]) -> impl Iterator<Item = Pair> {
    pieces(text, b';').filter_map(|piece| {
        let piece = trimmed(text, piece);
        let inner = text.get(piece.clone()).filter(|inner| !inner.is_empty())?;
        Some(match memchr::memchr(b'=', inner) {
            Some(at) => {
                let (name, value) =
                    (piece.start..piece.start + at, piece.start + at + 1..piece.end);
                // RFC 6265 §5.2: blanks around either are not of it.
                Pair { name: trimmed(text, name), value: trimmed(text, value) }
            }
            None => Pair { name: piece.start..piece.start, value: piece },
        })
    })
}

/// What stands between separators, the empty left out.
fn pieces(text: &[u8], separator: u8) -> impl Iterator<Item = Range<usize>> {
    let (mut at, mut given) = (0, 0);
    std::iter::from_fn(move || {
        loop {
            let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
            let is_last = given + 1 >= MAX_PAIRS;
            let len = if is_last { None } else { memchr::memchr(separator, rest) };
            let piece = at..at + len.unwrap_or(rest.len());
            at = piece.end + 1;
            if !piece.is_empty() {
                given += 1;
                return Some(piece);
            }
        }
    })
}

/// The range without SP and HTAB at its ends.
pub(super) fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let inner = text.get(range.clone()).unwrap_or_default();
    let start = inner.iter().position(|byte| !is_blank(*byte)).unwrap_or(inner.len());
    let end = inner.iter().rposition(|byte| !is_blank(*byte)).map_or(start, |last| last + 1);
    range.start + start..range.start + end
}

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, pairs: impl Iterator<Item = Pair>) -> Vec<(String, String)> {
        pairs.map(|pair| (text[pair.name].to_owned(), text[pair.value].to_owned())).collect()
    }

    #[test]
    fn arguments_are_split_and_not_decoded() {
        for (text, expected) in [
            ("", &[][..]),
            ("&&", &[]),
            ("a", &[("a", "")]),
            ("a=", &[("a", "")]),
            ("=a", &[("", "a")]),
            ("=", &[("", "")]),
            ("a=b=c&a=%26+x&", &[("a", "b=c"), ("a", "%26+x")]),
        ] {
            let pairs = shown(text, arguments(text.as_bytes()));
            assert_eq!(
                pairs,
                expected.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn cookies_may_be_nameless() {
        let text = " a=b ;; c ; d=\"e=f\" ;";
        let expected = [("a", "b"), ("", "c"), ("d", "\"e=f\"")];
        let pairs = shown(text, cookies(text.as_bytes()));
        assert_eq!(pairs, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
    }

    #[test]
    fn what_is_beyond_the_limit_is_in_the_last_one() {
        let text = "a=1&".repeat(MAX_PAIRS + 7) + "id=attack";
        let pairs = shown(&text, arguments(text.as_bytes()));
        assert_eq!(pairs.len(), MAX_PAIRS);
        let (name, value) = &pairs[MAX_PAIRS - 1];
        assert_eq!(name, "a");
        assert!(value.starts_with("1&a=1&") && value.ends_with("&id=attack"), "{value}");
    }
}
