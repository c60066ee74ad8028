//! The tables: made, kept, refused, and what ClickHouse does with them by itself.

use std::sync::Arc;

use wafpass::clock::SystemClock;
use wafpass::collector::EventTime;
use wafpass::collector::store::clickhouse::{ClickHouseOptions, ClickHouseStore, cluster_ddl};
use wafpass::collector::store::{Store, StoreError};

use crate::engine::Engine;
use crate::lab::open;
use crate::support::compare::everything;
use crate::support::events::{acme, event, full_event, globex, put};
use crate::support::ledger::MemoryLedger;

async fn opened(options: &ClickHouseOptions) -> Result<ClickHouseStore, StoreError> {
    let ledger = Arc::new(MemoryLedger::default());
    ClickHouseStore::open(options.clone(), ledger, Arc::new(SystemClock)).await
}

#[tokio::test]
async fn the_tables_are_made_once_and_then_kept() {
    let engine = Engine::shared();
    let options = engine.options();
    let ledger: Arc<MemoryLedger> = Arc::default();
    let store = open(options.clone(), ledger.clone()).await;
    put(&*store, &acme(), vec![full_event(0, 1)]).await;
    store.close().await.unwrap();
    let store = open(options.clone(), ledger).await;
    assert_eq!(everything(&*store, &acme()).await.len(), 1);
    let database = &options.database;
    let versions = engine.ask(&format!("SELECT version FROM {database}.schema_version")).await;
    assert_eq!(versions, "1", "written once");
}

#[tokio::test]
async fn a_migration_that_was_cut_short_is_finished() {
    let engine = Engine::shared();
    let options = engine.options();
    let database = &options.database;
    drop(opened(&options).await.unwrap());
    // As if the last two statements and the version were never run.
    engine.ask(&format!("DROP TABLE {database}.retention SYNC")).await;
    engine.ask(&format!("DROP TABLE {database}.batch_log SYNC")).await;
    engine.ask(&format!("TRUNCATE TABLE {database}.schema_version")).await;
    let store = opened(&options).await.unwrap();
    put(&store, &acme(), vec![event(0, 1)]).await;
    assert_eq!(everything(&store, &acme()).await.len(), 1);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let engine = Engine::shared();
    let options = engine.options();
    let database = &options.database;
    drop(opened(&options).await.unwrap());
    engine.ask(&format!("INSERT INTO {database}.schema_version VALUES (7, 0)")).await;
    let refused = opened(&options).await.unwrap_err();
    assert!(matches!(&refused, StoreError::Newer { found: 7, known: 1, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_name_that_could_be_a_statement_is_refused() {
    for name in ["", "a b", "a`; DROP DATABASE x", "1a", &"a".repeat(65)] {
        let options = crate::engine::options(&Engine::shared().url(), name);
        assert!(matches!(opened(&options).await, Err(StoreError::Failed { .. })), "{name:?}");
    }
}

#[tokio::test]
async fn blobs_are_raw_bytes_and_addresses_are_ipv6() {
    let engine = Engine::shared();
    let options = engine.options();
    let store = opened(&options).await.unwrap();
    let mut event = full_event(0, 1);
    event.fields.set(wafpass::collector::Field::ClientIp, "192.0.2.1");
    put(&store, &acme(), vec![event]).await;
    let sql = format!(
        "SELECT length(blob), client_ip, toDate(at), tenant FROM {}.events",
        options.database
    );
    assert_eq!(engine.ask(&sql).await, "256\t::ffff:192.0.2.1\t2026-11-22\tacme");
}

#[tokio::test]
async fn rows_go_by_themselves_when_nobody_expires_them() {
    let engine = Engine::shared();
    let options = engine.options();
    let database = options.database.clone();
    let store = opened(&options).await.unwrap();
    let now = wafpass::clock::now().as_secs() * 1_000_000_000;
    let days_ago = |days: i64, number: u128| {
        let mut event = event(0, number);
        event.at = EventTime(now - days * 86_400 * 1_000_000_000);
        event
    };
    store.retain(&acme(), 30).await.unwrap();
    store.retain(&globex(), 30).await.unwrap();
    put(&store, &acme(), vec![days_ago(10, 1)]).await;
    put(&store, &globex(), vec![days_ago(12, 2)]).await;
    // Shorter from now on: what is stored already follows.
    store.retain(&acme(), 5).await.unwrap();
    let expired = format!(
        "SELECT count() FROM {database}.events WHERE tenant = 'acme' AND expire_at < now()"
    );
    while engine.ask(&expired).await != "1" {
        let rows = engine
            .ask(&format!("SELECT count() FROM {database}.events WHERE tenant = 'acme'"))
            .await;
        if rows == "0" {
            break; // and dropped already
        }
    }
    engine.ask(&format!("OPTIMIZE TABLE {database}.events FINAL")).await;
    let left = engine.ask(&format!("SELECT tenant FROM {database}.events")).await;
    assert_eq!(left, "globex");
}

#[tokio::test]
async fn the_statements_for_a_cluster_are_clickhouses_language() {
    let engine = Engine::shared();
    let statements = cluster_ddl();
    assert_eq!(statements.len(), 6);
    for statement in &statements {
        let tree = engine.ask(&format!("EXPLAIN AST {statement}")).await;
        assert!(tree.starts_with("CreateQuery"), "{statement}\n{tree}");
        assert!(statement.contains("ON CLUSTER '{cluster}'"), "{statement}");
    }
    let replicated = statements.iter().filter(|text| text.contains("ReplicatedMergeTree(")).count();
    assert_eq!(replicated, 3);
    assert!(statements.iter().any(|text| text.contains("ReplicatedReplacingMergeTree(")));
    assert!(!statements.iter().any(|text| text.contains("non_replicated")));
}

#[test]
fn the_file_for_a_cluster_is_what_the_build_makes() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/clickhouse-cluster.sql");
    let file = std::fs::read_to_string(path).unwrap();
    let statements: String =
        file.split_inclusive('\n').filter(|line| !line.starts_with("-- ")).collect();
    let made =
        cluster_ddl().iter().map(|text| format!("{};\n", text.trim_end())).collect::<Vec<_>>();
    assert_eq!(statements.trim(), made.join("\n").trim(), "{path}");
}
