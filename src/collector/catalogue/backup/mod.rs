//! Backups of a collector that runs, and their way back.
//!
//! The catalogue is copied first, then the days of events. A batch that the copied catalogue has is in the
//! copied days, since it was there before the catalogue knew it. A batch that came later is in the days only:
//! recovery deletes it where it was still open to that, and else it stays, whole. No number of it is given
//! out again: the copy's numbers begin after the last that the running collector had reserved.

mod copy;
mod manifest;
mod restore;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use self::copy::copy_database;
pub(super) use self::copy::days_of;
use self::manifest::{Entry, Manifest};
pub use self::restore::restore;
use super::schema::{self, Access, FILE_NAME, shown};
use crate::collector::store::StoreError;

/// The folder of the days, in the data folder and in a backup.
const EVENTS: &str = "events";

/// What a backup or its way back moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// Days of events, each tenant's for itself.
    pub partitions: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// When the backup was made, in milliseconds since 1970.
    pub made_ms: u64,
}

/// Why there is no backup, or no way back from it. Two lines: the fault, the way out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// A database cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data folder is none.
    #[error("{path} has no catalogue\nname the collector's data folder")]
    NoCatalogue {
        /// The folder.
        path: String,
    },
    /// What would be written over something.
    #[error("{path} is there already\nname a new folder: nothing is ever overwritten")]
    IsThere {
        /// The folder.
        path: String,
    },
    /// The folder is no backup, or one of a later version.
    #[error(
        "{path} is no backup that this build knows\nname a folder that wafpass collector backup has made"
    )]
    NoBackup {
        /// The folder.
        path: String,
    },
    /// A file of the backup is not what it was.
    #[error(
        "{path} is not as it was written\ntake another backup: this one was changed or is damaged"
    )]
    Altered {
        /// The file.
        path: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {reason}\nlook at the disk and at who may write there")]
    Io {
        /// The file.
        path: String,
        /// What the operating system says.
        reason: String,
    },
}

/// Copies the collector's data folder into a new folder, whole or not at all, while it runs.
///
/// # Errors
///
/// [`BackupError`]; then there is no new folder.
pub fn backup(data: &Path, out: &Path, now_ms: u64) -> Result<BackupReport, BackupError> {
    let catalogue = data.join(FILE_NAME);
    if !catalogue.is_file() {
        return Err(BackupError::NoCatalogue { path: shown(data) });
    }
    let staging = Staging::new(out)?;
    let mut files = vec![copy_database(&catalogue, staging.path(), Path::new(FILE_NAME))?];
    for day in days_of(data)? {
        if let Some(entry) = copy::copy_day(&data.join(&day), staging.path(), &day)? {
            files.push(entry);
        }
    }
    // After the last day was copied: no number in any of them is above this.
    let reserved = reserved(&catalogue)?;
    if let Some(first) = files.first_mut() {
        *first = raise_reserved(staging.path(), reserved)?;
    }
    let manifest = Manifest::new(now_ms, files);
    manifest.write(staging.path())?;
    let report = manifest.report();
    staging.keep()?;
    Ok(report)
}

fn reserved(catalogue: &Path) -> Result<i64, StoreError> {
    let connection = schema::connect(catalogue, Access::Read)?;
    let reserved = connection.query_row("SELECT reserved FROM book", [], |row| row.get(0));
    reserved.map_err(|error| schema::fault(catalogue, error))
}

/// Writes into the copied catalogue where its numbers begin. Answers the file as it is then.
fn raise_reserved(folder: &Path, reserved: i64) -> Result<Entry, BackupError> {
    let path = folder.join(FILE_NAME);
    let fault = |error| schema::fault(&path, error);
    let connection = schema::connect(&path, Access::Write)?;
    let sql = "UPDATE book SET reserved = max(reserved, ?1)";
    connection.execute(sql, [reserved]).map_err(fault)?;
    // The last connection that closes takes the journal with it.
    connection.close().map_err(|(_, error)| fault(error))?;
    Entry::of(folder, Path::new(FILE_NAME))
}

/// A folder that gets its name when it is whole, and goes away if it never is.
struct Staging {
    path: PathBuf,
    target: PathBuf,
    is_kept: bool,
}

impl Staging {
    /// Beside the target, which may be there only as an empty folder.
    fn new(target: &Path) -> Result<Self, BackupError> {
        let is_free = match fs::read_dir(target) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if !is_free {
            return Err(BackupError::IsThere { path: shown(target) });
        }
        let name = target.file_name().unwrap_or_default().to_string_lossy();
        let path = target.with_file_name(format!(".{name}.partial"));
        if path.exists() {
            return Err(BackupError::IsThere { path: shown(&path) });
        }
        let staging = Self { path, target: target.into(), is_kept: false };
        schema::private_folder(&staging.path).map_err(|error| io_error(&staging.path, &error))?;
        Ok(staging)
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn keep(mut self) -> Result<(), BackupError> {
        let failed = |error| io_error(&self.target, &error);
        sync_folders(&self.path).map_err(failed)?;
        fs::rename(&self.path, &self.target).map_err(failed)?;
        self.is_kept = true;
        let parent = self.target.parent().filter(|parent| !parent.as_os_str().is_empty());
        fs::File::open(parent.unwrap_or(Path::new(".")))
            .and_then(|folder| folder.sync_all())
            .map_err(failed)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.is_kept {
            let _gone = fs::remove_dir_all(&self.path); // the fault that led here is told
        }
    }
}

/// A file's name survives a loss of power once its folder is synced.
fn sync_folders(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    fs::File::open(folder)?.sync_all()
}

fn io_error(path: &Path, error: &io::Error) -> BackupError {
    BackupError::Io { path: shown(path), reason: error.to_string() }
}
