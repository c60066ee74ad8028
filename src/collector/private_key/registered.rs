//! Private keys without a tag: known by their public key.

use std::borrow::Cow;
use std::collections::HashSet;

use base64ct::{Base64Unpadded, Encoding};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::collector::limits::MAX_KEY_CANDIDATES;
use crate::matched_data::limits::PRIVATE_KEY_BYTES;
use crate::matched_data::{KeyId, PrivateKey, PublicKey, Suite};

/// 32 bytes in base64, without padding.
const BASE64_CHARS: usize = 43;
/// 32 bytes in hexadecimal.
const HEX_CHARS: usize = 64;

/// Every public key that is or was registered, to know its private key by.
#[derive(Clone, Debug, Default)]
pub struct RegisteredKeys {
    x25519: HashSet<[u8; 32]>,
    xwing: HashSet<KeyId>,
}

/// What a text was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Found {
    /// No private key of a registered public key.
    Nothing,
    /// The private key of this one.
    Key(KeyId),
    /// More texts of a key's length than are tried.
    TooMany,
}

/// The 32 bytes of a text that may be a key. Wiped from memory on drop.
type Candidate = Zeroizing<[u8; PRIVATE_KEY_BYTES]>;

impl RegisteredKeys {
    /// Adds a public key.
    pub fn insert(&mut self, key: &PublicKey) {
        match (key.suite(), <[u8; 32]>::try_from(key.as_bytes())) {
            (Suite::X25519, Ok(bytes)) => drop(self.x25519.insert(bytes)),
            _ => drop(self.xwing.insert(key.key_id())),
        }
    }

    /// Which registered key these bytes are the private key of: an X25519 key or an X-Wing seed.
    #[must_use]
    pub fn matches(&self, bytes: &[u8; PRIVATE_KEY_BYTES]) -> Option<KeyId> {
        self.x25519_of(bytes).or_else(|| self.xwing_of(bytes))
    }

    fn x25519_of(&self, bytes: &[u8; PRIVATE_KEY_BYTES]) -> Option<KeyId> {
        if self.x25519.is_empty() {
            return None;
        }
        let public = x25519_public(bytes);
        self.x25519.get(&public)?;
        Some(PublicKey::from_bytes(Suite::X25519, &public).ok()?.key_id())
    }

    fn xwing_of(&self, bytes: &[u8; PRIVATE_KEY_BYTES]) -> Option<KeyId> {
        if self.xwing.is_empty() {
            return None;
        }
        let id = PrivateKey::from_bytes(Suite::XWing, bytes).ok()?.key_id();
        self.xwing.contains(&id).then_some(id)
    }

    /// Which registered key is, taken as an X25519 private key, the other half of `public`: then somebody
    /// has handed in a private key as a public one.
    #[must_use]
    pub fn private_half_of(&self, public: &PublicKey) -> Option<KeyId> {
        let half = self.x25519.iter().find(|bytes| x25519_public(bytes) == public.as_bytes())?;
        Some(PublicKey::from_bytes(Suite::X25519, half).ok()?.key_id())
    }

    /// Looks for a private key in a text: in base64 or base64url, padded or not, in hexadecimal, and in JSON
    /// that escapes its slashes.
    #[must_use]
    pub fn find(&self, text: &[u8]) -> Found {
        let mut tries = MAX_KEY_CANDIDATES;
        self.find_within(text, &mut tries)
    }

    /// The same, trying no more texts than `tries` says, which goes down by as many.
    #[must_use]
    pub fn find_within(&self, text: &[u8], tries: &mut usize) -> Found {
        if self.x25519.is_empty() && self.xwing.is_empty() {
            return Found::Nothing;
        }
        let found = for_each_candidate(&unescaped(text), |candidate| {
            let Some(left) = tries.checked_sub(1) else { return Some(Found::TooMany) };
            *tries = left;
            self.matches(candidate).map(Found::Key)
        });
        found.unwrap_or(Found::Nothing)
    }
}

fn x25519_public(secret: &[u8; PRIVATE_KEY_BYTES]) -> [u8; 32] {
    let secret = x25519_dalek::StaticSecret::from(*secret);
    x25519_dalek::PublicKey::from(&secret).to_bytes()
}

/// JSON may write `/`, which base64 has, as `\/`.
fn unescaped(text: &[u8]) -> Cow<'_, [u8]> {
    if memmem::find(text, br"\/").is_none() {
        return Cow::Borrowed(text);
    }
    let is_kept = |(at, byte): &(usize, &u8)| **byte != b'\\' || text.get(at + 1) != Some(&b'/');
    Cow::Owned(text.iter().enumerate().filter(is_kept).map(|(_, byte)| *byte).collect())
}

/// How many characters of each alphabet stand in a row before a place.
#[derive(Clone, Copy, Default)]
struct Runs {
    base64: usize,
    base64url: usize,
    hex: usize,
}

/// Calls `act` with each text of a key's length until it answers.
fn for_each_candidate<T>(text: &[u8], mut act: impl FnMut(&Candidate) -> Option<T>) -> Option<T> {
    let mut runs = Runs::default();
    for at in 0..=text.len() {
        let byte = text.get(at).copied();
        let is_padding = byte == Some(b'=') && text.get(at + 1) != Some(&b'=');
        let next = Runs {
            base64: continued(runs.base64, byte, |byte| {
                matches!(byte, b'+' | b'/') || byte.is_ascii_alphanumeric()
            }),
            base64url: continued(runs.base64url, byte, |byte| {
                matches!(byte, b'-' | b'_') || byte.is_ascii_alphanumeric()
            }),
            hex: continued(runs.hex, byte, |byte| byte.is_ascii_hexdigit()),
        };
        let is_key = |run| run == BASE64_CHARS || (is_padding && run > BASE64_CHARS);
        let before = |chars| text.get(at.checked_sub(chars)?..at);
        let mut found = None;
        if next.base64 == 0 && is_key(runs.base64) {
            found = before(BASE64_CHARS).and_then(from_base64).and_then(|key| act(&key));
        }
        // The same characters in both alphabets are one text.
        let is_same = next.base64 == 0 && runs.base64 == runs.base64url;
        if found.is_none() && !is_same && next.base64url == 0 && is_key(runs.base64url) {
            found = before(BASE64_CHARS).and_then(from_base64).and_then(|key| act(&key));
        }
        if found.is_none() && next.hex == 0 && runs.hex == HEX_CHARS {
            found = before(HEX_CHARS).and_then(from_hex).and_then(|key| act(&key));
        }
        if found.is_some() {
            return found;
        }
        runs = next;
    }
    None
}

fn continued(run: usize, byte: Option<u8>, is_of: impl Fn(u8) -> bool) -> usize {
    if byte.is_some_and(is_of) { run + 1 } else { 0 }
}

/// From either alphabet. Spare bits that are set are nobody's encoding.
fn from_base64(text: &[u8]) -> Option<Candidate> {
    let mut standard = Zeroizing::new([0; BASE64_CHARS]);
    for (to, from) in standard.iter_mut().zip(text) {
        *to = match from {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        };
    }
    let mut key = Zeroizing::new([0; PRIVATE_KEY_BYTES]);
    let decoded = Base64Unpadded::decode(standard.as_slice(), key.as_mut_slice()).ok()?.len();
    (decoded == PRIVATE_KEY_BYTES).then_some(key)
}

fn from_hex(text: &[u8]) -> Option<Candidate> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut key = Zeroizing::new([0; PRIVATE_KEY_BYTES]);
    for (to, pair) in key.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *to = u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()?;
    }
    Some(key)
}
