//! What the owner of a key gets in the end: sealed here, stored, exported, and opened by the command line.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use wafpass::clock;

use crate::place::{BINARY, Place};

/// One line of each kind, as of now; what is to be sealed has a mark.
fn lines_in_clear() -> [(&'static str, String); 2] {
    let now = clock::now().as_secs();
    let aws = format!(
        r#"{{"timestamp":{now}123,"terminatingRuleId":"Sqli","action":"BLOCK","terminatingRuleMatchDetails":[{{"conditionType":"SQL_INJECTION","location":"HEADER","matchedData":["MARK aws"]}}],"httpRequest":{{"clientIp":"203.0.113.7","headers":[{{"name":"Cookie","value":"MARK"}}],"uri":"/cart","args":"q=MARK","httpMethod":"GET","requestId":"1-65f0a0b1"}}}}"#
    );
    let coraza = format!(
        r#"{{"transaction":{{"unix_timestamp":{now}764883000,"id":"ABtibGJn","client_ip":"198.51.100.4","request":{{"method":"GET","uri":"/q?a=MARK","headers":{{"cookie":["MARK"]}}}},"is_interrupted":true}},"messages":[{{"message":"MARK","data":{{"id":941100,"data":"MARK coraza"}}}}]}}"#
    );
    let modsecurity = format!(
        r#"{{"transaction":{{"client_ip":"203.0.113.7","time_stamp":"Sun Nov 22 01:29:59 2026","unique_id":"{now}00.849453","is_interrupted":true,"request":{{"method":"POST","uri":"/login","body":"MARK","headers":{{"Cookie":"MARK"}}}},"messages":[{{"message":"MARK","details":{{"ruleId":"942100","data":"MARK modsecurity"}}}}]}}}}"#
    );
    [("/v1/aws-waf", aws), ("/v1/modsecurity", format!("{coraza}\n{modsecurity}"))]
}

fn wafpass(folder: &Path, arguments: &str, input: &[u8]) -> Output {
    let mut child = Command::new(BINARY)
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {errors}");
    output
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The steps of docs/collector.md.
fn activate_a_key(folder: &Path) {
    let made = json(&wafpass(folder, "generate-key-pair --out matched.key", b""));
    let (key, id) = (made["public_key"].as_str().unwrap(), made["key_id"].as_str().unwrap());
    wafpass(folder, &format!("collector keys propose acme {key} --data data"), b"");
    let challenge =
        wafpass(folder, &format!("collector keys challenge acme {id} --data data"), b"");
    let decrypt = "decrypt -k matched.key -i firewall-events-json";
    let opened = json(&wafpass(folder, decrypt, &challenge.stdout));
    let answer = opened["matched_data"].as_str().unwrap();
    wafpass(folder, &format!("collector keys answer acme {id} --data data -- {answer}"), b"");
}

#[test]
fn what_was_sealed_here_opens_from_an_export() {
    let place = Place::new("");
    activate_a_key(place.path());
    let running = place.start();
    for (door, lines) in lines_in_clear() {
        let answer = running.send(door, None, &lines).unwrap();
        assert_eq!(answer.status, 200, "{door}: {}", answer.body);
        assert!(answer.body.contains("\"quarantined\":0"), "{door}: {}", answer.body);
    }
    // Some of them are dated within this very second, and so may be ahead of it.
    let export =
        running.get("/v1/export?from=2020-01-01T00:00:00Z&until=2100-01-01T00:00:00Z").body;
    assert!(export.lines().count() == 3 && !export.contains("MARK"), "{export}");
    let opened = "decrypt -k matched.key -i firewall-events-jsonl";
    let opened = wafpass(place.path(), opened, export.as_bytes());
    let summary = String::from_utf8_lossy(&opened.stderr);
    assert_eq!(summary.trim_end(), "3 events, 3 opened, 0 left as they were");
    let text = String::from_utf8(opened.stdout).unwrap();
    for mark in ["MARK aws", "MARK coraza", "MARK modsecurity"] {
        assert!(text.contains(mark), "{mark}: {text}");
    }
    let (status, log) = running.stop();
    assert!(status.success() && !log.contains("MARK"), "{log}");
}
