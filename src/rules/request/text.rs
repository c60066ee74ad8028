//! Bytes of the request as a field reads them: one description, from which come the value and its place.

use std::borrow::Cow;
use std::ops::Range;

use super::RequestView;
use super::place::{Part, Place, Stretch};

/// How bytes of the request are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// As they were sent.
    AsSent,
    /// In lower case (ASCII).
    Lower,
    /// Percent-decoded once; an escape that is none stays.
    Percent,
    /// Percent-decoded once, then in lower case.
    PercentLower,
    /// `\"` and `\\` are the second byte. Any other backslash stays: browsers once sent paths of Windows.
    Quoted,
}

/// Some bytes in a row, and what they are read as.
pub(super) struct Run {
    pub(super) raw: Range<usize>,
    /// The byte that they all make; `None`: themselves.
    pub(super) escaped: Option<u8>,
}

impl Reading {
    /// The bytes in runs, in order and without a gap.
    pub(super) fn runs(self, raw: &[u8]) -> impl Iterator<Item = Run> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = raw.get(at..).filter(|rest| !rest.is_empty())?;
            let plain = self.plain_len(rest);
            let (len, escaped) = match self.escape(rest.get(plain..).unwrap_or_default()) {
                Some((len, byte)) if plain == 0 => (len, Some(byte)),
                _ => (plain.max(1), None),
            };
            let start = at;
            at += len;
            Some(Run { raw: start..at, escaped })
        })
    }

    /// How many bytes stand before the next escape.
    fn plain_len(self, raw: &[u8]) -> usize {
        let mark = match self {
            Self::AsSent | Self::Lower => return raw.len(),
            Self::Percent | Self::PercentLower => b'%',
            Self::Quoted => b'\\',
        };
        memchr::memchr_iter(mark, raw)
            .find(|&at| raw.get(at..).is_some_and(|rest| self.escape(rest).is_some()))
            .unwrap_or(raw.len())
    }

    /// The escape that `raw` starts with: its length, and the byte that it stands for.
    fn escape(self, raw: &[u8]) -> Option<(usize, u8)> {
        match (self, raw) {
            (Self::Percent | Self::PercentLower, &[b'%', high, low, ..]) => {
                Some((3, hex(high)? << 4 | hex(low)?))
            }
            (Self::Quoted, &[b'\\', byte @ (b'"' | b'\\'), ..]) => Some((2, byte)),
            _ => None,
        }
    }

    fn read(self, raw: &[u8]) -> Cow<'_, [u8]> {
        let lower = matches!(self, Self::Lower | Self::PercentLower);
        let changes =
            self.plain_len(raw) < raw.len() || lower && raw.iter().any(u8::is_ascii_uppercase);
        if !changes {
            return Cow::Borrowed(raw);
        }
        let mut bytes = Vec::with_capacity(raw.len());
        for run in self.runs(raw) {
            match run.escaped {
                Some(byte) => bytes.push(byte),
                None => bytes.extend_from_slice(raw.get(run.raw).unwrap_or_default()),
            }
        }
        if lower {
            bytes.make_ascii_lowercase();
        }
        Cow::Owned(bytes)
    }
}

const fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// `raw`, percent-decoded once.
pub(crate) fn percent_decoded(raw: &[u8]) -> Cow<'_, [u8]> {
    Reading::Percent.read(raw)
}

/// Bytes of one part of the request, and how they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    part: Part,
    start: usize,
    end: usize,
    reading: Reading,
}

impl Chunk {
    pub(super) const fn new(part: Part, range: &Range<usize>) -> Self {
        Self { part, start: range.start, end: range.end, reading: Reading::AsSent }
    }

    #[must_use]
    pub(super) const fn read_as(self, reading: Reading) -> Self {
        Self { reading, ..self }
    }

    pub(super) fn raw<'r>(&self, view: &RequestView<'r>) -> &'r [u8] {
        view.part(self.part).get(self.start..self.end).unwrap_or_default()
    }

    pub(super) fn bytes<'r>(&self, view: &RequestView<'r>) -> Cow<'r, [u8]> {
        self.reading.read(self.raw(view))
    }

    fn add_to(&self, place: &mut Place, view: &RequestView<'_>) {
        for run in self.reading.runs(self.raw(view)) {
            let len = if run.escaped.is_some() { 1 } else { run.raw.len() };
            let range = self.start + run.raw.start..self.start + run.raw.end;
            place.push(len, Stretch { part: self.part, range });
        }
    }
}

/// The bytes of a value: of the request, or what stands between its bytes.
#[derive(Clone, Debug)]
pub(super) enum Text {
    /// Of one part.
    One(Chunk),
    /// Put together.
    Several(Vec<Piece>),
}

/// A piece of a text that was put together.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece {
    /// Of the request.
    Of(Chunk),
    /// Of the field's own form.
    Made(&'static str),
}

impl Text {
    /// Nothing.
    pub(super) const EMPTY: Self = Self::Several(Vec::new());

    pub(super) fn bytes<'r>(&self, view: &RequestView<'r>) -> Cow<'r, [u8]> {
        match self {
            Self::One(chunk) => chunk.bytes(view),
            Self::Several(pieces) => match pieces.as_slice() {
                [] => Cow::Borrowed(&[]),
                [Piece::Made(text)] => Cow::Borrowed(text.as_bytes()),
                [Piece::Of(chunk)] => chunk.bytes(view),
                pieces => {
                    let mut bytes = Vec::new();
                    for piece in pieces {
                        match piece {
                            Piece::Of(chunk) => bytes.extend_from_slice(&chunk.bytes(view)),
                            Piece::Made(text) => bytes.extend_from_slice(text.as_bytes()),
                        }
                    }
                    Cow::Owned(bytes)
                }
            },
        }
    }

    pub(super) fn place(&self, view: &RequestView<'_>) -> Place {
        let mut place = Place::default();
        match self {
            Self::One(chunk) => chunk.add_to(&mut place, view),
            Self::Several(pieces) => {
                for piece in pieces {
                    match piece {
                        Piece::Of(chunk) => chunk.add_to(&mut place, view),
                        Piece::Made(text) => place.skip(text.len()),
                    }
                }
            }
        }
        place
    }
}

impl From<Chunk> for Text {
    fn from(chunk: Chunk) -> Self {
        Self::One(chunk)
    }
}
