//! The way back from a backup.

use std::path::Path;

use super::copy::new_file;
use super::{BackupError, BackupReport, Manifest, Staging, io_error};
use crate::collector::catalogue::schema::{self, Access, FILE_NAME, shown};

/// Makes a data folder of a backup. Each file has to be what it was, and each database whole; a folder that
/// holds anything is not touched.
///
/// # Errors
///
/// [`BackupError`]; then the data folder is as it was.
pub fn restore(from: &Path, data: &Path) -> Result<BackupReport, BackupError> {
    let manifest = Manifest::read(from)?;
    let staging = Staging::new(data)?;
    for entry in &manifest.files {
        entry.copy(from, staging.path())?;
        let path = staging.path().join(&entry.path);
        check_whole(&path)?;
        if entry.path != FILE_NAME {
            mark_unsettled(&path)?;
        }
    }
    let catalogue = staging.path().join(FILE_NAME);
    schema::checked_version(&catalogue, &schema::connect(&catalogue, Access::Read)?)?;
    let report = manifest.report();
    staging.keep()?;
    Ok(report)
}

/// A day may hold a part of a batch that was under way: the store's mark has it looked at when it is opened.
fn mark_unsettled(day: &Path) -> Result<(), BackupError> {
    let mark = day.with_extension("unsettled");
    let made = new_file(&mark).and_then(|file| file.sync_all());
    made.map_err(|error| io_error(&mark, &error))
}

/// SQLite's own check of every page and index.
fn check_whole(path: &Path) -> Result<(), BackupError> {
    let fault = |error| schema::fault(path, error);
    let connection = schema::connect(path, Access::Read)?;
    let told = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
    if told.map_err(fault)? != "ok" {
        return Err(BackupError::Altered { path: shown(path) });
    }
    drop(connection);
    Ok(())
}
