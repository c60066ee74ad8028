//! A token bucket without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock;

const NS_PER_S: u64 = 1_000_000_000;

/// So many a second, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    per_second: u32,
    at_once: u32,
}

impl Rate {
    /// None a second lets none through.
    pub(super) const fn new(per_second: u32, at_once: u32) -> Self {
        Self { per_second, at_once }
    }

    pub(super) const fn per_second(self) -> u32 {
        self.per_second
    }
}

/// Lets events through at a rate. The generic cell rate algorithm (ITU-T I.371): one number says when
/// the bucket would be full again.
pub(super) struct Bucket {
    began: Instant,
    /// Nanoseconds after the beginning.
    full_at: AtomicU64,
}

impl Bucket {
    pub(super) fn new() -> Self {
        Self { began: clock::monotonic(), full_at: AtomicU64::new(0) }
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&self, rate: Rate) -> bool {
        self.take_at(rate, clock::monotonic().saturating_duration_since(self.began))
    }

    fn take_at(&self, rate: Rate, elapsed: Duration) -> bool {
        let Some(each) = NS_PER_S.checked_div(rate.per_second.into()) else { return false };
        let now = u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX);
        let room = each.saturating_mul(rate.at_once.max(1).into());
        let take = |full_at: u64| {
            let next = full_at.max(now).saturating_add(each);
            (next.saturating_sub(now) <= room).then_some(next)
        };
        self.full_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(bucket: &Bucket, rate: Rate, ms: u64) -> usize {
        (0..1_000).filter(|_| bucket.take_at(rate, Duration::from_millis(ms))).count()
    }

    #[test]
    fn a_burst_and_then_the_rate() {
        let (bucket, rate) = (Bucket::new(), Rate::new(10, 50));
        let moments = [0, 0, 99, 100, 1_100, 1_100, 100_000, 50_000];
        assert_eq!(moments.map(|ms| taken(&bucket, rate, ms)), [50, 0, 0, 1, 10, 0, 50, 0]);
    }

    #[test]
    fn odd_rates_do_no_harm() {
        assert_eq!(taken(&Bucket::new(), Rate::new(0, 50), 0), 0);
        assert_eq!(taken(&Bucket::new(), Rate::new(1, 0), 0), 1);
        let most = Bucket::new();
        assert_eq!(taken(&most, Rate::new(u32::MAX, u32::MAX), u64::MAX / 2), 1_000);
    }

    #[test]
    fn the_rate_holds_under_a_race() {
        let (bucket, rate) = (Bucket::new(), Rate::new(1, 100));
        let sum = std::thread::scope(|scope| {
            let threads = [(); 4].map(|()| scope.spawn(|| taken(&bucket, rate, 0)));
            threads.map(|thread| thread.join().unwrap()).iter().sum::<usize>()
        });
        assert_eq!(sum, 100);
    }
}
