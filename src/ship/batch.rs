//! Events that go together: one request, one file.

use std::fmt;
use std::io::Write;
use std::time::Instant;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

const KEY_BYTES: usize = 16;

/// What the collector tells batches apart by, so that one which is sent again counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchKey([u8; KEY_BYTES]);

impl BatchKey {
    /// Random. Without randomness, what the body hashes to: sealed bytes are random themselves.
    fn of(body: &[u8]) -> Self {
        let mut key = [0; KEY_BYTES];
        if getrandom::fill(&mut key).is_err() {
            let digest: [u8; 32] = Sha256::digest(body).into();
            let (first, _) = digest.split_at(KEY_BYTES);
            key.copy_from_slice(first);
        }
        Self(key)
    }

    /// Reads what [`Display`](fmt::Display) writes.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 2 * KEY_BYTES || !text.bytes().all(is_hex) {
            return None;
        }
        u128::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for BatchKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A batch, packed.
#[derive(Clone)]
pub(super) struct Batch {
    /// Its place in the order.
    pub(super) number: u64,
    pub(super) key: BatchKey,
    pub(super) events: u32,
    /// NDJSON in gzip.
    pub(super) body: Bytes,
}

/// A batch that is being filled.
pub(super) struct Filling {
    encoder: GzEncoder<Vec<u8>>,
    pub(super) events: u32,
    pub(super) bytes: usize,
    /// When its first event came.
    pub(super) since: Instant,
}

impl Filling {
    pub(super) fn begin(now: Instant) -> Self {
        // Sealed bytes in base64 give back the quarter that base64 took, at any level.
        let encoder = GzEncoder::new(Vec::new(), Compression::fast());
        Self { encoder, events: 0, bytes: 0, since: now }
    }

    /// Adds a line.
    pub(super) fn add(&mut self, line: &[u8]) {
        // Writing to a `Vec` does not fail.
        let _ = self.encoder.write_all(line).and_then(|()| self.encoder.write_all(b"\n"));
        self.events = self.events.saturating_add(1);
        self.bytes = self.bytes.saturating_add(line.len()).saturating_add(1);
    }

    pub(super) fn finish(self, number: u64) -> Batch {
        let body = Bytes::from(self.encoder.finish().unwrap_or_default());
        Batch { number, key: BatchKey::of(&body), events: self.events, body }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = BatchKey::of(b"");
        assert_eq!(BatchKey::parse(&key.to_string()), Some(key));
        assert_ne!(BatchKey::of(b""), key);
        let zero = BatchKey([0; KEY_BYTES]);
        assert_eq!(zero.to_string(), "0".repeat(32));
        let upper = "A".repeat(32);
        for bad in
            ["", "0", &"0".repeat(31), &"0".repeat(33), &upper, &format!("+{}", "0".repeat(31))]
        {
            assert_eq!(BatchKey::parse(bad), None, "{bad}");
        }
    }
}
