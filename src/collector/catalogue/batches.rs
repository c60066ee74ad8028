//! Batches: made durable, known again, listed, and forgotten in time.

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, Transaction, params};

use super::connections::{Catalogue, Change, Trouble, lock};
use super::schema::{signed, unsigned};
use super::{BatchCounts, BatchKey, BatchRecord, CatalogueError, Ledger, RecordedBatch};
use crate::collector::limits::{KEEP_BATCHES_MS, KEEP_CONTENT_MS, MAX_LISTED, PRUNE_STEP};
use crate::collector::store::{BatchId, StoreError};
use crate::collector::{Intake, TenantId};

/// SQLite's extended code for a value that another row has already, other than a primary key.
const CONSTRAINT_UNIQUE: i32 = 2_067;

/// A batch in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedBatch {
    /// Its number.
    pub batch: u64,
    /// By which door it came.
    pub intake: Intake,
    /// When it was received, in milliseconds since 1970.
    pub received_ms: i64,
    /// What its sender called it, where it did.
    pub key: Option<String>,
    /// How many events it brought.
    pub counts: BatchCounts,
}

impl Ledger for Catalogue {
    /// All in one transaction, synced. A given key that is there already is [`StoreError::Conflict`]: two
    /// batches of one key were under way at once, and the second is to find the first.
    fn record(&self, batches: &[(BatchId, BatchRecord)]) -> Result<(), StoreError> {
        let written = self.write(Change::Silent, |transaction| {
            for (batch, record) in batches {
                insert(transaction, *batch, record)?;
                super::quarantine::insert(transaction, *batch, record)?;
            }
            Ok(())
        });
        written.map_err(as_store_error)
    }

    fn recorded(&self, batches: &[BatchId]) -> Result<Vec<BatchId>, StoreError> {
        self.read(|connection| {
            // One moment for all of them: a batch may be on its way from one table to the other.
            let transaction = connection.unchecked_transaction()?;
            let sql = "SELECT EXISTS (SELECT 1 FROM batches WHERE batch = ?1) OR EXISTS (
                SELECT 1 FROM (SELECT last FROM batch_ranges WHERE first <= ?1 ORDER BY first DESC LIMIT 1)
                WHERE last >= ?1)";
            let mut statement = transaction.prepare_cached(sql)?;
            let mut recorded = Vec::new();
            for batch in batches {
                if statement.query_row([signed(batch.0)], |row| row.get(0))? {
                    recorded.push(*batch);
                }
            }
            Ok(recorded)
        })
    }

    fn reserve(&self, ahead: u64) -> Result<u64, StoreError> {
        let reserved = self.write(Change::Silent, |transaction| {
            let sql = "UPDATE book SET reserved = reserved + ?1 RETURNING reserved - ?1";
            let before: i64 = transaction.query_row(sql, [signed(ahead)], |row| row.get(0))?;
            Ok(unsigned(before))
        });
        reserved.map_err(as_store_error)
    }

    fn by_key(&self, record: &BatchRecord) -> Result<Option<RecordedBatch>, StoreError> {
        match &record.key {
            BatchKey::Given(key) => self.by_given_key(&record.tenant, record.intake, key),
            BatchKey::Content => {
                let since_ms = record.received_ms.saturating_sub(KEEP_CONTENT_MS);
                self.by_content(&record.tenant, record.intake, &record.body_hash, since_ms)
            }
        }
    }
}

impl Catalogue {
    /// The batch that a sender has given this key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the file cannot be read.
    pub fn by_given_key(
        &self,
        tenant: &TenantId,
        intake: Intake,
        key: &str,
    ) -> Result<Option<RecordedBatch>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT batch, body_hash, received_ms, stored, repeated, quarantined, bytes FROM batches
                WHERE tenant = ?1 AND intake = ?2 AND given_key = ?3";
            let mut statement = connection.prepare_cached(sql)?;
            statement.query_row(params![tenant.as_str(), intake.number(), key], recorded_batch).optional()
        })
    }

    /// The latest batch of this content that was received at `since_ms` or later and has no key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the file cannot be read.
    pub fn by_content(
        &self,
        tenant: &TenantId,
        intake: Intake,
        body_hash: &[u8; 32],
        since_ms: i64,
    ) -> Result<Option<RecordedBatch>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT batch, body_hash, received_ms, stored, repeated, quarantined, bytes FROM batches
                WHERE tenant = ?1 AND intake = ?2 AND body_hash = ?3 AND received_ms >= ?4
                    AND given_key IS NULL
                ORDER BY received_ms DESC LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let values = params![tenant.as_str(), intake.number(), body_hash, since_ms];
            statement.query_row(values, recorded_batch).optional()
        })
    }

    /// A tenant's batches of the last 7 days, newest first: those before `before`, `limit` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the file cannot be read.
    pub fn batches(
        &self,
        tenant: &TenantId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ListedBatch>, StoreError> {
        let limit = i64::try_from(limit.min(MAX_LISTED)).unwrap_or(0);
        let before = before.map_or(i64::MAX, signed);
        self.read(|connection| {
            let sql =
                "SELECT batch, intake, received_ms, given_key, stored, repeated, quarantined, bytes
                FROM batches WHERE tenant = ?1 AND batch < ?2 ORDER BY batch DESC LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![tenant.as_str(), before, limit], |row| {
                Ok(ListedBatch {
                    batch: unsigned(row.get(0)?),
                    intake: intake(row, 1)?,
                    received_ms: row.get(2)?,
                    key: row.get(3)?,
                    counts: counts(row, 4)?,
                })
            })?;
            rows.collect()
        })
    }

    /// Work for each minute: forgets old batches, writes when tokens were last used.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`] or [`StoreError::Failed`].
    pub fn maintain(&self) -> Result<(), StoreError> {
        let before_ms = self.now_ms().saturating_sub(KEEP_BATCHES_MS);
        // In steps, so that commits get their turn in between.
        while self.write(Change::Silent, |tx| Ok(prune(tx, before_ms)?)).map_err(as_store_error)?
            == PRUNE_STEP
        {}
        let used = std::mem::take(&mut *lock(&self.used));
        if used.is_empty() {
            return Ok(());
        }
        let written = self.write(Change::Silent, |transaction| {
            let sql = "UPDATE tokens SET last_used_ms = max(coalesce(last_used_ms, ?2), ?2) WHERE token = ?1";
            let mut statement = transaction.prepare_cached(sql)?;
            for (token, at_ms) in &used {
                statement.execute(params![token, at_ms])?;
            }
            Ok(())
        });
        written.map_err(as_store_error)
    }
}

fn insert(
    transaction: &Transaction<'_>,
    batch: BatchId,
    record: &BatchRecord,
) -> Result<(), Trouble> {
    let sql = "INSERT INTO batches (batch, tenant, intake, given_key, body_hash, received_ms, stored, repeated,
        quarantined, bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let key = match &record.key {
        BatchKey::Given(key) => Some(key),
        BatchKey::Content => None,
    };
    let counts = &record.counts;
    let inserted = transaction.prepare_cached(sql)?.execute(params![
        signed(batch.0),
        record.tenant.as_str(),
        record.intake.number(),
        key,
        record.body_hash,
        record.received_ms,
        signed(counts.stored),
        signed(counts.repeated),
        signed(counts.quarantined),
        signed(counts.bytes),
    ]);
    match inserted {
        Err(rusqlite::Error::SqliteFailure(error, _))
            if error.code == ErrorCode::ConstraintViolation
                && error.extended_code == CONSTRAINT_UNIQUE =>
        {
            Err(StoreError::Conflict.into())
        }
        inserted => Ok(inserted.map(drop)?),
    }
}

/// Forgets the oldest batches but for their numbers. Answers how many.
fn prune(transaction: &Transaction<'_>, before_ms: i64) -> rusqlite::Result<usize> {
    let limit = i64::try_from(PRUNE_STEP).unwrap_or(i64::MAX);
    let sql = "DELETE FROM batches WHERE batch IN (
        SELECT batch FROM batches WHERE received_ms < ?1 ORDER BY received_ms LIMIT ?2) RETURNING batch";
    let mut statement = transaction.prepare_cached(sql)?;
    let gone = statement.query_map([before_ms, limit], |row| row.get(0))?;
    let gone = gone.collect::<rusqlite::Result<Vec<i64>>>()?;
    let count = gone.len();
    add_ranges(transaction, gone)?;
    Ok(count)
}

fn add_ranges(transaction: &Transaction<'_>, mut numbers: Vec<i64>) -> rusqlite::Result<()> {
    numbers.sort_unstable();
    for run in numbers.chunk_by(|one, next| one.checked_add(1) == Some(*next)) {
        if let (Some(first), Some(last)) = (run.first(), run.last()) {
            add_range(transaction, *first, *last)?;
        }
    }
    Ok(())
}

/// Adds numbers to the ranges, and joins those that touch: sequential numbers stay one row.
fn add_range(transaction: &Transaction<'_>, first: i64, last: i64) -> rusqlite::Result<()> {
    let take = |sql, number: i64| -> rusqlite::Result<Option<i64>> {
        transaction.prepare_cached(sql)?.query_row([number], |row| row.get(0)).optional()
    };
    let before = take("DELETE FROM batch_ranges WHERE last = ?1 - 1 RETURNING first", first)?;
    let after = take("DELETE FROM batch_ranges WHERE first = ?1 + 1 RETURNING last", last)?;
    let sql = "INSERT INTO batch_ranges (first, last) VALUES (?1, ?2)";
    transaction.execute(sql, [before.unwrap_or(first), after.unwrap_or(last)])?;
    Ok(())
}

fn recorded_batch(row: &Row<'_>) -> rusqlite::Result<RecordedBatch> {
    Ok(RecordedBatch {
        batch: unsigned(row.get(0)?),
        body_hash: row.get(1)?,
        received_ms: row.get(2)?,
        counts: counts(row, 3)?,
    })
}

/// From four columns, the first of which is `from`.
fn counts(row: &Row<'_>, from: usize) -> rusqlite::Result<BatchCounts> {
    let count = |column: usize| row.get(from + column).map(unsigned);
    Ok(BatchCounts {
        stored: count(0)?,
        repeated: count(1)?,
        quarantined: count(2)?,
        bytes: count(3)?,
    })
}

pub(super) fn intake(row: &Row<'_>, column: usize) -> rusqlite::Result<Intake> {
    let number: u8 = row.get(column)?;
    Intake::from_number(number)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number.into()))
}

/// How many batches a tenant has in the listing, for the overview.
pub(super) fn listed_batches(connection: &Connection, tenant: &str) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM batches WHERE tenant = ?1";
    connection.query_row(sql, [tenant], |row| row.get(0)).map(unsigned)
}

/// A batch is refused for nothing but what the store refuses.
pub(super) fn as_store_error(error: CatalogueError) -> StoreError {
    match error {
        CatalogueError::Store(error) => error,
        other => StoreError::Failed { reason: other.to_string() },
    }
}

/// Forgets all batches of a tenant but for their numbers.
pub(super) fn forget_all_of(transaction: &Transaction<'_>, tenant: &str) -> rusqlite::Result<()> {
    let mut statement =
        transaction.prepare("DELETE FROM batches WHERE tenant = ?1 RETURNING batch")?;
    let gone = statement.query_map([tenant], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    add_ranges(transaction, gone)
}
