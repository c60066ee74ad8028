//! The data folder: one collector at a time, closed to others.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use super::ServeError;

/// The right to write to a data folder, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes the folder where it is missing, with mode 0700, and takes it.
    ///
    /// # Errors
    ///
    /// [`ServeError::InUse`] while another process has it; [`ServeError::OpenToOthers`];
    /// [`ServeError::Folder`].
    pub fn take(folder: &Path) -> Result<Self, ServeError> {
        let unusable = |error| ServeError::Folder { path: folder.into(), error };
        make(folder).map_err(unusable)?;
        if let Some(mode) = open_to_others(folder).map_err(unusable)? {
            return Err(ServeError::OpenToOthers { path: folder.into(), mode });
        }
        let file = open(&folder.join("lock")).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(ServeError::InUse { path: folder.into() }),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }
}

#[cfg(unix)]
fn make(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn make(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).truncate(false).write(true).open(path)
}

/// The folder's mode, where others can get in.
#[cfg(unix)]
fn open_to_others(folder: &Path) -> io::Result<Option<u32>> {
    use std::os::unix::fs::PermissionsExt;

    let mode = fs::metadata(folder)?.permissions().mode() & 0o777;
    Ok((mode & 0o077 != 0).then_some(mode))
}

#[cfg(not(unix))]
fn open_to_others(_: &Path) -> io::Result<Option<u32>> {
    Ok(None)
}
