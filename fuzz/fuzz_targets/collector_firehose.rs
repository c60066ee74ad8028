//! Firehose's object, out of whatever bytes: in any pieces it holds the same lines, and those that a plain reader
//! finds.
#![no_main]

#[path = "support/pieces.rs"]
mod pieces;

use std::io::Read;

use base64ct::{Base64, Encoding};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use wafpass::collector::api::Problem;
use wafpass::collector::ingest::{Record, firehose};
use wafpass::collector::limits::MAX_LINE_BYTES;

/// Of the request whose body it is.
const REQUEST_ID: &str = "r";

/// A line, or the length of one that is too long.
type Line = Result<Vec<u8>, usize>;

fuzz_target!(|input: &[u8]| {
    let (sizes, raw) = pieces::parts(input);
    check(&raw, sizes);
    // What a fuzzer would have to put into base64.
    let records: Vec<_> = raw
        .split(|byte| *byte == 0)
        .map(|data| format!("{{\"data\":\"{}\"}}", Base64::encode_string(data)))
        .collect();
    let records = records.join(",");
    check(format!("{{\"requestId\":\"{REQUEST_ID}\",\"records\":[{records}]}}").as_bytes(), sizes);
});

fn check(body: &[u8], sizes: &[u8]) {
    let whole = read(body);
    assert_eq!(whole, read(pieces::Pieces::new(body, sizes)));
    let (answer, lines) = whole;
    // More than base64 tells.
    assert!(
        lines.iter().map(|line| line.as_ref().map_or_else(|bytes| *bytes, Vec::len)).sum::<usize>()
            <= body.len() / 4 * 3
    );
    match (answer, expected(body)) {
        (Ok(()), expected) => assert_eq!(Some(lines), expected),
        (Err(problem), None) => assert_eq!(problem.kind, "urn:wafpass:form"),
        (Err(problem), Some(_)) => {
            assert!(body.len() > 1_500_000, "{problem:?}");
            assert_eq!(problem.kind, "urn:wafpass:form");
        }
    }
}

fn read(body: impl Read) -> (Result<(), Problem>, Vec<Line>) {
    let mut lines = Vec::new();
    let answer = firehose(body, REQUEST_ID, |number, line| {
        lines.push(match line {
            Record::Text(text) => Ok(text.to_owned()),
            Record::TooLong(bytes) => Err(usize::try_from(bytes).expect("a length")),
            other => panic!("{other:?} in a record"),
        });
        assert_eq!(number, lines.len() as u64);
    });
    (answer, lines)
}

/// The same by a reader that holds all of the body; `None` where it is none of Firehose's.
fn expected(body: &[u8]) -> Option<Vec<Line>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Request {
        request_id: String,
        records: Vec<OneRecord>,
    }
    #[derive(Deserialize)]
    struct OneRecord {
        data: String,
    }
    let is_object = body.trim_ascii_start().starts_with(b"{");
    let request: Request = is_object.then(|| serde_json::from_slice(body).ok())??;
    let data: Result<Vec<_>, _> =
        request.records.iter().map(|record| Base64::decode_vec(&record.data)).collect();
    let lines =
        |data: &Vec<u8>| -> Vec<Line> {
            let lines = data.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            let lines = lines.filter(|line| !line.is_empty());
            lines
                .map(|line| {
                    if line.len() > MAX_LINE_BYTES { Err(line.len()) } else { Ok(line.to_owned()) }
                })
                .collect()
        };
    (request.request_id == REQUEST_ID).then_some(data.ok()?.iter().flat_map(lines).collect())
}
