//! ClickHouse that fails, with no spool: nothing is acknowledged that is not stored, and nothing twice.

use std::sync::Arc;
use std::time::Duration;

use wafpass::clock::SystemClock;
use wafpass::collector::store::clickhouse::{ClickHouseOptions, ClickHouseStore};
use wafpass::collector::store::{Store, StoreError};

use crate::engine::{Engine, new_database, options};
use crate::lab::open;
use crate::proxy::{Fate, Proxy};
use crate::support::compare::{briefs, everything};
use crate::support::events::{acme, at, event, put, record, write};
use crate::support::ledger::MemoryLedger;

async fn behind(proxy: &Proxy) -> (ClickHouseOptions, Arc<ClickHouseStore>) {
    let options = options(&proxy.url, &new_database());
    let store = open(options.clone(), Arc::new(MemoryLedger::default())).await;
    (options, store)
}

#[tokio::test]
async fn an_insert_whose_answer_is_lost_is_repeated_under_its_token() {
    let engine = Engine::shared();
    let proxy = Proxy::to(engine.port).await;
    let (options, store) = behind(&proxy).await;
    put(&*store, &acme(), vec![event(0, 1)]).await;
    let mut lost = 0;
    proxy.judge(move |text| {
        // The answers to the first INSERT of rows.
        let is_insert = text.contains("INSERT+INTO+%60events%60")
            || text.contains("INSERT%20INTO%20%60events%60");
        lost += i32::from(is_insert);
        if is_insert && lost == 1 { Fate::AnswerLost } else { Fate::Through }
    });
    // Over two days: two parts, under one token.
    put(&*store, &acme(), vec![event(1, 2), event(86_400, 3)]).await;
    let rows = engine.ask(&format!("SELECT count() FROM {}.events", options.database)).await;
    assert_eq!(rows, "3", "the rows of the lost answer, and no more");
    assert_eq!(everything(&*store, &acme()).await.len(), 3);
}

#[tokio::test]
async fn an_error_of_any_kind_is_no_success() {
    let engine = Engine::shared();
    let proxy = Proxy::to(engine.port).await;
    let (_, store) = behind(&proxy).await;
    for fate in [Fate::Refused, Fate::BadGateway, Fate::TooManyParts] {
        proxy.all(fate);
        let written = write(&*store, &acme(), vec![event(0, 1)]).await;
        assert!(matches!(written, Err(StoreError::Unavailable { .. })), "{fate:?}: {written:?}");
        let ready = store.ready().await;
        assert!(matches!(ready, Err(StoreError::Unavailable { .. })), "{fate:?}: {ready:?}");
        proxy.all(Fate::Through);
        store.ready().await.unwrap();
    }
    assert_eq!(everything(&*store, &acme()).await, []);
}

#[tokio::test]
async fn a_commit_that_only_the_ledger_has_is_finished_later() {
    let engine = Engine::shared();
    let proxy = Proxy::to(engine.port).await;
    let (_, store) = behind(&proxy).await;
    let (batch, written) = write(&*store, &acme(), vec![event(0, 1)]).await.unwrap();
    proxy.all(Fate::BadGateway);
    // The rows are there, the ledger has the batch: that is what was promised.
    store.commit(batch, record(&acme(), written)).await.unwrap();
    assert!(store.snapshot().pending.contains(&batch.0), "not visible yet");
    proxy.all(Fate::Through);
    let mut commits = store.commits();
    while store.snapshot().pending.contains(&batch.0) {
        commits.changed().await.unwrap();
    }
    assert_eq!(briefs(&everything(&*store, &acme()).await), ["1@+0ns"]);
}

#[tokio::test]
async fn a_commit_that_only_the_ledger_has_is_finished_at_the_next_start() {
    let engine = Engine::shared();
    let proxy = Proxy::to(engine.port).await;
    let options = options(&proxy.url, &new_database());
    let ledger = Arc::new(MemoryLedger::default());
    let store = open(options.clone(), ledger.clone()).await;
    let (batch, written) = write(&*store, &acme(), vec![event(0, 1), event(5, 2)]).await.unwrap();
    let (lost, _) = write(&*store, &acme(), vec![event(0, 3)]).await.unwrap();
    proxy.all(Fate::Refused);
    store.commit(batch, record(&acme(), written)).await.unwrap();
    drop(store); // as kill -9 would
    proxy.all(Fate::Through);
    let store = open(options.clone(), ledger).await;
    assert_eq!(briefs(&everything(&*store, &acme()).await), ["2@+5000000000ns", "1@+0ns"]);
    let left = format!("SELECT count() FROM {}.events WHERE batch = {}", options.database, lost.0);
    assert_eq!(engine.ask(&left).await, "0", "what was not committed is gone");
    let next = store.begin(&acme(), wafpass::collector::Intake::Native).unwrap();
    assert!(next > lost, "numbers go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_outlast_a_kill_of_the_engine() {
    let mut engine = Engine::start();
    let options = engine.options();
    let ledger = Arc::new(MemoryLedger::default());
    let store = open(options.clone(), ledger.clone()).await;
    for round in 0..3_u128 {
        let first = round * 100;
        let events = (first..first + 50).map(|n| event(i64::try_from(n).unwrap(), n));
        put(&*store, &acme(), events.collect()).await;
        engine.kill();
        let written = write(&*store, &acme(), vec![event(0, 9_999)]).await;
        assert!(matches!(written, Err(StoreError::Unavailable { .. })), "{written:?}");
        engine.restart();
        assert_eq!(
            everything(&*store, &acme()).await.len(),
            50 * (usize::try_from(round).unwrap() + 1)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_that_stands_still_is_away() {
    let engine = Engine::start();
    let mut options = engine.options();
    options.request_timeout = Duration::from_millis(500);
    let store = open(options, Arc::new(MemoryLedger::default())).await;
    put(&*store, &acme(), vec![event(0, 1)]).await;
    engine.pause();
    let written = write(&*store, &acme(), vec![event(0, 2)]).await;
    assert!(matches!(written, Err(StoreError::Unavailable { .. })), "{written:?}");
    let found = store.event(&acme(), crate::support::events::id(1), Some(at(0))).await;
    assert!(matches!(found, Err(StoreError::Unavailable { .. })), "{found:?}");
    engine.resume();
    // Whatever the engine still does of the request that was given up, nobody sees it.
    let mut tries = 0;
    while store.ready().await.is_err() && tries < 100 {
        tries += 1;
    }
    assert_eq!(briefs(&everything(&*store, &acme()).await), ["1@+0ns"]);
}

#[tokio::test]
async fn without_a_spool_a_clickhouse_that_is_away_is_an_error_at_the_start() {
    let options = options("http://127.0.0.1:9/", "test");
    let opened =
        ClickHouseStore::open(options, Arc::new(MemoryLedger::default()), Arc::new(SystemClock))
            .await;
    assert!(matches!(opened, Err(StoreError::Unavailable { .. })), "{opened:?}");
}
