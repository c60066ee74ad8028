//! Batches on the disk, for when the collector is away.
//!
//! A folder of this process alone (mode 0700, files 0600): the batches in order, those that the
//! collector refused in `refused`, and files that were cut or changed in `corrupt`. All of it counts
//! towards its bytes. When they are used up, new batches are lost and old ones stay: who floods the
//! rules cannot push out what came before.

mod file;
mod name;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use self::name::Name;
use super::batch::Batch;
use super::limits::BATCH_BYTES;
use super::stats::SetAside;

/// What a file is called while it is written.
const TEMPORARY: &str = ".tmp";
const LOCK: &str = ".lock";

/// A batch may grow by packing; twice the most is beyond all of them.
const MAX_FILE_BYTES: usize = 2 * *BATCH_BYTES.end();

/// Batches on the disk.
pub(super) struct Spool {
    folder: PathBuf,
    /// Held open, so that no other process writes here.
    _lock: File,
    most_bytes: u64,
    waiting: BTreeMap<u64, Waiting>,
    /// Those of `waiting`.
    events: u64,
    /// Of everything in the folder.
    bytes: u64,
}

struct Waiting {
    name: Name,
    bytes: u64,
}

/// Why a batch is not in the spool.
pub(super) enum NotSpooled {
    Full,
    Failed(io::Error),
}

/// What a look for the oldest batch found.
pub(super) enum Oldest {
    None,
    Batch(Batch),
    /// A file that is not what was written was set aside; there may be others behind it.
    Corrupt {
        events: u32,
    },
    /// A hand has taken the file.
    Gone {
        events: u32,
    },
}

impl Spool {
    /// Opens the folder, which is made if it is not there, and takes up what a former run left. Returns
    /// the events of files that were cut, which are set aside.
    pub(super) fn open(folder: &Path, most_bytes: u64) -> io::Result<(Self, Vec<u32>)> {
        file::folder(folder)?;
        let lock = file::lock(&folder.join(LOCK))?;
        let aside = [SetAside::Refused, SetAside::Corrupt].map(|why| folder.join(why.code()));
        for folder in &aside {
            file::folder(folder)?;
        }
        let mut spool = Self {
            folder: folder.to_owned(),
            _lock: lock,
            most_bytes,
            waiting: BTreeMap::new(),
            events: 0,
            bytes: 0,
        };
        let mut cut = Vec::new();
        for entry in fs::read_dir(folder)? {
            spool.take_up(&entry?, &mut cut)?;
        }
        for folder in &aside {
            for entry in fs::read_dir(folder)? {
                spool.bytes = spool.bytes.saturating_add(entry?.metadata()?.len());
            }
        }
        Ok((spool, cut))
    }

    fn take_up(&mut self, entry: &fs::DirEntry, cut: &mut Vec<u32>) -> io::Result<()> {
        let (file_name, metadata) = (entry.file_name(), entry.metadata()?);
        let Some(text) = file_name.to_str().filter(|_| metadata.is_file()) else { return Ok(()) };
        let bytes = metadata.len();
        if let Some(name) = Name::parse(text) {
            self.bytes = self.bytes.saturating_add(bytes);
            self.events = self.events.saturating_add(name.events.into());
            if let Some(other) = self.waiting.insert(name.number, Waiting { name, bytes }) {
                // Two of one number, as a hand may put them here: both are sent, one after the other.
                self.renumber(&other)?;
            }
        } else if let Some(name) = text.strip_suffix(TEMPORARY).and_then(Name::parse) {
            self.move_aside(&entry.path(), text, SetAside::Corrupt)?;
            cut.push(name.events);
        }
        Ok(())
    }

    fn renumber(&mut self, other: &Waiting) -> io::Result<()> {
        let name = Name { number: self.next_number(), ..other.name };
        fs::rename(self.path(&other.name), self.path(&name))?;
        self.waiting.insert(name.number, Waiting { name, bytes: other.bytes });
        Ok(())
    }

    /// A number behind all that there are.
    pub(super) fn next_number(&self) -> u64 {
        self.waiting.last_key_value().map_or(1, |(last, _)| last.saturating_add(1))
    }

    /// The number of the batch that came first.
    pub(super) fn first(&self) -> Option<u64> {
        self.waiting.first_key_value().map(|(number, _)| *number)
    }

    /// Events that wait.
    pub(super) const fn events(&self) -> u64 {
        self.events
    }

    /// Bytes of the folder.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) const fn most_bytes(&self) -> u64 {
        self.most_bytes
    }

    /// Writes a batch to its place in the order.
    pub(super) fn put(&mut self, batch: &Batch) -> Result<(), NotSpooled> {
        let Batch { number, key, events, ref body } = *batch;
        let bytes = in_u64(body.len());
        if self.bytes.saturating_add(bytes) > self.most_bytes {
            return Err(NotSpooled::Full);
        }
        let name = Name { number, key, events };
        let path = self.path(&name);
        file::write(&path, &temporary(&path), body).map_err(NotSpooled::Failed)?;
        self.bytes = self.bytes.saturating_add(bytes);
        self.events = self.events.saturating_add(events.into());
        self.waiting.insert(number, Waiting { name, bytes });
        Ok(())
    }

    /// The batch that came first. It stays until it is [removed](Self::remove).
    pub(super) fn oldest(&mut self) -> io::Result<Oldest> {
        let Some((&number, waiting)) = self.waiting.first_key_value() else {
            return Ok(Oldest::None);
        };
        let Name { key, events, .. } = waiting.name;
        let path = self.path(&waiting.name);
        match file::read(&path, events, in_u64(MAX_FILE_BYTES)) {
            Ok(Some(body)) => Ok(Oldest::Batch(Batch { number, key, events, body })),
            Ok(None) => {
                self.set_aside(number, SetAside::Corrupt)?;
                Ok(Oldest::Corrupt { events })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = self.take_out(number).map_or(0, |waiting| waiting.bytes);
                self.bytes = self.bytes.saturating_sub(bytes);
                Ok(Oldest::Gone { events })
            }
            Err(error) => Err(error),
        }
    }

    /// Removes a batch that the collector has. It is not sent again by this process, also where the disk
    /// fails.
    pub(super) fn remove(&mut self, number: u64) -> io::Result<()> {
        let Some(waiting) = self.take_out(number) else { return Ok(()) };
        match fs::remove_file(self.path(&waiting.name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => self.bytes = self.bytes.saturating_sub(waiting.bytes),
        }
        file::sync(&self.folder)
    }

    /// Writes a batch that does not wait here to the refused ones.
    pub(super) fn refuse(&mut self, batch: &Batch) -> Result<(), NotSpooled> {
        self.put(batch)?;
        self.set_aside(batch.number, SetAside::Refused).map_err(NotSpooled::Failed)
    }

    /// Moves a batch that waits to one of the folders.
    pub(super) fn set_aside(&mut self, number: u64, why: SetAside) -> io::Result<()> {
        let Some(Waiting { name, .. }) = self.waiting.get(&number) else { return Ok(()) };
        self.move_aside(&self.path(name), &name.to_string(), why)?;
        self.take_out(number);
        Ok(())
    }

    /// Whether a batch waits here.
    pub(super) fn holds(&self, number: u64) -> bool {
        self.waiting.contains_key(&number)
    }

    fn take_out(&mut self, number: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&number)?;
        self.events = self.events.saturating_sub(waiting.name.events.into());
        Some(waiting)
    }

    fn move_aside(&self, path: &Path, name: &str, why: SetAside) -> io::Result<()> {
        let folder = self.folder.join(why.code());
        fs::rename(path, folder.join(name))?;
        file::sync(&folder)?;
        file::sync(&self.folder)
    }

    fn path(&self, name: &Name) -> PathBuf {
        self.folder.join(name.to_string())
    }
}

fn temporary(path: &Path) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(TEMPORARY);
    path.into()
}

fn in_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
