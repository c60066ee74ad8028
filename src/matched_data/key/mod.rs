//! Keys of matched data: whoever has the public one can seal, only the private one opens.

mod private;
mod public;

pub use self::private::PrivateKey;
pub(super) use self::private::{Secret, X25519Secret};
#[cfg(test)]
pub(super) use self::public::LOW_ORDER;
pub(super) use self::public::Public;
pub use self::public::PublicKey;

use std::fmt;

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::limits::{KEY_ID_BYTES, MAX_OPENER_KEYS};

const XWING_PRIVATE: &str = "xwing-private:";
const XWING_PUBLIC: &str = "xwing-public:";

/// The name of a key pair: the first 8 bytes of SHA-256 over the public key. Displays as hex.
///
/// A version 4 blob carries it, so that its reader finds the key without trying each.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; KEY_ID_BYTES]);

impl KeyId {
    /// A key id from its bytes, as a blob holds them.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; KEY_ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; KEY_ID_BYTES] {
        &self.0
    }

    /// Reads what [`Display`](fmt::Display) writes: 16 lowercase hexadecimal digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() != 2 * KEY_ID_BYTES || !text.bytes().all(is_hex) {
            return None;
        }
        u64::from_str_radix(text, 16).ok().map(|number| Self(number.to_be_bytes()))
    }

    fn of(public_key: &[u8]) -> Self {
        let mut id = [0; KEY_ID_BYTES];
        for (to, from) in id.iter_mut().zip(Sha256::digest(public_key)) {
            *to = from;
        }
        Self(id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A key that is not taken. Two lines: the fault, the way out. It never repeats the key's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not canonical base64 with padding.
    #[error(
        "the key is not base64 as it was written\ncopy it whole: 44 characters for an X25519 key; an X-Wing key begins with {XWING_PRIVATE} or {XWING_PUBLIC}"
    )]
    Encoding,
    /// The key has another length than its kind has.
    #[error("the key has {bytes} bytes, not {expected}\ncopy it whole")]
    Length {
        /// Its length.
        bytes: usize,
        /// The length of its kind.
        expected: usize,
    },
    /// A private key where a public one is asked for.
    #[error(
        "this is a private key, and a public one is needed\nkeep it to yourself: what others get is its public key, which begins with {XWING_PUBLIC}"
    )]
    PrivateGiven,
    /// A public key where a private one is asked for.
    #[error(
        "this is a public key, and a private one is needed\na public key can only seal: give the private key that was made with it, which begins with {XWING_PRIVATE}"
    )]
    PublicGiven,
    /// A public key in another spelling than its own.
    #[error(
        "the public key is not canonical\nno key generator writes such a key: ask its owner for it again"
    )]
    NotCanonical,
    /// A public key with which everybody would agree on the same secret.
    #[error(
        "the public key is of low order, so that anybody could open what it seals\nno key generator writes such a key: ask its owner for it again"
    )]
    LowOrder,
    /// A library refuses the key. No bytes of the right length get there.
    #[error("the key is refused\nreport it: no key should lead here")]
    Unusable,
    /// An opener without keys.
    #[error("there is no private key\ngive at least one")]
    NoKeys,
    /// More keys than an opener tries.
    #[error("there are more than {MAX_OPENER_KEYS} private keys\nleave out the oldest")]
    TooManyKeys,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes\ntry again once its random source is ready")]
    NoRandomness,
}

/// The bytes of a key's base64. What was read of a misspelt one is wiped, too.
fn decoded(base64: &str) -> Result<Zeroizing<Vec<u8>>, KeyError> {
    let mut bytes = Zeroizing::new(vec![0; base64.len()]);
    let len = Base64::decode(base64, &mut bytes).map_err(|_| KeyError::Encoding)?.len();
    bytes.truncate(len);
    Ok(bytes)
}

/// `text` without white space around it.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
