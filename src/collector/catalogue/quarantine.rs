//! Lines that were set aside: where they stood and why, never what they held.

use rusqlite::{Transaction, params};

use super::batches::intake;
use super::connections::Catalogue;
use super::schema::{signed, unsigned};
use super::{BatchRecord, QuarantineCode, Quarantined};
use crate::collector::limits::{MAX_LISTED, MAX_QUARANTINED_PER_BATCH, MAX_QUARANTINED_PER_TENANT};
use crate::collector::store::{BatchId, StoreError};
use crate::collector::{Intake, TenantId};

/// A line in the listing of what was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedQuarantine {
    /// Its place in the listing: later lines have greater numbers.
    pub number: u64,
    /// The batch that brought it.
    pub batch: u64,
    /// By which door it came.
    pub intake: Intake,
    /// When it was received, in milliseconds since 1970.
    pub received_ms: i64,
    /// The line.
    pub quarantined: Quarantined,
}

impl Catalogue {
    /// What was set aside of a tenant's lines, newest first: those before `before`, `limit` at most.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the file cannot be read.
    pub fn quarantine(
        &self,
        tenant: &TenantId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<ListedQuarantine>, StoreError> {
        let limit = i64::try_from(limit.min(MAX_LISTED)).unwrap_or(0);
        let before = before.map_or(i64::MAX, signed);
        self.read(|connection| {
            let sql = "SELECT number, batch, intake, received_ms, line, code, bytes FROM quarantine
                WHERE tenant = ?1 AND number < ?2 ORDER BY number DESC LIMIT ?3";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map(params![tenant.as_str(), before, limit], |row| {
                let code = code(row, 5)?;
                let (line, bytes) = (unsigned(row.get(4)?), unsigned(row.get(6)?));
                Ok(ListedQuarantine {
                    number: unsigned(row.get(0)?),
                    batch: unsigned(row.get(1)?),
                    intake: intake(row, 2)?,
                    received_ms: row.get(3)?,
                    quarantined: Quarantined { line, code, bytes },
                })
            })?;
            rows.collect()
        })
    }

    /// How many of a tenant's lines were ever set aside, by reason; also those that are no longer listed,
    /// but for those of a batch beyond [`MAX_QUARANTINED_PER_BATCH`], which say no reason.
    ///
    /// # Errors
    ///
    /// [`StoreError::Failed`] where the file cannot be read.
    pub fn quarantine_counts(
        &self,
        tenant: &TenantId,
    ) -> Result<Vec<(QuarantineCode, u64)>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT code, lines FROM quarantine_counts WHERE tenant = ?1 AND code <> ''
                ORDER BY code";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement
                .query_map([tenant.as_str()], |row| Ok((code(row, 0)?, unsigned(row.get(1)?))))?;
            rows.collect()
        })
    }
}

fn code(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<QuarantineCode> {
    let text = row.get_ref(column)?;
    let kind = text.data_type();
    QuarantineCode::from_code(text.as_str()?)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(column, "code".into(), kind))
}

/// Lists what a batch had set aside, and drops what is too old to be listed.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    batch: BatchId,
    record: &BatchRecord,
) -> rusqlite::Result<()> {
    if record.counts.quarantined == 0 && record.quarantined.is_empty() {
        return Ok(());
    }
    let tenant = record.tenant.as_str();
    let row = "INSERT INTO quarantine (tenant, batch, intake, received_ms, line, code, bytes)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let mut row = transaction.prepare_cached(row)?;
    let count = "INSERT INTO quarantine_counts (tenant, code, lines) VALUES (?1, ?2, ?3)
        ON CONFLICT DO UPDATE SET lines = lines + ?3";
    let mut count = transaction.prepare_cached(count)?;
    for line in record.quarantined.iter().take(MAX_QUARANTINED_PER_BATCH) {
        let (number, code, bytes) = (signed(line.line), line.code.code(), signed(line.bytes));
        let intake = record.intake.number();
        row.execute(params![
            tenant,
            signed(batch.0),
            intake,
            record.received_ms,
            number,
            code,
            bytes
        ])?;
        count.execute(params![tenant, code, 1])?;
    }
    let listed = u64::try_from(record.quarantined.len()).unwrap_or(u64::MAX);
    if let Some(unlisted @ 1..) = record.counts.quarantined.checked_sub(listed) {
        count.execute(params![tenant, "", signed(unlisted)])?;
    }
    let drop_old = "DELETE FROM quarantine WHERE tenant = ?1 AND number <= (
        SELECT number FROM quarantine WHERE tenant = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)";
    transaction
        .prepare_cached(drop_old)?
        .execute(params![tenant, signed(MAX_QUARANTINED_PER_TENANT)])?;
    Ok(())
}
