//! The catalogue's file: who may read it, how it is opened, and the steps from one schema to the next.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, params};
use zeroize::Zeroizing;

use crate::collector::store::StoreError;

/// The file's name in the data folder.
pub(crate) const FILE_NAME: &str = "catalogue.sqlite3";

/// `wpca`, in SQLite's header: no other program's file is taken for a catalogue.
const APPLICATION_ID: i32 = 0x7770_6361;

/// How long a writer waits for another process, which holds the file for one short transaction.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Steps forward, one a version. A step that was released is never changed.
const MIGRATIONS: [&str; 1] = [include_str!("schema/1.sql")];

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Write,
    Read,
}

/// Makes the folder (mode 0700) and the file (0600) where they are not there. SQLite gives the file's
/// mode to its journals.
pub(super) fn make_private(dir: &Path, path: &Path) -> Result<(), StoreError> {
    let failed = |error| unusable(path, &error);
    private_folder(dir).map_err(failed)?;
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        // With the names of the file and the folder, or a loss of power could take all that is in them.
        Ok(file) => file
            .sync_all()
            .and_then(|()| sync_folder(dir))
            .and_then(|()| sync_folder(dir.parent().unwrap_or(dir)))
            .map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(failed(error)),
    }
    refuse_open_to_others(path)
}

/// A folder that its owner alone can look into; one that is there stays as it is.
pub(super) fn private_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Syncs the names in a folder; the parent of a bare name is the empty path.
fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    fs::File::open(folder)?.sync_all()
}

/// The key of the hashes is in it, and who is who: nobody else reads it.
fn refuse_open_to_others(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let metadata = fs::metadata(path).map_err(|error| unusable(path, &error))?;
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let reason = format!("{} is open to others (mode {mode:04o}): chmod 600", shown(path));
            return Err(StoreError::Failed { reason });
        }
    }
    Ok(())
}

/// Opens a connection to a file that is there.
pub(super) fn connect(path: &Path, access: Access) -> Result<Connection, StoreError> {
    let fault = |error| fault(path, error);
    let mode = match access {
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let connection = Connection::open_with_flags(path, mode | OpenFlags::SQLITE_OPEN_NO_MUTEX);
    let connection = connection.map_err(fault)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(fault)?;
    connection.set_prepared_statement_cache_capacity(64);
    if access == Access::Write {
        connection.pragma_update(None, "journal_mode", "wal").map_err(fault)?;
        // What was acknowledged survives a loss of power: every commit is synced.
        connection.pragma_update(None, "synchronous", "full").map_err(fault)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(fault)?;
        // What is deleted is overwritten: it may be a key that never should have come here.
        connection.pragma_update(None, "secure_delete", true).map_err(fault)?;
    }
    Ok(connection)
}

/// Brings the schema up to date, or says that the file is of a later version or of another program.
pub(super) fn migrate(
    path: &Path,
    connection: &mut Connection,
    now_ms: i64,
) -> Result<(), StoreError> {
    let fault = |error| fault(path, error);
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = begun.map_err(fault)?;
    let found = checked_version(path, &transaction)?;
    for (version, step) in (1_u32..).zip(MIGRATIONS) {
        if version > found {
            transaction.execute_batch(step).map_err(fault)?;
            transaction.pragma_update(None, "user_version", version).map_err(fault)?;
        }
    }
    if found == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(fault)?;
        let mut event_key = Zeroizing::new([0_u8; 32]);
        getrandom::fill(event_key.as_mut_slice()).map_err(|_| no_randomness())?;
        let sql = "INSERT INTO book (only_row, event_key, made_ms) VALUES (1, ?1, ?2)";
        transaction.execute(sql, params![event_key.as_slice(), now_ms]).map_err(fault)?;
    }
    transaction.commit().map_err(fault)
}

/// The schema's version; 0 for a new file.
pub(super) fn checked_version(path: &Path, connection: &Connection) -> Result<u32, StoreError> {
    let fault = |error| fault(path, error);
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
    let (application, version) =
        (pragma("application_id").map_err(fault)?, pragma("user_version").map_err(fault)?);
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found = u32::try_from(version).unwrap_or(u32::MAX);
    let is_new = application == 0 && found == 0 && is_empty(connection).map_err(fault)?;
    if !is_new && application != APPLICATION_ID {
        let reason = "it is no catalogue of wafpass".into();
        return Err(StoreError::Damaged { path: shown(path), reason });
    }
    if found > known {
        return Err(StoreError::Newer { path: shown(path), found, known });
    }
    Ok(found)
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// What SQLite's error means for who asked. Its text names tables and columns, never a value.
pub(super) fn fault(path: &Path, error: rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Full,
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Unavailable {
            reason: format!("{} is held by another process", shown(path)),
        },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { path: shown(path), reason: error.to_string() }
        }
        _ => StoreError::Failed { reason: format!("{}: {error}", shown(path)) },
    }
}

pub(super) fn unusable(path: &Path, error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Failed { reason: format!("{}: {error}", shown(path)) },
    }
}

pub(super) fn no_randomness() -> StoreError {
    StoreError::Failed { reason: "the operating system gave no random bytes".into() }
}

/// A path, safe on a terminal.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}

/// SQLite's integers are signed. No count gets to where this would cut.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The way back; nothing below 0 is ever written.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
