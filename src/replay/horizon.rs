//! The clock of a replay store. It only moves forward.

use std::sync::atomic::{AtomicI64, Ordering};

use super::{Admission, Retention};
use crate::time::UnixTime;

/// The latest moment that a store has seen, and what can be judged at it.
///
/// Whoever forgets, and whoever asks whether something may have been forgotten, reads this while
/// holding the lock of what is forgotten: so the second one sees a moment as late as the first one's.
#[derive(Debug)]
pub(super) struct Horizon {
    retention: Retention,
    started: UnixTime,
    latest: AtomicI64,
}

impl Horizon {
    pub(super) const fn new(retention: Retention, started: UnixTime) -> Self {
        Self { retention, started, latest: AtomicI64::new(started.as_secs()) }
    }

    pub(super) const fn retention(&self) -> Retention {
        self.retention
    }

    pub(super) const fn started(&self) -> UnixTime {
        self.started
    }

    pub(super) fn latest(&self) -> UnixTime {
        UnixTime::from_secs(self.latest.load(Ordering::Relaxed))
    }

    /// Moves to `now`, for a request signed at `date`; returns the later of `now` and the latest
    /// moment before it, or why the request cannot be judged then.
    ///
    /// Only a request that is timely at `now` moves it: then two clocks, the edge's and the origin's,
    /// agree. A clock that jumps ahead alone finds its requests expired, and nothing is forgotten.
    pub(super) fn advance(&self, date: UnixTime, now: UnixTime) -> Result<UnixTime, Admission> {
        let latest = self.latest();
        let now = now.max(latest);
        if self.retention.is_expired(date, now) {
            return Err(Admission::Expired);
        }
        if self.retention.is_ahead(date, now) {
            return Err(Admission::NotYetValid);
        }
        if now > latest {
            self.latest.fetch_max(now.as_secs(), Ordering::Relaxed);
        }
        Ok(now)
    }
}
