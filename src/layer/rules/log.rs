//! The log of what matched: one thread that traces, extracts and seals, and never makes a request wait.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use tokio::sync::watch;
use tokio::time;

use super::bucket::{Bucket, Rate};
use super::limits::{
    DEFAULT_EVENTS_AT_ONCE, DEFAULT_EVENTS_PER_SECOND, DEFAULT_EVENTS_PER_SECOND_OF_ALL,
    MAX_EVENTS_PER_SECOND, QUEUED_BYTES, QUEUED_EVENTS,
};
use super::record::{Losses, LostEvent, Record};
use super::sealing::{Job, Sealing};
use super::{EventSink, RulesLayerError};
use crate::matched_data::{Binding, ClearText, DenyList, PublicKey, Suite};

/// Builds an [`EventLog`].
#[must_use = "nothing is sealed before EventLogBuilder::build"]
pub struct EventLogBuilder {
    sealing: Sealing,
    per_rule: Rate,
    in_total: u32,
}

impl EventLogBuilder {
    /// The form of the blobs ([`BlobVersion::V4`]).
    pub const fn version(mut self, version: BlobVersion) -> Self {
        self.sealing.version = version;
        self
    }

    /// What stands beside the blob, for everybody on the way to read: path, query and user agent often
    /// hold the very payload that matched ([`ClearText::WithoutSecrets`]).
    pub const fn clear_text(mut self, clear: ClearText) -> Self {
        self.sealing.clear = clear;
        self
    }

    /// What is never logged, sealed or not (passwords, cookies and the like: [`DenyList::default`]).
    pub fn deny(mut self, deny: DenyList) -> Self {
        self.sealing.deny = deny;
        self
    }

    /// Events of one rule in a second (10), and at once (50). More are counted, and not sealed.
    pub const fn per_rule(mut self, per_second: u32, at_once: u32) -> Self {
        self.per_rule = Rate::new(per_second, at_once);
        self
    }

    /// Events of all rules together in a second, and at once: 500 unless set.
    pub const fn in_total(mut self, per_second: u32) -> Self {
        self.in_total = per_second;
        self
    }

    /// The log. Starts its thread.
    ///
    /// # Errors
    ///
    /// [`RulesLayerError`] for a tenant, key or rate that cannot be used, and where there is no thread.
    pub fn build(self) -> Result<EventLog, RulesLayerError> {
        let Sealing { tenant, key, version, .. } = &self.sealing;
        if tenant.is_empty() || Binding::new(tenant, "", "", 0).is_err() {
            return Err(RulesLayerError::Tenant);
        }
        if *version == BlobVersion::V3 && key.suite() != Suite::X25519 {
            return Err(RulesLayerError::KeyKind);
        }
        for per_second in [self.per_rule.per_second(), self.in_total] {
            if !(1..=MAX_EVENTS_PER_SECOND).contains(&per_second) {
                return Err(RulesLayerError::Rate { per_second });
            }
        }
        let (queue, jobs) = mpsc::sync_channel(QUEUED_EVENTS);
        let (done, is_done) = watch::channel(());
        let line = Arc::new(Line::default());
        let worker = Worker { jobs, sealing: self.sealing, line: Arc::clone(&line), _done: done };
        let thread = thread::Builder::new().name("wafpass-sealing".into());
        thread.spawn(move || worker.run()).map_err(|_| RulesLayerError::NoThread)?;
        Ok(EventLog(Arc::new(Inner {
            queue: ArcSwapOption::from_pointee(queue),
            done: is_done,
            line,
            per_rule: self.per_rule,
            in_total: Rate::new(self.in_total, self.in_total),
            all: Bucket::new(),
        })))
    }
}

impl fmt::Debug for EventLogBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLogBuilder")
            .field("tenant", &self.sealing.tenant)
            .field("per_rule", &self.per_rule)
            .field("in_total", &self.in_total)
            .finish_non_exhaustive()
    }
}

/// Which form blobs have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlobVersion {
    /// What Cloudflare's payload logging writes and `matched-data-cli` reads. Not bound to its event.
    V3,
    /// Bound to its event, names its key, hides the length.
    #[default]
    V4,
}

/// Seals what matched, and hands the events to a sink. Clones share one thread.
///
/// One event for each request that matched, bound to the rule that decided; the others are in it. Where
/// events come faster than their rates, or than the thread seals, they are counted by rule and reason,
/// and not sealed.
#[derive(Clone)]
pub struct EventLog(Arc<Inner>);

struct Inner {
    queue: ArcSwapOption<SyncSender<Job>>,
    /// Closed once the thread has ended.
    done: watch::Receiver<()>,
    line: Arc<Line>,
    per_rule: Rate,
    in_total: Rate,
    all: Bucket,
}

/// What the requests and the thread both see of the queue.
#[derive(Default)]
struct Line {
    losses: Losses,
    waiting: AtomicUsize,
    waiting_bytes: AtomicUsize,
}

impl Line {
    /// Takes room for a request.
    fn enter(&self, bytes: usize) -> bool {
        let more = |waiting: usize| waiting.checked_add(bytes).filter(|sum| *sum <= QUEUED_BYTES);
        let (set, get) = (Ordering::Relaxed, Ordering::Relaxed);
        let is_room = self.waiting_bytes.fetch_update(set, get, more).is_ok();
        if is_room {
            // Shown before it is handed over, so that what the thread shows comes later.
            let before = self.waiting.fetch_add(1, Ordering::Relaxed);
            self.losses.show_waiting(before.saturating_add(1));
        }
        is_room
    }

    /// Gives it back.
    fn leave(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        let before = self.waiting.fetch_sub(1, Ordering::Relaxed);
        self.losses.show_waiting(before.saturating_sub(1));
    }
}

impl EventLog {
    /// A log that seals with `key` for `tenant`, the immutable id that comes with the collector's
    /// credential, and hands the events to `sink`.
    pub fn builder(tenant: &str, key: PublicKey, sink: impl EventSink) -> EventLogBuilder {
        EventLogBuilder {
            sealing: Sealing {
                tenant: tenant.into(),
                key,
                sink: Box::new(sink),
                version: BlobVersion::default(),
                clear: ClearText::default(),
                deny: DenyList::default(),
            },
            per_rule: Rate::new(DEFAULT_EVENTS_PER_SECOND, DEFAULT_EVENTS_AT_ONCE),
            in_total: DEFAULT_EVENTS_PER_SECOND_OF_ALL,
        }
    }

    /// Whether an event of this rule is sealed; counted if not. Asked before anything is copied.
    pub(super) fn admits(&self, record: &Record) -> bool {
        let Inner { line, per_rule, in_total, all, .. } = &*self.0;
        let reason = if !record.admits(*per_rule) {
            LostEvent::RuleRate
        } else if !all.take(*in_total) {
            LostEvent::TotalRate
        } else {
            return true;
        };
        line.losses.tell(reason, record);
        false
    }

    /// Hands a request over to be sealed. Never waits.
    pub(super) fn give(&self, job: Job) {
        let Inner { queue, line, .. } = &*self.0;
        let (record, bytes) = (Arc::clone(&job.record), job.snapshot.bytes());
        let Some(queue) = &*queue.load() else {
            return line.losses.tell(LostEvent::Closed, &record);
        };
        if !line.enter(bytes) {
            return line.losses.tell(LostEvent::QueueFull, &record);
        }
        if let Err(error) = queue.try_send(job) {
            line.leave(bytes);
            let reason = match error {
                TrySendError::Full(_) => LostEvent::QueueFull,
                TrySendError::Disconnected(_) => LostEvent::Closed,
            };
            line.losses.tell(reason, &record);
        }
    }

    /// How many requests wait to be sealed.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.line.waiting.load(Ordering::Relaxed)
    }

    /// Ends the log: takes no more, and waits until what waits is sealed and with the sink, for as long
    /// as `within`. Says whether it is. Shut a [`Shipper`](crate::ship::Shipper) down afterwards.
    pub async fn shutdown(&self, within: Duration) -> bool {
        self.0.queue.store(None);
        let mut done = self.0.done.clone();
        // An error of the inner kind says that the thread has ended.
        time::timeout(within, done.changed()).await.is_ok()
    }
}

impl fmt::Debug for EventLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventLog").field("waiting", &self.waiting()).finish_non_exhaustive()
    }
}

/// The thread.
struct Worker {
    jobs: Receiver<Job>,
    sealing: Sealing,
    line: Arc<Line>,
    _done: watch::Sender<()>,
}

impl Worker {
    /// Runs until nobody can give it more.
    fn run(self) {
        for job in self.jobs.iter() {
            // Subscribers and recorders may panic, too: who waits behind has its turn all the same.
            let _ = catch_unwind(AssertUnwindSafe(|| self.work(&job)));
        }
    }

    fn work(&self, job: &Job) {
        self.line.leave(job.snapshot.bytes());
        match self.take(job) {
            Ok(()) => job.record.taken(),
            Err(reason) => self.line.losses.tell(reason, &job.record),
        }
    }

    /// One event. Whatever panics, it is counted.
    fn take(&self, job: &Job) -> Result<(), LostEvent> {
        let event = catch_unwind(AssertUnwindSafe(|| self.sealing.seal(job)));
        let event = event.ok().and_then(Result::ok).ok_or(LostEvent::NotSealed)?;
        let taken = catch_unwind(AssertUnwindSafe(|| self.sealing.sink.take(event)));
        taken.ok().and_then(Result::ok).ok_or(LostEvent::NotTaken)
    }
}
