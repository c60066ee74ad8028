use std::fmt;

use base64ct::{Base64, Encoding};
use hpke::Deserializable;

use super::super::Suite;
use super::super::kem::{PublicOf, X25519, XWing};
use super::super::limits::X25519_PUBLIC_BYTES;
use super::{KeyError, KeyId, XWING_PRIVATE, XWING_PUBLIC, decoded, trimmed};

/// A public key of either kind: whoever has it can seal.
///
/// It is checked when it is read, so that nothing is ever sealed in vain: the length, that it is spelled
/// as it has to be, that it is not of low order.
///
/// ```
/// use wafpass::matched_data::{KeyError, PublicKey, Suite};
///
/// let key = PublicKey::from_text("Ycig/Zr/pZmklmFUN99nr+taURlYItL91g+NcHGYpB8=")?;
/// assert_eq!((key.suite(), key.key_id().to_string().as_str()), (Suite::X25519, "064f06a26eebac4c"));
///
/// let low_order = PublicKey::from_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
/// assert_eq!(low_order.unwrap_err(), KeyError::LowOrder);
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Clone)]
pub struct PublicKey {
    bytes: Box<[u8]>,
    id: KeyId,
    parsed: Public,
}

/// The key as the `hpke` crate takes it: parsed once, since an X-Wing key is 1,216 bytes to check and expand.
#[derive(Clone)]
pub(in super::super) enum Public {
    X25519(PublicOf<X25519>),
    XWing(Box<PublicOf<XWing>>),
}

impl PublicKey {
    /// A public key from its text: 44 characters of base64 for X25519, or `xwing-public:` and base64.
    /// White space around it is ignored.
    ///
    /// # Errors
    ///
    /// [`KeyError`]; a private X-Wing key is named as such. An X25519 key has nothing in its text that
    /// would tell a private one from a public one.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = trimmed(text);
        if text.starts_with(XWING_PRIVATE) {
            return Err(KeyError::PrivateGiven);
        }
        match text.strip_prefix(XWING_PUBLIC) {
            Some(base64) => Self::from_bytes(Suite::XWing, &decoded(base64)?),
            None => Self::from_bytes(Suite::X25519, &decoded(text)?),
        }
    }

    /// A public key from its bytes.
    ///
    /// # Errors
    ///
    /// [`KeyError::Length`], [`KeyError::NotCanonical`] and [`KeyError::LowOrder`].
    pub fn from_bytes(suite: Suite, bytes: &[u8]) -> Result<Self, KeyError> {
        let expected = suite.public_key_bytes();
        // Of an X-Wing key, the X25519 part is the last.
        let curve = match bytes.last_chunk::<X25519_PUBLIC_BYTES>() {
            Some(curve) if bytes.len() == expected => curve,
            _ => return Err(KeyError::Length { bytes: bytes.len(), expected }),
        };
        if !is_canonical(curve) {
            return Err(KeyError::NotCanonical);
        }
        if LOW_ORDER.contains(curve) {
            return Err(KeyError::LowOrder);
        }
        // For the part of ML-KEM: every coefficient is below its modulus.
        let parsed = match suite {
            Suite::X25519 => PublicOf::<X25519>::from_bytes(bytes).map(Public::X25519),
            Suite::XWing => {
                PublicOf::<XWing>::from_bytes(bytes).map(|key| Public::XWing(Box::new(key)))
            }
        };
        let parsed = parsed.map_err(|_| KeyError::NotCanonical)?;
        Ok(Self { bytes: bytes.into(), id: KeyId::of(bytes), parsed })
    }

    /// The text that [`from_text`](Self::from_text) reads.
    #[must_use]
    pub fn to_text(&self) -> String {
        let base64 = Base64::encode_string(&self.bytes);
        match self.suite() {
            Suite::X25519 => base64,
            Suite::XWing => [XWING_PUBLIC, &base64].concat(),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The kind.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        match self.parsed {
            Public::X25519(_) => Suite::X25519,
            Public::XWing(_) => Suite::XWing,
        }
    }

    /// The name of the key pair.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.id
    }

    pub(in super::super) const fn parsed(&self) -> &Public {
        &self.parsed
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("suite", &self.suite())
            .field("key_id", &self.id)
            .finish_non_exhaustive()
    }
}

/// The five canonical points of low order, little-endian (RFC 7748 §6.1): 0, 1, the two of order 8,
/// and p - 1.
pub(in super::super) const LOW_ORDER: [[u8; X25519_PUBLIC_BYTES]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
];

/// Whether the number is below p = 2^255 - 19, the unused bit included: one key, one spelling, one
/// key id.
fn is_canonical(curve: &[u8; X25519_PUBLIC_BYTES]) -> bool {
    let [first, middle @ .., last] = curve;
    match last {
        ..0x7f => true,
        0x7f => *first < 0xed || middle.iter().any(|&byte| byte != 0xff),
        _ => false,
    }
}
