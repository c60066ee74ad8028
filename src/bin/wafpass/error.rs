//! Errors in two lines: the fault, the way out.

use std::fmt;
use std::io;
use std::path::Path;

use wafpass::config::{ConfigFault, KeyFileError};
use wafpass::explain::RecordError;
use wafpass::key_directory::KeyDirectoryError;
use wafpass::matched_data::archive::ArchiveError;
use wafpass::matched_data::{KeyError, SealError};
use wafpass::vectors::VectorError;
use wafpass::{ConfigError, SignError};

use crate::{BAD, GOOD};

/// Why a verb could not do its work.
#[derive(Debug)]
pub(crate) enum Fault {
    Told {
        fault: String,
        way_out: String,
    },
    /// A step that is not to be taken now, with its reason: an answer, and not a good one.
    Refused {
        fault: String,
        way_out: String,
    },
    /// A configuration that does not load, with each of its faults.
    Config(ConfigFault),
    /// Whoever read our output has gone, such as `head`: nothing to say, and nobody to say it to.
    ReaderGone,
}

impl Fault {
    pub(crate) fn new(fault: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::Told { fault: fault.into(), way_out: way_out.into() }
    }

    pub(crate) fn refused(fault: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::Refused { fault: fault.into(), way_out: way_out.into() }
    }

    /// From the library's own two lines.
    pub(crate) fn two_lines(text: &str) -> Self {
        let (fault, way_out) = text.split_once('\n').unwrap_or((text, "wafpass --help"));
        Self::new(fault, way_out)
    }

    pub(crate) fn reading(path: &Path, error: &io::Error) -> Self {
        let way_out = match error.kind() {
            io::ErrorKind::IsADirectory => "name a file",
            io::ErrorKind::PermissionDenied => "name a file that you may read",
            // Only a key file is read as text: a request may hold any bytes.
            io::ErrorKind::InvalidData => "a key file is JSON text; see wafpass keygen --help",
            _ => "name a file that is there, or `-` for standard input",
        };
        Self::new(format!("{} cannot be read: {error}", shown(path)), way_out)
    }

    /// Says where the fault is.
    pub(crate) fn within(self, place: &str) -> Self {
        match self {
            Self::Told { fault, way_out } => Self::new(format!("{place}: {fault}"), way_out),
            Self::Refused { .. } | Self::Config(_) | Self::ReaderGone => self,
        }
    }

    pub(crate) fn print(&self) {
        anstream::eprintln!("{self}");
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told { fault, way_out } => {
                write!(f, "{BAD}error:{BAD:#} {fault}\n{GOOD}try:{GOOD:#}   {way_out}")
            }
            Self::Refused { fault, way_out } => {
                write!(f, "{BAD}refused:{BAD:#} {fault}\n{GOOD}try:{GOOD:#}     {way_out}")
            }
            Self::Config(config) => {
                let text = config.to_string();
                let mut lines = text.lines();
                let mut separator = "";
                while let (Some(fault), Some(way_out)) = (lines.next(), lines.next()) {
                    let told = Self::new(fault, way_out);
                    write!(f, "{separator}{told}")?;
                    separator = "\n";
                }
                Ok(())
            }
            Self::ReaderGone => f.write_str("nobody reads the output"),
        }
    }
}

impl From<ConfigError> for Fault {
    fn from(error: ConfigError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<ConfigFault> for Fault {
    fn from(fault: ConfigFault) -> Self {
        Self::Config(fault)
    }
}

impl From<KeyFileError> for Fault {
    fn from(error: KeyFileError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<SignError> for Fault {
    fn from(error: SignError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<RecordError> for Fault {
    fn from(error: RecordError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<VectorError> for Fault {
    fn from(error: VectorError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<KeyError> for Fault {
    fn from(error: KeyError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<SealError> for Fault {
    fn from(error: SealError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<ArchiveError> for Fault {
    fn from(error: ArchiveError) -> Self {
        Self::two_lines(&error.to_string())
    }
}

impl From<KeyDirectoryError> for Fault {
    fn from(error: KeyDirectoryError) -> Self {
        match (Self::two_lines(&error.to_string()), error) {
            (Self::Told { fault, way_out }, KeyDirectoryError::Refused(_)) => {
                Self::Refused { fault, way_out }
            }
            (fault, _) => fault,
        }
    }
}

/// An error of writing our output: files that are read say which they are.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => {
                Self::new(format!("the output cannot be written: {error}"), "look at where it goes")
            }
        }
    }
}

/// A path, safe on a terminal.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
