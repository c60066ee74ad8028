//! The runner: a case, its own verifier, and what came of it.

use std::sync::Arc;

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::super::failure::{Difference, Failure};
use super::{ACCEPT, Case, Config, Derivation, KeyEntry, Query, Request, RootEntry};
use crate::canon::QueryMode;
use crate::error::ConfigError;
use crate::key::{self, Key, RootKey, Secret};
use crate::keyring::Keyring;
use crate::message::MessageHead;
use crate::policy::{Freshness, HostBinding, WafRequirement};
use crate::replay::{Admission, Admitting, ReplayStore, Retention, Use};
use crate::time::UnixTime;
use crate::verify::Verifier;

impl Derivation {
    /// Derives the key, and fails when another one comes of it, or none.
    pub(super) fn run(&self) -> Result<(), Failure> {
        match self.derive() {
            Ok(key) if *key == self.key => Ok(()),
            Ok(_) => Err(self.failure("another key".into())),
            Err(fault) => Err(self.failure(fault)),
        }
    }

    fn derive(&self) -> Result<Zeroizing<String>, String> {
        let text = |error: ConfigError| error.to_string();
        let not_derived = || format!("{:?} is not the id of a derived key", self.kid);
        let (root_id, day) = key::split(self.kid.as_bytes()).ok_or_else(not_derived)?;
        let root_id = str::from_utf8(root_id).map_err(|_| not_derived())?;
        let root = RootKey::new(root_id, &secret(&self.kid, &self.secret)?).map_err(text)?;
        let derived = root.derive(day.start(), &self.aud).map_err(text)?;
        Ok(derived.secret().to_base64url())
    }

    fn failure(&self, got: String) -> Failure {
        Failure { expected: self.key.clone(), got, base: None }
    }
}

impl Case {
    /// Runs the case, and fails when the verdict or the signature base is another, or it cannot be run.
    pub(super) fn run(&self) -> Result<(), Failure> {
        let failure = |got: String, base| Failure { expected: self.expect.clone(), got, base };
        let verifier = self.config.verifier().map_err(|fault| {
            failure(format!("a configuration that does not load: {fault}"), None)
        })?;
        let Request { method, target, headers } = &self.request;
        let fields: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let head = MessageHead::from_raw(method.as_bytes(), target.as_bytes(), &fields);

        let got = match verifier.check(&head, UnixTime::from_secs(self.now)) {
            Ok(_) => ACCEPT,
            Err(rejection) => rejection.code(),
        };
        if got != self.expect {
            return Err(failure(got.into(), None));
        }
        let expected = match (&self.base, got == ACCEPT) {
            (Some(base), true) => base,
            (None, false) => return Ok(()),
            (None, true) => {
                return Err(failure(
                    format!("{ACCEPT}, but the case has no base to compare"),
                    None,
                ));
            }
            (Some(_), false) => {
                return Err(failure(format!("{got}, but the case has a base"), None));
            }
        };
        match verifier.signature_base(&head) {
            Ok(base) if base == expected.as_bytes() => Ok(()),
            Ok(base) => {
                let difference = Difference::between(expected.as_bytes(), &base);
                Err(failure(format!("{ACCEPT}, over another signature base"), difference))
            }
            Err(rejection) => {
                Err(failure(format!("no signature base: {}", rejection.code()), None))
            }
        }
    }
}

impl Config {
    fn verifier(&self) -> Result<Verifier, String> {
        let keys = self.keys.iter().map(KeyEntry::key).collect::<Result<Vec<_>, _>>()?;
        let roots = self.roots.iter().map(RootEntry::root).collect::<Result<Vec<_>, _>>()?;
        let keyring = Keyring::with_roots(keys, roots);
        keyring.and_then(|keys| self.verifier_with(keys)).map_err(|error| error.to_string())
    }

    fn verifier_with(&self, keys: Keyring) -> Result<Verifier, ConfigError> {
        let freshness = Freshness::custom(self.max_age, self.skew)?;
        let waf =
            if self.require_waf { WafRequirement::Required } else { WafRequirement::NotRequired };
        let host = if self.bind_host { HostBinding::Bound } else { HostBinding::Unbound };
        let query = match self.query {
            Query::All => QueryMode::All,
            Query::None => QueryMode::None,
        };
        let builder = Verifier::builder(&self.audience, keys, freshness)
            .waf(waf)
            .strip_prefix(&self.strip_prefix)
            .query(query)
            .bind_host(host)
            .replay_store(Arc::new(NeverAsked(freshness.retention())));
        let builder = self
            .required_headers
            .iter()
            .fold(builder, |builder, name| builder.require_header(name));
        builder.build_at(UnixTime::from_secs(0))
    }
}

impl KeyEntry {
    fn key(&self) -> Result<Key, String> {
        let key = Key::new(&self.kid, &secret(&self.kid, &self.secret)?)
            .map_err(|error| error.to_string())?;
        let key = self.not_before.map(UnixTime::from_secs).into_iter().fold(key, Key::not_before);
        let key = self.not_after.map(UnixTime::from_secs).into_iter().fold(key, Key::not_after);
        Ok(if self.revoked { key.revoked() } else { key })
    }
}

impl RootEntry {
    fn root(&self) -> Result<RootKey, String> {
        let text = |error: ConfigError| error.to_string();
        let root = RootKey::new(&self.kid, &secret(&self.kid, &self.secret)?).map_err(text)?;
        let root = match self.overlap {
            Some(overlap_s) => root.overlap(overlap_s).map_err(text)?,
            None => root,
        };
        let moment = |secs: Option<i64>| secs.map(UnixTime::from_secs).into_iter();
        let root = moment(self.not_before).fold(root, RootKey::not_before);
        let root = moment(self.not_after).fold(root, RootKey::not_after);
        Ok(if self.revoked { root.revoked() } else { root })
    }
}

fn secret(kid: &str, base64: &str) -> Result<Secret, String> {
    let secret = Base64::decode_vec(base64)
        .map_err(|_| format!("the secret of {kid:?} is not base64 with padding"))?;
    Secret::new(secret).map_err(|error| error.to_string())
}

/// Rows 0 to 14 ask nothing of a replay store: this one spares the memory, and refuses.
struct NeverAsked(Retention);

impl ReplayStore for NeverAsked {
    fn admit(&self, _: &Use<'_>, _: UnixTime) -> Admitting {
        Admission::Unavailable.into()
    }

    fn retention(&self) -> Retention {
        self.0
    }

    fn started(&self) -> Option<UnixTime> {
        None
    }

    fn live(&self) -> usize {
        0
    }
}
