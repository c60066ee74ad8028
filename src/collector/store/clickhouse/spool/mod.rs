//! Batches on the disk, while ClickHouse is away: one file each, synced before the batch is acknowledged.
//!
//! The folder is this process's alone (mode 0700, files 0600). What it holds was sealed before it came
//! here. A file counts once the ledger has its batch; at the next start all others are removed, and those
//! go on waiting.

mod codec;
mod file;

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub(super) use self::file::{Next, Reader};
use super::options::SpoolOptions;
use crate::collector::store::{BatchId, StoreError};
use crate::collector::{NewEvent, TenantId};

const ENDING: &str = "batch";
const LOCK: &str = ".lock";
/// Where files go that are not what was written: for a hand to look at.
const DAMAGED: &str = "damaged";

/// Batches that wait.
#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    /// Held open, so that no other process writes here.
    _lock: File,
    max_bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Acknowledged batches with the bytes of their files.
    waiting: BTreeMap<BatchId, Waiting>,
    /// Of all files, those too that are being written, and the damaged.
    bytes: u64,
}

#[derive(Clone, Debug)]
struct Waiting {
    tenant: Option<TenantId>,
    bytes: u64,
}

/// A batch on its way into the spool.
#[derive(Debug)]
pub(super) struct Writer {
    batch: BatchId,
    tenant: TenantId,
    file: File,
    bytes: u64,
    events: u64,
    is_sealed: bool,
}

impl Spool {
    /// Opens the folder, and makes it if it is not there. Batches of a former run are
    /// [`leftovers`](Self::leftovers) until somebody decides.
    pub(super) fn open(options: &SpoolOptions) -> Result<Self, StoreError> {
        let folder = options.folder.clone();
        let failed = |error: io::Error| StoreError::Failed {
            reason: format!("the spool {} cannot be used: {error}", options.folder.display()),
        };
        make_folder(&folder).and_then(|()| make_folder(&folder.join(DAMAGED))).map_err(failed)?;
        let lock = lock(&folder.join(LOCK)).map_err(failed)?;
        let spool =
            Self { folder, _lock: lock, max_bytes: options.max_bytes, state: Mutex::default() };
        let bytes = spool.bytes_on_disk().map_err(failed)?;
        spool.with(|state| state.bytes = bytes);
        Ok(spool)
    }

    /// The batches that have a file.
    pub(super) fn leftovers(&self) -> io::Result<Vec<BatchId>> {
        let mut batches = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_batch = path.extension().is_some_and(|ending| ending == ENDING);
            let number =
                path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
            batches.extend(number.filter(|_| is_batch).map(BatchId));
        }
        batches.sort_unstable();
        Ok(batches)
    }

    /// Begins a batch's file.
    pub(super) fn begin(&self, batch: BatchId, tenant: &TenantId) -> Result<Writer, StoreError> {
        let head = file::begin(tenant);
        self.take_room(head.len())?;
        let path = self.path(batch);
        let file = file::create(&path)
            .and_then(|mut file| file::append(&mut file, 0, &head).map(|()| file));
        match file {
            Ok(file) => {
                let (bytes, tenant) = (in_u64(head.len()), tenant.clone());
                Ok(Writer { batch, tenant, file, bytes, events: 0, is_sealed: false })
            }
            Err(error) => {
                let _ = fs::remove_file(&path);
                self.give_room(in_u64(head.len()));
                Err(of(&error))
            }
        }
    }

    /// Writes some events. They are not yet bound to be on the disk.
    pub(super) fn write(&self, writer: &mut Writer, events: &[NewEvent]) -> Result<(), StoreError> {
        self.append(writer, &file::events(events))?;
        writer.events = writer.events.saturating_add(in_u64(events.len()));
        Ok(())
    }

    /// Brings a batch to the disk, with its name in the folder. To do it twice does nothing.
    pub(super) fn seal(&self, writer: &mut Writer) -> Result<(), StoreError> {
        if !writer.is_sealed {
            self.append(writer, &file::end(writer.events))?;
            writer.is_sealed = true;
        }
        writer.file.sync_all().and_then(|()| sync(&self.folder)).map_err(|error| of(&error))
    }

    fn append(&self, writer: &mut Writer, frame: &[u8]) -> Result<(), StoreError> {
        self.take_room(frame.len())?;
        file::append(&mut writer.file, writer.bytes, frame).map_err(|error| {
            self.give_room(in_u64(frame.len()));
            of(&error)
        })?;
        writer.bytes = writer.bytes.saturating_add(in_u64(frame.len()));
        Ok(())
    }

    /// A batch was acknowledged: it waits from now on.
    pub(super) fn keep(&self, writer: &Writer) {
        let waiting = Waiting { tenant: Some(writer.tenant.clone()), bytes: writer.bytes };
        self.with(|state| state.waiting.insert(writer.batch, waiting));
    }

    /// A batch was given up while it was written.
    pub(super) fn drop_writer(&self, writer: &Writer) {
        let _ = fs::remove_file(self.path(writer.batch));
        self.give_room(writer.bytes);
    }

    /// A leftover of the last run was acknowledged, or was not.
    pub(super) fn decide(&self, batch: BatchId, is_wanted: bool) -> io::Result<()> {
        let path = self.path(batch);
        let bytes = fs::metadata(&path)?.len();
        if is_wanted {
            let tenant = Reader::open(&path)?.map(|reader| reader.tenant().clone());
            self.with(|state| state.waiting.insert(batch, Waiting { tenant, bytes }));
        } else {
            fs::remove_file(&path)?;
            self.give_room(bytes);
        }
        Ok(())
    }

    /// The batch that has waited longest.
    pub(super) fn first(&self) -> Option<BatchId> {
        self.with(|state| state.waiting.first_key_value().map(|(batch, _)| *batch))
    }

    /// The batches that wait.
    pub(super) fn waiting(&self) -> Vec<BatchId> {
        self.with(|state| state.waiting.keys().copied().collect())
    }

    /// Whether a batch waits.
    pub(super) fn holds(&self, batch: BatchId) -> bool {
        self.with(|state| state.waiting.contains_key(&batch))
    }

    /// Opens a batch that waits; `None` when its beginning is damaged.
    pub(super) fn read(&self, batch: BatchId) -> io::Result<Option<Reader>> {
        Reader::open(&self.path(batch))
    }

    /// Takes a batch out that is stored.
    pub(super) fn remove(&self, batch: BatchId) -> io::Result<()> {
        match fs::remove_file(self.path(batch)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => sync(&self.folder)?,
        }
        if let Some(waiting) = self.with(|state| state.waiting.remove(&batch)) {
            self.give_room(waiting.bytes);
        }
        Ok(())
    }

    /// Takes a batch out whose file is damaged. The file stays beside, and counts.
    pub(super) fn set_aside(&self, batch: BatchId) -> io::Result<()> {
        let path = self.path(batch);
        let name = path.file_name().unwrap_or_default();
        fs::rename(&path, self.folder.join(DAMAGED).join(name))?;
        sync(&self.folder)?;
        self.with(|state| state.waiting.remove(&batch));
        Ok(())
    }

    /// Takes out what a tenant has waiting.
    pub(super) fn remove_tenant(&self, tenant: &TenantId) -> io::Result<u64> {
        let batches: Vec<BatchId> = self.with(|state| {
            let of_tenant =
                state.waiting.iter().filter(|(_, waiting)| waiting.tenant.as_ref() == Some(tenant));
            of_tenant.map(|(batch, _)| *batch).collect()
        });
        batches.iter().try_for_each(|batch| self.remove(*batch))?;
        Ok(in_u64(batches.len()))
    }

    /// Batches that wait, and bytes of the folder.
    pub(super) fn size(&self) -> (u64, u64) {
        self.with(|state| (in_u64(state.waiting.len()), state.bytes))
    }

    /// Whether something more fits.
    pub(super) fn has_room(&self) -> bool {
        self.with(|state| state.bytes < self.max_bytes)
    }

    fn take_room(&self, bytes: usize) -> Result<(), StoreError> {
        self.with(|state| {
            let after = state.bytes.saturating_add(in_u64(bytes));
            if after > self.max_bytes {
                return Err(StoreError::Full);
            }
            state.bytes = after;
            Ok(())
        })
    }

    fn give_room(&self, bytes: u64) {
        self.with(|state| state.bytes = state.bytes.saturating_sub(bytes));
    }

    fn bytes_on_disk(&self) -> io::Result<u64> {
        let mut bytes = 0_u64;
        for folder in [self.folder.clone(), self.folder.join(DAMAGED)] {
            for entry in fs::read_dir(folder)? {
                let metadata = entry?.metadata()?;
                bytes = bytes.saturating_add(if metadata.is_file() { metadata.len() } else { 0 });
            }
        }
        Ok(bytes)
    }

    /// In order of their numbers, also to the eye.
    fn path(&self, batch: BatchId) -> PathBuf {
        self.folder.join(format!("{:020}.{ENDING}", batch.0))
    }

    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn of(error: &io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full,
        _ => StoreError::Failed { reason: format!("the spool cannot be written: {error}") },
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        let _ = sync(parent); // it may be one that this user does not read
    }
    Ok(())
}

fn lock(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    #[cfg(unix)]
    rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "another process has it"))?;
    Ok(file)
}

/// What a folder holds survives a loss of power.
fn sync(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder; // a folder cannot be opened there
    Ok(())
}

fn in_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
