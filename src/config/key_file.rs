//! A key file: the keys of an origin, and the audience and freshness that go with them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::Preset;
use super::keys::{KeySource, LoadedKey, Terms, keyring};
use super::schema::Derive;
use crate::error::ConfigError;
use crate::key::Secret;
use crate::key_directory::{Derivation, OriginKey};
use crate::policy::Freshness;
use crate::sign::Signer;
use crate::time::UnixTime;

/// Skew where a key file has `max_age` without one; that of every preset.
const DEFAULT_SKEW_S: u32 = 5;

/// A key file: JSON, as `wafpass keygen` makes it.
///
/// ```json
/// {"aud": "shop", "freshness": "cloudfront", "keys": [{"kid": "2026-11-a", "key": "<base64url>"}]}
/// ```
///
/// `kid`, `key` and `aud` are those of the value in the edge's key-value store. A key may also have
/// `not_before` and `not_after` (Unix seconds, or `YYYYMMDDTHHMMSSZ`), `revoked`, and where it is a root
/// `"derive": "daily"` with or without `overlap` (seconds).
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_debug_implementations, reason = "it holds the secrets")]
pub struct KeyFile {
    /// Name of the site or origin that the keys are for.
    #[serde(rename = "aud", skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// A window of freshness by name; `max_age` stands in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<Preset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_age: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skew: Option<u32>,
    /// The keys.
    pub keys: Vec<KeyEntry>,
}

/// A key in a key file.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[expect(missing_debug_implementations, reason = "it holds the secret")]
pub struct KeyEntry {
    /// The key's name.
    pub kid: String,
    /// The secret, in unpadded base64url.
    pub key: Zeroizing<String>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_moment")]
    not_before: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_moment")]
    not_after: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "is_false")]
    revoked: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    derive: Option<Derive>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overlap: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

/// Why a key file cannot be used. Two lines: the fault, the way out. No text holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It is not what a key file is.
    #[error("line {line}, column {column}: {fault}\n{way_out}")]
    Text {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong. Never a value.
        fault: String,
        /// What to do.
        way_out: &'static str,
    },
    /// It says in two ways how old a signature may be.
    #[error(
        "freshness, max_age and skew do not go together\ngive freshness alone, or max_age with or without skew"
    )]
    Freshness,
    /// A key in it could not be used.
    #[error("key {kid:?}: {error}")]
    Key {
        /// Its name.
        kid: String,
        /// Why not; two lines.
        error: ConfigError,
    },
    /// A key has an overlap, and nothing is derived from it.
    #[error(
        "key {kid:?}: `overlap` is of derived keys, and nothing is derived from this one\ntake it out, or add \"derive\": \"daily\""
    )]
    Overlap {
        /// Its name.
        kid: String,
    },
    /// All of it together could not be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl KeyFile {
    /// A file with these keys.
    #[must_use]
    pub const fn new(keys: Vec<KeyEntry>) -> Self {
        Self { audience: None, freshness: None, max_age: None, skew: None, keys }
    }

    /// Reads the text of a key file.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] when it is not one, and as [`check`](Self::check).
    pub fn parse(text: &str) -> Result<Self, KeyFileError> {
        let file: Self = serde_json::from_str(text).map_err(|error| fault_of(&error, text))?;
        file.check()?;
        Ok(file)
    }

    /// Whether a signer and a verifier could work with it.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] for the first thing that would not work.
    pub fn check(&self) -> Result<(), KeyFileError> {
        let keys = self.keys()?;
        keyring(&keys)?;
        self.freshness()?;
        for (key, audience) in keys.iter().zip(self.audience.iter().cycle()) {
            match key.origin() {
                OriginKey::Key(key) => drop(Signer::builder(audience, key.clone()).build()?),
                OriginKey::Root(root) => drop(root.derive(UnixTime::from_secs(0), audience)?),
            }
        }
        Ok(())
    }

    /// The keys, with their secrets.
    ///
    /// # Errors
    ///
    /// [`KeyFileError::Key`] or [`KeyFileError::Overlap`] for the first that could not be used.
    pub fn keys(&self) -> Result<Vec<LoadedKey>, KeyFileError> {
        self.keys.iter().map(KeyEntry::load).collect()
    }

    /// How old a signature may be, if the file says it.
    ///
    /// # Errors
    ///
    /// [`KeyFileError`] when it says it in two ways, or out of bounds.
    pub fn freshness(&self) -> Result<Option<Freshness>, KeyFileError> {
        match (self.freshness, self.max_age, self.skew) {
            (None, None, None) => Ok(None),
            (Some(preset), None, None) => Ok(Some(preset.freshness())),
            (None, Some(max_age), skew) => {
                Ok(Some(Freshness::custom(max_age, skew.unwrap_or(DEFAULT_SKEW_S))?))
            }
            _ => Err(KeyFileError::Freshness),
        }
    }
}

impl KeyEntry {
    /// A key that counts from now on and for ever; `key` is base64url.
    #[must_use]
    pub const fn new(kid: String, key: Zeroizing<String>) -> Self {
        let (not_before, not_after, derive, overlap) = (None, None, None, None);
        Self { kid, key, not_before, not_after, revoked: false, derive, overlap }
    }

    fn load(&self) -> Result<LoadedKey, KeyFileError> {
        let terms = Terms {
            not_before: self.not_before,
            not_after: self.not_after,
            is_revoked: self.revoked,
            derivation: self.derivation()?,
        };
        let secret = Secret::from_base64url(&self.key);
        let key =
            secret.and_then(|secret| LoadedKey::new(KeySource::File, &self.kid, secret, terms));
        key.map_err(|error| KeyFileError::Key { kid: self.kid.clone(), error })
    }

    fn derivation(&self) -> Result<Derivation, KeyFileError> {
        match (self.derive, self.overlap) {
            (None, None) => Ok(Derivation::None),
            (None, Some(_)) => Err(KeyFileError::Overlap { kid: self.kid.clone() }),
            (Some(Derive::Daily), None) => Ok(Derivation::DAILY),
            (Some(Derive::Daily), Some(overlap_s)) => Ok(Derivation::Daily { overlap_s }),
        }
    }
}

/// What is wrong with the text of a key file. Says where, and repeats no value: it may be a secret.
fn fault_of(error: &serde_json::Error, text: &str) -> KeyFileError {
    let told = error.to_string();
    let what = if error.is_data() {
        match ["unknown field", "missing field", "duplicate field"]
            .iter()
            .find(|kind| told.starts_with(**kind))
        {
            Some(_) => {
                told.split(" at line ").next().unwrap_or_default().escape_debug().to_string()
            }
            None => "a value that cannot stand there".into(),
        }
    } else {
        "not JSON".into()
    };
    let way_out = if what.contains("`kid`, expected") || text.contains("waf_secrets") {
        "this looks like the edge's value; a key file is {\"aud\": …, \"keys\": [{\"kid\": …, \"key\": …}]}"
    } else {
        "a key file is {\"aud\": …, \"freshness\": …, \"keys\": [{\"kid\": …, \"key\": …}]}; see wafpass keygen --help"
    };
    KeyFileError::Text { line: error.line(), column: error.column(), fault: what, way_out }
}

/// Read as Unix seconds, also in quotes, or as the form of `x-cloud-date`; written as Unix seconds.
mod some_moment {
    use super::{Deserialize, Deserializer, Serialize, Serializer, UnixTime};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Moment {
        Seconds(i64),
        Date(String),
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<UnixTime>, D::Error> {
        let moment = match Moment::deserialize(deserializer)? {
            Moment::Seconds(seconds) => Some(UnixTime::from_secs(seconds)),
            Moment::Date(text) => match text.parse() {
                Ok(seconds) => Some(UnixTime::from_secs(seconds)),
                Err(_) => UnixTime::parse_date(text.as_bytes()),
            },
        };
        moment.map(Some).ok_or_else(|| serde::de::Error::custom("no moment"))
    }

    pub(super) fn serialize<S: Serializer>(
        moment: &Option<UnixTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        moment.map(UnixTime::as_secs).serialize(serializer)
    }
}
