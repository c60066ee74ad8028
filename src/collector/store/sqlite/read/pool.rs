//! Read-only connections to partition files.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection, OpenFlags, Statement};

use super::clause::WILDCARD;
use super::text::is_like;
use crate::collector::store::StoreError;
use crate::collector::store::sqlite::partitions::{Lease, Partition};
use crate::collector::store::sqlite::{error, schema};

/// Connections that wait for the next query: opening one reads the schema of a hundred segments, which
/// takes some milliseconds. A month by day stays open, for one tenant.
const MAX_IDLE: usize = 32;
/// KiB of pages that a connection keeps: the upper pages of the trees, and one step of a scan. The system
/// caches the files besides. With all idle ones: 64 MiB at most.
const CACHE_KIB: i64 = 2_048;
/// Statements that a connection keeps: one a segment and form of query, a few KiB each.
const STATEMENTS: usize = 256;
/// Bytes of a statement's text that is kept: a filter may make a thousand times as much of it, and with it of
/// the compiled statement. Compiling one of this length takes a tenth of a millisecond.
const MAX_KEPT_SQL_BYTES: usize = 4_096;
/// How long a reader waits while another one recovers the journal after a crash.
const BUSY: Duration = Duration::from_secs(2);

/// Connections that are not in use.
#[derive(Debug, Default)]
pub(super) struct Pool {
    idle: Mutex<Vec<(PathBuf, Connection)>>,
}

impl Pool {
    /// A connection to a partition, inside a transaction: what it reads is of one moment. `None` when the
    /// partition is going away, or was made this moment and holds nothing.
    pub(super) fn read(
        self: &Arc<Self>,
        partition: &Arc<Partition>,
    ) -> Result<Option<Reading>, StoreError> {
        let Some(lease) = partition.lease()? else { return Ok(None) };
        let waiting =
            self.take(lease.path()).map_or_else(|| open(lease.path()), |one| Ok(Some(one)));
        let Some(connection) = waiting? else { return Ok(None) };
        let reading = Reading { connection: Some(connection), lease, pool: Arc::clone(self) };
        reading.run(|connection| connection.execute_batch("BEGIN"))?;
        Ok(Some(reading))
    }

    /// Closes what waits for a partition.
    pub(super) fn forget(&self, path: &Path) {
        self.with(|idle| idle.retain(|(other, _)| other != path));
    }

    /// Closes all that waits.
    pub(super) fn close(&self) {
        self.with(Vec::clear);
    }

    fn take(&self, path: &Path) -> Option<Connection> {
        self.with(|idle| {
            let place = idle.iter().rposition(|(other, _)| other == path)?;
            Some(idle.remove(place).1)
        })
    }

    fn put(&self, path: &Path, connection: Connection) {
        let oldest = self.with(|idle| {
            idle.push((path.to_owned(), connection));
            (idle.len() > MAX_IDLE).then(|| idle.remove(0))
        });
        // Closed outside the lock.
        drop(oldest);
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<(PathBuf, Connection)>) -> T) -> T {
        act(&mut self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A connection in use. The partition's files stay until it is dropped.
#[derive(Debug)]
pub(super) struct Reading {
    connection: Option<Connection>,
    // Dropped after the connection was given back.
    lease: Lease,
    pool: Arc<Pool>,
}

impl Reading {
    /// Does something, and names the file when that fails.
    pub(super) fn run<T>(
        &self,
        act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self.connection.as_ref().ok_or(StoreError::Closed)?;
        act(connection).map_err(|error| error::of(&error, self.lease.path()))
    }

    /// The error for a value that cannot be there.
    pub(super) fn inconsistent(&self) -> StoreError {
        error::Unusable::Inconsistent.of(self.lease.path())
    }
}

impl Deref for Reading {
    type Target = Partition;

    fn deref(&self) -> &Partition {
        &self.lease
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        if connection.execute_batch("ROLLBACK").is_ok() && !self.lease.is_going() {
            self.pool.put(self.lease.path(), connection);
        }
    }
}

/// Compiles a statement, or takes one that was kept. What a filter makes long is not kept.
pub(super) fn prepare<'c>(connection: &'c Connection, sql: &str) -> rusqlite::Result<Prepared<'c>> {
    if sql.len() > MAX_KEPT_SQL_BYTES {
        return connection.prepare(sql).map(Prepared::Once);
    }
    connection.prepare_cached(sql).map(Prepared::Kept)
}

/// A statement: kept for the next one who asks, or not.
pub(super) enum Prepared<'c> {
    Kept(CachedStatement<'c>),
    Once(Statement<'c>),
}

impl<'c> Deref for Prepared<'c> {
    type Target = Statement<'c>;

    fn deref(&self) -> &Statement<'c> {
        match self {
            Self::Kept(statement) => statement,
            Self::Once(statement) => statement,
        }
    }
}

impl<'c> DerefMut for Prepared<'c> {
    fn deref_mut(&mut self) -> &mut Statement<'c> {
        match self {
            Self::Kept(statement) => statement,
            Self::Once(statement) => statement,
        }
    }
}

fn open(path: &Path) -> Result<Option<Connection>, StoreError> {
    let as_error = |error| error::of(&error, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(as_error)?;
    configure(&connection).map_err(as_error)?;
    let tables = "SELECT count(*) FROM sqlite_schema";
    if connection.query_row(tables, (), |row| row.get::<_, i64>(0)).map_err(as_error)? == 0 {
        // The writer has made the file, and not yet its tables.
        return Ok(None);
    }
    schema::check(&connection, path)?;
    Ok(Some(connection))
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    // Pages are not mapped: a file that is cut short would end the process.
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
    // Plans do not depend on bound values: else each binding would compile the statement anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(WILDCARD, 2, flags, |context| {
        let bytes = |place| match context.get_raw(place) {
            ValueRef::Text(bytes) => Some(bytes),
            _ => None,
        };
        Ok(bytes(0).zip(bytes(1)).is_some_and(|(pattern, text)| is_like(pattern, text)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_statements_are_not_kept() {
        let connection = Connection::open_in_memory().unwrap();
        let long = format!("SELECT {}1", "1, ".repeat(MAX_KEPT_SQL_BYTES / 3));
        assert!(long.len() > MAX_KEPT_SQL_BYTES);
        assert!(matches!(prepare(&connection, "SELECT 1").unwrap(), Prepared::Kept(_)));
        let mut once = prepare(&connection, &long).unwrap();
        assert!(matches!(once, Prepared::Once(_)));
        assert_eq!(once.query_row((), |row| row.get::<_, i64>(0)), Ok(1));
    }
}
