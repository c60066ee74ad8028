//! Connects, looks after the connection, and writes back what was decided without it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use redis::Value;
use tokio::task::JoinSet;

use super::builder::KeeperSettings;
use super::core::{Core, Phase, kept_ms};
use super::error::ReplayRedisFault as Fault;
use super::journal::Entry;
use super::link::{Link, Target};
use super::record::{Finding, Loss, Record};
use super::survey::{Marks, Survey};
use super::wire::{self, Key, text};
use super::{MAX_CHECK, NewServer};
use crate::clock::monotonic;
use crate::replay::ReplayStore;

/// For how long an origin goes by a record that it has read. [`record`](super::record) counts on
/// it.
pub(super) const LEASE: Duration = Duration::from_secs(20);
const _: () = assert!(LEASE.as_secs() == 2 * MAX_CHECK.as_secs(), "one check may come late");

/// How long a look at the servers may take.
const CHECK: Duration = Duration::from_secs(2);
/// Longest time that the breaker is open, and that a refused server is left alone.
const OPEN_AT_MOST: Duration = Duration::from_secs(30);
/// Requests written back at once.
const BATCH: usize = 256;
/// How often the record is written anew where another origin was faster.
const ATTEMPTS: usize = 16;

pub(super) struct Keeper {
    pub(super) core: Arc<Core>,
    pub(super) target: Target,
    pub(super) settings: KeeperSettings,
    pub(super) marks: Marks,
}

impl Keeper {
    /// Runs until the store is dropped.
    pub(super) async fn run(self) {
        let _stopped = Stopped(Arc::clone(&self.core));
        // How often it failed since a look at the servers went well.
        let mut failed = 0;
        let mut shown = None;
        loop {
            let fault = match self.establish().await {
                Ok(link) => {
                    self.announce(&mut shown, None);
                    self.attend(link, &mut failed).await
                }
                Err(fault) => fault,
            };
            if failed == 0 && fault == Fault::Connection && shown == Some(None) {
                // It was up for a while: most likely it is there again.
                failed = 1;
                self.core.enter(Phase::Connecting);
                continue;
            }
            failed = failed.max(1);
            self.core.enter(if matches!(fault, Fault::Evicting | Fault::EvictionUnknown) {
                Phase::Refused(fault)
            } else {
                Phase::Open(fault)
            });
            self.announce(&mut shown, Some(fault));
            tokio::time::sleep(self.pause(failed, fault)).await;
            failed += 1;
        }
    }

    /// A connection to servers that may be used, with all written back to them.
    async fn establish(&self) -> Result<Link, Fault> {
        let link = self.target.connect(&self.settings.client_name).await?;
        let checked = self.bring_up_to_date(&link).await?;
        self.core.failures.store(0, Ordering::Relaxed);
        self.core.enter(Phase::Ready(link.clone(), checked + LEASE));
        Ok(link)
    }

    /// Looks after a connection; returns why it is given up.
    async fn attend(&self, link: Link, failed: &mut u32) -> Fault {
        let mut next = monotonic() + self.settings.check_every;
        loop {
            let left = next.saturating_duration_since(monotonic());
            let _woken = tokio::time::timeout(left, self.core.wake.notified()).await;
            let is_due = monotonic() >= next; // also where it is woken all the time
            let found = match self.lost() {
                Some(fault) => Err(fault),
                None if is_due || self.wants_more() => self.renew(&link).await,
                None => match self.write_back(&link, monotonic() + LEASE / 4).await {
                    Ok(Written::All) => Ok(()),
                    Ok(Written::Part) => self.renew(&link).await,
                    Err(fault) => Err(fault),
                },
            };
            match found {
                Ok(()) if is_due => {
                    *failed = 0;
                    next = monotonic() + self.settings.check_every;
                }
                Ok(()) => {}
                Err(fault) => return fault,
            }
        }
    }

    async fn renew(&self, link: &Link) -> Result<(), Fault> {
        let checked = self.bring_up_to_date(link).await?;
        if self.lost().is_none() {
            self.core.enter(Phase::Ready(link.clone(), checked + LEASE));
        }
        Ok(())
    }

    /// Reads the record, and writes back what is to be. Returns when it was read.
    async fn bring_up_to_date(&self, link: &Link) -> Result<Instant, Fault> {
        loop {
            let checked = monotonic();
            self.check(link).await?;
            if self.write_back(link, checked + LEASE / 2).await? == Written::All {
                return Ok(checked);
            }
        }
    }

    /// Why requests have given the connection up.
    fn lost(&self) -> Option<Fault> {
        match &self.core.state.borrow().phase {
            Phase::Ready(..) => None,
            Phase::Connecting => Some(Fault::Connection),
            Phase::Open(fault) | Phase::Refused(fault) => Some(*fault),
        }
    }

    /// Whether entries have to be kept for longer than the fleet has agreed on.
    fn wants_more(&self) -> bool {
        let kept_s = self.core.window.retention().kept_s();
        self.core.state.borrow().record.as_ref().is_none_or(|record| record.kept_s() < kept_s)
    }

    /// Looks at the servers and at the record, and brings it up to date.
    async fn check(&self, link: &Link) -> Result<(), Fault> {
        let record =
            tokio::time::timeout(CHECK, self.read(link)).await.map_err(|_| Fault::Timeout)??;
        let old = self.core.state.borrow().record.clone();
        if let Some(old) = &old
            && record.since() > old.since()
        {
            tracing::warn!(
                target: "wafpass::replay",
                since = %record.since(),
                "Redis has lost entries, or another server answers: what was signed before is refused"
            );
        }
        if old.as_ref() != Some(&record) {
            self.core.state.send_modify(|state| state.record = Some(record));
        }
        Ok(())
    }

    async fn read(&self, link: &Link) -> Result<Record, Fault> {
        let survey = Survey::of(link, self.settings.eviction).await?;
        let mut loss = match self.settings.new_server {
            NewServer::Barrier => Loss::IfOtherServers,
            NewServer::Trust => Loss::None,
        };
        let marked = !link.is_cluster() || self.marks.are_there(link).await?;
        if !marked {
            loss = Loss::Found;
        }
        let record = self.revise(link, &survey, loss).await?;
        if !marked {
            self.marks.write(link).await?; // after the record: who sees the marks sees it, too
        }
        Ok(record)
    }

    /// Brings the record up to date, in one step with reading it: as often as another origin does
    /// so in between.
    async fn revise(&self, link: &Link, survey: &Survey, loss: Loss) -> Result<Record, Fault> {
        let name = format!("{}retention", self.core.prefix);
        for _ in 0..ATTEMPTS {
            let stored = link.ask(&wire::get(&name)).await?;
            let stored = match &stored {
                Value::Nil => "",
                stored => text(stored).ok_or(Fault::Answer)?,
            };
            let old = match stored {
                "" => None,
                stored => Some(stored.parse::<Record>().map_err(|_| Fault::Answer)?),
            };
            let finding = Finding {
                retention: self.core.window.retention(),
                now: self.core.clock.now(),
                servers: &survey.servers,
                loss,
            };
            let new = Record::revised(old.as_ref(), &finding);
            if old.as_ref() == Some(&new) {
                return Ok(new);
            }
            let command = wire::replace(&name, stored, &new.to_string());
            if link.ask(&command).await? == Value::Int(1) {
                return Ok(new);
            }
        }
        Err(Fault::Answer)
    }

    /// Writes what was decided without Redis, so that the other origins refuse it; until `until`,
    /// since it goes by the record.
    async fn write_back(&self, link: &Link, until: Instant) -> Result<Written, Fault> {
        loop {
            let batch = self.core.journal.take(BATCH);
            if batch.is_empty() {
                return Ok(Written::All);
            }
            self.write(link, batch).await?;
            if monotonic() > until {
                return Ok(Written::Part);
            }
        }
    }

    async fn write(&self, link: &Link, batch: Vec<(Key, Entry)>) -> Result<(), Fault> {
        let mut unwritten = Unwritten { core: &self.core, entries: batch };
        let mut writing = JoinSet::new();
        for (at, (key, entry)) in unwritten.entries.iter().enumerate() {
            let kept_s = self.core.state.borrow().record.as_ref().map_or(0, Record::kept_s);
            let skew_s = self.core.window.retention().skew_s;
            let kept_ms = kept_ms(entry.date, self.core.clock.now(), kept_s, skew_s);
            let command = wire::write_back(&self.core.prefix, *key, entry.uses, kept_ms);
            let link = link.clone();
            writing.spawn(async move { (at, link.ask(&command).await) });
        }
        let mut written = vec![false; unwritten.entries.len()];
        let mut failure = None;
        let all = async {
            while let Some(Ok((at, answer))) = writing.join_next().await {
                match answer {
                    Ok(_) => {
                        written.iter_mut().skip(at).take(1).for_each(|written| *written = true)
                    }
                    Err(fault) => failure = Some(fault),
                }
            }
        };
        if tokio::time::timeout(CHECK, all).await.is_err() {
            failure = Some(Fault::Timeout);
        }
        let count = written.iter().filter(|written| **written).count();
        self.core.counters.written_back.add(u64::try_from(count).unwrap_or(u64::MAX));
        let mut written = written.into_iter();
        unwritten.entries.retain(|_| !written.next().unwrap_or_default());
        match failure {
            Some(fault) => Err(fault),
            None if unwritten.entries.is_empty() => Ok(()),
            None => Err(Fault::Stopped),
        }
    }

    /// How long Redis is left alone: twice as long each time, and not all origins at once.
    fn pause(&self, failed: u32, fault: Fault) -> Duration {
        if matches!(fault, Fault::Evicting | Fault::EvictionUnknown) {
            return self.settings.check_every;
        }
        let doubled = 2_u32.saturating_pow(failed.saturating_sub(1).min(16));
        let pause = self.settings.open_for.saturating_mul(doubled).min(OPEN_AT_MOST);
        let mut random = [0; 4];
        // Without randomness, all of it: a little later than the others.
        let share = match getrandom::fill(&mut random) {
            Ok(()) => u32::from_le_bytes(random) % 512 + 512,
            Err(_) => 1_024,
        };
        pause * share / 1_024
    }

    /// Tells the log of a change.
    fn announce(&self, shown: &mut Option<Option<Fault>>, fault: Option<Fault>) {
        if *shown == Some(fault) {
            return;
        }
        *shown = Some(fault);
        match fault {
            None => {
                tracing::info!(target: "wafpass::replay", "Redis answers: replay is refused for the fleet")
            }
            Some(fault) if matches!(fault, Fault::Evicting | Fault::EvictionUnknown) => {
                tracing::error!(
                    target: "wafpass::replay",
                    fault = fault.code(),
                    "Redis must not be used, no request passes: {}",
                    fault.way_out()
                )
            }
            Some(fault) => tracing::error!(
                target: "wafpass::replay",
                fault = fault.code(),
                on_failure = self.core.on_failure.code(),
                "Redis does not answer: {}",
                fault.way_out()
            ),
        }
    }
}

/// How much of the journal was written.
#[derive(PartialEq)]
enum Written {
    All,
    /// There was much: the record has to be read again.
    Part,
}

/// Puts back into the journal what is left in it, also when the keeper ends half way.
struct Unwritten<'a> {
    core: &'a Core,
    entries: Vec<(Key, Entry)>,
}

impl Drop for Unwritten<'_> {
    fn drop(&mut self) {
        self.core.journal.put_back(self.entries.drain(..));
    }
}

/// Whatever ends the keeper: without it Redis must not be asked.
struct Stopped(Arc<Core>);

impl Drop for Stopped {
    fn drop(&mut self) {
        self.0.enter(Phase::Refused(Fault::Stopped));
    }
}
