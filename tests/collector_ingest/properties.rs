use std::sync::Arc;

use proptest::prelude::*;
use wafpass::collector::catalogue::{IngestPolicy, QuarantineCode, TenantSettings};
use wafpass::collector::ingest::{Rules, Unread, datetime};
use wafpass::collector::{EventTime, Intake, NewEvent};

use super::common::{Lab, NOW_MS, acme, framed, gzip};

fn rules(intake: Intake) -> Rules {
    let now = EventTime::from_ms(i64::try_from(NOW_MS).unwrap());
    let policy = IngestPolicy { drop_matched_data: true, ..IngestPolicy::default() };
    let settings = TenantSettings { policy, ..TenantSettings::default() };
    Rules::new(acme(), intake, &[7; 32], now).with_settings(Arc::new(settings), now)
}

/// What an event says, without what is random.
fn told(event: &NewEvent) -> String {
    format!(
        "{:?}",
        (event.at, &event.fields, &event.rest, &event.metadata, &event.blob, event.flags)
    )
}

/// Pieces of bodies that are nearly right.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(br#"{"Datetime":1795307399,"RayID":"a","RuleID":"r","MatchIndex":0,"x":"\"]}"}"#.to_vec()),
        1 => Just(b"[".to_vec()),
        1 => Just(b"{\"events\":[".to_vec()),
        1 => Just(b"]".to_vec()),
        1 => Just(b"}".to_vec()),
        2 => Just(b",".to_vec()),
        3 => Just(b"\n".to_vec()),
        1 => Just(b" \r\t".to_vec()),
        1 => Just(b"\"".to_vec()),
        1 => Just(b"\\".to_vec()),
        1 => Just(vec![b'x'; 270_000]),
        1 => Just(vec![b' '; 300_000]),
        1 => Just([b"{\"a\":\"".to_vec(), vec![b'y'; 265_000], b"\"}".to_vec()].concat()),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

async fn taken(door: &str, frames: Vec<Vec<u8>>) -> (u16, String, Vec<String>) {
    let lab = Lab::without_key();
    lab.set(|settings| settings.policy.drop_matched_data = true);
    let (status, mut answer) = lab.post(door, framed(frames)).await;
    assert!(lab.is_settled());
    let records = lab.batches().into_iter().filter_map(|seen| seen.record);
    let quarantined = records.map(|record| format!("{:?}", record.quarantined)).collect::<String>();
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("batch");
    }
    (status.as_u16(), format!("{answer}{quarantined}"), lab.events().iter().map(told).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn frames_make_no_difference(
        body in body(),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..6),
        door in prop::sample::select(vec!["/v1/events", "/v1/logpush", "/v1/aws-waf"]),
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
        at.extend([0, body.len()]);
        at.sort_unstable();
        let frames = at.windows(2).map(|pair| body[pair[0]..pair[1]].to_vec()).collect();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let whole = runtime.block_on(taken(door, vec![body.clone()]));
        let pieces = runtime.block_on(taken(door, frames));
        prop_assert_eq!(&whole, &pieces);
        if door == "/v1/logpush" {
            let packed = runtime.block_on(taken(door, vec![gzip(&body)]));
            prop_assert_eq!(&whole, &packed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_panics_and_what_is_read_is_json(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "\\PC{0,100}".prop_map(String::into_bytes),
        ],
        name in prop::sample::select(vec!["Datetime", "RayID", "ClientIP", "Metadata", "ClientASN", "other", "timestamp",
            "httpRequest", "transaction", "messages", "labels", "ruleGroupList"]),
        value in "(\\{|\\[|\"|[a-z0-9:,\\\\-]|\\]|\\}){0,20}",
    ) {
        let member = format!("{{\"Datetime\":1795307399,\"timestamp\":1795307399000,\"{name}\":{value}}}");
        let inner = format!("{{\"transaction\":{{\"unix_timestamp\":1795307399,\"{name}\":{value}}}}}");
        for intake in Intake::ALL {
            let rules = rules(intake);
            for line in [bytes.as_slice(), member.as_bytes(), inner.as_bytes()] {
                match rules.read(line) {
                    Ok(event) => {
                        for text in [&event.rest, &event.metadata] {
                            prop_assert!(text.is_empty() || serde_json::from_str::<serde_json::Value>(text).is_ok());
                            prop_assert!(!text.contains(['\n', '\r']));
                        }
                    }
                    Err(Unread::Line(code)) => prop_assert!(QuarantineCode::ALL.contains(&code)),
                    Err(other) => prop_assert!(false, "{other:?}"),
                }
            }
        }
    }

    #[test]
    fn moments_are_read_or_not(text in "\\PC{0,40}", number in any::<u64>()) {
        let _ = datetime(&text);
        let _ = datetime(&format!("\"{text}\""));
        if let Some(at) = datetime(&number.to_string()) {
            prop_assert!(at.0 >= 0);
        }
    }
}
