//! Builds a [`Verifier`]: what has no safe default first, then what may be loosened.

use std::fmt;
use std::sync::Arc;

use super::Verifier;
use crate::canon::{PathPrefix, QueryMode};
use crate::error::ConfigError;
use crate::key::is_label;
use crate::keyring::Keyring;
use crate::limits::DEFAULT_BODY_CAP_BYTES;
use crate::policy::{BodyCoverage, Freshness, HostBinding, RestartBarrier, WafRequirement};
use crate::replay::{Capacity, ReplayStore, ReplayWindow};
use crate::scheme::edge;
use crate::time::UnixTime;

/// A replay store that is there, or one to be made when the policy is known.
enum Replay {
    Window(Capacity),
    Store(Arc<dyn ReplayStore>),
}

/// Builds a [`Verifier`]. What has no safe default was asked for by [`Verifier::builder`]; the rest
/// is strict until it is loosened here.
#[must_use = "nothing is verified before VerifierBuilder::build"]
pub struct VerifierBuilder {
    audience: String,
    keyring: Keyring,
    freshness: Freshness,
    waf: WafRequirement,
    required: Vec<String>,
    prefix: String,
    query: QueryMode,
    host: HostBinding,
    body: BodyCoverage,
    body_cap: usize,
    barrier: RestartBarrier,
    replay: Replay,
}

impl fmt::Debug for VerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder")
            .field("audience", &self.audience)
            .field("keyring", &self.keyring)
            .field("freshness", &self.freshness)
            .finish_non_exhaustive()
    }
}

impl VerifierBuilder {
    pub(super) fn new(audience: &str, keyring: Keyring, freshness: Freshness) -> Self {
        Self {
            audience: audience.into(),
            keyring,
            freshness,
            waf: WafRequirement::default(),
            required: Vec::new(),
            prefix: String::new(),
            query: QueryMode::default(),
            host: HostBinding::default(),
            body: BodyCoverage::default(),
            body_cap: DEFAULT_BODY_CAP_BYTES,
            barrier: RestartBarrier::default(),
            replay: Replay::Window(Capacity::default()),
        }
    }

    /// Whether WAF evidence is required (it is, by default).
    pub const fn waf(mut self, waf: WafRequirement) -> Self {
        self.waf = waf;
        self
    }

    /// Requires every signature to cover the field `name` (lower case).
    pub fn require_header(mut self, name: &str) -> Self {
        self.required.push(name.into());
        self
    }

    /// The path that the CDN puts in front of the viewer's (CloudFront's `OriginPath`), such as
    /// `/prod`. A target without it is refused.
    pub fn strip_prefix(mut self, prefix: &str) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// What of the query is signed (all of it, by default).
    pub const fn query(mut self, query: QueryMode) -> Self {
        self.query = query;
        self
    }

    /// Whether the signed `x-cloud-host` has to be the Host that arrived (not by default).
    pub const fn bind_host(mut self, host: HostBinding) -> Self {
        self.host = host;
        self
    }

    /// Whether a request with a body has to cover it (not by default: most edges cannot).
    pub const fn body_coverage(mut self, body: BodyCoverage) -> Self {
        self.body = body;
        self
    }

    /// Largest body that a covered `content-digest` is checked for, in bytes. The body is held in
    /// memory until it is whole. Default: [`DEFAULT_BODY_CAP_BYTES`].
    pub const fn body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }

    /// How many requests the default replay window remembers. A request over that is refused.
    pub fn replay_capacity(mut self, capacity: Capacity) -> Self {
        self.replay = Replay::Window(capacity);
        self
    }

    /// Another replay store than the default window, or one that several verifiers share.
    pub fn replay_store(mut self, store: Arc<dyn ReplayStore>) -> Self {
        self.replay = Replay::Store(store);
        self
    }

    /// Whether requests signed before the replay store began are refused (they are, by default).
    pub const fn restart_barrier(mut self, barrier: RestartBarrier) -> Self {
        self.barrier = barrier;
        self
    }

    /// The verifier; the default replay window begins now.
    ///
    /// # Errors
    ///
    /// As [`build_at`](Self::build_at).
    #[cfg(feature = "layer")]
    pub fn build(self) -> Result<Verifier, ConfigError> {
        use crate::clock::{Clock, SystemClock};
        self.build_at(SystemClock.now())
    }

    /// The verifier; the default replay window begins at `now`.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] for whatever would not work, or would leave a hole.
    pub fn build_at(self, now: UnixTime) -> Result<Verifier, ConfigError> {
        if !is_label(self.audience.as_bytes()) {
            return Err(ConfigError::Label { what: "audience", text: self.audience });
        }
        if self.body == BodyCoverage::Required && self.body_cap == 0 {
            return Err(ConfigError::BodyCap);
        }
        let retention = self.freshness.retention();
        let replay: Arc<dyn ReplayStore> = match self.replay {
            Replay::Window(capacity) => Arc::new(ReplayWindow::new(retention, capacity, now)?),
            Replay::Store(store) => store,
        };
        let mut stored = replay.retention();
        if !stored.covers(retention) {
            stored = replay.extend(retention);
        }
        if !stored.covers(retention) {
            return Err(ConfigError::ReplayRetention {
                store_max_age_s: stored.max_age_s,
                store_skew_s: stored.skew_s,
                max_age_s: retention.max_age_s,
                skew_s: retention.skew_s,
            });
        }
        Ok(Verifier {
            audience: self.audience.into(),
            keyring: self.keyring,
            freshness: self.freshness,
            waf: self.waf,
            required: edge::coverable(&self.required)?,
            prefix: PathPrefix::new(&self.prefix)?,
            query: self.query,
            host: self.host,
            body: self.body,
            body_cap: self.body_cap,
            barrier: self.barrier,
            replay,
        })
    }
}
