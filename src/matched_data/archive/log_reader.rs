use std::fmt;
use std::io::{self, BufReader, Chain, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::limits::BLOCK_BYTES;

/// RFC 1952 §2.3.1.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A log as it comes: plain, or as gzip, told by its first two bytes. Of gzip all members are read, as they
/// follow each other where files were joined.
pub struct LogReader<R> {
    source: Source<R>,
    /// Met behind bytes that were still good.
    fault: Option<io::Error>,
}

/// What was read ahead to tell, then the rest.
type Whole<R> = Chain<Cursor<Vec<u8>>, R>;

enum Source<R> {
    Plain(Whole<R>),
    Gzip(Box<MultiGzDecoder<BufReader<Whole<R>>>>),
}

/// How a log is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// As gzip.
    Gzip,
}

impl<R: Read> LogReader<R> {
    /// Reads the first two bytes.
    ///
    /// # Errors
    ///
    /// That of `reader`.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut start = Vec::new();
        reader.by_ref().take(2).read_to_end(&mut start)?;
        let is_gzip = start == GZIP_MAGIC;
        let whole = Cursor::new(start).chain(reader);
        let source = if is_gzip {
            let buffered = BufReader::with_capacity(BLOCK_BYTES, whole);
            Source::Gzip(Box::new(MultiGzDecoder::new(buffered)))
        } else {
            Source::Plain(whole)
        };
        Ok(Self { source, fault: None })
    }

    /// How it is packed.
    #[must_use]
    pub const fn compression(&self) -> Compression {
        match self.source {
            Source::Plain(_) => Compression::None,
            Source::Gzip(_) => Compression::Gzip,
        }
    }

    /// Adds the next bytes to `bytes`, and says how many they are; none at the end. Of what is plain, one
    /// read: a pipe that pauses holds back nothing that is there.
    pub(super) fn read_block(&mut self, bytes: &mut Vec<u8>) -> io::Result<usize> {
        let before = bytes.len();
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        bytes.resize(before + BLOCK_BYTES, 0);
        let mut filled = before;
        loop {
            let read = self.read(bytes.get_mut(filled..).unwrap_or_default());
            match read {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.fault = Some(error);
                    break;
                }
            }
            if matches!(self.source, Source::Plain(_)) {
                break;
            }
        }
        bytes.truncate(filled);
        match self.fault.take() {
            Some(fault) if filled == before => Err(fault),
            fault => {
                self.fault = fault;
                Ok(filled - before)
            }
        }
    }
}

impl<R: Read> Read for LogReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.source {
            Source::Plain(reader) => reader.read(buffer),
            Source::Gzip(reader) => reader.read(buffer),
        }
    }
}

impl<R> fmt::Debug for LogReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_gzip = matches!(self.source, Source::Gzip(_));
        f.debug_struct("LogReader").field("is_gzip", &is_gzip).finish_non_exhaustive()
    }
}
