//! Log events of refused requests: some of each reason in a second, and how many were left out.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use http::HeaderMap;
use tracing::field::display;

use crate::rejection::{Rejection, RejectionKind};
use crate::route::Enforcement;
use crate::scheme::edge::{SIGNATURE, nonce_in};
use crate::time::UnixTime;

/// What may still be logged of each reason.
pub(super) struct LogBudget {
    reasons: Vec<Budget>,
}

#[derive(Default)]
struct Budget {
    /// The second that is being counted.
    second: AtomicI64,
    logged: AtomicU64,
    suppressed: AtomicU64,
}

impl Default for LogBudget {
    fn default() -> Self {
        Self { reasons: RejectionKind::ALL.iter().map(|_| Budget::default()).collect() }
    }
}

impl LogBudget {
    /// Whether a refusal for this reason is logged: there were not too many of them in this second.
    pub(super) fn admits(&self, kind: RejectionKind, per_second: u32, now: UnixTime) -> bool {
        self.reasons.get(kind.index()).is_some_and(|budget| budget.take(now.as_secs(), per_second))
    }

    /// Logs a refusal.
    pub(super) fn event(
        &self,
        route: &str,
        rejection: &Rejection,
        enforcement: Enforcement,
        headers: &HeaderMap,
    ) {
        let Rejection { kind, key_id, age_s } = rejection;
        let key_id = key_id.as_ref().map(display);
        let nonce = headers.get(SIGNATURE).and_then(|value| nonce_in(value.as_bytes()));
        let suppressed = self.reasons.get(kind.index()).and_then(Budget::take_suppressed);
        let verdict = match enforcement {
            Enforcement::ReportOnly => "would be refused",
            _ => "refused",
        };
        tracing::info!(
            target: "wafpass::refused",
            enforcement = %enforcement, reason = %kind, route, key_id, nonce, age_s, suppressed,
            "{verdict}"
        );
    }
}

impl Budget {
    /// A thread that is late by a second counts to the present one. A clock that is set back by more begins
    /// anew: the log is not silent until it has caught up.
    fn take(&self, second: i64, per_second: u32) -> bool {
        let counted = self.second.load(Ordering::Relaxed);
        if (second > counted || second < counted.saturating_sub(1))
            && self
                .second
                .compare_exchange(counted, second, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
        {
            self.logged.store(0, Ordering::Relaxed);
        }
        let is_within = self.logged.fetch_add(1, Ordering::Relaxed) < per_second.into();
        if !is_within {
            self.suppressed.fetch_add(1, Ordering::Relaxed);
        }
        is_within
    }

    /// How many were left out since the last one that was logged.
    fn take_suppressed(&self) -> Option<u64> {
        Some(self.suppressed.swap(0, Ordering::Relaxed)).filter(|&left_out| left_out > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_sampled_by_the_second() {
        let budget = Budget::default();
        let logged = |second| (0..1_000).filter(|_| budget.take(second, 10)).count();
        let seconds = [5, 5, 6, 5, 4, 7, i64::MIN];
        assert_eq!(seconds.map(logged), [10, 0, 10, 0, 10, 10, 10]);
        assert_eq!(budget.take_suppressed(), Some(7_000 - 50));
        assert_eq!(budget.take_suppressed(), None);
        assert!(!budget.take(8, 0));
    }
}
