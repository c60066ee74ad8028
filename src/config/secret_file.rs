//! Files with secrets: who may read them, and reading them whole.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use super::fault::shown;
use crate::key_directory::Permissions;

/// What a file says, or the fault and the way out.
pub(super) type Text = Result<Zeroizing<String>, (String, String)>;

/// Reads a text that only those may read whom `permissions` names.
pub(super) fn read_secret(path: &Path, permissions: Permissions, most_bytes: u64) -> Text {
    let file = open(path)?;
    let metadata = file.metadata().map_err(|error| unreadable(path, &error))?;
    if let Some((mode, way_out)) = open_to_others(&metadata, permissions) {
        return Err((format!("{} is open to others (mode {mode:04o})", shown(path)), way_out));
    }
    read(&file, path, most_bytes)
}

/// Reads a text that everybody may read.
pub(super) fn read_public(path: &Path, most_bytes: u64) -> Text {
    read(&open(path)?, path, most_bytes)
}

/// Looked at before it is opened: opening a pipe would wait for a writer.
fn open(path: &Path) -> Result<File, (String, String)> {
    let metadata = fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        return Err((format!("{} is not a file", shown(path)), "name a file".into()));
    }
    File::open(path).map_err(|error| unreadable(path, &error))
}

fn read(file: &File, path: &Path, most_bytes: u64) -> Text {
    match read_whole(file, most_bytes) {
        Ok(Some(text)) => Ok(text),
        Ok(None) => {
            let fault = format!("{} is longer than {most_bytes} bytes", shown(path));
            Err((fault, "name the right file".into()))
        }
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// The text, or nothing when it is longer than it may be.
pub(super) fn read_whole(file: &File, most_bytes: u64) -> io::Result<Option<Zeroizing<String>>> {
    // Room for all of it, so that no copy of a part stays behind in memory.
    let bytes = file.metadata()?.len().min(most_bytes);
    let room = usize::try_from(bytes).unwrap_or_default().saturating_add(1);
    let mut text = Zeroizing::new(String::with_capacity(room));
    let read = file.take(most_bytes.saturating_add(1)).read_to_string(&mut text)?;
    Ok(u64::try_from(read).is_ok_and(|read| read <= most_bytes).then_some(text))
}

fn unreadable(path: &Path, error: &io::Error) -> (String, String) {
    let way_out = match error.kind() {
        io::ErrorKind::NotFound => {
            "make it, or name the right one; a relative path is relative to this file"
        }
        io::ErrorKind::PermissionDenied => "run as the user whose file it is",
        io::ErrorKind::InvalidData => "name a file of text",
        _ => "name a file that can be read",
    };
    (format!("{} cannot be read: {error}", shown(path)), way_out.into())
}

/// The mode of a file that others than `permissions` names can get at, and what to do.
#[cfg(unix)]
pub(super) fn open_to_others(
    metadata: &Metadata,
    permissions: Permissions,
) -> Option<(u32, String)> {
    use std::os::unix::fs::PermissionsExt;

    let (others, way_out) = match permissions {
        Permissions::MountedForGroup => (0o037, "mount it with mode 0440"),
        _ => (
            0o077,
            "chmod 600 it; where a platform mounts it for a group: permissions = \"mounted-for-group\" in [keys]",
        ),
    };
    let mode = metadata.permissions().mode() & 0o777;
    (mode & others != 0).then(|| (mode, way_out.into()))
}

#[cfg(not(unix))]
pub(super) fn open_to_others(_: &Metadata, _: Permissions) -> Option<(u32, String)> {
    None
}

/// The mode of a file that everybody can change.
#[cfg(unix)]
pub(super) fn open_to_changes(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode() & 0o777;
    (metadata.is_file() && mode & 0o002 != 0).then_some(mode)
}

#[cfg(not(unix))]
pub(super) fn open_to_changes(_: &Metadata) -> Option<u32> {
    None
}
