//! Where events go once they are sealed.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc::SyncSender;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Takes events that are sealed, one at a time, in the order in which they were sealed.
///
/// A sink is called on the thread that seals: one that takes long makes events wait, then lost and
/// counted. It never makes a request wait. One that panics loses the event that it was given, and is
/// called for the next.
///
/// With the feature `ship`, a [`Shipper`](crate::ship::Shipper) is one. So are closures, the sender of a
/// channel, and [`NdjsonSink`].
pub trait EventSink: Send + Sync + 'static {
    /// Takes an event: one JSON object on one line, without its end.
    ///
    /// # Errors
    ///
    /// [`NotTaken`] when it is lost; it is counted then.
    fn take(&self, event: Bytes) -> Result<(), NotTaken>;
}

/// A sink did not take an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the sink did not take the event\nlook at where events go")]
pub struct NotTaken;

impl<F> EventSink for F
where
    F: Fn(Bytes) -> Result<(), NotTaken> + Send + Sync + 'static,
{
    fn take(&self, event: Bytes) -> Result<(), NotTaken> {
        self(event)
    }
}

impl EventSink for SyncSender<Bytes> {
    fn take(&self, event: Bytes) -> Result<(), NotTaken> {
        self.try_send(event).map_err(|_| NotTaken)
    }
}

impl EventSink for tokio::sync::mpsc::Sender<Bytes> {
    fn take(&self, event: Bytes) -> Result<(), NotTaken> {
        self.try_send(event).map_err(|_| NotTaken)
    }
}

/// The shipper counts what it does not take by reason.
#[cfg(feature = "ship")]
impl EventSink for crate::ship::Shipper {
    fn take(&self, event: Bytes) -> Result<(), NotTaken> {
        self.ship(event).map_err(|_| NotTaken)
    }
}

/// Writes events as NDJSON, each with one call. A line that a full disk has cut stays alone.
pub struct NdjsonSink<W> {
    lines: Mutex<Lines<W>>,
}

struct Lines<W> {
    writer: W,
    /// A line was begun, and could not be written to its end.
    is_torn: bool,
}

impl<W: Write> NdjsonSink<W> {
    /// A sink that writes to `writer`, such as [`std::io::stdout`].
    #[must_use]
    pub const fn new(writer: W) -> Self {
        Self { lines: Mutex::new(Lines { writer, is_torn: false }) }
    }
}

impl NdjsonSink<File> {
    /// A sink that writes to the end of a file, which is made if it is not there, for this user alone.
    ///
    /// # Errors
    ///
    /// [`io::Error`] when it cannot be opened.
    pub fn append(path: impl AsRef<Path>) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self::new(options.open(path)?))
    }
}

impl<W: Write + Send + 'static> EventSink for NdjsonSink<W> {
    fn take(&self, event: Bytes) -> Result<(), NotTaken> {
        // What a panic elsewhere left is still a writer.
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Lines { writer, is_torn } = &mut *lines;
        // A part of an event that was lost takes none with it.
        let start: &[u8] = if *is_torn { b"\n" } else { b"" };
        let line = [start, &event, b"\n"].concat();
        *is_torn = true;
        writer.write_all(&line).and_then(|()| writer.flush()).map_err(|_| NotTaken)?;
        *is_torn = false;
        Ok(())
    }
}

impl<W> fmt::Debug for NdjsonSink<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NdjsonSink").finish_non_exhaustive()
    }
}
