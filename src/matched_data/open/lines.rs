use std::fmt;
use std::io::{self, BufRead, Read};

use serde_json::Value;

use super::super::limits::MAX_LINE_BYTES;
use super::{Binding, Opener, Plaintext, Refused};

/// Blobs line by line, opened as they are read.
///
/// A line is a blob, or the `Metadata` of an event as a JSON object: its `encrypted_matched_data` is
/// opened with its `binding`, which version 4 needs. Empty lines are passed over. A line that cannot be
/// read as one of these is an error of its own, and the lines behind it are read on; only an error of
/// the reader ends it.
///
/// ```
/// use wafpass::matched_data::{KeyError, Opener, PrivateKey, Refused};
///
/// let key = PrivateKey::from_text("uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=")?;
/// let log = "\
/// AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=
///
/// {\"encrypted_matched_data\": \"truncated\"}
/// ";
/// let opener = Opener::new([key])?;
/// let lines: Vec<_> = opener.open_lines(log.as_bytes()).map(Result::unwrap).collect();
/// assert_eq!(**lines[0].opened.as_ref().unwrap(), *b"test matched data");
/// assert_eq!((lines[1].number, &lines[1].opened), (3, &Err(Refused::Truncated)));
/// # Ok::<(), KeyError>(())
/// ```
#[derive(Debug)]
pub struct Lines<'a, R> {
    opener: &'a Opener,
    reader: R,
    line: Vec<u8>,
    number: u64,
    ended: bool,
}

/// A line that held a blob.
#[non_exhaustive]
pub struct Line {
    /// Its number, counted from 1.
    pub number: u64,
    /// What came of its blob.
    pub opened: Result<Plaintext, Refused>,
}

impl fmt::Debug for Line {
    /// The plaintext by its length: it may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let opened = self
            .opened
            .as_ref()
            .map(|plaintext| format_args!("{} bytes", plaintext.len()).to_string());
        f.debug_struct("Line").field("number", &self.number).field("opened", &opened).finish()
    }
}

/// A line that holds no blob, or could not be read. Displays in two lines: the fault, the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LineError {
    /// The reader failed. Nothing comes after it.
    #[error("line {number} cannot be read: {source}\nmend what it is read from, and begin again")]
    Read {
        /// The number of the line.
        number: u64,
        /// What the reader says.
        source: io::Error,
    },
    /// The line is longer than [`MAX_LINE_BYTES`].
    #[error(
        "line {number} is longer than {MAX_LINE_BYTES} bytes\ngive one blob or one JSON object on each line"
    )]
    TooLong {
        /// The number of the line.
        number: u64,
    },
    /// The line begins as JSON does, and is none, or has no blob in it.
    #[error(
        "line {number} is no JSON object with an `encrypted_matched_data`\ngive a blob, or the `Metadata` of an event, on each line"
    )]
    NoBlob {
        /// The number of the line.
        number: u64,
    },
}

impl<'a, R: BufRead> Lines<'a, R> {
    pub(super) const fn new(opener: &'a Opener, reader: R) -> Self {
        Self { opener, reader, line: Vec::new(), number: 0, ended: false }
    }

    /// Reads the next line; `false` behind the last one.
    fn advance(&mut self) -> Result<bool, LineError> {
        self.line.clear();
        self.number += 1;
        let number = self.number;
        let failed = |source| LineError::Read { number, source };
        // With its line end, a line of the longest kind has one or two bytes more.
        let bound = u64::try_from(MAX_LINE_BYTES + 2).unwrap_or(u64::MAX);
        let read = self.reader.by_ref().take(bound).read_until(b'\n', &mut self.line);
        if read.map_err(failed)? == 0 {
            return Ok(false);
        }
        let is_whole = self.line.ends_with(b"\n");
        if without_end(&self.line).len() <= MAX_LINE_BYTES {
            return Ok(true);
        }
        if !is_whole {
            self.reader.skip_until(b'\n').map_err(failed)?;
        }
        Err(LineError::TooLong { number })
    }

    /// What the line holds; `None` where it is empty.
    fn opened(&self) -> Option<Result<Line, LineError>> {
        let number = self.number;
        let text = self.line.trim_ascii();
        let opened = match text.first()? {
            b'{' => match self.open_metadata(text) {
                Some(opened) => opened,
                None => return Some(Err(LineError::NoBlob { number })),
            },
            _ => self.opener.open(without_end(&self.line), None),
        };
        Some(Ok(Line { number, opened }))
    }

    fn open_metadata(&self, text: &[u8]) -> Option<Result<Plaintext, Refused>> {
        let metadata: Value = serde_json::from_slice(text).ok()?;
        let blob = metadata.get("encrypted_matched_data")?.as_str()?;
        // One that is there and malformed is as good as none.
        let binding = metadata.get("binding").and_then(|binding| Binding::from_json(binding).ok());
        Some(self.opener.open(blob, binding.as_ref()))
    }
}

impl<R: BufRead> Iterator for Lines<'_, R> {
    type Item = Result<Line, LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = matches!(error, LineError::Read { .. });
                    return Some(Err(error));
                }
            }
            if let Some(line) = self.opened() {
                return Some(line);
            }
        }
        None
    }
}

fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
