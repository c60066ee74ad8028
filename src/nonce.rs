//! The nonce of a signature.

use std::fmt;
use std::str;

use crate::limits::{MAX_NONCE_BYTES, MIN_NONCE_BYTES};

/// What makes a signature unique: 16 to 128 of `A-Z a-z 0-9 - _ . =` (edge signature §1).
///
/// In CloudFront it is the request id, as in its logs. It goes into a log line as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce {
    bytes: [u8; MAX_NONCE_BYTES],
    len: u8,
}

impl Nonce {
    /// A nonce from the bytes of a message; `None` when they depart from the grammar.
    #[must_use]
    pub fn from_bytes(text: &[u8]) -> Option<Self> {
        if !is_nonce(text) {
            return None;
        }
        let mut bytes = [0; MAX_NONCE_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { bytes, len: u8::try_from(text.len()).ok()? })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.bytes.get(..usize::from(self.len)).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether `text` is a nonce: `16*128( ALPHA / DIGIT / "-" / "_" / "." / "=" )`.
pub(crate) fn is_nonce(text: &[u8]) -> bool {
    (MIN_NONCE_BYTES..=MAX_NONCE_BYTES).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_follows_the_grammar() {
        for good in ["0123456789abcdef", "U7b4hR_RaxM.-==0123", &"n".repeat(128)] {
            assert_eq!(Nonce::from_bytes(good.as_bytes()).unwrap().as_str(), good);
        }
        for bad in ["", "0123456789abcde", "0123456789abcde;", "0123456789abcde\n", &"n".repeat(129)] {
            assert!(Nonce::from_bytes(bad.as_bytes()).is_none(), "{bad:?}");
        }
    }
}
