//! What a data folder holds, read beside a running collector.

use std::fs;
use std::path::Path;

use super::TenantRecord;
use super::backup::{BackupError, days_of};
use super::schema::{self, Access, FILE_NAME, shown, unsigned};
use super::tenancy::tenant_records;
use crate::collector::EventTime;
use crate::collector::store::StoreError;

/// A tenant with what it has stored.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TenantStats {
    /// Who it is.
    pub record: TenantRecord,
    /// Rows in the days of events, those of batches under way too.
    pub rows: u64,
    /// Bytes of its files, journals included.
    pub bytes: u64,
    /// Days that have a file.
    pub partitions: u64,
    /// When the oldest and the newest event happened.
    pub span: Option<(EventTime, EventTime)>,
}

/// What each tenant has stored. Nothing is written, and nobody waits. Events in ClickHouse are not counted.
///
/// # Errors
///
/// [`BackupError::NoCatalogue`] for a folder without one, [`BackupError::Store`] for a file that cannot be
/// read.
pub fn stats(data: &Path, now_ms: u64) -> Result<Vec<TenantStats>, BackupError> {
    let path = data.join(FILE_NAME);
    if !path.is_file() {
        return Err(BackupError::NoCatalogue { path: shown(data) });
    }
    let connection = schema::connect(&path, Access::Read)?;
    schema::checked_version(&path, &connection)?;
    let records = tenant_records(&connection, schema::signed(now_ms));
    let records = records.map_err(|error| schema::fault(&path, error))?;
    let mut all: Vec<TenantStats> = records.into_iter().map(TenantStats::of).collect();
    for day in days_of(data)? {
        let tenant = day.iter().nth(1).and_then(|name| name.to_str());
        let found = all.iter_mut().find(|stats| Some(stats.record.tenant.as_str()) == tenant);
        if let Some(stats) = found {
            stats.add(&data.join(&day))?;
        }
    }
    Ok(all)
}

impl TenantStats {
    const fn of(record: TenantRecord) -> Self {
        Self { record, rows: 0, bytes: 0, partitions: 0, span: None }
    }

    /// Adds a day; one whose retention ends meanwhile is left out.
    fn add(&mut self, path: &Path) -> Result<(), StoreError> {
        let (rows, span) = match day(path) {
            Ok(day) => day,
            Err(_) if !path.exists() => return Ok(()),
            Err(error) => return Err(error),
        };
        self.partitions += 1;
        self.rows += rows;
        for suffix in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            self.bytes += fs::metadata(name).map_or(0, |metadata| metadata.len());
        }
        self.span = match (self.span, span) {
            (Some((oldest, newest)), Some((from, until))) => {
                Some((oldest.min(from), newest.max(until)))
            }
            (one, other) => one.or(other),
        };
        Ok(())
    }
}

type Span = Option<(EventTime, EventTime)>;

fn day(path: &Path) -> Result<(u64, Span), StoreError> {
    let connection = schema::connect(path, Access::Read)?;
    let sql =
        "SELECT coalesce(sum(rows), 0), min(min_at), max(max_at) FROM segments WHERE rows > 0";
    let read = connection.query_row(sql, [], |row| {
        let span: (Option<i64>, Option<i64>) = (row.get(1)?, row.get(2)?);
        Ok((unsigned(row.get(0)?), span.0.map(EventTime).zip(span.1.map(EventTime))))
    });
    read.map_err(|error| schema::fault(path, error))
}
