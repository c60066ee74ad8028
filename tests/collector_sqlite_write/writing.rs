//! Batches: all of one or nothing, repeats once, and what a crash leaves.

use std::sync::atomic::Ordering;

use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::store::{BatchId, Store, StoreError, Written};
use wafpass::collector::{Field, Intake};

use super::common::{Bed, DAY, SECOND, ask, at, event, events, record, rows_in, tenant};

#[tokio::test]
async fn nothing_is_seen_before_the_commit_and_all_after_it() {
    let bed = Bed::new();
    let acme = tenant("acme");
    let batch = bed.begin(&acme);
    let first = bed.store().write(batch, events(0..50)).await.unwrap();
    let second = bed.store().write(batch, events(50..80)).await.unwrap();
    assert_eq!((first.stored, second.stored), (50, 30));
    assert!(bed.seen(&acme).await.is_empty());
    assert!(bed.counts(&acme, Field::Action).await.is_empty());
    bed.store().commit(batch, record(&acme, first)).await.unwrap();
    assert_eq!(bed.seen(&acme).await, (0..80).collect::<Vec<_>>());
    bed.assert_counts_exact(&acme).await;
}

#[tokio::test]
async fn midnight_in_the_middle_of_a_batch() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    let across = |numbers: std::ops::Range<u64>| {
        numbers
            .map(|number| event(number, at(DAY, i64::try_from(number).unwrap() * 3_600 * SECOND)))
    };
    let batch = bed.begin(&acme);
    bed.store().write(batch, across(20..28).collect()).await.unwrap();
    assert!(bed.seen(&acme).await.is_empty());
    bed.store().commit(batch, record(&acme, Written::default())).await.unwrap();
    assert_eq!(bed.seen(&acme).await, (20..28).collect::<Vec<_>>());
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 4);
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-02")), 4);
    bed.assert_counts_exact(&acme).await;
    // Neither half of a batch that is not committed outlives the store.
    let batch = bed.begin(&acme);
    bed.store().write(batch, across(28..30).chain(across(10..12)).collect()).await.unwrap();
    bed.reopen();
    assert_eq!(bed.seen(&acme).await, (20..28).collect::<Vec<_>>());
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 4);
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-02")), 4);
}

#[tokio::test]
async fn what_was_committed_survives_and_nothing_else_does() {
    let mut bed = Bed::small();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..150)).await;
    let lost = bed.begin(&acme);
    bed.store().write(lost, events(150..300)).await.unwrap();
    bed.store().write(lost, events(300..320)).await.unwrap();
    bed.store_batch(&acme, events(320..330)).await;
    bed.reopen();
    let kept: Vec<u64> = (0..150).chain(320..330).collect();
    assert_eq!(bed.seen(&acme).await, kept);
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 160);
    bed.assert_counts_exact(&acme).await;
    // Its number is not used again, and its events can come again.
    assert!(bed.begin(&acme) > lost);
    assert_eq!(bed.store_batch(&acme, events(150..320)).await.stored, 170);
    bed.assert_counts_exact(&acme).await;
}

#[tokio::test]
async fn a_start_looks_at_unsettled_files_only() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    let marker = bed.file(&acme, "2026-03-01").with_extension("unsettled");
    assert!(marker.exists());
    bed.store().close().await.unwrap();
    assert!(!marker.exists(), "everything is decided");
    bed.reopen();
    assert_eq!(bed.seen(&acme).await.len(), 10);
    let batch = bed.begin(&acme);
    bed.store().write(batch, events(10..20)).await.unwrap();
    assert!(marker.exists());
    bed.drop_store();
    assert!(marker.exists(), "a batch is undecided");
    bed.reopen();
    assert!(!marker.exists());
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 10);
}

#[tokio::test]
async fn an_aborted_batch_leaves_nothing() {
    let bed = Bed::small();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..120)).await;
    let batch = bed.begin(&acme);
    for start in [120, 220, 320] {
        bed.store().write(batch, events(start..start + 100)).await.unwrap();
    }
    bed.store().abort(batch);
    bed.store().abort(batch);
    bed.store().abort(BatchId(77_777));
    let late = bed.store().write(batch, events(0..1)).await;
    assert!(matches!(late, Err(StoreError::NoSuchBatch)));
    bed.store().close().await.unwrap();
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 120);
    let file = bed.file(&acme, "2026-03-01");
    assert_eq!(ask(&file, "SELECT sum(rows) FROM segments"), 120);
    assert_eq!(ask(&file, "SELECT count(*) FROM chunks"), 1);
    assert_eq!(ask(&file, "SELECT count(*) FROM rollup_delta"), 1);
}

#[tokio::test]
async fn repeats_are_stored_once_across_chunks_segments_and_starts() {
    let mut bed = Bed::small();
    let acme = tenant("acme");
    let batch = bed.begin(&acme);
    let twice = events(0..60).into_iter().chain(events(0..60)).collect();
    let written = bed.store().write(batch, twice).await.unwrap();
    assert_eq!(written, Written { stored: 60, repeated: 60 });
    let again = bed.store().write(batch, events(30..90)).await.unwrap();
    assert_eq!(again, Written { stored: 30, repeated: 30 });
    bed.store().commit(batch, record(&acme, written)).await.unwrap();
    // Into a third segment.
    bed.store_batch(&acme, events(90..200)).await;
    bed.store_batch(&acme, events(200..320)).await;
    assert_eq!(bed.store_batch(&acme, events(0..321)).await, Written { stored: 1, repeated: 320 });
    bed.reopen();
    assert_eq!(bed.store_batch(&acme, events(0..321)).await, Written { stored: 0, repeated: 321 });
    bed.maintain_after(DAY).await;
    bed.reopen();
    assert_eq!(bed.store_batch(&acme, events(0..322)).await, Written { stored: 1, repeated: 321 });
    assert_eq!(bed.seen(&acme).await, (0..322).collect::<Vec<_>>());
    bed.assert_counts_exact(&acme).await;
}

#[tokio::test]
async fn the_same_event_in_two_open_batches_is_a_conflict() {
    let bed = Bed::new();
    let (acme, other) = (tenant("acme"), tenant("other"));
    let (first, second) = (bed.begin(&acme), bed.begin(&acme));
    bed.store().write(first, events(0..10)).await.unwrap();
    let refused = bed.store().write(second, events(9..20)).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    let late = bed.store().commit(second, record(&acme, Written::default())).await;
    assert!(matches!(late, Err(StoreError::NoSuchBatch)));
    // Another tenant has events of its own.
    assert_eq!(bed.store_batch(&other, events(0..10)).await.stored, 10);
    bed.store().commit(first, record(&acme, Written::default())).await.unwrap();
    assert_eq!(bed.seen(&acme).await, (0..10).collect::<Vec<_>>());
    assert_eq!(bed.store_batch(&acme, events(9..20)).await, Written { stored: 10, repeated: 1 });
    bed.assert_counts_exact(&acme).await;
}

#[tokio::test]
async fn batches_side_by_side_do_not_disturb_each_other() {
    let bed = std::sync::Arc::new(Bed::small());
    let tenants = [tenant("one"), tenant("two"), tenant("three")];
    let mut running = Vec::new();
    for number in 0..24_u64 {
        let (bed, tenant) =
            (std::sync::Arc::clone(&bed), tenants[usize::try_from(number % 3).unwrap()].clone());
        running.push(tokio::spawn(async move {
            let batch = bed.begin(&tenant);
            for part in 0..4 {
                let start = number * 100 + part * 25;
                bed.store().write(batch, events(start..start + 25)).await.unwrap();
            }
            if number % 4 == 3 {
                bed.store().abort(batch);
            } else {
                bed.store().commit(batch, record(&tenant, Written::default())).await.unwrap();
            }
        }));
    }
    for task in running {
        task.await.unwrap();
    }
    for (place, tenant) in (0..3).zip(&tenants) {
        let mine = (0..24_u64).filter(|number| number % 3 == place && number % 4 != 3);
        let expected: Vec<u64> = mine.flat_map(|number| number * 100..number * 100 + 100).collect();
        assert_eq!(bed.seen(tenant).await, expected);
        bed.assert_counts_exact(tenant).await;
    }
}

#[tokio::test]
async fn hundreds_of_days_in_one_chunk_open_few_files() {
    let mut bed = {
        let mut options = wafpass::collector::store::sqlite::SqliteOptions::default();
        options.open_partitions = 4;
        Bed::with(options)
    };
    let acme = tenant("acme");
    let days = 60;
    let scattered: Vec<_> = (0..days * 3)
        .map(|number| event(number, at(DAY - i64::try_from(number % days).unwrap(), 5)))
        .collect();
    let batch = bed.begin(&acme);
    let written = bed.store().write(batch, scattered.clone()).await.unwrap();
    assert_eq!(written.stored, days * 3);
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    let journals = open
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|path| {
            path.starts_with(bed.folder.path()) && path.to_string_lossy().ends_with("-wal")
        })
        .count();
    assert!(journals <= 4, "{journals} are open");
    bed.store().commit(batch, record(&acme, written)).await.unwrap();
    assert_eq!(bed.store_batch(&acme, scattered).await.repeated, days * 3);
    bed.reopen();
    assert_eq!(bed.seen(&acme).await, (0..days * 3).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_ledger_that_fails_leaves_the_batch_under_way() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    let batch = bed.begin(&acme);
    let written = bed.store().write(batch, events(0..10)).await.unwrap();
    bed.ledger.is_full.store(true, Ordering::SeqCst);
    let full = bed.store().commit(batch, record(&acme, written)).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    assert!(bed.seen(&acme).await.is_empty());
    bed.ledger.is_full.store(false, Ordering::SeqCst);
    bed.store().commit(batch, record(&acme, written)).await.unwrap();
    assert_eq!(bed.seen(&acme).await.len(), 10);
    // When it does not even say whether it has the batch, its rows stay, out of sight.
    let batch = bed.begin(&acme);
    bed.store().write(batch, events(10..20)).await.unwrap();
    bed.ledger.is_full.store(true, Ordering::SeqCst);
    bed.ledger.is_mute.store(true, Ordering::SeqCst);
    assert!(bed.store().commit(batch, record(&acme, written)).await.is_err());
    bed.store().abort(batch);
    bed.store().maintain(at(DAY, 0)).await.unwrap();
    assert_eq!(bed.seen(&acme).await.len(), 10);
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 20);
    bed.ledger.is_full.store(false, Ordering::SeqCst);
    bed.ledger.is_mute.store(false, Ordering::SeqCst);
    bed.reopen();
    assert_eq!(bed.seen(&acme).await.len(), 10);
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 10);
}

#[tokio::test]
async fn numbers_go_on_past_what_was_reserved_at_first() {
    let bed = Bed::new();
    let acme = tenant("acme");
    let mut last = BatchId(0);
    for _ in 0..10_000 {
        // The next numbers are reserved in the background.
        let batch = loop {
            match bed.store().begin(&acme, Intake::Native) {
                Ok(batch) => break batch,
                Err(StoreError::Busy) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        };
        assert!(batch > last);
        last = batch;
        bed.store().abort(batch);
    }
    assert_eq!(bed.store_batch(&acme, events(0..5)).await.stored, 5);
}

#[tokio::test]
async fn a_closed_store_refuses_and_a_second_one_cannot_open() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    let second = SqliteStore::open(bed.folder.path(), bed.ledger.clone());
    assert!(matches!(second, Err(StoreError::Failed { .. })), "one process at a time");
    bed.store_batch(&acme, events(0..5)).await;
    let open = bed.begin(&acme);
    bed.store().write(open, events(5..9)).await.unwrap();
    bed.store().close().await.unwrap();
    bed.store().close().await.unwrap();
    assert!(matches!(bed.store().begin(&acme, Intake::Native), Err(StoreError::Closed)));
    assert!(matches!(bed.store().write(open, events(9..10)).await, Err(StoreError::Closed)));
    assert!(matches!(bed.store().ready().await, Err(StoreError::Closed)));
    assert!(matches!(bed.store().maintain(at(DAY, 0)).await, Err(StoreError::Closed)));
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 5);
    bed.reopen();
    assert_eq!(bed.seen(&acme).await.len(), 5);
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nothing_with_it() {
    let bed = Bed::new();
    let acme = tenant("acme");
    let batch = bed.begin(&acme);
    {
        let write = bed.store().write(batch, events(0..10));
        // Polled once: the chunk is in the queue, and nobody waits for it.
        let _ = futures_util::FutureExt::now_or_never(write);
    }
    bed.store().abort(batch);
    assert_eq!(bed.store_batch(&acme, events(20..30)).await.stored, 10);
    bed.store().close().await.unwrap();
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 10);
}

#[tokio::test]
async fn a_batch_that_a_restored_catalogue_does_not_know_goes_with_its_counts() {
    let mut bed = Bed::small();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..150)).await;
    let batch = bed.begin(&acme);
    for start in [150, 200, 250] {
        bed.store().write(batch, events(start..start + 50)).await.unwrap();
    }
    bed.store().commit(batch, record(&acme, Written::default())).await.unwrap();
    // Closing merges the counts; a restore leaves the mark, and its catalogue is older.
    bed.maintain_after(DAY).await;
    bed.drop_store();
    let file = bed.file(&acme, "2026-03-01");
    assert_eq!(ask(&file, "SELECT count(*) FROM rollup_delta"), 0);
    rusqlite::Connection::open(&file).unwrap().execute("DELETE FROM meta", ()).unwrap();
    std::fs::write(file.with_extension("unsettled"), b"").unwrap();
    bed.ledger.forget(batch);
    bed.reopen();
    assert_eq!(bed.seen(&acme).await, (0..150).collect::<Vec<_>>());
    bed.assert_counts_exact(&acme).await;
    assert_eq!(ask(&file, "SELECT sum(rows) FROM segments"), 150);
}
