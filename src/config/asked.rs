//! What a configuration asks, setting by setting.

use super::Config;
use super::schema::Backend;
use super::settings::{ExplainSettings, ReloadSettings};
use crate::canon::QueryMode;
use crate::layer::Refusal;
use crate::policy::{BodyCoverage, Freshness, HostBinding, RestartBarrier, WafRequirement};
use crate::replay::Capacity;
use crate::route::Routes;

impl Config {
    /// Name of this site or origin.
    #[must_use]
    pub fn audience(&self) -> &str {
        &self.settings.audience
    }

    /// How old a signature may be, and how often it may be used.
    #[must_use]
    pub const fn freshness(&self) -> Freshness {
        self.settings.freshness
    }

    /// What is asked on which path.
    #[must_use]
    pub const fn routes(&self) -> &Routes {
        &self.settings.routes
    }

    /// Whether WAF evidence is required.
    #[must_use]
    pub const fn waf(&self) -> WafRequirement {
        self.settings.waf
    }

    /// How often GET, HEAD and OPTIONS may use one signature.
    #[must_use]
    pub fn uses(&self) -> u8 {
        self.settings.freshness.uses_of(b"GET", false).get()
    }

    /// Header fields that every signature has to cover.
    #[must_use]
    pub fn required_headers(&self) -> &[String] {
        &self.settings.signature.required_headers
    }

    /// Whether the signed host has to be the Host.
    #[must_use]
    pub const fn host(&self) -> HostBinding {
        self.settings.signature.host
    }

    /// Whether bodies have to be covered.
    #[must_use]
    pub const fn body(&self) -> BodyCoverage {
        self.settings.signature.body
    }

    /// Largest body that is checked, in bytes.
    #[must_use]
    pub const fn body_cap(&self) -> usize {
        self.settings.body_cap
    }

    /// The path that the CDN puts in front of the viewer's; empty for none.
    #[must_use]
    pub fn strip_prefix(&self) -> &str {
        &self.settings.signature.strip_prefix
    }

    /// What of the query is signed.
    #[must_use]
    pub const fn query(&self) -> QueryMode {
        self.settings.signature.query
    }

    /// What a refused request gets.
    #[must_use]
    pub const fn refusal(&self) -> Refusal {
        self.settings.refusal
    }

    /// Which replay store it asks for: `window`, `moka` or `redis`.
    #[must_use]
    pub const fn replay_backend(&self) -> &'static str {
        match self.settings.store.backend {
            Backend::Window => "window",
            Backend::Moka => "moka",
            Backend::Redis => "redis",
        }
    }

    /// How many requests the replay store has room for.
    #[must_use]
    pub const fn replay_capacity(&self) -> Capacity {
        self.settings.store.capacity
    }

    /// Whether what was signed before the replay store began is refused.
    #[must_use]
    pub const fn restart_barrier(&self) -> RestartBarrier {
        self.settings.store.barrier
    }

    /// Refusals of each reason that are logged in a second; 0 for none.
    #[must_use]
    pub const fn logged_per_second(&self) -> u32 {
        self.settings.logged_per_second
    }

    /// How a changed file takes effect.
    #[must_use]
    pub const fn reload(&self) -> ReloadSettings {
        self.settings.reload
    }

    /// Refusals that the log explains; none, as a rule.
    #[must_use]
    pub const fn explain(&self) -> Option<ExplainSettings> {
        self.settings.explain
    }
}
