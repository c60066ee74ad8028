use axum::http::StatusCode;
use serde_json::{Value, json};
use wafpass::collector::catalogue::{BatchKey, ClearText};
use wafpass::collector::{Field, Flags, Intake, SealedText};
use wafpass::matched_data::Binding;

use super::common::{Lab, V3, acme, code, gzip, opened, opened_bytes, owner, sealed};

const DOOR: &str = "/v1/events";

fn event(ray: &str) -> Value {
    json!({
        "Datetime": "2026-11-22T00:29:59.5Z", "RayID": ray, "RuleID": "100173", "Action": "block",
        "Source": "firewallCustom", "MatchIndex": 0, "ClientIP": "2001:db8:0::1", "ClientASN": 13335,
        "ClientRequestHost": "shop.example", "ClientRequestPath": "/a\u{e9}\"", "EdgeResponseStatus": 403,
        "Later": {"any": [1, 2.50, null]}, "Metadata": {"filter": "x", "encrypted_matched_data": V3},
    })
}

#[tokio::test]
async fn an_event_is_stored_as_it_came() {
    let lab = Lab::new();
    let (status, answer) = lab.post(DOOR, event("7d0f").to_string()).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    assert_eq!(
        answer,
        json!({"batch": 1, "stored": 1, "repeated": 0, "quarantined": 0, "repeated_batch": false})
    );
    let [event] = lab.events().try_into().unwrap();
    assert_eq!(event.at.0, 1_795_307_399_500_000_000);
    assert_eq!(event.intake, Intake::Native);
    assert_eq!(event.datetime, "\"2026-11-22T00:29:59.5Z\"");
    assert_eq!(event.get(Field::ClientIp), Some("2001:db8::1"));
    assert_eq!(event.fields.integer(Field::ClientAsn), Some(13_335));
    assert_eq!(event.get(Field::Path), Some("/a\u{e9}\""));
    assert_eq!(event.rest, r#"{"Later":{"any":[1,2.5,null]}}"#);
    assert_eq!(event.metadata, r#"{"filter":"x"}"#);
    assert!(matches!(event.blob, Some(SealedText::Blob(ref bytes)) if bytes.len() == 74));
    assert_eq!(event.flags, Flags::default());
    let batch = &lab.batches()[0];
    let record = batch.record.as_ref().unwrap();
    assert_eq!(
        (&record.tenant, record.intake, &record.key),
        (&acme(), Intake::Native, &BatchKey::Content)
    );
    assert_eq!((record.counts.stored, record.counts.bytes > 0), (1, true));
}

#[tokio::test]
async fn lines_an_array_and_a_wrapped_array_are_the_same() {
    let events = [event("a"), event("b"), event("c")];
    let lines = events.iter().map(|event| format!("{event}\n\n")).collect::<String>();
    let pretty = serde_json::to_string_pretty(&events).unwrap();
    let wrapped = json!({"events": events}).to_string();
    let mut seen = Vec::new();
    for body in [format!("\n \u{feff}\n{lines}"), lines, pretty, wrapped] {
        let lab = Lab::new();
        let (status, answer) = lab.post(DOOR, body.clone()).await;
        // A mark in the middle is none.
        if body.starts_with('\n') {
            assert_eq!((status, code(&answer)), (StatusCode::BAD_REQUEST, "bad-lines"));
            continue;
        }
        assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(3)), "{answer}");
        let events = lab.events();
        seen.push(
            events
                .iter()
                .map(|event| (event.rest.clone(), event.fields.clone()))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(seen.len(), 3);
    assert_eq!(seen[0][0].0, r#"{"Later":{"any":[1,2.50,null]}}"#.replace("2.50", "2.5"));
    for other in &seen[1..] {
        assert_eq!(seen[0].len(), other.len());
        assert_eq!(seen[0][0].1, other[0].1);
    }
}

#[tokio::test]
async fn ids_are_of_what_identifies_an_event_and_else_random() {
    let lab = Lab::new();
    let mut without = event("a");
    without.as_object_mut().unwrap().remove("RayID");
    let mut later = event("a");
    later["Datetime"] = json!(1_795_307_399);
    let body = [event("a"), event("a"), event("b"), later, without.clone(), without];
    let (status, _) = lab.post(DOOR, Value::from(body.to_vec()).to_string()).await;
    assert_eq!(status, StatusCode::OK);
    let ids: Vec<_> = lab.events().iter().map(|event| event.id).collect();
    assert_eq!(ids[0], ids[1]);
    for (one, other) in [(0, 2), (0, 3), (0, 4), (4, 5)] {
        assert_ne!(ids[one], ids[other]);
    }
    // Another tenant's id of the same event is another one, and so is another node's.
    let request = axum::http::Request::post(DOOR)
        .header("authorization", format!("Bearer {}", lab.other_token))
        .body(event("a").to_string().into())
        .unwrap();
    assert_eq!(lab.send(request).await.0, StatusCode::OK);
    assert_ne!(lab.events().last().unwrap().id, ids[0]);
}

#[tokio::test]
async fn bad_lines_refuse_the_batch_and_are_named() {
    let lab = Lab::new();
    let good = event("a").to_string();
    let with = |name: &str, value: Value| {
        let mut event = event("a");
        event[name] = value;
        event.to_string()
    };
    let blob = |text: &str| with("Metadata", json!({"encrypted_matched_data": text}));
    let other_tenant = Binding::new("globex", "a/0", "1", 5).unwrap();
    let bound = Binding::new("acme", "a/0", "1", 5).unwrap();
    let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
    let lines = [
        (good.clone(), ""),
        ("{".to_owned(), "not-json"),
        ("[]".to_owned(), "not-json"),
        (format!("{good} {good}"), "not-json"),
        (good.replacen('{', &format!("{{\"Deep\":{deep},"), 1), "not-json"),
        (good.replacen('{', "{\"RayID\":\"x\",", 1), "duplicate-member"),
        (
            good.replacen("\"filter\":\"x\"", &format!("\"encrypted_matched_data\":\"{V3}\""), 1),
            "duplicate-member",
        ),
        (with("RayID", json!(5)), "wrong-type"),
        (with("ClientIP", json!("localhost")), "wrong-type"),
        (with("ClientASN", json!(4_294_967_296_u64)), "wrong-type"),
        (with("EdgeResponseStatus", json!(-1)), "wrong-type"),
        (with("Metadata", json!("x")), "wrong-type"),
        (with("Datetime", json!("yesterday")), "no-time"),
        (with("Datetime", Value::Null), "no-time"),
        (with("Datetime", json!("2026-10-22T23:59:59Z")), "too-old"),
        (with("Datetime", json!("2026-11-23T00:30:01Z")), "too-new"),
        (blob("password=hunter2"), "not-sealed"),
        (blob("eyJodHRwLnJlcXVlc3QudXJpIjoiL2FkbWluIn0="), "not-sealed"),
        (with("Metadata", json!({"encrypted_matched_data": {"clear": 1}})), "not-sealed"),
        (blob("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="), "not-sealed"),
        (blob(&owner().to_text()), "private-key"),
        (blob("-----BEGIN PRIVATE KEY-----"), "private-key"),
        (with("private_key", json!("x")), "private-key"),
        (blob(&sealed(&bound)), "wrong-type"), // without its binding nobody opens it
        (
            with(
                "Metadata",
                json!({"binding": other_tenant.to_json(), "encrypted_matched_data": sealed(&other_tenant)}),
            ),
            "other-tenant",
        ),
        (with("Metadata", json!({"binding": {"tenant": "globex"}})), "other-tenant"),
        (format!("{{\"x\":\"{}\"}}", "y".repeat(300_000)), "too-long"),
        ("\u{1}".to_owned(), "not-json"),
    ];
    let body: String = lines.iter().map(|(line, _)| format!("{line}\n")).collect();
    let (status, problem) = lab.post(DOOR, body).await;
    assert_eq!((status, code(&problem)), (StatusCode::BAD_REQUEST, "bad-lines"), "{problem}");
    let expected: Vec<Value> = lines
        .iter()
        .enumerate()
        .filter(|(_, (_, code))| !code.is_empty())
        .map(|(at, (_, code))| json!({"line": at + 1, "code": code}))
        .collect();
    assert_eq!(problem["lines"], Value::from(expected));
    assert!(!problem.to_string().contains("hunter2"));
    assert!(lab.events().is_empty() && lab.is_settled());
    // No more than a hundred are listed.
    let (_, problem) = lab.post(DOOR, "x\n".repeat(500)).await;
    assert_eq!(problem["lines"].as_array().unwrap().len(), 100);
    assert!(problem["detail"].as_str().unwrap().contains("500"));
}

#[tokio::test]
async fn blobs_are_checked_and_flagged() {
    let lab = Lab::new();
    let stranger =
        wafpass::matched_data::PrivateKey::generate(wafpass::matched_data::Suite::XWing).unwrap();
    let binding = Binding::new("acme", "a/0", "100173", 1_795_307_399_500).unwrap();
    let unknown = wafpass::matched_data::seal_v4(b"{}", stranger.public_key(), &binding).unwrap();
    let later = V3.replacen("Az", "Bz", 1);
    let cases = [
        (json!({"encrypted_matched_data": V3}), Flags::default(), None),
        (json!({"encrypted_matched_data": null}), Flags::default(), None),
        (
            json!([{"key": "encrypted_matched_data", "value": V3}, {"key": "a", "value": 1}]),
            Flags::default(),
            None,
        ),
        (json!({"encrypted_matched_data": "truncated"}), Flags::TRUNCATED, None),
        (json!({"encrypted_matched_data": later}), Flags::UNKNOWN_VERSION, None),
        (
            json!({"binding": binding.to_json(), "encrypted_matched_data": sealed(&binding)}),
            Flags::default(),
            Some(owner().key_id()),
        ),
        (
            json!({"encrypted_matched_data": unknown, "binding": binding.to_json()}),
            Flags::UNKNOWN_KEY,
            Some(stranger.key_id()),
        ),
    ];
    for (metadata, flags, key_id) in cases {
        let lab = Lab::new();
        let mut event = event("a");
        event["Metadata"] = metadata.clone();
        event["KeyID"] = json!("forged");
        event["_wafpass"] = json!({"id": "forged"});
        let (status, answer) = lab.post(DOOR, event.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{metadata}: {answer}");
        let [event] = lab.events().try_into().unwrap();
        assert_eq!(event.flags, flags, "{metadata}");
        assert_eq!(event.get(Field::KeyId), key_id.map(|id| id.to_string()).as_deref());
        assert!(
            !event.metadata.contains("encrypted_matched_data") && !event.rest.contains("forged")
        );
        if metadata.is_array() {
            assert_eq!(event.metadata, r#"{"a":1}"#);
        }
    }
    // The binding is kept as it was written.
    let raw =
        r#"{"tenant":"acme", "event_id":"a\u002f0","rule_id":"1","timestamp_ms":5,"more":1.0}"#;
    let line =
        event("a").to_string().replacen("{\"filter\":\"x\"", &format!("{{\"binding\":{raw}"), 1);
    let line = line.replacen("\"filter\":\"x\"", &format!("\"binding\":{raw}"), 1);
    assert_eq!(lab.post(DOOR, line).await.0, StatusCode::OK);
    assert_eq!(lab.events()[0].metadata, format!("{{\"binding\":{raw}}}"));
}

#[tokio::test]
async fn a_key_names_a_batch() {
    let lab = Lab::new();
    let send = |key: &str, body: Vec<u8>, is_packed: bool| {
        let mut request = lab.request(DOOR).header("idempotency-key", key);
        if is_packed {
            request = request.header("content-encoding", "gzip");
        }
        lab.send(request.body(body.into()).unwrap())
    };
    let body = event("a").to_string().into_bytes();
    let (_, first) = send("k-1", body.clone(), false).await;
    assert_eq!((&first["stored"], &first["repeated_batch"]), (&json!(1), &json!(false)));
    // The same body counts, however it is packed and the key is quoted.
    let (status, again) = send("\"k-1\"", gzip(&body), true).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&again["batch"], &again["stored"], &again["repeated_batch"]),
        (&first["batch"], &json!(1), &json!(true))
    );
    let (status, problem) = send("k-1", b"{}".to_vec(), false).await;
    assert_eq!((status, code(&problem)), (StatusCode::UNPROCESSABLE_ENTITY, "other-body"));
    assert_eq!(lab.batches().len(), 1);
    // A batch that was refused has used no key.
    assert_eq!(send("k-2", b"{}".to_vec(), false).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send("k-2", body.clone(), false).await.0, StatusCode::OK);
    for key in ["", "two words", "\"open", "\"a\\b\"", "\"\"", &"x".repeat(257)] {
        let (status, problem) = send(key, body.clone(), false).await;
        assert_eq!((status, code(&problem)), (StatusCode::BAD_REQUEST, "batch-key"), "{key}");
    }
    // Without a key, nothing is known again but the events.
    let (_, unnamed) = lab.post(DOOR, body.clone()).await;
    assert_eq!(unnamed["repeated_batch"], json!(false));
}

#[tokio::test]
async fn clear_text_is_kept_dropped_or_sealed_as_the_tenant_wants() {
    let lab = Lab::new();
    let line = json!({
        "Datetime": 1_795_307_399, "RayID": "7d", "RuleID": "r", "MatchIndex": 2,
        "ClientRequestPath": "/secret-path", "ClientRequestQuery": "?secret-query", "ClientRefererPath": "/secret-referer",
        "ClientRequestUserAgent": "secret-agent",
    });
    lab.set(|settings| {
        settings.policy.path = ClearText::Seal;
        settings.policy.query = ClearText::Seal;
        settings.policy.referer = ClearText::Drop;
    });
    assert_eq!(lab.post(DOOR, line.to_string()).await.0, StatusCode::OK);
    let [event] = lab.events().try_into().unwrap();
    let clear = format!("{:?}", (&event.fields, &event.rest, &event.metadata, &event.datetime));
    for secret in ["secret-path", "secret-query", "secret-referer"] {
        assert!(!clear.contains(secret), "{clear}");
    }
    assert_eq!(event.get(Field::UserAgent), Some("secret-agent"));
    assert!(event.flags.contains(Flags::SEALED_HERE) && event.flags.contains(Flags::DROPPED));
    let metadata: Value = serde_json::from_str(&event.metadata).unwrap();
    assert_eq!(
        metadata["binding"],
        json!({"tenant": "acme", "event_id": "7d/2", "rule_id": "r", "timestamp_ms": 1_795_307_399_000_u64})
    );
    assert_eq!(
        opened_bytes(event.sealed_request.as_ref().unwrap(), &event),
        json!({"ClientRequestPath": "/secret-path", "ClientRequestQuery": "?secret-query"})
    );

    // Where the event has a binding, both blobs are for it.
    let binding = Binding::new("acme", "other/1", "r", 7).unwrap();
    let mut bound = line.clone();
    bound["Metadata"] =
        json!({"binding": binding.to_json(), "encrypted_matched_data": sealed(&binding)});
    assert_eq!(lab.post(DOOR, bound.to_string()).await.0, StatusCode::OK);
    let event = lab.events().pop().unwrap();
    assert_eq!(opened(&event)["http.request.uri"]["content"], "x");
    assert_eq!(
        opened_bytes(event.sealed_request.as_ref().unwrap(), &event)["ClientRequestPath"],
        "/secret-path"
    );

    // What another collector had sealed is taken over as it is.
    lab.set(|_| ());
    let mut exported = json!({"Datetime": 1_795_307_399});
    exported["Metadata"] = json!({"encrypted_request": V3});
    assert_eq!(lab.post(DOOR, exported.to_string()).await.0, StatusCode::OK);
    assert_eq!(lab.events().pop().unwrap().sealed_request.unwrap().len(), 74);
}

#[tokio::test]
async fn nothing_is_taken_that_cannot_be_sealed() {
    let lab = Lab::without_key();
    lab.set(|settings| settings.policy.path = ClearText::Seal);
    let (status, problem) = lab.post(DOOR, event("a").to_string()).await;
    assert_eq!((status, code(&problem)), (StatusCode::SERVICE_UNAVAILABLE, "no-active-key"));
    assert!(problem["detail"].as_str().unwrap().contains("/v1/keys"));
    // What holds nothing needs no key.
    for door in [DOOR, "/v1/logpush", "/v1/aws-waf", "/v1/modsecurity"] {
        assert_eq!(lab.post(door, "").await.0, StatusCode::OK, "{door}");
    }
    assert!(lab.events().is_empty());
}

#[tokio::test]
async fn private_keys_in_what_a_stranger_writes_are_cut_out() {
    let lab = Lab::new();
    let key = owner().to_text().to_string();
    let with = |name: &str, value: Value| {
        let mut event = event("a");
        event[name] = value;
        event.to_string()
    };
    let pem = "x -----BEGIN PRIVATE KEY----- MC4CAQ";
    let escaped = with("ClientRequestPath", json!("/marked"))
        .replace("/marked", r"\u002d----BEGIN PRIVATE \u004bEY-----");
    let lines = [
        with("ClientRequestUserAgent", json!(pem)),
        with("ClientRequestQuery", json!(format!("?key={key}&x"))),
        with("Anything", json!({"a": [pem]})),
        escaped.clone(),
        escaped.replace("ClientRequestPath", "Unknown"),
        with("Metadata", json!({"note": format!("xwing-private:{key}")})),
    ];
    let (status, answer) = lab.post(DOOR, lines.join("\n")).await;
    assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(6)), "{answer}");
    for event in lab.events() {
        assert!(event.flags.contains(Flags::PRIVATE_KEY_REMOVED), "{event:?}");
        let text = format!("{event:?}");
        assert!(
            !text.contains(&key) && !text.contains("EY-----") && !text.contains("MC4CAQ"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn texts_of_a_keys_length_hide_nothing() {
    let lab = Lab::new();
    // More of them than are tried in one text.
    let decoys: String = (0..70).map(|n| format!("/{n:064x}")).collect();
    let lines: Vec<String> = (0..3)
        .map(|n| {
            let mut event = event(&n.to_string());
            event["ClientRequestPath"] = json!(decoys);
            event["ClientRequestQuery"] = json!("x -----BEGIN PRIVATE KEY----- MC4CAQ");
            event.to_string()
        })
        .collect();
    assert_eq!(lab.post(DOOR, lines.join("\n")).await.0, StatusCode::OK);
    let events = lab.events();
    assert_eq!(events.len(), 3);
    for event in events {
        assert_eq!(event.get(Field::Path), Some(decoys.as_str()));
        // What names itself is looked for to the end.
        assert_eq!(event.get(Field::Query), Some("[private key removed]"));
    }
}

#[tokio::test]
async fn a_binding_names_one_tenant_in_one_place() {
    let lab = Lab::new();
    for binding in
        [r#"{"tenant":"acme","tenant":"globex"}"#, r#"["globex","e","r",1]"#, r#"["acme"]"#]
    {
        let line = format!(r#"{{"Datetime":1795307399,"Metadata":{{"binding":{binding}}}}}"#);
        let (status, problem) = lab.post(DOOR, line).await;
        assert_eq!((status, code(&problem)), (StatusCode::BAD_REQUEST, "bad-lines"), "{binding}");
    }
}

#[tokio::test]
async fn long_texts_are_cut() {
    let lab = Lab::new();
    let mut long = event(&"r".repeat(2_000));
    long["ClientRequestQuery"] = json!("\u{e9}".repeat(10_000));
    let body = Value::from(vec![long.clone(), long]).to_string();
    assert_eq!(lab.post(DOOR, body).await.0, StatusCode::OK);
    let events = lab.events();
    assert!(events[0].flags.contains(Flags::CUT));
    assert_eq!(events[0].get(Field::RayId).unwrap().len(), 1_024);
    assert_eq!(events[0].get(Field::Query).unwrap().len(), 16_384);
    // What was cut identifies nothing.
    assert_ne!(events[0].id, events[1].id);
}

#[tokio::test]
async fn only_an_ingest_token_opens_a_door() {
    let lab = Lab::new();
    for door in ["/v1/events", "/v1/logpush", "/v1/aws-waf", "/v1/modsecurity", "/v1/firehose"] {
        let name =
            if door == "/v1/firehose" { "x-amz-firehose-access-key" } else { "authorization" };
        let reader = if door == "/v1/firehose" {
            lab.reader_token.clone()
        } else {
            format!("Bearer {}", lab.reader_token)
        };
        for (value, expected) in [
            (None, StatusCode::UNAUTHORIZED),
            (Some("Bearer wpc_x_y".to_owned()), StatusCode::UNAUTHORIZED),
            (Some(reader), StatusCode::FORBIDDEN),
        ] {
            let mut request = axum::http::Request::post(door);
            if let Some(value) = value {
                request = request.header(name, value);
            }
            // The body is not looked at: it would never end.
            let body = axum::body::Body::from_stream(futures_util::stream::pending::<
                Result<bytes::Bytes, std::io::Error>,
            >());
            let (status, _) = lab.send(request.body(body).unwrap()).await;
            assert_eq!(status, expected, "{door}");
        }
    }
    assert!(lab.batches().is_empty());
}
