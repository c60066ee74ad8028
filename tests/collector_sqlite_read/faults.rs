//! A file that is damaged, and callers that go away.

use std::fs;
use std::path::PathBuf;

use wafpass::collector::query::{Filter, PageQuery, TimeRange};
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::store::{Store, StoreError};
use wafpass::collector::{EventTime, Field};

use crate::lab::Lab;
use crate::random::ROOMY;
use crate::support::events::{DAY, MIDNIGHT, acme, at, event, put, with};

fn query(range: TimeRange) -> PageQuery {
    PageQuery { range, filter: Filter::default(), limit: 1_000, after: None, budget: ROOMY }
}

fn days(first: i64, end: i64) -> TimeRange {
    TimeRange {
        from: EventTime(MIDNIGHT.0 + first * DAY),
        until: EventTime(MIDNIGHT.0 + end * DAY),
    }
}

/// Two days of 300 events each, the second of them damaged by `damage`.
async fn damaged(damage: impl FnOnce(&mut Vec<u8>)) -> Lab {
    let lab = Lab::new(100);
    for day in 0..2 {
        let new = |number: i64| {
            let new = event(day * 86_400 + number, (day * 1_000 + number) as u128);
            with(new, Field::Path, &"/some/longer/path".repeat(20))
        };
        put(&lab.store, &acme(), (0..300).map(new).collect()).await;
    }
    lab.close_days().await;
    lab.store.close().await.unwrap();
    let Lab { folder, ledger, store } = lab;
    drop(store);
    let path = folder.path().join("events/acme/2026-11-23.sqlite3");
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(&path, bytes).unwrap();
    for beside in ["-wal", "-shm"] {
        let _ = fs::remove_file(PathBuf::from(format!("{}{beside}", path.display())));
    }
    let store = SqliteStore::open(folder.path(), ledger.clone()).unwrap();
    Lab { folder, ledger, store }
}

async fn only_its_day_fails(lab: &Lab) {
    let failed = lab.store.page(&acme(), query(days(0, 2))).await.unwrap_err();
    let text = failed.to_string();
    assert!(text.contains("2026-11-23.sqlite3"), "{text}");
    assert!(!text.contains("/some/longer/path"), "{text}");
    let other = lab.store.page(&acme(), query(days(0, 1))).await.unwrap();
    assert_eq!(other.events.len(), 300);
    assert!(lab.folder.path().exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let lab = damaged(|bytes| bytes[..100].fill(0x55)).await;
    only_its_day_fails(&lab).await;
}

#[tokio::test]
async fn a_file_that_was_cut_is_named() {
    let lab = damaged(|bytes| bytes.truncate(bytes.len() / 3)).await;
    only_its_day_fails(&lab).await;
}

#[tokio::test]
async fn a_file_with_foreign_pages_is_named() {
    let lab = damaged(|bytes| bytes[16_384..].fill(0xee)).await;
    only_its_day_fails(&lab).await;
}

#[tokio::test]
async fn a_damaged_day_stops_neither_tails_nor_senders() {
    let lab = damaged(|bytes| bytes[..100].fill(0x55)).await;
    let begun = lab.store.snapshot();
    put(&lab.store, &acme(), vec![event(9, 9_999)]).await;
    let fresh = lab.store.since(&acme(), begun, Filter::default(), 10).await.unwrap();
    assert_eq!(fresh.events.len(), 1);

    assert!(matches!(lab.store.usage(&acme()).await, Err(StoreError::Damaged { .. })));
    let length = |day: &str| {
        fs::metadata(lab.folder.path().join(format!("events/acme/{day}.sqlite3"))).unwrap().len()
    };
    let stored = lab.store.stored_bytes(&acme()).await.unwrap();
    assert!(stored >= length("2026-11-22") + length("2026-11-23"), "{stored} bytes");
}

#[tokio::test]
async fn usage_looks_at_the_events_of_the_first_and_the_last_day_alone() {
    let Lab { folder, ledger, store } = Lab::new(100);
    for day in 0..3 {
        put(&store, &acme(), vec![event(day * 86_400 + 5, day as u128)]).await;
    }
    store.maintain(EventTime(MIDNIGHT.0 + 10 * DAY)).await.unwrap();
    store.close().await.unwrap();
    drop(store);
    let between = folder.path().join("events/acme/2026-11-23.sqlite3");
    let file = rusqlite::Connection::open(between).unwrap();
    file.execute_batch("DROP TABLE events_1").unwrap();
    drop(file);
    let store = SqliteStore::open(folder.path(), ledger).unwrap();
    let usage = store.usage(&acme()).await.unwrap();
    assert_eq!((usage.events, usage.partitions), (3, 3));
    assert_eq!(usage.span, Some((at(5), at(2 * 86_400 + 5))));
}

#[tokio::test]
async fn queries_whose_callers_go_away_leave_their_turns() {
    let lab = Lab::new(100);
    put(&lab.store, &acme(), (0..500).map(|n| event(n, n as u128)).collect()).await;
    let tenant = acme();
    for _ in 0..200 {
        // Polled once, which begins the work; then dropped.
        let mut one = Box::pin(lab.store.page(&tenant, query(days(0, 1))));
        let _ = futures_util::poll!(one.as_mut());
    }
    let page = lab.store.page(&tenant, query(days(0, 1))).await.unwrap();
    assert_eq!(page.events.len(), 500);
}

#[tokio::test]
async fn a_closed_store_answers_nothing() {
    let lab = Lab::new(100);
    lab.store.close().await.unwrap();
    let failed = lab.store.page(&acme(), query(days(0, 1))).await.unwrap_err();
    assert!(matches!(failed, StoreError::Closed), "{failed}");
}
