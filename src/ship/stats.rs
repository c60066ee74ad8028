//! What became of the events, counted one by one.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use super::limits::WARN_EVERY_S;
use crate::clock;
use crate::telemetry::instruments::{Counter, Gauge};
use crate::telemetry::names;

/// Why an event will reach no collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
#[error("the event is lost: {}\n{}", self.code(), self.way_out())]
#[non_exhaustive]
pub enum DropReason {
    /// More events wait than may.
    QueueFull,
    /// It is longer than [`MAX_EVENT_BYTES`](super::limits::MAX_EVENT_BYTES), empty, or not one line.
    Malformed,
    /// The shipper was shut down before.
    Closed,
    /// The spool holds as many bytes as it may.
    SpoolFull,
    /// The disk did not take it.
    SpoolFailed,
    /// The collector will not take it, and there is no spool to set it aside in.
    Refused,
    /// It was still there when the time of the shutdown was over, and there is no spool.
    Shutdown,
}

impl DropReason {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::QueueFull,
        Self::Malformed,
        Self::Closed,
        Self::SpoolFull,
        Self::SpoolFailed,
        Self::Refused,
        Self::Shutdown,
    ];

    /// The word in logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::Malformed => "malformed",
            Self::Closed => "closed",
            Self::SpoolFull => "spool-full",
            Self::SpoolFailed => "spool-failed",
            Self::Refused => "refused",
            Self::Shutdown => "shutdown",
        }
    }

    const fn way_out(self) -> &'static str {
        match self {
            Self::QueueFull => {
                "the disk of the spool or the collector is too slow for the events; log fewer"
            }
            Self::Malformed => "an event is one line of JSON of at most 65536 bytes",
            Self::Closed => "shut the shipper down last",
            Self::SpoolFull => "bring the collector back, or give the spool more bytes",
            Self::SpoolFailed => "look at the disk of the spool",
            Self::Refused => "look at the collector's log; with a spool, refused batches are kept",
            Self::Shutdown => "give the shutdown more time, or the shipper a spool",
        }
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|reason| *reason == self).unwrap_or_default()
    }
}

/// Why a batch was set aside in the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SetAside {
    Refused,
    Corrupt,
}

impl SetAside {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Corrupt => "corrupt",
        }
    }
}

/// What became of events so far, in events unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShipperStats {
    /// Handed over, and taken.
    pub taken: u64,
    /// Accepted by the collector. A batch that was sent twice counts once.
    pub sent: u64,
    /// Lost, for whatever reason; [`Shipper::dropped`](super::Shipper::dropped) has them by reason.
    pub dropped: u64,
    /// Set aside in the folder `refused` of the spool: the collector will not take them.
    pub refused: u64,
    /// Set aside in the folder `corrupt` of the spool: the file was cut or changed.
    pub corrupt: u64,
    /// Waiting on the disk, those of former runs included.
    pub spooled: u64,
    /// Waiting in memory.
    pub waiting: u64,
    /// Bytes of the spool folder, with what was set aside in it.
    pub spool_bytes: u64,
    /// Requests to the collector.
    pub attempts: u64,
    /// Whether the collector did not take the last batch it was sent.
    pub is_away: bool,
}

/// The counters, and the same as metrics.
#[derive(Default)]
pub(super) struct Counters {
    taken: Count,
    sent: Count,
    refused: Count,
    corrupt: Count,
    accepted_attempts: Count,
    refused_attempts: Count,
    failed_attempts: Count,
    dropped: [Dropped; DropReason::ALL.len()],
    queued_bytes: AtomicUsize,
    /// In batches in memory, those that are being sent included.
    held: AtomicU64,
    spooled: AtomicU64,
    spool_bytes: AtomicU64,
    is_away: AtomicBool,
    waiting_metric: Gauge,
    spooled_metric: Gauge,
    spool_metric: Gauge,
    capacity_metric: Gauge,
    away_metric: Gauge,
}

#[derive(Default)]
struct Count {
    number: AtomicU64,
    metric: Counter,
}

impl Count {
    fn add(&self, events: u64) {
        self.number.fetch_add(events, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
struct Dropped {
    count: Count,
    /// When it was warned of, and of how many by then.
    warned_s: AtomicI64,
    warned_of: AtomicU64,
}

impl Counters {
    /// Takes room in the queue.
    pub(super) fn reserve(&self, bytes: usize, most_bytes: usize) -> bool {
        let more = |queued: usize| queued.checked_add(bytes).filter(|sum| *sum <= most_bytes);
        self.queued_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// Gives it back.
    pub(super) fn release(&self, bytes: usize) {
        self.queued_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn taken(&self) {
        self.taken.add(1);
        self.taken.metric.add(1, names::SHIP_EVENTS, || []);
    }

    pub(super) fn sent(&self, events: u32) {
        self.sent.add(events.into());
        self.sent.metric.add(events.into(), names::SHIP_SENT, || []);
        self.accepted_attempts.add(1);
        let labels = || [("result", "accepted".into())];
        self.accepted_attempts.metric.add(1, names::SHIP_ATTEMPTS, labels);
    }

    pub(super) fn failed_attempt(&self) {
        self.failed_attempts.add(1);
        let labels = || [("result", "later".into())];
        self.failed_attempts.metric.add(1, names::SHIP_ATTEMPTS, labels);
    }

    pub(super) fn refused_attempt(&self) {
        self.refused_attempts.add(1);
        let labels = || [("result", "refused".into())];
        self.refused_attempts.metric.add(1, names::SHIP_ATTEMPTS, labels);
    }

    pub(super) fn set_aside(&self, why: SetAside, events: u32) {
        let count = match why {
            SetAside::Refused => &self.refused,
            SetAside::Corrupt => &self.corrupt,
        };
        count.add(events.into());
        let labels = || [("reason", why.code().into())];
        count.metric.add(events.into(), names::SHIP_SET_ASIDE, labels);
    }

    /// Counts what is lost, and says so: at once, and then every ten seconds at most.
    pub(super) fn dropped(&self, reason: DropReason, events: u32) {
        let Some(dropped) = self.dropped.get(reason.index()) else { return };
        dropped.count.add(events.into());
        let labels = || [("reason", reason.code().into())];
        dropped.count.metric.add(events.into(), names::SHIP_DROPPED, labels);
        let (now_s, warned_s) = (clock::now().as_secs(), dropped.warned_s.load(Ordering::Relaxed));
        let is_quiet = (0..WARN_EVERY_S).contains(&now_s.saturating_sub(warned_s));
        let claim = |at: &AtomicI64| {
            at.compare_exchange(warned_s, now_s, Ordering::Relaxed, Ordering::Relaxed).is_ok()
        };
        if !is_quiet && claim(&dropped.warned_s) {
            dropped.warn(reason);
        }
    }

    /// Says what was dropped and not said yet, at the end.
    pub(super) fn close(&self) {
        for (reason, dropped) in DropReason::ALL.iter().zip(&self.dropped) {
            if dropped.count.get() > dropped.warned_of.load(Ordering::Relaxed) {
                dropped.warn(*reason);
            }
        }
    }

    pub(super) fn show_spool(&self, events: u64, bytes: u64, most_bytes: u64) {
        self.spooled.store(events, Ordering::Relaxed);
        self.spool_bytes.store(bytes, Ordering::Relaxed);
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        self.spooled_metric.set(names::SHIP_SPOOL_EVENTS, || [], gauge(events));
        self.spool_metric.set(names::SHIP_SPOOL_BYTES, || [], gauge(bytes));
        self.capacity_metric.set(names::SHIP_SPOOL_CAPACITY, || [], gauge(most_bytes));
    }

    /// Events in memory: in batches, and in the queue before them.
    pub(super) fn show_waiting(&self, held: u64, queued: u64) {
        self.held.store(held, Ordering::Relaxed);
        let events = i64::try_from(held.saturating_add(queued)).unwrap_or(i64::MAX);
        self.waiting_metric.set(names::SHIP_WAITING, || [], events);
    }

    /// Whether the collector is away; returns whether it was.
    pub(super) fn away(&self, is_away: bool) -> bool {
        self.away_metric.set(names::SHIP_AWAY, || [], is_away.into());
        self.is_away.swap(is_away, Ordering::Relaxed)
    }

    pub(super) fn dropped_for(&self, reason: DropReason) -> u64 {
        self.dropped.get(reason.index()).map_or(0, |dropped| dropped.count.get())
    }

    pub(super) fn stats(&self, queued: u64) -> ShipperStats {
        let dropped = || DropReason::ALL.iter().map(|reason| self.dropped_for(*reason));
        let spooled = self.spooled.load(Ordering::Relaxed);
        ShipperStats {
            taken: self.taken.get(),
            sent: self.sent.get(),
            dropped: dropped().sum(),
            refused: self.refused.get(),
            corrupt: self.corrupt.get(),
            spooled,
            waiting: self.held.load(Ordering::Relaxed).saturating_add(queued),
            spool_bytes: self.spool_bytes.load(Ordering::Relaxed),
            attempts: [&self.accepted_attempts, &self.refused_attempts, &self.failed_attempts]
                .map(Count::get)
                .iter()
                .sum(),
            is_away: self.is_away.load(Ordering::Relaxed),
        }
    }
}

impl Dropped {
    #[cold]
    fn warn(&self, reason: DropReason) {
        let all = self.count.get();
        let since = all.saturating_sub(self.warned_of.swap(all, Ordering::Relaxed));
        tracing::warn!(
            target: "wafpass::ship",
            reason = reason.code(), events = since, all,
            "events are lost: {}", reason.way_out()
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_place() {
        let counters = Counters::default();
        for (reason, events) in DropReason::ALL.iter().zip(1..) {
            counters.dropped(*reason, events);
        }
        for (reason, events) in DropReason::ALL.iter().zip(1..) {
            assert_eq!(counters.dropped_for(*reason), events, "{}", reason.code());
        }
        assert_eq!(counters.stats(0).dropped, 28);
    }
}
