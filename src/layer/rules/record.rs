//! What is counted of each rule. It outlives a reload.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::bucket::{Bucket, Rate};
use super::limits::{LOGGED_PER_SECOND, WARN_EVERY_S};
use crate::clock;
use crate::route::Enforcement;
use crate::telemetry::instruments::{Counter, Gauge, Histogram, Stopwatch};
use crate::telemetry::names;

/// Why an event of a match reaches no sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LostEvent {
    /// The rule has had as many events as its rate lets through.
    RuleRate,
    /// All rules together have.
    TotalRate,
    /// More wait to be sealed than may.
    QueueFull,
    /// It could not be sealed.
    NotSealed,
    /// The sink did not take it, or panicked.
    NotTaken,
    /// The log was shut down before.
    Closed,
}

impl LostEvent {
    /// Every reason.
    pub const ALL: &'static [Self] = &[
        Self::RuleRate,
        Self::TotalRate,
        Self::QueueFull,
        Self::NotSealed,
        Self::NotTaken,
        Self::Closed,
    ];

    /// The word in logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::RuleRate => "rule-rate",
            Self::TotalRate => "total-rate",
            Self::QueueFull => "queue-full",
            Self::NotSealed => "not-sealed",
            Self::NotTaken => "not-taken",
            Self::Closed => "closed",
        }
    }

    /// Whether somebody should know: a rate that does what it is there for is no fault.
    const fn is_fault(self) -> bool {
        !matches!(self, Self::RuleRate | Self::TotalRate)
    }

    fn index(self) -> usize {
        Self::ALL.iter().position(|reason| *reason == self).unwrap_or_default()
    }
}

/// What was counted of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleCounts {
    /// Its id.
    pub rule_id: String,
    /// Requests that it matched and that were treated as it says.
    pub enforced: u64,
    /// Requests that it matched in report-only, and that passed.
    pub reported: u64,
    /// Events that a sink took, with this rule as the one that decided.
    pub events: u64,
    /// Events that are lost, by reason; the reasons that occurred.
    pub lost: Vec<(LostEvent, u64)>,
}

/// A rule's id and its action: one that does something else from now on is counted anew.
type RuleKey = (Arc<str>, &'static str);

/// Everything that was ever counted.
#[derive(Default)]
pub(super) struct Records {
    rules: Mutex<BTreeMap<RuleKey, Arc<Record>>>,
    pub(super) evaluated: Count,
    pub(super) truncated: Count,
    seconds: Histogram,
}

/// One rule with one action.
pub(super) struct Record {
    pub(super) id: Arc<str>,
    action: &'static str,
    enforced: Count,
    reported: Count,
    events: Count,
    lost: [Count; LostEvent::ALL.len()],
    /// Events let through.
    sealing: Bucket,
    logging: Bucket,
    unlogged: AtomicU64,
}

#[derive(Default)]
pub(super) struct Count {
    number: AtomicU64,
    metric: Counter,
}

impl Count {
    pub(super) fn get(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    fn add<const N: usize>(
        &self,
        name: &'static str,
        labels: impl FnOnce() -> [(&'static str, String); N],
    ) {
        self.number.fetch_add(1, Ordering::Relaxed);
        self.metric.add(1, name, labels);
    }
}

impl Records {
    /// The record of a rule, which it had before if it was there before.
    pub(super) fn of(&self, id: &str, action: &'static str) -> Arc<Record> {
        let id: Arc<str> = id.into();
        let mut rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        let record = rules.entry((Arc::clone(&id), action));
        Arc::clone(record.or_insert_with(|| Arc::new(Record::new(id, action))))
    }

    /// Counts a request that rules have looked at.
    pub(super) fn evaluated(&self, is_truncated: bool, stopwatch: Stopwatch) {
        self.evaluated.add(names::RULES_EVALUATED, || []);
        self.seconds.record(names::RULES_SECONDS, || [], stopwatch.seconds());
        if is_truncated {
            self.truncated.add(names::RULES_TRUNCATED, || []);
        }
    }

    pub(super) fn counts(&self) -> Vec<RuleCounts> {
        let rules = self.rules.lock().unwrap_or_else(PoisonError::into_inner);
        rules.values().map(|record| record.counts()).collect()
    }
}

impl Record {
    fn new(id: Arc<str>, action: &'static str) -> Self {
        Self {
            id,
            action,
            enforced: Count::default(),
            reported: Count::default(),
            events: Count::default(),
            lost: Default::default(),
            sealing: Bucket::new(),
            logging: Bucket::new(),
            unlogged: AtomicU64::new(0),
        }
    }

    /// Counts a match.
    pub(super) fn matched(&self, enforcement: Enforcement) {
        let count = match enforcement {
            Enforcement::ReportOnly => &self.reported,
            _ => &self.enforced,
        };
        count.add(names::RULES_MATCHES, || {
            [
                ("rule_id", self.id.to_string()),
                ("action", self.action.into()),
                ("enforcement", enforcement.code().into()),
            ]
        });
    }

    /// Logs that this rule decided about a request, unless it was often in this second.
    pub(super) fn log(&self, enforcement: Enforcement, ray_id: &str) {
        if !self.logging.take(Rate::new(LOGGED_PER_SECOND, LOGGED_PER_SECOND)) {
            self.unlogged.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let suppressed =
            Some(self.unlogged.swap(0, Ordering::Relaxed)).filter(|left_out| *left_out > 0);
        let (rule_id, action) = (&*self.id, self.action);
        tracing::info!(
            target: "wafpass::rules",
            enforcement = %enforcement, rule_id, action, ray_id, suppressed,
            "a rule matched"
        );
    }

    /// Whether an event of this rule is within its rate.
    pub(super) fn admits(&self, rate: Rate) -> bool {
        self.sealing.take(rate)
    }

    /// Counts an event that a sink took.
    pub(super) fn taken(&self) {
        self.events.add(names::RULES_EVENTS, || [("rule_id", self.id.to_string())]);
    }

    /// Counts an event that is lost.
    pub(super) fn lost(&self, reason: LostEvent) {
        if let Some(count) = self.lost.get(reason.index()) {
            count.add(names::RULES_EVENTS_LOST, || {
                [("rule_id", self.id.to_string()), ("reason", reason.code().into())]
            });
        }
    }

    fn counts(&self) -> RuleCounts {
        let lost = LostEvent::ALL.iter().zip(&self.lost);
        RuleCounts {
            rule_id: self.id.to_string(),
            enforced: self.enforced.get(),
            reported: self.reported.get(),
            events: self.events.get(),
            lost: lost
                .map(|(reason, count)| (*reason, count.get()))
                .filter(|(_, number)| *number > 0)
                .collect(),
        }
    }
}

/// What all rules of one log lose together, and how much waits.
#[derive(Default)]
pub(super) struct Losses {
    all: AtomicU64,
    told: AtomicU64,
    told_s: AtomicI64,
    waiting: Gauge,
}

impl Losses {
    /// Says that events are lost: at once, and then every ten seconds at most. A rate that holds is no loss.
    pub(super) fn tell(&self, reason: LostEvent, record: &Record) {
        record.lost(reason);
        if !reason.is_fault() {
            return;
        }
        let all = self.all.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let (now_s, told_s) = (clock::now().as_secs(), self.told_s.load(Ordering::Relaxed));
        let is_quiet = (0..WARN_EVERY_S).contains(&now_s.saturating_sub(told_s));
        let claim =
            || self.told_s.compare_exchange(told_s, now_s, Ordering::Relaxed, Ordering::Relaxed);
        if !is_quiet && claim().is_ok() {
            let events = all.saturating_sub(self.told.swap(all, Ordering::Relaxed));
            let (reason, rule_id) = (reason.code(), &*record.id);
            tracing::warn!(target: "wafpass::rules", reason, rule_id, events, all, "events of rules are lost");
        }
    }

    pub(super) fn show_waiting(&self, events: usize) {
        let events = i64::try_from(events).unwrap_or(i64::MAX);
        self.waiting.set(names::RULES_EVENTS_WAITING, || [], events);
    }
}
