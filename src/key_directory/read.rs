//! Reading: strict, and whole or not at all.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::error::KeyDirectoryError;
use super::life::KeyState;
use super::record::{KeyRecord, OriginKey};
use crate::error::ConfigError;
use crate::key::KeyId;
use crate::keyring::Keyring;
use crate::limits::MAX_KEY_RECORD_BYTES;

/// Ending of a key's file.
pub(super) const ENDING: &str = ".json";

/// Who may read a key directory beside its owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Permissions {
    /// Nobody: mode 0700 and 0600, or less.
    #[default]
    OwnerOnly,
    /// The group may read the files (mode 0440, say), and the directory's own mode is not looked at.
    ///
    /// For a secret that a platform mounts, such as a Kubernetes volume with `defaultMode: 0440` and
    /// an `fsGroup`: it sets the modes, owns the files, and mounts them read-only. Whoever is in the
    /// group can sign. A file that the group can write, or that anybody else can read, is refused
    /// all the same.
    MountedForGroup,
}

/// A key directory, as it was when it was read.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "it holds the secrets")]
pub struct KeyDirectory {
    pub(super) path: PathBuf,
    /// Sorted by id.
    pub(super) records: Vec<KeyRecord>,
}

impl KeyDirectory {
    /// Reads the directory at `path`, which nobody but its owner may get at.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError`] when it is open to others, when something in it is not a key's file, or
    /// when a file cannot be read or used. Hidden files are passed over.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, KeyDirectoryError> {
        Self::open_with(path, Permissions::OwnerOnly)
    }

    /// Reads the directory at `path`, which those that `permissions` names may read too.
    ///
    /// # Errors
    ///
    /// As [`KeyDirectory::open`].
    pub fn open_with(
        path: impl Into<PathBuf>,
        permissions: Permissions,
    ) -> Result<Self, KeyDirectoryError> {
        let path = path.into();
        check_directory(&path, permissions)?;
        let unreadable = |error| KeyDirectoryError::Read { path: path.clone(), error };
        let mut records = Vec::new();
        for entry in fs::read_dir(&path).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            if !is_hidden(&name) {
                records.push(read_record(&path.join(name), permissions)?);
            }
        }
        records.sort_unstable_by_key(|record| *record.id());
        Ok(Self { path, records })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All keys, in the order of their ids.
    #[must_use]
    pub fn records(&self) -> &[KeyRecord] {
        &self.records
    }

    /// The key with this id.
    #[must_use]
    pub fn get(&self, id: &KeyId) -> Option<&KeyRecord> {
        self.records.iter().find(|record| record.id() == id)
    }

    /// The keys that the edge was told to sign with: one, but for none before the first promotion
    /// and two after one that was cut off.
    pub fn signing(&self) -> impl Iterator<Item = &KeyRecord> {
        self.records.iter().filter(|record| record.life().state == KeyState::Signing)
    }

    /// Whether a key has ever been promoted.
    #[must_use]
    pub fn has_ever_signed(&self) -> bool {
        self.records.iter().any(|record| record.life().promoted.is_some())
    }

    /// What an origin accepts: every key, and what is derived from every root. The retired ones are
    /// revoked.
    ///
    /// # Errors
    ///
    /// [`ConfigError::NoKeys`] when the directory is empty, and what [`Keyring::with_roots`] says of
    /// ids that could mean two keys.
    pub fn keyring(&self) -> Result<Keyring, ConfigError> {
        keyring_of(&self.records)
    }
}

pub(super) fn keyring_of<'a>(
    records: impl IntoIterator<Item = &'a KeyRecord>,
) -> Result<Keyring, ConfigError> {
    let (mut keys, mut roots) = (Vec::new(), Vec::new());
    for record in records {
        match record.to_origin()? {
            OriginKey::Key(key) => keys.push(key),
            OriginKey::Root(root) => roots.push(root),
        }
    }
    Keyring::with_roots(keys, roots)
}

/// Such as `..data` of Kubernetes, our lock, and files that are being written.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

fn check_directory(path: &Path, permissions: Permissions) -> Result<(), KeyDirectoryError> {
    let metadata =
        fs::metadata(path).map_err(|error| KeyDirectoryError::Read { path: path.into(), error })?;
    if !metadata.is_dir() {
        let error = io::ErrorKind::NotADirectory.into();
        return Err(KeyDirectoryError::Read { path: path.into(), error });
    }
    match permissions {
        Permissions::OwnerOnly => refuse_open_to(ALL_BUT_OWNER, path, &metadata, CHMOD_700),
        Permissions::MountedForGroup => Ok(()),
    }
}

fn read_record(path: &Path, permissions: Permissions) -> Result<KeyRecord, KeyDirectoryError> {
    let foreign = || KeyDirectoryError::Foreign { path: path.into() };
    let name = path.file_name().and_then(OsStr::to_str).ok_or_else(foreign)?;
    let stem = name.strip_suffix(ENDING).ok_or_else(foreign)?;
    let id = KeyId::from_bytes(stem.as_bytes()).ok_or_else(foreign)?;
    let unreadable = |error| KeyDirectoryError::Read { path: path.into(), error };
    // Looked at before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(foreign());
    }
    let file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    let (others, way_out) = match permissions {
        Permissions::OwnerOnly => (ALL_BUT_OWNER, CHMOD_600),
        Permissions::MountedForGroup => (ALL_BUT_READING_GROUP, "mount it with mode 0440, or 0400"),
    };
    refuse_open_to(others, path, &metadata, way_out)?;
    let text = read_text(&file, metadata.len(), path)?;
    let record = KeyRecord::parse(&text, path)?;
    if *record.id() != id {
        let (fault, way_out) = ("its `kid` is not its name", "a key's file is called KID.json");
        return Err(KeyDirectoryError::Contradiction { path: path.into(), fault, way_out });
    }
    Ok(record)
}

fn read_text(file: &File, bytes: u64, path: &Path) -> Result<Zeroizing<String>, KeyDirectoryError> {
    // Room for all of it, so that no copy of a part stays behind in memory.
    let room = usize::try_from(bytes.min(MAX_KEY_RECORD_BYTES)).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(room.saturating_add(1)));
    let read = file.take(MAX_KEY_RECORD_BYTES + 1).read_to_string(&mut text);
    let bytes = read.map_err(|error| KeyDirectoryError::Read { path: path.into(), error })?;
    if u64::try_from(bytes).is_ok_and(|bytes| bytes <= MAX_KEY_RECORD_BYTES) {
        return Ok(text);
    }
    Err(KeyDirectoryError::TooLong { path: path.into() })
}

const CHMOD_700: &str =
    "chmod 700 it; where a platform mounts it: permissions = \"mounted-for-group\"";

const CHMOD_600: &str =
    "chmod 600 it; if somebody may have read the key: wafpass keys retire --compromised";

const ALL_BUT_OWNER: u32 = 0o077;

const ALL_BUT_READING_GROUP: u32 = 0o037;

/// A key that others can read is theirs too; where they can write, so is the next one.
#[cfg(unix)]
fn refuse_open_to(
    others: u32,
    path: &Path,
    metadata: &Metadata,
    way_out: &'static str,
) -> Result<(), KeyDirectoryError> {
    use std::os::unix::fs::PermissionsExt;

    let mode = metadata.permissions().mode() & 0o777;
    if mode & others == 0 {
        return Ok(());
    }
    Err(KeyDirectoryError::OpenToOthers { path: path.into(), mode, way_out })
}

#[cfg(not(unix))]
fn refuse_open_to(
    _: u32,
    _: &Path,
    _: &Metadata,
    _: &'static str,
) -> Result<(), KeyDirectoryError> {
    Ok(())
}
