//! Which step follows which: a plain function, without I/O and without a clock.

use super::life::{KeyState, Learnt, Life, Next, OriginReport, Step, Unused};
use super::refusal::StepRefusal;
use crate::key::KeyId;
use crate::limits::{MIN_RETIRED_S, MIN_RETIRING_S};
use crate::time::UnixTime;

impl Life {
    /// Takes `step` at `now` with the key that is called `key_id`, or says why not.
    ///
    /// # Errors
    ///
    /// [`StepRefusal`], in two lines: the fault, the way out.
    pub fn after(self, step: Step<'_>, key_id: KeyId, now: UnixTime) -> Result<Next, StepRefusal> {
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
            (None, _) => Err(StepRefusal::YoungOrigin { key_id, origin: origin(), unused_for_s }),
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
        // An edge may sign with it still: what is known of its disuse counts from here on.
        let (state, retiring_since) = match self.life.promoted {
            Some(_) => (KeyState::Retiring, Some(self.now)),
            None => (KeyState::Accepted, None),
        };
        Ok(Next::Becomes(Life { state, retiring_since, retired: None, ..self.life }))
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
