use http::header::CACHE_CONTROL;
use http_body_util::BodyExt;
use serde_json::json;
use wafpass::Enforcement;
use wafpass::layer::rules::{RulesLayer, RulesMatched};
use wafpass::rules::Action;

use crate::common::*;

const RULES: &str = r#"
    seen: log: http.request.uri.path contains "l"
    friend: skip: http.request.uri.path contains "/friend/"
    gone: block 410: http.request.uri.path contains "/old/"
    bad: block: http.request.uri.path contains "../"
    prove: challenge 429: http.request.uri.path contains "/login"
"#;

#[tokio::test]
async fn each_action_does_what_it_says() {
    let app = app(RulesLayer::new(rules(RULES)));
    for (path, status, matched) in [
        ("/", 200, Some("")),
        ("/l", 200, Some("seen")),
        ("/friend/../l", 200, Some("seen friend")),
        ("/a/../b", 403, None),
        ("/a/../l", 403, None),
        ("/old/x", 410, None),
        ("/login", 429, None),
    ] {
        let response = send(&app, get(path)).await;
        assert_eq!(response.status(), status, "{path}");
        let told = response.headers().get("matched").map(|value| value.to_str().unwrap());
        assert_eq!(told, matched, "{path}");
    }
}

#[tokio::test]
async fn who_is_stopped_learns_nothing_and_layers_further_out_all() {
    let app = app(RulesLayer::new(rules(RULES)));
    let response = send(&app, get("/old/../l")).await;
    assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
    let mut names: Vec<_> = response.headers().keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["cache-control", "content-length"]); // axum adds the length
    let matched = response.extensions().get::<RulesMatched>().unwrap().clone();
    assert_eq!((&*matched.rule_id, matched.action), ("gone", Action::Block { status: 410 }));
    assert_eq!(matched.rules.join(" "), "seen gone");
    assert_eq!(matched.ray_id.len(), 16);
    assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
}

#[tokio::test]
async fn report_only_stops_nobody_and_logs_the_same() {
    let (owner, kept) = (owner(), Kept::default());
    let log = log_to(&owner, kept.clone()).build().unwrap();
    let layer = RulesLayer::builder(rules(RULES)).enforcement(Enforcement::ReportOnly);
    let layer = layer.log(log).build().unwrap();
    let handle = layer.handle();
    let app = app(layer);
    let response = send(&app, get("/a/../b")).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["matched"]),
        (200, &"bad".parse().unwrap())
    );
    let event = kept.only().await;
    assert_eq!((&event["Action"], &event["RuleID"]), (&json!("log"), &json!("bad")));
    assert_eq!(event.get("EdgeResponseStatus"), None, "the layer did not answer");
    let counts = handle.counts();
    let bad = counts.iter().find(|counts| counts.rule_id == "bad").unwrap();
    assert_eq!((bad.enforced, bad.reported, bad.events), (0, 1, 1));
}

#[tokio::test]
async fn exempt_runs_no_rule() {
    let layer = RulesLayer::builder(rules(RULES)).enforcement(Enforcement::Exempt).build().unwrap();
    let handle = layer.handle();
    assert_eq!(status(&app(layer), get("/a/../b")).await, 200);
    assert_eq!(handle.evaluated(), 0);
}

#[tokio::test]
async fn what_an_outer_layer_found_is_not_taken_for_ones_own() {
    let outer = RulesLayer::new(rules("outer: log: http.request.method eq \"GET\""));
    let inner = RulesLayer::new(rules("inner: log: http.request.method eq \"POST\""));
    let app = app(inner).layer(outer);
    assert_eq!(send(&app, get("/")).await.headers()["matched"], "");
    assert_eq!(send(&app, post("")).await.headers()["matched"], "inner");
}

#[tokio::test]
async fn an_event_says_what_was_done_and_what_matched() {
    let (owner, kept) = (owner(), Kept::default());
    let log = log_to(&owner, kept.clone()).build().unwrap();
    let layer = RulesLayer::builder(rules(RULES)).log(log).build().unwrap();
    let app = app(layer);
    let mut request = get("/l/old/?q=1");
    request.headers_mut().insert("user-agent", "curl/8".parse().unwrap());
    assert_eq!(status(&app, request).await, 410);
    let event = kept.only().await;
    let ray = event["RayID"].as_str().unwrap();
    for (name, expected) in [
        ("RuleID", json!("gone")),
        ("Action", json!("block")),
        ("EdgeResponseStatus", json!(410)),
        ("MatchIndex", json!(0)),
        ("ClientRequestMethod", json!("GET")),
        ("ClientRequestHost", json!("shop.example")),
        ("ClientRequestPath", json!("/l/old/")),
        ("ClientRequestQuery", json!("q=1")),
        ("ClientRequestUserAgent", json!("curl/8")),
    ] {
        assert_eq!(event[name], expected, "{name}: {event:#}");
    }
    let metadata = &event["Metadata"];
    assert_eq!(metadata["matched_rules"], json!(["seen"]));
    assert_eq!(metadata["binding"]["event_id"], json!(format!("{ray}/0")));
    assert_eq!(
        (&metadata["binding"]["rule_id"], &metadata["binding"]["tenant"]),
        (&json!("gone"), &json!("acme"))
    );
    let now_ms = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let ms = u128::from(metadata["binding"]["timestamp_ms"].as_u64().unwrap());
    assert!((now_ms.as_millis() - 10_000..=now_ms.as_millis()).contains(&ms));

    let matched = opened(&event, &owner);
    let path = matched["http.request.uri.path"].as_array().unwrap();
    assert_eq!(path.len(), 2, "{matched:#}");
    let of = |rule: &str| path.iter().find(|one| one["rules"] == json!([rule])).unwrap();
    assert_eq!(of("gone")["content"], "/old/");
    assert_eq!(of("seen")["content"], "l");
}
