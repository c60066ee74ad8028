//! The clock of a replay store. It only moves forward.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Admission, Retention};
use crate::time::UnixTime;

/// The latest moment that a store has seen, and what can be judged at it.
///
/// Whoever forgets, and whoever asks whether something may have been forgotten, reads this while
/// holding the lock of what is forgotten: so the second one sees a moment as late as the first one's.
#[derive(Debug)]
pub(super) struct Horizon {
    /// Dates are judged by this one ...
    judged: AtomicRetention,
    /// ... and entries are kept for this one: the same, but while it grows.
    kept: AtomicRetention,
    /// What is dated at this moment or before may have been forgotten before the retention grew.
    forgotten: AtomicI64,
    /// Held while the retention grows: one at a time.
    growing: Mutex<()>,
    started: UnixTime,
    latest: AtomicI64,
}

impl Horizon {
    pub(super) const fn new(retention: Retention, started: UnixTime) -> Self {
        Self {
            judged: AtomicRetention::new(retention),
            kept: AtomicRetention::new(retention),
            forgotten: AtomicI64::new(i64::MIN),
            growing: Mutex::new(()),
            started,
            latest: AtomicI64::new(started.as_secs()),
        }
    }

    pub(super) fn retention(&self) -> Retention {
        self.judged.load()
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
        self.judge(date, now)?;
        if now > latest {
            self.latest.fetch_max(now.as_secs(), Ordering::Relaxed);
        }
        Ok(now)
    }

    /// Whether a request signed at `date` can be judged at `now`.
    pub(super) fn judge(&self, date: UnixTime, now: UnixTime) -> Result<(), Admission> {
        let retention = self.retention(); // before `forgotten`, which is written before it
        let forgotten = UnixTime::from_secs(self.forgotten.load(Ordering::Relaxed));
        if retention.is_expired(date, now) || date <= forgotten {
            Err(Admission::Expired)
        } else if retention.is_ahead(date, now) {
            Err(Admission::NotYetValid)
        } else {
            Ok(())
        }
    }

    /// Whether an entry signed at `date` may be forgotten at `now`.
    pub(super) fn is_over(&self, date: UnixTime, now: UnixTime) -> bool {
        self.kept.load().is_over(date, now)
    }

    /// From here on entries are kept for `retention`, or for as long as before where that is longer.
    ///
    /// `settle` waits until nobody forgets by the old retention any more: it takes each lock once. What
    /// was forgotten by then stays refused, although the new retention would take it.
    pub(super) fn extend(&self, retention: Retention, settle: impl FnOnce()) -> Retention {
        let _growing = self.growing.lock().unwrap_or_else(PoisonError::into_inner);
        let old = self.kept.load();
        let new = old.longer(retention);
        if new == old {
            return self.retention();
        }
        self.kept.store(new);
        settle();
        let last_forgotten = self.latest().as_secs().saturating_sub(old.kept_s()).saturating_sub(1);
        self.forgotten.fetch_max(last_forgotten, Ordering::Relaxed);
        self.judged.store(new);
        new
    }
}

/// Both numbers in one, so that no reader sees one of them alone.
#[derive(Debug)]
struct AtomicRetention(AtomicU64);

impl AtomicRetention {
    const fn new(retention: Retention) -> Self {
        Self(AtomicU64::new(Self::pack(retention)))
    }

    fn load(&self) -> Retention {
        let [a, b, c, d, e, f, g, h] = self.0.load(Ordering::Acquire).to_be_bytes();
        Retention {
            max_age_s: u32::from_be_bytes([a, b, c, d]),
            skew_s: u32::from_be_bytes([e, f, g, h]),
        }
    }

    fn store(&self, retention: Retention) {
        self.0.store(Self::pack(retention), Ordering::Release);
    }

    const fn pack(retention: Retention) -> u64 {
        let [a, b, c, d] = retention.max_age_s.to_be_bytes();
        let [e, f, g, h] = retention.skew_s.to_be_bytes();
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}
