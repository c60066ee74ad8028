//! The task that fills batches, sends them one at a time, and keeps on the disk what cannot be sent.
//!
//! Batches have numbers, and the lowest goes first, from memory or from the disk. As soon as one attempt
//! fails, what is in memory goes to the disk, and what comes goes there behind it, until the collector
//! has taken it all.

use std::collections::VecDeque;
use std::future::{self, Future};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::answer::{self, Answer, Why};
use super::batch::{Batch, Filling};
use super::collector::Collector;
use super::limits::{ABANDONED, MEMORY_BATCHES, WARN_EVERY_S};
use super::spool::{NotSpooled, Oldest, Spool};
use super::stats::{Counters, DropReason, SetAside};
use crate::clock;

/// What the worker goes by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) batch_events: u32,
    pub(super) batch_bytes: usize,
    pub(super) batch_age: Duration,
    pub(super) first_pause: Duration,
    pub(super) longest_pause: Duration,
}

/// The moment by which a shutdown is to be over, once there is one.
pub(super) type Closing = Option<Instant>;

pub(super) struct Worker {
    settings: Settings,
    lines: mpsc::Receiver<Bytes>,
    closing: watch::Receiver<Closing>,
    collector: Arc<Collector>,
    spool: Option<Arc<Mutex<Spool>>>,
    counters: Arc<Counters>,
    filling: Option<Filling>,
    memory: VecDeque<Batch>,
    sending: Option<Sending>,
    /// The number of the next batch.
    next: u64,
    /// Attempts that failed in a row.
    failed: u32,
    paused_until: Option<Instant>,
    /// When a refusal was logged last, in Unix seconds.
    warned_s: i64,
}

/// A batch on its way.
struct Sending {
    batch: Batch,
    answer: Pin<Box<dyn Future<Output = Answer> + Send>>,
}

enum Event {
    Line(Bytes),
    /// The batch that is being filled has waited long enough.
    Aged,
    Answered(Answer),
    PauseOver,
    Closing(Instant),
}

impl Worker {
    pub(super) fn new(
        settings: Settings,
        lines: mpsc::Receiver<Bytes>,
        closing: watch::Receiver<Closing>,
        collector: Collector,
        spool: Option<Arc<Mutex<Spool>>>,
        counters: &Arc<Counters>,
    ) -> Self {
        let next = spool.as_ref().map_or(1, |spool| lock(spool).next_number());
        Self {
            settings,
            lines,
            closing,
            collector: Arc::new(collector),
            spool,
            counters: Arc::clone(counters),
            filling: None,
            memory: VecDeque::new(),
            sending: None,
            next,
            failed: 0,
            paused_until: None,
            warned_s: i64::MIN,
        }
    }

    /// Runs until the shipper is shut down, or its last handle gone.
    pub(super) async fn run(mut self) {
        loop {
            self.begin_sending().await;
            self.show();
            match self.event().await {
                Event::Line(line) => self.add(&line).await,
                Event::Aged => self.finish_filling().await,
                Event::Answered(answer) => self.settle(answer).await,
                Event::PauseOver => self.paused_until = None,
                Event::Closing(deadline) => break self.close(deadline).await,
            }
        }
        self.show();
        self.counters.close();
    }

    async fn event(&mut self) -> Event {
        let can_take = self.spool.is_some() || self.memory.len() < MEMORY_BATCHES;
        let aged = self.filling.as_ref().map(|filling| filling.since + self.settings.batch_age);
        tokio::select! {
            biased;
            deadline = deadline(&mut self.closing) => Event::Closing(deadline),
            answer = answered(&mut self.sending) => Event::Answered(answer),
            () = at(aged) => Event::Aged,
            () = at(self.paused_until) => Event::PauseOver,
            line = self.lines.recv(), if can_take => match line {
                Some(line) => Event::Line(line),
                None => Event::Closing(clock::monotonic() + ABANDONED),
            },
        }
    }

    async fn add(&mut self, line: &[u8]) {
        self.counters.release(line.len());
        let Settings { batch_events, batch_bytes, .. } = self.settings;
        let room = self.filling.as_ref().map(|filling| batch_bytes.saturating_sub(filling.bytes));
        if room.is_some_and(|room| line.len() >= room) {
            self.finish_filling().await;
        }
        let filling = self.filling.get_or_insert_with(|| Filling::begin(clock::monotonic()));
        filling.add(line);
        if filling.events >= batch_events {
            self.finish_filling().await;
        }
    }

    /// Puts the batch that is being filled in line.
    async fn finish_filling(&mut self) {
        let Some(filling) = self.filling.take() else { return };
        let batch = filling.finish(self.next);
        self.next = self.next.saturating_add(1);
        let is_behind = self.failed > 0 || self.memory.len() >= MEMORY_BATCHES;
        if self.spool.is_some() && (is_behind || self.first_spooled().is_some()) {
            let events = batch.events;
            if let Err(reason) = self.spool_batch(batch).await {
                self.counters.dropped(reason, events);
            }
        } else {
            self.memory.push_back(batch);
        }
    }

    /// Sends the batch that came first, unless one is on its way or the collector is left alone.
    async fn begin_sending(&mut self) {
        while self.sending.is_none() && self.paused_until.is_none() {
            let in_memory = self.memory.front().map(|batch| batch.number);
            let batch = match (in_memory, self.first_spooled()) {
                (None, None) => return,
                (Some(number), spooled) if spooled.is_none_or(|spooled| number < spooled) => {
                    self.memory.pop_front()
                }
                _ => self.oldest_spooled().await,
            };
            if let Some(batch) = batch {
                let answer = Box::pin(Arc::clone(&self.collector).post(batch.clone()));
                self.sending = Some(Sending { batch, answer });
            }
        }
    }

    /// What the answer to the batch on its way means for it.
    async fn settle(&mut self, answer: Answer) {
        let Some(Sending { batch, .. }) = self.sending.take() else { return };
        match answer {
            Answer::Accepted => {
                self.back();
                let number = batch.number;
                let removed = self.on_disk(move |spool| spool.remove(number)).await;
                if let Some(Err(error)) = removed {
                    tracing::warn!(target: "wafpass::ship", %error, "a batch that was sent cannot be removed from the spool; the next start sends it again");
                }
                self.show();
                self.counters.sent(batch.events);
            }
            Answer::Later { why, retry_after } => {
                self.counters.failed_attempt();
                self.pause(why, retry_after);
                if !self.is_spooled(batch.number) {
                    self.memory.push_front(batch);
                }
                self.memory_to_spool().await;
            }
            Answer::Refused { status } => {
                self.back();
                self.counters.refused_attempt();
                self.refused(batch, status).await;
            }
        }
    }

    /// The collector answers.
    fn back(&mut self) {
        self.failed = 0;
        if self.counters.away(false) {
            tracing::info!(target: "wafpass::ship", "the collector takes events again");
        }
    }

    /// The collector is left alone for a while.
    fn pause(&mut self, why: Why, retry_after: Option<Duration>) {
        let Settings { first_pause, longest_pause, .. } = self.settings;
        self.failed = self.failed.saturating_add(1);
        let pause = answer::pause(self.failed, first_pause, longest_pause);
        let pause = pause.max(retry_after.unwrap_or_default());
        self.paused_until = Some(clock::monotonic() + pause);
        if !self.counters.away(true) {
            let kept = if self.spool.is_some() { "in the spool" } else { "in memory" };
            tracing::warn!(target: "wafpass::ship", "the collector does not take events: {why}; they wait {kept}");
        }
    }

    /// Sets a batch aside that will never be taken.
    async fn refused(&mut self, batch: Batch, status: u16) {
        let (events, number) = (batch.events, batch.number);
        let now_s = clock::now().as_secs();
        if !(0..WARN_EVERY_S).contains(&now_s.saturating_sub(self.warned_s)) {
            self.warned_s = now_s;
            tracing::warn!(target: "wafpass::ship", status, events, "the collector refuses a batch for good");
        }
        if self.spool.is_none() {
            return self.counters.dropped(DropReason::Refused, events);
        }
        let aside = self.on_disk(move |spool| {
            if spool.holds(number) {
                spool.set_aside(number, SetAside::Refused).map_err(NotSpooled::Failed)
            } else {
                spool.refuse(&batch)
            }
        });
        match aside.await {
            Some(Ok(())) => self.counters.set_aside(SetAside::Refused, events),
            Some(Err(fault)) => {
                let reason = reason(&fault);
                self.on_disk(move |spool| spool.remove(number)).await;
                self.counters.dropped(reason, events);
            }
            None => self.counters.dropped(DropReason::SpoolFailed, events),
        }
    }

    /// Ends in order: what is in memory goes to the collector, or else to the disk.
    async fn close(&mut self, deadline: Instant) {
        self.lines.close();
        while let Some(line) = self.lines.recv().await {
            self.add(&line).await;
        }
        self.finish_filling().await;
        while self.sending.is_some() || !self.memory.is_empty() {
            if !self.memory.is_empty() {
                self.begin_sending().await;
            }
            tokio::select! {
                biased;
                answer = answered(&mut self.sending) => self.settle(answer).await,
                () = at(Some(deadline)) => break,
                () = at(self.paused_until) => self.paused_until = None,
            }
        }
        if let Some(Sending { batch, .. }) = self.sending.take()
            && !self.is_spooled(batch.number)
        {
            self.memory.push_front(batch);
        }
        self.memory_to_spool().await;
        while let Some(batch) = self.memory.pop_front() {
            let reason =
                self.spool_batch(batch.clone()).await.err().unwrap_or(DropReason::Shutdown);
            self.counters.dropped(reason, batch.events);
        }
    }

    /// Everything in memory goes to the disk, as far as it takes it.
    async fn memory_to_spool(&mut self) {
        while self.spool.is_some()
            && let Some(batch) = self.memory.pop_front()
        {
            if self.spool_batch(batch.clone()).await.is_err() {
                return self.memory.push_front(batch);
            }
        }
    }

    async fn spool_batch(&mut self, batch: Batch) -> Result<(), DropReason> {
        if self.spool.is_none() {
            return Err(DropReason::Shutdown);
        }
        match self.on_disk(move |spool| spool.put(&batch)).await {
            Some(put) => put.map_err(|fault| reason(&fault)),
            None => Err(DropReason::SpoolFailed),
        }
    }

    async fn oldest_spooled(&mut self) -> Option<Batch> {
        match self.on_disk(Spool::oldest).await {
            Some(Ok(Oldest::Batch(batch))) => Some(batch),
            Some(Ok(Oldest::None)) => None,
            Some(Ok(Oldest::Corrupt { events })) => {
                self.counters.set_aside(SetAside::Corrupt, events);
                tracing::warn!(target: "wafpass::ship", events, "a spooled batch is not what was written; it is in the folder corrupt");
                None
            }
            Some(Ok(Oldest::Gone { events })) => {
                tracing::info!(target: "wafpass::ship", events, "a spooled batch was taken out of the folder");
                None
            }
            Some(Err(_)) | None => {
                tracing::warn!(target: "wafpass::ship", "the spool cannot be read; it is tried again");
                self.paused_until = Some(clock::monotonic() + self.settings.longest_pause);
                None
            }
        }
    }

    /// Does what may wait for a disk off the threads of the requests.
    async fn on_disk<T: Send + 'static>(
        &mut self,
        act: impl FnOnce(&mut Spool) -> T + Send + 'static,
    ) -> Option<T> {
        let spool = Arc::clone(self.spool.as_ref()?);
        tokio::task::spawn_blocking(move || act(&mut lock(&spool))).await.ok()
    }

    fn first_spooled(&self) -> Option<u64> {
        lock(self.spool.as_ref()?).first()
    }

    fn is_spooled(&self, number: u64) -> bool {
        self.spool.as_ref().is_some_and(|spool| lock(spool).holds(number))
    }

    fn show(&self) {
        let spooled = self.spool.as_ref().map(|spool| {
            let spool = lock(spool);
            (spool.events(), spool.bytes(), spool.most_bytes())
        });
        if let Some((events, bytes, most_bytes)) = spooled {
            self.counters.show_spool(events, bytes, most_bytes);
        }
        let sending = self.sending.iter().map(|sending| &sending.batch);
        let on_way = sending.filter(|batch| !self.is_spooled(batch.number));
        let batches: u64 =
            self.memory.iter().chain(on_way).map(|batch| u64::from(batch.events)).sum();
        let filling = self.filling.as_ref().map_or(0, |filling| u64::from(filling.events));
        let queued = u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        self.counters.show_waiting(batches.saturating_add(filling), queued);
    }
}

fn reason(fault: &NotSpooled) -> DropReason {
    match fault {
        NotSpooled::Full => DropReason::SpoolFull,
        NotSpooled::Failed(error) => {
            tracing::debug!(target: "wafpass::ship", %error, "the spool cannot be written");
            DropReason::SpoolFailed
        }
    }
}

/// When the shutdown is to be over, once there is one; soon after the last handle has gone.
async fn deadline(closing: &mut watch::Receiver<Closing>) -> Instant {
    let given = closing.wait_for(Option::is_some).await.ok().and_then(|deadline| *deadline);
    given.unwrap_or_else(|| clock::monotonic() + ABANDONED)
}

async fn answered(sending: &mut Option<Sending>) -> Answer {
    match sending {
        Some(sending) => (&mut sending.answer).await,
        None => future::pending().await,
    }
}

async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment.into()).await,
        None => future::pending().await,
    }
}

/// What a panic elsewhere left is still a spool.
fn lock(spool: &Mutex<Spool>) -> MutexGuard<'_, Spool> {
    spool.lock().unwrap_or_else(PoisonError::into_inner)
}
