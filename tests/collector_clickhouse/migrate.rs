//! From SQLite to ClickHouse.

use std::sync::Arc;

use wafpass::collector::store::migrate::{MigrateError, MovedDay, migrate};
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::store::{Store, StoreError};

use crate::engine::{Engine, new_database, options};
use crate::lab::open;
use crate::proxy::{Fate, Proxy};
use crate::support::compare::everything;
use crate::support::events::{MIDNIGHT, acme, event, full_event, globex, put, write};
use crate::support::ledger::MemoryLedger;

/// Three days of events, one of them with more than a page, and a batch that was never committed.
async fn old_store(folder: &std::path::Path, ledger: Arc<MemoryLedger>) -> SqliteStore {
    let store = SqliteStore::open(folder, ledger).unwrap();
    for day in 0..3_i64 {
        let count = if day == 1 { 1_500 } else { 20 };
        let events = (0..count)
            .map(|n| full_event(day * 86_400 + n, u128::try_from(day * 10_000 + n).unwrap()));
        put(&store, &acme(), events.collect()).await;
    }
    put(&store, &globex(), vec![event(0, 1)]).await;
    write(&store, &acme(), vec![event(7, 77_777)]).await.unwrap();
    store
}

async fn run(old: &dyn Store, new: &dyn Store) -> Result<(u64, Vec<MovedDay>), MigrateError> {
    let mut days = Vec::new();
    let moved = migrate(old, new, &acme(), MIDNIGHT.as_ms(), |day| days.push(day)).await?;
    Ok((moved, days))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_comes_along_and_a_second_run_moves_nothing() {
    let (folder, ledger) = (tempfile::tempdir().unwrap(), Arc::new(MemoryLedger::default()));
    let old = old_store(folder.path(), ledger.clone()).await;
    let new = open(Engine::shared().options(), ledger).await;
    let (moved, days) = run(&old, &*new).await.unwrap();
    assert_eq!(moved, 1_540);
    assert_eq!(days.iter().map(|day| day.events).collect::<Vec<_>>(), [20, 1_500, 20]);
    let events = |stored: Vec<wafpass::collector::StoredEvent>| {
        stored.into_iter().map(|stored| stored.event).collect::<Vec<_>>()
    };
    let (before, after) = (everything(&old, &acme()).await, everything(&*new, &acme()).await);
    assert_eq!(events(before), events(after), "each event as it was");
    assert_eq!(everything(&*new, &globex()).await, [], "tenant by tenant");
    let (again, days) = run(&old, &*new).await.unwrap();
    assert_eq!((again, days.len()), (0, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_was_cut_short_is_finished_by_the_next() {
    let (folder, ledger) = (tempfile::tempdir().unwrap(), Arc::new(MemoryLedger::default()));
    let old = old_store(folder.path(), ledger.clone()).await;
    let proxy = Proxy::to(Engine::shared().port).await;
    let new = open(options(&proxy.url, &new_database()), ledger).await;
    let mut inserts = 0;
    proxy.judge(move |text| {
        inserts += i32::from(text.contains("INSERT") && text.contains("events%60"));
        if inserts > 1 { Fate::BadGateway } else { Fate::Through }
    });
    let cut = run(&old, &*new).await;
    assert!(matches!(cut, Err(MigrateError::Store(StoreError::Unavailable { .. }))), "{cut:?}");
    proxy.all(Fate::Through);
    let (moved, days) = run(&old, &*new).await.unwrap();
    assert_eq!((moved, days.len()), (1_520, 3), "the first day was there");
    assert_eq!(everything(&*new, &acme()).await.len(), 1_540);
}
