//! Reads records: out of log lines, mails and tickets, strictly in what they say.

use super::digest::Hex16;
use super::{ExplainRecord, MARKER, Part, REASON, VERSION};
use crate::key::{KeyId, is_label};
use crate::scheme::edge::{Covered, WafEvidence, is_nonce};
use crate::time::UnixTime;

/// Why a record cannot be read, or not be compared. Two lines: the fault, the way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The text holds none.
    #[error(
        "no record is there: nothing begins with {MARKER}{VERSION}\ncopy the whole line that the origin logged under wafpass::explain"
    )]
    Missing,
    /// A later version.
    #[error(
        "the record is of another version than {VERSION}\ntake the wafpass that the origin runs"
    )]
    Version,
    /// It departs from its grammar.
    #[error(
        "the record departs from its grammar at byte {at}: {expected} is expected\ncopy the whole line that the origin logged under wafpass::explain"
    )]
    Malformed {
        /// Bytes from the start of the record.
        at: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The key that the record names is not at hand.
    #[error(
        "the record is of the key {key_id}, which is not here\ngive the key that the signer signed with, under this id"
    )]
    UnknownKey {
        /// Its id.
        key_id: KeyId,
    },
    /// The signer's request has no method, Host or Connection that could be signed.
    #[error(
        "the request is malformed: method, Host or Connection\nwrite it down as it was signed, with one Host"
    )]
    Request,
    /// The signer's request has no target that could be signed.
    #[error(
        "the target of the request cannot be signed\nwrite it down as it was signed, and give the origin path prefix if there is one"
    )]
    Target,
    /// The signer's own protocol fields cannot be read.
    #[error(
        "x-cloud-signature or x-cloud-date of the request departs from its grammar\nwrite both down as they were sent, or leave both out; without a record, wafpass explain shows where"
    )]
    Signature,
}

impl ExplainRecord {
    /// Reads the text of one record, with nothing before or after it but white space. White space between
    /// its fields may have become line breaks, as it does in mails.
    ///
    /// # Errors
    ///
    /// [`RecordError`] for any departure from the grammar.
    pub fn parse(text: &[u8]) -> Result<Self, RecordError> {
        let text = text.trim_ascii();
        let mut reader = Reader { text, at: 0 };
        if !text.starts_with(MARKER.as_bytes()) {
            return Err(RecordError::Missing);
        }
        let record = reader.record()?;
        reader.rest().is_empty().then_some(record).ok_or(reader.fault("the end"))
    }

    /// Every record in `text`, such as a log; what stands around them is passed over.
    #[must_use]
    pub fn all_in(text: &[u8]) -> Vec<Result<Self, RecordError>> {
        let mut found = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.windows(MARKER.len()).position(|at| at == MARKER.as_bytes()) {
            rest = rest.get(start..).unwrap_or_default();
            let mut reader = Reader { text: rest, at: 0 };
            found.push(reader.record());
            rest = rest.get(reader.at.max(MARKER.len())..).unwrap_or_default();
        }
        found
    }
}

/// Reads from the front of `text`.
struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn record(&mut self) -> Result<ExplainRecord, RecordError> {
        self.take(MARKER, MARKER)?;
        let version = self.span(|byte| byte.is_ascii_alphanumeric());
        if version != VERSION.as_bytes() {
            return Err(RecordError::Version);
        }
        let salt = self.text_of("salt=", "salt=<32 hex>", Hex16::parse)?;
        let reason = "reason=signature-mismatch";
        self.text_of("reason=", reason, |text| (text == REASON.code().as_bytes()).then_some(()))?;
        let now = self.text_of("now=", "now=<YYYYMMDDTHHMMSSZ>", UnixTime::parse_date)?;
        let key_id = self.text_of("kid=", "kid=<key id>", KeyId::from_bytes)?;
        let date = self.text_of("date=", "date=<YYYYMMDDTHHMMSSZ>", UnixTime::parse_date)?;
        let nonce = self.text_of("nonce=", "nonce=<nonce>", |text| owned(text, is_nonce))?;
        let audience = self.text_of("aud=", "aud=<audience>", |text| owned(text, is_label))?;
        let waf = self.text_of("waf=", "waf=pass or waf=none", |text| match text {
            b"pass" => Some(WafEvidence::Pass),
            b"none" => Some(WafEvidence::None),
            _ => None,
        })?;
        let names = self.text_of("h=", "h=<covered names>", names)?;
        let key = self.text_of("key=", "key=<32 hex>", Hex16::parse)?;
        let method = self.part("method=", "method=<length>:<32 hex>")?;
        let path = self.part("path=", "path=<length>:<32 hex>")?;
        let query = self.part("query=", "query=<length>:<32 hex>")?;
        let mut covered = Vec::with_capacity(names.len());
        for name in names {
            let label = format!("h.{name}=");
            let part = self.part(&label, "h.<name>=<length>:<32 hex> for each name in h")?;
            covered.push((name, part));
        }
        Ok(ExplainRecord {
            salt,
            now,
            key_id,
            date,
            nonce,
            audience,
            waf,
            key,
            method,
            path,
            query,
            covered,
        })
    }

    /// White space, `label`, and the text up to the next white space, through `read`.
    fn text_of<T>(
        &mut self,
        label: &str,
        expected: &'static str,
        read: impl FnOnce(&'a [u8]) -> Option<T>,
    ) -> Result<T, RecordError> {
        let fault = self.field(label, expected)?;
        read(self.span(|byte| !byte.is_ascii_whitespace())).ok_or(fault)
    }

    /// White space, `label`, a length and a digest. What follows is not looked at: it may be the end of
    /// a log line.
    fn part(&mut self, label: &str, expected: &'static str) -> Result<Part, RecordError> {
        let fault = self.field(label, expected)?;
        let bytes = length(self.span(|byte| byte.is_ascii_digit())).ok_or(fault)?;
        self.take(":", expected)?;
        let digest = Hex16::parse(self.span(|byte| byte.is_ascii_hexdigit())).ok_or(fault)?;
        Ok(Part { bytes, digest })
    }

    /// White space and `label`; the fault to tell when what follows is odd.
    fn field(&mut self, label: &str, expected: &'static str) -> Result<RecordError, RecordError> {
        if self.span(|byte| byte.is_ascii_whitespace()).is_empty() {
            return Err(self.fault(expected));
        }
        let fault = self.fault(expected);
        self.take(label, expected)?;
        Ok(fault)
    }

    fn take(&mut self, text: &str, expected: &'static str) -> Result<(), RecordError> {
        if !self.rest().starts_with(text.as_bytes()) {
            return Err(self.fault(expected));
        }
        self.at += text.len();
        Ok(())
    }

    fn span(&mut self, holds: impl Fn(&u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|byte| !holds(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    const fn fault(&self, expected: &'static str) -> RecordError {
        RecordError::Malformed { at: self.at, expected }
    }
}

fn owned(text: &[u8], holds: impl Fn(&[u8]) -> bool) -> Option<Box<str>> {
    str::from_utf8(text).ok().filter(|_| holds(text)).map(Into::into)
}

/// `h`: as strict as in the signature (edge signature §1).
fn names(h: &[u8]) -> Option<Vec<Box<str>>> {
    let mut covered = Covered::default();
    covered.read_names(h)?;
    covered.names().map(|name| owned(name, |_| true)).collect()
}

/// A number without leading zeros.
fn length(digits: &[u8]) -> Option<usize> {
    let is_plain = digits == b"0" || !digits.starts_with(b"0");
    str::from_utf8(digits).ok().filter(|_| is_plain)?.parse().ok()
}
