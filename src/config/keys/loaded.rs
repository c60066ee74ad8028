//! A key that was read, wherever it came from.

use crate::error::ConfigError;
use crate::key::{Key, KeyId, RootKey, Secret};
use crate::key_directory::{Derivation, KeyRecord, KeyState, OriginKey};
use crate::keyring::Keyring;
use crate::time::UnixTime;

/// Where a key came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySource {
    /// The key directory.
    Directory,
    /// The key file.
    File,
    /// The environment variable with the text of a key file.
    Env,
    /// An entry of `keys.inline`.
    Inline,
}

/// A key that was read, with its secret.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds the secret")]
pub struct LoadedKey {
    source: KeySource,
    origin: OriginKey,
    secret: Secret,
    state: Option<KeyState>,
    terms: Terms,
}

/// When a key counts, and what edges sign with.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) not_before: Option<UnixTime>,
    pub(crate) not_after: Option<UnixTime>,
    pub(crate) is_revoked: bool,
    pub(crate) derivation: Derivation,
}

impl LoadedKey {
    /// Its name.
    #[must_use]
    pub const fn id(&self) -> &KeyId {
        match &self.origin {
            OriginKey::Key(key) => key.id(),
            OriginKey::Root(root) => root.id(),
        }
    }

    /// Where it came from.
    #[must_use]
    pub const fn source(&self) -> KeySource {
        self.source
    }

    /// The key, as an origin takes it.
    #[must_use]
    pub const fn origin(&self) -> &OriginKey {
        &self.origin
    }

    /// The secret, for those who sign.
    #[must_use]
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// Where it is in its life; only a key directory tells.
    #[must_use]
    pub const fn state(&self) -> Option<KeyState> {
        self.state
    }

    /// When it begins to count, if it does not from ever.
    #[must_use]
    pub const fn not_before(&self) -> Option<UnixTime> {
        self.terms.not_before
    }

    /// When it ceases to count, if it does.
    #[must_use]
    pub const fn not_after(&self) -> Option<UnixTime> {
        self.terms.not_after
    }

    /// Whether it is known, and refused.
    #[must_use]
    pub const fn is_revoked(&self) -> bool {
        self.terms.is_revoked
    }

    /// Whether it, or what is derived from it, counts at `now`.
    #[must_use]
    pub fn is_active(&self, now: UnixTime) -> bool {
        let Terms { not_before, not_after, is_revoked, .. } = self.terms;
        !is_revoked
            && not_before.is_none_or(|start| start <= now)
            && not_after.is_none_or(|end| now < end)
    }

    /// What edges sign with: the key itself, or keys that are derived from it.
    #[must_use]
    pub const fn derivation(&self) -> Derivation {
        self.terms.derivation
    }

    pub(crate) fn new(
        source: KeySource,
        kid: &str,
        secret: Secret,
        terms: Terms,
    ) -> Result<Self, ConfigError> {
        let origin = terms.origin(kid, &secret)?;
        Ok(Self { source, origin, secret, state: None, terms })
    }

    pub(super) fn of_record(record: &KeyRecord) -> Result<Self, ConfigError> {
        let state = record.life().state;
        let terms = Terms {
            not_before: record.not_before(),
            not_after: record.not_after(),
            is_revoked: state == KeyState::Retired,
            derivation: record.derivation(),
        };
        Ok(Self {
            source: KeySource::Directory,
            origin: record.to_origin()?,
            secret: record.secret().clone(),
            state: Some(state),
            terms,
        })
    }

    pub(super) fn read_from(self, source: KeySource) -> Self {
        Self { source, ..self }
    }
}

impl Terms {
    /// The key, as an origin takes it.
    fn origin(self, kid: &str, secret: &Secret) -> Result<OriginKey, ConfigError> {
        let Self { not_before, not_after, is_revoked, derivation } = self;
        Ok(match derivation {
            Derivation::None => {
                let key = Key::new(kid, secret)?;
                let key = not_before.into_iter().fold(key, Key::not_before);
                let key = not_after.into_iter().fold(key, Key::not_after);
                OriginKey::Key(if is_revoked { key.revoked() } else { key })
            }
            Derivation::Daily { overlap_s } => {
                let root = RootKey::new(kid, secret)?.overlap(overlap_s)?;
                let root = not_before.into_iter().fold(root, RootKey::not_before);
                let root = not_after.into_iter().fold(root, RootKey::not_after);
                OriginKey::Root(if is_revoked { root.revoked() } else { root })
            }
        })
    }
}

/// All keys together.
pub(crate) fn keyring(loaded: &[LoadedKey]) -> Result<Keyring, ConfigError> {
    let (mut keys, mut roots) = (Vec::new(), Vec::new());
    for key in loaded {
        match &key.origin {
            OriginKey::Key(key) => keys.push(key.clone()),
            OriginKey::Root(root) => roots.push(root.clone()),
        }
    }
    Keyring::with_roots(keys, roots)
}
