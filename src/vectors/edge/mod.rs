//! Edge signatures: cases, and derived keys (edge signature §5).

mod run;

use serde::Deserialize;

use super::{Failure, VectorError, checked, read};
use crate::rejection::RejectionKind;

/// The `spec` of such a file.
pub(super) const SPEC: &str = "edge-signature version 1";

/// What a case expects of a request that passes.
const ACCEPT: &str = "accept";

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    #[serde(rename = "spec")]
    _spec: String,
    #[serde(default)]
    derivations: Vec<Derivation>,
    cases: Vec<Case>,
}

impl File {
    pub(super) fn parse(text: &[u8]) -> Result<Self, VectorError> {
        let file: Self =
            read(text, "see \"Vector files\" in the wire format for the fields there are")?;
        let names = file.derivations.iter().map(|one| one.name.as_str());
        checked(names.chain(file.cases.iter().map(|case| case.name.as_str())), file.cases.len())?;
        for Case { name, expect, .. } in &file.cases {
            let is_reason = RejectionKind::ALL.iter().any(|kind| kind.code() == expect);
            if expect != ACCEPT && !is_reason {
                return Err(VectorError(format!(
                    "the case {name:?} expects {expect:?}, which is no reason\nexpect `accept` or a reason code of the wire format"
                )));
            }
        }
        Ok(file)
    }

    pub(super) fn run(&self) -> impl Iterator<Item = (&str, Result<(), Failure>)> {
        let derivations = self.derivations.iter().map(|one| (one.name.as_str(), one.run()));
        derivations.chain(self.cases.iter().map(|case| (case.name.as_str(), case.run())))
    }
}

/// One case: a request, a configuration, a moment, and what has to come of it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    request: Request,
    config: Config,
    now: i64,
    expect: String,
    base: Option<String>,
}

/// A derived key: a root secret, an id, an audience, and the key that has to come of it (§6).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Derivation {
    name: String,
    secret: String,
    kid: String,
    aud: String,
    key: String,
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
    #[serde(default)]
    roots: Vec<RootEntry>,
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

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootEntry {
    kid: String,
    secret: String,
    overlap: Option<u32>,
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
