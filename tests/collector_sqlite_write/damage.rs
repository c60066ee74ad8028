//! Full disks and broken files: one tenant's day suffers, nothing else does.

use std::fs;
use std::sync::atomic::Ordering;

use wafpass::collector::store::sqlite::SqliteOptions;
use wafpass::collector::store::{Store, StoreError, Written};

use super::common::{Bed, DAY, SECOND, at, event, events, record, rows_in, tenant};

fn with_pages(pages: u32) -> Bed {
    let mut options = SqliteOptions::default();
    options.max_partition_pages = Some(pages);
    Bed::with(options)
}

#[tokio::test]
async fn a_full_partition_takes_nothing_of_a_batch_and_loses_nothing() {
    let bed = with_pages(100);
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..500)).await;
    let batch = bed.begin(&acme);
    let full = bed.store().write(batch, events(500..9_000)).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    let late = bed.store().commit(batch, record(&acme, Written::default())).await;
    assert!(matches!(late, Err(StoreError::NoSuchBatch)));
    assert_eq!(bed.seen(&acme).await.len(), 500);
    bed.assert_counts_exact_of(&acme, 500).await;
    // Other days and tenants go on.
    assert_eq!(bed.store_batch(&tenant("other"), events(0..10)).await.stored, 10);
    assert_eq!(bed.store_batch(&acme, vec![event(1, at(DAY + 1, 0))]).await.stored, 1);
    // And so does the day, with less.
    assert_eq!(bed.store_batch(&acme, events(500..600)).await.stored, 100);
    assert!(bed.store().snapshot().pending.is_empty());
}

#[tokio::test]
async fn a_batch_that_fails_half_way_leaves_nothing() {
    let mut bed = with_pages(100);
    let acme = tenant("acme");
    let batch = bed.begin(&acme);
    bed.store().write(batch, events(0..700)).await.unwrap();
    let full = bed.store().write(batch, events(700..9_000)).await;
    assert!(matches!(full, Err(StoreError::Full)), "{full:?}");
    bed.store().close().await.unwrap();
    assert_eq!(rows_in(&bed.file(&acme, "2026-03-01")), 0);
    bed.reopen();
    assert_eq!(bed.store_batch(&acme, events(0..700)).await.stored, 700);
}

#[tokio::test]
async fn what_is_no_partition_is_damaged_and_others_go_on() {
    let mut bed = Bed::new();
    let (acme, other) = (tenant("acme"), tenant("other"));
    bed.store_batch(&acme, events(0..10)).await;
    bed.store_batch(&other, events(0..10)).await;
    bed.store_batch(&acme, vec![event(100, at(DAY + 1, 0))]).await;
    bed.drop_store();
    let file = bed.file(&acme, "2026-03-01");
    fs::write(&file, vec![b'x'; 100_000]).unwrap();
    bed.reopen();
    let batch = bed.begin(&acme);
    let damaged = bed.store().write(batch, events(10..20)).await;
    assert!(matches!(damaged, Err(StoreError::Damaged { .. })), "{damaged:?}");
    assert_eq!(bed.seen(&other).await.len(), 10);
    assert_eq!(bed.store_batch(&acme, vec![event(101, at(DAY + 1, 0))]).await.stored, 1);
    // Not even a batch that also has events elsewhere gets through in part.
    let batch = bed.begin(&acme);
    let half = vec![event(102, at(DAY + 1, 0)), event(103, at(DAY, 0))];
    assert!(bed.store().write(batch, half).await.is_err());
    bed.store().maintain(at(DAY, 0)).await.unwrap();
    // It can be unlinked as ever.
    assert_eq!(bed.store().expire(&acme, at(DAY + 1, 0)).await.unwrap().partitions, 1);
    assert_eq!(bed.seen(&acme).await, [100, 101]);
    assert_eq!(bed.store_batch(&acme, events(0..3)).await.stored, 3);
}

#[tokio::test]
async fn a_truncated_file_is_damaged() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..2_000)).await;
    bed.store().close().await.unwrap();
    bed.drop_store();
    let file = bed.file(&acme, "2026-03-01");
    let bytes = fs::metadata(&file).unwrap().len();
    fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(bytes / 2).unwrap();
    bed.reopen();
    let batch = bed.begin(&acme);
    let same = events(0..2_000).into_iter().chain(events(3_000..4_000)).collect();
    let damaged = bed.store().write(batch, same).await;
    assert!(matches!(damaged, Err(StoreError::Damaged { .. })), "{damaged:?}");
    assert_eq!(bed.store_batch(&acme, vec![event(9, at(DAY + 1, 0))]).await.stored, 1);
}

#[tokio::test]
async fn an_unreadable_day_with_undecided_rows_is_not_shown_until_it_is_mended() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    let lost = bed.begin(&acme);
    bed.store().write(lost, events(10..20)).await.unwrap();
    bed.drop_store();
    let file = bed.file(&acme, "2026-03-01");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, b"not now").unwrap();
    bed.reopen();
    let range = super::common::ALWAYS;
    let query = wafpass::collector::query::PageQuery {
        range,
        filter: wafpass::collector::query::Filter::default(),
        limit: 10,
        after: None,
        budget: super::common::PLENTY,
    };
    assert!(bed.store().page(&acme, query).await.is_err());
    fs::write(&file, whole).unwrap();
    bed.store().maintain(at(DAY, 0)).await.unwrap();
    assert_eq!(bed.seen(&acme).await, (0..10).collect::<Vec<_>>());
    assert_eq!(rows_in(&file), 10);
}

#[tokio::test]
async fn a_day_that_could_not_be_cleared_is_not_settled_by_a_close() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    let lost = bed.begin(&acme);
    bed.store().write(lost, events(10..20)).await.unwrap();
    bed.drop_store();
    let file = bed.file(&acme, "2026-03-01");
    let rename = |from: &str, to: &str| {
        let db = rusqlite::Connection::open(&file).unwrap();
        db.execute_batch(&format!("ALTER TABLE {from} RENAME TO {to}")).unwrap();
    };
    rename("blobs_1", "hidden");
    bed.reopen();
    bed.store().maintain(at(DAY, 0)).await.unwrap();
    bed.store().close().await.unwrap();
    bed.drop_store();
    assert!(file.with_extension("unsettled").exists(), "the next start has to look at it");
    rename("hidden", "blobs_1");
    bed.reopen();
    assert_eq!(bed.seen(&acme).await, (0..10).collect::<Vec<_>>());
    assert_eq!(rows_in(&file), 10);
}

#[tokio::test]
async fn a_new_day_has_its_mark_before_its_file() {
    let bed = Bed::new();
    let acme = tenant("acme");
    let file = bed.file(&acme, "2026-03-01");
    fs::create_dir_all(&file).unwrap();
    let batch = bed.begin(&acme);
    let failed = bed.store().write(batch, events(0..10)).await;
    assert!(matches!(failed, Err(StoreError::Failed { .. })), "{failed:?}");
    assert!(file.with_extension("unsettled").exists());
}

#[tokio::test]
async fn what_a_crash_leaves_of_a_removal_goes() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    bed.drop_store();
    let folder = bed.folder.path().join("events/acme");
    for suffix in ["sqlite3-wal", "sqlite3-shm", "sqlite3-journal", "unsettled"] {
        fs::write(folder.join(format!("2026-02-27.{suffix}")), b"left").unwrap();
    }
    bed.reopen();
    assert_eq!(bed.seen(&acme).await.len(), 10);
    bed.store().delete_tenant(&acme).await.unwrap();
    assert!(!folder.exists());
}

/// The tenants of one thread are refused, and nobody waits for ever.
#[tokio::test]
async fn a_writer_that_ends_answers_with_errors() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    let (first, second) = (bed.begin(&acme), bed.begin(&acme));
    let written = bed.store().write(first, events(10..20)).await.unwrap();
    assert!(bed.store().ready().await.is_ok());
    bed.ledger.is_broken.store(true, Ordering::SeqCst);
    let lost = bed.store().commit(first, record(&acme, written)).await;
    assert!(matches!(lost, Err(StoreError::Closed)), "{lost:?}");
    for _ in 0..10 {
        let refused = bed.store().write(second, events(20..30)).await;
        assert!(matches!(refused, Err(StoreError::Closed)), "{refused:?}");
    }
    bed.store().abort(first);
    assert!(matches!(bed.store().ready().await, Err(StoreError::Closed)));
    assert!(bed.store().maintain(at(DAY, 0)).await.is_err());
    assert_eq!(bed.seen(&acme).await, (0..10).collect::<Vec<_>>());
    bed.store().close().await.unwrap();
    bed.ledger.is_broken.store(false, Ordering::SeqCst);
    bed.reopen();
    assert_eq!(bed.seen(&acme).await, (0..10).collect::<Vec<_>>());
    assert_eq!(bed.store_batch(&acme, events(0..20)).await.stored, 10);
}

#[tokio::test]
async fn a_newer_schema_is_left_alone() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    bed.store().close().await.unwrap();
    bed.drop_store();
    let file = bed.file(&acme, "2026-03-01");
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    bed.reopen();
    let batch = bed.begin(&acme);
    let newer = bed.store().write(batch, events(10..20)).await;
    assert!(matches!(newer, Err(StoreError::Newer { found: 99, known: 2, .. })), "{newer:?}");
    assert_eq!(rows_in(&file), 10);
}

#[tokio::test]
async fn a_schema_of_before_the_first_release_is_refused_by_name() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    bed.store().close().await.unwrap();
    bed.drop_store();
    let file = bed.file(&acme, "2026-03-01");
    rusqlite::Connection::open(&file).unwrap().pragma_update(None, "user_version", 1).unwrap();
    bed.reopen();
    let batch = bed.begin(&acme);
    let older = bed.store().write(batch, events(10..20)).await.unwrap_err().to_string();
    assert!(older.contains("2026-03-01") && older.contains("before the first release"), "{older}");
    assert_eq!(rows_in(&file), 10);
}

#[tokio::test]
async fn files_are_ours_alone() {
    use std::os::unix::fs::PermissionsExt;

    let bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..10)).await;
    let file = bed.file(&acme, "2026-03-01");
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(file.parent().unwrap()), 0o700);
    for entry in fs::read_dir(file.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn names_that_are_no_days_are_left_alone() {
    let mut bed = Bed::new();
    let acme = tenant("acme");
    bed.store_batch(&acme, events(0..1)).await;
    bed.drop_store();
    let folder = bed.folder.path().join("events/acme");
    for name in ["2026-3-1.sqlite3", "2026-02-30.sqlite3", "notes.txt", "+2026-01-01.sqlite3"] {
        fs::write(folder.join(name), b"mine").unwrap();
    }
    fs::create_dir(bed.folder.path().join("events/Not A Tenant")).unwrap();
    bed.reopen();
    bed.store().maintain(at(DAY + 3, SECOND)).await.unwrap();
    assert_eq!(bed.store().usage(&acme).await.unwrap().partitions, 1);
    assert_eq!(fs::read(folder.join("notes.txt")).unwrap(), b"mine");
}
