//! The way back from a backup.

use std::path::Path;

use super::{BackupError, BackupReport, Manifest, Staging};
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
        check_whole(&staging.path().join(&entry.path))?;
    }
    let catalogue = staging.path().join(FILE_NAME);
    schema::checked_version(&catalogue, &schema::connect(&catalogue, Access::Read)?)?;
    let report = manifest.report();
    staging.keep()?;
    Ok(report)
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
