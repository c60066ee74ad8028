//! The life of a key: which step follows which, as a plain function without I/O and without a clock.
//!
//! ```text
//!             promote                superseded               retire
//!  accepted ──────────▶ signing ─────────────────▶ retiring ──────────▶ retired ──▶ removed
//!                          ◀──────────────────────── promote     ◀────── undo
//! ```

use crate::key::KeyId;
use crate::limits::{MIN_RETIRED_S, MIN_RETIRING_S};
use crate::time::UnixTime;

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// Origins accept it; no edge signs with it yet.
    Accepted,
    /// The edge signs with it.
    Signing,
    /// The edge has gone on to the next one; still accepted.
    Retiring,
    /// Refused, and kept on record, so that its use shows as `inactive-key`.
    Retired,
}

impl KeyState {
    /// The name, as files and commands have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Signing => "signing",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

impl std::fmt::Display for KeyState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// A key's state, and the moments at which it came there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Life {
    /// Where it is now.
    pub state: KeyState,
    /// When it was made.
    pub created: UnixTime,
    /// When an edge was last told to sign with it; `None` when none ever was.
    pub promoted: Option<UnixTime>,
    /// When another key took its place at the edge.
    pub retiring_since: Option<UnixTime>,
    /// When it was retired.
    pub retired: Option<UnixTime>,
    /// Whether it was retired because somebody else may have it: it never comes back.
    pub compromised: bool,
}

/// A step that somebody wants to take with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// The edge is to sign with it.
    Promote(Learnt<'a>),
    /// Another key takes its place at the edge.
    Supersede,
    /// It is to be refused from now on.
    Retire(Unused<'a>),
    /// It never signed, and is not wanted any more.
    GiveUp,
    /// Somebody else may have it: it is to be refused at once, whatever breaks.
    RetireCompromised,
    /// It was retired too early.
    UndoRetire,
    /// It is to be forgotten.
    Remove,
}

/// Why it may be taken that the origins accept a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Learnt<'a> {
    /// No key of the directory has ever signed: there is nothing to interrupt.
    FirstKey,
    /// They had this many seconds since the key was made.
    Within {
        /// Seconds.
        settle_s: u32,
    },
    /// They were asked.
    Reports(&'a [OriginReport]),
    /// The operator says so.
    Asserted,
}

/// Why it may be taken that nobody signs with a key any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unused<'a> {
    /// Another key took its place at least [`MIN_RETIRING_S`] ago.
    ByTime,
    /// The origins were asked when it was last used.
    Reports {
        /// What each said; none is no evidence.
        reports: &'a [OriginReport],
        /// How long the last use has to be over, in seconds.
        unused_for_s: u32,
    },
}

/// What one origin says of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginReport {
    /// Where it was asked, for messages.
    pub origin: String,
    /// Whether it has loaded the key as active.
    pub is_loaded: bool,
    /// The last request that it accepted with this key.
    pub last_used: Option<UnixTime>,
    /// When the origin started, if it says so.
    pub started: Option<UnixTime>,
}

/// What becomes of a key by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// It lives on like this.
    Becomes(Life),
    /// It goes.
    Gone,
}

/// Why a step is not taken. Two lines: the fault, the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepRefusal {
    /// The key is in a state that the step does not start from.
    #[error("the key {key_id} is {state}: it cannot be {step}\n{way_out}")]
    State {
        /// The key.
        key_id: KeyId,
        /// Where it is.
        state: KeyState,
        /// The step, as a participle.
        step: &'static str,
        /// What to do instead.
        way_out: &'static str,
    },
    /// Origins may not have learnt the key yet.
    #[error(
        "the key {key_id} was made {age_s} s ago, and origins get {settle_s} s to load it\nwait {} s, or ask the origins: --metrics http://ORIGIN/metrics", settle_s - age_s
    )]
    Unsettled {
        /// The key.
        key_id: KeyId,
        /// Its age in seconds.
        age_s: i64,
        /// What it has to be.
        settle_s: i64,
    },
    /// An origin says that it has not loaded the key.
    #[error(
        "the origin {origin} has not loaded the key {key_id}: requests signed with it would be refused there\nlet it load the key (a reload, or a restart), then again"
    )]
    NotLoaded {
        /// The key.
        key_id: KeyId,
        /// The origin.
        origin: String,
    },
    /// There was nobody to ask.
    #[error("no origin was asked about the key {key_id}\n--metrics http://ORIGIN/metrics, for each")]
    NoReport {
        /// The key.
        key_id: KeyId,
    },
    /// The key has not been out of service for long enough.
    #[error(
        "the key {key_id} gave way {since_s} s ago, and an edge may go on with it for {needed_s} s\n{way_out}"
    )]
    JustSuperseded {
        /// The key.
        key_id: KeyId,
        /// Seconds since another took its place.
        since_s: i64,
        /// What it has to be.
        needed_s: i64,
        /// What to do now.
        way_out: &'static str,
    },
    /// An origin has accepted a request with the key a short while ago.
    #[error(
        "the key {key_id} was used {ago_s} s ago at {origin}: an edge still signs with it\nlook at what that edge holds (wafpass keys export), and wait until it is unused for {unused_for_s} s"
    )]
    StillUsed {
        /// The key.
        key_id: KeyId,
        /// The origin.
        origin: String,
        /// Seconds since the last use.
        ago_s: i64,
        /// What it has to be.
        unused_for_s: i64,
    },
    /// An origin that has no use to report has not run for long enough to know.
    #[error(
        "the origin {origin} knows of no use of the key {key_id}, but does not say that it has run for {unused_for_s} s\nask again once it has; --unused-for sets how long"
    )]
    YoungOrigin {
        /// The key.
        key_id: KeyId,
        /// The origin.
        origin: String,
        /// How long it has to have run.
        unused_for_s: i64,
    },
    /// The key has not been retired for long enough.
    #[error(
        "the key {key_id} was retired {since_s} s ago, and stays on record for {needed_s} s: until then its use shows as inactive-key\nwait {} s", needed_s - since_s
    )]
    JustRetired {
        /// The key.
        key_id: KeyId,
        /// Seconds since then.
        since_s: i64,
        /// What it has to be.
        needed_s: i64,
    },
    /// A key that somebody else may have is to come back.
    #[error(
        "the key {key_id} was retired as compromised: it does not come back\nmake another: wafpass keys new"
    )]
    Compromised {
        /// The key.
        key_id: KeyId,
    },
    /// The key's own window does not hold now.
    #[error(
        "the key {key_id} does not count now: its window is from {} until {}\npromote one that counts: wafpass keys list", moment(.not_before), moment(.not_after)
    )]
    OutsideWindow {
        /// The key.
        key_id: KeyId,
        /// When its window begins.
        not_before: Option<UnixTime>,
        /// When it ends.
        not_after: Option<UnixTime>,
    },
}

fn moment(moment: &Option<UnixTime>) -> String {
    moment.map_or_else(|| "ever".into(), |moment| moment.to_string())
}

impl Life {
    /// The life of a key made at `now`: accepted, and nothing else yet.
    #[must_use]
    pub const fn begun(now: UnixTime) -> Self {
        Self {
            state: KeyState::Accepted,
            created: now,
            promoted: None,
            retiring_since: None,
            retired: None,
            compromised: false,
        }
    }

    /// Since when the key is in its state.
    #[must_use]
    pub fn since(&self) -> UnixTime {
        let moment = match self.state {
            KeyState::Accepted => None,
            KeyState::Signing => self.promoted,
            KeyState::Retiring => self.retiring_since,
            KeyState::Retired => self.retired,
        };
        moment.unwrap_or(self.created)
    }

    /// Takes `step` at `now` with the key that is called `key_id`, or says why not.
    ///
    /// # Errors
    ///
    /// [`StepRefusal`], in two lines: the fault, the way out.
    pub fn after(
        self,
        step: Step<'_>,
        key_id: KeyId,
        now: UnixTime,
    ) -> Result<Next, StepRefusal> {
        let at = At { life: self, key_id, now };
        match step {
            Step::Promote(learnt) => at.promote(learnt),
            Step::Supersede => at.supersede(),
            Step::Retire(unused) => at.retire(unused),
            Step::GiveUp => at.give_up(),
            Step::RetireCompromised => at.retire_compromised(),
            Step::UndoRetire => at.undo_retire(),
            Step::Remove => at.remove(),
        }
    }
}

/// A key at a moment.
struct At {
    life: Life,
    key_id: KeyId,
    now: UnixTime,
}

type Decision = Result<Next, StepRefusal>;

impl At {
    fn promote(self, learnt: Learnt<'_>) -> Decision {
        match self.life.state {
            KeyState::Accepted => self.check_learnt(learnt)?,
            KeyState::Retiring => {} // the way back: origins have never ceased to accept it
            KeyState::Signing => {
                return self.refuse("promoted", "hand it to the edge: wafpass keys export");
            }
            KeyState::Retired if self.life.compromised => return self.compromised(),
            KeyState::Retired => {
                let way_out = "make another (wafpass keys new), or take its retirement back: wafpass keys retire --undo";
                return self.refuse("promoted", way_out);
            }
        }
        let promoted = Some(self.now);
        let state = KeyState::Signing;
        Ok(Next::Becomes(Life { state, promoted, retiring_since: None, ..self.life }))
    }

    fn check_learnt(&self, learnt: Learnt<'_>) -> Result<(), StepRefusal> {
        let key_id = self.key_id;
        match learnt {
            Learnt::FirstKey | Learnt::Asserted => Ok(()),
            Learnt::Within { settle_s } => {
                let (age_s, settle_s) =
                    (self.now.seconds_since(self.life.created), i64::from(settle_s));
                if age_s >= settle_s {
                    return Ok(());
                }
                // A key from the future has no age: a clock is wrong.
                Err(StepRefusal::Unsettled { key_id, age_s: age_s.max(0), settle_s })
            }
            Learnt::Reports([]) => Err(StepRefusal::NoReport { key_id }),
            Learnt::Reports(reports) => match reports.iter().find(|report| !report.is_loaded) {
                Some(report) => {
                    Err(StepRefusal::NotLoaded { key_id, origin: report.origin.clone() })
                }
                None => Ok(()),
            },
        }
    }

    fn supersede(self) -> Decision {
        if self.life.state != KeyState::Signing {
            return self.refuse("superseded", "only the key that signs gives way to another");
        }
        let retiring_since = Some(self.now);
        Ok(Next::Becomes(Life { state: KeyState::Retiring, retiring_since, ..self.life }))
    }

    fn retire(self, unused: Unused<'_>) -> Decision {
        let way_out = match self.life.state {
            KeyState::Retiring => {
                self.check_unused(unused)?;
                return self.retired(false);
            }
            KeyState::Accepted => {
                "it has never signed; if it is not wanted any more: wafpass keys retire --give-up"
            }
            KeyState::Signing => {
                "promote its successor first (wafpass keys new, then promote); if somebody else may have it: wafpass keys retire --compromised"
            }
            KeyState::Retired => "forget it, once it is a day old: wafpass keys remove",
        };
        self.refuse("retired", way_out)
    }

    fn check_unused(&self, unused: Unused<'_>) -> Result<(), StepRefusal> {
        match unused {
            Unused::ByTime => {
                let way_out = "wait, or ask the origins when it was last used: --metrics http://ORIGIN/metrics";
                self.check_superseded(MIN_RETIRING_S, way_out)
            }
            Unused::Reports { reports: [], .. } => {
                Err(StepRefusal::NoReport { key_id: self.key_id })
            }
            Unused::Reports { reports, unused_for_s } => {
                let unused_for_s = i64::from(unused_for_s);
                reports.iter().try_for_each(|report| self.check_report(report, unused_for_s))?;
                // No use while there were no requests says nothing of the edge.
                self.check_superseded(unused_for_s, "wait; --unused-for sets how long")
            }
        }
    }

    fn check_superseded(&self, needed_s: i64, way_out: &'static str) -> Result<(), StepRefusal> {
        let since_s = self.now.seconds_since(self.life.since());
        if since_s >= needed_s {
            return Ok(());
        }
        let key_id = self.key_id;
        Err(StepRefusal::JustSuperseded { key_id, since_s: since_s.max(0), needed_s, way_out })
    }

    fn check_report(&self, report: &OriginReport, unused_for_s: i64) -> Result<(), StepRefusal> {
        let (key_id, origin) = (self.key_id, || report.origin.clone());
        let is_over = |moment| self.now.seconds_since(moment) >= unused_for_s;
        match (report.last_used, report.started) {
            (Some(used), _) if is_over(used) => Ok(()),
            (Some(used), _) => {
                let ago_s = self.now.seconds_since(used).max(0);
                Err(StepRefusal::StillUsed { key_id, origin: origin(), ago_s, unused_for_s })
            }
            (None, Some(started)) if is_over(started) => Ok(()),
            (None, _) => {
                Err(StepRefusal::YoungOrigin { key_id, origin: origin(), unused_for_s })
            }
        }
    }

    fn give_up(self) -> Decision {
        match self.life.state {
            KeyState::Accepted => self.retired(false),
            _ => self.refuse("given up", "only a key that has never signed can be given up"),
        }
    }

    fn retire_compromised(self) -> Decision {
        if self.life.state == KeyState::Retired && self.life.compromised {
            return self.refuse("retired", "it is refused already, and never comes back");
        }
        self.retired(true)
    }

    fn retired(self, compromised: bool) -> Decision {
        let retired = self.life.retired.or(Some(self.now));
        Ok(Next::Becomes(Life { state: KeyState::Retired, retired, compromised, ..self.life }))
    }

    fn undo_retire(self) -> Decision {
        if self.life.state != KeyState::Retired {
            return self.refuse("taken back", "only a retired key can be taken back");
        }
        if self.life.compromised {
            return self.compromised();
        }
        let state = match self.life.promoted {
            Some(_) => KeyState::Retiring,
            None => KeyState::Accepted,
        };
        Ok(Next::Becomes(Life { state, retired: None, ..self.life }))
    }

    fn remove(self) -> Decision {
        if self.life.state != KeyState::Retired {
            return self.refuse("removed", "retire it first: wafpass keys retire");
        }
        let (since_s, needed_s) = (self.now.seconds_since(self.life.since()), MIN_RETIRED_S);
        if since_s < needed_s {
            let (key_id, since_s) = (self.key_id, since_s.max(0));
            return Err(StepRefusal::JustRetired { key_id, since_s, needed_s });
        }
        Ok(Next::Gone)
    }

    fn refuse(self, step: &'static str, way_out: &'static str) -> Decision {
        let (key_id, state) = (self.key_id, self.life.state);
        Err(StepRefusal::State { key_id, state, step, way_out })
    }

    fn compromised(self) -> Decision {
        Err(StepRefusal::Compromised { key_id: self.key_id })
    }
}
