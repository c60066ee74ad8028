//! What an operator sees: exact counts, metrics, sampled log events, and how the clocks agree.
//!
//! - **Counts** are exact, whatever is logged: by verdict, reason, route and key. They outlive a
//!   reload. [`Summary`] shows them; it is what a roll-out in report-only is judged by.
//! - **Metrics** go to the recorder of the `metrics` facade, with the feature `metrics`; [`names`] has
//!   them all. Labels are bounded: routes and keys are those of the configuration, and whatever else a
//!   stranger names as a key counts under the empty label. A key from which the keys of a day are
//!   derived counts under its own id.
//! - **Log events** have the target `wafpass::refused`, and the fields `enforcement` (`report-only` for a
//!   request that passed all the same), `reason`, `route`, `key_id`, `nonce` (in CloudFront the request
//!   id) and `age_s`. At most ten of each reason in a second
//!   ([`Perimeter::logged_per_second`](crate::Perimeter::logged_per_second)), so that a flood fills no disk; `suppressed` says how many came before and were not logged.
//! - **Clocks**: the median age of signatures, by key, says how far the edge's clock and this one
//!   differ. A warning under `wafpass::clock` comes before requests begin to be refused.
//!
//! Nothing here holds a secret, a signature, or a query.

mod ages;
pub(crate) mod instruments;
mod log;
pub mod names;
#[cfg(feature = "prometheus")]
mod prometheus;
mod summary;
mod table;

#[cfg(feature = "prometheus")]
pub use self::prometheus::Prometheus;
pub use self::summary::{Summary, SummaryRow, Verdict};

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use http::HeaderMap;

use crate::key::KeyId;
use crate::rejection::Rejection;
use crate::replay::{Health, ReplayStore};
use crate::route::{Enforcement, Routes};
use crate::time::UnixTime;
use crate::verified::Verified;
use crate::verify::Verifier;

use self::ages::Drift;
pub(crate) use self::instruments::Stopwatch;
use self::instruments::{Counter, Gauge};
use self::log::LogBudget;
pub(crate) use self::table::Bound;
use self::table::Table;

/// Seconds between two looks at what is not counted as it happens: replay entries, clocks.
const OBSERVED_EVERY_S: i64 = 10;

/// What one perimeter has counted since it began.
pub struct Telemetry {
    table: Table,
    log: LogBudget,
    /// When to look next.
    next_look: AtomicI64,
    started: UnixTime,
    started_metric: Gauge,
    replay_entries: Gauge,
    replay_capacity: Gauge,
    shared: SharedStore,
    suppressed: Counter,
    reloads: Reloads,
}

/// What a replay store that other origins share says of itself.
#[derive(Default)]
struct SharedStore {
    connected: Gauge,
    degraded: Gauge,
    unwritten: Gauge,
    asked: Counter,
    failed: Counter,
    opened: Counter,
    decided_locally: Counter,
    written_back: Counter,
}

impl SharedStore {
    fn show(&self, health: &Health) {
        self.connected.set(names::SHARED_CONNECTED, || [], health.is_connected.into());
        self.degraded.set(names::SHARED_DEGRADED, || [], health.is_degraded.into());
        let unwritten = i64::try_from(health.unwritten).unwrap_or(i64::MAX);
        self.unwritten.set(names::SHARED_UNWRITTEN, || [], unwritten);
        self.asked.reach(names::SHARED_ASKED, health.asked);
        self.failed.reach(names::SHARED_FAILED, health.failed);
        self.opened.reach(names::SHARED_OPENED, health.opened);
        self.decided_locally.reach(names::SHARED_DECIDED_LOCALLY, health.decided_locally);
        self.written_back.reach(names::SHARED_WRITTEN_BACK, health.written_back);
    }
}

/// What became of new configurations.
#[derive(Default)]
struct Reloads {
    /// Unix time since which the present one holds.
    since: AtomicI64,
    is_refused: AtomicBool,
    replaced: Counter,
    refused: Counter,
    since_metric: Gauge,
    refused_metric: Gauge,
}

/// What came of a request.
pub(crate) enum Outcome<'a> {
    Accepted(&'a Verified),
    Exempt,
    /// With the fields of the request, for the log.
    Rejected(&'a Rejection, Enforcement, &'a HeaderMap),
}

impl Telemetry {
    pub(crate) fn new(now: UnixTime) -> Self {
        instruments::describe();
        Self {
            table: Table::default(),
            log: LogBudget::default(),
            next_look: AtomicI64::new(i64::MIN),
            started: now,
            started_metric: Gauge::default(),
            replay_entries: Gauge::default(),
            replay_capacity: Gauge::default(),
            shared: SharedStore::default(),
            suppressed: Counter::default(),
            reloads: Reloads { since: AtomicI64::new(now.as_secs()), ..Reloads::default() },
        }
    }

    /// Takes notice that a new configuration holds from `now` on.
    pub(crate) fn replaced(&self, now: UnixTime) {
        self.reloads.since.store(now.as_secs(), Ordering::Relaxed);
        self.reloads.is_refused.store(false, Ordering::Relaxed);
        self.reloads.replaced.add(1, names::RELOADS, || [("result", "replaced".into())]);
    }

    /// Whether the newest configuration was refused, and an older one holds.
    #[must_use]
    pub fn is_config_refused(&self) -> bool {
        self.reloads.is_refused.load(Ordering::Relaxed)
    }

    /// Takes notice that a new configuration was refused, and the old one holds on. For whoever reloads
    /// by other means than the module `reload`.
    pub fn refused_config(&self) {
        self.reloads.is_refused.store(true, Ordering::Relaxed);
        self.reloads.refused.add(1, names::RELOADS, || [("result", "refused".into())]);
    }

    /// The counts of a new configuration: those that there were, and new ones.
    pub(crate) fn bind(
        &self,
        routes: &Routes,
        verifier: &Verifier,
        logged_per_second: u32,
    ) -> Bound {
        let drift = Drift::of(verifier.freshness);
        self.table.bind(routes, verifier.keyring(), drift, logged_per_second)
    }

    /// Counts a request for the route at place `route`.
    #[inline]
    pub(crate) fn record(&self, bound: &Bound, route: usize, outcome: &Outcome<'_>, now: UnixTime) {
        match outcome {
            Outcome::Accepted(verified) => bound.accepted(route, verified, now),
            Outcome::Exempt => bound.exempt(route),
            Outcome::Rejected(rejection, enforcement, headers) => {
                bound.rejected(route, rejection, *enforcement, now);
                if self.log.admits(rejection.kind, bound.logged_per_second, now) {
                    self.log.event(bound.route(route), rejection, *enforcement, headers);
                } else {
                    self.suppressed.add(1, names::LOG_SUPPRESSED, || []);
                }
            }
        }
    }

    /// Whether it is time to [`look`](Self::look); true for one caller of many.
    #[inline]
    pub(crate) fn is_due(&self, now: UnixTime) -> bool {
        let due = self.next_look.load(Ordering::Relaxed);
        let wait_s = due.saturating_sub(now.as_secs());
        // A longer wait: the clock was set back.
        !(1..=OBSERVED_EVERY_S).contains(&wait_s) && self.claim_look(due, now)
    }

    #[cold]
    fn claim_look(&self, due: i64, now: UnixTime) -> bool {
        let next = now.as_secs().saturating_add(OBSERVED_EVERY_S);
        self.next_look.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Looks at what is not counted as it happens.
    pub(crate) fn look(&self, bound: &Bound, verifier: &Verifier, now: UnixTime) {
        let store: &dyn ReplayStore = verifier.replay_store();
        self.replay_entries.set(names::REPLAY_ENTRIES, || [], in_i64(store.live()));
        if let Some(capacity) = store.capacity() {
            self.replay_capacity.set(names::REPLAY_CAPACITY, || [], in_i64(capacity.total));
        }
        if let Some(health) = store.health() {
            self.shared.show(&health);
        }
        self.started_metric.set(names::STARTED, || [], self.started.as_secs());
        let Reloads { since, since_metric, refused_metric, .. } = &self.reloads;
        since_metric.set(names::CONFIG_LOADED, || [], since.load(Ordering::Relaxed));
        refused_metric.set(names::CONFIG_REFUSED, || [], self.is_config_refused().into());
        bound.look_at_keys(now);
    }

    /// What was counted so far.
    #[must_use]
    pub fn summary(&self) -> Summary {
        self.table.summary()
    }

    /// When a key signed the first request that came to this process, and the newest; `None` for one that
    /// signed none. Who sends an old one again moves neither.
    #[must_use]
    pub fn key_use(&self, key_id: &KeyId) -> Option<(UnixTime, UnixTime)> {
        self.table.key_use(key_id)
    }
}

fn in_i64(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}
