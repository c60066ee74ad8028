//! What a configuration loosens, and why it matters.

use super::Config;
use super::schema::{EvictionWord, NewServerWord, OnFailureWord};
use super::units::Seconds;
use crate::canon::QueryMode;
use crate::key_directory::Permissions;
use crate::policy::{Freshness, RestartBarrier, WafRequirement};
use crate::route::Enforcement;

/// A setting that asks less than the strictest, and what that lets through.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loosened {
    /// The setting, as it is written.
    pub setting: String,
    /// What it lets through, or who else has to be trusted. One sentence.
    pub why: &'static str,
}

impl Config {
    /// What it loosens from the strictest, worst first.
    #[must_use]
    pub fn loosened(&self) -> Vec<Loosened> {
        let mut found = Vec::new();
        let mut add = |is_so: bool, setting: &str, why| {
            if is_so {
                found.push(Loosened { setting: setting.into(), why });
            }
        };
        let settings = &self.settings;
        add(
            settings.routes.rest() == Enforcement::ReportOnly,
            "enforcement = \"report-only\"",
            "requests on no route are logged and counted, and all of them pass",
        );
        for route in settings.routes.iter() {
            let why = match route.enforcement() {
                Enforcement::Exempt => "these requests are not verified: anybody can send them",
                _ => "these requests are logged and counted, and all of them pass",
            };
            let is_loose = route.enforcement() != Enforcement::Enforce;
            add(is_loose, &format!("{} {route}", route.enforcement()), why);
        }
        add(
            settings.waf == WafRequirement::NotRequired,
            "waf.evidence = \"not-required\"",
            "requests pass that no WAF has seen, such as when the web ACL is detached",
        );
        add(
            settings.store.barrier == RestartBarrier::InsecureOff,
            "replay.restart_barrier = \"insecure-off\"",
            "what was captured before a restart can be replayed once after it",
        );
        if let Some(redis) = &settings.store.redis {
            add(
                redis.on_failure == OnFailureWord::LocalOnly,
                "replay.redis.on_failure = \"local-only\"",
                "while Redis does not answer, each origin takes the same signature once",
            );
            add(
                redis.takes_plaintext,
                "replay.redis.insecure_plaintext = true",
                "whoever sits between the origin and Redis can let a replay through",
            );
            add(
                redis.new_server == NewServerWord::Trust,
                "replay.redis.new_server = \"trust\"",
                "a server that lost entries in a fail-over lets their signatures in again",
            );
            add(
                redis.eviction == EvictionWord::AssertNoEviction,
                "replay.redis.eviction = \"assert-no-eviction\"",
                "a server that does evict lets the signatures in again that it drops",
            );
        }
        let age_s = settings.freshness.retention().max_age_s;
        let uses = settings.freshness.uses_of(b"GET", false).get();
        add(
            age_s > Freshness::strict().retention().max_age_s,
            &format!("max_age {}", Seconds(age_s)),
            "a captured request that did not arrive can be sent for longer than the 60 s of `strict`",
        );
        add(
            uses > 1,
            &format!("{uses} uses of GET, HEAD and OPTIONS"),
            "the CDN's own retries get through, and so do as many replays of a captured one",
        );
        add(
            settings.signature.query == QueryMode::None,
            "signature.query = \"none\"",
            "whatever query arrives is taken; the CDN must not forward any",
        );
        add(
            settings.keys.permissions == Permissions::MountedForGroup,
            "keys.permissions = \"mounted-for-group\"",
            "whoever is in the group that can read the keys can sign",
        );
        add(
            settings.explain.is_some(),
            "[explain]",
            "until its moment comes, the log holds digests of what refused requests were made of",
        );
        found
    }
}
