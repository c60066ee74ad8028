//! Why a key directory cannot be read or written. Two lines: the fault, the way out.

use std::io;
use std::path::{Path, PathBuf};

use super::refusal::StepRefusal;
use crate::error::ConfigError;
use crate::key::KeyId;
use crate::limits::MAX_KEY_RECORD_BYTES;

/// A key directory that cannot be read or written. Two lines: the fault, the way out.
///
/// No text holds a secret, nor any other value of a key's file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyDirectoryError {
    /// The directory or a file in it cannot be read.
    #[error("{} cannot be read: {error}\n{}", shown(.path), to_read(.error))]
    Read {
        /// What.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The directory or a file in it cannot be written.
    #[error(
        "{} cannot be written: {error}\ntake a directory of your own, on a disk with room; what was there before is there still", shown(.path)
    )]
    Write {
        /// What.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Users other than its owner can get at the directory or a file in it.
    #[error("{} is open to others (mode {mode:04o})\n{way_out}", shown(.path))]
    OpenToOthers {
        /// What.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
        /// What to do.
        way_out: &'static str,
    },
    /// Something in the directory is not a key's file.
    #[error(
        "{} does not belong into a key directory\nmove it away; a key's file is called KID.json, and hidden files are passed over", shown(.path)
    )]
    Foreign {
        /// What.
        path: PathBuf,
    },
    /// A file is longer than any key's.
    #[error(
        "{} is longer than {MAX_KEY_RECORD_BYTES} bytes: it is no key's file\nmove it away", shown(.path)
    )]
    TooLong {
        /// Which.
        path: PathBuf,
    },
    /// A file is not what a key's file is.
    #[error("{}: line {line}, column {column}: {fault}\n{way_out}", shown(.path))]
    Text {
        /// Which.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong. Never a value.
        fault: String,
        /// What to do.
        way_out: &'static str,
    },
    /// The members of a file contradict each other, or its name.
    #[error("{}: {fault}\n{way_out}", shown(.path))]
    Contradiction {
        /// Which.
        path: PathBuf,
        /// What contradicts what.
        fault: &'static str,
        /// What to do.
        way_out: &'static str,
    },
    /// The key in a file could not be used.
    #[error("{}: {error}", shown(.path))]
    Key {
        /// Which.
        path: PathBuf,
        /// Why not; two lines.
        error: Box<ConfigError>,
    },
    /// All keys together make no keyring, or a new one could not be made.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// Somebody else is changing the directory.
    #[error(
        "somebody else is changing {} right now\nask who; when they are done, look at what they did (wafpass keys status), then again", shown(.path)
    )]
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// No key has this id.
    #[error("{} has no key {key_id}\nwafpass keys list shows what there is", shown(.path))]
    NoSuchKey {
        /// The directory.
        path: PathBuf,
        /// The id.
        key_id: KeyId,
    },
    /// A key with this id is there already.
    #[error(
        "{} has a key {key_id} already\ngive the new one an id of its own; an id is never used twice", shown(.path)
    )]
    KeyExists {
        /// The directory.
        path: PathBuf,
        /// The id.
        key_id: KeyId,
    },
    /// The id would make a hidden file, which is passed over.
    #[error("the key id {key_id} begins with a dot\nchoose one that does not, such as 2026-11-a")]
    HiddenKeyId {
        /// The id.
        key_id: KeyId,
    },
    /// The step is not one that can be taken now.
    #[error(transparent)]
    Refused(#[from] StepRefusal),
}

impl From<ConfigError> for KeyDirectoryError {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

fn to_read(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "make one with `wafpass keys new`, or name the right one",
        io::ErrorKind::PermissionDenied => "run as the user whose keys these are",
        io::ErrorKind::InvalidData => "a key's file is JSON text; restore it, or move it away",
        _ => "name a directory of keys, as `wafpass keys new` makes it",
    }
}

/// A path, safe on a terminal.
fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
