//! The runner: a case, its own verifier, and what came of it.

use std::fmt;
use std::sync::Arc;

use base64ct::{Base64, Encoding};

use super::file::{ACCEPT, Case, Config, KeyEntry, Query, Request};
use crate::canon::QueryMode;
use crate::error::ConfigError;
use crate::key::{Key, Secret};
use crate::keyring::Keyring;
use crate::message::MessageHead;
use crate::policy::{Freshness, HostBinding, WafRequirement};
use crate::replay::{Admission, Admitting, ReplayStore, Retention, Use};
use crate::time::UnixTime;
use crate::verify::Verifier;

impl Case {
    /// Runs the case.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the verdict or the signature base is another, or the case cannot be run.
    pub fn run(&self) -> Result<(), Failure> {
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
        self.verifier_with(keys).map_err(|error| error.to_string())
    }

    fn verifier_with(&self, keys: Vec<Key>) -> Result<Verifier, ConfigError> {
        let freshness = Freshness::custom(self.max_age, self.skew)?;
        let waf =
            if self.require_waf { WafRequirement::Required } else { WafRequirement::NotRequired };
        let host = if self.bind_host { HostBinding::Bound } else { HostBinding::Unbound };
        let query = match self.query {
            Query::All => QueryMode::All,
            Query::None => QueryMode::None,
        };
        let builder = Verifier::builder(&self.audience, Keyring::new(keys)?, freshness)
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
        let secret = Base64::decode_vec(&self.secret)
            .map_err(|_| format!("the secret of {:?} is not base64 with padding", self.kid))?;
        let secret = Secret::new(secret).map_err(|error| error.to_string())?;
        let key = Key::new(&self.kid, &secret).map_err(|error| error.to_string())?;
        let key = self.not_before.map(UnixTime::from_secs).into_iter().fold(key, Key::not_before);
        let key = self.not_after.map(UnixTime::from_secs).into_iter().fold(key, Key::not_after);
        Ok(if self.revoked { key.revoked() } else { key })
    }
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

/// What came of a case that failed. Text of the file in it is escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    expected: String,
    got: String,
    base: Option<Difference>,
}

impl fmt::Display for Failure {
    /// A line for each of: expected, got, and where the signature bases part.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected: {}\ngot:      {}", self.expected, self.got.replace('\n', "; "))?;
        let Some(Difference { line, expected, got }) = &self.base else {
            return Ok(());
        };
        let shown = |text: &Option<Vec<u8>>| match text {
            Some(text) => format!("\"{}\"", text.escape_ascii()),
            None => "no such line".into(),
        };
        write!(
            f,
            "\nline {line} of the base, expected: {}\nline {line} of the base, got:      {}",
            shown(expected),
            shown(got)
        )
    }
}

/// The first line in which two signature bases differ, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Difference {
    line: usize,
    expected: Option<Vec<u8>>,
    got: Option<Vec<u8>>,
}

impl Difference {
    fn between(expected: &[u8], got: &[u8]) -> Option<Self> {
        let lines =
            |text: &[u8]| text.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (expected, got) = (lines(expected), lines(got));
        let line =
            (0..expected.len().max(got.len())).find(|&line| expected.get(line) != got.get(line))?;
        let (expected, got) = (expected.get(line).cloned(), got.get(line).cloned());
        Some(Self { line: line + 1, expected, got })
    }
}
