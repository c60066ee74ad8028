//! Pages, events, counts, lists; what is refused, and how.

use axum::http::Method;
use serde_json::{Value, json};
use wafpass::collector::catalogue::Scope;
use wafpass::collector::store::StoreError;
use wafpass::collector::{Field, Intake, SealedText};

use crate::harness::{Service, request};
use crate::support::events::{acme, event, full_event, with};

#[tokio::test]
async fn pages_follow_each_other_to_the_end_and_do_not_shift() {
    let service = Service::new();
    service.put(&acme(), (0..5).map(|n| event(n, n as u128)).collect()).await;
    let first = service.get("/v1/events?limit=2").await.json();
    service.put(&acme(), vec![event(3, 99)]).await;
    let mut seen = ids(&first);
    let mut next = first["next"].clone();
    while let Some(cursor) = next.as_str() {
        let page = service.get(&format!("/v1/events?limit=2&cursor={cursor}")).await.json();
        seen.extend(ids(&page));
        next = page["next"].clone();
    }
    let expected: Vec<_> = [4, 3, 2, 1, 0].map(|n: u128| format!("{n:032x}")).into();
    assert_eq!(seen, expected, "newest first, and nothing that came in later");
    assert_eq!(first["scanned_until"], Value::Null);
}

#[tokio::test]
async fn the_last_day_is_asked_for_by_default() {
    let service = Service::new();
    // Now is an hour after midnight.
    let events = [3_599, 3_600, 3_600 - 86_400, 3_599 - 86_400];
    service.put(&acme(), events.iter().map(|&s| event(s, s.unsigned_abs().into())).collect()).await;
    let page = service.get("/v1/events").await.json();
    assert_eq!(page["events"].as_array().unwrap().len(), 2);
    assert_eq!(page["from"], "2026-11-21T01:00:00.000000000Z");
    assert_eq!(page["until"], "2026-11-22T01:00:00.000000000Z");
    let all = service.get("/v1/events?from=0&until=2027-01-01T00:00:00%2B01:00").await.json();
    assert_eq!(all["events"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn filters_take_in_and_leave_out() {
    let service = Service::new();
    let blocked = with(with(event(1, 1), Field::Action, "block"), Field::Path, "/admin/x");
    let logged = with(with(event(2, 2), Field::Action, "log"), Field::ClientIp, "10.1.2.3");
    let mut sealed = with(event(3, 3), Field::RayId, "7d0f00");
    sealed.intake = Intake::Logpush;
    sealed.blob = Some(SealedText::Other("truncated".to_owned()));
    service.put(&acme(), vec![blocked, logged, sealed]).await;
    for (filter, expected) in [
        ("action=block", vec![1]),
        ("action=block&action=log", vec![2, 1]),
        ("not_action=block", vec![3, 2]),
        ("path_like=/ADMIN/*", vec![1]),
        ("not_path_like=/admin/*", vec![3, 2]),
        ("client_ip_in=10.0.0.0/8", vec![2]),
        ("client_ip=10.1.2.3&action=block", vec![]),
        ("ray_id_prefix=7d0f", vec![3]),
        ("intake=logpush", vec![3]),
        ("matched_data=true", vec![3]),
        ("matched_data=false&intake=native", vec![2, 1]),
    ] {
        let page = service.get(&format!("/v1/events?{filter}")).await.json();
        let expected: Vec<_> = expected.iter().map(|n: &u128| format!("{n:032x}")).collect();
        assert_eq!(ids(&page), expected, "{filter}");
    }
}

#[tokio::test]
async fn one_event_is_given_with_all_that_came() {
    let service = Service::new();
    service.put(&acme(), vec![full_event(7, 7)]).await;
    let target = format!("/v1/events/{:032x}", 7);
    let found = service.get(&target).await.json();
    assert_eq!(found["Datetime"], "2026-11-22T00:00:00.000000001+00:00");
    assert_eq!(found["ClientASN"], u32::MAX);
    assert_eq!(found["ClientIP"], "2001:db8::7");
    assert_eq!(
        found["ContentScanObjTypes"],
        json!(["a", "b"]),
        "what is no field stands as it came"
    );
    assert_eq!(found["Metadata"]["nested"]["a"][1], json!(2.5));
    assert!(found["Metadata"]["encrypted_matched_data"].as_str().unwrap().starts_with("AAECAwQF"));
    assert_eq!(found["Metadata"]["encrypted_request"], "AAEC/w==");
    assert_eq!(found["_wafpass"]["intake"], "aws-waf");
    assert_eq!(found["_wafpass"]["flags"].as_array().unwrap().len(), 7);
    assert!(found.get("KeyID").is_none(), "what the collector made stands in _wafpass");
    let at = found["_wafpass"]["at"].as_str().unwrap();
    assert_eq!(service.get(&format!("{target}?at={at}")).await.json(), found);
    let page = service.get("/v1/events").await.json();
    assert_eq!(page["events"][0], found);

    let none = service.get(&format!("/v1/events/{:032x}", 8)).await;
    assert_eq!(none.problem(404).0, "no-such-event");
    assert_eq!(service.get("/v1/events/7").await.problem(400).0, "bad-parameter");
}

#[tokio::test]
async fn counts_by_interval_and_by_value() {
    let service = Service::new();
    let rule = |second, number, rule| with(event(second, number), Field::RuleId, rule);
    service
        .put(&acme(), vec![rule(0, 1, "a"), rule(61, 2, "a"), rule(62, 3, "b"), event(63, 4)])
        .await;
    let query = "from=1795305600&until=1795305720&interval_s=60";
    let all = service.get(&format!("/v1/histogram?{query}")).await.json();
    assert_eq!(
        all["buckets"],
        json!(["2026-11-22T00:00:00.000000000Z", "2026-11-22T00:01:00.000000000Z"])
    );
    assert_eq!(all["series"], json!([{ "value": null, "counts": [1, 3] }]));
    assert_eq!(all["exactness"], json!({ "kind": "exact" }));
    let grouped =
        service.get(&format!("/v1/histogram?{query}&group=rule_id&groups=1")).await.json();
    assert_eq!(grouped["series"], json!([{ "value": "a", "counts": [1, 1] }]));
    assert_eq!(grouped["other"], json!([0, 2]));
    assert_eq!(grouped["group"], "rule_id");
    let top = service.get("/v1/top?field=rule_id").await.json();
    assert_eq!(top["values"], json!([{ "value": "a", "count": 2 }, { "value": "b", "count": 1 }]));
    let top = service.get("/v1/top?field=rule_id&not_rule_id=a&limit=1").await.json();
    assert_eq!(top["values"], json!([{ "value": "b", "count": 1 }]));
}

#[tokio::test]
async fn what_is_misspelt_or_out_of_range_is_refused() {
    let service = Service::new();
    let wide = "from=0&until=1795305600&interval_s=1";
    let many = (0..33).map(|n| format!("{}=x", TEXTS[n])).collect::<Vec<_>>().join("&");
    for (target, code, says) in [
        ("/v1/events?acton=block", "unknown-parameter", "did you mean `action`?"),
        ("/v1/events?client_ip_like=1*", "unknown-parameter", "`client_ip_like`"),
        ("/v1/events?limit=1001", "bad-parameter", "from 1 to 1000"),
        ("/v1/events?limit=1&limit=2", "bad-parameter", "stands twice"),
        ("/v1/events?from=5&until=5", "bad-parameter", "not before"),
        ("/v1/events?from=yesterday", "bad-parameter", "RFC 3339"),
        ("/v1/events?from=2026-11-22T00:00:00+01:00", "bad-parameter", "%2B"),
        ("/v1/events?cursor=AAAA", "bad-parameter", "begin anew"),
        ("/v1/events?action=%ff", "bad-query", "UTF-8"),
        ("/v1/histogram?group=actoin", "bad-parameter", "did you mean `action`?"),
        ("/v1/top", "bad-parameter", "missing"),
        ("/v1/export?format=xml", "bad-parameter", "ndjson, csv, ocsf, ecs"),
        ("/v1/quarantine?limit=0", "bad-parameter", "from 1 to 1000"),
        (&format!("/v1/histogram?{wide}"), "bad-parameter", "2000 buckets"),
        (&format!("/v1/events?{many}"), "bad-parameter", "32"),
    ] {
        let (found, detail) = service.get(target).await.problem(400);
        assert_eq!(found, code, "{target}");
        assert!(detail.contains(says), "{target}: {detail}");
        assert!(detail.contains('\n'), "{target}: the fault, and the way out");
    }
}

const TEXTS: [&str; 33] = [
    "action",
    "rule_id",
    "source",
    "kind",
    "ray_id",
    "ref",
    "description",
    "host",
    "path",
    "query",
    "method",
    "not_action",
    "not_rule_id",
    "not_source",
    "not_kind",
    "not_ray_id",
    "not_ref",
    "not_description",
    "not_host",
    "not_path",
    "not_query",
    "not_method",
    "action_like",
    "rule_id_like",
    "source_like",
    "kind_like",
    "ray_id_like",
    "ref_like",
    "description_like",
    "host_like",
    "path_like",
    "query_like",
    "method_like",
];

#[tokio::test]
async fn every_error_is_a_problem_and_nothing_is_cached() {
    let service = Service::new();
    let read = service.token(&acme(), Scope::Read);
    let patch = service.ask(Method::PATCH, "/v1/events", &read).await;
    assert_eq!(patch.problem(405).0, "method-not-allowed");
    assert!(patch.header("allow").contains("GET"), "{}", patch.header("allow"));
    assert_eq!(service.get("/v2").await.problem(404).0, "not-found");
    assert_eq!(service.get("/v1/events/%ff").await.problem(400).0, "bad-request");
    assert_eq!(
        service.ask(Method::GET, "/v1/events", "wrong").await.problem(401).0,
        "unauthorized"
    );
    let bare = request(Method::GET, "/v1/events", "x");
    let (mut parts, body) = bare.into_parts();
    parts.headers.clear();
    let answer = service.send(axum::http::Request::from_parts(parts, body)).await;
    assert_eq!(answer.problem(401).0, "unauthorized");
    let delete = service.ask(Method::DELETE, "/v1/events?from=0&until=1", &read).await;
    assert_eq!(delete.problem(403).0, "forbidden");
    for target in ["/v1/events", "/v1/openapi.json", "/v2", "/v1/events?nope=1", "/v1/export"] {
        let answer = service.get(target).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{target}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{target}");
    }
}

#[tokio::test]
async fn what_fails_inside_is_not_told() {
    let service = Service::new();
    service.store.fail_with(Some(|| StoreError::Failed { reason: "secret path".to_owned() }));
    for target in ["/v1/events", "/v1/histogram", "/v1/top?field=action", "/v1/export"] {
        let answer = service.get(target).await;
        assert_eq!(answer.problem(500).0, "store-failed", "{target}");
        assert!(!answer.text().contains("secret"), "{target}");
    }
    service.store.fail_with(Some(|| StoreError::Unavailable { reason: "away".to_owned() }));
    let answer = service.get("/v1/events").await;
    assert_eq!(answer.problem(503).0, "unavailable");
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn a_range_is_deleted_only_when_both_ends_are_given() {
    let service = Service::new();
    service.put(&acme(), vec![event(0, 1), event(10, 2)]).await;
    let admin = service.token(&acme(), Scope::Admin);
    for half in ["", "?from=0", "?until=1795305605"] {
        let answer = service.ask(Method::DELETE, &format!("/v1/events{half}"), &admin).await;
        assert!(answer.problem(400).1.contains("missing"), "{half}");
    }
    let target = "/v1/events?from=0&until=1795305605";
    let deleted = service.ask(Method::DELETE, target, &admin).await;
    assert_eq!(deleted.json()["events"], 1);
    assert_eq!(ids(&service.get("/v1/events").await.json()), [format!("{:032x}", 2)]);
}

#[tokio::test]
async fn a_page_shrinks_on_its_way() {
    let service = Service::new();
    service.put(&acme(), (0..50).map(|n| full_event(n, n as u128)).collect()).await;
    let token = service.token(&acme(), Scope::Read);
    for coding in ["gzip", "zstd"] {
        let mut request = request(Method::GET, "/v1/events?limit=50", &token);
        request.headers_mut().insert("accept-encoding", coding.parse().unwrap());
        let answer = service.send(request).await;
        assert_eq!(answer.header("content-encoding"), coding);
        assert!(answer.body.len() < 20_000, "{} bytes", answer.body.len());
    }
}

pub(crate) fn ids(page: &Value) -> Vec<String> {
    let events = page["events"].as_array().unwrap_or_else(|| panic!("{page} has no events"));
    events.iter().map(|event| event["_wafpass"]["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_is_given_can_be_sent_in_again() {
    const BLOB: &str = "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=";
    let service = Service::new();
    let writer = service.token(&acme(), Scope::Ingest);
    let post = async |event: &Value| {
        let mut request = request(Method::POST, "/v1/events", &writer);
        *request.body_mut() = event.to_string().into();
        let answer = service.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()
    };
    let mut event = json!({
        "Datetime": "2026-11-22T00:30:00.5+00:00", "RayID": "7d0f", "RuleID": "r", "MatchIndex": 0,
        "ClientIP": "2001:db8::7", "ClientASN": 64_496, "ClientRequestPath": "/a\"\n\u{2028}", "New": [1, {"a": "b"}],
        "Metadata": {"type": "x", "encrypted_matched_data": BLOB, "encrypted_request": BLOB},
    });
    assert_eq!(post(&event).await["stored"], 1);
    let given = service.get("/v1/events").await.json()["events"][0].clone();
    let again = post(&given).await;
    assert_eq!(
        (&again["stored"], &again["repeated"]),
        (&json!(0), &json!(1)),
        "it is the same event"
    );
    // One that nothing identifies comes a second time, the same but for what the collector says of it.
    event.as_object_mut().unwrap().remove("RayID");
    post(&event).await;
    let own = |event: &Value| {
        let mut event = event.clone();
        event.as_object_mut().unwrap().remove("_wafpass");
        event
    };
    let page = service.get("/v1/events?not_ray_id=7d0f").await.json();
    assert_eq!(post(&page["events"][0]).await["stored"], 1);
    let page = service.get("/v1/events?not_ray_id=7d0f").await.json();
    let (left, right) = (own(&page["events"][0]), own(&page["events"][1]));
    assert_eq!(left, right);
    assert_eq!(left, event);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_ends_is_given_up_before_anybody_is_known() {
    let service = Service::new();
    let mut request = request(Method::PUT, "/v1/settings", "none");
    let pending = futures_util::stream::pending::<Result<Vec<u8>, std::io::Error>>();
    *request.body_mut() = axum::body::Body::from_stream(pending);
    assert_eq!(service.send(request).await.problem(408).0, "slow");
}
