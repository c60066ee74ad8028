//! What a backup holds, and how each file has to look.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Component, Path};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::copy::{is_day, new_file};
use super::{BackupError, BackupReport, EVENTS, io_error};
use crate::collector::TenantId;
use crate::collector::catalogue::schema::{FILE_NAME, shown};

/// Its name in the backup.
pub(super) const MANIFEST: &str = "backup.json";
const FORMAT: &str = "wafpass-collector-backup";
const VERSION: u32 = 1;
/// Largest manifest that is read: ten years of 256 tenants stay below.
const MAX_MANIFEST_BYTES: u64 = 256 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: String,
    version: u32,
    made_ms: u64,
    made_by: String,
    pub(super) files: Vec<Entry>,
}

/// One file.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// In the backup's folder, with `/` in between.
    pub(super) path: String,
    bytes: u64,
    sha256: String,
}

impl Manifest {
    pub(super) fn new(made_ms: u64, files: Vec<Entry>) -> Self {
        let made_by = concat!("wafpass ", env!("CARGO_PKG_VERSION")).into();
        Self { format: FORMAT.into(), version: VERSION, made_ms, made_by, files }
    }

    pub(super) fn write(&self, folder: &Path) -> Result<(), BackupError> {
        let path = folder.join(MANIFEST);
        let text = serde_json::to_string_pretty(self).map_err(io::Error::from);
        let written = text.and_then(|text| {
            let mut file = new_file(&path)?;
            writeln!(file, "{text}")?;
            file.sync_all()
        });
        written.map_err(|error| io_error(&path, &error))
    }

    /// Reads a manifest. Paths lead nowhere but into the folder.
    pub(super) fn read(folder: &Path) -> Result<Self, BackupError> {
        let no_backup = || BackupError::NoBackup { path: shown(folder) };
        let file = File::open(folder.join(MANIFEST)).map_err(|_| no_backup())?;
        let manifest: Self =
            serde_json::from_reader(file.take(MAX_MANIFEST_BYTES)).map_err(|_| no_backup())?;
        let is_known = manifest.format == FORMAT && manifest.version == VERSION;
        let has_catalogue = manifest.files.iter().any(|entry| entry.path == FILE_NAME);
        let are_safe = manifest.files.iter().all(|entry| is_safe(Path::new(&entry.path)));
        if is_known && has_catalogue && are_safe { Ok(manifest) } else { Err(no_backup()) }
    }

    pub(super) fn report(&self) -> BackupReport {
        let partitions = self.files.iter().filter(|entry| entry.path != FILE_NAME).count();
        BackupReport {
            partitions: u64::try_from(partitions).unwrap_or(u64::MAX),
            bytes: self.files.iter().map(|entry| entry.bytes).sum(),
            made_ms: self.made_ms,
        }
    }
}

/// The catalogue, or a day of a tenant; nothing else is ever restored.
fn is_safe(path: &Path) -> bool {
    let mut parts = path.components().map(|part| match part {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let parts = [(); 4].map(|()| parts.next().flatten());
    match parts {
        [Some(FILE_NAME), None, None, None] => true,
        [Some(EVENTS), Some(tenant), Some(day), None] => {
            TenantId::new(tenant).is_some() && is_day(day)
        }
        _ => false,
    }
}

impl Entry {
    /// A file as it is now, synced.
    pub(super) fn of(folder: &Path, name: &Path) -> Result<Self, BackupError> {
        let path = folder.join(name);
        let read = || {
            let mut file = File::open(&path)?;
            file.sync_all()?;
            let mut hash = Hash(Sha256::new());
            let bytes = io::copy(&mut file, &mut hash)?;
            let sha256 = hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            let name = name.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
            Ok(Self { path: name, bytes, sha256 })
        };
        read().map_err(|error: io::Error| io_error(&path, &error))
    }

    /// Copies the file into another folder, where it has to be what it was.
    pub(super) fn copy(&self, from: &Path, to: &Path) -> Result<(), BackupError> {
        let (source, target) = (from.join(&self.path), to.join(&self.path));
        let copied = target.parent().map_or(Ok(()), super::schema::private_folder).and_then(|()| {
            let mut file = new_file(&target)?;
            io::copy(&mut File::open(&source)?, &mut file)
        });
        copied.map_err(|error| io_error(&source, &error))?;
        // Of what was written, not of what was read.
        if Self::of(to, Path::new(&self.path))? != *self {
            return Err(BackupError::Altered { path: shown(&source) });
        }
        Ok(())
    }
}

struct Hash(Sha256);

impl Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
