//! The tables: made and brought up to date when the store is opened, forward only.

use clickhouse::Row;
use serde::Serialize;

use super::client::{Database, Fault};
use super::sql::{Sql, Value};
use crate::collector::store::StoreError;

const VERSION_TABLE: &str = include_str!("schema/version.sql");
const EVENTS: &str = include_str!("schema/events.sql");
const BATCH_LOG: &str = include_str!("schema/batch_log.sql");
const RETENTION: &str = include_str!("schema/retention.sql");

/// What each version adds to the one before. A statement may run again: a migration that was cut short
/// is run anew.
const MIGRATIONS: &[&[&str]] = &[&[EVENTS, BATCH_LOG, RETENTION]];

#[derive(Row, Serialize)]
struct VersionRow {
    version: u32,
    written_at: i64,
}

/// Makes what is missing.
///
/// # Errors
///
/// [`StoreError::Newer`] for tables of a later build, which stay as they are.
pub(super) async fn migrate(outside: &Database, now_ms: i64) -> Result<Database, StoreError> {
    make_database(outside).await?;
    let database = outside.inside();
    database.run(&Sql::new(VERSION_TABLE), &[]).await?;
    let found: u32 = database.one(&Sql::new("SELECT max(version) FROM schema_version")).await?;
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer { path: database.name, found, known });
    }
    for (version, statements) in (1_u32..).zip(MIGRATIONS).filter(|(version, _)| *version > found) {
        for statement in *statements {
            database.run(&Sql::new(statement), &[]).await?;
        }
        let row = VersionRow { version, written_at: now_ms };
        database
            .insert::<VersionRow>("schema_version", &[row], &format!("schema:{version}"))
            .await?;
    }
    Ok(database)
}

/// A user who may not make databases gets by where there is one.
async fn make_database(outside: &Database) -> Result<(), Fault> {
    let mut there = Sql::new("SELECT count() FROM system.databases WHERE name = ");
    there.bind(Value::Text(outside.name.clone()));
    if outside.one::<u64>(&there).await? > 0 {
        return Ok(());
    }
    // Its name was checked to be plain.
    outside.run(&Sql::new(&format!("CREATE DATABASE IF NOT EXISTS `{}`", outside.name)), &[]).await
}

/// The statements that make the same tables replicated, and tables that read all shards: to be run by
/// an operator before the collector comes. ClickHouse fills in what stands in braces.
///
/// Their syntax is tested, a cluster is not.
#[must_use]
pub fn cluster_ddl() -> Vec<String> {
    let tables = [
        ("schema_version", VERSION_TABLE),
        ("events", EVENTS),
        ("batch_log", BATCH_LOG),
        ("retention", RETENTION),
    ];
    let mut statements: Vec<String> =
        tables.iter().map(|(name, text)| replicated(name, text)).collect();
    statements.extend(["events", "batch_log"].map(distributed));
    statements
}

fn replicated(name: &str, text: &str) -> String {
    let path = format!("('/clickhouse/tables/{{shard}}/{{database}}/{name}', '{{replica}}'");
    text.replacen(
        &format!("EXISTS {name}\n"),
        &format!("EXISTS {name} ON CLUSTER '{{cluster}}'\n"),
        1,
    )
    .replacen("ENGINE = MergeTree\n", &format!("ENGINE = ReplicatedMergeTree{path})\n"), 1)
    .replacen(
        "ENGINE = ReplacingMergeTree(",
        &format!("ENGINE = ReplicatedReplacingMergeTree{path}, "),
        1,
    )
    .replacen("non_replicated_deduplication_window", "replicated_deduplication_window", 1)
}

/// Each shard has its own collectors; a reader sees all of them by `…_of_all_shards`.
fn distributed(name: &str) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS {name}_of_all_shards ON CLUSTER '{{cluster}}' AS {name}\n\
         ENGINE = Distributed('{{cluster}}', currentDatabase(), '{name}', cityHash64(tenant))\n"
    )
}
