//! What SQLite says, as the store says it. No text of an event is in any of it: statements carry their
//! values apart.

use std::io;
use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::collector::store::StoreError;

/// Why a partition cannot be used, where SQLite itself has no word for it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unusable {
    /// Another kind of file.
    NoPartition,
    /// It is of a schema that no release had.
    Unreleased,
    /// It must not be written to.
    ReadOnly,
    /// Its file system has no shared memory for a write-ahead log: a network share, mostly.
    NoJournal,
    /// What is in it contradicts itself.
    Inconsistent,
}

impl Unusable {
    /// The error for a file.
    pub(super) fn of(self, path: &Path) -> StoreError {
        let path = path.display().to_string();
        match self {
            Self::NoPartition => {
                StoreError::Damaged { path, reason: "it is no partition of this store".to_owned() }
            }
            Self::Inconsistent => {
                StoreError::Damaged { path, reason: "its tables contradict each other".to_owned() }
            }
            Self::NoJournal => StoreError::Failed {
                reason: format!("{path} is on a file system without write-ahead logs"),
            },
            Self::Unreleased => StoreError::Failed {
                reason: format!(
                    "{path} was made by a build before the first release: move it away, or export it with that build"
                ),
            },
            Self::ReadOnly => StoreError::Failed { reason: format!("{path} is read-only") },
        }
    }
}

/// An error of SQLite on a file.
pub(super) fn of(error: &rusqlite::Error, path: &Path) -> StoreError {
    let text = || path.display().to_string();
    let inner = match error {
        rusqlite::Error::SqliteFailure(inner, _) => inner,
        rusqlite::Error::SqlInputError { .. } => {
            return StoreError::Damaged { path: text(), reason: "a table is missing".to_owned() };
        }
        // A value of another type than the schema says.
        _ => return StoreError::Damaged { path: text(), reason: "an unexpected value".to_owned() },
    };
    match inner.code {
        ErrorCode::DiskFull => StoreError::Full,
        // The journal's index is a file as well, and grows when it is mapped.
        _ if inner.extended_code == ffi::SQLITE_IOERR_SHMSIZE => StoreError::Full,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
            StoreError::Damaged { path: text(), reason: inner.to_string() }
        }
        _ if inner.extended_code == ffi::SQLITE_IOERR_SHORT_READ => {
            StoreError::Damaged { path: text(), reason: "it is shorter than it says".to_owned() }
        }
        _ => StoreError::Failed { reason: format!("{}: {inner}", path.display()) },
    }
}

/// An error of the file system.
pub(super) fn of_io(error: &io::Error, path: &Path) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Failed { reason: format!("{}: {error}", path.display()) },
    }
}
