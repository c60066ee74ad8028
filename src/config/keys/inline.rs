//! `keys.inline`: keys that stand in the text, or whose secrets are read one by one.

use std::path::{Path, PathBuf};

use super::loaded::{KeySource, LoadedKey, Terms};
use super::{MAX_BYTES, refuse_odd_variable, variable};
use crate::config::fault::Faults;
use crate::config::schema::{Derive, InlineKey};
use crate::config::secret_file::read_secret;
use crate::config::units::Seconds;
use crate::error::ConfigError;
use crate::key::{KeyId, Secret};
use crate::key_directory::{Derivation, Permissions};
use crate::limits::{MAX_LABEL_BYTES, MAX_OVERLAP_S, MAX_ROOT_ID_BYTES};

/// What the text says of one key.
#[derive(Clone)]
pub(super) struct Inline {
    kid: String,
    secret: SecretSource,
    terms: Terms,
}

#[derive(Clone)]
enum SecretSource {
    Text(Secret),
    Env(String),
    File(PathBuf),
}

impl Inline {
    pub(super) const fn has_secret_in_text(&self) -> bool {
        matches!(self.secret, SecretSource::Text(_))
    }

    /// The file that holds the secret.
    pub(super) fn file(&self) -> Option<&Path> {
        match &self.secret {
            SecretSource::File(path) => Some(path),
            SecretSource::Text(_) | SecretSource::Env(_) => None,
        }
    }

    /// Reads the secret. `at` is where the key stands.
    pub(super) fn load(
        &self,
        at: &str,
        permissions: Permissions,
        faults: &mut Faults<'_>,
    ) -> Option<LoadedKey> {
        let (at, text) = match &self.secret {
            SecretSource::Text(secret) => return faults.take(at, self.with(secret.clone())),
            SecretSource::Env(name) => {
                let at = format!("{at}.key_env");
                let text = variable(&at, name);
                (at, text)
            }
            SecretSource::File(path) => {
                (format!("{at}.key_file"), read_secret(path, permissions, MAX_BYTES))
            }
        };
        match text {
            Ok(text) => {
                let secret = Secret::from_base64url(text.trim_ascii_end());
                faults.take(&at, secret.and_then(|secret| self.with(secret)))
            }
            Err((fault, way_out)) => {
                faults.add(&at, fault, way_out);
                None
            }
        }
    }

    fn with(&self, secret: Secret) -> Result<LoadedKey, ConfigError> {
        LoadedKey::new(KeySource::Inline, &self.kid, secret, self.terms)
    }
}

/// Checks what the text says of one key.
pub(super) fn inline_key(
    key: InlineKey,
    at: &str,
    base: &Path,
    faults: &mut Faults<'_>,
) -> Option<Inline> {
    let derivation = derivation(&key, at, faults);
    refuse_empty_window(&key, at, faults);
    let kid = kid(key.kid, derivation, at, faults);
    let secret = match (key.key, key.key_env, key.key_file) {
        (Some(text), None, None) => {
            let secret = faults.take(&format!("{at}.key"), Secret::from_base64url(&text));
            secret.map(SecretSource::Text)
        }
        (None, Some(name), None) => {
            refuse_odd_variable(&format!("{at}.key_env"), &name, faults);
            Some(SecretSource::Env(name))
        }
        (None, None, Some(path)) => Some(SecretSource::File(base.join(path))),
        (None, None, None) => {
            faults.add(at, "this key has no secret", "write one of key_file, key_env and key");
            None
        }
        _ => {
            let fault = "this key has more than one secret";
            faults.add(at, fault, "keep one of key_file, key_env and key");
            None
        }
    };
    Some(Inline {
        kid: kid?,
        secret: secret?,
        terms: Terms {
            not_before: key.not_before.map(|moment| moment.0),
            not_after: key.not_after.map(|moment| moment.0),
            is_revoked: key.revoked,
            derivation,
        },
    })
}

/// What is no key id is not repeated: it may be the secret, one line too high.
fn kid(
    kid: Option<String>,
    derivation: Derivation,
    at: &str,
    faults: &mut Faults<'_>,
) -> Option<String> {
    let Some(kid) = kid else {
        faults.add(&format!("{at}.kid"), "this key has no `kid`", "name it as the edge does");
        return None;
    };
    let most = match derivation {
        Derivation::None => MAX_LABEL_BYTES,
        Derivation::Daily { .. } => MAX_ROOT_ID_BYTES,
    };
    if KeyId::new(&kid).is_err() || kid.len() > most {
        let fault = format!("this `kid` is not 1 to {most} of A-Z a-z 0-9 - _ .");
        faults.add(&format!("{at}.kid"), fault, "choose a plain label, such as 2026-11-a");
        return None;
    }
    Some(kid)
}

fn derivation(key: &InlineKey, at: &str, faults: &mut Faults<'_>) -> Derivation {
    let at = format!("{at}.overlap");
    match (key.derive, key.overlap) {
        (None, None) => Derivation::None,
        (None, Some(_)) => {
            let fault = "`overlap` is of derived keys, and nothing is derived from this one";
            faults.add(&at, fault, "take it out, or add derive = \"daily\"");
            Derivation::None
        }
        (Some(Derive::Daily), None) => Derivation::DAILY,
        (Some(Derive::Daily), Some(Seconds(overlap_s))) => {
            if overlap_s > MAX_OVERLAP_S {
                faults.add_error(&at, &ConfigError::Overlap { overlap_s });
            }
            Derivation::Daily { overlap_s }
        }
    }
}

fn refuse_empty_window(key: &InlineKey, at: &str, faults: &mut Faults<'_>) {
    if let (Some(start), Some(end)) = (key.not_before, key.not_after)
        && start.0 >= end.0
    {
        let fault = "this key could never count: `not_before` is not earlier than `not_after`";
        faults.add(&format!("{at}.not_after"), fault, "mend the window, or remove the key");
    }
}
