//! What is wrong with a configuration: where, what, and the way out.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::place::Places;
use crate::error::ConfigError;

/// The way out where there is no better one.
pub(super) const SHOWS_ALL: &str = "wafpass config example shows each key";

/// Faults that are told of one file: enough for one sitting.
const MOST_FAULTS: usize = 50;

/// Why a configuration does not load. Names every fault that was found, not only the first; no text
/// holds a secret.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigFault {
    /// The file cannot be read.
    Read {
        /// Which.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// What it says would not work, or would leave a hole.
    Text {
        /// Which.
        path: PathBuf,
        /// Each fault, in the order of the lines. At least one.
        faults: Box<[Fault]>,
    },
}

/// One fault of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    line: usize,
    column: usize,
    fault: String,
    way_out: String,
}

impl Fault {
    /// The line, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1, in characters.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn fault(&self) -> &str {
        &self.fault
    }

    /// What to do, in one line.
    #[must_use]
    pub fn way_out(&self) -> &str {
        &self.way_out
    }
}

impl ConfigFault {
    /// Something is missing, and nothing says what: no way in, even so.
    pub(super) fn unsaid(path: &Path) -> Self {
        let (fault, way_out) =
            ("the file does not say all that is needed".into(), SHOWS_ALL.into());
        Self::Text {
            path: path.into(),
            faults: Box::new([Fault { line: 1, column: 1, fault, way_out }]),
        }
    }

    /// Each fault of the text; none where the file could not be read.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::Read { .. } => &[],
            Self::Text { faults, .. } => faults,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. } | Self::Text { path, .. } => path,
        }
    }
}

impl fmt::Display for ConfigFault {
    /// Two lines for each fault: `FILE:LINE:COLUMN: the fault`, and the way out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = shown(self.path());
        match self {
            Self::Read { error, .. } => {
                let way_out = match error.kind() {
                    io::ErrorKind::NotFound => {
                        "name the file that is there; wafpass config example > wafpass.toml makes one"
                    }
                    io::ErrorKind::PermissionDenied => "run as a user who may read it",
                    io::ErrorKind::InvalidData => "the file is text in UTF-8",
                    _ => "name a file that can be read",
                };
                write!(f, "{path} cannot be read: {error}\n{way_out}")
            }
            Self::Text { faults, .. } => {
                for (place, Fault { line, column, fault, way_out }) in faults.iter().enumerate() {
                    let separator = if place == 0 { "" } else { "\n" };
                    write!(f, "{separator}{path}:{line}:{column}: {fault}\n{way_out}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { error, .. } => Some(error),
            Self::Text { .. } => None,
        }
    }
}

/// Takes down the faults of one file.
pub(super) struct Faults<'a> {
    places: &'a Places,
    found: Vec<Fault>,
}

impl<'a> Faults<'a> {
    pub(super) const fn new(places: &'a Places) -> Self {
        Self { places, found: Vec::new() }
    }

    /// Adds a fault of the key at `at`, such as `freshness.max_age` or `routes[0].path`: a table that is
    /// not there, or a key, counts as the one that it would stand in. What follows from a key that could
    /// not be read is not told.
    pub(super) fn add(&mut self, at: &str, fault: impl Into<String>, way_out: impl Into<String>) {
        if !self.places.is_struck(at) {
            self.add_at(self.places.of(at), fault, way_out);
        }
    }

    pub(super) fn add_at(
        &mut self,
        (line, column): (usize, usize),
        fault: impl Into<String>,
        way_out: impl Into<String>,
    ) {
        let fault = Fault { line, column, fault: fault.into(), way_out: way_out.into() };
        if !self.found.contains(&fault) && self.found.len() < MOST_FAULTS {
            self.found.push(fault);
        }
    }

    /// Adds the two lines of another error.
    pub(super) fn add_error(&mut self, at: &str, error: &dyn fmt::Display) {
        let (fault, way_out) = two_lines(error);
        self.add(at, fault, way_out);
    }

    /// The value, or nothing and a fault.
    pub(super) fn take<T>(&mut self, at: &str, result: Result<T, ConfigError>) -> Option<T> {
        result.map_err(|error| self.add_error(at, &error)).ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All that was found, in the order of the lines.
    pub(super) fn done(mut self, path: &Path) -> Result<(), ConfigFault> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|fault| (fault.line, fault.column));
        Err(ConfigFault::Text { path: path.into(), faults: self.found.into() })
    }
}

/// An error's fault and way out.
pub(super) fn two_lines(error: &dyn fmt::Display) -> (String, String) {
    let text = error.to_string();
    let (fault, way_out) = text.split_once('\n').unwrap_or((&text, "look at what it names"));
    (fault.into(), way_out.replace('\n', "; "))
}

/// A path, safe on a terminal.
pub(super) fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
