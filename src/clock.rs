//! The one place that reads a clock.

#[cfg(any(
    feature = "collector",
    feature = "metrics",
    feature = "redis",
    feature = "rules-layer",
    feature = "ship"
))]
use std::time::Instant;
use std::time::SystemTime;

use crate::time::UnixTime;

/// Where the layers get `now` from.
pub trait Clock: Send + Sync + 'static {
    /// Unix time, rounded down to whole seconds.
    fn now(&self) -> UnixTime;

    /// Unix time in milliseconds; of a clock that knows seconds only, the first of its second.
    fn now_ms(&self) -> u64 {
        u64::try_from(self.now().as_secs()).unwrap_or(0).saturating_mul(1_000)
    }
}

/// The clock of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    fn now(&self) -> UnixTime {
        // Before 1970 nothing is fresh: a clock that far off refuses everything.
        let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        UnixTime::from_secs(i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    fn now_ms(&self) -> u64 {
        let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The time by the operating system's clock.
#[must_use]
pub fn now() -> UnixTime {
    SystemClock.now()
}

/// A moment by the clock that is never set, to measure with.
#[cfg(any(
    feature = "collector",
    feature = "metrics",
    feature = "redis",
    feature = "rules-layer",
    feature = "ship"
))]
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub(crate) fn monotonic() -> Instant {
    Instant::now()
}
