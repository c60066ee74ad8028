//! What the requests and the keeper share: the local window, the state of the connection, the
//! journal.

use std::num::{NonZeroU8, NonZeroU32};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::error::ReplayRedisFault as Fault;
use super::journal::Journal;
use super::link::Link;
use super::record::Record;
use super::status::{Counters, ReplayRedisState as Shown};
use super::wire::{self, Key};
use super::{MARGIN_S, MAX_TIMEOUT, OnFailure};
use crate::clock::{Clock, monotonic};
use crate::replay::{Admission, ReplayStore, ReplayWindow, Use};
use crate::time::UnixTime;

pub(super) struct Core {
    pub(super) window: ReplayWindow,
    /// When the local window began: alone it can vouch for nothing before.
    pub(super) started: UnixTime,
    pub(super) clock: Box<dyn Clock>,
    pub(super) prefix: Box<str>,
    pub(super) timeout: Duration,
    pub(super) on_failure: OnFailure,
    pub(super) failures_to_open: NonZeroU32,
    pub(super) state: watch::Sender<State>,
    /// Wakes the keeper.
    pub(super) wake: Notify,
    pub(super) journal: Journal,
    pub(super) counters: Counters,
    /// Requests in a row that Redis did not answer.
    pub(super) failures: AtomicU32,
}

/// Whether Redis can be asked, and what the fleet agreed on.
#[derive(Clone)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// As read last, also while Redis does not answer.
    pub(super) record: Option<Record>,
}

#[derive(Clone)]
pub(super) enum Phase {
    Connecting,
    /// Until then, Redis may be asked by what the record says.
    Ready(Link, Instant),
    Open(Fault),
    Refused(Fault),
}

/// A use of a request that the local window let through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    key: Key,
    date: UnixTime,
    max_uses: NonZeroU8,
    /// What it is judged at: no earlier than the latest moment that the window has seen.
    now: UnixTime,
    /// What the caller's clock says.
    said: UnixTime,
    /// When it was judged. An entry is kept for long enough where Redis answers soon after.
    begun: Instant,
    /// Which use it is, as far as this process knows.
    nth_here: NonZeroU8,
}

impl Core {
    pub(super) fn new(
        window: ReplayWindow,
        started: UnixTime,
        journal: Journal,
        settings: super::builder::Settings,
    ) -> Self {
        Self {
            window,
            started,
            clock: settings.clock,
            prefix: settings.prefix,
            timeout: settings.timeout,
            on_failure: settings.on_failure,
            failures_to_open: settings.failures_to_open,
            state: watch::Sender::new(State { phase: Phase::Connecting, record: None }),
            wake: Notify::new(),
            journal,
            counters: Counters::default(),
            failures: AtomicU32::new(0),
        }
    }

    fn skew_s(&self) -> u32 {
        self.window.retention().skew_s
    }

    pub(super) fn began(&self) -> Option<UnixTime> {
        Some(self.state.borrow().record.as_ref()?.began(self.skew_s()))
    }

    /// What can be said without asking: a refusal, or the claim to ask for.
    pub(super) fn begin(&self, claim: &Use<'_>, now: UnixTime) -> Result<Claim, Admission> {
        if let Some(fault) = self.fault()
            && (self.on_failure == OnFailure::FailClosed || fault.is_refusal())
        {
            return Err(Admission::Unavailable); // the local window does not count what was not asked
        }
        let begun = monotonic();
        // A clock set back revives nothing here either.
        let now_or_later = now.max(self.window.latest());
        self.judge(claim.date, now_or_later)?;
        match self.window.admit(claim, now).now() {
            Admission::Fresh { nth } => Ok(Claim {
                key: Key::of(claim.identity),
                date: claim.date,
                max_uses: claim.max_uses,
                now: now_or_later,
                said: now,
                begun,
                nth_here: nth,
            }),
            refusal => Err(refusal),
        }
    }

    fn judge(&self, date: UnixTime, now: UnixTime) -> Result<(), Admission> {
        match &self.state.borrow().record {
            Some(record) => record.judge(date, now, self.skew_s()),
            None => Ok(()), // asked again once it was read
        }
    }

    /// The answer of this process alone, where Redis is not asked now.
    pub(super) fn decide_at_once(&self, claim: Claim) -> Option<Admission> {
        Some(self.decide_alone(claim, self.fault()?))
    }

    /// Why Redis is not asked now, if that is settled.
    fn fault(&self) -> Option<Fault> {
        match &self.state.borrow().phase {
            Phase::Open(fault) | Phase::Refused(fault) => Some(*fault),
            Phase::Connecting | Phase::Ready(..) => None,
        }
    }

    /// Asks Redis, within the timeout, and decides where it does not answer.
    pub(super) async fn decide(self: Arc<Self>, claim: Claim) -> Admission {
        let answer = tokio::time::timeout(self.timeout, self.ask(claim)).await;
        let is_late = monotonic().saturating_duration_since(claim.begun) > MAX_TIMEOUT;
        match answer.unwrap_or(Err(Failure::Asked(Fault::Timeout))) {
            // This process stood still: by the time it asked, the entry may have been over.
            Ok(Admission::Fresh { .. }) if is_late => {
                let failure = Failure::Asked(Fault::Timeout);
                self.note(failure);
                self.decide_alone(claim, failure.fault())
            }
            Ok(admission) => {
                self.failures.store(0, Ordering::Relaxed);
                admission
            }
            Err(failure) => {
                self.note(failure);
                self.decide_alone(claim, failure.fault())
            }
        }
    }

    async fn ask(&self, claim: Claim) -> Result<Admission, Failure> {
        let link = self.ready().await.map_err(Failure::NotAsked)?;
        // Anew, now that the record is known, which may have changed.
        let kept_ms = match self.kept_ms(claim) {
            Ok(kept_ms) => kept_ms,
            Err(refusal) => return Ok(refusal),
        };
        self.counters.asked.add(1);
        let command = wire::admit(&self.prefix, claim.key, claim.max_uses, kept_ms);
        let answer = link.ask(&command).await.and_then(|answer| wire::admission(&answer));
        match answer {
            Err(Fault::Memory) => Ok(Admission::Full),
            answer => answer.map_err(Failure::Asked),
        }
    }

    /// For how long Redis keeps an entry from now on, if it can judge the request at all.
    fn kept_ms(&self, claim: Claim) -> Result<u64, Admission> {
        let state = self.state.borrow();
        let record = state.record.as_ref().ok_or(Admission::Unavailable)?;
        record.judge(claim.date, claim.now, self.skew_s())?;
        Ok(kept_ms(claim.date, claim.said, record.kept_s(), self.skew_s()))
    }

    /// The connection, as soon as there is one.
    async fn ready(&self) -> Result<Link, Fault> {
        let mut state = self.state.subscribe();
        loop {
            match &state.borrow_and_update().phase {
                Phase::Ready(link, until) if monotonic() < *until => return Ok(link.clone()),
                Phase::Ready(..) => {
                    self.wake.notify_one();
                    return Err(Fault::Stale);
                }
                Phase::Open(fault) | Phase::Refused(fault) => return Err(*fault),
                Phase::Connecting => {}
            }
            state.changed().await.map_err(|_| Fault::Stopped)?;
        }
    }

    /// Counts a request that Redis did not answer, and opens the breaker where there are too many.
    fn note(&self, failure: Failure) {
        let Failure::Asked(fault) = failure else {
            return;
        };
        self.counters.failed.add(1);
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let is_lost = fault == Fault::Connection;
        if is_lost || failures >= self.failures_to_open.get() {
            // A lost connection comes back at once, as a rule: requests wait for it, and for a look
            // at whether the server comes back with what it knew.
            self.leave(if is_lost { Phase::Connecting } else { Phase::Open(fault) });
            self.wake.notify_one();
        }
    }

    /// Goes over to `phase` from a state in which Redis was asked.
    fn leave(&self, phase: Phase) {
        let left = self.state.send_if_modified(|state| {
            let is_ready = matches!(state.phase, Phase::Ready(..));
            if is_ready {
                state.phase = phase;
            }
            is_ready
        });
        if left {
            self.counters.opened.add(1);
        }
    }

    /// Goes over to `phase`.
    pub(super) fn enter(&self, phase: Phase) {
        self.state.send_modify(|state| state.phase = phase);
    }

    /// The answer where Redis gave none.
    fn decide_alone(&self, claim: Claim, fault: Fault) -> Admission {
        let is_known_here = claim.date > self.started.saturating_add(self.skew_s().into());
        if self.on_failure == OnFailure::FailClosed || fault.is_refusal() || !is_known_here {
            return Admission::Unavailable;
        }
        let (retention, latest) = (self.window.retention(), self.window.latest());
        let noted =
            self.journal.note(claim.key, claim.date, |date| retention.is_over(date, latest));
        if let Err(refusal) = noted {
            return refusal;
        }
        self.counters.decided_locally.add(1);
        self.wake.notify_one();
        Admission::Fresh { nth: claim.nth_here }
    }

    /// What is shown of the state.
    pub(super) fn shown(&self) -> Shown {
        match &self.state.borrow().phase {
            Phase::Connecting => Shown::Connecting,
            Phase::Ready(..) => Shown::Ready,
            Phase::Open(fault) => Shown::Open(*fault),
            Phase::Refused(fault) => Shown::Refused(*fault),
        }
    }
}

/// How long from `now` on an entry signed at `date` is kept, in milliseconds.
///
/// `now` is what the clock says, also where the window has seen a later moment: once a clock that
/// was ahead is right again, the other origins take the date for as long as ever. One that is far
/// behind does not make it longer than a date that is ahead by the skew needs.
pub(super) fn kept_ms(date: UnixTime, now: UnixTime, kept_s: i64, skew_s: u32) -> u64 {
    let beyond_s = kept_s.saturating_add(i64::from(skew_s) + MARGIN_S);
    let longest_s = beyond_s.saturating_add(skew_s.into());
    let left_s = date.saturating_add(beyond_s).seconds_since(now).min(longest_s);
    u64::try_from(left_s).unwrap_or(0).max(1).saturating_mul(1_000)
}

#[derive(Clone, Copy, Debug)]
enum Failure {
    /// Redis was not asked.
    NotAsked(Fault),
    /// Nobody knows whether it took the use.
    Asked(Fault),
}

impl Failure {
    const fn fault(self) -> Fault {
        match self {
            Self::NotAsked(fault) | Self::Asked(fault) => fault,
        }
    }
}
