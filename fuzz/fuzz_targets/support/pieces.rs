//! A body that comes in pieces, and one that is longer than what a fuzzer writes.

use std::io::{self, Read};

/// Gives no more at once than each of `sizes` says, in turn and again: 1 byte up to 65,536.
pub struct Pieces<'b> {
    body: &'b [u8],
    sizes: &'b [u8],
    reads: usize,
}

impl<'b> Pieces<'b> {
    pub fn new(body: &'b [u8], sizes: &'b [u8]) -> Self {
        Self { body, sizes, reads: 0 }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.get(self.reads % self.sizes.len().max(1)).copied().unwrap_or(255);
        self.reads += 1;
        // Most are short, and some are many times a line's bounds within a body.
        let most = if size < 128 { usize::from(size) + 1 } else { (usize::from(size) - 127) * 512 };
        let (now, rest) = self.body.split_at(most.min(self.body.len()).min(into.len()));
        into[..now.len()].copy_from_slice(now);
        self.body = rest;
        Ok(now.len())
    }
}

/// The sizes of the pieces and the body: the first eight bytes, and the others.
///
/// In an input that begins with 0xff, bytes that UTF-8 never has stand for runs, two at most, so that a short
/// input passes a line's bounds. Others have none: they cost time.
pub fn parts(input: &[u8]) -> (&[u8], Vec<u8>) {
    let (sizes, input) = input.split_at(input.len().min(8));
    let mut body = Vec::with_capacity(input.len());
    let mut runs = if sizes.first() == Some(&0xff) { 2 } else { 0 };
    for byte in input {
        let run: Option<(u8, usize)> = match byte {
            0xf8 => Some((b' ', 250)),
            0xf9 => Some((b'x', 65_536)),
            0xfa => Some((b' ', 65_536)),
            0xfb => Some((b'x', 262_100)),
            0xfc => Some((b' ', 262_100)),
            0xfd => Some((b'\n', 1_000)),
            _ => None,
        };
        match run {
            Some((byte, count)) if runs > 0 => {
                body.resize(body.len() + count, byte);
                runs -= 1;
            }
            _ => body.push(*byte),
        }
    }
    (sizes, body)
}
