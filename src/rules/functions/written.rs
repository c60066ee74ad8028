//! What a function gives, written together with where each byte of it comes from, so that the two
//! cannot drift apart.

use std::borrow::Cow;
use std::ops::Range;

/// Keeps where the bytes of a result come from, or does not.
pub(in crate::rules) trait Pieces: Default {
    /// The next `bytes` of the result come from these bytes of an argument.
    fn next(&mut self, bytes: usize, argument: usize, from: Range<usize>, how: How);
    /// The next `bytes` of the result come from the rule itself.
    fn own(&mut self, bytes: usize);
}

/// How bytes of a result go back to bytes of an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum How {
    /// One for one, in order.
    Aligned,
    /// Each may hold something of all of them.
    Coarse,
}

/// Nobody asks.
impl Pieces for () {
    #[inline(always)]
    fn next(&mut self, _bytes: usize, _argument: usize, _from: Range<usize>, _how: How) {}
    #[inline(always)]
    fn own(&mut self, _bytes: usize) {}
}

/// Bytes of a result that come from an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::rules) struct Local {
    pub(in crate::rules) value: Range<usize>,
    pub(in crate::rules) argument: usize,
    pub(in crate::rules) from: Range<usize>,
    pub(in crate::rules) how: How,
}

/// The pieces of one result, in order.
#[derive(Clone, Debug, Default)]
pub(in crate::rules) struct Kept {
    pub(in crate::rules) pieces: Vec<Local>,
    written: usize,
}

impl Pieces for Kept {
    fn next(&mut self, bytes: usize, argument: usize, from: Range<usize>, how: How) {
        let value = self.written..self.written + bytes;
        self.written = value.end;
        match self.pieces.last_mut() {
            // Runs stay one piece.
            Some(last)
                if how == How::Aligned
                    && last.how == How::Aligned
                    && last.argument == argument
                    && last.value.end == value.start
                    && last.from.end == from.start =>
            {
                last.value.end = value.end;
                last.from.end = from.end;
            }
            _ if bytes > 0 => self.pieces.push(Local { value, argument, from, how }),
            _ => {}
        }
    }

    fn own(&mut self, bytes: usize) {
        self.written += bytes;
    }
}

/// A result that is being written, up to a number of bytes.
pub(super) struct Written<'p, P> {
    bytes: Vec<u8>,
    pieces: &'p mut P,
    most: usize,
}

impl<'p, P: Pieces> Written<'p, P> {
    /// Nothing yet; `most` bytes at most: what is more is cut.
    pub(super) fn new(pieces: &'p mut P, most: usize) -> Self {
        Self { bytes: Vec::new(), pieces, most }
    }

    /// Room for a result of about this length.
    pub(super) fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes.min(self.most));
    }

    /// These bytes of an argument, as they are.
    pub(super) fn copy(&mut self, argument: usize, source: &[u8], from: Range<usize>) {
        let end = from.end.min(from.start.saturating_add(self.room()));
        let Some(copied) = source.get(from.start..end) else { return };
        self.bytes.extend_from_slice(copied);
        self.pieces.next(copied.len(), argument, from.start..end, How::Aligned);
    }

    /// Bytes that were made of these bytes of an argument.
    pub(super) fn made_of(&mut self, argument: usize, from: Range<usize>, bytes: &[u8]) {
        let bytes = bytes.get(..self.room()).unwrap_or(bytes);
        self.bytes.extend_from_slice(bytes);
        self.pieces.next(bytes.len(), argument, from, How::Coarse);
    }

    /// Bytes of the rule.
    pub(super) fn own(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(..self.room()).unwrap_or(bytes);
        self.bytes.extend_from_slice(bytes);
        self.pieces.own(bytes.len());
    }

    /// The result.
    pub(super) fn finish<'v>(self) -> Cow<'v, [u8]> {
        Cow::Owned(self.bytes)
    }

    fn room(&self) -> usize {
        self.most.saturating_sub(self.bytes.len())
    }
}

/// A result that is its argument, byte for byte.
pub(super) fn same<'v, P: Pieces>(value: Cow<'v, [u8]>, pieces: &mut P) -> Cow<'v, [u8]> {
    pieces.next(value.len(), 0, 0..value.len(), How::Aligned);
    value
}

/// Part of an argument.
pub(super) fn part<'v, P: Pieces>(
    value: Cow<'v, [u8]>,
    range: Range<usize>,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    pieces.next(range.len(), 0, range.clone(), How::Aligned);
    match value {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(range).unwrap_or_default()),
        Cow::Owned(mut bytes) => {
            bytes.truncate(range.end);
            bytes.drain(..range.start.min(bytes.len()));
            Cow::Owned(bytes)
        }
    }
}

/// A result of `bytes` bytes that all of an argument went into.
pub(super) fn all_of<P: Pieces>(argument: usize, length: usize, bytes: usize, pieces: &mut P) {
    pieces.next(bytes, argument, 0..length, How::Coarse);
}
