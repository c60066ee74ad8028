//! A log in blocks of whole events.

use std::io::Read;
use std::mem;
use std::ops::Range;

use memchr::{memchr_iter, memrchr};

use super::LogFormat;
use super::elements::Splitter;
use super::error::ArchiveError;
use super::limits::MAX_DOCUMENT_BYTES;
use super::log_reader::LogReader;

/// Bytes of a log, and where events stand in them; the rest of them is between events.
#[derive(Debug, Default)]
pub(super) struct Block {
    pub(super) bytes: Vec<u8>,
    pub(super) events: Vec<Event>,
    /// Where it stands in the log.
    pub(super) offset: u64,
    pub(super) kind: Kind,
}

/// An event in a block.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) place: Range<usize>,
    /// Its number in the log: of its line, or of the element, from 1.
    pub(super) number: u64,
}

/// What the events of a block are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Lines, each on its own.
    #[default]
    Lines,
    /// Of one document, which is broken if one of them is.
    Elements,
    /// The whole document, with any number of events in it.
    Whole,
}

/// Reads blocks. Ends with the log, or the first error.
pub(super) struct Feed<R> {
    reader: LogReader<R>,
    max_event_bytes: usize,
    /// What was read of an event that has not ended.
    rest: Vec<u8>,
    /// Lines, or elements, that were met.
    met: u64,
    bytes_before: u64,
    splitter: Option<Splitter>,
    has_ended: bool,
}

impl<R: Read> Feed<R> {
    pub(super) fn new(reader: LogReader<R>, format: LogFormat, max_event_bytes: usize) -> Self {
        Self {
            reader,
            max_event_bytes,
            rest: Vec::new(),
            met: 0,
            bytes_before: 0,
            splitter: (format == LogFormat::Json).then(Splitter::default),
            has_ended: false,
        }
    }

    fn block(&mut self) -> Result<Option<Block>, ArchiveError> {
        let mut block = Block { bytes: mem::take(&mut self.rest), ..Block::default() };
        loop {
            let start = block.bytes.len();
            let read = self.reader.read_block(&mut block.bytes).map_err(ArchiveError::Read)?;
            self.has_ended = read == 0;
            let cut = match &mut self.splitter {
                None => split_lines(&mut block, start, self.has_ended, &mut self.met),
                Some(splitter) => splitter
                    .split(&mut block, start, self.has_ended, &mut self.met)
                    .map_err(|at| ArchiveError::NotJson { byte: self.bytes_before + wide(at) })?,
            };
            let limit = match block.kind {
                Kind::Whole => MAX_DOCUMENT_BYTES,
                Kind::Lines | Kind::Elements => self.max_event_bytes,
            };
            let longer = block.events.iter().find(|event| event.place.len() > limit);
            if let Some(Event { number: event, .. }) = longer {
                return Err(ArchiveError::TooLong { event: *event, limit });
            }
            if block.bytes.len() - cut > limit {
                return Err(ArchiveError::TooLong { event: self.met + 1, limit });
            }
            if cut > 0 || self.has_ended {
                self.rest = block.bytes.split_off(cut);
                break;
            }
        }
        block.offset = self.bytes_before;
        self.bytes_before += wide(block.bytes.len());
        Ok((!block.bytes.is_empty()).then_some(block))
    }
}

impl<R: Read> Iterator for Feed<R> {
    type Item = Result<Block, ArchiveError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let block = self.block();
        self.has_ended |= block.is_err();
        block.transpose()
    }
}

/// Adds the lines that end behind `start` and are not blank, and says where the last of them does.
fn split_lines(block: &mut Block, start: usize, is_end: bool, met: &mut u64) -> usize {
    let added = block.bytes.get(start..).unwrap_or_default();
    let cut = match memrchr(b'\n', added) {
        _ if is_end => block.bytes.len(),
        Some(last) => start + last + 1,
        None => 0,
    };
    let lines = block.bytes.get(..cut).unwrap_or_default();
    let ends = memchr_iter(b'\n', lines).chain((!lines.ends_with(b"\n")).then_some(cut));
    let mut from = 0;
    for end in ends.filter(|_| cut > 0) {
        *met += 1;
        let place = from..end;
        if !lines.get(place.clone()).unwrap_or_default().trim_ascii().is_empty() {
            block.events.push(Event { place, number: *met });
        }
        from = end + 1;
    }
    cut
}

/// Lengths in memory are lengths of a log.
pub(super) fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let bytes = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(bytes);
            buffer[..bytes].copy_from_slice(now);
            self.0 = later;
            Ok(bytes)
        }
    }

    fn events(text: &str, format: LogFormat, at_a_time: usize) -> Result<Vec<String>, String> {
        let reader = LogReader::new(Drip(text.as_bytes(), at_a_time)).unwrap();
        let (mut events, mut whole) = (Vec::new(), Vec::new());
        for block in Feed::new(reader, format, 64) {
            let block = block.map_err(|error| error.to_string())?;
            assert_eq!(block.offset, wide(whole.len()));
            for Event { place, number } in block.events {
                let event = String::from_utf8(block.bytes[place].to_vec()).unwrap();
                events.push(format!("{number} {event}"));
            }
            whole.extend_from_slice(&block.bytes);
        }
        assert_eq!(String::from_utf8(whole).unwrap(), text, "{at_a_time} at a time");
        Ok(events)
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        for (text, lines) in [
            ("", vec![]),
            ("a", vec!["1 a"]),
            ("a\n", vec!["1 a"]),
            ("\n\t\na\r\n\nbc", vec!["3 a\r", "5 bc"]),
            ("\n \r\n ", vec![]),
        ] {
            for at_a_time in 1..8 {
                assert_eq!(events(text, LogFormat::Jsonl, at_a_time).unwrap(), lines, "{text:?}");
            }
        }
    }

    #[test]
    fn elements_are_whole_however_they_come() {
        for (text, elements) in [
            ("[]", vec![]),
            (" [ ] \n", vec![]),
            ("[1]", vec!["1 1"]),
            (
                "\u{feff}[ {\"a\": [1, 2]} ,\n \"],[\\\"\" , [[]]\n]\n",
                vec!["1 {\"a\": [1, 2]}", "2 \"],[\\\"\"", "3 [[]]"],
            ),
            ("\u{feff}{\"a\": [1]}\n", vec!["1 {\"a\": [1]}\n"]),
            ("{} {}", vec!["1 {} {}"]), // what is wrong with it shows when it is read
        ] {
            for at_a_time in 1..8 {
                assert_eq!(events(text, LogFormat::Json, at_a_time).unwrap(), elements, "{text:?}");
            }
        }
    }

    #[test]
    fn broken_arrays_are_faults() {
        for (text, byte) in [
            ("", 0),
            (" ", 1),
            ("[", 1),
            ("[1", 2),
            ("[1,", 3),
            ("[1,]", 3),
            ("[,1]", 1),
            ("[1]]", 3),
            ("[1] {}", 4),
            ("[\"a]", 4),
        ] {
            for at_a_time in 1..8 {
                let fault = events(text, LogFormat::Json, at_a_time).unwrap_err();
                assert!(fault.starts_with(&format!("byte {byte} ")), "{text:?}: {fault}");
            }
        }
    }

    #[test]
    fn no_event_is_longer_than_the_limit() {
        let long = "x".repeat(65);
        for at_a_time in [1, 7, 1_000] {
            let lines = events(&format!("a\nb\n{long}\nc"), LogFormat::Jsonl, at_a_time);
            assert!(lines.unwrap_err().starts_with("event 3 is longer than 64 bytes\n"));
            assert!(events(&format!("a\n{}\n", &long[1..]), LogFormat::Jsonl, at_a_time).is_ok());
            let elements = events(&format!("[1, {long}, 2]"), LogFormat::Json, at_a_time);
            assert!(elements.unwrap_err().starts_with("event 2 is longer than 64 bytes\n"));
        }
    }
}
