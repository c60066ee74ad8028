use std::fmt;

use base64ct::{Base64, Encoding};
use hpke::{Deserializable, Kem, Serializable};
use zeroize::Zeroizing;

use super::super::Suite;
use super::super::kem::{PrivateOf, X25519, XWing};
use super::super::limits::PRIVATE_KEY_BYTES;
use super::{KeyError, KeyId, PublicKey, XWING_PRIVATE, XWING_PUBLIC, decoded, trimmed};

/// A private key of either kind: it alone opens. Wiped from memory on drop.
///
/// The public key is computed once, from the bytes as they were given.
///
/// ```
/// use wafpass::matched_data::{KeyError, PrivateKey};
///
/// let key = PrivateKey::from_text("uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=")?;
/// assert_eq!(key.public_key().to_text(), "Ycig/Zr/pZmklmFUN99nr+taURlYItL91g+NcHGYpB8=");
///
/// let cut = PrivateKey::from_text("uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/A==");
/// assert_eq!(cut.unwrap_err(), KeyError::Length { bytes: 31, expected: 32 });
/// # Ok::<(), KeyError>(())
/// ```
pub struct PrivateKey {
    bytes: Zeroizing<[u8; PRIVATE_KEY_BYTES]>,
    public: PublicKey,
    secret: Secret,
}

/// The key as the libraries take it.
pub(in super::super) enum Secret {
    X25519(Box<X25519Secret>),
    XWing(Box<PrivateOf<XWing>>),
}

pub(in super::super) struct X25519Secret {
    pub(in super::super) hpke: PrivateOf<X25519>,
    pub(in super::super) dalek: x25519_dalek::StaticSecret,
    #[cfg(feature = "archive")]
    pub(in super::super) aws_lc: aws_lc_rs::agreement::PrivateKey,
}

impl PrivateKey {
    /// A private key from its text: the base64 of 32 bytes for X25519, or `xwing-private:` and the
    /// base64 of the 32-byte seed. White space around it is ignored.
    ///
    /// # Errors
    ///
    /// [`KeyError`]; a public X-Wing key is named as such.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let text = trimmed(text);
        if text.starts_with(XWING_PUBLIC) {
            return Err(KeyError::PublicGiven);
        }
        let (suite, base64) = match text.strip_prefix(XWING_PRIVATE) {
            Some(base64) => (Suite::XWing, base64),
            None => (Suite::X25519, text),
        };
        let bytes = decoded(base64)?;
        match <&[u8; PRIVATE_KEY_BYTES]>::try_from(bytes.as_slice()) {
            Ok(bytes) => Self::from_bytes(suite, bytes),
            Err(_) => Err(KeyError::Length { bytes: bytes.len(), expected: PRIVATE_KEY_BYTES }),
        }
    }

    /// A private key from its bytes: an X25519 key, clamped or not, or an X-Wing seed.
    ///
    /// # Errors
    ///
    /// [`KeyError::Unusable`] when a library refuses 32 bytes, which none does.
    pub fn from_bytes(suite: Suite, bytes: &[u8; PRIVATE_KEY_BYTES]) -> Result<Self, KeyError> {
        let (secret, public) = match suite {
            Suite::X25519 => x25519(bytes)?,
            Suite::XWing => xwing(bytes)?,
        };
        let public = PublicKey::from_bytes(suite, &public)?;
        Ok(Self { bytes: Zeroizing::new(*bytes), public, secret })
    }

    /// A new key from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`KeyError::NoRandomness`] when the operating system has none to give.
    #[cfg(feature = "random")]
    pub fn generate(suite: Suite) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; PRIVATE_KEY_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(|_| KeyError::NoRandomness)?;
        if suite == Suite::X25519 {
            clamp(&mut bytes);
        }
        Self::from_bytes(suite, &bytes)
    }

    /// The text that [`from_text`](Self::from_text) reads, of the bytes as they were given. Wiped from
    /// memory on drop.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let base64 = Zeroizing::new(Base64::encode_string(self.bytes.as_slice()));
        match self.suite() {
            Suite::X25519 => base64,
            Suite::XWing => Zeroizing::new([XWING_PRIVATE, &base64].concat()),
        }
    }

    /// The public key: what sealers get.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The kind.
    #[must_use]
    pub const fn suite(&self) -> Suite {
        self.public.suite()
    }

    /// The name of the key pair.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.public.key_id()
    }

    pub(in super::super) const fn secret(&self) -> &Secret {
        &self.secret
    }
}

impl fmt::Debug for PrivateKey {
    /// The kind and the key id; never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrivateKey")
            .field("suite", &self.suite())
            .field("key_id", &self.key_id())
            .finish_non_exhaustive()
    }
}

/// A key for each library, and the public key.
type Parts = (Secret, Vec<u8>);

fn x25519(bytes: &[u8; PRIVATE_KEY_BYTES]) -> Result<Parts, KeyError> {
    let hpke = PrivateOf::<X25519>::from_bytes(bytes).map_err(|_| KeyError::Unusable)?;
    let public = X25519::sk_to_pk(&hpke).to_bytes().to_vec();
    let secret = X25519Secret {
        hpke,
        dalek: (*bytes).into(),
        #[cfg(feature = "archive")]
        aws_lc: aws_lc_rs::agreement::PrivateKey::from_private_key(
            &aws_lc_rs::agreement::X25519,
            bytes,
        )
        .map_err(|_| KeyError::Unusable)?,
    };
    Ok((Secret::X25519(Box::new(secret)), public))
}

fn xwing(seed: &[u8; PRIVATE_KEY_BYTES]) -> Result<Parts, KeyError> {
    let hpke = PrivateOf::<XWing>::from_bytes(seed).map_err(|_| KeyError::Unusable)?;
    let public = XWing::sk_to_pk(&hpke).to_bytes().to_vec();
    Ok((Secret::XWing(Box::new(hpke)), public))
}

/// RFC 7748 §5. Every reader clamps; one that compares keys byte by byte finds this one the same.
#[cfg(feature = "random")]
fn clamp(bytes: &mut [u8; PRIVATE_KEY_BYTES]) {
    let [first, .., last] = bytes;
    *first &= 0xf8;
    *last = (*last & 0x7f) | 0x40;
}
