//! The one place where digests are made.

use std::fmt;

use hmac::Mac;

use crate::key::Key;

/// First line of what is digested. A signature base, a derived key and the WAF evidence have first
/// lines of their own under the same key, so that no digest is the MAC of one of them, or tells of it.
const FIRST_LINE: &str = "WAFPASS1-EXPLAIN";

/// Bytes of a digest: the first half of an HMAC-SHA256. Enough to tell 2^64 values apart.
const DIGEST_BYTES: usize = 16;

/// Bytes of the random text that makes the digests of two records differ.
#[cfg(feature = "layer")]
pub(crate) const SALT_BYTES: usize = 16;

/// 16 bytes as 32 digits of lower-case hex: a digest, or the salt of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hex16([u8; 16]);

impl Hex16 {
    /// Written, in digits.
    pub(super) const DIGITS: usize = 32;

    #[cfg(feature = "layer")]
    pub(crate) const fn new(bytes: [u8; SALT_BYTES]) -> Self {
        Self(bytes)
    }

    /// Reads lower-case hex; `None` for anything else.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let digits: &[u8; Self::DIGITS] = text.try_into().ok()?;
        let mut bytes = [0; 16];
        for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks().0) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }
}

fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

impl fmt::Display for Hex16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a digest is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label<'a> {
    /// The key id: tells whether both ends hold the same secret.
    Key,
    Method,
    Path,
    Query,
    /// The value of a covered field. The dot keeps a field named `path` apart from the path.
    Covered(&'a str),
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key => f.write_str("key"),
            Self::Method => f.write_str("method"),
            Self::Path => f.write_str("path"),
            Self::Query => f.write_str("query"),
            Self::Covered(name) => write!(f, "h.{name}"),
        }
    }
}

/// Makes the digests of one record.
#[derive(Clone, Copy)]
pub(crate) struct Digester<'a> {
    pub(crate) key: &'a Key,
    pub(crate) salt: Hex16,
    pub(crate) nonce: &'a str,
    /// `YYYYMMDDTHHMMSSZ`.
    pub(crate) date: &'a str,
}

impl Digester<'_> {
    /// The digest of `value` as the part `label` of the request.
    pub(crate) fn digest(&self, label: Label<'_>, value: &[u8]) -> Hex16 {
        let mac = self.key.keyed().chain_update(self.input(label, value)).finalize();
        let mut digest = [0; DIGEST_BYTES];
        digest.iter_mut().zip(mac.into_bytes()).for_each(|(byte, of_mac)| *byte = of_mac);
        Hex16(digest)
    }

    /// What is digested. No part before the value has a line feed, so that no two make one text.
    pub(super) fn input(&self, label: Label<'_>, value: &[u8]) -> Vec<u8> {
        let Self { salt, nonce, date, .. } = self;
        let mut input = format!("{FIRST_LINE}\n{salt}\n{nonce}\n{date}\n{label}\n").into_bytes();
        input.extend_from_slice(value);
        input
    }
}
