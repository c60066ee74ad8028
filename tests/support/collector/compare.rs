//! A store beside the model: both are told the same and asked the same.

use std::collections::BTreeMap;

use wafpass::collector::query::{
    Budget, Cursor, Exactness, Filter, HistogramQuery, Page, PageQuery, Snapshot, TimeRange,
    TopQuery,
};
use wafpass::collector::store::{BatchId, Store, StoreError, Written};
use wafpass::collector::{EventId, EventTime, Intake, NewEvent, StoredEvent, TenantId};

use super::events::{brief, record};
use super::model::ModelStore;

/// All that can be stored.
pub(crate) const ALL_TIME: TimeRange =
    TimeRange { from: EventTime(0), until: EventTime(4_000_000_000_000_000_000) };
/// More than any test has.
pub(crate) const ROOMY: Budget = Budget { rows: 1 << 40, ms: 3_600_000 };

/// A first page of all events.
pub(crate) fn page_of(limit: usize) -> PageQuery {
    PageQuery { range: ALL_TIME, filter: Filter::default(), limit, after: None, budget: ROOMY }
}

/// Follows a query to its end, and checks what holds for every page on the way.
pub(crate) async fn follow(store: &dyn Store, tenant: &TenantId, first: PageQuery) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let mut query = first;
    loop {
        let page = store.page(tenant, query.clone()).await.expect("a page");
        assert!(page.events.len() <= query.limit, "a page of {} events", page.events.len());
        let is_cut = page.events.len() < query.limit && page.next.is_some();
        assert_eq!(is_cut, page.scanned_until.is_some(), "a short page says how far it looked");
        if let (Some(before), Some(next)) = (&query.after, &page.next) {
            assert!((next.at, next.id) < (before.at, before.id), "a page has to move on");
        }
        if let Some(first) = pages.first() {
            assert_eq!(page.snapshot, first.snapshot, "pages are of one snapshot");
        }
        if let Some(next) = &page.next {
            assert_eq!(next.snapshot, page.snapshot, "the cursor keeps the snapshot");
        }
        query.after = page.next.clone();
        pages.push(page);
        if query.after.is_none() {
            break;
        }
    }
    let events = events_of(&pages);
    let is_ordered = |pair: &[StoredEvent]| {
        (pair[0].event.at, pair[0].event.id) > (pair[1].event.at, pair[1].event.id)
    };
    assert!(events.windows(2).all(is_ordered), "newest first, each once: {:?}", briefs(&events));
    // What the budget's ends said about themselves: nothing newer comes later.
    for (number, page) in pages.iter().enumerate() {
        if let Some(scanned_until) = page.scanned_until {
            let later = events_of(&pages[number + 1..]);
            assert!(
                later.iter().all(|one| one.event.at < scanned_until),
                "{scanned_until:?} was too early"
            );
        }
    }
    pages
}

pub(crate) fn events_of(pages: &[Page]) -> Vec<StoredEvent> {
    pages.iter().flat_map(|page| page.events.clone()).collect()
}

/// Everything a tenant can see.
pub(crate) async fn everything(store: &dyn Store, tenant: &TenantId) -> Vec<StoredEvent> {
    events_of(&follow(store, tenant, page_of(1_000)).await)
}

pub(crate) fn briefs(events: &[StoredEvent]) -> Vec<String> {
    events.iter().map(brief).collect()
}

/// Waits until a batch that was given up has left nothing behind.
pub(crate) async fn gone(store: &dyn Store, batch: BatchId) {
    for _ in 0..20_000 {
        if store.snapshot().pending.binary_search(&batch.0).is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("{batch:?} is still pending");
}

/// A cursor of the store with the model's for the same place.
pub(crate) type Cursors = (Cursor, Cursor);

/// A store and the model that it is compared with.
pub(crate) struct Pair {
    pub(crate) model: ModelStore,
    /// The model's number for each batch of the store.
    batches: BTreeMap<u64, u64>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self { model: ModelStore::new(), batches: BTreeMap::new() }
    }

    pub(crate) fn begin(&mut self, store: &dyn Store, tenant: &TenantId) -> BatchId {
        let batch = store.begin(tenant, Intake::Native).expect("a number");
        let known = self.model.begin(tenant, Intake::Native).expect("a number");
        self.batches.insert(batch.0, known.0);
        batch
    }

    fn known(&self, batch: BatchId) -> BatchId {
        BatchId(self.batches[&batch.0])
    }

    pub(crate) async fn write(
        &self,
        store: &dyn Store,
        batch: BatchId,
        events: Vec<NewEvent>,
    ) -> Option<Written> {
        let expected = self.model.write(self.known(batch), events.clone()).await;
        let written = store.write(batch, events).await;
        match (written, expected) {
            (Ok(written), Ok(expected)) => {
                assert_eq!(written, expected, "what a write reports");
                Some(written)
            }
            (Err(StoreError::Conflict), Err(StoreError::Conflict))
            | (Err(StoreError::NoSuchBatch), Err(StoreError::NoSuchBatch)) => None,
            (written, expected) => panic!("a write: {written:?}, expected {expected:?}"),
        }
    }

    pub(crate) async fn commit(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        batch: BatchId,
        written: Written,
    ) {
        let expected = self.model.commit(self.known(batch), record(tenant, written)).await;
        let committed = store.commit(batch, record(tenant, written)).await;
        assert_eq!(
            committed.is_ok(),
            expected.is_ok(),
            "a commit: {committed:?}, expected {expected:?}"
        );
    }

    pub(crate) async fn abort(&self, store: &dyn Store, batch: BatchId) {
        self.model.abort(self.known(batch));
        store.abort(batch);
        gone(store, batch).await;
    }

    /// The store went away with a batch under way.
    pub(crate) fn lost(&self, batch: BatchId) {
        self.model.abort(self.known(batch));
    }

    pub(crate) async fn put(
        &mut self,
        store: &dyn Store,
        tenant: &TenantId,
        events: Vec<NewEvent>,
    ) {
        let batch = self.begin(store, tenant);
        let written = self.write(store, batch, events).await.expect("no conflict");
        self.commit(store, tenant, batch, written).await;
    }

    /// Events of the store, with the model's batch numbers.
    fn translated(&self, events: Vec<StoredEvent>) -> Vec<StoredEvent> {
        let number = |batch: u64| self.batches.get(&batch).copied().unwrap_or(u64::MAX);
        events.into_iter().map(|one| StoredEvent::new(one.event, number(one.batch))).collect()
    }

    fn same_events(&self, found: Vec<StoredEvent>, expected: &[StoredEvent], what: &str) {
        let found = self.translated(found);
        assert_eq!(briefs(&found), briefs(expected), "{what}");
        for (found, expected) in found.iter().zip(expected) {
            assert_eq!(found, expected, "{what}: the event, or its batch");
        }
    }

    /// Compares one page; gives where both go on.
    pub(crate) async fn same_page(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        query: PageQuery,
        after: Option<Cursors>,
    ) -> Option<Cursors> {
        let (own, known) = after.unzip();
        let expected = PageQuery { after: known, ..query.clone() };
        let expected = self.model.page(tenant, expected).await.unwrap();
        let query = PageQuery { after: own, ..query };
        let found = store.page(tenant, query.clone()).await.expect("a page");
        let what = format!("a page of {query:?}");
        self.same_events(found.events, &expected.events, &what);
        assert!(found.next.is_some() || expected.next.is_none(), "{what} ended early");
        assert_eq!(found.scanned_until, None, "{what}: the budget is large");
        let next = found.next?;
        if expected.next.is_none() {
            let query = PageQuery { after: Some(next), ..query };
            let rest = store.page(tenant, query).await.expect("a page");
            assert!(rest.events.is_empty() && rest.next.is_none(), "after {what}: {rest:?}");
            return None;
        }
        Some((next, expected.next?))
    }

    /// Compares all pages, with pages and budgets as small as asked for.
    pub(crate) async fn same_pages(&self, store: &dyn Store, tenant: &TenantId, query: PageQuery) {
        let whole = PageQuery { limit: usize::MAX, budget: ROOMY, ..query.clone() };
        let expected = self.model.page(tenant, whole).await.unwrap().events;
        let what = format!("the pages of {query:?}");
        let found = events_of(&follow(store, tenant, query).await);
        self.same_events(found, &expected, &what);
    }

    pub(crate) async fn same_histogram(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        query: HistogramQuery,
    ) {
        let expected = self.model.histogram(tenant, query.clone()).await.unwrap();
        let found = store.histogram(tenant, query.clone()).await.expect("a histogram");
        assert_eq!(found, expected, "the histogram of {query:?}");
    }

    /// Compares a top list. Lists of closed partitions may count too little, by the error they state.
    pub(crate) async fn same_top(&self, store: &dyn Store, tenant: &TenantId, query: TopQuery) {
        let expected = self.model.top(tenant, query.clone()).await.unwrap();
        let found = store.top(tenant, query.clone()).await.expect("a list");
        let Exactness::AtLeast { error } = found.exactness else {
            assert_eq!(found, expected, "the top of {query:?}");
            return;
        };
        let whole = TopQuery { limit: usize::MAX, ..query.clone() };
        let true_counts: BTreeMap<_, _> =
            self.model.top(tenant, whole).await.unwrap().values.into_iter().collect();
        assert!(found.values.is_sorted_by(|a, b| (b.1, &a.0) <= (a.1, &b.0)), "{found:?}");
        for (value, count) in &found.values {
            let really = true_counts[value];
            assert!((*count..=count + error).contains(&really), "{value:?} of {found:?}: {really}");
        }
    }

    pub(crate) async fn same_since(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        (since, known): (Snapshot, Snapshot),
        filter: Filter,
        limit: usize,
    ) -> (Snapshot, Snapshot) {
        let expected = self.model.since(tenant, known, filter.clone(), limit).await.unwrap();
        let found = store.since(tenant, since, filter.clone(), limit).await.expect("an answer");
        let what = format!("what is new of {filter:?}, {limit} at most");
        self.same_events(found.events, &expected.events, &what);
        assert!(found.skipped >= expected.skipped, "{what}: {} skipped", found.skipped);
        if filter == Filter::default() {
            assert_eq!(found.skipped, expected.skipped, "{what}: skipped");
        }
        (found.snapshot, expected.snapshot)
    }

    pub(crate) async fn same_event(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        id: EventId,
        at: Option<EventTime>,
    ) {
        let expected = self.model.event(tenant, id, at).await.unwrap();
        let found = store.event(tenant, id, at).await.expect("an answer");
        let (found, expected) = (found.into_iter().collect(), Vec::from_iter(expected));
        self.same_events(found, &expected, &format!("the event {id} at {at:?}"));
    }

    pub(crate) async fn same_usage(&self, store: &dyn Store, tenant: &TenantId) {
        let expected = self.model.usage(tenant).await.unwrap();
        let found = store.usage(tenant).await.expect("an answer");
        assert_eq!((found.events, found.span), (expected.events, expected.span), "usage");
    }

    pub(crate) async fn same_deletion(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        range: TimeRange,
    ) {
        let expected = self.model.delete(tenant, range).await.unwrap();
        let found = store.delete(tenant, range).await.expect("deleted");
        assert_eq!(found.events, expected.events, "deleted of {range:?}");
    }

    pub(crate) async fn same_expiry(
        &self,
        store: &dyn Store,
        tenant: &TenantId,
        before: EventTime,
    ) {
        let expected = self.model.expire(tenant, before).await.unwrap();
        let found = store.expire(tenant, before).await.expect("deleted");
        assert_eq!(found.events, expected.events, "expired before {before:?}");
    }
}
