//! From the schema to what the library takes: every fault of meaning, each at its place.

use std::path::Path;
use std::time::Duration;

use http::StatusCode;

use super::collector;
use super::fault::Faults;
use super::freshness::freshness;
use super::keys::{self, Sources};
use super::routes::routes;
use super::schema::{
    BodyWord, Document, Evidence, Explain, HostWord, Limits, QueryWord, Reload, SignatureTable,
    TelemetryTable,
};
use super::store::{self, Store};
use crate::canon::{PathPrefix, QueryMode};
use crate::error::ConfigError;
use crate::key::{KeyId, is_label};
use crate::layer::Refusal;
use crate::limits::{
    DEFAULT_LOGGED_PER_SECOND, MAX_EXPLAIN_S, MAX_EXPLAINED_PER_MINUTE, MAX_LOGGED_PER_SECOND,
};
use crate::policy::{BodyCoverage, Freshness, HostBinding, WafRequirement};
use crate::route::Routes;
use crate::scheme::edge;
use crate::time::UnixTime;

/// How a changed file takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReloadSettings {
    /// Whether [`Config::files`](super::Config::files) are watched.
    pub watch: bool,
    /// Time between two looks at them, where the file system tells of no changes, in seconds.
    pub poll_s: u32,
}

impl ReloadSettings {
    /// Time between two looks at the files.
    #[must_use]
    pub fn poll(self) -> Duration {
        Duration::from_secs(self.poll_s.into())
    }
}

/// Refusals that the log explains, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExplainSettings {
    /// The key, or the root, whose refusals are explained.
    pub key_id: KeyId,
    /// Until when. It may have passed: then nothing is explained.
    pub until: UnixTime,
    /// Records in a minute.
    pub per_minute: u32,
}

/// What a configuration says, checked.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) audience: String,
    pub(super) keys: Sources,
    pub(super) freshness: Freshness,
    pub(super) waf: WafRequirement,
    pub(super) signature: Signature,
    pub(super) routes: Routes,
    pub(super) store: Store,
    pub(super) body_cap: usize,
    pub(super) refusal: Refusal,
    pub(super) logged_per_second: u32,
    pub(super) reload: ReloadSettings,
    pub(super) explain: Option<ExplainSettings>,
}

/// What a signature has to cover.
#[derive(Clone)]
pub(super) struct Signature {
    pub(super) required_headers: Vec<String>,
    pub(super) strip_prefix: String,
    pub(super) query: QueryMode,
    pub(super) host: HostBinding,
    pub(super) body: BodyCoverage,
}

/// Checks all of it, also after a fault. `base` is where relative paths begin.
pub(super) fn settings(
    document: Document,
    base: &Path,
    now: UnixTime,
    faults: &mut Faults<'_>,
) -> Option<Settings> {
    let audience = audience(document.audience, faults);
    let keys = keys::sources(document.keys, audience.as_deref().unwrap_or(""), base, faults);
    let freshness = freshness(&document.freshness, faults);
    let waf = match document.waf.evidence {
        Evidence::Required => WafRequirement::Required,
        Evidence::NotRequired => WafRequirement::NotRequired,
    };
    let signature = signature(document.signature, faults);
    let body_cap = body_cap(&document.limits, signature.body, faults);
    let routes = routes(document.enforcement, &document.routes, faults);
    let store = store::store(document.replay, freshness, base, faults);
    let refusal = refusal(document.refusal.status, faults);
    let logged_per_second = logged_per_second(&document.telemetry, faults);
    let reload = reload(&document.reload, faults);
    let explain = document.explain.map(|table| explain(&table, now, faults));
    // An origin runs no collector, but what is wrong in the file is told.
    let collector = document.collector.map(|table| collector::settings(table, base, faults));
    if matches!(collector, Some(None)) {
        return None;
    }
    Some(Settings {
        audience: audience?,
        keys,
        freshness: freshness?,
        waf,
        signature,
        routes: routes?,
        store: store?,
        body_cap: body_cap?,
        refusal: refusal?,
        logged_per_second,
        reload,
        explain: match explain {
            Some(explain) => Some(explain?),
            None => None,
        },
    })
}

fn audience(audience: Option<String>, faults: &mut Faults<'_>) -> Option<String> {
    let Some(audience) = audience else {
        let fault = "there is no `audience`, the name of this site or origin";
        faults.add(
            "audience",
            fault,
            "write audience = \"shop\" in the first lines, as the edge has it",
        );
        return None;
    };
    if !is_label(audience.as_bytes()) {
        faults.add_error("audience", &ConfigError::Label { what: "audience", text: audience });
        return None;
    }
    Some(audience)
}

fn signature(table: SignatureTable, faults: &mut Faults<'_>) -> Signature {
    for (place, name) in table.required_headers.iter().enumerate() {
        let at = format!("signature.required_headers[{place}]");
        faults.take(&at, edge::coverable(std::slice::from_ref(name)));
    }
    if faults.is_empty() {
        faults.take("signature.required_headers", edge::coverable(&table.required_headers));
    }
    faults.take("signature.strip_prefix", PathPrefix::new(&table.strip_prefix));
    let body = match table.body {
        BodyWord::WhenCovered => BodyCoverage::WhenCovered,
        BodyWord::Required => BodyCoverage::Required,
    };
    Signature {
        required_headers: table.required_headers,
        strip_prefix: table.strip_prefix,
        query: match table.query {
            QueryWord::All => QueryMode::All,
            QueryWord::None => QueryMode::None,
        },
        host: match table.host {
            HostWord::Unbound => HostBinding::Unbound,
            HostWord::Bound => HostBinding::Bound,
        },
        body,
    }
}

fn body_cap(table: &Limits, body: BodyCoverage, faults: &mut Faults<'_>) -> Option<usize> {
    let at = "limits.body_cap";
    if body == BodyCoverage::Required && table.body_cap.0 == 0 {
        faults.add_error(at, &ConfigError::BodyCap);
    }
    let Ok(body_cap) = usize::try_from(table.body_cap.0) else {
        let fault = "that is more than this machine can hold";
        faults.add(at, fault, "set it to the largest body that the application takes");
        return None;
    };
    Some(body_cap)
}

fn refusal(status: u16, faults: &mut Faults<'_>) -> Option<Refusal> {
    let refusal = match StatusCode::from_u16(status) {
        Ok(status) => Refusal::with_status(status),
        Err(_) => Err(ConfigError::RefusalStatus { status }),
    };
    faults.take("refusal.status", refusal)
}

fn logged_per_second(table: &TelemetryTable, faults: &mut Faults<'_>) -> u32 {
    let events = table.logged_per_second;
    if events > MAX_LOGGED_PER_SECOND {
        let fault =
            format!("{events} logged refusals of each reason in a second are too many for a log");
        let way_out = format!(
            "allow {MAX_LOGGED_PER_SECOND} at most; {DEFAULT_LOGGED_PER_SECOND} is the default, and counters are exact whatever is logged"
        );
        faults.add("telemetry.logged_per_second", fault, way_out);
    }
    events
}

const MAX_POLL_S: u32 = 3_600;

fn reload(table: &Reload, faults: &mut Faults<'_>) -> ReloadSettings {
    if !(1..=MAX_POLL_S).contains(&table.poll.0) {
        let fault = format!("looking every {} is out of bounds", table.poll);
        faults.add("reload.poll", fault, "keep it within 1s to 1h; 10s is the default");
    }
    ReloadSettings { watch: table.watch, poll_s: table.poll.0 }
}

fn explain(table: &Explain, now: UnixTime, faults: &mut Faults<'_>) -> Option<ExplainSettings> {
    let Explain { key_id, until, per_minute } = table;
    if cfg!(not(feature = "explain")) {
        let fault = "this program is built without the feature `explain`";
        faults.add("explain", fault, "build it with that feature, or take [explain] out");
    }
    if !(1..=MAX_EXPLAINED_PER_MINUTE).contains(per_minute) {
        let error = ConfigError::ExplainRate { per_minute: *per_minute };
        faults.add_error("explain.per_minute", &error);
    }
    if key_id.is_none() {
        let fault = "[explain] does not say of which key";
        faults.add("explain.key_id", fault, "write key_id, one of the keys; or take [explain] out");
    }
    let key_id = key_id.as_deref().and_then(|id| faults.take("explain.key_id", KeyId::new(id)));
    let Some(until) = until else {
        let fault = "[explain] does not say until when";
        faults.add("explain.until", fault, "write a moment in UTC, an hour ahead at most");
        return None;
    };
    let ahead_s = until.0.seconds_since(now);
    if ahead_s > MAX_EXPLAIN_S {
        faults.add_error("explain.until", &ConfigError::ExplainUntil { ahead_s });
    }
    Some(ExplainSettings { key_id: key_id?, until: until.0, per_minute: *per_minute })
}
