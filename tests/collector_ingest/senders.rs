//! What real senders do that their documentation does not lead one to think of.

use axum::http::StatusCode;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use wafpass::collector::catalogue::{ClearText, QuarantineCode, TenantSettings};
use wafpass::collector::{Field, Flags, NewEvent};

use super::common::{Lab, code, gzip, opened};

const AWS: &str = include_str!("data/aws-waf.ndjson");
const MODSECURITY: &str = include_str!("data/modsecurity.ndjson");
const CORAZA: &str = include_str!("data/coraza.ndjson");

fn first(lines: &str) -> Value {
    serde_json::from_str(lines.lines().next().unwrap()).unwrap()
}

/// The one event that a line makes.
async fn read(lab: &Lab, door: &str, line: &Value) -> NewEvent {
    let (status, answer) = lab.post(door, line.to_string()).await;
    assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(1)), "{answer}");
    lab.events().pop().unwrap()
}

fn clear(event: &NewEvent) -> String {
    format!("{:?}", (&event.fields, &event.datetime, &event.rest, &event.metadata, &event.blob))
}

#[tokio::test]
async fn decrypted_events_are_not_taken_in() {
    let lab = Lab::new();
    let names =
        ["matched_data", "matched_data_b64", "moved_matched_data", "moved_matched_data_b64"];
    let time = 1_795_307_399;
    for value in [json!({"http.cookie": "hunter2"}), json!("aHVudGVyMg==")] {
        let mut lines = Vec::new();
        for name in names {
            lines.push(json!({"Datetime": time, "Metadata": {"filter": "x", name: value}}));
            let pair = json!({"key": name, "value": value});
            lines.push(json!({"Datetime": time, "Metadata": [pair]}));
            lines.push(json!({"Datetime": time, name: value}));
        }
        for name in ["encrypted_matched_data", "encrypted_request"] {
            lines.push(json!({"Datetime": time, name: value}));
        }
        for line in lines {
            let (status, problem) = lab.post("/v1/events", line.to_string()).await;
            assert_eq!((status, code(&problem)), (StatusCode::BAD_REQUEST, "bad-lines"), "{line}");
            assert_eq!(problem["lines"], json!([{"line": 1, "code": "not-sealed"}]), "{line}");
            // Behind a record's prefix, too.
            for body in [line.to_string(), json!({"info": line}).to_string()] {
                let (status, answer) = lab.post("/v1/logpush", body).await;
                assert_eq!((status, &answer["quarantined"]), (StatusCode::OK, &json!(1)), "{line}");
                let record = lab.batches().pop().unwrap().record.unwrap();
                assert_eq!(record.quarantined[0].code, QuarantineCode::NotSealed, "{line}");
            }
        }
    }
    assert!(lab.events().is_empty());
    // A name that is not one of these says nothing.
    let line = json!({"Datetime": time, "matched": "x", "Metadata": {"matched_data_b6": "x"}});
    assert_eq!(lab.post("/v1/events", line.to_string()).await.0, StatusCode::OK);
}

#[tokio::test]
async fn what_a_tenant_drops_is_not_sealed_either() {
    let mut aws = first(AWS);
    let headers = aws["httpRequest"]["headers"].as_array_mut().unwrap();
    headers.push(json!({"name": "Referer", "value": "https://a.example/MARK-referer?b=c"}));
    let mut modsecurity = first(MODSECURITY);
    let headers = &mut modsecurity["transaction"]["request"]["headers"];
    headers["Referer"] = json!("https://a.example/MARK-referer?b=c");
    let mut coraza = first(CORAZA);
    let headers = &mut coraza["transaction"]["request"]["headers"];
    headers["referer"] = json!(["https://a.example/MARK-referer?b=c"]);
    let lines = [
        ("/v1/aws-waf", aws, "MARK-args"),
        ("/v1/modsecurity", modsecurity, "MARK-query"),
        // The arguments are the query's, taken apart.
        ("/v1/modsecurity", coraza, "MARK-arg"),
    ];
    type Policy = fn(&mut TenantSettings);
    let policies: [(Policy, Option<&str>); 3] = [
        (|settings| settings.policy.query = ClearText::Drop, None),
        (|settings| settings.policy.user_agent = ClearText::Drop, Some("MARK-agent")),
        (|settings| settings.policy.referer = ClearText::Drop, Some("MARK-referer")),
    ];
    for (door, line, query) in &lines {
        for (policy, mark) in policies {
            let mark = mark.unwrap_or(query);
            let lab = Lab::new();
            let event = read(&lab, door, line).await;
            assert!(opened(&event).to_string().contains(mark), "{door} {mark}");
            assert_eq!(event.flags, Flags::SEALED_HERE);
            for listed in [vec![], vec!["user-agent".to_owned(), "referer".to_owned()]] {
                lab.set(|settings| {
                    policy(settings);
                    settings.policy.clear_headers = listed;
                });
                let event = read(&lab, door, line).await;
                let sealed = opened(&event).to_string();
                assert!(!sealed.contains(mark) && !clear(&event).contains(mark), "{door} {mark}");
                assert!(sealed.contains("MARK") && event.flags.contains(Flags::DROPPED));
            }
        }
    }
}

#[tokio::test]
async fn the_name_that_coraza_gives_its_server_is_the_clients() {
    let lab = Lab::new();
    // The client's Host is both, and stands in neither of the others.
    let event = read(&lab, "/v1/modsecurity", &first(CORAZA)).await;
    assert_eq!(event.get(Field::Host), Some("shop.example"));
    assert!(!event.rest.contains("server_id"), "{}", event.rest);
    assert!(!opened(&event).to_string().contains("server_id"));
    let mut line = first(CORAZA);
    line["transaction"]["request"]["headers"].as_object_mut().unwrap().remove("host");
    let event = read(&lab, "/v1/modsecurity", &line).await;
    assert_eq!(event.get(Field::Host), Some("shop.example"));
    // A name, as names go, and no host.
    line["transaction"]["server_id"] = json!("MARK_token/abc#1");
    let event = read(&lab, "/v1/modsecurity", &line).await;
    assert_eq!(event.get(Field::Host), None);
    assert!(!clear(&event).contains("MARK"), "{}", clear(&event));
    assert!(opened(&event).to_string().contains("MARK_token/abc#1"));
    // ModSecurity's own is a hash of its machine.
    let event = read(&lab, "/v1/modsecurity", &first(MODSECURITY)).await;
    let rest: Value = serde_json::from_str(&event.rest).unwrap();
    assert_eq!(rest["server_id"], "9c4c93100cf9d0ae5392c296aefcdf5ec9892d69");
}

async fn firehose(lab: &Lab, records: &[Vec<u8>]) -> (StatusCode, Value) {
    let records: Vec<Value> =
        records.iter().map(|record| json!({"data": Base64::encode_string(record)})).collect();
    let body = json!({"requestId": "one", "timestamp": 1_795_307_399_000_u64, "records": records});
    let request = lab.request("/v1/firehose").header("x-amz-firehose-request-id", "one");
    lab.send(request.body(body.to_string().into()).unwrap()).await
}

#[tokio::test]
async fn what_cloudwatch_logs_passes_on_is_refused_and_kept() {
    let lab = Lab::new();
    let line = AWS.lines().next().unwrap();
    let message = json!({
        "messageType": "DATA_MESSAGE", "owner": "111122223333", "logGroup": "aws-waf-logs-shop",
        "logEvents": [{"id": "1", "timestamp": 1_795_307_399_123_u64, "message": line}],
    });
    let message = message.to_string();
    let long = message.replace("DATA_MESSAGE", &"x".repeat(300_000));
    let pair = format!("{message}{message}").into_bytes();
    let plain = line.as_bytes().to_vec();
    for records in [
        vec![gzip(message.as_bytes())],
        vec![message.clone().into_bytes()],
        vec![long.into_bytes()],
        vec![pair],
        vec![plain.clone(), gzip(message.as_bytes())],
    ] {
        let (status, answer) = firehose(&lab, &records).await;
        let error = answer["errorMessage"].as_str().unwrap_or_default();
        assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
        assert!(error.contains("CloudWatch Logs") && error.contains("extract"), "{error}");
    }
    assert!(lab.events().is_empty() && lab.is_settled());
    // A stranger who writes that word into a request does not make a line vanish.
    let hostile = line.replace("MARK-cookie", r#"{\"logEvents\":[]}"#);
    let mut inner: Value = serde_json::from_str(&hostile).unwrap();
    inner["httpRequest"]["logEvents"] = json!([]);
    let (status, answer) = firehose(&lab, &[inner.to_string().into_bytes(), plain]).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(lab.events().len(), 2);
}

#[tokio::test]
async fn a_batch_that_nobody_could_read_is_refused() {
    let lab = Lab::new();
    let unreadable = "no json\n{\"a\":1}\n{\"timestamp\":\"then\"}\n";
    let old = "{\"timestamp\":1000}\n";
    for (door, log) in [("/v1/aws-waf", AWS), ("/v1/modsecurity", MODSECURITY)] {
        let send = |body: String| {
            let request = lab.request(door).header("idempotency-key", "one");
            lab.send(request.body(body.into()).unwrap())
        };
        let (status, problem) = send(unreadable.to_owned()).await;
        assert_eq!((status, code(&problem)), (StatusCode::BAD_REQUEST, "no-line-read"), "{door}");
        // Nothing is remembered, so that it can come again once it is mended.
        assert!(lab.batches().iter().all(|seen| seen.record.is_none() == seen.is_aborted));
        let (status, answer) = send(format!("{log}{unreadable}")).await;
        assert_eq!((status, &answer["quarantined"]), (StatusCode::OK, &json!(3)), "{answer}");
        assert_eq!(answer["repeated_batch"], json!(false));
        // What says nothing of its sender's form, and what holds nothing, is taken.
        for body in [String::new(), "\n".to_owned(), "x".repeat(300_000)] {
            assert_eq!(lab.post(door, body).await.0, StatusCode::OK, "{door}");
        }
    }
    let (status, answer) = lab.post("/v1/aws-waf", format!("{old}garbage\n")).await;
    assert_eq!((status, &answer["quarantined"]), (StatusCode::OK, &json!(2)), "{answer}");
    // Logpush would drop it, and its trouble be unknown.
    assert_eq!(lab.post("/v1/logpush", unreadable).await.0, StatusCode::OK);
    let lab = Lab::new();
    let (status, answer) = firehose(&lab, &[b"CWL CONTROL MESSAGE".to_vec()]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer["errorMessage"].as_str().unwrap().starts_with("no line could be read: "));
    assert!(lab.is_settled() && lab.batches()[0].is_aborted);
    let (status, _) = firehose(&lab, &[AWS.as_bytes().to_vec()]).await;
    assert_eq!((status, lab.events().len()), (StatusCode::OK, 2));
}

#[tokio::test]
async fn which_rule_of_aws_only_counted_is_kept() {
    let lab = Lab::new();
    let line = AWS.lines().next().unwrap();
    let (before, rest) = line.split_once("\"ruleGroupList\":").unwrap();
    let (_, after) = rest.split_once(",\"rateBasedRuleList\"").unwrap();
    // As AWS writes it: the order of members counts.
    let groups = r#"[{"ruleGroupId":"AWS#Common","terminatingRule":{"ruleId":"Xss","action":"BLOCK"},"nonTerminatingMatchingRules":[{"ruleId":"NoAgent","action":"COUNT"}],"excludedRules":[{"exclusionType":"EXCLUDED_AS_COUNT","ruleId":"SizeBody"}]},{"ruleGroupId":"AWS#Quiet","terminatingRule":null,"nonTerminatingMatchingRules":[],"excludedRules":null}]"#;
    let line = format!("{before}\"ruleGroupList\":{groups},\"rateBasedRuleList\"{after}");
    assert_eq!(lab.post("/v1/aws-waf", line).await.0, StatusCode::OK);
    let event = lab.events().pop().unwrap();
    let metadata: Value = serde_json::from_str(&event.metadata).unwrap();
    assert_eq!(metadata["matched_rules"], json!(["Xss", "NoAgent", "SizeBody", "CountBots"]));
    let payload = opened(&event);
    assert_eq!(
        payload["aws.rule.action"],
        json!([
            {"content": "BLOCK", "rules": ["Xss"]},
            {"content": "COUNT", "rules": ["NoAgent"]},
            {"content": "COUNT", "rules": ["CountBots"]},
        ])
    );
    assert_eq!(
        payload["aws.rule.exclusionType"],
        json!([{"content": "EXCLUDED_AS_COUNT", "rules": ["SizeBody"]}])
    );
    assert_eq!(
        payload["aws.ruleGroup.ruleGroupId"],
        json!([{"content": "AWS#Common", "rules": ["Xss", "NoAgent", "SizeBody"]}])
    );
    assert!(wafpass::matched_data::Payload::parse(payload.to_string().as_bytes()).is_ok());
}

#[tokio::test]
async fn what_older_modsecurity_blocked_is_a_block() {
    let line = |engine: &str, status: u16, rules: &[&str], interrupted: Option<bool>| {
        let mut line = first(MODSECURITY);
        let transaction = line["transaction"].as_object_mut().unwrap();
        transaction.remove("is_interrupted");
        if let Some(interrupted) = interrupted {
            transaction.insert("is_interrupted".to_owned(), json!(interrupted));
        }
        transaction["producer"]["secrules_engine"] = json!(engine);
        transaction["response"]["http_code"] = json!(status);
        let message = |id: &&str| json!({"message": "m", "details": {"ruleId": id}});
        transaction["messages"] = rules.iter().map(message).collect();
        line
    };
    let lab = Lab::new();
    for (line, action) in [
        (line("Enabled", 403, &["942100"], None), "block"),
        (line("Enabled", 403, &[], None), "block"),
        (line("Enabled", 400, &["200002"], None), "block"),
        // The application said so.
        (line("Enabled", 400, &[], None), "log"),
        (line("Enabled", 200, &["942100"], None), "log"),
        (line("Enabled", 404, &["942100", "949110"], None), "block"),
        (line("Enabled", 500, &["959100"], None), "block"),
        (line("Enabled", 200, &["942100", "980130"], None), "log"),
        (line("DetectionOnly", 400, &["200002"], None), "log"),
        (line("DetectionOnly", 200, &["942100", "949110"], None), "log"),
        (line("Enabled", 403, &["949110"], Some(false)), "log"),
        (line("DetectionOnly", 200, &[], Some(true)), "block"),
    ] {
        let event = read(&lab, "/v1/modsecurity", &line).await;
        assert_eq!(event.get(Field::Action), Some(action), "{line}");
    }
}

#[tokio::test]
async fn a_country_has_one_spelling() {
    let lab = Lab::new();
    for (sent, stored) in [("us", "US"), ("US", "US"), ("t1", "T1"), ("usa", "usa"), ("ü", "ü")] {
        let line = json!({"Datetime": 1_795_307_399, "ClientCountry": sent});
        for door in ["/v1/events", "/v1/logpush"] {
            let event = read(&lab, door, &line).await;
            assert_eq!(event.get(Field::ClientCountry), Some(stored), "{door}");
        }
    }
    let mut line = first(AWS);
    line["httpRequest"]["country"] = json!("us");
    let event = read(&lab, "/v1/aws-waf", &line).await;
    assert_eq!(event.get(Field::ClientCountry), Some("US"));
}
