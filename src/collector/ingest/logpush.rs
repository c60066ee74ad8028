//! What Logpush may make of a line: its prefixes and suffixes, and the upload that tries the destination.

use serde_json::value::RawValue;

use super::fault::Fault;
use super::raw;
use super::rules::Unread;
use super::scan::objects;
use super::taking::Taking;
use crate::collector::catalogue::QuarantineCode;

/// A line that is no event as it stands. Tried in order:
///
/// - the upload `{"content":"tests"}` by which a destination is validated is no event, and no fault;
/// - a `record_prefix` such as `{"info":{`: the one member's object is the event;
/// - anything before, between and behind objects is passed over, as `record_prefix`, `record_suffix` and
///   `record_delimiter` may put it there; a line of brackets and commas alone is a batch's prefix or suffix.
pub(super) fn odd_line(
    taking: &mut Taking<'_>,
    number: u64,
    line: &[u8],
    code: QuarantineCode,
) -> Result<(), Fault> {
    match code {
        QuarantineCode::NoTime if is_validation(line) => Ok(()),
        QuarantineCode::NoTime => match only_object(line) {
            Some(inner) => taking.read_again(number, inner.as_bytes()),
            None => taking.unread(number, code.into(), line.len()),
        },
        QuarantineCode::NotJson if line.iter().all(is_punctuation) => Ok(()),
        QuarantineCode::NotJson => {
            let mut found = objects(line).filter(|object| object.len() < line.len()).peekable();
            if found.peek().is_none() {
                return taking.unread(number, Unread::Line(code), line.len());
            }
            found.try_for_each(|object| match only_object(object) {
                Some(inner) => taking.read_again(number, inner.as_bytes()),
                None => taking.read_again(number, object),
            })
        }
        _ => taking.unread(number, code.into(), line.len()),
    }
}

fn is_validation(line: &[u8]) -> bool {
    let mut is_it = false;
    let read = str::from_utf8(line).map(|text| {
        raw::members(text, |name, value| {
            is_it = name.0 == "content" && raw::text(value).is_some_and(|text| text == "tests");
            if is_it { Ok(()) } else { Err(QuarantineCode::NotJson) }
        })
    });
    is_it && matches!(read, Ok(Ok(())))
}

/// The object that is the only member of another.
fn only_object(line: &[u8]) -> Option<&str> {
    let mut only: Option<&RawValue> = None;
    let one = |value| {
        let is_second = only.replace(value).is_some();
        if is_second { Err(QuarantineCode::Duplicate) } else { Ok(()) }
    };
    let mut one = one;
    raw::members(str::from_utf8(line).ok()?, |_, value| one(value)).ok()?;
    only.map(RawValue::get).filter(|value| value.starts_with('{'))
}

fn is_punctuation(byte: &u8) -> bool {
    byte.is_ascii_whitespace() || b"[]{},;".contains(byte)
}
