use std::time::Duration;

use axum::http::StatusCode;
use serde_json::{Value, json};
use wafpass::collector::catalogue::{BatchKey, QuarantineCode};
use wafpass::collector::{Field, Intake};

use super::common::{Lab, V3, gzip};

const DOOR: &str = "/v1/logpush";

fn line(ray: &str) -> String {
    format!(
        r#"{{"Action":"block","ClientASN":64500,"ClientIP":"203.0.113.9","ClientRequestHost":"shop.example","Datetime":1795307399000000001,"Metadata":{{"ruleset_version":"1","encrypted_matched_data":"{V3}"}},"MatchIndex":0,"RayID":"{ray}","RuleID":"100173","Source":"firewallManaged","ContentScanObjSizes":[]}}"#
    )
}

#[tokio::test]
async fn the_trial_upload_is_answered_and_not_stored() {
    let lab = Lab::new();
    let trial = br#"{"content":"tests"}"#.to_vec();
    let with_break = [trial.as_slice(), b"\n"].concat();
    for body in [trial.clone(), with_break, gzip(&trial), Vec::new(), gzip(b"")] {
        for encoding in [None, Some("gzip")] {
            let mut request = lab.request(DOOR);
            if let Some(encoding) = encoding {
                request = request.header("content-encoding", encoding);
            }
            let (status, answer) = lab.send(request.body(body.clone().into()).unwrap()).await;
            assert_eq!(
                (status, &answer["batch"], &answer["stored"]),
                (StatusCode::OK, &Value::Null, &json!(0))
            );
        }
    }
    assert!(lab.events().is_empty() && lab.is_settled());
}

#[tokio::test]
async fn a_bad_line_is_set_aside_without_its_content() {
    let lab = Lab::new();
    let clear = line("b").replace(V3, "hunter2");
    let body = format!("{}\n{clear}\n\n{{\"a\":\n{}\n", line("a"), line("c"));
    let (status, answer) = lab.post(DOOR, gzip(body.as_bytes())).await;
    assert_eq!(
        (status, answer),
        (
            StatusCode::OK,
            json!({"batch": 1, "stored": 2, "repeated": 0, "quarantined": 2, "repeated_batch": false})
        )
    );
    let record = lab.batches()[0].record.clone().unwrap();
    let listed: Vec<_> = record.quarantined.iter().map(|one| (one.line, one.code)).collect();
    assert_eq!(listed, [(2, QuarantineCode::NotSealed), (4, QuarantineCode::NotJson)]);
    assert_eq!(record.counts.quarantined, 2);
    assert!(!format!("{record:?}").contains("hunter2"));
    assert_eq!((record.intake, record.key), (Intake::Logpush, BatchKey::Content));
    let event = &lab.events()[0];
    assert_eq!(event.at.0, 1_795_307_399_000_000_001);
    assert_eq!(event.metadata, r#"{"ruleset_version":"1"}"#);
    // A batch of nothing but bad lines is kept, too: its numbers are.
    let (status, answer) = lab.post(DOOR, "garbage\nmore\n").await;
    assert_eq!(
        (status, &answer["quarantined"], &answer["batch"]),
        (StatusCode::OK, &json!(2), &json!(2))
    );
}

#[tokio::test]
async fn prefixes_suffixes_and_delimiters_are_tolerated() {
    let (a, b) = (line("a"), line("b"));
    for body in [
        format!("[{a},{b}]"),
        format!("[\n{a}\n{b}\n]\n"),
        format!("[{a},{b},]"),
        format!("{{\"events\":[{a},{b}]}}"),
        format!("{{\"events\" : [{a}\n{b}]}}\n"),
        format!("[{a}]\n[{b}]\n"),
        format!("LOG: {a};\nLOG: {b};\n"),
        format!("{a},{b}\n"),
        format!("{a},\n{b},\n"),
        format!("{{\"info\":{a}}}\n{{\"info\":{b}}}\n"),
        format!("{{\"info\":{a}}},\n{{\"info\":{b}}},\n"),
        format!("\u{feff}{a}\r\n\r\n   \r\n{b}"),
        format!("[\n{a}\n,\n{b}\n]"),
    ] {
        let lab = Lab::new();
        let (status, answer) = lab.post(DOOR, body.clone()).await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!((&answer["stored"], &answer["quarantined"]), (&json!(2), &json!(0)), "{body}");
        let rays: Vec<_> =
            lab.events().iter().map(|event| event.get(Field::RayId).unwrap().to_owned()).collect();
        assert_eq!(rays, ["a", "b"]);
    }
}

#[tokio::test]
async fn the_same_body_within_an_hour_is_the_same_batch() {
    let lab = Lab::new();
    let body = line("a").into_bytes();
    let (_, first) = lab.post(DOOR, body.clone()).await;
    assert_eq!(first["repeated_batch"], json!(false));
    lab.later(Duration::from_secs(3_500));
    let (_, again) = lab.post(DOOR, gzip(&body)).await;
    assert_eq!(
        (&again["repeated_batch"], &again["batch"], &again["stored"]),
        (&json!(true), &json!(1), &json!(1))
    );
    assert_eq!(lab.events().len(), 1);
    lab.later(Duration::from_secs(200));
    let (_, late) = lab.post(DOOR, body).await;
    assert_eq!(late["repeated_batch"], json!(false));
    assert!(lab.is_settled());
}
