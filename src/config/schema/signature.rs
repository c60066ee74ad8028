//! `[signature]`: what a signature has to cover.

use serde::{Deserialize, Serialize};

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(crate) struct SignatureTable {
    /// Header fields that every signature has to cover, in lower case.
    pub(crate) required_headers: Vec<String>,
    /// The path that the CDN puts in front of the viewer's, such as `/prod` (CloudFront's origin path).
    pub(crate) strip_prefix: String,
    /// What of the query is signed: `all`, or `none` where the CDN does not forward it.
    pub(crate) query: QueryWord,
    /// `bound`: the signed `x-cloud-host` has to be the Host that arrives. `unbound`: it may differ.
    pub(crate) host: HostWord,
    /// `when-covered`: a body that the signature covers is checked. `required`: every body has to be
    /// covered, which CloudFront Functions cannot do.
    pub(crate) body: BodyWord,
}

impl Default for SignatureTable {
    fn default() -> Self {
        Self {
            required_headers: Vec::new(),
            strip_prefix: String::new(),
            query: QueryWord::All,
            host: HostWord::Unbound,
            body: BodyWord::WhenCovered,
        }
    }
}

/// What of the query is signed.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum QueryWord {
    /// All of it, raw.
    All,
    /// Nothing: anybody can change it on the way.
    None,
}

/// Whether the signed host has to be the Host.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HostWord {
    /// It may differ.
    Unbound,
    /// It has to.
    Bound,
}

/// Whether bodies have to be covered.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum BodyWord {
    /// Those that are covered are checked.
    WhenCovered,
    /// Those that are not are refused.
    Required,
}
