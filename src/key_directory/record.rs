//! One key's file.

use std::io;
use std::path::Path;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::error::KeyDirectoryError;
use super::life::{KeyState, Life};
use crate::error::ConfigError;
use crate::key::{Key, KeyId, RootKey, Secret};
use crate::limits::DEFAULT_OVERLAP_S;
use crate::time::UnixTime;

/// Room for a key's file in one piece, so that no copy of a part of it stays behind in memory.
const TEXT_BYTES: usize = 4_096;

const TO_MEND: &str = "restore the file; each of its members is in docs/rotation.md";

/// What edges sign with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Derivation {
    /// The key itself.
    #[default]
    None,
    /// A key that is derived from it for each UTC day and audience ([`RootKey`]).
    Daily {
        /// How long a derived key counts beyond its day, on both sides, in seconds.
        overlap_s: u32,
    },
}

impl Derivation {
    /// A key for each day, with the overlap that a [`RootKey`] has by default.
    pub const DAILY: Self = Self::Daily { overlap_s: DEFAULT_OVERLAP_S };
}

/// A key as an origin takes it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum OriginKey {
    /// A key that edges sign with.
    Key(Key),
    /// A root from which the keys that edges sign with are derived.
    Root(RootKey),
}

/// A key of a key directory: its secret, its window and its life.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds the secret")]
pub struct KeyRecord {
    id: KeyId,
    secret: Secret,
    pub(super) life: Life,
    pub(super) not_before: Option<UnixTime>,
    pub(super) not_after: Option<UnixTime>,
    derivation: Derivation,
}

impl KeyRecord {
    /// A key made at `now`: accepted, and without a window.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Label`] when `id` departs from the grammar of key ids.
    pub fn new(id: &str, secret: Secret, now: UnixTime) -> Result<Self, ConfigError> {
        let (id, life) = (KeyId::new(id)?, Life::begun(now));
        let (not_before, not_after) = (None, None);
        Ok(Self { id, secret, life, not_before, not_after, derivation: Derivation::None })
    }

    /// The key counts from `moment` on.
    #[must_use]
    pub const fn with_not_before(mut self, moment: UnixTime) -> Self {
        self.not_before = Some(moment);
        self
    }

    /// The key counts until just before `moment`.
    #[must_use]
    pub const fn with_not_after(mut self, moment: UnixTime) -> Self {
        self.not_after = Some(moment);
        self
    }

    /// What edges sign with: the key itself, unless told.
    #[must_use]
    pub const fn with_derivation(mut self, derivation: Derivation) -> Self {
        self.derivation = derivation;
        self
    }

    /// The key's name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        &self.id
    }

    /// The secret, for an edge's key store.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Where the key is in its life.
    #[must_use]
    pub const fn life(&self) -> &Life {
        &self.life
    }

    /// When the key begins to count, if it does not from ever.
    #[must_use]
    pub const fn not_before(&self) -> Option<UnixTime> {
        self.not_before
    }

    /// When the key ceases to count, if it does.
    #[must_use]
    pub const fn not_after(&self) -> Option<UnixTime> {
        self.not_after
    }

    /// What edges sign with.
    #[must_use]
    pub const fn derivation(&self) -> Derivation {
        self.derivation
    }

    /// The key as an origin takes it: revoked when it is retired.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the key could not be used.
    pub fn to_origin(&self) -> Result<OriginKey, ConfigError> {
        let (not_before, not_after) = (self.not_before, self.not_after);
        if matches!((not_before, not_after), (Some(start), Some(end)) if start >= end) {
            return Err(ConfigError::EmptyKeyWindow { key_id: self.id });
        }
        let is_revoked = self.life.state == KeyState::Retired;
        Ok(match self.derivation {
            Derivation::None => {
                let key = Key::new(self.id.as_str(), &self.secret)?;
                let key = not_before.into_iter().fold(key, Key::not_before);
                let key = not_after.into_iter().fold(key, Key::not_after);
                OriginKey::Key(if is_revoked { key.revoked() } else { key })
            }
            Derivation::Daily { overlap_s } => {
                let root = RootKey::new(self.id.as_str(), &self.secret)?.overlap(overlap_s)?;
                let root = not_before.into_iter().fold(root, RootKey::not_before);
                let root = not_after.into_iter().fold(root, RootKey::not_after);
                OriginKey::Root(if is_revoked { root.revoked() } else { root })
            }
        })
    }

    /// Reads a key's file. `path` is for messages.
    pub(super) fn parse(text: &str, path: &Path) -> Result<Self, KeyDirectoryError> {
        let file: File = serde_json::from_str(text).map_err(|error| fault_of(&error, path))?;
        let unusable = |error| KeyDirectoryError::Key { path: path.into(), error: Box::new(error) };
        let record = Self {
            id: KeyId::new(&file.kid).map_err(unusable)?,
            secret: Secret::from_base64url(&file.key).map_err(unusable)?,
            life: file.life(path)?,
            not_before: file.not_before,
            not_after: file.not_after,
            derivation: file.derivation(path)?,
        };
        record.to_origin().map_err(unusable)?;
        Ok(record)
    }

    /// Writes it as a key's file has it.
    pub(super) fn to_text(&self) -> io::Result<Zeroizing<Vec<u8>>> {
        let Life { state, created, promoted, retiring_since, retired, compromised } = self.life;
        let (derive, overlap) = match self.derivation {
            Derivation::None => (None, None),
            Derivation::Daily { overlap_s } => (Some(Derive::Daily), Some(overlap_s)),
        };
        let file = File {
            kid: self.id.to_string(),
            key: self.secret.to_base64url(),
            state,
            created,
            promoted,
            retiring_since,
            retired,
            compromised,
            not_before: self.not_before,
            not_after: self.not_after,
            derive,
            overlap,
        };
        let mut text = Zeroizing::new(Vec::with_capacity(TEXT_BYTES));
        serde_json::to_writer_pretty(&mut *text, &file)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// A key's file, member by member.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kid: String,
    key: Zeroizing<String>,
    state: KeyState,
    #[serde(with = "moment")]
    created: UnixTime,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_moment")]
    promoted: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_moment")]
    retiring_since: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_moment")]
    retired: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "is_false")]
    compromised: bool,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_moment")]
    not_before: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "some_moment")]
    not_after: Option<UnixTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    derive: Option<Derive>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    overlap: Option<u32>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Derive {
    Daily,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde calls")]
const fn is_false(flag: &bool) -> bool {
    !*flag
}

impl File {
    /// The life, whose moments have to be those that its state leaves behind.
    fn life(&self, path: &Path) -> Result<Life, KeyDirectoryError> {
        let Self { state, created, promoted, retiring_since, retired, compromised, .. } = *self;
        let fault = match state {
            KeyState::Accepted if promoted.is_some() => Some("accepted, but promoted"),
            KeyState::Signing if promoted.is_none() => Some("signing, but never promoted"),
            KeyState::Retiring if promoted.is_none() || retiring_since.is_none() => {
                Some("retiring, but without `promoted` and `retiring_since`")
            }
            KeyState::Retired if retired.is_none() => Some("retired, but without `retired`"),
            KeyState::Accepted | KeyState::Signing if retiring_since.is_some() => {
                Some("`retiring_since`, but not retiring")
            }
            KeyState::Accepted | KeyState::Signing | KeyState::Retiring if retired.is_some() => {
                Some("`retired`, but in another state")
            }
            _ if compromised && state != KeyState::Retired => Some("compromised, but not retired"),
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(contradiction(fault, path));
        }
        Ok(Life { state, created, promoted, retiring_since, retired, compromised })
    }
}

impl File {
    fn derivation(&self, path: &Path) -> Result<Derivation, KeyDirectoryError> {
        match (self.derive, self.overlap) {
            (None, None) => Ok(Derivation::None),
            (Some(Derive::Daily), None) => Ok(Derivation::DAILY),
            (Some(Derive::Daily), Some(overlap_s)) => Ok(Derivation::Daily { overlap_s }),
            (None, Some(_)) => Err(contradiction("`overlap`, but nothing is derived", path)),
        }
    }
}

fn contradiction(fault: &'static str, path: &Path) -> KeyDirectoryError {
    KeyDirectoryError::Contradiction { path: path.into(), fault, way_out: TO_MEND }
}

impl Serialize for KeyState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for KeyState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        [Self::Accepted, Self::Signing, Self::Retiring, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == name)
            .ok_or_else(|| D::Error::custom("no state"))
    }
}

/// `YYYYMMDDTHHMMSSZ`.
mod moment {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        moment: &UnixTime,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        if moment.to_date().is_none() {
            // Written, it could not be read again, and with it the whole directory.
            return Err(S::Error::custom("a moment outside the years 0001 to 9999"));
        }
        serializer.collect_str(moment)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<UnixTime, D::Error> {
        let text = String::deserialize(deserializer)?;
        UnixTime::parse_date(text.as_bytes()).ok_or_else(|| D::Error::custom("no moment"))
    }
}

/// The same, where the member may be left out; `null` is no moment.
mod some_moment {
    use super::*;

    pub(super) fn serialize<S: Serializer>(
        moment: &Option<UnixTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => moment::serialize(moment, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<UnixTime>, D::Error> {
        moment::deserialize(deserializer).map(Some)
    }
}

/// What is wrong with the text. Says where, and repeats no value: it may be a secret.
fn fault_of(error: &serde_json::Error, path: &Path) -> KeyDirectoryError {
    let told = error.to_string();
    let told = told.split(" at line ").next().unwrap_or_default();
    let about_a_name =
        ["unknown field", "missing field", "duplicate field"].iter().any(|k| told.starts_with(k));
    let fault = match (error.is_data(), about_a_name) {
        (true, true) => told.escape_debug().to_string(),
        (true, false) => "a value that cannot stand there".into(),
        (false, _) => "not JSON".into(),
    };
    let (line, column) = (error.line(), error.column());
    KeyDirectoryError::Text { path: path.into(), line, column, fault, way_out: TO_MEND }
}
