//! Bodies of lines and arrays, out of whatever bytes: in any pieces they hold the same records, and those that a
//! plain reader finds.
#![no_main]

#[path = "support/pieces.rs"]
mod pieces;

use std::io::Read;

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use wafpass::collector::ingest::{Commas, Record, records};
use wafpass::collector::limits::MAX_LINE_BYTES;

/// Within which `{"events":[` stands.
const OPENING_BYTES: usize = 256;

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Text(Vec<u8>),
    TooLong(usize),
    Broken(usize),
}

impl Found {
    fn new(text: &[u8], bytes: usize) -> Self {
        if bytes > MAX_LINE_BYTES { Self::TooLong(bytes) } else { Self::Text(text.to_owned()) }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    let commas = if first % 2 == 0 { Commas::Strict } else { Commas::Any };
    let (sizes, body) = pieces::parts(input);
    let whole = split(body.as_slice(), commas);
    assert_eq!(whole, split(pieces::Pieces::new(&body, sizes), commas));
    assert!(whole.is_sorted_by(|(left, _), (right, _)| left < right));
    assert!(whole.iter().map(|(_, found)| bytes(found)).sum::<usize>() <= body.len());
    check(&body, commas, &whole);
});

fn split(body: impl Read, commas: Commas) -> Vec<(u64, Found)> {
    let mut all = Vec::new();
    let read = records(body, commas, |number, record| {
        let found = match record {
            Record::Text(text) => {
                assert!(!text.is_empty() && text.trim_ascii() == text);
                Found::Text(text.to_owned())
            }
            Record::TooLong(bytes) => Found::TooLong(usize::try_from(bytes).expect("a length")),
            Record::Broken(bytes) => Found::Broken(usize::try_from(bytes).expect("a length")),
            _ => panic!("a record of another kind"),
        };
        all.push((number, found));
    });
    assert_eq!(read, Ok(()));
    all
}

fn bytes(found: &Found) -> usize {
    match found {
        Found::Text(text) => text.len(),
        Found::TooLong(bytes) | Found::Broken(bytes) => *bytes,
    }
}

/// What was found, against a reader that holds all of the body.
fn check(body: &[u8], commas: Commas, found: &[(u64, Found)]) {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let ink = body.trim_ascii_start();
    if ink.starts_with(b"[") || is_wrapped(ink) {
        array(ink, commas, found);
    } else {
        let lines = (1..).zip(body.split(|byte| *byte == b'\n'));
        let mut lines = lines.filter(|(_, line)| !line.trim_ascii().is_empty());
        // What is blank before the first record is passed over, and counts for none.
        let first = lines.next().map(|(number, line)| (number, line.trim_ascii_start()));
        let lines = first.into_iter().chain(lines);
        let lines: Vec<_> = lines
            .map(|(number, line)| (number, Found::new(line.trim_ascii(), line.len())))
            .collect();
        assert_eq!(found, lines);
    }
}

fn is_wrapped(ink: &[u8]) -> bool {
    let mut rest = &ink[..ink.len().min(OPENING_BYTES)];
    [b"{".as_slice(), b"\"events\"", b":", b"["].iter().all(|token| {
        let behind = rest.trim_ascii_start().strip_prefix(*token);
        rest = behind.unwrap_or_default();
        behind.is_some()
    })
}

fn array(ink: &[u8], commas: Commas, found: &[(u64, Found)]) {
    match elements(ink) {
        // Texts and numbers are no events: where those end that hold a comma does not matter.
        Some(all) if all.iter().all(|value| value.get().starts_with(['{', '['])) => {
            let all = all.iter().map(|value| Found::new(value.get().as_bytes(), value.get().len()));
            assert!(found.iter().map(|(_, found)| found).eq(&all.collect::<Vec<_>>()));
            assert!(found.iter().map(|(number, _)| *number).eq(1..=found.len() as u64));
        }
        Some(_) => {}
        // What is no array has a record that is no JSON, unless it was too long to be looked at.
        None if commas == Commas::Strict && !ink.contains(&b'\x0c') => {
            assert!(found.iter().any(|(_, found)| !is_json(found)));
        }
        None => {}
    }
}

fn elements(ink: &[u8]) -> Option<Vec<&RawValue>> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Wrapped<'e> {
        #[serde(borrow)]
        events: Vec<&'e RawValue>,
    }
    if ink.starts_with(b"[") {
        return serde_json::from_slice(ink).ok();
    }
    serde_json::from_slice(ink).ok().map(|wrapped: Wrapped<'_>| wrapped.events)
}

fn is_json(found: &Found) -> bool {
    match found {
        Found::Text(text) => {
            str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
        }
        Found::TooLong(_) | Found::Broken(_) => false,
    }
}
