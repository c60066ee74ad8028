//! The bytes that are written of a value: what matched, and a little around it, in whole characters.

use std::ops::Range;

use super::super::limits::{MAX_CONTENT_BYTES, MAX_CONTEXT_BYTES};

/// What matched, cut where it is too long.
pub(super) fn content<'t>(text: &'t [u8], span: &Range<usize>) -> &'t [u8] {
    let content = text.get(span.clone()).unwrap_or_default();
    match content.get(..MAX_CONTENT_BYTES) {
        Some(cut) if cut.len() < content.len() => without_incomplete(cut),
        _ => content,
    }
}

/// The bytes before `start`: from the first one that does not continue a character, and behind whatever is
/// not logged.
pub(super) fn before<'t>(text: &'t [u8], start: usize, not_logged: &[Range<usize>]) -> &'t [u8] {
    let first = start.saturating_sub(MAX_CONTEXT_BYTES);
    let behind =
        not_logged.iter().filter(|range| range.start < start).map(|range| range.end.min(start));
    let first = behind.max().unwrap_or(first).max(first);
    let window = text.get(first..start).unwrap_or_default();
    let skipped = window.iter().take_while(|byte| **byte & 0b1100_0000 == 0b1000_0000).count();
    window.get(skipped..).unwrap_or_default()
}

/// The bytes after `end`: without a character that is incomplete, and up to whatever is not logged.
pub(super) fn after<'t>(text: &'t [u8], end: usize, not_logged: &[Range<usize>]) -> &'t [u8] {
    let last = end.saturating_add(MAX_CONTEXT_BYTES).min(text.len());
    let ahead = not_logged.iter().filter(|range| range.end > end).map(|range| range.start.max(end));
    let last = ahead.min().unwrap_or(last).min(last);
    without_incomplete(text.get(end..last).unwrap_or_default())
}

/// The bytes without a character at their end of which more would have to follow.
fn without_incomplete(bytes: &[u8]) -> &[u8] {
    let tail = bytes.utf8_chunks().last().map_or(&[][..], |chunk| chunk.invalid());
    let is_incomplete = str::from_utf8(tail).is_err_and(|error| error.error_len().is_none());
    let kept = if is_incomplete { bytes.len() - tail.len() } else { bytes.len() };
    bytes.get(..kept).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_is_of_whole_characters() {
        let text = "äöü€ñ0123456789äöü€ñ".as_bytes(); // 2 2 2 3 2, ten digits, 2 2 2 3 2
        assert_eq!(text.len(), 32);
        assert_eq!(str::from_utf8(before(text, 21, &[])).unwrap(), "€ñ0123456789");
        assert_eq!(str::from_utf8(before(text, 4, &[])).unwrap(), "äö");
        assert_eq!(str::from_utf8(after(text, 15, &[])).unwrap(), "456789äöü€");
        assert_eq!(str::from_utf8(after(text, 14, &[])).unwrap(), "3456789äöü");
        assert_eq!(before(b"\x80\x80a", 2, &[]), b"");
        assert_eq!(after(b"ab\xe2\x82", 1, &[]), b"b");
        assert_eq!(after(b"ab\xff", 1, &[]), b"b\xff");
        assert_eq!(after(b"a\xe2\x82b", 1, &[]), b"\xe2\x82b");
    }

    #[test]
    fn context_ends_where_something_is_not_logged() {
        let text = b"user=me&password=hunter2&x=1";
        let secret = std::slice::from_ref(&(17..24));
        assert_eq!(before(text, 25, secret), b"&");
        assert_eq!(before(text, 24, secret), b"");
        assert_eq!(before(text, 20, secret), b"");
        assert_eq!(before(text, 17, secret), b"er=me&password=");
        assert_eq!(after(text, 17, secret), b"");
        assert_eq!(after(text, 20, secret), b"");
        assert_eq!(after(text, 8, secret), b"password=");
        assert_eq!(after(text, 24, secret), b"&x=1");
    }

    #[test]
    fn long_contents_are_cut() {
        let text = [vec![b'a'; 1_023], "€b".into()].concat();
        assert_eq!(content(&text, &(0..text.len())), vec![b'a'; 1_023]);
        assert_eq!(content(&text, &(1..text.len())).len(), 1_022);
        assert_eq!(content(&text, &(4..text.len())).len(), 1_023);
    }
}
