use std::fmt;

use super::limits::{X25519_PUBLIC_BYTES, XWING_PUBLIC_BYTES};

/// The kind of a key, and the HPKE suite that goes with it. KDF and AEAD are always HKDF-SHA256 and
/// ChaCha20-Poly1305.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Suite {
    /// DHKEM(X25519, HKDF-SHA256), `0x0020` (RFC 9180): what every version knows.
    X25519,
    /// MLKEM768-X25519, `0x647a` (X-Wing): holds against a quantum computer too. Version 4 only.
    XWing,
}

impl Suite {
    /// Every suite, by number.
    pub const ALL: &'static [Self] = &[Self::X25519, Self::XWing];

    /// The number in a version 4 blob.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::X25519 => 1,
            Self::XWing => 2,
        }
    }

    /// The suite of this number; `None` when there is none.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|suite| suite.number() == number)
    }

    /// Length of a public key.
    #[must_use]
    pub const fn public_key_bytes(self) -> usize {
        match self {
            Self::X25519 => X25519_PUBLIC_BYTES,
            Self::XWing => XWING_PUBLIC_BYTES,
        }
    }

    /// Length of the encapsulated key in a blob.
    #[must_use]
    pub const fn enc_bytes(self) -> usize {
        match self {
            Self::X25519 => 32,
            Self::XWing => 1_120,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::X25519 => "X25519",
            Self::XWing => "X-Wing",
        })
    }
}
