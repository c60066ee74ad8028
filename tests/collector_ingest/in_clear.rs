use axum::http::StatusCode;
use base64ct::{Base64, Encoding};
use serde_json::{Value, json};
use wafpass::collector::catalogue::ClearText;
use wafpass::collector::{Field, Flags, NewEvent};

use super::common::{Lab, NOW_MS, code, gzip, opened, owner};

const AWS: &str = include_str!("data/aws-waf.ndjson");
const MODSECURITY: &str = include_str!("data/modsecurity.ndjson");
const CORAZA: &str = include_str!("data/coraza.ndjson");

/// Everything of an event that is stored as it is.
fn clear(event: &NewEvent) -> String {
    format!("{:?}", (&event.fields, &event.datetime, &event.rest, &event.metadata, &event.blob))
}

#[tokio::test]
async fn what_aws_waf_writes_in_clear_is_sealed() {
    let lab = Lab::new();
    let (status, answer) = lab.post("/v1/aws-waf", AWS).await;
    assert_eq!(
        (status, &answer["stored"], &answer["quarantined"]),
        (StatusCode::OK, &json!(2), &json!(0)),
        "{answer}"
    );
    let [event, allowed] = lab.events().try_into().unwrap();
    for (field, value) in [
        (Field::Action, "block"),
        (Field::RuleId, "SqliInHeaders"),
        (Field::RayId, "1-65f0a0b1-0123456789abcdef01234567"),
        (Field::ClientIp, "203.0.113.7"),
        (Field::ClientCountry, "DE"),
        (Field::Method, "POST"),
        (Field::Protocol, "HTTP/1.1"),
        (Field::Path, "/cart"),
        (Field::EdgeResponseStatus, "403"),
        (Field::Source, "awsWaf"),
    ] {
        assert_eq!(event.get(field), Some(value), "{field:?}");
    }
    assert!(event.get(Field::Host).unwrap().starts_with("shop.example"));
    assert_eq!(event.get(Field::UserAgent), None);
    assert!(!clear(&event).contains("MARK"), "{}", clear(&event));
    assert_eq!(event.flags, Flags::SEALED_HERE);
    assert_eq!(event.get(Field::KeyId), Some(owner().key_id().to_string().as_str()));
    let rest: Value = serde_json::from_str(&event.rest).unwrap();
    assert_eq!(rest["labels"], json!(["awswaf:managed:aws:core-rule-set:NoUserAgent_Header"]));
    let metadata: Value = serde_json::from_str(&event.metadata).unwrap();
    assert_eq!(metadata["binding"]["event_id"], "1-65f0a0b1-0123456789abcdef01234567/0");
    assert_eq!(metadata["matched_rules"], json!(["NoUserAgent_HEADER", "CountBots"]));
    // The owner reads all of it.
    let payload = opened(&event);
    let text = payload.to_string();
    for mark in [
        "MARK-matched",
        "MARK-field",
        "MARK-group",
        "MARK excluded",
        "MARK-config",
        "MARK-rate",
        "MARK-captcha",
        "MARK-inserted",
        "MARK-agent",
        "MARK-cookie",
        "MARK-odd",
        "MARK-args",
        "MARK-fragment",
        "MARK-later",
        "MARK a label",
        "MARK-new",
    ] {
        assert!(text.to_lowercase().contains(&mark.to_lowercase()), "{mark}: {text}");
    }
    assert_eq!(payload["http.request.uri.query"], json!([{"content": "q=MARK-args"}]));
    assert!(wafpass::matched_data::Payload::parse(text.as_bytes()).is_ok());
    assert_eq!((allowed.get(Field::Action), &allowed.blob), (Some("allow"), &None));
}

#[tokio::test]
async fn no_leaf_of_any_line_gets_through_in_clear() {
    let lines = AWS.lines().chain(MODSECURITY.lines()).chain(CORAZA.lines());
    for line in lines {
        let whole: Value = serde_json::from_str(line).unwrap();
        let door = if line.contains("httpRequest") { "/v1/aws-waf" } else { "/v1/modsecurity" };
        let mut leaves = Vec::new();
        pointers(&whole, String::new(), &mut leaves);
        let mut batch = String::new();
        for pointer in &leaves {
            let mut marked = whole.clone();
            *marked.pointer_mut(pointer).unwrap() = json!("se cret'\"<\u{e9}>");
            batch.push_str(&format!("{marked}\n"));
        }
        let lab = Lab::new();
        let (status, answer) = lab.post(door, batch).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        let events = lab.events();
        assert!(events.len() + 2 >= leaves.len() - 1, "only times are asked for: {answer}");
        for event in &events {
            // The path stays, as the tenant has it.
            let fields = event.fields.iter().filter(|(field, _)| *field != Field::Path);
            let texts = [&event.datetime, &event.rest, &event.metadata];
            let stored: Vec<&str> =
                fields.map(|(_, text)| text).chain(texts.into_iter().map(String::as_str)).collect();
            assert!(!stored.concat().contains("se cret"), "{stored:?}");
        }
    }
}

fn pointers(value: &Value, at: String, into: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                pointers(
                    value,
                    format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    into,
                );
            }
            into.push(at);
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                pointers(value, format!("{at}/{index}"), into);
            }
            into.push(at);
        }
        _ => into.push(at),
    }
    into.retain(|pointer| !pointer.is_empty() && pointer != "/transaction");
}

#[tokio::test]
async fn modsecurity_and_coraza_are_read() {
    let lab = Lab::new();
    let (status, answer) = lab.post("/v1/modsecurity", format!("{MODSECURITY}{CORAZA}")).await;
    assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(2)), "{answer}");
    let [modsecurity, coraza] = lab.events().try_into().unwrap();
    for (event, fields) in [
        (
            &modsecurity,
            [
                (Field::Action, "block"),
                (Field::RuleId, "942100"),
                (Field::RayId, "179530739955.849453"),
                (Field::Method, "POST"),
                (Field::Protocol, "HTTP/1.1"),
                (Field::Path, "/login"),
                (Field::Host, "shop.example"),
            ],
        ),
        (
            &coraza,
            [
                (Field::Action, "log"),
                (Field::RuleId, "941100"),
                (Field::RayId, "ABtibGJndZlGPDP1"),
                (Field::Method, "GET"),
                (Field::Protocol, "HTTP/2.0"),
                (Field::Path, "/q"),
                (Field::Host, "shop.example"),
            ],
        ),
    ] {
        for (field, value) in fields {
            assert_eq!(event.get(field), Some(value), "{field:?}");
        }
        assert!(!clear(event).contains("MARK"), "{}", clear(event));
        assert!(
            wafpass::matched_data::Payload::parse(opened(event).to_string().as_bytes()).is_ok()
        );
    }
    // The server's clock was an hour ahead of UTC; the id begins with Unix time.
    assert_eq!(modsecurity.at.0, 1_795_307_399_000_000_000);
    assert_eq!(coraza.at.0, 1_795_307_399_764_883_000);
    assert_eq!(modsecurity.fields.integer(Field::EdgeResponseStatus), Some(403));
    let metadata: Value = serde_json::from_str(&modsecurity.metadata).unwrap();
    assert_eq!(metadata["matched_rules"], json!(["949110"]));
    for (event, marks) in [
        (
            &modsecurity,
            &[
                "query", "body", "agent", "cookie", "response", "set", "score", "message", "data",
                "tag",
            ][..],
        ),
        (
            &coraza,
            &[
                "query", "agent", "one", "two", "body", "file", "arg", "set", "response",
                "severity", "message", "error", "data",
            ],
        ),
    ] {
        let text = opened(event).to_string();
        for mark in marks {
            assert!(text.contains(&format!("MARK-{mark}")), "{mark}: {text}");
        }
    }
}

#[tokio::test]
async fn a_tenant_chooses_what_stays() {
    let lab = Lab::new();
    lab.set(|settings| {
        settings.policy.clear_headers = vec!["x-team".to_owned(), "user-agent".to_owned()];
        settings.policy.path = ClearText::Seal;
    });
    assert_eq!(lab.post("/v1/aws-waf", AWS).await.0, StatusCode::OK);
    let event = lab.events().remove(0);
    assert_eq!(event.get(Field::UserAgent), Some("curl MARK-agent"));
    assert_eq!(event.get(Field::Path), None);
    let rest: Value = serde_json::from_str(&event.rest).unwrap();
    assert_eq!(rest["ClientRequestHeaders"], json!({"x-team": "blue"}));
    assert_eq!(opened(&event)["http.request.uri.path"], json!([{"content": "/cart"}]));

    // Dropped: nothing is left of it, and no key is needed.
    let lab = Lab::without_key();
    let (status, problem) = lab.post("/v1/aws-waf", AWS).await;
    assert_eq!((status, code(&problem)), (StatusCode::SERVICE_UNAVAILABLE, "no-active-key"));
    lab.set(|settings| settings.policy.drop_matched_data = true);
    assert_eq!(lab.post("/v1/aws-waf", AWS).await.0, StatusCode::OK);
    let event = lab.events().remove(0);
    assert!(event.blob.is_none() && event.flags == Flags::DROPPED);
    assert!(!clear(&event).contains("MARK"));
}

fn firehose(id: &str, records: &[&str]) -> Value {
    let records: Vec<Value> = records
        .iter()
        .map(|record| json!({"data": Base64::encode_string(record.as_bytes())}))
        .collect();
    json!({"requestId": id, "timestamp": 1_795_307_399_000_u64, "records": records})
}

#[tokio::test]
async fn firehose_gets_the_answer_that_it_takes() {
    let lab = Lab::new();
    let send = |id: &str, body: Vec<u8>| {
        let mut request = lab.request("/v1/firehose").header("x-amz-firehose-request-id", id);
        if body.starts_with(&[0x1f]) {
            request = request.header("content-encoding", "gzip");
        }
        lab.send_whole(request.body(body.into()).unwrap())
    };
    let id = "ed4acda5-034f-9f42-bba1-f29aea6d7d8f";
    let [first, second] = AWS.lines().collect::<Vec<_>>().try_into().unwrap();
    let both = format!("{first}\n{second}\n");
    let body = firehose(id, &[&both, second, "no event"]).to_string();
    let (status, headers, answer) = send(id, gzip(body.as_bytes())).await;
    assert_eq!((status, answer), (StatusCode::OK, json!({"requestId": id, "timestamp": NOW_MS})));
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(lab.events().len(), 3);
    assert_eq!(lab.batches()[0].record.as_ref().unwrap().counts.quarantined, 1);
    // Again, with another timestamp around the same records.
    let mut again: Value = serde_json::from_str(&body).unwrap();
    again["timestamp"] = json!(1_795_307_400_000_u64);
    assert_eq!(send(id, again.to_string().into_bytes()).await.0, StatusCode::OK);
    assert_eq!(lab.batches().len(), 1);
    // The members may stand in any order, and others beside them.
    let turned = format!(
        r#"{{"more":[{{}}],"records":[{{"x":1,"data":"{}"}}],"requestId":"turned"}}"#,
        Base64::encode_string(first.as_bytes())
    );
    assert_eq!(send("turned", turned.into_bytes()).await.0, StatusCode::OK);

    for (id, body, status) in [
        (id, firehose(id, &[first]), StatusCode::UNPROCESSABLE_ENTITY),
        ("x", firehose("y", &[first]), StatusCode::BAD_REQUEST),
        ("x", json!({"requestId": "x"}), StatusCode::BAD_REQUEST),
        ("x", json!({"requestId": "x", "records": [{"data": "?"}]}), StatusCode::BAD_REQUEST),
        ("x", json!({"requestId": "x", "records": [{}]}), StatusCode::BAD_REQUEST),
        (
            "x",
            json!({"requestId": "x", "records": [{"data": "A".repeat(2_000_000)}]}),
            StatusCode::BAD_REQUEST,
        ),
        ("x", json!([]), StatusCode::BAD_REQUEST),
    ] {
        let (got, headers, answer) = send(id, body.to_string().into_bytes()).await;
        assert_eq!((got, &answer["requestId"]), (status, &json!(id)), "{answer}");
        assert!(answer["errorMessage"].is_string() && answer["timestamp"].is_u64());
        assert_eq!(headers["content-type"], "application/json");
    }
    let request =
        axum::http::Request::post("/v1/firehose").header("x-amz-firehose-request-id", "x");
    let (status, _, answer) =
        lab.send_whole(request.body(axum::body::Body::empty()).unwrap()).await;
    assert_eq!((status, &answer["requestId"]), (StatusCode::UNAUTHORIZED, &json!("x")));
    assert!(lab.is_settled());
}

#[tokio::test]
async fn bytes_that_are_no_text_do_not_make_a_line_vanish() {
    let lab = Lab::new();
    for (door, log, mark) in
        [("/v1/modsecurity", MODSECURITY, "MARK-cookie"), ("/v1/aws-waf", AWS, "MARK-cookie")]
    {
        let line = log.lines().next().unwrap();
        let at = line.find(mark).unwrap();
        let hostile = [&line.as_bytes()[..at], b"\xff\xfe", &line.as_bytes()[at..]].concat();
        let (status, answer) = lab.post(door, hostile).await;
        assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(1)), "{door} {answer}");
        let event = lab.events().pop().unwrap();
        assert!(!clear(&event).contains("MARK"), "{}", clear(&event));
        assert!(opened(&event).to_string().contains("\u{fffd}\u{fffd}MARK-cookie"), "{door}");
    }
}

#[tokio::test]
async fn two_hosts_are_both_kept_and_one_of_them_sealed() {
    let lab = Lab::new();
    let mut line: Value = serde_json::from_str(MODSECURITY.lines().next().unwrap()).unwrap();
    line["transaction"]["request"]["headers"]["Host"] =
        json!(["shop.example", "MARK-host.example"]);
    assert_eq!(lab.post("/v1/modsecurity", line.to_string()).await.0, StatusCode::OK);
    let event = lab.events().pop().unwrap();
    assert_eq!(event.get(Field::Host), Some("shop.example"));
    assert!(!clear(&event).contains("MARK"));
    assert!(opened(&event).to_string().contains("MARK-host.example"));
}

#[tokio::test]
async fn what_modsecurity_dates_can_be_sent_on() {
    let lab = Lab::new();
    assert_eq!(lab.post("/v1/modsecurity", MODSECURITY).await.0, StatusCode::OK);
    let event = lab.events().remove(0);
    let line = format!("{{\"Datetime\":{}}}", event.datetime);
    assert_eq!(lab.post("/v1/events", line).await.0, StatusCode::OK);
    assert_eq!(lab.events().pop().unwrap().at, event.at);
}
