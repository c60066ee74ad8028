//! Pages, single events, the tail, and what a tenant has stored.

use std::time::{Duration, Instant};

use clickhouse::Row;
use serde::Deserialize;

use super::client::{Fault, Read, select_events};
use super::filter;
use super::inner::Inner;
use super::scope::{Scope, both};
use super::sql::{Sql, Value};
use crate::clock::monotonic;
use crate::collector::limits::MAX_PAGE_BYTES;
use crate::collector::query::{Cursor, Filter, Page, PageQuery, Snapshot, TimeRange};
use crate::collector::store::{Fresh, StoreError, Usage};
use crate::collector::{EventId, EventTime, StoredEvent, TenantId};

/// Newest first: against the tables' order, so that the first rows are found without the others.
const NEWEST_FIRST: &str = " ORDER BY at DESC, id DESC LIMIT ";
const ALL_TIME: TimeRange = TimeRange { from: EventTime(i64::MIN), until: EventTime(i64::MAX) };
/// Rows of the first slice of a filtered page; each slice is twice as long as the one before.
const FIRST_SLICE_ROWS: u64 = 65_536;
/// Batches that the tail looks at at once; the events of older ones are skipped.
const MAX_FRESH_BATCHES: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Row, Deserialize)]
struct Place {
    at: i64,
    id: [u8; 16],
}

/// Where a page stands: all that is newer was looked at.
pub(super) type Edge = Option<(EventTime, EventId)>;

/// A page, in slices of rows where no index helps: each is cut off at a row that was counted, so that the
/// budget holds and the next page begins exactly there.
pub(super) async fn page(
    inner: &Inner,
    tenant: &TenantId,
    query: PageQuery,
) -> Result<Page, StoreError> {
    inner.check_open()?;
    let now = inner.visibility.snapshot();
    let snapshot = query.after.as_ref().map_or(now.clone(), |cursor| cursor.snapshot.clone());
    let seen = both(&snapshot, &now);
    let scope = Scope { tenant, range: query.range, snapshot: &seen, node: inner.node };
    let mut pager = Pager {
        inner,
        scope,
        query: &query,
        edge: query.after.as_ref().map(|cursor| (cursor.at, cursor.id)),
        events: Vec::new(),
        bytes: 0,
    };
    let end = if query.range.is_empty() { Ending::Done } else { pager.fill().await? };
    let (events, edge) = (pager.events, pager.edge);
    let cursor = edge.map(|(at, id)| Cursor { at, id, snapshot: snapshot.clone() });
    if end == Ending::Done {
        return Ok(Page { events, next: None, scanned_until: None, snapshot });
    }
    // Of a short page it has to be said how far it looked; others of the edge's moment may be left.
    let until = edge.map_or(query.range.until, |(at, _)| EventTime(at.0.saturating_add(1)));
    let scanned_until = (events.len() < query.limit).then_some(until);
    Ok(Page { events, next: cursor, scanned_until, snapshot })
}

/// Why a page ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Nothing older is left.
    Done,
    /// It has as many events, or as many bytes, as it may.
    Full,
    /// No more may be looked at.
    Budget,
}

struct Pager<'p> {
    inner: &'p Inner,
    scope: Scope<'p>,
    query: &'p PageQuery,
    edge: Edge,
    events: Vec<StoredEvent>,
    bytes: usize,
}

impl Pager<'_> {
    async fn fill(&mut self) -> Result<Ending, StoreError> {
        let started = monotonic();
        if self.is_unfiltered() {
            return self.slice(None, None).await.map_err(Into::into);
        }
        if filter::is_indexed(&self.query.filter) {
            match self.slice(None, Some(self.query.budget.ms)).await {
                Err(Fault::Bound) => {} // the index does not help enough: slices do
                other => return Ok(other?),
            }
        }
        let (mut left, mut rows) = (self.query.budget.rows.max(1), FIRST_SLICE_ROWS);
        loop {
            rows = rows.min(left);
            let floor = self.floor(rows).await?;
            let ending = self.slice(floor, None).await?;
            let Some(floor) = floor.filter(|_| ending == Ending::Done) else { return Ok(ending) };
            self.edge = Some(floor);
            (left, rows) = (left.saturating_sub(rows), rows.saturating_mul(2));
            if left == 0 || is_over(started, self.query.budget.ms) {
                return Ok(Ending::Budget);
            }
        }
    }

    fn is_unfiltered(&self) -> bool {
        let Filter { conditions, intakes, matched_data } = &self.query.filter;
        conditions.is_empty() && intakes.is_empty() && matched_data.is_none()
    }

    /// The last of the next so many visible rows; `None` when there are not more than that.
    async fn floor(&self, rows: u64) -> Result<Edge, Fault> {
        floor(self.inner, &self.scope, self.edge, rows).await
    }

    /// Looks from the edge down to the floor, or to the end of the range.
    async fn slice(&mut self, floor: Edge, ms: Option<u64>) -> Result<Ending, Fault> {
        let mut settings = Vec::new();
        let limit = ms.map(seconds);
        if let Some(limit) = &limit {
            settings.extend([
                ("max_execution_time", limit.as_str()),
                ("timeout_overflow_mode", "throw"),
            ]);
        }
        loop {
            let wanted = self.query.limit.saturating_sub(self.events.len()).saturating_add(1);
            let mut sql = select_events();
            self.scope.push(&mut sql);
            push_older(&mut sql, self.edge);
            if let Some((at, id)) = floor {
                sql.push(" AND at >= ").time(at);
                sql.push(" AND (at > ").time(at).push(" OR id >= ").id(id).push(")");
            }
            filter::push(&mut sql, &self.query.filter);
            sql.push(NEWEST_FIRST).bind(Value::Unsigned(in_u64(wanted)));
            let room = MAX_PAGE_BYTES.saturating_sub(self.bytes);
            let (found, read) = self.inner.database.events(&sql, &settings, room).await?;
            let count = found.len();
            if let Some(ending) = self.take(found) {
                return Ok(ending);
            }
            match read {
                Read::Part => return Ok(Ending::Full),
                Read::All if count < wanted => return Ok(Ending::Done),
                // Some stood twice: there may be more behind them.
                Read::All => {}
            }
        }
    }

    /// Takes events up; the page is full when one more is there than it may hold.
    fn take(&mut self, found: Vec<StoredEvent>) -> Option<Ending> {
        for stored in found {
            let place = (stored.event.at, stored.event.id);
            if self.events.last().is_some_and(|last| (last.event.at, last.event.id) == place) {
                // Two collectors took it in at the same moment.
                continue;
            }
            if self.events.len() >= self.query.limit {
                return Some(Ending::Full);
            }
            self.bytes = self.bytes.saturating_add(stored.event.bytes());
            self.edge = Some(place);
            self.events.push(stored);
        }
        None
    }
}

/// The last of the newest so many visible rows below the edge; `None` when there are not more than that.
pub(super) async fn floor(
    inner: &Inner,
    scope: &Scope<'_>,
    edge: Edge,
    rows: u64,
) -> Result<Edge, Fault> {
    let mut sql = Sql::new("SELECT at, id FROM events ");
    scope.push(&mut sql);
    push_older(&mut sql, edge);
    sql.push(NEWEST_FIRST).bind(Value::Unsigned(2));
    sql.push(" OFFSET ").bind(Value::Unsigned(rows.saturating_sub(1)));
    let places: Vec<Place> = inner.database.all(&sql, &[]).await?;
    // One more than asked for: without it, the slice is the last.
    let is_last = places.len() < 2;
    let place = places.first().filter(|_| !is_last);
    Ok(place.map(|place| (EventTime(place.at), EventId(place.id))))
}

fn push_older(sql: &mut Sql, edge: Edge) {
    if let Some((at, id)) = edge {
        sql.push(" AND at <= ").time(at);
        sql.push(" AND (at < ").time(at).push(" OR id < ").id(id).push(")");
    }
}

fn is_over(started: Instant, ms: u64) -> bool {
    monotonic().saturating_duration_since(started) >= Duration::from_millis(ms)
}

/// Milliseconds as ClickHouse's settings have them; never 0, which would mean no bound.
pub(super) fn seconds(ms: u64) -> String {
    let ms = ms.max(1);
    format!("{}.{:03}", ms / 1_000, ms % 1_000)
}

/// One event.
pub(super) async fn event(
    inner: &Inner,
    tenant: &TenantId,
    id: EventId,
    at: Option<EventTime>,
) -> Result<Option<StoredEvent>, StoreError> {
    inner.check_open()?;
    let range =
        at.map_or(ALL_TIME, |at| TimeRange { from: at, until: EventTime(at.0.saturating_add(1)) });
    let snapshot = inner.visibility.snapshot();
    let mut sql = select_events();
    Scope { tenant, range, snapshot: &snapshot, node: inner.node }.push(&mut sql);
    sql.push(" AND id = ").id(id).push(NEWEST_FIRST).push("1");
    let (events, _) = inner.database.events(&sql, &[], MAX_PAGE_BYTES).await?;
    Ok(events.into_iter().next())
}

#[derive(Row, Deserialize)]
struct FreshBatch {
    batch: u64,
    rows: u64,
    min_at: i64,
    max_at: i64,
}

/// What this collector has made visible since a snapshot. What others take in comes by pages.
pub(super) async fn since(
    inner: &Inner,
    tenant: &TenantId,
    since: Snapshot,
    wanted: Filter,
    limit: usize,
) -> Result<Fresh, StoreError> {
    inner.check_open()?;
    let snapshot = inner.visibility.snapshot();
    let mut batches = fresh_batches(inner, tenant, &since, &snapshot).await?;
    let mut skipped: u64 = batches.iter().skip(MAX_FRESH_BATCHES).map(|batch| batch.rows).sum();
    batches.truncate(MAX_FRESH_BATCHES);
    let numbers: Vec<u64> = batches.iter().map(|batch| batch.batch).collect();
    let (Some(from), Some(until)) = (
        batches.iter().map(|batch| batch.min_at).min(),
        batches.iter().map(|batch| batch.max_at).max(),
    ) else {
        return Ok(Fresh { events: Vec::new(), skipped, snapshot });
    };
    let range = TimeRange { from: EventTime(from), until: EventTime(until.saturating_add(1)) };
    let scope = Scope { tenant, range, snapshot: &snapshot, node: inner.node };
    let restrict = |sql: &mut Sql| {
        scope.push(sql);
        sql.push(" AND batch IN ").bind(Value::Numbers(numbers.clone()));
        filter::push(sql, &wanted);
    };
    let mut sql = select_events();
    restrict(&mut sql);
    sql.push(" ORDER BY batch DESC, at DESC, id DESC LIMIT ").bind(Value::Unsigned(in_u64(limit)));
    let (mut events, read) = inner.database.events(&sql, &[], MAX_PAGE_BYTES).await?;
    events.reverse();
    if read == Read::Part || events.len() >= limit {
        let mut sql = Sql::new("SELECT count() FROM events ");
        restrict(&mut sql);
        let all: u64 = inner.database.one(&sql).await?;
        skipped = all.saturating_sub(in_u64(events.len())).saturating_add(skipped);
    }
    Ok(Fresh { events, skipped, snapshot })
}

async fn fresh_batches(
    inner: &Inner,
    tenant: &TenantId,
    since: &Snapshot,
    now: &Snapshot,
) -> Result<Vec<FreshBatch>, Fault> {
    let mut sql = Sql::new(
        "SELECT batch, rows, toUnixTimestamp64Nano(min_at) AS min_at, toUnixTimestamp64Nano(max_at) AS max_at \
         FROM batch_log WHERE state = 1 AND tenant = ",
    );
    sql.bind(Value::Text(tenant.to_string())).push(" AND rows > 0");
    sql.push(" AND batch >= ").bind(Value::Unsigned(inner.node.first()));
    sql.push(" AND batch <= ").bind(Value::Unsigned(now.last));
    sql.push(" AND (batch > ").bind(Value::Unsigned(since.last));
    if !since.pending.is_empty() {
        sql.push(" OR batch IN ").bind(Value::Numbers(since.pending.clone()));
    }
    sql.push(") ORDER BY batch DESC LIMIT 1 BY batch");
    let mut batches: Vec<FreshBatch> = inner.database.all(&sql, &[]).await?;
    batches.retain(|batch| now.contains(batch.batch));
    Ok(batches)
}

#[derive(Row, Deserialize)]
struct Stored {
    events: u64,
    bytes: u64,
    days: u64,
    first: i64,
    last: i64,
}

/// What a tenant has stored. Its bytes are those of its texts and blobs, before ClickHouse compresses them.
pub(super) async fn usage(inner: &Inner, tenant: &TenantId) -> Result<Usage, StoreError> {
    inner.check_open()?;
    let snapshot = inner.visibility.snapshot();
    let mut sql = Sql::new(
        "SELECT count() AS events, sum(bytes) AS bytes, uniqExact(toDate32(at)) AS days, \
         toUnixTimestamp64Nano(min(at)) AS first, toUnixTimestamp64Nano(max(at)) AS last FROM events ",
    );
    Scope { tenant, range: ALL_TIME, snapshot: &snapshot, node: inner.node }.push(&mut sql);
    let stored: Stored = inner.database.one(&sql).await?;
    let span = (EventTime(stored.first), EventTime(stored.last));
    Ok(Usage {
        events: stored.events,
        bytes: stored.bytes,
        partitions: stored.days,
        span: (stored.events > 0).then_some(span),
    })
}

/// The bytes of [`usage`] alone.
pub(super) async fn stored_bytes(inner: &Inner, tenant: &TenantId) -> Result<u64, StoreError> {
    inner.check_open()?;
    let snapshot = inner.visibility.snapshot();
    let mut sql = Sql::new("SELECT sum(bytes) FROM events ");
    Scope { tenant, range: ALL_TIME, snapshot: &snapshot, node: inner.node }.push(&mut sql);
    Ok(inner.database.one(&sql).await?)
}

fn in_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
