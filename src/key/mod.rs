//! Keys: a label, a secret, and the time in which the key counts.

mod derived;

pub use self::derived::{DerivedKey, RootKey};
pub(crate) use self::derived::{OfDay, split};

use std::fmt;
use std::str;

use base64ct::{Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::ConfigError;
use crate::limits::{MAX_LABEL_BYTES, MIN_SECRET_BYTES};
use crate::time::UnixTime;

pub(crate) type HmacSha256 = Hmac<Sha256>;

/// The name of a key: 1 to 64 of `A-Z a-z 0-9 - _ .` (edge signature §1).
///
/// A label for people and logs. It is never derived from the secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId {
    bytes: [u8; MAX_LABEL_BYTES],
    len: u8,
}

impl KeyId {
    /// A key id from text.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Label`] when the text departs from the grammar.
    pub fn new(text: &str) -> Result<Self, ConfigError> {
        Self::from_bytes(text.as_bytes())
            .ok_or_else(|| ConfigError::Label { what: "key id", text: text.into() })
    }

    /// A key id from the bytes of a message; `None` when they depart from the grammar.
    #[must_use]
    pub fn from_bytes(text: &[u8]) -> Option<Self> {
        if !is_label(text) {
            return None;
        }
        let mut bytes = [0; MAX_LABEL_BYTES];
        bytes.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self { bytes, len: u8::try_from(text.len()).ok()? })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    /// The text as bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether `text` is a key id or an audience: `1*64( ALPHA / DIGIT / "-" / "_" / "." )`.
pub(crate) fn is_label(text: &[u8]) -> bool {
    (1..=MAX_LABEL_BYTES).contains(&text.len())
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// A shared secret of at least 32 bytes. Wiped from memory on drop; it has no `Debug`.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "so that it reaches no log")]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// A secret from raw bytes.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ShortSecret`] under [`MIN_SECRET_BYTES`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, ConfigError> {
        let bytes = Zeroizing::new(bytes.into());
        if bytes.len() < MIN_SECRET_BYTES {
            return Err(ConfigError::ShortSecret { bytes: bytes.len() });
        }
        Ok(Self(bytes))
    }

    /// A secret from unpadded base64url, the form that edge key stores hold (edge signature §4).
    ///
    /// # Errors
    ///
    /// [`ConfigError::SecretEncoding`] when the text is not exactly that, and
    /// [`ConfigError::ShortSecret`] when it decodes to less than [`MIN_SECRET_BYTES`].
    pub fn from_base64url(text: &str) -> Result<Self, ConfigError> {
        let bytes = Base64UrlUnpadded::decode_vec(text).map_err(|_| ConfigError::SecretEncoding)?;
        Self::new(bytes)
    }

    /// The secret as unpadded base64url, for the edge's key store. Wiped from memory on drop.
    #[must_use]
    pub fn to_base64url(&self) -> Zeroizing<String> {
        Zeroizing::new(Base64UrlUnpadded::encode_string(&self.0))
    }

    /// A new secret of 32 bytes from the operating system's random source.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoRandomness`] when the operating system has none to give.
    #[cfg(feature = "random")]
    pub fn generate() -> Result<Self, ConfigError> {
        let mut bytes = Zeroizing::new(vec![0; MIN_SECRET_BYTES]);
        getrandom::fill(&mut bytes).map_err(|_| ConfigError::NoRandomness)?;
        Ok(Self(bytes))
    }
}

/// A key for HMAC-SHA256: its id, its keyed state, and when it counts.
///
/// The secret itself is not kept: only the state that HMAC makes of it, which is wiped on drop.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    keyed: HmacSha256,
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) not_after: Option<UnixTime>,
    pub(crate) revoked: bool,
}

impl Key {
    /// A key that counts from now on and for ever, until it is given a window or revoked.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Label`] when `id` departs from the grammar of key ids.
    pub fn new(id: &str, secret: &Secret) -> Result<Self, ConfigError> {
        let id = KeyId::new(id)?;
        let keyed = HmacSha256::new_from_slice(&secret.0)
            .map_err(|_| ConfigError::ShortSecret { bytes: secret.0.len() })?;
        Ok(Self { id, keyed, not_before: None, not_after: None, revoked: false })
    }

    /// The key counts from `moment` on.
    #[must_use]
    pub const fn not_before(mut self, moment: UnixTime) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// The key counts until just before `moment`.
    #[must_use]
    pub const fn not_after(mut self, moment: UnixTime) -> Self {
        self.not_after = Some(moment);
        self
    }

    /// The key is known, and refused.
    #[must_use]
    pub const fn revoked(mut self) -> Self {
        self.revoked = true;
        self
    }

    /// The key's name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// Whether the key is known, and refused.
    #[must_use]
    pub const fn is_revoked(&self) -> bool {
        self.revoked
    }

    /// Whether the key counts at `now`: `not_before <= now < not_after`, and not revoked.
    #[must_use]
    pub fn is_active(&self, now: UnixTime) -> bool {
        !self.revoked
            && self.not_before.is_none_or(|start| start <= now)
            && self.not_after.is_none_or(|end| now < end)
    }

    /// Whether the key's window holds no moment at all.
    pub(crate) fn has_empty_window(&self) -> bool {
        matches!((self.not_before, self.not_after), (Some(start), Some(end)) if start >= end)
    }

    /// A MAC state with this key in it, ready for a message.
    pub(crate) fn keyed(&self) -> HmacSha256 {
        self.keyed.clone()
    }
}

impl fmt::Debug for Key {
    /// The id and the window; never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("not_before", &self.not_before)
            .field("not_after", &self.not_after)
            .field("revoked", &self.revoked)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_follow_the_grammar() {
        for good in ["a", "2026-11-a", "A_b.C-9", &"k".repeat(64)] {
            assert_eq!(KeyId::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "a b", "a;b", "é", "a\n", &"k".repeat(65)] {
            assert!(KeyId::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn short_or_odd_secrets_are_refused() {
        assert!(Secret::new([0; 32]).is_ok());
        assert!(matches!(Secret::new([0; 31]), Err(ConfigError::ShortSecret { bytes: 31 })));
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        assert_eq!(*Secret::from_base64url(text).unwrap().to_base64url(), text);
        for odd in
            [&format!("{text}="), &text.replace('A', "+"), "", &format!("{text} "), &text[..42]]
        {
            assert!(Secret::from_base64url(odd).is_err(), "{odd}");
        }
        // Bits beyond the last byte must be zero, or one key would have several spellings.
        assert!(Secret::from_base64url(&text.replace("h8", "h9")).is_err());
    }

    #[test]
    fn a_key_counts_in_its_window() {
        let at = UnixTime::from_secs;
        let secret = Secret::new([7; 32]).unwrap();
        let key = Key::new("k", &secret).unwrap().not_before(at(10)).not_after(at(20));
        let active: Vec<_> = [9, 10, 19, 20].map(|now| key.is_active(at(now))).into();
        assert_eq!(active, [false, true, true, false]);
        assert!(!key.clone().revoked().is_active(at(15)));
        assert!(!format!("{key:?}").contains("keyed"));
    }
}
