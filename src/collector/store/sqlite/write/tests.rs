//! Single steps of the writers, as nobody sees them from outside.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::Connection;

use super::super::SqliteOptions;
use super::super::partitions::{Partition, Partitions};
use super::cache::{Cache, key_of};
use super::day::Day;
use super::insert::Part;
use super::tasks::Task;
use super::worker::Worker;
use super::{Leftovers, Release, Shared, Step, Writers, make_lists};
use crate::collector::catalogue::{BatchCounts, BatchKey, BatchRecord, Ledger, RecordedBatch};
use crate::collector::store::{BatchId, StoreError, Visibility};
use crate::collector::{EventId, EventTime, Field, Intake, NewEvent, TenantId};

/// 2026-03-01.
const DAY: i64 = 20_513;
const NS_PER_DAY: i64 = 86_400_000_000_000;

/// A ledger that records all it is told.
#[derive(Debug, Default)]
struct Book {
    recorded: Mutex<Vec<BatchId>>,
}

impl Ledger for Book {
    fn record(&self, batches: &[(BatchId, BatchRecord)]) -> Result<(), StoreError> {
        self.recorded.lock().unwrap().extend(batches.iter().map(|(batch, _)| *batch));
        Ok(())
    }

    fn recorded(&self, batches: &[BatchId]) -> Result<Vec<BatchId>, StoreError> {
        let recorded = self.recorded.lock().unwrap();
        Ok(batches.iter().copied().filter(|batch| recorded.contains(batch)).collect())
    }

    fn reserve(&self, _ahead: u64) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn by_key(&self, _record: &BatchRecord) -> Result<Option<RecordedBatch>, StoreError> {
        Ok(None)
    }
}

/// Partitions in a folder of their own.
struct Lab {
    folder: tempfile::TempDir,
    partitions: Arc<Partitions>,
    options: SqliteOptions,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let partitions = Arc::new(Partitions::scan(folder.path()).unwrap());
        Self { folder, partitions, options: SqliteOptions::default() }
    }

    fn partition(&self) -> Arc<Partition> {
        self.partitions.get_or_create(&acme(), DAY).unwrap()
    }

    fn day(&self) -> Day {
        Day::open(self.partition(), &self.options).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("acme").join("2026-03-01.sqlite3")
    }

    fn writers(&self) -> Writers {
        let ledger = Arc::new(Book::default());
        Writers::start(Arc::clone(&self.partitions), ledger, self.options).unwrap().0
    }

    fn worker(&self) -> Worker {
        let shared = Shared {
            partitions: Arc::clone(&self.partitions),
            visibility: Arc::new(Visibility::new(0)),
            ledger: Arc::new(Book::default()),
            options: self.options,
            open: Mutex::default(),
            stuck: Mutex::default(),
            reserved: u64::MAX.into(),
            reserving: false.into(),
        };
        Worker::new(super::thread_number(&acme()), Arc::new(shared), &Leftovers::new())
    }
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// Events of these numbers, a millisecond apart.
fn events(numbers: std::ops::Range<i64>) -> Vec<NewEvent> {
    let event = |number: i64| {
        let mut id = [7; 16];
        id[8..].copy_from_slice(&number.to_be_bytes());
        let at = EventTime(DAY * NS_PER_DAY + number * 1_000_000);
        let mut event = NewEvent::new(at, EventId(id), Intake::Native);
        event.fields.set(Field::Action, "block");
        event.fields.set(Field::Host, "www.example");
        event
    };
    numbers.map(event).collect()
}

/// Writes a batch of these chunks.
fn write(day: &mut Day, visibility: &Visibility, chunks: &[Vec<NewEvent>]) -> u64 {
    let batch = visibility.begin().unwrap();
    let parts = (0_i64..).zip(chunks);
    let parts: Vec<_> =
        parts.map(|(chunk, events)| Part { batch: batch.0, chunk, events }).collect();
    for outcome in day.write(&parts, visibility).unwrap() {
        outcome.unwrap();
    }
    batch.0
}

fn ask(db: &Connection, sql: &str) -> i64 {
    db.query_row(sql, (), |row| row.get(0)).unwrap()
}

fn rows(file: &Path) -> i64 {
    ask(&Connection::open(file).unwrap(), "SELECT count(*) FROM events_1")
}

async fn store(writers: &Writers, events: Vec<NewEvent>) {
    let batch = writers.begin(&acme()).unwrap();
    writers.write(batch, events).await.unwrap();
    let record = BatchRecord {
        tenant: acme(),
        intake: Intake::Native,
        key: BatchKey::Content,
        body_hash: [0; 32],
        received_ms: 0,
        counts: BatchCounts::default(),
        quarantined: Vec::new(),
    };
    writers.commit(batch, record).await.unwrap();
}

#[tokio::test]
async fn lists_of_a_day_that_is_being_deleted_are_dropped() {
    let lab = Lab::new();
    let writers = lab.writers();
    store(&writers, events(0..10)).await;
    let over = EventTime((DAY + 2) * NS_PER_DAY);
    let wanted = writers.maintain(over).await.unwrap().pop().unwrap();
    let lists = make_lists(wanted.partition.path(), wanted.made_of).unwrap().unwrap();
    // The day is deleted while its lists are made; they are there before its file is unlinked.
    let partition = Arc::clone(&wanted.partition);
    assert_eq!(writers.release(&partition, Release::Always).await.unwrap(), 10);
    writers.finish_closing(wanted, lists).await.unwrap();
    let db = Connection::open(lab.file()).unwrap();
    assert_eq!(ask(&db, "SELECT count(*) FROM top_meta"), 0, "nobody writes to it any more");
    drop(db);
    lab.partitions.unlink(&partition).unwrap();
    // The day begins anew: what is acknowledged is in the file that has its name.
    store(&writers, events(0..5)).await;
    assert_eq!(rows(&lab.file()), 5);
}

#[test]
fn a_day_that_began_anew_is_not_the_one_that_was_open() {
    let lab = Lab::new();
    let mut cache = Cache::new(4);
    let old = lab.partition();
    let visibility = Visibility::new(0);
    write(cache.get(&old, &lab.options).unwrap(), &visibility, &[events(0..3)]);
    lab.partitions.unlink(&old).unwrap();
    let new = lab.partition();
    write(cache.get(&new, &lab.options).unwrap(), &visibility, &[events(0..5)]);
    assert_eq!(rows(&lab.file()), 5);
}

#[test]
fn a_step_merges_a_thousand_small_chunks() {
    let lab = Lab::new();
    let (mut day, visibility) = (lab.day(), Visibility::new(0));
    let single: Vec<_> = (0..1_500).map(|number| events(number..number + 1)).collect();
    let batch = write(&mut day, &visibility, &single);
    assert_eq!(day.merge_step(&visibility.snapshot()).unwrap(), Step::Done, "not to be seen yet");
    visibility.show([BatchId(batch)]);
    assert_eq!((day.merge_step(&visibility.snapshot()).unwrap(), day.deltas), (Step::More, 500));
    assert_eq!((day.merge_step(&visibility.snapshot()).unwrap(), day.deltas), (Step::Done, 0));
    assert_eq!(ask(&day.db, "SELECT count(*) FROM rollup_delta"), 0);
    let sql = "SELECT sum(count) FROM rollup WHERE dim = 'host' AND by_action = 0";
    assert_eq!(ask(&day.db, sql), 1_500);
}

#[test]
fn a_step_merges_few_large_chunks_and_at_least_one() {
    let lab = Lab::new();
    let (mut day, visibility) = (lab.day(), Visibility::new(0));
    // 8 KiB of counts an event: each value with its action.
    let large = |numbers: std::ops::Range<i64>| {
        let mut large = events(numbers.clone());
        for (number, event) in numbers.zip(&mut large) {
            let text = format!("{number:01024}");
            for field in [Field::RuleId, Field::Host, Field::Source, Field::ClientCountry] {
                event.fields.set(field, &text);
            }
            event.fields.set(Field::Action, &text);
        }
        large
    };
    let chunks = [large(0..100), large(100..200), large(200..500), large(500..520)];
    let batch = write(&mut day, &visibility, &chunks);
    visibility.show([BatchId(batch)]);
    let mut left = Vec::new();
    while let Step::More = day.merge_step(&visibility.snapshot()).unwrap() {
        left.push(day.deltas);
    }
    // The third is larger than a step.
    assert_eq!(left, [3, 2, 1]);
    for by_action in [0, 1] {
        let sql = format!("SELECT sum(count) FROM rollup WHERE by_action = {by_action}");
        assert_eq!(ask(&day.db, &sql), 4 * 520);
    }
}

#[test]
fn chunks_shrink_with_their_segments() {
    let lab = Lab::new();
    let (mut day, visibility) = (lab.day(), Visibility::new(0));
    let kept = write(&mut day, &visibility, &[events(0..10)]);
    visibility.show([BatchId(kept)]);
    let batch = write(&mut day, &visibility, &[events(10..1_510), events(1_510..4_510)]);
    for left in [2_500, 500, 0] {
        assert_eq!(day.erase_step(batch).unwrap(), Step::More);
        assert_eq!(day.pending_rows(&[batch]).unwrap(), left);
        assert_eq!(day.visible_rows(&[batch]).unwrap(), 10);
        let sql = "SELECT sum(rows) - (SELECT sum(rows) FROM chunks) FROM segments";
        assert_eq!(ask(&day.db, sql), 0);
    }
    assert_eq!(day.erase_step(batch).unwrap(), Step::Done);
}

#[test]
fn a_checkpoint_that_fails_leaves_the_connection_its_patience() {
    let lab = Lab::new();
    let day = lab.day();
    let patience = || ask(&day.db, "PRAGMA busy_timeout");
    assert_eq!(patience(), 5_000);
    day.execute("BEGIN IMMEDIATE; INSERT INTO meta VALUES ('x', 1)").unwrap();
    day.checkpoint().unwrap_err();
    assert_eq!(patience(), 5_000);
    day.execute("ROLLBACK").unwrap();
    day.checkpoint().unwrap();
    assert_eq!(patience(), 5_000);
}

#[test]
fn a_day_that_erasing_reopens_is_to_be_closed_again() {
    let lab = Lab::new();
    let (mut worker, partition) = (lab.worker(), lab.partition());
    let visibility = Arc::clone(&worker.shared.visibility);
    let mut lost = 0;
    let closed = worker.on_day(&partition, |day| {
        lost = write(day, &visibility, &[events(0..10)]);
        visibility.show([BatchId(lost)]);
        day.merge_step(&visibility.snapshot())?;
        day.closed = true;
        day.set_meta("closed", 1)
    });
    closed.unwrap();
    assert!(worker.unclosed.is_empty());
    // A catalogue from before the batch does not know it.
    let (batch, partitions) = (BatchId(lost), vec![Arc::clone(&partition)]);
    let is_recorded = Some(false);
    worker.tasks.push_back(Task::Erase { batch, tenant: acme(), partitions, is_recorded });
    worker.background(Duration::MAX);
    let state = worker.on_day(&partition, |day| Ok((day.closed, day.deltas))).unwrap();
    assert_eq!(state, (false, 0));
    assert_eq!(rows(&lab.file()), 0);
    assert!(worker.unclosed.contains_key(&key_of(&partition)));
}
