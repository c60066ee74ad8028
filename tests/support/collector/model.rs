//! A store that holds its events in a list and answers by going through all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::future::ready;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use wafpass::collector::catalogue::{BatchRecord, Ledger};
use wafpass::collector::limits::MAX_OPEN_BATCHES;
use wafpass::collector::query::{
    Filter, Histogram, HistogramQuery, Page, PageQuery, Snapshot, TimeRange, Top, TopQuery,
};
use wafpass::collector::store::{
    Answer, BatchId, Deleted, Fresh, Store, StoreError, Usage, Written,
};
use wafpass::collector::{EventId, EventTime, Intake, NewEvent, StoredEvent, TenantId};

use super::definition;
use super::ledger::MemoryLedger;

const DAY_NS: i64 = 86_400_000_000_000;

/// `Store` by its definitions. Nothing of it survives it.
#[derive(Debug)]
pub(crate) struct ModelStore {
    state: Mutex<State>,
    ledger: Arc<dyn Ledger>,
    commits: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    pending: BTreeMap<u64, Pending>,
    events: Vec<(TenantId, StoredEvent)>,
    fault: Option<fn() -> StoreError>,
}

#[derive(Debug)]
struct Pending {
    tenant: TenantId,
    has_failed: bool,
}

impl ModelStore {
    pub(crate) fn new() -> Self {
        Self::on(Arc::new(MemoryLedger::default()))
    }

    /// A store whose commits go to this ledger: a catalogue, say.
    pub(crate) fn on(ledger: Arc<dyn Ledger>) -> Self {
        let last = ledger.reserve(1_000_000).expect("numbers");
        let state = Mutex::new(State { last, ..State::default() });
        Self { state, ledger, commits: watch::Sender::new(0) }
    }

    /// Every call is answered with this fault from now on, as a store that fails would; or no longer.
    pub(crate) fn fail_with(&self, fault: Option<fn() -> StoreError>) {
        self.state.lock().unwrap().fault = fault;
    }

    /// How many batches are under way.
    pub(crate) fn open_batches(&self) -> usize {
        self.state.lock().unwrap().pending.len()
    }

    fn act<T>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut state = self.state.lock().unwrap();
        match state.fault {
            Some(fault) => Err(fault()),
            None => act(&mut state),
        }
    }

    fn answer<T: Send + 'static>(
        &self,
        act: impl FnOnce(&mut State) -> Result<T, StoreError>,
    ) -> Answer<'_, T> {
        Box::pin(ready(self.act(act)))
    }
}

impl State {
    fn snapshot(&self) -> Snapshot {
        Snapshot { last: self.last, pending: self.pending.keys().copied().collect() }
    }

    fn visible(&self, tenant: &TenantId) -> Vec<StoredEvent> {
        let is_visible = |one: &StoredEvent| !self.pending.contains_key(&one.batch);
        let own = self.events.iter().filter(|(owner, _)| owner == tenant).map(|(_, one)| one);
        own.filter(|one| is_visible(one)).cloned().collect()
    }

    fn write(&mut self, batch: u64, events: Vec<NewEvent>) -> Result<Written, StoreError> {
        let Some(Pending { tenant, has_failed: false }) = self.pending.get(&batch) else {
            return Err(StoreError::NoSuchBatch);
        };
        let tenant = tenant.clone();
        let mut written = Written::default();
        for event in events {
            let same = self.events.iter().find(|(owner, known)| {
                *owner == tenant && known.event.at == event.at && known.event.id == event.id
            });
            match same {
                None => {
                    self.events.push((tenant.clone(), StoredEvent::new(event, batch)));
                    written.stored += 1;
                }
                Some((_, known))
                    if known.batch != batch && self.pending.contains_key(&known.batch) =>
                {
                    self.pending.get_mut(&batch).unwrap().has_failed = true;
                    return Err(StoreError::Conflict);
                }
                Some(_) => written.repeated += 1,
            }
        }
        Ok(written)
    }

    fn delete(&mut self, is_unwanted: impl Fn(&TenantId, &StoredEvent) -> bool) -> Deleted {
        let days = |state: &Self| -> BTreeSet<(TenantId, i64)> {
            state.events.iter().map(|(owner, one)| (owner.clone(), one.event.at.day())).collect()
        };
        let (days_before, before) = (days(self).len(), self.events.len());
        let Self { events, pending, .. } = self;
        events.retain(|(owner, one)| pending.contains_key(&one.batch) || !is_unwanted(owner, one));
        Deleted {
            events: (before - self.events.len()) as u64,
            partitions: (days_before - days(self).len()) as u64,
        }
    }
}

impl Store for ModelStore {
    fn begin(&self, tenant: &TenantId, _: Intake) -> Result<BatchId, StoreError> {
        self.act(|state| {
            if state.pending.len() >= MAX_OPEN_BATCHES {
                return Err(StoreError::Busy);
            }
            state.last += 1;
            state.pending.insert(state.last, Pending { tenant: tenant.clone(), has_failed: false });
            Ok(BatchId(state.last))
        })
    }

    fn write(&self, batch: BatchId, events: Vec<NewEvent>) -> Answer<'_, Written> {
        self.answer(|state| state.write(batch.0, events))
    }

    fn commit(&self, batch: BatchId, record: BatchRecord) -> Answer<'_, ()> {
        let answer = self.act(|state| {
            if state.pending.get(&batch.0).is_none_or(|pending| pending.has_failed) {
                return Err(StoreError::NoSuchBatch);
            }
            self.ledger.record(&[(batch, record)])?;
            state.pending.remove(&batch.0);
            Ok(())
        });
        self.commits.send_modify(|count| *count += 1);
        Box::pin(ready(answer))
    }

    fn abort(&self, batch: BatchId) {
        let mut state = self.state.lock().unwrap();
        if state.pending.remove(&batch.0).is_some() {
            state.events.retain(|(_, one)| one.batch != batch.0);
        }
    }

    fn page<'s>(&'s self, tenant: &'s TenantId, query: PageQuery) -> Answer<'s, Page> {
        self.answer(|state| Ok(definition::page(&state.visible(tenant), &query, state.snapshot())))
    }

    fn event<'s>(
        &'s self,
        tenant: &'s TenantId,
        id: EventId,
        at: Option<EventTime>,
    ) -> Answer<'s, Option<StoredEvent>> {
        self.answer(|state| {
            let visible = state.visible(tenant);
            let is_there = |one: &StoredEvent| at.is_none_or(|at| one.event.at == at);
            let same = visible.into_iter().filter(|one| one.event.id == id && is_there(one));
            Ok(same.max_by_key(|one| one.event.at))
        })
    }

    fn histogram<'s>(
        &'s self,
        tenant: &'s TenantId,
        query: HistogramQuery,
    ) -> Answer<'s, Histogram> {
        self.answer(|state| Ok(definition::histogram(&state.visible(tenant), &query)))
    }

    fn top<'s>(&'s self, tenant: &'s TenantId, query: TopQuery) -> Answer<'s, Top> {
        self.answer(|state| Ok(definition::top(&state.visible(tenant), &query)))
    }

    fn since<'s>(
        &'s self,
        tenant: &'s TenantId,
        since: Snapshot,
        filter: Filter,
        limit: usize,
    ) -> Answer<'s, Fresh> {
        self.answer(|state| {
            let mut events = state.visible(tenant);
            events.retain(|one| {
                !since.contains(one.batch) && definition::fulfils(&filter, &one.event)
            });
            events.sort_by_key(|one| (one.batch, one.event.at, one.event.id));
            let skipped = events.len().saturating_sub(limit);
            let events = events.split_off(skipped);
            Ok(Fresh { events, skipped: skipped as u64, snapshot: state.snapshot() })
        })
    }

    fn snapshot(&self) -> Snapshot {
        self.state.lock().unwrap().snapshot()
    }

    fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    fn delete<'s>(&'s self, tenant: &'s TenantId, range: TimeRange) -> Answer<'s, Deleted> {
        self.answer(|state| {
            Ok(state.delete(|owner, one| owner == tenant && range.contains(one.event.at)))
        })
    }

    fn expire<'s>(&'s self, tenant: &'s TenantId, before: EventTime) -> Answer<'s, Deleted> {
        let is_over = move |one: &StoredEvent| (one.event.at.day() + 1) * DAY_NS <= before.0;
        self.answer(|state| Ok(state.delete(|owner, one| owner == tenant && is_over(one))))
    }

    fn delete_tenant<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, Deleted> {
        self.answer(|state| Ok(state.delete(|owner, _| owner == tenant)))
    }

    fn usage<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, Usage> {
        self.answer(|state| {
            let visible = state.visible(tenant);
            let days: BTreeSet<i64> = visible.iter().map(|one| one.event.at.day()).collect();
            let times = || visible.iter().map(|one| one.event.at);
            Ok(Usage {
                events: visible.len() as u64,
                bytes: visible.iter().map(|one| one.event.bytes() as u64).sum(),
                partitions: days.len() as u64,
                span: times().min().zip(times().max()),
            })
        })
    }

    fn stored_bytes<'s>(&'s self, tenant: &'s TenantId) -> Answer<'s, u64> {
        self.answer(|state| {
            let own = state.events.iter().filter(|(owner, _)| owner == tenant);
            Ok(own.map(|(_, one)| one.event.bytes() as u64).sum())
        })
    }

    fn maintain(&self, _: EventTime) -> Answer<'_, ()> {
        self.answer(|_| Ok(()))
    }

    fn ready(&self) -> Answer<'_, ()> {
        self.answer(|_| Ok(()))
    }

    fn close(&self) -> Answer<'_, ()> {
        self.answer(|state| {
            state.fault = Some(|| StoreError::Closed);
            Ok(())
        })
    }
}
