//! Amazon Data Firehose: `{"requestId": …, "timestamp": …, "records": [{"data": base64}, …]}`.
//!
//! The object is read as it comes: one record at a time is in memory. A record holds one line or several.
//! Source: docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use base64ct::{Base64, Encoding};
use memchr::{memchr, memmem};
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use zeroize::Zeroizing;

use super::fault::Fault;
use super::id::BodyHash;
use super::inflate::Inflated;
use super::raw;
use super::records::Record;
use super::rules::Unread;
use super::taking::Taking;
use crate::collector::api::Problem;
use crate::collector::catalogue::QuarantineCode;
use crate::collector::limits::{MAX_FIREHOSE_RECORD_BYTES, MAX_LINE_BYTES};

/// Calls `act` with each line in the records of Firehose's object, and its number from 1.
///
/// `request_id` is what the header names: the object has to name the same. In whatever pieces the body comes, the
/// lines are the same. What stood before a fault was acted on by then.
///
/// # Errors
///
/// What the sender is told: `form` where the object is another, or a record is too long or comes from CloudWatch
/// Logs, `encoding` where `body` cannot be read.
pub fn firehose<R, A>(mut body: R, request_id: &str, act: A) -> Result<(), Problem>
where
    R: Read,
    A: FnMut(u64, Record<'_>),
{
    Ok(walk(&mut body, request_id, &mut Shown(act))?)
}

/// Reads a body to its end: the hash of its records, and its inflated length.
///
/// The hash is over the decoded records, each behind its length: the object around them carries a time that
/// changes when Firehose tries again.
pub(super) fn read(
    mut body: Inflated,
    request_id: &str,
    hash: BodyHash,
    taking: &mut Taking<'_>,
) -> Result<([u8; 32], u64), Fault> {
    let mut taken = Taken { hash, taking };
    walk(&mut body, request_id, &mut taken)?;
    Ok((taken.hash.finish(), body.inflated()))
}

fn walk<S: Sink>(body: &mut impl Read, request_id: &str, sink: &mut S) -> Result<(), Fault> {
    let left = Rc::new(Cell::new(MAX_FIREHOSE_RECORD_BYTES));
    let bounded = Bounded { body, left: Rc::clone(&left) };
    let mut reading =
        Reading { sink, left, fault: None, lines: 0, request_id: None, has_records: false };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(bounded));
    let read = json.deserialize_map(Request(&mut reading)).and_then(|()| json.end());
    if let Some(fault) = reading.fault.take() {
        return Err(fault);
    }
    if let Err(error) = read {
        return Err(if error.is_io() { io::Error::from(error).into() } else { FORM });
    }
    if reading.request_id.as_deref() != Some(request_id) {
        return Err(Fault::Form(
            "requestId is not what x-amz-firehose-request-id says: send both alike",
        ));
    }
    if reading.has_records { Ok(()) } else { Err(FORM) }
}

const FORM: Fault =
    Fault::Form("send Firehose's JSON: requestId, timestamp and records, each with data in base64");

/// Of what CloudWatch Logs passes on, no line is a log of WAF's: answered 200, all of it would be lost.
const FROM_CLOUDWATCH: Fault = Fault::Form(
    "these are records of CloudWatch Logs: choose the stream in AWS WAF itself as its log's destination, or let \
     Firehose decompress them and extract their messages",
);
/// RFC 1952 §2.3.1.
const GZIP: &[u8] = b"\x1f\x8b";

/// Whether a record is one of CloudWatch Logs: packed, or an object with `logEvents`.
fn is_from_cloudwatch(record: &[u8]) -> bool {
    if record.starts_with(GZIP) {
        return true;
    }
    if memmem::find(record, b"\"logEvents\"").is_none() {
        return false;
    }
    // A stranger may have written that in a request. Members of the object itself are nobody's but AWS's.
    let mut is_it = false;
    let Ok(text) = str::from_utf8(record) else { return false };
    let _ = raw::members(text, |name, _| {
        is_it |= name.0 == "logEvents";
        Ok(())
    });
    is_it
}

/// Where records go.
trait Sink {
    /// Takes the data of a record, before its lines.
    fn data(&mut self, bytes: &[u8]);

    /// Takes a line of it.
    fn line(&mut self, number: u64, line: Record<'_>) -> Result<(), Fault>;
}

/// Into a batch, and its hash.
struct Taken<'r, 'j> {
    hash: BodyHash,
    taking: &'r mut Taking<'j>,
}

impl Sink for Taken<'_, '_> {
    fn data(&mut self, bytes: &[u8]) {
        self.hash.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.hash.update(bytes);
    }

    fn line(&mut self, number: u64, line: Record<'_>) -> Result<(), Fault> {
        let (code, bytes) = match line {
            Record::Text(text) => return self.taking.line(number, text),
            Record::TooLong(bytes) => (QuarantineCode::TooLong, bytes),
            Record::Broken(bytes) => (QuarantineCode::NotJson, bytes),
        };
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.taking.unread(number, Unread::Line(code), bytes)
    }
}

/// To whoever asked for the lines alone.
struct Shown<A>(A);

impl<A: FnMut(u64, Record<'_>)> Sink for Shown<A> {
    fn data(&mut self, _: &[u8]) {}

    fn line(&mut self, number: u64, line: Record<'_>) -> Result<(), Fault> {
        (self.0)(number, line);
        Ok(())
    }
}

/// What is known while the body is read.
struct Reading<'s, S> {
    sink: &'s mut S,
    left: Rc<Cell<u64>>,
    fault: Option<Fault>,
    lines: u64,
    request_id: Option<String>,
    has_records: bool,
}

impl<S: Sink> Reading<'_, S> {
    /// Takes the lines of one record.
    fn record(&mut self, data: &str) -> Result<(), Fault> {
        let bytes = Zeroizing::new(Base64::decode_vec(data).map_err(|_| FORM)?);
        if is_from_cloudwatch(&bytes) {
            return Err(FROM_CLOUDWATCH);
        }
        self.sink.data(&bytes);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default().trim_ascii();
            rest = rest.get(end + 1..).unwrap_or_default();
            if line.is_empty() {
                continue;
            }
            self.lines += 1;
            let line = if line.len() > MAX_LINE_BYTES {
                Record::TooLong(u64::try_from(line.len()).unwrap_or(u64::MAX))
            } else {
                Record::Text(line)
            };
            self.sink.line(self.lines, line)?;
        }
        Ok(())
    }

    fn settle<E: serde::de::Error>(&mut self, taken: Result<(), Fault>) -> Result<(), E> {
        self.left.set(MAX_FIREHOSE_RECORD_BYTES);
        taken.map_err(|fault| {
            self.fault = Some(fault);
            E::custom("")
        })
    }
}

struct Request<'a, 's, S>(&'a mut Reading<'s, S>);

impl<'de, S: Sink> Visitor<'de> for Request<'_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Firehose's object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "requestId" if self.0.request_id.is_none() => {
                    self.0.request_id = Some(map.next_value()?)
                }
                "records" if !self.0.has_records => {
                    self.0.has_records = true;
                    map.next_value_seed(Records(self.0))?;
                }
                "requestId" | "records" => return Err(A::Error::custom("")),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

struct Records<'a, 's, S>(&'a mut Reading<'s, S>);

impl<'de, S: Sink> DeserializeSeed<'de> for Records<'_, '_, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S: Sink> Visitor<'de> for Records<'_, '_, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        #[derive(Deserialize)]
        struct Record {
            data: Zeroizing<String>,
        }
        while let Some(record) = list.next_element::<Record>()? {
            let taken = self.0.record(&record.data);
            self.0.settle(taken)?;
        }
        Ok(())
    }
}

/// A body of which no more than a record is read at once, give or take a buffer.
///
/// It fills the buffer, so that what counts for a record does not depend on how the body comes in pieces.
struct Bounded<R> {
    body: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(rest) = into.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.body.read(rest)? {
                0 => break,
                read => filled += read,
            }
        }
        let bytes = u64::try_from(filled).unwrap_or(u64::MAX);
        match self.left.get().checked_sub(bytes) {
            Some(left) => self.left.set(left),
            None => return Err(Fault::Form("a record is longer than Firehose's may be").into_io()),
        }
        Ok(filled)
    }
}
