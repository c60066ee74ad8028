//! Copies of databases that are in use.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::manifest::Entry;
use super::{BackupError, EVENTS, io_error};
use crate::collector::TenantId;
use crate::collector::catalogue::schema::{self, Access, FILE_NAME};
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

/// Databases held at one moment.
pub(super) struct Pinned {
    catalogue: Source,
    days: Vec<Source>,
}

/// An open database, by its path in the data folder.
struct Source {
    name: PathBuf,
    path: PathBuf,
    connection: Connection,
}

impl Pinned {
    /// Holds the catalogue, and so every commit, for as long as it takes to begin a read transaction in each
    /// file. What can be done before is done before.
    pub(super) fn new(data: &Path) -> Result<Self, BackupError> {
        let catalogue = Source::open(data, Path::new(FILE_NAME))?;
        let holder = schema::connect(&catalogue.path, Access::Write)?;
        let mut days: Vec<Source> = days_of(data)?
            .iter()
            .filter_map(|day| Source::open_day(data, day))
            .collect::<Result<_, _>>()?;
        let fault = |error| schema::fault(&catalogue.path, error);
        holder.execute_batch("BEGIN IMMEDIATE").map_err(fault)?;
        let names = days_of(data)?;
        let is_new = |name: &&PathBuf| !days.iter().any(|day| day.name == **name);
        let new: Vec<&PathBuf> = names.iter().filter(is_new).collect();
        for name in new {
            days.extend(Source::open_day(data, name).transpose()?);
        }
        catalogue.begin()?;
        let days = days.into_iter().filter_map(Source::begun).collect::<Result<_, _>>()?;
        holder.execute_batch("ROLLBACK").map_err(fault)?;
        Ok(Self { catalogue, days })
    }

    /// Copies all of them.
    pub(super) fn copy(self, folder: &Path) -> Result<Vec<Entry>, BackupError> {
        let mut files = vec![self.catalogue.copy(folder)?];
        for day in self.days {
            files.push(day.copy(folder)?);
        }
        Ok(files)
    }
}

impl Source {
    fn open(data: &Path, name: &Path) -> Result<Self, BackupError> {
        let path = data.join(name);
        let connection = schema::connect(&path, Access::Read)?;
        Ok(Self { name: name.into(), path, connection })
    }

    /// `None` where the day's retention has ended meanwhile.
    fn open_day(data: &Path, name: &Path) -> Option<Result<Self, BackupError>> {
        match Self::open(data, name) {
            Err(_) if !data.join(name).exists() => None,
            opened => Some(opened),
        }
    }

    /// From here on it reads what is there now.
    fn begin(&self) -> Result<(), StoreError> {
        let begun = self.connection.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema");
        begun.map_err(|error| schema::fault(&self.path, error))
    }

    /// `None` where the day went just now: a file that was unlinked may have lost its journal already.
    fn begun(self) -> Option<Result<Self, BackupError>> {
        let before = file_number(&self.path)?;
        let begun = self.begin();
        if file_number(&self.path) != Some(before) {
            return None;
        }
        Some(begun.map(|()| self).map_err(BackupError::from))
    }

    /// Copies it, journal included, into a new file of mode 0600.
    fn copy(self, folder: &Path) -> Result<Entry, BackupError> {
        let to = folder.join(&self.name);
        let fault = |error| schema::fault(&self.path, error);
        let mut target = new_database(&to)?;
        let backup = Backup::new(&self.connection, &mut target).map_err(fault)?;
        // All pages in one step, in the transaction that has begun: no write in between starts it over.
        match backup.step(-1).map_err(fault)? {
            StepResult::Done => {}
            _ => {
                let reason = format!("{} is held by another process", schema::shown(&self.path));
                return Err(StoreError::Unavailable { reason }.into());
            }
        }
        drop(backup);
        target.close().map_err(|(_, error)| schema::fault(&to, error))?;
        Entry::of(folder, &self.name)
    }
}

/// What tells a file from another of the same name.
fn file_number(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    #[cfg(unix)]
    return Some(std::os::unix::fs::MetadataExt::ino(&metadata));
    #[cfg(not(unix))]
    Some(u64::from(metadata.is_file()))
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
