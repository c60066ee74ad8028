//! From the schema to what the library takes: every fault of meaning, each at its place.

use std::path::Path;

use http::{Method, StatusCode};

use super::fault::Faults;
use super::freshness::freshness;
use super::keys::{self, Sources};
use super::schema::{
    BodyWord, Document, Evidence, Explain, HostWord, Mode, QueryWord, Reload, RouteTable,
    SignatureTable,
};
use super::store::{self, Store};
use super::{ExplainSettings, ReloadSettings};
use crate::canon::{PathPrefix, QueryMode};
use crate::error::ConfigError;
use crate::key::{KeyId, is_label};
use crate::layer::Refusal;
use crate::limits::{MAX_EXPLAIN_S, MAX_EXPLAINED_PER_MINUTE};
use crate::policy::{BodyCoverage, Freshness, HostBinding, WafRequirement};
use crate::route::{Enforcement, Route, Routes};
use crate::scheme::edge;
use crate::time::UnixTime;

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
    pub(super) refusal: Refusal,
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
    pub(super) body_cap: usize,
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
    let routes = routes(document.enforcement, &document.routes, faults);
    let store = store::store(document.replay, freshness, base, faults);
    let refusal = refusal(document.refusal.status, faults);
    let reload = reload(&document.reload, faults);
    let explain = document.explain.map(|table| explain(&table, now, faults));
    Some(Settings {
        audience: audience?,
        keys,
        freshness: freshness?,
        waf,
        signature: signature?,
        routes: routes?,
        store: store?,
        refusal: refusal?,
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

fn signature(table: SignatureTable, faults: &mut Faults<'_>) -> Option<Signature> {
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
    if body == BodyCoverage::Required && table.body_cap.0 == 0 {
        faults.add_error("signature.body_cap", &ConfigError::BodyCap);
    }
    let Ok(body_cap) = usize::try_from(table.body_cap.0) else {
        let fault = "that is more than this machine can hold";
        faults.add(
            "signature.body_cap",
            fault,
            "set it to the largest body that the application takes",
        );
        return None;
    };
    Some(Signature {
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
        body_cap,
    })
}

impl From<Mode> for Enforcement {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Enforce => Self::Enforce,
            Mode::ReportOnly => Self::ReportOnly,
            Mode::Exempt => Self::Exempt,
        }
    }
}

fn routes(rest: Mode, tables: &[RouteTable], faults: &mut Faults<'_>) -> Option<Routes> {
    let rest = faults.take("enforcement", Routes::new(rest.into()));
    let mut routes = rest.clone().unwrap_or_default();
    for (place, table) in tables.iter().enumerate() {
        let at = format!("routes[{place}]");
        let Some((key, route)) = route(table, &at, faults) else { continue };
        match routes.clone().with(route) {
            Ok(more) => routes = more,
            Err(error) => faults.add_error(&format!("{at}.{key}"), &error),
        }
    }
    rest.map(|_| routes)
}

/// A route, and the key that names its path.
fn route(table: &RouteTable, at: &str, faults: &mut Faults<'_>) -> Option<(&'static str, Route)> {
    let methods = methods(table, at, faults);
    let Some(mode) = table.enforcement else {
        let fault = "this route does not say what is asked on it";
        let way_out = "write enforcement = \"enforce\", \"report-only\" or \"exempt\"";
        faults.add(&format!("{at}.enforcement"), fault, way_out);
        return None;
    };
    let (key, route) = match (&table.path, &table.prefix) {
        (Some(path), None) => ("path", Route::exact(path, mode.into())),
        (None, Some(prefix)) => {
            refuse_everything(prefix, mode, at, faults);
            ("prefix", Route::prefix(prefix, mode.into()))
        }
        (None, None) => {
            faults.add(
                at,
                "this route has no path",
                "write path = \"/health\", or prefix = \"/assets/\"",
            );
            return None;
        }
        (Some(_), Some(_)) => {
            let fault = "a route has a `path` or a `prefix`, and not both";
            faults.add(&format!("{at}.prefix"), fault, "make two routes of it");
            return None;
        }
    };
    let route = faults.take(&format!("{at}.{key}"), route)?;
    Some((key, methods.into_iter().fold(route, Route::method)))
}

/// A loosened `/` is the loosening of everything, which has a place of its own.
fn refuse_everything(prefix: &str, mode: Mode, at: &str, faults: &mut Faults<'_>) {
    let at = format!("{at}.prefix");
    match mode {
        Mode::Exempt if prefix == "/" => faults.add(
            &at,
            "every path begins with /: everything would be exempt, and nothing verified",
            "exempt single paths",
        ),
        Mode::ReportOnly if prefix == "/" => faults.add(
            &at,
            "every path begins with /: everybody would get through everywhere",
            "say so where it is seen: enforcement = \"report-only\" in the first lines",
        ),
        _ => {}
    }
}

fn methods(table: &RouteTable, at: &str, faults: &mut Faults<'_>) -> Vec<Method> {
    let Some(names) = &table.methods else {
        return Vec::new();
    };
    if names.is_empty() {
        let fault = "a route for no method holds for no request";
        faults.add(&format!("{at}.methods"), fault, "leave `methods` out for any method");
    }
    let mut methods = Vec::new();
    for (place, name) in names.iter().enumerate() {
        let at = format!("{at}.methods[{place}]");
        let is_lower = name.bytes().any(|byte| byte.is_ascii_lowercase());
        match Method::from_bytes(name.as_bytes()) {
            Ok(_) if is_lower => faults.add(
                &at,
                format!("the method {name:?} is not one that clients send: case counts"),
                format!("write \"{}\"", name.to_ascii_uppercase()),
            ),
            Ok(method) => methods.push(method),
            Err(_) => faults.add(
                &at,
                format!("the method {name:?} is not one"),
                "write it as it is sent, such as \"GET\"",
            ),
        }
    }
    methods
}

fn refusal(status: u16, faults: &mut Faults<'_>) -> Option<Refusal> {
    let refusal = match StatusCode::from_u16(status) {
        Ok(status) => Refusal::with_status(status),
        Err(_) => Err(ConfigError::RefusalStatus { status }),
    };
    faults.take("refusal.status", refusal)
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
