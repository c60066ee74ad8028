//! Vector files: the cases that every signer and verifier of edge signatures has to agree on.
//!
//! A file is read strictly and each case runs on its own (rows 0 to 14): one that cannot be run is a
//! failure, never skipped, and an acceptance that should have been a refusal fails as loudly as the
//! other way round.
//!
//! ```
//! let text = r#"{"spec": "edge-signature version 1", "cases": [{
//!     "name": "nothing is signed",
//!     "request": {"method": "GET", "target": "/", "headers": [["host", "shop.example"]]},
//!     "config": {
//!         "keys": [{"kid": "a", "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}],
//!         "audience": "shop", "max_age": 60, "skew": 5
//!     },
//!     "now": 1795307400,
//!     "expect": "missing-signature"
//! }]}"#;
//! let file = wafpass::vectors::VectorFile::parse(text.as_bytes()).unwrap();
//! assert!(file.cases().iter().all(|case| case.run().is_ok()));
//! ```

use std::fmt;
use std::sync::Arc;

use base64ct::{Base64, Encoding};
use serde::Deserialize;

use crate::canon::QueryMode;
use crate::error::ConfigError;
use crate::key::{Key, Secret};
use crate::keyring::Keyring;
use crate::message::MessageHead;
use crate::policy::{Freshness, HostBinding, WafRequirement};
use crate::rejection::RejectionKind;
use crate::replay::{Admission, ReplayStore, Retention, Use};
use crate::time::UnixTime;
use crate::verify::Verifier;

const SPEC: &str = "edge-signature version 1";
const ACCEPT: &str = "accept";

/// A vector file (edge signature §5).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    spec: String,
    cases: Vec<Case>,
}

impl VectorFile {
    /// Reads a file: UTF-8, no unknown field, no unknown reason, at least one case.
    ///
    /// # Errors
    ///
    /// [`VectorError`], in two lines: the fault, the way out.
    pub fn parse(text: &[u8]) -> Result<Self, VectorError> {
        let file: Self = serde_json::from_slice(text).map_err(|error| {
            let way_out = "see \"Vector files\" in the wire format for the fields there are";
            VectorError(format!(
                "not a vector file: {}\n{way_out}",
                error.to_string().escape_debug()
            ))
        })?;
        let fault = |text: String, way_out| Err(VectorError(format!("{text}\n{way_out}")));
        if file.spec != SPEC {
            let text = format!("the spec is {:?}, not {SPEC:?}", file.spec);
            return fault(text, "run it with a version that knows this spec");
        }
        if file.cases.is_empty() {
            return fault(
                "there is no case in it".into(),
                "a file proves something by its cases: add one",
            );
        }
        for case in &file.cases {
            let name = &case.name;
            if case.expect != ACCEPT
                && !RejectionKind::ALL.iter().any(|kind| kind.code() == case.expect)
            {
                let text =
                    format!("the case {name:?} expects {:?}, which is no reason", case.expect);
                return fault(text, "expect `accept` or a reason code of the wire format");
            }
            if file.cases.iter().filter(|other| other.name == *name).count() > 1 {
                return fault(
                    format!("two cases have the name {name:?}"),
                    "give each case a name of its own",
                );
            }
        }
        Ok(file)
    }

    /// The cases, in the order of the file.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }
}

/// A vector file that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct VectorError(String);

/// One case: a request, a configuration, a moment, and what has to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    name: String,
    request: Request,
    config: Config,
    now: i64,
    expect: String,
    base: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    keys: Vec<KeyEntry>,
    audience: String,
    max_age: u32,
    skew: u32,
    #[serde(default = "yes")]
    require_waf: bool,
    #[serde(default)]
    required_headers: Vec<String>,
    #[serde(default)]
    strip_prefix: String,
    #[serde(default)]
    query: Query,
    #[serde(default)]
    bind_host: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyEntry {
    kid: String,
    secret: String,
    not_before: Option<i64>,
    not_after: Option<i64>,
    #[serde(default)]
    revoked: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Query {
    #[default]
    All,
    None,
}

impl Case {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

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
    fn admit(&self, _: &Use<'_>, _: UnixTime) -> Admission {
        Admission::Unavailable
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

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"spec": "edge-signature version 1", "cases": [{
        "name": "get root",
        "request": {"method": "GET", "target": "/", "headers": [
            ["host", "shop.example"],
            ["x-cloud-date", "20261122T003000Z"],
            ["x-cloud-signature", "v1;kid=2026-11-a;nonce=U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==;aud=shop;waf=pass;h=;sig=3fa741bc01969e1d0eeb292e4cd3c8b9fe7948d237fce0318ff78f7a6d9220c2"]
        ]},
        "config": {
            "keys": [{"kid": "2026-11-a", "secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}],
            "audience": "shop", "max_age": 60, "skew": 5
        },
        "now": 1795307400,
        "expect": "accept",
        "base": "WAFPASS1-HMAC-SHA256\n20261122T003000Z\n2026-11-a\nU7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==\nshop\npass\nGET\n/\n"
    }]}"#;

    fn with(from: &str, to: &str) -> Result<VectorFile, VectorError> {
        assert!(GOOD.contains(from), "{from}");
        VectorFile::parse(GOOD.replace(from, to).as_bytes())
    }

    #[test]
    fn the_runner_passes_a_good_case_and_fails_every_other() {
        with("GET", "GET").unwrap().cases()[0].run().unwrap();
        for (from, to, got) in [
            ("\"target\": \"/\"", "\"target\": \"/a\"", "signature-mismatch"),
            ("1795307400", "1795307500", "expired"),
            (
                "\\nGET\\n/",
                "\\nGET\\n/a",
                "line 8 of the base, expected: \"/a\"\nline 8 of the base, got:      \"/\"",
            ),
            ("GET\\n/\\n", "GET\\n/", "line 9 of the base, expected: no such line"),
            ("\"max_age\": 60", "\"max_age\": 86401", "out of bounds"),
            ("\"skew\": 5", "\"skew\": 5, \"strip_prefix\": \"p\"", "prefix"),
            (
                "GBkaGxwdHh8=",
                "GBkaGxwdHh8",
                "the secret of \"2026-11-a\" is not base64 with padding",
            ),
            ("DxAREhMUFRYXGBkaGxwdHh8=", "", "shorter than 32"),
        ] {
            let failure = with(from, to).unwrap().cases()[0].run().unwrap_err().to_string();
            assert!(failure.contains(got), "{to}: {failure}");
        }
        let (before, _) = GOOD.split_once(",\n        \"base\"").unwrap();
        let without_base = format!("{before} }}]}}");
        for (text, expected) in [
            (
                without_base.replace("\"accept\"", "\"expired\""),
                "expected: expired\ngot:      accept",
            ),
            (
                without_base,
                "expected: accept\ngot:      accept, but the case has no base to compare",
            ),
            (
                GOOD.replace("1795307400", "1795307500").replace("\"accept\"", "\"expired\""),
                "expected: expired\ngot:      expired, but the case has a base",
            ),
        ] {
            let failure = VectorFile::parse(text.as_bytes()).unwrap().cases()[0].run().unwrap_err();
            assert_eq!(failure.to_string(), expected);
        }
    }

    #[test]
    fn files_are_read_strictly() {
        for (from, to, fault) in [
            ("\"now\"", "\"then\"", "unknown field `then`"),
            ("\"kid\"", "\"id\"", "unknown field `id`"),
            ("\"skew\": 5", "\"skew\": 5, \"leeway\": 5", "unknown field `leeway`"),
            ("\"skew\": 5", "\"skew\": 5, \"skew\": 5", "duplicate field `skew`"),
            ("\"skew\": 5", "\"skew\": -5", "invalid value"),
            ("\"skew\": 5", "\"skew\": 5, \"query\": \"some\"", "unknown variant `some`"),
            ("\"host\", \"shop.example\"", "\"host\"", "invalid length 1"),
            ("\"accept\"", "\"acept\"", "expects \"acept\", which is no reason"),
            ("version 1", "version 2", "the spec is \"edge-signature version 2\""),
        ] {
            let fault_found = with(from, to).unwrap_err().to_string();
            assert!(fault_found.contains(fault), "{to}: {fault_found}");
            assert_eq!(fault_found.lines().count(), 2, "{fault_found}");
        }
        let empty = VectorFile::parse(br#"{"spec": "edge-signature version 1", "cases": []}"#);
        assert!(empty.unwrap_err().to_string().starts_with("there is no case in it\n"));
        let case = GOOD.split_once('[').unwrap().1.rsplit_once(']').unwrap().0;
        let twice = format!(r#"{{"spec": "edge-signature version 1", "cases": [{case}, {case}]}}"#);
        assert!(
            VectorFile::parse(twice.as_bytes())
                .unwrap_err()
                .to_string()
                .contains("two cases have the name")
        );
        assert!(VectorFile::parse(b"\xff").is_err());
    }
}
