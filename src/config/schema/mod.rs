//! The schema of `wafpass.toml`: what can be written, and what counts where it is left out.
//!
//! The doc comments here are the descriptions in the JSON Schema.

mod collector;
#[cfg(feature = "schema")]
mod json;
mod keys;
mod redis;
mod replay;
mod signature;

pub(super) use self::collector::{
    ClickHouse, Collector, CollectorLimits, DEFAULT_ADMIN_PORT, DEFAULT_CONNECTIONS, DEFAULT_DATA,
    DEFAULT_HEAD_S, DEFAULT_MIN_FREE_BYTES, DEFAULT_PORT, DEFAULT_SHUTDOWN_S, DEFAULT_WRITE_S,
    LogWord, StoreWord, Tls,
};
#[cfg(feature = "schema")]
pub(super) use self::json::json_schema;
pub(super) use self::keys::{Derive, InlineKey, Keys, PermissionsWord};
pub(super) use self::redis::{EvictionWord, NewServerWord, OnFailureWord, Redis};
pub(super) use self::replay::{Backend, Barrier, Replay};
pub(super) use self::signature::{BodyWord, HostWord, QueryWord, SignatureTable};

use serde::{Deserialize, Serialize};

use super::preset::Preset;
use super::units::{Bytes, Moment, Seconds};
use crate::limits::{
    DEFAULT_BODY_CAP_BYTES, DEFAULT_EXPLAINED_PER_MINUTE, DEFAULT_LOGGED_PER_SECOND,
};

/// What an origin asks of its requests, and how a collector is run. A file is of use to an origin when it
/// has audience, keys and freshness, to a collector alone with nothing but its section.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(title = "wafpass.toml", extend("anyOf" = json::whole()))
)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Document {
    /// Where an editor finds the JSON Schema of this file. Not read otherwise.
    #[serde(rename = "$schema")]
    pub(super) _schema: Option<String>,
    /// Name of this site or origin, which every signature carries: 1 to 64 of A-Z a-z 0-9 - _ .
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(super) audience: Option<String>,
    /// What becomes of requests on no route that are refused: `enforce`, or `report-only` for a
    /// roll-out, in which everybody gets through.
    #[cfg_attr(feature = "schema", schemars(with = "json::Rest"))]
    pub(super) enforcement: Mode,
    /// Where the keys come from. At least one source; all of them count together.
    pub(super) keys: Keys,
    /// How old a signature may be, and how often it may be used. One of: `preset`; `attempts` and the
    /// timeouts; `max_age`. There is no default.
    pub(super) freshness: FreshnessTable,
    /// Evidence that the WAF let the request through.
    pub(super) waf: Waf,
    /// What a signature has to cover.
    pub(super) signature: SignatureTable,
    /// What is asked on single paths.
    pub(super) routes: Vec<RouteTable>,
    /// What remembers the signatures that were used.
    pub(super) replay: Replay,
    /// What bounds the work that one request can ask for.
    pub(super) limits: Limits,
    /// What a refused request gets.
    pub(super) refusal: RefusalTable,
    /// What the log tells.
    pub(super) telemetry: TelemetryTable,
    /// How a changed file takes effect in a running origin.
    pub(super) reload: Reload,
    /// Refusals that the log explains for a while. None where it is left out.
    pub(super) explain: Option<Explain>,
    /// `wafpass collector`, the service that takes sealed events in. None where it is left out.
    pub(super) collector: Option<Collector>,
}

/// What becomes of a request that is refused.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is logged and counted, and passes: open to everybody meanwhile.
    ReportOnly,
    /// It is not verified at all.
    Exempt,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct FreshnessTable {
    /// `strict` (60 s, one use), `cloudfront` (90 s, three uses of GET, HEAD and OPTIONS) or
    /// `cloudfront-origin-group` (210 s, six uses); 5 s of skew each.
    pub(super) preset: Option<Preset>,
    /// How often the CDN tries each origin (CloudFront: 3 unless set). `max_age` and `uses` follow from
    /// it, with `connection_timeout` and `response_timeout`.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 15)))]
    pub(super) attempts: Option<u8>,
    /// How many origins the CDN tries: 2 for an origin group. 1 unless set.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 15)))]
    pub(super) origins: Option<u8>,
    /// How long the CDN waits for a connection (CloudFront: 10s unless set).
    pub(super) connection_timeout: Option<Seconds>,
    /// How long the CDN waits for a response (CloudFront: 30s unless set).
    pub(super) response_timeout: Option<Seconds>,
    /// Oldest signature that is accepted: 1d at most.
    pub(super) max_age: Option<Seconds>,
    /// How far ahead of this clock a signature may be, beside `max_age`: 5s unless set, 1h at most.
    pub(super) skew: Option<Seconds>,
    /// How often GET, HEAD and OPTIONS may use one signature, beside `max_age`: 1 unless set.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 15)))]
    pub(super) uses: Option<u8>,
}

#[derive(Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Waf {
    /// `required`: the edge has to have seen that the WAF let the request through. `not-required`: it
    /// passes without, also when the web ACL was detached.
    pub(super) evidence: Evidence,
}

/// Whether WAF evidence is required.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Evidence {
    /// A request without it is refused.
    #[default]
    Required,
    /// A request without it passes.
    NotRequired,
}

/// What is asked on one path, or under one. An exact path comes before a prefix, the longer prefix
/// before the shorter one, whatever the order in this file.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["enforcement"])))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RouteTable {
    /// The path, byte by byte as it arrives. Either this or `prefix`.
    pub(super) path: Option<String>,
    /// What the path begins with. Ends with `/`.
    pub(super) prefix: Option<String>,
    /// Only requests with one of these methods; with any where it is left out.
    pub(super) methods: Option<Vec<String>>,
    /// `enforce`, `report-only`, or `exempt`, which is not verified at all.
    #[cfg_attr(feature = "schema", schemars(with = "Mode"))]
    pub(super) enforcement: Option<Mode>,
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Limits {
    /// Largest body that is checked. It is held in memory until it is whole.
    pub(super) body_cap: Bytes,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body_cap: Bytes(u64::try_from(DEFAULT_BODY_CAP_BYTES).unwrap_or(u64::MAX)) }
    }
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RefusalTable {
    /// The status: a 4xx other than 404 and 414, which CDNs cache. 401 where 403 makes the CDN fail over.
    #[cfg_attr(feature = "schema", schemars(range(min = 400, max = 499)))]
    pub(super) status: u16,
}

impl Default for RefusalTable {
    fn default() -> Self {
        Self { status: 403 }
    }
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct TelemetryTable {
    /// Refusals of each reason that the log tells in a second: 0, for none, to 1000. Counters are exact
    /// whatever is logged.
    #[cfg_attr(feature = "schema", schemars(range(max = 1000)))]
    pub(super) logged_per_second: u32,
}

impl Default for TelemetryTable {
    fn default() -> Self {
        Self { logged_per_second: DEFAULT_LOGGED_PER_SECOND }
    }
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Reload {
    /// Whether this file, and those that it names, are watched. A SIGHUP is heard either way.
    pub(super) watch: bool,
    /// How often they are looked at where the file system tells of no changes: 1s to 1h.
    pub(super) poll: Seconds,
}

impl Default for Reload {
    fn default() -> Self {
        Self { watch: true, poll: Seconds(10) }
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["key_id", "until"])))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Explain {
    /// The key whose refusals are explained; the id of a root stands for all keys derived from it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(super) key_id: Option<String>,
    /// Until when: an hour ahead at most. Afterwards nothing is explained, and the file still loads.
    #[cfg_attr(feature = "schema", schemars(with = "Moment"))]
    pub(super) until: Option<Moment>,
    /// Records in a minute: 1 to 600.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 600)))]
    pub(super) per_minute: u32,
}

impl Default for Explain {
    fn default() -> Self {
        Self { key_id: None, until: None, per_minute: DEFAULT_EXPLAINED_PER_MINUTE }
    }
}
