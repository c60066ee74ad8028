use std::fmt;
use std::sync::Arc;

use super::RuleCounts;
use super::judge::Shared;
use crate::rules::RuleSet;

/// A handle on a running [`RulesLayer`](super::RulesLayer): replaces its rules, and shows what it has
/// counted.
#[derive(Clone)]
pub struct RulesHandle {
    pub(super) shared: Arc<Shared>,
}

impl RulesHandle {
    /// Runs `rules` from the next request on. Requests that are under way end as they began, and what
    /// was counted stays.
    pub fn replace(&self, rules: impl Into<Arc<RuleSet>>) {
        let rules = rules.into();
        let number = rules.rules().len();
        self.shared.replace(rules);
        tracing::info!(target: "wafpass::rules", rules = number, "a new rule set holds");
    }

    /// The rules that hold now.
    #[must_use]
    pub fn rules(&self) -> Arc<RuleSet> {
        Arc::clone(&self.shared.present.load().rules)
    }

    /// What was counted of each rule that there is or was, in order of the ids.
    #[must_use]
    pub fn counts(&self) -> Vec<RuleCounts> {
        self.shared.records.counts()
    }

    /// Requests that rules have looked at.
    #[must_use]
    pub fn evaluated(&self) -> u64 {
        self.shared.records.evaluated.get()
    }

    /// Those of them whose body rules did not see to its end.
    #[must_use]
    pub fn truncated(&self) -> u64 {
        self.shared.records.truncated.get()
    }
}

impl fmt::Debug for RulesHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RulesHandle")
            .field("rules", &self.rules().rules().len())
            .field("evaluated", &self.evaluated())
            .finish_non_exhaustive()
    }
}
