//! Where a JSON value ends, found piece by piece without reading it.

use memchr::memchr2;

/// A scan of one value, which may be fed in pieces.
///
/// It follows strings and brackets only: whether the value is JSON is for its reader to say. What it finds
/// to be one value, a reader that accepts it finds as well.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Scan {
    depth: u32,
    in_string: bool,
    is_escaped: bool,
    /// Bytes that were looked at.
    seen: usize,
}

impl Scan {
    /// How many bytes the value at the start of `text` has, once its end is in it. `text` begins with the
    /// value's first byte, an opening bracket, and has grown at its end only since the last call.
    pub(super) fn end(&mut self, text: &[u8]) -> Option<usize> {
        while let Some(rest) = text.get(self.seen..).filter(|rest| !rest.is_empty()) {
            if self.is_escaped {
                (self.is_escaped, self.seen) = (false, self.seen + 1);
            } else if self.in_string {
                let Some(at) = memchr2(b'"', b'\\', rest) else {
                    self.seen = text.len();
                    return None;
                };
                match rest.get(at) {
                    Some(b'\\') => self.is_escaped = true,
                    _ => self.in_string = false,
                }
                self.seen += at + 1;
            } else {
                let Some(at) =
                    rest.iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))
                else {
                    self.seen = text.len();
                    return None;
                };
                self.seen += at + 1;
                match rest.get(at) {
                    Some(b'"') => self.in_string = true,
                    Some(b'{' | b'[') => self.depth = self.depth.saturating_add(1),
                    _ => self.depth = self.depth.saturating_sub(1),
                }
                if self.depth == 0 && !self.in_string {
                    return Some(self.seen);
                }
            }
        }
        None
    }

    /// Goes on behind bytes that were looked at and are thrown away.
    pub(super) const fn forget(&mut self) {
        self.seen = 0;
    }
}

/// The objects that stand in a text side by side, whatever stands between them.
pub(super) fn objects(mut text: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let start = memchr::memchr(b'{', text)?;
        let from = text.get(start..)?;
        let end = Scan::default().end(from);
        let (object, rest) = from.split_at_checked(end.unwrap_or(from.len()))?;
        text = rest;
        Some(object)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_found_in_any_pieces() {
        let text = br#"{"a":"}\"]","b":[{},"\\"]} tail"#;
        for first in 0..text.len() {
            let mut scan = Scan::default();
            let end = scan.end(&text[..first]).or_else(|| scan.end(text));
            assert_eq!(end, Some(text.len() - 5), "{first}");
        }
        assert_eq!(Scan::default().end(br#"{"a":["#), None);
    }

    #[test]
    fn objects_are_found_between_anything() {
        let found: Vec<&[u8]> = objects(br#"LOG {"a":1}, {"b":"}"} ; {"c""#).collect();
        assert_eq!(found, [br#"{"a":1}"#.as_slice(), br#"{"b":"}"}"#, br#"{"c""#]);
        assert_eq!(objects(b"],").count(), 0);
    }
}
