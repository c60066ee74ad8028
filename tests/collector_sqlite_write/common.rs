//! A ledger in memory, events by number, and short ways to ask.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use wafpass::collector::catalogue::{BatchCounts, BatchKey, BatchRecord, Ledger, RecordedBatch};
use wafpass::collector::query::{
    Budget, Exactness, Filter, HistogramQuery, PageQuery, TimeRange, TopQuery,
};
use wafpass::collector::store::sqlite::{SqliteOptions, SqliteStore};
use wafpass::collector::store::{BatchId, Store, StoreError, Written};
use wafpass::collector::{EventId, EventTime, Field, Intake, NewEvent, SealedText, TenantId};

/// 2026-03-01T00:00:00Z.
pub(crate) const DAY: i64 = 20_513;
pub(crate) const NS_PER_DAY: i64 = 86_400_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;

/// A ledger that outlives the store, as the catalogue does.
#[derive(Debug, Default)]
pub(crate) struct MemoryLedger {
    recorded: Mutex<BTreeSet<u64>>,
    reserved: Mutex<u64>,
    pub(crate) is_full: AtomicBool,
    pub(crate) is_mute: AtomicBool,
    pub(crate) is_broken: AtomicBool,
}

impl MemoryLedger {
    /// As a catalogue from before the batch does.
    pub(crate) fn forget(&self, batch: BatchId) {
        self.recorded.lock().unwrap().remove(&batch.0);
    }
}

impl Ledger for MemoryLedger {
    fn record(&self, batches: &[(BatchId, BatchRecord)]) -> Result<(), StoreError> {
        assert!(!self.is_broken.load(Ordering::SeqCst), "the ledger is broken, as the test wants");
        if self.is_full.load(Ordering::SeqCst) {
            return Err(StoreError::Full);
        }
        self.recorded.lock().unwrap().extend(batches.iter().map(|(batch, _)| batch.0));
        Ok(())
    }

    fn recorded(&self, batches: &[BatchId]) -> Result<Vec<BatchId>, StoreError> {
        if self.is_mute.load(Ordering::SeqCst) {
            return Err(StoreError::Failed { reason: "mute".to_owned() });
        }
        let recorded = self.recorded.lock().unwrap();
        Ok(batches.iter().copied().filter(|batch| recorded.contains(&batch.0)).collect())
    }

    fn reserve(&self, ahead: u64) -> Result<u64, StoreError> {
        let mut reserved = self.reserved.lock().unwrap();
        let base = *reserved;
        *reserved += ahead;
        Ok(base)
    }

    fn by_key(&self, _record: &BatchRecord) -> Result<Option<RecordedBatch>, StoreError> {
        Ok(None)
    }
}

/// A store in a folder of its own.
pub(crate) struct Bed {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) ledger: Arc<MemoryLedger>,
    pub(crate) options: SqliteOptions,
    store: Option<SqliteStore>,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(SqliteOptions::default())
    }

    /// Segments of a few rows.
    pub(crate) fn small() -> Self {
        let mut options = SqliteOptions::default();
        options.segment_rows = 100;
        Self::with(options)
    }

    pub(crate) fn with(options: SqliteOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut bed = Self { folder, ledger: Arc::default(), options, store: None };
        bed.reopen();
        bed
    }

    pub(crate) fn store(&self) -> &SqliteStore {
        self.store.as_ref().unwrap()
    }

    /// Lets go of the store without closing it, as a process does that ends.
    pub(crate) fn drop_store(&mut self) {
        self.store = None;
    }

    pub(crate) fn reopen(&mut self) {
        self.store = None;
        let ledger = Arc::clone(&self.ledger);
        self.store =
            Some(SqliteStore::open_with(self.folder.path(), ledger, self.options).unwrap());
    }

    /// The file of a tenant's day.
    pub(crate) fn file(&self, tenant: &TenantId, name: &str) -> PathBuf {
        self.folder.path().join("events").join(tenant.as_str()).join(format!("{name}.sqlite3"))
    }

    pub(crate) fn begin(&self, tenant: &TenantId) -> BatchId {
        self.store().begin(tenant, Intake::Native).unwrap()
    }

    /// Writes and commits a batch.
    pub(crate) async fn store_batch(&self, tenant: &TenantId, events: Vec<NewEvent>) -> Written {
        let batch = self.begin(tenant);
        let written = self.store().write(batch, events).await.unwrap();
        self.store().commit(batch, record(tenant, written)).await.unwrap();
        written
    }

    /// The numbers of the events that can be seen, ascending.
    pub(crate) async fn seen(&self, tenant: &TenantId) -> Vec<u64> {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let query = PageQuery {
                range: ALWAYS,
                filter: Filter::default(),
                limit: 1_000,
                after: after.take(),
                budget: PLENTY,
            };
            let page = self.store().page(tenant, query).await.unwrap();
            seen.extend(page.events.iter().map(|stored| number_of(stored.event.id)));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        seen.sort_unstable();
        seen
    }

    /// Counts by minute and value, from the roll-ups.
    pub(crate) async fn counts(
        &self,
        tenant: &TenantId,
        field: Field,
    ) -> BTreeMap<(i64, String), u64> {
        let query = HistogramQuery {
            range: TimeRange { from: at(DAY - 1, 0), until: at(DAY + 2, 0) },
            filter: Filter::default(),
            interval_s: 3_600,
            group: Some(field),
            max_groups: 100,
            budget: PLENTY,
        };
        let histogram = self.store().histogram(tenant, query).await.unwrap();
        assert_eq!(histogram.exactness, Exactness::Exact);
        let mut counts = BTreeMap::new();
        for series in histogram.series {
            for (bucket, count) in histogram.buckets.iter().zip(series.counts) {
                if count > 0 {
                    let value = series.value.clone().unwrap_or_else(|| "absent".to_owned());
                    counts.insert((bucket.0 / SECOND / 3_600, value), count);
                }
            }
        }
        counts
    }

    /// What [`counts`](Self::counts) has to be, from the events themselves.
    pub(crate) async fn counted(
        &self,
        tenant: &TenantId,
        field: Field,
    ) -> BTreeMap<(i64, String), u64> {
        let query = PageQuery {
            range: ALWAYS,
            filter: Filter::default(),
            limit: 1_000,
            after: None,
            budget: PLENTY,
        };
        let page = self.store().page(tenant, query).await.unwrap();
        assert!(page.next.is_none(), "one page is enough for these tests");
        let mut counts = BTreeMap::new();
        for stored in page.events {
            let value = stored.event.get(field).unwrap_or("absent").to_owned();
            *counts.entry((stored.event.at.0 / SECOND / 3_600, value)).or_default() += 1;
        }
        counts
    }

    pub(crate) async fn assert_counts_exact(&self, tenant: &TenantId) {
        for field in
            [Field::Action, Field::RuleId, Field::Source, Field::Host, Field::ClientCountry]
        {
            assert_eq!(
                self.counts(tenant, field).await,
                self.counted(tenant, field).await,
                "{field:?}"
            );
        }
    }

    /// The same where more than one page is seen: the sum over all values.
    pub(crate) async fn assert_counts_exact_of(&self, tenant: &TenantId, events: u64) {
        for field in
            [Field::Action, Field::RuleId, Field::Source, Field::Host, Field::ClientCountry]
        {
            assert_eq!(self.counts(tenant, field).await.values().sum::<u64>(), events, "{field:?}");
        }
    }

    /// Runs maintenance at the end of a day and some hours.
    pub(crate) async fn maintain_after(&self, day: i64) {
        self.store().maintain(at(day + 1, 4 * 3_600 * SECOND)).await.unwrap();
    }

    pub(crate) async fn top(
        &self,
        tenant: &TenantId,
        field: Field,
    ) -> (Vec<(String, u64)>, Exactness) {
        let query =
            TopQuery { range: ALWAYS, filter: Filter::default(), field, limit: 10, budget: PLENTY };
        let top = self.store().top(tenant, query).await.unwrap();
        (top.values, top.exactness)
    }
}

pub(crate) const ALWAYS: TimeRange =
    TimeRange { from: EventTime(0), until: EventTime(40_000 * NS_PER_DAY) };
pub(crate) const PLENTY: Budget = Budget { rows: u64::MAX, ms: 60_000 };

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) const fn at(day: i64, ns: i64) -> EventTime {
    EventTime(day * NS_PER_DAY + ns)
}

/// An event of this number: another number is another event.
pub(crate) fn event(number: u64, at: EventTime) -> NewEvent {
    let mut id = [7; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    let mut event = NewEvent::new(at, EventId(id), Intake::Native);
    let actions = ["block", "log", "challenge"];
    event.fields.set(Field::Action, actions[usize::try_from(number).unwrap() % 3]);
    event.fields.set(Field::RuleId, &format!("rule-{}", number % 7));
    event.fields.set(Field::Source, "waf");
    if !number.is_multiple_of(5) {
        event.fields.set(Field::Host, &format!("host-{}.example", number % 4));
    }
    event.fields.set(Field::ClientIp, &format!("192.0.2.{}", number % 9));
    event.fields.set(Field::RayId, &format!("{number:016x}"));
    event.fields.set(Field::Path, "/admin");
    event.fields.set(Field::ClientAsn, "64500");
    event.datetime = format!("\"{}\"", at.0);
    event.blob = Some(SealedText::Blob(vec![3; 40]));
    event
}

/// Events of these numbers, a second apart from the beginning of [`DAY`].
pub(crate) fn events(numbers: std::ops::Range<u64>) -> Vec<NewEvent> {
    numbers.map(|number| event(number, at(DAY, i64::try_from(number).unwrap() * SECOND))).collect()
}

pub(crate) fn number_of(id: EventId) -> u64 {
    u64::from_be_bytes(id.0[8..].try_into().unwrap())
}

pub(crate) fn record(tenant: &TenantId, written: Written) -> BatchRecord {
    BatchRecord {
        tenant: tenant.clone(),
        intake: Intake::Native,
        key: BatchKey::Content,
        body_hash: [0; 32],
        received_ms: 0,
        counts: BatchCounts {
            stored: written.stored,
            repeated: written.repeated,
            ..BatchCounts::default()
        },
        quarantined: Vec::new(),
    }
}

/// A number that a statement finds in a file.
pub(crate) fn ask(file: &Path, sql: &str) -> i64 {
    Connection::open(file).unwrap().query_row(sql, (), |row| row.get(0)).unwrap()
}

/// Rows in all segments of a file, whoever can see them.
pub(crate) fn rows_in(file: &Path) -> i64 {
    let db = Connection::open(file).unwrap();
    let segments: Vec<i64> = db
        .prepare("SELECT segment FROM segments")
        .unwrap()
        .query_map((), |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let count = |table: &str, segment: &i64| -> i64 {
        db.query_row(&format!("SELECT count(*) FROM {table}_{segment}"), (), |row| row.get(0))
            .unwrap()
    };
    let events: i64 = segments.iter().map(|segment| count("events", segment)).sum();
    let blobs: i64 = segments.iter().map(|segment| count("blobs", segment)).sum();
    assert_eq!(events, blobs, "each of these events has a blob");
    events
}
