//! Amazon Data Firehose: `{"requestId": …, "timestamp": …, "records": [{"data": base64}, …]}`.
//!
//! The object is read as it comes: one record at a time is in memory. A record holds one line or several.
//! Source: docs.aws.amazon.com/firehose/latest/dev/httpdeliveryrequestresponse.html.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::rc::Rc;

use base64ct::{Base64, Encoding};
use memchr::memchr;
use serde::Deserialize;
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use zeroize::Zeroizing;

use super::batch::Taking;
use super::fault::Fault;
use super::id::BodyHash;
use super::inflate::Inflated;
use super::rules::Unread;
use crate::collector::catalogue::QuarantineCode;
use crate::collector::limits::{MAX_FIREHOSE_RECORD_BYTES, MAX_LINE_BYTES};

/// Reads a body to its end: the hash of its records, and its inflated length.
///
/// The hash is over the decoded records, each behind its length: the object around them carries a time that
/// changes when Firehose tries again.
pub(super) fn read(
    body: Inflated,
    request_id: &str,
    hash: BodyHash,
    taking: &mut Taking<'_>,
) -> Result<([u8; 32], u64), Fault> {
    let left = Rc::new(Cell::new(MAX_FIREHOSE_RECORD_BYTES));
    let mut bounded = Bounded { body, left: Rc::clone(&left) };
    let mut reading =
        Reading { taking, hash, left, fault: None, lines: 0, request_id: None, has_records: false };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(&mut bounded));
    let read = json.deserialize_map(Request(&mut reading)).and_then(|()| json.end());
    drop(json);
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
    if !reading.has_records {
        return Err(FORM);
    }
    Ok((reading.hash.finish(), bounded.body.inflated()))
}

const FORM: Fault =
    Fault::Form("send Firehose's JSON: requestId, timestamp and records, each with data in base64");

/// What is known while the body is read.
struct Reading<'r, 'j> {
    taking: &'r mut Taking<'j>,
    hash: BodyHash,
    left: Rc<Cell<u64>>,
    fault: Option<Fault>,
    lines: u64,
    request_id: Option<String>,
    has_records: bool,
}

impl Reading<'_, '_> {
    /// Takes the lines of one record.
    fn record(&mut self, data: &str) -> Result<(), Fault> {
        let bytes = Zeroizing::new(Base64::decode_vec(data).map_err(|_| FORM)?);
        self.hash.update(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.hash.update(&bytes);
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..end).unwrap_or_default().trim_ascii();
            rest = rest.get(end + 1..).unwrap_or_default();
            if line.is_empty() {
                continue;
            }
            self.lines += 1;
            if line.len() > MAX_LINE_BYTES {
                self.taking.unread(
                    self.lines,
                    Unread::Line(QuarantineCode::TooLong),
                    line.len(),
                )?;
            } else {
                self.taking.line(self.lines, line)?;
            }
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

struct Request<'a, 'r, 'j>(&'a mut Reading<'r, 'j>);

impl<'de> Visitor<'de> for Request<'_, '_, '_> {
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

struct Records<'a, 'r, 'j>(&'a mut Reading<'r, 'j>);

impl<'de> DeserializeSeed<'de> for Records<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records<'_, '_, '_> {
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

/// A body of which no more than a record is read at once.
struct Bounded {
    body: Inflated,
    left: Rc<Cell<u64>>,
}

impl Read for Bounded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(into)?;
        let bytes = u64::try_from(read).unwrap_or(u64::MAX);
        match self.left.get().checked_sub(bytes) {
            Some(left) => self.left.set(left),
            None => return Err(Fault::Form("a record is longer than Firehose's may be").into_io()),
        }
        Ok(read)
    }
}
