//! Copies of databases that are in use.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::manifest::Entry;
use super::{BackupError, EVENTS, io_error};
use crate::collector::TenantId;
use crate::collector::catalogue::schema::{self, Access};
use crate::collector::store::StoreError;

/// The days of all tenants, as paths in the data folder. What else lies there is left alone.
pub(in crate::collector::catalogue) fn days_of(data: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut days = Vec::new();
    for tenant in names(&data.join(EVENTS))?.iter().filter(|name| TenantId::new(name).is_some()) {
        let folder = Path::new(EVENTS).join(tenant);
        let files = names(&data.join(&folder))?;
        days.extend(files.iter().filter(|name| is_day(name)).map(|name| folder.join(name)));
    }
    Ok(days)
}

/// Whether a file's name is `YYYY-MM-DD.sqlite3`.
pub(super) fn is_day(name: &str) -> bool {
    let Some(day) = name.strip_suffix(".sqlite3") else { return false };
    let fits = |(at, byte): (usize, u8)| {
        if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() }
    };
    day.len() == 10 && day.bytes().enumerate().all(fits)
}

/// The names in a folder, in order; none where it is not there.
fn names(folder: &Path) -> Result<Vec<String>, BackupError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io_error(folder, &error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| io_error(folder, &error))?;
        names.extend(entry.file_name().into_string());
    }
    names.sort_unstable();
    Ok(names)
}

/// Copies a day; `None` where its retention ended meanwhile.
pub(super) fn copy_day(
    from: &Path,
    folder: &Path,
    name: &Path,
) -> Result<Option<Entry>, BackupError> {
    let before = file_number(from);
    let copied = copy_database(from, folder, name);
    // A file that was unlinked may have lost its journal already: its copy may lack rows.
    if before.is_none() || file_number(from) != before {
        let path = folder.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(io_error(&path, &error));
            }
            _ => return Ok(None),
        }
    }
    copied.map(Some)
}

/// What tells a file from another of the same name.
fn file_number(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    #[cfg(unix)]
    return Some(std::os::unix::fs::MetadataExt::ino(&metadata));
    #[cfg(not(unix))]
    Some(u64::from(metadata.is_file()))
}

/// Copies a database as it is at one moment, journal included, into a new file of mode 0600. In WAL mode
/// no writer waits for it.
pub(super) fn copy_database(from: &Path, folder: &Path, name: &Path) -> Result<Entry, BackupError> {
    let to = folder.join(name);
    let fault = |error| schema::fault(from, error);
    let source = schema::connect(from, Access::Read)?;
    let mut target = new_database(&to)?;
    let backup = Backup::new(&source, &mut target).map_err(fault)?;
    // All pages in one step: one read transaction, so that no write in between starts it over.
    match backup.step(-1).map_err(fault)? {
        StepResult::Done => {}
        _ => {
            let reason = format!("{} is held by another process", schema::shown(from));
            return Err(StoreError::Unavailable { reason }.into());
        }
    }
    drop(backup);
    target.close().map_err(|(_, error)| schema::fault(&to, error))?;
    Entry::of(folder, name)
}

fn new_database(path: &Path) -> Result<Connection, BackupError> {
    let failed = |error| io_error(path, &error);
    if let Some(parent) = path.parent() {
        schema::private_folder(parent).map_err(failed)?;
    }
    new_file(path).map_err(failed)?;
    let fault = |error| schema::fault(path, error);
    let connection = Connection::open(path).map_err(fault)?;
    connection.pragma_update(None, "synchronous", "full").map_err(fault)?;
    Ok(connection)
}

/// A new file of mode 0600.
pub(super) fn new_file(path: &Path) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
