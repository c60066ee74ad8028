//! What came in, where there is too much of it to be given.

use wafpass::collector::SealedText;
use wafpass::collector::catalogue::Ledger;
use wafpass::collector::limits::MAX_PAGE_BYTES;
use wafpass::collector::query::{Filter, Snapshot};
use wafpass::collector::store::Store;
use wafpass::collector::store::sqlite::SqliteStore;

use crate::lab::Lab;
use crate::support::events::{acme, event, put};

async fn all_news(lab: &Lab, limit: usize) -> (Vec<u128>, u64) {
    let begin = Snapshot::default();
    let fresh = lab.store.since(&acme(), begin, Filter::default(), limit).await.unwrap();
    assert_eq!(fresh.snapshot, lab.store.snapshot());
    let ids = fresh.events.iter().map(|one| u128::from_be_bytes(one.event.id.0)).collect();
    (ids, fresh.skipped)
}

#[tokio::test]
async fn long_events_end_an_answer_early() {
    let lab = Lab::new(100);
    let long = |number: u128| {
        let mut event = event(number as i64, number);
        event.blob = Some(SealedText::Blob(vec![7; MAX_PAGE_BYTES / 4]));
        event
    };
    for number in 1..=6 {
        put(&lab.store, &acme(), vec![long(number)]).await;
    }
    assert_eq!(all_news(&lab, 500).await, (vec![3, 4, 5, 6], 2));
}

#[tokio::test]
async fn of_many_days_the_oldest_are_counted() {
    let lab = Lab::new(100);
    for day in 0..35_u8 {
        let number = u128::from(day) * 2;
        let at = i64::from(day) * 86_400;
        put(&lab.store, &acme(), vec![event(at, number), event(at + 1, number + 1)]).await;
    }
    assert_eq!(all_news(&lab, 100).await, ((6..70).collect(), 6));
    assert_eq!(all_news(&lab, 3).await, (vec![67, 68, 69], 67));
}

/// As a day of a sender looks that sends a batch for each event; to send them takes too long for a test.
#[tokio::test]
async fn of_many_batches_the_oldest_are_counted() {
    let Lab { folder, ledger, store } = Lab::new(100);
    ledger.reserve(100_000).unwrap();
    store.close().await.unwrap();
    drop(store);
    let store = SqliteStore::open(folder.path(), ledger.clone()).unwrap();
    put(&store, &acme(), vec![event(0, 1)]).await;
    store.close().await.unwrap();
    drop(store);
    let path = folder.path().join("events/acme/2026-11-22.sqlite3");
    let file = rusqlite::Connection::open(path).unwrap();
    let sql = "WITH RECURSIVE n(batch) AS (SELECT 1 UNION ALL SELECT batch + 1 FROM n WHERE batch < 30000) \
               INSERT INTO chunks SELECT batch, 0, 1, 1, 0, 0 FROM n";
    assert_eq!(file.execute(sql, ()).unwrap(), 30_000);
    drop(file);
    let store = SqliteStore::open(folder.path(), ledger.clone()).unwrap();
    let lab = Lab { folder, ledger, store };
    let (ids, skipped) = all_news(&lab, 500).await;
    assert_eq!(ids, [1]);
    // All but 10,000 of them, or fewer where the time is up before they are counted.
    assert!((1..=30_000).contains(&skipped), "{skipped}");
}
