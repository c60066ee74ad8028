//! `url_decode(s, options)`.

use std::borrow::Cow;
use std::ops::Range;

use super::written::{Pieces, Written, same};

/// What `url_decode` is asked to do besides `%HH` and `+`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::rules) struct UrlOptions {
    /// `r`: what decoding gives is decoded again, until nothing is left to decode.
    pub(in crate::rules) recursive: bool,
    /// `u`: `%uXXXX` is a character, in UTF-8.
    pub(in crate::rules) unicode: bool,
}

impl UrlOptions {
    /// Reads the option string; `None` where it has another letter.
    pub(in crate::rules) fn parse(options: &[u8]) -> Option<Self> {
        let mut parsed = Self::default();
        for option in options {
            match option {
                b'r' => parsed.recursive = true,
                b'u' => parsed.unicode = true,
                _ => return None,
            }
        }
        Some(parsed)
    }
}

/// `url_decode(s, options)`: `%HH` is a byte, `+` a space. What is no escape stays as it is.
pub(in crate::rules) fn url_decode<'v, P: Pieces>(
    value: Cow<'v, [u8]>,
    options: UrlOptions,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    if memchr::memchr2(b'%', b'+', &value).is_none() {
        return same(value, pieces);
    }
    if options.recursive {
        to_the_end(&value, options, pieces)
    } else {
        once(&value, options, pieces)
    }
}

fn once<'v, P: Pieces>(value: &[u8], options: UrlOptions, pieces: &mut P) -> Cow<'v, [u8]> {
    let mut written = Written::new(pieces, value.len());
    written.reserve(value.len());
    let mut at = 0;
    while let Some(rest) = value.get(at..).filter(|rest| !rest.is_empty()) {
        let plain = memchr::memchr2(b'%', b'+', rest).unwrap_or(rest.len());
        written.copy(0, value, at..at + plain);
        at += plain;
        let rest = rest.get(plain..).unwrap_or_default();
        match escape_at(rest, options) {
            Some((character, length)) => {
                written.made_of(0, at..at + length, character.as_bytes());
                at += length;
            }
            None => {
                let one = rest.len().min(1);
                written.copy(0, value, at..at + one);
                at += one;
            }
        }
    }
    written.finish()
}

/// What an escape stands for: a byte, or a character in UTF-8.
struct Decoded {
    bytes: [u8; 4],
    length: usize,
}

impl Decoded {
    fn byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], length: 1 }
    }

    fn character(character: char) -> Self {
        let mut bytes = [0; 4];
        let length = character.encode_utf8(&mut bytes).len();
        Self { bytes, length }
    }

    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// The escape that `rest` begins with, and its length.
fn escape_at(rest: &[u8], options: UrlOptions) -> Option<(Decoded, usize)> {
    match rest {
        [b'+', ..] => Some((Decoded::byte(b' '), 1)),
        [b'%', b'u' | b'U', a, b, c, d, ..] if options.unicode => {
            let code = (u32::from(hex(*a)?) << 12)
                | (u32::from(hex(*b)?) << 8)
                | (u32::from(hex(*c)?) << 4)
                | u32::from(hex(*d)?);
            Some((Decoded::character(char::from_u32(code)?), 6))
        }
        [b'%', high, low, ..] => Some((Decoded::byte((hex(*high)? << 4) | hex(*low)?), 3)),
        _ => None,
    }
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Escapes do not overlap, so the order in which they are decoded does not matter: a stack whose top is
/// decoded as soon as it is an escape gives in one pass what passes over the whole would, however many
/// layers there are.
fn to_the_end<'v, P: Pieces>(value: &[u8], options: UrlOptions, pieces: &mut P) -> Cow<'v, [u8]> {
    let mut stack = Stack { bytes: Vec::with_capacity(value.len()), from: Vec::new() };
    for (offset, byte) in value.iter().enumerate() {
        stack.push(*byte, offset..offset + 1);
        while let Some((decoded, length)) = stack.escape(options) {
            stack.replace(&decoded, length);
        }
    }
    stack.write(value, pieces)
}

struct Stack {
    bytes: Vec<u8>,
    /// Of each byte, the bytes of the argument that it was made of.
    from: Vec<Range<usize>>,
}

impl Stack {
    fn push(&mut self, byte: u8, from: Range<usize>) {
        self.bytes.push(byte);
        self.from.push(from);
    }

    /// The escape that the stack ends in, and its length.
    fn escape(&self, options: UrlOptions) -> Option<(Decoded, usize)> {
        let ends_in = |length: usize| {
            let tail = self.bytes.get(self.bytes.len().checked_sub(length)?..)?;
            escape_at(tail, options).filter(|(_, used)| *used == length)
        };
        ends_in(1).or_else(|| ends_in(3)).or_else(|| ends_in(6))
    }

    fn replace(&mut self, decoded: &Decoded, length: usize) {
        let start = self.bytes.len().saturating_sub(length);
        let first = self.from.get(start).map_or(0, |from| from.start);
        let last = self.from.last().map_or(0, |from| from.end);
        self.bytes.truncate(start);
        self.from.truncate(start);
        for byte in decoded.as_bytes() {
            self.push(*byte, first..last);
        }
    }

    fn write<'v, P: Pieces>(self, value: &[u8], pieces: &mut P) -> Cow<'v, [u8]> {
        let mut written = Written::new(pieces, self.bytes.len());
        written.reserve(self.bytes.len());
        for (byte, from) in self.bytes.iter().zip(self.from) {
            if from.len() == 1 && value.get(from.start) == Some(byte) {
                written.copy(0, value, from);
            } else {
                written.made_of(0, from, std::slice::from_ref(byte));
            }
        }
        written.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(value: &str, options: &str) -> Vec<u8> {
        let options = UrlOptions::parse(options.as_bytes()).unwrap();
        url_decode(Cow::Borrowed(value.as_bytes()), options, &mut ()).into_owned()
    }

    #[test]
    fn as_documented() {
        for (value, options, expected) in [
            ("John%20Doe", "", &b"John Doe"[..]),
            ("John+Doe", "", b"John Doe"),
            ("%2520", "", b"%20"),
            ("%2520", "r", b" "),
            ("%E4%BD", "", b"\xe4\xbd"),
            ("%u2601", "u", b"\xe2\x98\x81"),
            ("%u2601", "", b"%u2601"),
            ("%25u2601", "ur", b"\xe2\x98\x81"),
            ("%uD83D", "u", b"%uD83D"),
            ("%u00e", "u", b"%u00e"),
            ("%", "", b"%"),
            ("%4", "", b"%4"),
            ("%+1", "", b"% 1"),
            ("%%41", "", b"%A"),
            ("%%32%35", "r", b"%"),
            ("%2B", "", b"+"),
            ("%2B", "r", b" "),
            ("%252525252525252525252525252541", "r", b"A"),
        ] {
            assert_eq!(decode(value, options), expected, "{value} {options}");
        }
        assert_eq!(UrlOptions::parse(b"x"), None);
    }

    #[test]
    fn what_is_not_escaped_is_borrowed() {
        let value = Cow::Borrowed(&b"/plain/path"[..]);
        assert!(matches!(url_decode(value, UrlOptions::default(), &mut ()), Cow::Borrowed(_)));
    }

    #[test]
    fn many_layers_take_linear_time() {
        let layers = format!("%{}41", "25".repeat(500_000));
        assert_eq!(decode(&layers, "r"), b"A");
    }

    proptest! {
        #[test]
        fn the_stack_gives_what_passes_give(value in "[%u+0-9a-fA-F25]{0,40}", unicode: bool) {
            let options = UrlOptions { recursive: false, unicode };
            let mut passes = value.clone().into_bytes();
            loop {
                let next = url_decode(Cow::Borrowed(&passes), options, &mut ()).into_owned();
                if next == passes {
                    break;
                }
                passes = next;
            }
            let recursive = UrlOptions { recursive: true, unicode };
            let stack = url_decode(Cow::Owned(value.into_bytes()), recursive, &mut ());
            prop_assert_eq!(stack.into_owned(), passes);
        }
    }
}
