//! Answers that are packed on their way.

use std::collections::BTreeSet;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::Value;

use crate::load::lines;
use crate::place::Place;
use crate::wire;

/// Twenty pages.
const EVENTS: usize = 20_000;

/// Whole: it has its last chunk, it inflates to its end, and each event is there once.
#[test]
fn a_packed_export_arrives_whole() {
    let place = Place::new("");
    let running = place.start();
    assert_eq!(running.send("/v1/events", None, &lines("b", EVENTS)).unwrap().status, 200);
    for coding in ["gzip", "zstd"] {
        let more = format!("accept-encoding: {coding}\r\n");
        let answer =
            wire::ask(running.service, "GET", "/v1/export", &place.token, &more, b"").unwrap();
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert!(answer.head.contains(&format!("content-encoding: {coding}")), "{}", answer.head);
        let text = unpacked(coding, &answer.bytes);
        assert!(text.len() > 5 * answer.bytes.len(), "{} bytes", answer.bytes.len());
        assert!(text.ends_with("}\n"));
        let ray = |line: &str| {
            let event: Value = serde_json::from_str(line).unwrap();
            event["RayID"].as_str().unwrap().to_owned()
        };
        assert_eq!(text.lines().count(), EVENTS);
        assert_eq!(text.lines().map(ray).collect::<BTreeSet<_>>().len(), EVENTS, "each once");
    }
    let (status, log) = running.stop();
    assert!(status.success() && !log.contains("panic"), "{log}");
}

fn unpacked(coding: &str, bytes: &[u8]) -> String {
    let mut text = String::new();
    match coding {
        "gzip" => GzDecoder::new(bytes).read_to_string(&mut text).unwrap(),
        _ => zstd::stream::read::Decoder::new(bytes).unwrap().read_to_string(&mut text).unwrap(),
    };
    text
}
