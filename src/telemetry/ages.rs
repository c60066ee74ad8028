//! How far the clocks of the edges and this one differ, as the ages of signatures show it.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use crate::policy::Freshness;
use crate::time::UnixTime;

/// Ages from -64 to 63 seconds have a place of their own; those beyond count as the last.
const YOUNGEST_S: i64 = -64;
const PLACES: usize = 128;

/// Signatures that make a median: enough that a few slow requests or retries do not decide it.
const ENOUGH: u64 = 20;

/// Seconds that a median is taken over, at least.
const SPAN_S: i64 = 60;

/// The ages of the signatures of one key.
pub(super) struct Ages {
    counts: [AtomicU32; PLACES],
    /// When the counting of these began; `i64::MIN` before the first.
    since: AtomicI64,
}

impl Default for Ages {
    fn default() -> Self {
        Self { counts: [const { AtomicU32::new(0) }; PLACES], since: AtomicI64::new(i64::MIN) }
    }
}

impl Ages {
    pub(super) fn add(&self, age_s: i64) {
        let last = i64::try_from(PLACES - 1).unwrap_or(i64::MAX);
        let place = age_s.saturating_sub(YOUNGEST_S).clamp(0, last);
        if let Some(count) = usize::try_from(place).ok().and_then(|place| self.counts.get(place)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The median since it was asked last, once there is one: the first as soon as there are enough,
    /// the others a minute apart.
    pub(super) fn median(&self, now: UnixTime) -> Option<i64> {
        let since = self.since.load(Ordering::Relaxed);
        let is_too_early = (0..SPAN_S).contains(&now.as_secs().saturating_sub(since));
        if since != i64::MIN && is_too_early {
            return None;
        }
        let all: u64 =
            self.counts.iter().map(|count| u64::from(count.load(Ordering::Relaxed))).sum();
        if all < ENOUGH {
            return None;
        }
        // Two that ask at once would each see a part.
        let taken =
            self.since.compare_exchange(since, now.as_secs(), Ordering::Relaxed, Ordering::Relaxed);
        taken.ok()?;
        let mut before = 0_u64;
        let mut median = None;
        for (age_s, count) in (YOUNGEST_S..).zip(&self.counts) {
            before += u64::from(count.swap(0, Ordering::Relaxed));
            if median.is_none() && before.saturating_mul(2) >= all {
                median = Some(age_s);
            }
        }
        median
    }
}

/// The medians that want a warning: before requests begin to be refused for their dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drift {
    youngest_s: i64,
    oldest_s: i64,
}

impl Drift {
    /// Ahead by half the skew, of which the other half is left then. Behind by a quarter of the age that
    /// is accepted and by 10 seconds at most: a request is at the origin within a second or two, and what
    /// is left of the window belongs to the CDN's retries.
    pub(super) fn of(freshness: Freshness) -> Self {
        let retention = freshness.retention();
        Self {
            youngest_s: -(i64::from(retention.skew_s) / 2).max(1),
            oldest_s: (i64::from(retention.max_age_s) / 4).clamp(3, 10),
        }
    }

    /// What is wrong with a median, for the log.
    pub(super) const fn fault(self, median_s: i64) -> Option<&'static str> {
        if median_s <= self.youngest_s {
            Some("signatures come from the future: this clock is behind the edge's; check NTP here")
        } else if median_s >= self.oldest_s {
            Some(
                "signatures are old when they arrive: this clock is ahead of the edge's, or requests wait on their way; check NTP here",
            )
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_that_of_the_last_minute() {
        let ages = Ages::default();
        let at = UnixTime::from_secs;
        (0..19).for_each(|_| ages.add(1));
        assert_eq!(ages.median(at(0)), None); // not enough
        ages.add(i64::MAX);
        assert_eq!(ages.median(at(1)), Some(1)); // one outlier does not matter
        (0..20).for_each(|_| ages.add(-3));
        assert_eq!(ages.median(at(60)), None); // too early
        assert_eq!(ages.median(at(61)), Some(-3));
        assert_eq!(ages.median(at(200)), None); // nothing since
        (0..30).for_each(|_| ages.add(i64::MIN));
        assert_eq!(ages.median(at(200)), Some(YOUNGEST_S));
        (0..30).for_each(|_| ages.add(90));
        assert_eq!(ages.median(at(300)), Some(63));
        (0..30).for_each(|_| ages.add(2));
        assert_eq!(ages.median(at(-1_000)), Some(2)); // the clock was set back
    }

    #[test]
    fn of_those_who_ask_at_once_one_is_told() {
        for round in 0..200 {
            let ages = Ages::default();
            (0..1_000).for_each(|number| ages.add(number % 5));
            let told = std::thread::scope(|scope| {
                let ask = || ages.median(UnixTime::from_secs(round * 60));
                let threads = [(); 4].map(|()| scope.spawn(ask));
                threads.map(|thread| thread.join().unwrap())
            });
            let told: Vec<_> = told.into_iter().flatten().collect();
            assert_eq!(told, [2]);
        }
    }

    #[test]
    fn a_warning_comes_before_refusals() {
        let drift = Drift::of(Freshness::cloudfront());
        for (median_s, is_fault) in [(-3, true), (-2, true), (-1, false), (0, false), (2, false)] {
            assert_eq!(drift.fault(median_s).is_some(), is_fault, "{median_s}");
        }
        assert!(drift.fault(9).is_none() && drift.fault(10).is_some());
        let short = Drift::of(Freshness::custom(4, 0).unwrap());
        assert_eq!(short, Drift { youngest_s: -1, oldest_s: 3 });
    }
}
