//! Log events of refused requests: some of each reason in a second, and how many were left out.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use tracing::field::display;

use crate::limits::LOGGED_PER_SECOND;
use crate::rejection::{Rejection, RejectionKind};
use crate::route::Enforcement;
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
    /// Logs a refusal, unless there were too many of its reason in this second.
    pub(super) fn event(
        &self,
        route: &str,
        rejection: &Rejection,
        enforcement: Enforcement,
        nonce: Option<&str>,
        now: UnixTime,
    ) -> bool {
        let Some(budget) = self.reasons.get(rejection.kind.index()) else { return false };
        if !budget.take(now.as_secs()) {
            budget.suppressed.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let Rejection { kind, key_id, age_s } = rejection;
        let key_id = key_id.as_ref().map(display);
        let suppressed = Some(budget.suppressed.swap(0, Ordering::Relaxed)).filter(|&n| n > 0);
        let verdict = match enforcement {
            Enforcement::ReportOnly => "would be refused",
            _ => "refused",
        };
        tracing::info!(
            target: "wafpass::refused",
            enforcement = %enforcement, reason = %kind, route, key_id, nonce, age_s, suppressed,
            "{verdict}"
        );
        true
    }
}

impl Budget {
    /// A clock that is set back keeps its second: it then logs less for a while, never more.
    fn take(&self, second: i64) -> bool {
        if self.second.fetch_max(second, Ordering::Relaxed) < second {
            self.logged.store(0, Ordering::Relaxed);
        }
        self.logged.fetch_add(1, Ordering::Relaxed) < LOGGED_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_sampled_by_the_second() {
        let budget = Budget::default();
        let logged = |second| (0..1_000).filter(|_| budget.take(second)).count();
        let most = usize::try_from(LOGGED_PER_SECOND).unwrap();
        assert_eq!(
            [logged(5), logged(5), logged(6), logged(4), logged(7)],
            [most, 0, most, 0, most]
        );
    }
}
