//! Backups of a collector that runs, and their way back.
//!
//! All files are copied as they were at one moment: for as long as it takes to begin a read transaction in
//! each, the catalogue is held, so that no batch is committed meanwhile. What the copied catalogue has
//! committed is in the copied days, whole. Of what was under way, the days may hold a part, and none of it
//! counts as decided: recovery deletes it when the restored folder is opened. Nobody waits for the copying.

mod copy;
mod manifest;
mod restore;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use self::copy::Pinned;
pub(super) use self::copy::days_of;
use self::manifest::Manifest;
pub use self::restore::restore;
use super::schema::{self, FILE_NAME, shown};
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
    let files = Pinned::new(data)?.copy(staging.path())?;
    let manifest = Manifest::new(now_ms, files);
    manifest.write(staging.path())?;
    let report = manifest.report();
    staging.keep()?;
    Ok(report)
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
