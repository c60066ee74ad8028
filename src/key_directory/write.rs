//! Writing: one writer at a time, each file whole or as before.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::error::KeyDirectoryError;
use super::life::{KeyState, Learnt, Next, Step, Unused};
use super::read::{ENDING, KeyDirectory, is_hidden, keyring_of};
use super::record::KeyRecord;
use super::refusal::StepRefusal;
use crate::key::KeyId;
use crate::time::UnixTime;

/// Held by whoever writes. The operating system lets go of it when the process ends, however it does.
const LOCK: &str = ".lock";

/// Ending of a file that is being written. Hidden, so that no reader takes it for a key's.
const UNFINISHED: &str = ".unfinished";

/// A key directory that nobody else changes while this value lives.
#[expect(missing_debug_implementations, reason = "it holds the secrets")]
pub struct KeyDirectoryWriter {
    directory: KeyDirectory,
    _lock: File,
}

impl KeyDirectory {
    /// Makes the directory, mode 0700, if it is not there, and locks it.
    ///
    /// # Errors
    ///
    /// As [`KeyDirectory::lock`], and when it cannot be made. The one above it has to be there.
    pub fn create(path: impl Into<PathBuf>) -> Result<KeyDirectoryWriter, KeyDirectoryError> {
        let path = path.into();
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        match builder.create(&path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(KeyDirectoryError::Write { path, error })
            }
            _ => Self::lock(path),
        }
    }

    /// Locks the directory at `path`, and reads it.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError::Busy`] when somebody else holds it, and those of [`KeyDirectory::open`].
    pub fn lock(path: impl Into<PathBuf>) -> Result<KeyDirectoryWriter, KeyDirectoryError> {
        let path = path.into();
        Self::open(&path)?; // its permissions, before anything is written
        let lock = take_lock(&path)?;
        let directory = Self::open(&path)?; // what the writer before left
        sweep(&path);
        Ok(KeyDirectoryWriter { directory, _lock: lock })
    }
}

impl KeyDirectoryWriter {
    /// What is in the directory.
    #[must_use]
    pub const fn directory(&self) -> &KeyDirectory {
        &self.directory
    }

    /// Adds a key.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError::KeyExists`] when its id is taken, and when it cannot be written.
    pub fn add(&mut self, record: KeyRecord) -> Result<(), KeyDirectoryError> {
        let key_id = *record.id();
        if is_hidden(key_id.as_str().as_ref()) {
            return Err(KeyDirectoryError::HiddenKeyId { key_id });
        }
        // A file that no record came from: on a disk that takes `a` and `A` for one name.
        if self.directory.get(&key_id).is_some() || self.path_of(&key_id).exists() {
            let path = self.directory.path.clone();
            return Err(KeyDirectoryError::KeyExists { path, key_id });
        }
        keyring_of(self.directory.records.iter().chain([&record]))?;
        self.save(&record)?;
        self.directory.records.push(record);
        self.directory.records.sort_unstable_by_key(|record| *record.id());
        Ok(())
    }

    /// Makes `id` the key that the edge signs with, and gives back those whose place it takes: one
    /// as a rule.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError::Refused`] when it is not time for it, and when it cannot be written.
    pub fn promote(
        &mut self,
        id: &KeyId,
        learnt: Learnt<'_>,
        now: UnixTime,
    ) -> Result<Vec<KeyId>, KeyDirectoryError> {
        let earlier: Vec<KeyId> = self
            .directory
            .signing()
            .map(|record| *record.id())
            .filter(|other| other != id)
            .collect();
        let record = self.find(id)?;
        // Two that sign: the promotion before this one was cut off, and is to be finished.
        if record.life().state != KeyState::Signing || earlier.is_empty() {
            refuse_outside_window(record, now)?;
            // First the new one, then the old: cut off in between, no key is missing.
            self.step(id, Step::Promote(learnt), now)?;
        }
        earlier.iter().try_for_each(|other| self.step(other, Step::Supersede, now))?;
        Ok(earlier)
    }

    /// Retires `id`: origins refuse it from then on.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError::Refused`] when it is not time for it, and when it cannot be written.
    pub fn retire(
        &mut self,
        id: &KeyId,
        unused: Unused<'_>,
        now: UnixTime,
    ) -> Result<(), KeyDirectoryError> {
        self.step(id, Step::Retire(unused), now)
    }

    /// Takes any step with `id` alone.
    ///
    /// # Errors
    ///
    /// [`KeyDirectoryError::Refused`] when it is not time for it, and when it cannot be written.
    pub fn step(
        &mut self,
        id: &KeyId,
        step: Step<'_>,
        now: UnixTime,
    ) -> Result<(), KeyDirectoryError> {
        let mut record = self.find(id)?.clone();
        match record.life.after(step, *id, now)? {
            Next::Becomes(life) => {
                record.life = life;
                self.save(&record)?;
                let mine = self.directory.records.iter_mut().find(|record| record.id() == id);
                mine.into_iter().for_each(|mine| mine.life = life);
            }
            Next::Gone => {
                let path = self.path_of(id);
                let unwritten = |error| KeyDirectoryError::Write { path: path.clone(), error };
                fs::remove_file(&path).map_err(unwritten)?;
                sync_directory(&self.directory.path).map_err(unwritten)?;
                self.directory.records.retain(|record| record.id() != id);
            }
        }
        Ok(())
    }

    fn find(&self, id: &KeyId) -> Result<&KeyRecord, KeyDirectoryError> {
        let path = || self.directory.path.clone();
        let none = || KeyDirectoryError::NoSuchKey { path: path(), key_id: *id };
        self.directory.get(id).ok_or_else(none)
    }

    fn path_of(&self, id: &KeyId) -> PathBuf {
        self.directory.path.join(format!("{id}{ENDING}"))
    }

    /// Writes the file beside its place, and moves it there once it is on the disk.
    fn save(&self, record: &KeyRecord) -> Result<(), KeyDirectoryError> {
        let path = self.path_of(record.id());
        let beside = self.directory.path.join(format!(".{}{UNFINISHED}", record.id()));
        let saved = write_new(&beside, record)
            .and_then(|()| fs::rename(&beside, &path))
            .and_then(|()| sync_directory(&self.directory.path));
        saved.map_err(|error| {
            let _gone = fs::remove_file(&beside); // the fault that led here is told
            KeyDirectoryError::Write { path, error }
        })
    }
}

fn refuse_outside_window(record: &KeyRecord, now: UnixTime) -> Result<(), StepRefusal> {
    let (not_before, not_after) = (record.not_before, record.not_after);
    if not_before.is_none_or(|start| start <= now) && not_after.is_none_or(|end| now < end) {
        return Ok(());
    }
    Err(StepRefusal::OutsideWindow { key_id: *record.id(), not_before, not_after })
}

fn write_new(path: &Path, record: &KeyRecord) -> io::Result<()> {
    let text = record.to_text()?;
    let mut file = for_owner().write(true).create_new(true).open(path)?;
    file.write_all(&text)?;
    file.sync_all()
}

/// Options for a file of mode 0600.
fn for_owner() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A name that was moved is on the disk only once its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Removes what a writer that was killed has left. No reader ever saw it, and we hold the lock.
fn sweep(path: &Path) {
    let Ok(entries) = fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if is_hidden(&name) && name.as_encoded_bytes().ends_with(UNFINISHED.as_bytes()) {
            let _stays = fs::remove_file(entry.path()); // then the next write of it says so
        }
    }
}

#[cfg(unix)]
fn take_lock(path: &Path) -> Result<File, KeyDirectoryError> {
    use rustix::fs::{FlockOperation, flock};

    let lock = path.join(LOCK);
    let unwritten = |error| KeyDirectoryError::Write { path: lock.clone(), error };
    let file =
        for_owner().write(true).create(true).truncate(false).open(&lock).map_err(unwritten)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(KeyDirectoryError::Busy { path: path.into() }),
        Err(errno) => Err(unwritten(errno.into())),
    }
}

/// Without `flock`: the system refuses to open the file twice for writing, or it does not, and then
/// two writers have to keep out of each other's way.
#[cfg(not(unix))]
fn take_lock(path: &Path) -> Result<File, KeyDirectoryError> {
    let lock = path.join(LOCK);
    let unwritten = |error| KeyDirectoryError::Write { path: lock.clone(), error };
    for_owner().write(true).create(true).truncate(false).open(&lock).map_err(unwritten)
}
