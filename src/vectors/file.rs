//! The format: strict, so that no typing error passes for a test.

use serde::Deserialize;

use crate::rejection::RejectionKind;

const SPEC: &str = "edge-signature version 1";

/// What a case expects of a request that passes.
pub(super) const ACCEPT: &str = "accept";

/// A vector file (edge signature §5).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorFile {
    spec: String,
    #[serde(default)]
    derivations: Vec<Derivation>,
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
        }
        for name in file.names() {
            if file.names().filter(|other| *other == name).count() > 1 {
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

    /// The keys that the file derives, in its order.
    #[must_use]
    pub fn derivations(&self) -> &[Derivation] {
        &self.derivations
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.derivations.iter().map(Derivation::name).chain(self.cases.iter().map(Case::name))
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
    pub(super) request: Request,
    pub(super) config: Config,
    pub(super) now: i64,
    pub(super) expect: String,
    pub(super) base: Option<String>,
}

/// A derived key: a root secret, an id, an audience, and the key that has to come of it (§6).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Derivation {
    name: String,
    pub(super) secret: String,
    pub(super) kid: String,
    pub(super) aud: String,
    pub(super) key: String,
}

impl Derivation {
    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) headers: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    pub(super) keys: Vec<KeyEntry>,
    #[serde(default)]
    pub(super) roots: Vec<RootEntry>,
    pub(super) audience: String,
    pub(super) max_age: u32,
    pub(super) skew: u32,
    #[serde(default = "yes")]
    pub(super) require_waf: bool,
    #[serde(default)]
    pub(super) required_headers: Vec<String>,
    #[serde(default)]
    pub(super) strip_prefix: String,
    #[serde(default)]
    pub(super) query: Query,
    #[serde(default)]
    pub(super) bind_host: bool,
}

const fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    pub(super) kid: String,
    pub(super) secret: String,
    pub(super) not_before: Option<i64>,
    pub(super) not_after: Option<i64>,
    #[serde(default)]
    pub(super) revoked: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RootEntry {
    pub(super) kid: String,
    pub(super) secret: String,
    pub(super) overlap: Option<u32>,
    pub(super) not_before: Option<i64>,
    pub(super) not_after: Option<i64>,
    #[serde(default)]
    pub(super) revoked: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Query {
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
}
