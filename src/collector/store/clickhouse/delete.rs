//! Deletion: lightweight deletes, which hide rows at once and leave them to the next merge.

use clickhouse::Row;
use serde::{Deserialize, Serialize};

use super::client::Fault;
use super::inner::Inner;
use super::scope::Scope;
use super::sql::{Sql, Value};
use super::write::blocking;
use crate::collector::query::TimeRange;
use crate::collector::store::{Deleted, StoreError};
use crate::collector::{EventTime, TenantId};

/// The answer comes when the rows are gone from every query.
const SYNCHRONOUS: [(&str, &str); 2] = [("lightweight_deletes_sync", "2"), ("mutations_sync", "2")];
/// How many times as long as a request a deletion may take.
const PATIENCE: u32 = 10;
const DAY_NS: i64 = 86_400_000_000_000;

#[derive(Row, Deserialize)]
struct Extent {
    rows: u64,
    days: u64,
}

#[derive(Row, Serialize)]
struct RetentionRow<'a> {
    tenant: &'a str,
    days: u32,
    set_at: i64,
}

/// Deletes what is visible of a range.
pub(super) async fn range(
    inner: &Inner,
    tenant: &TenantId,
    range: TimeRange,
) -> Result<Deleted, StoreError> {
    let extent = visible(inner, tenant, range).await?;
    Ok(Deleted { events: extent.rows, partitions: 0 })
}

/// Deletes days that are over.
pub(super) async fn expire(
    inner: &Inner,
    tenant: &TenantId,
    before: EventTime,
) -> Result<Deleted, StoreError> {
    let until = EventTime(before.0.div_euclid(DAY_NS).saturating_mul(DAY_NS));
    let range = TimeRange { from: EventTime(i64::MIN), until };
    let extent = visible(inner, tenant, range).await?;
    Ok(Deleted { events: extent.rows, partitions: extent.days })
}

async fn visible(inner: &Inner, tenant: &TenantId, range: TimeRange) -> Result<Extent, StoreError> {
    inner.check_open()?;
    let snapshot = inner.visibility.snapshot();
    let scope = Scope { tenant, range, snapshot: &snapshot, node: inner.node };
    let extent = extent(inner, &scope).await?;
    if extent.rows > 0 {
        let mut sql = Sql::new("DELETE FROM events ");
        scope.push_place(&mut sql);
        scope.push_snapshot(&mut sql);
        // Batches under way on any node keep their rows. They are few: a list, not a subquery, which a
        // replica would work out anew.
        let open = under_way(inner, tenant).await?;
        if !open.is_empty() {
            sql.push(" AND batch NOT IN ").bind(Value::Numbers(open));
        }
        inner.database.patient(PATIENCE).run(&sql, &SYNCHRONOUS).await?;
    }
    Ok(extent)
}

/// Deletes everything, what is under way and what waits in the spool too.
pub(super) async fn tenant(inner: &Inner, tenant: &TenantId) -> Result<Deleted, StoreError> {
    inner.check_open()?;
    if let Some(spool) = inner.spool.clone() {
        let _alone = inner.draining.lock().await;
        let owner = tenant.clone();
        let removed = blocking(move || {
            spool
                .remove_tenant(&owner)
                .map_err(|error| StoreError::Failed { reason: error.to_string() })
        });
        removed.await?;
        inner.show_spool();
    }
    let range = TimeRange { from: EventTime(i64::MIN), until: EventTime(i64::MAX) };
    let snapshot = inner.visibility.snapshot();
    let extent =
        extent(inner, &Scope { tenant, range, snapshot: &snapshot, node: inner.node }).await?;
    let mut sql = Sql::new("DELETE FROM events WHERE tenant = ");
    sql.bind(Value::Text(tenant.to_string()));
    inner.database.patient(PATIENCE).run(&sql, &SYNCHRONOUS).await?;
    Ok(Deleted { events: extent.rows, partitions: extent.days })
}

/// Deletes the rows of a batch that was given up.
pub(super) async fn batch(inner: &Inner, tenant: &TenantId, batch: u64) -> Result<(), StoreError> {
    let mut sql = Sql::new("DELETE FROM events WHERE tenant = ");
    sql.bind(Value::Text(tenant.to_string())).push(" AND batch = ").bind(Value::Unsigned(batch));
    Ok(inner.database.patient(PATIENCE).run(&sql, &SYNCHRONOUS).await?)
}

/// Moves the time at which ClickHouse itself drops a tenant's rows.
pub(super) async fn retain(inner: &Inner, tenant: &TenantId, days: u32) -> Result<(), StoreError> {
    inner.check_open()?;
    if inner.set_retention(tenant, days) == Some(days) {
        return Ok(());
    }
    let moved = move_expiry(inner, tenant, days).await;
    if moved.is_err() {
        // Until it is said again, rows get the long time.
        inner.forget_retention(tenant);
    }
    moved
}

async fn move_expiry(inner: &Inner, tenant: &TenantId, days: u32) -> Result<(), StoreError> {
    let owner = Value::Text(tenant.to_string());
    let mut any = Sql::new("SELECT count() FROM (SELECT 1 FROM events WHERE tenant = ");
    any.bind(owner.clone()).push(" LIMIT 1)");
    if inner.database.one::<u64>(&any).await? > 0 {
        let seconds = i64::from(days).saturating_add(1).saturating_mul(86_400);
        // The commits go along, or events would be there and not be seen.
        for (table, last) in [("batch_log", "max_at"), ("events", "at")] {
            let mut sql = Sql::new("ALTER TABLE ");
            sql.push(table)
                .push(" UPDATE expire_at = toDateTime(toUInt32(least(4294967295, greatest(0, ");
            sql.push("intDiv(toUnixTimestamp64Nano(").push(last).push("), 1000000000) + ");
            sql.bind(Value::Signed(seconds))
                .push("))), 'UTC') WHERE tenant = ")
                .bind(owner.clone());
            sql.push(if table == "batch_log" { " AND state = 1" } else { "" });
            inner.database.run(&sql, &[]).await?;
        }
    }
    let row = RetentionRow { tenant: tenant.as_str(), days, set_at: inner.now_ms() };
    let token = format!("retention:{tenant}:{days}:{}", row.set_at);
    Ok(inner.database.insert::<RetentionRow<'_>>("retention", &[row], &token).await?)
}

async fn extent(inner: &Inner, scope: &Scope<'_>) -> Result<Extent, Fault> {
    let mut sql = Sql::new("SELECT count() AS rows, uniqExact(toDate32(at)) AS days FROM events ");
    scope.push(&mut sql);
    inner.database.patient(PATIENCE).one(&sql).await
}

/// The tenant's batches that have an intent and nothing else, and those that are pending here.
async fn under_way(inner: &Inner, tenant: &TenantId) -> Result<Vec<u64>, Fault> {
    let mut sql = Sql::new("SELECT DISTINCT batch FROM batch_log WHERE state = 0 AND tenant = ");
    sql.bind(Value::Text(tenant.to_string()));
    sql.push(" AND batch NOT IN (SELECT batch FROM batch_log WHERE state > 0)");
    inner.database.all(&sql, &[]).await
}
