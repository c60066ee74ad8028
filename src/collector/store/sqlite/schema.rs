//! What a partition file holds: the events of one tenant and one UTC day.
//!
//! Events stand in segments, a table each, so that the newest one stays small and insertion stays fast.
//! A full segment gets its indexes at once, which costs a fraction of keeping them row by row.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::error::{self, Unusable};
use crate::collector::store::StoreError;
use crate::collector::{Field, FieldKind};

/// `wpev` in ASCII: a file of this store, for `file` and for us.
pub(super) const APPLICATION_ID: i32 = 0x7770_6576;
/// The newest schema that this build knows. Later builds read older ones; never the other way round. Schema 1 was
/// never released, and is refused.
pub(super) const SCHEMA: u32 = 2;
/// The oldest one that it reads.
const OLDEST_SCHEMA: u32 = 2;
/// An event of 600 to 1,500 bytes stays on one page: past a quarter of it, SQLite would chain pages.
const PAGE_BYTES: u32 = 8_192;

/// How long a connection waits for a lock: nobody else writes, but a reader that recovers the journal may hold
/// one for a moment.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The fields that a sealed segment has an index for: what a search usually begins with.
pub(super) const INDEXED: [Field; 5] =
    [Field::RuleId, Field::Action, Field::Host, Field::RayId, Field::ClientIp];

/// The fields that a closed day has a list of frequent values for: too many values for counts by minute.
pub(super) const LISTED: [Field; 4] =
    [Field::ClientIp, Field::Path, Field::UserAgent, Field::ClientAsn];
/// Values of such a list.
pub(super) const LIST_LENGTH: usize = 1_000;

/// The columns of `events_<n>` before the fields, in order.
pub(super) const LEADING_COLUMNS: [&str; 6] = ["at", "id", "batch", "intake", "flags", "has_blob"];
/// The columns of `events_<n>` after the fields, in order.
pub(super) const TRAILING_COLUMNS: [&str; 3] = ["datetime", "rest", "metadata"];

/// The tables that a partition has once.
///
/// - `meta`: `settled` is the batch up to which every one is decided; `closed` is 1 once the day is over and
///   its lists are made.
/// - `segments`: `min_at` and `max_at` cover every row. `sealed` is 1 once all indexes are there.
/// - `chunks`: which segment took which rows of which batch: for recovery, for giving up, for what is new.
/// - `rollup`: counts by hour, with those of its minutes packed. A value or an action that events lack is
///   the integer 0; a text is never one. `by_action` is 0 for the counts of all actions together, whose
///   `action` is 0, and 1 for those of each: most questions are about the former, a fraction of the rows.
/// - `rollup_delta`: the counts that a chunk brought, until they are merged into `rollup`.
/// - `top`, `top_meta`: the most frequent values of a closed day; `least` bounds the count of any other.
const TABLES: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE segments (
    segment INTEGER PRIMARY KEY, rows INTEGER NOT NULL, min_at INTEGER NOT NULL, max_at INTEGER NOT NULL,
    sealed INTEGER NOT NULL, bloom BLOB
) STRICT;
CREATE TABLE chunks (
    batch INTEGER NOT NULL, chunk INTEGER NOT NULL, segment INTEGER NOT NULL, rows INTEGER NOT NULL,
    min_at INTEGER NOT NULL, max_at INTEGER NOT NULL, PRIMARY KEY (batch, chunk, segment)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollup (
    dim TEXT NOT NULL, by_action INTEGER NOT NULL, hour INTEGER NOT NULL, value ANY NOT NULL,
    action ANY NOT NULL, count INTEGER NOT NULL, minutes BLOB NOT NULL,
    PRIMARY KEY (dim, by_action, hour, value, action)
) STRICT, WITHOUT ROWID;
CREATE TABLE rollup_delta (
    batch INTEGER NOT NULL, chunk INTEGER NOT NULL, counts BLOB NOT NULL, PRIMARY KEY (batch, chunk)
) STRICT, WITHOUT ROWID;
CREATE TABLE top (
    field TEXT NOT NULL, rank INTEGER NOT NULL, value TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (field, rank)
) STRICT, WITHOUT ROWID;
CREATE TABLE top_meta (field TEXT PRIMARY KEY, least INTEGER NOT NULL) STRICT, WITHOUT ROWID;
";

/// All columns of `events_<n>`, in order.
pub(super) fn event_columns() -> impl Iterator<Item = &'static str> {
    let fields = Field::ALL.into_iter().map(Field::column);
    LEADING_COLUMNS.into_iter().chain(fields).chain(TRAILING_COLUMNS)
}

/// The statements that make the tables of a segment.
pub(super) fn create_segment(segment: i64) -> String {
    let mut sql = format!(
        "CREATE TABLE events_{segment} (at INTEGER NOT NULL, id BLOB NOT NULL, batch INTEGER NOT NULL, \
         intake INTEGER NOT NULL, flags INTEGER NOT NULL, has_blob INTEGER NOT NULL"
    );
    for field in Field::ALL {
        let kind = match field.kind() {
            FieldKind::Text => "TEXT",
            FieldKind::Integer => "INTEGER",
            FieldKind::Address => "BLOB",
        };
        let _ = write!(sql, ", {} {kind}", field.column());
    }
    let _ = write!(
        sql,
        ", datetime TEXT NOT NULL, rest TEXT, metadata TEXT, PRIMARY KEY (at, id)) STRICT, WITHOUT ROWID;
         CREATE TABLE blobs_{segment} (at INTEGER NOT NULL, id BLOB NOT NULL, blob ANY, sealed_request BLOB, \
         PRIMARY KEY (at, id)) STRICT, WITHOUT ROWID;"
    );
    sql
}

/// The statement that makes one index of a segment. The key (at, id) is part of it: SQLite adds it to each
/// index of such a table.
pub(super) fn create_index(segment: i64, field: Field) -> String {
    let column = field.column();
    format!("CREATE INDEX IF NOT EXISTS events_{segment}_{column} ON events_{segment} ({column})")
}

/// Opens a partition file to write to it, and makes its tables where it is new.
pub(super) fn open_writer(path: &Path, max_pages: Option<u32>) -> Result<Connection, StoreError> {
    let as_error = |error| error::of(&error, path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(as_error)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(as_error)?;
    connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(as_error)?;
    let mode = connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get::<_, String>(0));
    if mode.map_err(as_error)? != "wal" {
        return Err(Unusable::NoJournal.of(path));
    }
    configure(&connection, max_pages).map_err(as_error)?;
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(as_error)? {
        return Err(Unusable::ReadOnly.of(path));
    }
    if is_empty(&connection).map_err(as_error)? {
        create(&connection).map_err(as_error)?;
    }
    check(&connection, path)?;
    Ok(connection)
}

fn configure(connection: &Connection, max_pages: Option<u32>) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    // The writer's own page cache, in KiB: the newest segment's upper pages, and an index while it is made.
    connection.pragma_update(None, "cache_size", -8_192)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", 32 << 20)?;
    if let Some(pages) = max_pages {
        connection.query_row(&format!("PRAGMA max_page_count = {pages}"), (), |_| Ok(()))?;
    }
    // Else each value bound in a condition has the statement planned anew.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Pages in the journal before they are moved into the file: 32 MiB, so that a page that several chunks
/// touch is moved once.
const WAL_PAGES: u32 = 4_096;

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0))?;
    let application: i32 =
        connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    Ok(tables == 0 && application == 0)
}

fn create(connection: &Connection) -> rusqlite::Result<()> {
    let first = create_segment(1);
    connection.execute_batch(&format!(
        "BEGIN IMMEDIATE;
         PRAGMA application_id = {APPLICATION_ID};
         PRAGMA user_version = {SCHEMA};
         {TABLES}
         {first}
         INSERT INTO segments (segment, rows, min_at, max_at, sealed) VALUES (1, 0, 0, 0, 0);
         COMMIT;"
    ))
}

/// Whether a file is a partition that this build can read.
///
/// # Errors
///
/// [`StoreError::Newer`], [`StoreError::Failed`] for one of before the first release, or [`StoreError::Damaged`]
/// where it is no partition.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<(), StoreError> {
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let application = pragma("application_id").map_err(|error| error::of(&error, path))?;
    let found = pragma("user_version").map_err(|error| error::of(&error, path))?;
    if application != i64::from(APPLICATION_ID) {
        return Err(Unusable::NoPartition.of(path));
    }
    let found = u32::try_from(found).unwrap_or(u32::MAX);
    if found > SCHEMA {
        return Err(StoreError::Newer { path: path.display().to_string(), found, known: SCHEMA });
    }
    if found == 0 {
        return Err(Unusable::NoPartition.of(path));
    }
    if found < OLDEST_SCHEMA {
        return Err(Unusable::Unreleased.of(path));
    }
    Ok(())
}
