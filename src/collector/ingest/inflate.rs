//! What a body says once it is inflated, within bounds.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use axum::http::{HeaderMap, StatusCode, header};
use flate2::bufread::MultiGzDecoder;

use super::body::BodyReader;
use super::fault::Fault;
use crate::collector::api::Problem;
use crate::collector::limits::{MAX_BATCH_BYTES, MAX_INFLATE_RATIO, MAX_ZSTD_WINDOW_LOG};

/// How far a body may inflate before its ratio counts: what an empty page of a log takes.
const RATIO_FROM_BYTES: u64 = 1 << 20;
/// How much of a packed body may say nothing, before it has to say at least half of its length: packing adds a
/// thousandth, and twenty bytes a member.
const EMPTY_BYTES: u64 = 1 << 20;
/// The longest mark that a packed body begins with.
const MAGIC_BYTES: usize = 4;

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Zstd,
    /// As its first bytes say: Logpush sends a gzipped file with and without the header.
    ByMagic,
}

impl Coding {
    /// What `content-encoding` names.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut values = headers.get_all(header::CONTENT_ENCODING).iter();
        let coding = match (values.next(), values.next()) {
            (None, _) => Some(Self::Identity),
            (Some(one), None) => match one.as_bytes().to_ascii_lowercase().trim_ascii() {
                b"" | b"identity" => Some(Self::Identity),
                b"gzip" | b"x-gzip" => Some(Self::Gzip),
                b"zstd" => Some(Self::Zstd),
                _ => None,
            },
            _ => None,
        };
        coding.ok_or_else(|| {
            let code = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Problem::new(
                code,
                "content-encoding",
                "the body is packed in another way",
                "send it as gzip, zstd or identity",
            )
        })
    }
}

/// A body, inflated: bounded in length and in ratio.
///
/// Several gzip members or zstd frames in a row are one text (RFC 1952 §2.2, RFC 8878 §3); what follows
/// the last of them and is none is refused.
pub(super) struct Inflated {
    source: Source,
    wire: Rc<Cell<u64>>,
    said: Rc<Cell<u64>>,
    bytes: u64,
}

enum Source {
    Identity(Counted),
    Gzip(Box<MultiGzDecoder<Counted>>),
    Zstd(zstd::stream::read::Decoder<'static, Counted>),
}

impl Inflated {
    pub(super) fn new(mut body: BodyReader, coding: Coding) -> Result<Self, Fault> {
        let coding = match coding {
            Coding::ByMagic => by_magic(body.peek(MAGIC_BYTES)?),
            named => named,
        };
        let (wire, said) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let counted = Counted { body, wire: Rc::clone(&wire), said: Rc::clone(&said) };
        let source = match coding {
            Coding::Gzip => Source::Gzip(Box::new(MultiGzDecoder::new(counted))),
            Coding::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(counted)?;
                decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
                Source::Zstd(decoder)
            }
            Coding::Identity | Coding::ByMagic => Source::Identity(counted),
        };
        Ok(Self { source, wire, said, bytes: 0 })
    }

    /// Inflated bytes so far.
    pub(super) const fn inflated(&self) -> u64 {
        self.bytes
    }
}

impl Read for Inflated {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.source {
            Source::Identity(body) => body.read(into)?,
            Source::Gzip(decoder) => decoder.read(into)?,
            Source::Zstd(decoder) => decoder.read(into)?,
        };
        self.bytes = self.bytes.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
        self.said.set(self.bytes);
        if self.bytes > MAX_BATCH_BYTES {
            return Err(Fault::TooLong.into_io());
        }
        if self.bytes > RATIO_FROM_BYTES && self.bytes / MAX_INFLATE_RATIO > self.wire.get() {
            return Err(Fault::Bomb.into_io());
        }
        Ok(read)
    }
}

/// RFC 1952 §2.3.1, RFC 8878 §3.1.1. A line of JSON begins with neither.
fn by_magic(start: &[u8]) -> Coding {
    match start {
        [0x1f, 0x8b, ..] => Coding::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Coding::Zstd,
        _ => Coding::Identity,
    }
}

/// A body that tells how much of it was taken, and ends where that says nothing.
struct Counted {
    body: BodyReader,
    wire: Rc<Cell<u64>>,
    /// What was inflated of it before.
    said: Rc<Cell<u64>>,
}

impl Counted {
    /// Empty members can follow one another for ever: a decoder reads on until one is not.
    fn check(&self) -> io::Result<()> {
        let said = self.said.get().saturating_mul(2).saturating_add(EMPTY_BYTES);
        if self.wire.get() > said { Err(Fault::Encoding.into_io()) } else { Ok(()) }
    }
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.check()?;
        self.body.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.body.consume(bytes);
        self.wire.set(self.body.taken());
    }
}

impl Read for Counted {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        let read = self.body.read(into)?;
        self.wire.set(self.body.taken());
        Ok(read)
    }
}
