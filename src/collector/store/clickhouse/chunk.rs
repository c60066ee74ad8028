//! A chunk's way into `events`: what is there already stays out, the rest goes in once.

use std::collections::BTreeMap;

use base64ct::{Base64, Encoding};
use clickhouse::Row;
use serde::Deserialize;

use super::client::Fault;
use super::inner::Inner;
use super::log::{Entry, State};
use super::row::EventRow;
use super::sql::{Sql, Value, storable};
use crate::collector::limits::CHUNK_EVENTS;
use crate::collector::store::{StoreError, Written};
use crate::collector::{EventId, EventTime, NewEvent, TenantId};

/// An INSERT that brought no answer is sent once more, under the same token.
const ATTEMPTS: u32 = 2;

/// A batch that is being written to ClickHouse.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) entry: Entry,
    chunks: u32,
    has_intent: bool,
    /// Whether rows were ever sent.
    pub(super) has_rows: bool,
}

/// What identifies a row within its tenant.
type Key = (EventTime, EventId);

#[derive(Row, Deserialize)]
struct Known {
    at: i64,
    id: [u8; 16],
    batch: u64,
    is_committed: u8,
}

impl Target {
    pub(super) const fn new(tenant: TenantId, batch: u64, spooled_as: u64) -> Self {
        let entry = Entry { tenant, batch, spooled_as, rows: 0, span: None, expire_at: 0 };
        Self { entry, chunks: 0, has_intent: false, has_rows: false }
    }

    /// Whether anything of it may be in ClickHouse.
    pub(super) const fn is_known_there(&self) -> bool {
        self.has_intent
    }

    /// Stores a chunk: durable with the answer, visible with the batch's commit.
    pub(super) async fn store(
        &mut self,
        inner: &Inner,
        events: &[NewEvent],
    ) -> Result<Written, StoreError> {
        let mut stored = 0;
        // The look for repeats takes so many keys at once.
        for part in events.chunks(CHUNK_EVENTS) {
            stored += self.store_part(inner, part).await?;
        }
        Ok(Written { stored, repeated: in_u64(events.len()).saturating_sub(stored) })
    }

    async fn store_part(&mut self, inner: &Inner, events: &[NewEvent]) -> Result<u64, StoreError> {
        // Of an event that stands twice, the first counts.
        let mut fresh: BTreeMap<Key, &NewEvent> = BTreeMap::new();
        for event in events {
            fresh.entry((event.at, event.id)).or_insert(event);
        }
        // One chunk of a tenant at a time: between the look and the INSERT, no other batch of this
        // collector brings the same.
        let lock = inner.tenant_lock(&self.entry.tenant);
        let _turn = lock.lock().await;
        if !self.has_intent {
            self.has_intent = true; // also where the answer stays out
            self.entry.write(&inner.database, State::Intent, inner.now_ms()).await?;
        }
        for known in self.look_up(inner, fresh.keys().copied()).await? {
            let key = (EventTime(known.at), EventId(known.id));
            if fresh.contains_key(&key) {
                if known.is_committed == 0 && known.batch != self.entry.batch {
                    return Err(StoreError::Conflict);
                }
                fresh.remove(&key);
            }
        }
        self.insert(inner, fresh.into_values()).await
    }

    /// The rows that are there of these keys, or of keys that look alike; not those of batches that were
    /// given up.
    async fn look_up(
        &self,
        inner: &Inner,
        keys: impl Iterator<Item = Key>,
    ) -> Result<Vec<Known>, Fault> {
        // 8 bytes each in base64: 10,000 of them stay below the 128 KiB that a parameter may have.
        let (mut times, mut ids) = (Vec::new(), Vec::new());
        let (mut first, mut last) = (EventTime(i64::MAX), EventTime(i64::MIN));
        for (at, EventId(id)) in keys {
            (first, last) = (first.min(at), last.max(at));
            times.extend(storable(at).0.to_le_bytes());
            ids.extend(id.iter().take(8));
        }
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let tenant = Value::Text(self.entry.tenant.to_string());
        let mut sql = Sql::new(
            "SELECT at, id, batch, batch IN (SELECT batch FROM batch_log WHERE state = 1 AND tenant = ",
        );
        sql.bind(tenant.clone())
            .push(") AS is_committed FROM events WHERE tenant = ")
            .bind(tenant.clone());
        sql.push(" AND at >= ").time(first).push(" AND at <= ").time(last);
        sql.push(" AND at IN (SELECT fromUnixTimestamp64Nano(reinterpretAsInt64(piece)) FROM ");
        push_pieces(&mut sql, &times);
        sql.push(") AND substring(id, 1, 8) IN (SELECT piece FROM ");
        push_pieces(&mut sql, &ids);
        sql.push(") AND batch NOT IN (SELECT batch FROM batch_log WHERE state = 2 AND tenant = ")
            .bind(tenant)
            .push(")");
        inner.database.all::<Known>(&sql, &[]).await
    }

    async fn insert<'e>(
        &mut self,
        inner: &Inner,
        events: impl Iterator<Item = &'e NewEvent>,
    ) -> Result<u64, StoreError> {
        let Entry { tenant, batch, .. } = self.entry.clone();
        let days = inner.retention_days(&tenant);
        let rows: Vec<EventRow<'_>> = events
            .map(|event| EventRow::of(tenant.as_str(), event, batch, expiry(event.at, days)))
            .collect();
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(0) };
        let token = format!("{batch}:{}", self.chunks);
        self.chunks = self.chunks.saturating_add(1);
        self.has_rows = true;
        let span = (EventTime(first.at), EventTime(last.at));
        let span = self.entry.span.map_or(span, |(from, to)| (from.min(span.0), to.max(span.1)));
        let expire_at = rows.iter().map(|row| row.expire_at).max().unwrap_or(0);
        for attempt in 1.. {
            match inner.database.insert::<EventRow<'_>>("events", &rows, &token).await {
                Err(Fault::Away(_)) if attempt < ATTEMPTS => {}
                other => {
                    other?;
                    break;
                }
            }
        }
        self.entry.span = Some(span);
        self.entry.expire_at = self.entry.expire_at.max(expire_at);
        self.entry.rows = self.entry.rows.saturating_add(in_u64(rows.len()));
        Ok(in_u64(rows.len()))
    }
}

/// Adds a subquery: the pieces of 8 bytes that `bytes` is made of, as rows.
fn push_pieces(sql: &mut Sql, bytes: &[u8]) {
    sql.push("(SELECT arrayJoin(arrayMap(i -> substring(bytes, i * 8 + 1, 8), range(intDiv(length(bytes), 8))))");
    sql.push(" AS piece FROM (SELECT base64Decode(")
        .bind(Value::Text(Base64::encode_string(bytes)))
        .push(") AS bytes))");
}

/// The day after the retention has ended, in Unix seconds: until then it is the collector that deletes.
pub(super) fn expiry(at: EventTime, days: u32) -> u32 {
    let days = i64::from(days).saturating_add(1);
    let seconds = at.0.div_euclid(1_000_000_000).saturating_add(days.saturating_mul(86_400));
    u32::try_from(seconds.max(0)).unwrap_or(u32::MAX)
}

fn in_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
