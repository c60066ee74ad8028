//! The records of a body, one at a time, none of them longer than a line may be.

use std::io::{self, Read};

use memchr::{memchr, memchr_iter};
use zeroize::Zeroizing;

use super::fault::Fault;
use super::scan::Scan;
use crate::collector::api::Problem;
use crate::collector::limits::{MAX_BATCH_LINES, MAX_LINE_BYTES};

/// Bytes that one read may bring.
const READ_BYTES: usize = 64 << 10;
/// Bytes within which `{"events":[` stands, white space included.
const OPENING_BYTES: usize = 256;
/// UTF-8's mark, which some senders put in front; it is no part of a line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One record of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Record<'r> {
    /// Its text, without white space around it; not empty.
    Text(&'r [u8]),
    /// It is longer than [`MAX_LINE_BYTES`]: so many bytes were thrown away.
    TooLong(u64),
    /// What stands here is no element of an array, and so nothing behind it is: so many bytes are left.
    Broken(u64),
}

/// How strictly arrays are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Commas {
    /// One between two elements, and nothing behind the end.
    Strict,
    /// Any number of them, and whatever a sender may be told to append to its batches.
    Any,
}

/// Calls `act` with each record of a body and its number: lines, the elements of an array, or those of
/// `{"events":[...]}`.
///
/// Records count from 1: lines as an editor counts them, elements one by one. In whatever pieces the body
/// comes, they are the same.
///
/// # Errors
///
/// What the sender is told: `too-many-lines` beyond [`MAX_BATCH_LINES`], `encoding` where `body` cannot be read.
pub fn records<R, A>(body: R, commas: Commas, mut act: A) -> Result<(), Problem>
where
    R: Read,
    A: FnMut(u64, Record<'_>),
{
    let mut records = Records::new(body, commas);
    while let Some((number, record)) = records.next().map_err(Fault::from)? {
        act(number, record);
    }
    Ok(())
}

/// Splits a body, as [`records`] says.
pub(super) struct Records<R> {
    source: R,
    /// It may have held clear text.
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
    is_over: bool,
    form: Form,
    commas: Commas,
    number: u64,
    /// Line breaks that were passed over, before it was known that there are lines.
    blank_lines: u64,
    lines: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing but white space was seen.
    Unknown,
    Lines,
    /// In an array; behind its first element, or not; within `{"events":`, or not.
    Array {
        is_first: bool,
        is_wrapped: bool,
    },
    /// Behind the array.
    Behind {
        is_wrapped: bool,
    },
    /// What is left is read, for its hash, and thrown away.
    Over,
}

impl<R: Read> Records<R> {
    pub(super) fn new(source: R, commas: Commas) -> Self {
        let buffer = Zeroizing::new(vec![0; MAX_LINE_BYTES + 1 + READ_BYTES]);
        Self {
            source,
            buffer,
            start: 0,
            end: 0,
            is_over: false,
            form: Form::Unknown,
            commas,
            number: 0,
            blank_lines: 0,
            lines: 0,
        }
    }

    /// The source, once all is read.
    pub(super) fn into_source(self) -> R {
        self.source
    }

    /// The next record with its number, `None` at the end of the body.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Record<'_>)>> {
        let found = loop {
            let found = match self.form {
                Form::Unknown => {
                    self.begin()?;
                    None
                }
                Form::Lines => match self.line()? {
                    None => return Ok(None),
                    found => found,
                },
                Form::Array { .. } => self.element()?,
                Form::Behind { is_wrapped } => self.behind(is_wrapped)?,
                Form::Over => {
                    self.drain()?;
                    return Ok(None);
                }
            };
            if let Some(found) = found {
                break found;
            }
        };
        self.lines += 1;
        if self.lines > MAX_BATCH_LINES {
            return Err(Fault::TooManyLines.into_io());
        }
        let number = self.number;
        let record = match found {
            Found::Text { from, to } => Record::Text(self.buffer.get(from..to).unwrap_or_default()),
            Found::TooLong(bytes) => Record::TooLong(bytes),
            Found::Broken(bytes) => Record::Broken(bytes),
        };
        Ok(Some((number, record)))
    }

    /// Looks at how the body begins.
    fn begin(&mut self) -> io::Result<()> {
        while self.end - self.start < OPENING_BYTES && self.fill()? {}
        if self.number == 0 && self.held().starts_with(BYTE_ORDER_MARK) {
            self.start += BYTE_ORDER_MARK.len();
        }
        let Some(first) = self.skip_blank(|_| false)? else {
            self.form = Form::Over;
            return Ok(());
        };
        while self.end - self.start < OPENING_BYTES && self.fill()? {}
        // No more than that, however much came at once.
        let opening = self.held().get(..OPENING_BYTES).unwrap_or_else(|| self.held());
        self.form = match (first, wrapper_bytes(opening)) {
            (b'[', _) => {
                self.start += 1;
                Form::Array { is_first: true, is_wrapped: false }
            }
            (_, Some(bytes)) => {
                self.start += bytes;
                Form::Array { is_first: true, is_wrapped: true }
            }
            _ => {
                self.number += self.blank_lines;
                Form::Lines
            }
        };
        Ok(())
    }

    /// The next line that is not blank.
    fn line(&mut self) -> io::Result<Option<Found>> {
        let mut looked_at = 0;
        loop {
            let unseen = self.held().get(looked_at..).unwrap_or_default();
            let line_bytes = match memchr(b'\n', unseen) {
                Some(at) => looked_at + at,
                None if self.end - self.start > MAX_LINE_BYTES => {
                    match self.skip_line()? {
                        0 => {}
                        bytes => return Ok(Some(Found::TooLong(bytes))),
                    }
                    looked_at = 0;
                    continue;
                }
                None => {
                    looked_at = self.end - self.start;
                    if self.fill()? {
                        continue;
                    }
                    if looked_at == 0 {
                        return Ok(None);
                    }
                    looked_at
                }
            };
            self.number += 1;
            let from = self.start;
            let to = from + line_bytes;
            self.start = (to + 1).min(self.end);
            looked_at = 0;
            let line = self.buffer.get(from..to).unwrap_or_default();
            let text = line.trim_ascii_start();
            let (lead, text_bytes) = (line.len() - text.len(), text.trim_ascii_end().len());
            if text_bytes > 0 && line_bytes > MAX_LINE_BYTES {
                return Ok(Some(Found::TooLong(u64::try_from(line_bytes).unwrap_or(u64::MAX))));
            }
            if text_bytes > 0 {
                return Ok(Some(Found::Text { from: from + lead, to: from + lead + text_bytes }));
            }
        }
    }

    /// Throws a line away that does not fit, and says how long it was: 0 if it was blank.
    fn skip_line(&mut self) -> io::Result<u64> {
        let (mut bytes, mut is_blank) = (0_u64, true);
        self.number += 1;
        loop {
            let held = self.held();
            let end = memchr(b'\n', held);
            let line = held.get(..end.unwrap_or(held.len())).unwrap_or_default();
            bytes += u64::try_from(line.len()).unwrap_or(u64::MAX);
            is_blank &= line.trim_ascii().is_empty();
            self.start = match end {
                Some(at) => self.start + at + 1,
                None => self.end,
            };
            if end.is_some() || !self.fill()? {
                return Ok(if is_blank { 0 } else { bytes });
            }
        }
    }

    /// The next element of an array.
    fn element(&mut self) -> io::Result<Option<Found>> {
        let Form::Array { is_first, is_wrapped } = self.form else { return Ok(None) };
        let any = self.commas == Commas::Any;
        let Some(next) = self.skip_blank(|byte| any && byte == b',')? else { return self.broken() };
        if next == b']' {
            self.start += 1;
            self.form = Form::Behind { is_wrapped };
            return Ok(None);
        }
        if !is_first && !any {
            if next != b',' {
                return self.broken();
            }
            self.start += 1;
            match self.skip_blank(|_| false)? {
                Some(b']') | None => return self.broken(),
                Some(_) => {}
            }
        }
        self.form = Form::Array { is_first: false, is_wrapped };
        match self.held().first() {
            Some(b'{' | b'[') => self.value(),
            _ => self.scalar(),
        }
    }

    /// An object or array, which begins here.
    fn value(&mut self) -> io::Result<Option<Found>> {
        let (mut scan, mut thrown_away) = (Scan::default(), 0_u64);
        self.number += 1;
        loop {
            if let Some(bytes) = scan.end(self.held()) {
                let from = self.start;
                self.start += bytes;
                let length = thrown_away + u64::try_from(bytes).unwrap_or(u64::MAX);
                let is_long = thrown_away > 0 || bytes > MAX_LINE_BYTES;
                return Ok(Some(if is_long {
                    Found::TooLong(length)
                } else {
                    Found::Text { from, to: from + bytes }
                }));
            }
            if self.end - self.start > MAX_LINE_BYTES {
                thrown_away += u64::try_from(self.end - self.start).unwrap_or(u64::MAX);
                self.start = self.end;
                scan.forget();
            }
            if !self.fill()? {
                self.number -= 1;
                return self.broken_after(thrown_away);
            }
        }
    }

    /// Anything else up to a comma, a bracket or white space: no event, but where it ends is known.
    fn scalar(&mut self) -> io::Result<Option<Found>> {
        let ends = |byte: &u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
        let mut looked_at = 0;
        loop {
            let unseen = self.held().get(looked_at..).unwrap_or_default();
            let bytes = unseen.iter().position(ends).map(|at| looked_at + at);
            looked_at = self.end - self.start;
            if let Some(bytes) = bytes.filter(|bytes| (1..=MAX_LINE_BYTES).contains(bytes)) {
                let from = self.start;
                self.start += bytes;
                self.number += 1;
                return Ok(Some(Found::Text { from, to: self.start }));
            }
            let is_stuck = bytes.is_some() || self.end - self.start > MAX_LINE_BYTES;
            if is_stuck || !self.fill()? {
                return self.broken();
            }
        }
    }

    /// What follows the array.
    fn behind(&mut self, is_wrapped: bool) -> io::Result<Option<Found>> {
        let any = self.commas == Commas::Any;
        match self.skip_blank(|byte| any && matches!(byte, b'}' | b']' | b','))? {
            None if is_wrapped && !any => self.broken(),
            None => {
                self.form = Form::Over;
                Ok(None)
            }
            Some(b'}') if is_wrapped => {
                self.start += 1;
                self.form = Form::Behind { is_wrapped: false };
                Ok(None)
            }
            Some(_) if any => {
                self.form = Form::Unknown;
                Ok(None)
            }
            Some(_) => self.broken(),
        }
    }

    /// The rest of the body is no list of records: it counts as one, which is at fault.
    fn broken(&mut self) -> io::Result<Option<Found>> {
        self.broken_after(0)
    }

    /// The same, where so many bytes of it are thrown away already.
    fn broken_after(&mut self, thrown_away: u64) -> io::Result<Option<Found>> {
        self.form = Form::Over;
        self.number += 1;
        let bytes = thrown_away + self.drain()?;
        Ok(Some(Found::Broken(bytes)))
    }

    fn drain(&mut self) -> io::Result<u64> {
        let mut bytes = 0;
        loop {
            bytes += u64::try_from(self.end - self.start).unwrap_or(u64::MAX);
            self.start = self.end;
            if !self.fill()? {
                return Ok(bytes);
            }
        }
    }

    /// Passes over white space, and what else may be passed over, and looks at the next byte.
    fn skip_blank(&mut self, also: impl Fn(u8) -> bool) -> io::Result<Option<u8>> {
        loop {
            let is_ink = |byte: &u8| !byte.is_ascii_whitespace() && !also(*byte);
            let held = self.held();
            let (at, bytes) = (held.iter().position(is_ink), held.len());
            let blank = held.get(..at.unwrap_or(bytes)).unwrap_or_default();
            let (breaks, blank_bytes) = (memchr_iter(b'\n', blank).count(), blank.len());
            self.blank_lines += u64::try_from(breaks).unwrap_or(0);
            self.start += blank_bytes;
            if at.is_some() {
                return Ok(self.held().first().copied());
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn held(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }

    /// Reads more; `false` at the end of the body. What is held stays, no more than a line of it.
    fn fill(&mut self) -> io::Result<bool> {
        if self.is_over {
            return Ok(false);
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.buffer.len() - self.end < READ_BYTES {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let room = self.buffer.get_mut(self.end..).unwrap_or_default();
        let read = self.source.read(room)?;
        self.end += read;
        self.is_over = read == 0;
        Ok(read > 0)
    }
}

enum Found {
    Text { from: usize, to: usize },
    TooLong(u64),
    Broken(u64),
}

/// How many bytes `{"events":[` has at the start of a text, with white space anywhere in it.
fn wrapper_bytes(text: &[u8]) -> Option<usize> {
    let mut rest = text;
    for token in [b"{".as_slice(), b"\"events\"", b":", b"["] {
        rest = rest.trim_ascii_start().strip_prefix(token)?;
    }
    Some(text.len() - rest.len())
}
