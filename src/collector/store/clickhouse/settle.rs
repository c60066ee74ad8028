//! What a former run left: each batch is finished or given up before the first new one.

use clickhouse::Row;
use serde::Deserialize;

use super::client::{Database, Fault};
use super::inner::Inner;
use super::log::{Entry, State};
use super::node::Node;
use super::sql::{Sql, Value};
use super::write::blocking;
use super::{delete, schema};
use crate::collector::store::{BatchId, StoreError};
use crate::collector::{EventTime, TenantId};

#[derive(Row, Deserialize)]
struct Unresolved {
    tenant: String,
    batch: u64,
    spooled_as: u64,
}

#[derive(Row, Deserialize)]
struct Extent {
    rows: u64,
    min_at: i64,
    max_at: i64,
    expire_at: u32,
}

/// Keeps the spooled batches that were acknowledged, and removes the others.
pub(super) async fn spool(inner: &Inner) -> Result<(), StoreError> {
    let Some(spool) = inner.spool.clone() else { return Ok(()) };
    let ledger = inner.ledger.clone();
    let failed = |error: std::io::Error| StoreError::Failed {
        reason: format!("the spool cannot be read: {error}"),
    };
    blocking(move || {
        let batches = spool.leftovers().map_err(failed)?;
        let recorded = ledger.recorded(&batches)?;
        for batch in batches {
            spool.decide(batch, recorded.contains(&batch)).map_err(failed)?;
        }
        Ok(())
    })
    .await?;
    if inner.spool.as_ref().is_some_and(|spool| spool.first().is_some()) {
        inner.turn_to_spool("batches of the last run wait in the spool");
    }
    Ok(())
}

/// Makes the tables, and resolves what the log has as under way on this node.
pub(super) async fn database(inner: &Inner, outside: &Database) -> Result<(), StoreError> {
    schema::migrate(outside, inner.now_ms()).await?;
    numbers(inner).await?;
    drained(inner).await?;
    for unresolved in unresolved(inner).await? {
        let Some(tenant) = TenantId::new(&unresolved.tenant) else { continue };
        resolve(inner, tenant, &unresolved).await?;
    }
    retention(inner).await
}

/// Where the catalogue is new, numbers still go on after those in the log.
async fn numbers(inner: &Inner) -> Result<(), StoreError> {
    let mut sql = Sql::new("SELECT max(batch) FROM batch_log WHERE ");
    push_own(&mut sql, inner.node);
    let used: u64 = inner.database.one(&sql).await?;
    inner.skip_to(Node::sequence(used))
}

/// Takes batches out of the spool that had reached ClickHouse when the last run ended.
async fn drained(inner: &Inner) -> Result<(), StoreError> {
    let Some(spool) = inner.spool.clone() else { return Ok(()) };
    let waiting = spool.waiting();
    for part in waiting.chunks(1_000) {
        let numbers = part.iter().map(|batch| batch.0).collect();
        let mut sql =
            Sql::new("SELECT spooled_as FROM batch_log WHERE state = 1 AND spooled_as IN ");
        sql.bind(Value::Numbers(numbers));
        sql.push(" AND batch NOT IN (SELECT batch FROM batch_log WHERE state = 2)");
        for batch in inner.database.all::<u64>(&sql, &[]).await? {
            let removed = spool.remove(BatchId(batch));
            removed.map_err(|error| StoreError::Failed { reason: error.to_string() })?;
        }
    }
    Ok(())
}

async fn unresolved(inner: &Inner) -> Result<Vec<Unresolved>, Fault> {
    let mut sql =
        Sql::new("SELECT DISTINCT tenant, batch, spooled_as FROM batch_log WHERE state = 0 AND ");
    push_own(&mut sql, inner.node);
    sql.push(" AND batch NOT IN (SELECT batch FROM batch_log WHERE state > 0) ORDER BY batch");
    inner.database.all(&sql, &[]).await
}

async fn resolve(inner: &Inner, tenant: TenantId, left: &Unresolved) -> Result<(), StoreError> {
    let (ledger, batch) = (inner.ledger.clone(), BatchId(left.batch));
    let is_recorded = !blocking(move || ledger.recorded(&[batch])).await?.is_empty();
    // What waits in the spool comes from there, under another number.
    let is_spooled = inner.spool.as_ref().is_some_and(|spool| spool.holds(batch));
    let now = inner.now_ms();
    let mut entry = Entry {
        tenant,
        batch: batch.0,
        spooled_as: left.spooled_as,
        rows: 0,
        span: None,
        expire_at: 0,
    };
    if is_recorded && !is_spooled {
        let extent = extent(inner, &entry).await?;
        entry.rows = extent.rows;
        entry.span = Some((EventTime(extent.min_at), EventTime(extent.max_at)));
        entry.expire_at = extent.expire_at;
        entry.write(&inner.database, State::Committed, now).await?;
    } else {
        entry.write(&inner.database, State::GivenUp, now).await?;
        delete::batch(inner, &entry.tenant, entry.batch).await?;
    }
    Ok(())
}

async fn extent(inner: &Inner, entry: &Entry) -> Result<Extent, Fault> {
    let mut sql = Sql::new(
        "SELECT count() AS rows, toUnixTimestamp64Nano(min(at)) AS min_at, \
         toUnixTimestamp64Nano(max(at)) AS max_at, toUInt32(max(expire_at)) AS expire_at \
         FROM events WHERE tenant = ",
    );
    sql.bind(Value::Text(entry.tenant.to_string()));
    sql.push(" AND batch = ").bind(Value::Unsigned(entry.batch));
    inner.database.one(&sql).await
}

async fn retention(inner: &Inner) -> Result<(), StoreError> {
    let sql = Sql::new("SELECT tenant, argMax(days, set_at) FROM retention GROUP BY tenant");
    for (tenant, days) in inner.database.all::<(String, u32)>(&sql, &[]).await? {
        if let Some(tenant) = TenantId::new(&tenant) {
            inner.set_retention(&tenant, days);
        }
    }
    Ok(())
}

fn push_own(sql: &mut Sql, node: Node) {
    sql.push("batch BETWEEN ").bind(Value::Unsigned(node.first()));
    sql.push(" AND ").bind(Value::Unsigned(node.last()));
}
