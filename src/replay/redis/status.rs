//! What a store on Redis tells of itself.

use std::sync::atomic::{AtomicU64, Ordering};

use super::error::ReplayRedisFault;
use crate::time::UnixTime;

/// How a store on Redis is doing, for metrics and for a page about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReplayRedisStatus {
    /// Whether Redis is asked, and why not.
    pub state: ReplayRedisState,
    /// Whether requests may pass, or have passed, that Redis does not know of:
    /// [`OnFailure::LocalOnly`](super::OnFailure::LocalOnly), while Redis does not answer and until
    /// all of it is written back.
    pub degraded: bool,
    /// Requests that Redis was asked about.
    pub asked: u64,
    /// Those of them that it did not answer, or with an error.
    pub failed: u64,
    /// How often the breaker opened, or the connection was lost.
    pub opened: u64,
    /// Requests that were decided here alone.
    pub decided_locally: u64,
    /// Requests decided here that were written to Redis since.
    pub written_back: u64,
    /// Requests decided here that Redis does not know of yet.
    pub unwritten: usize,
    /// Since when the fleet's record has been whole, if it was read: what was signed before is
    /// refused.
    pub since: Option<UnixTime>,
}

/// Whether Redis is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayRedisState {
    /// On the way to a first connection, or a new one in place of one that broke. Requests wait,
    /// within their timeout.
    Connecting,
    /// Redis is asked.
    Ready,
    /// The breaker is open: Redis is not asked, and tried again soon.
    Open(ReplayRedisFault),
    /// Redis answers, and must not be used as it is set up.
    Refused(ReplayRedisFault),
}

impl ReplayRedisState {
    /// A short stable name, for metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Ready => "ready",
            Self::Open(_) => "open",
            Self::Refused(_) => "refused",
        }
    }
}

/// Counts of a store.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) asked: Counter,
    pub(super) failed: Counter,
    pub(super) opened: Counter,
    pub(super) decided_locally: Counter,
    pub(super) written_back: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
