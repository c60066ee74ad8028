//! Exports: whole, of one snapshot, in four formats.

use std::time::Duration;

use axum::http::Method;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use wafpass::collector::Field;
use wafpass::collector::catalogue::Scope;
use wafpass::collector::limits::MAX_EXPORTS_PER_TENANT;
use wafpass::collector::store::StoreError;

use crate::harness::{Service, request};
use crate::support::events::{acme, event, full_event, with};

/// More than a page holds.
const MANY: u128 = 2_500;

async fn filled() -> Service {
    let service = Service::new();
    service.put(&acme(), (0..MANY).map(|n| event(n as i64, n)).collect()).await;
    service
}

fn waf_event() -> wafpass::collector::NewEvent {
    let mut event = full_event(1, 1);
    for (field, value) in [
        (Field::Action, "block"),
        (Field::Method, "POST"),
        (Field::Scheme, "https"),
        (Field::Host, "shop.example"),
        (Field::Path, "/login"),
        (Field::Query, "?a=1"),
        (Field::Protocol, "HTTP/2"),
        (Field::UserAgent, "=cmd()"),
        (Field::RefererHost, ""),
    ] {
        event = with(event, field, value);
    }
    event
}

#[tokio::test]
async fn an_export_holds_all_events_newest_first() {
    let service = filled().await;
    for format in ["ndjson", "csv", "ocsf", "ecs"] {
        let answer = service.get(&format!("/v1/export?format={format}")).await;
        let lines = answer.text().lines().count() as u128;
        assert_eq!(lines, MANY + u128::from(format == "csv"), "{format}");
        assert!(answer.header("content-disposition").contains("wafpass-events."));
    }
    let answer = service.get("/v1/export").await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let ids: Vec<_> = answer.text().lines().map(id).collect();
    assert!(ids.is_sorted_by(|newer, older| newer > older));
    let filtered = service.get("/v1/export?action=block").await;
    assert_eq!(filtered.text(), "");
}

#[tokio::test]
async fn what_comes_in_meanwhile_is_not_part_of_it() {
    let service = filled().await;
    let token = service.token(&acme(), Scope::Read);
    let mut body = service.open(request(Method::GET, "/v1/export", &token)).await.into_body();
    let mut text = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
    service.put(&acme(), vec![event(5, 99_999)]).await;
    text.extend(body.collect().await.unwrap().to_bytes());
    assert_eq!(String::from_utf8(text).unwrap().lines().count() as u128, MANY);
}

#[tokio::test]
async fn an_export_that_cannot_be_finished_is_cut() {
    let service = filled().await;
    let token = service.token(&acme(), Scope::Read);
    let mut body = service.open(request(Method::GET, "/v1/export", &token)).await.into_body();
    body.frame().await.unwrap().unwrap();
    service.store.fail_with(Some(|| StoreError::Unavailable { reason: "away".to_owned() }));
    assert!(body.frame().await.unwrap().is_err(), "a failure, not an end");

    let service = filled().await;
    let token = service.token(&acme(), Scope::Read);
    let mut body = service.open(request(Method::GET, "/v1/export", &token)).await.into_body();
    body.frame().await.unwrap().unwrap();
    service.collector.stopping.cancel();
    assert!(body.frame().await.unwrap().is_err());
}

#[tokio::test]
async fn an_export_waits_for_a_busy_store() {
    let service = filled().await;
    let token = service.token(&acme(), Scope::Read);
    let mut body = service.open(request(Method::GET, "/v1/export", &token)).await.into_body();
    let mut text = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
    service.store.fail_with(Some(|| StoreError::Busy));
    let later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        service.store.fail_with(None);
    };
    let (rest, ()) = tokio::join!(body.collect(), later);
    text.extend(rest.unwrap().to_bytes());
    assert_eq!(String::from_utf8(text).unwrap().lines().count() as u128, MANY);

    let mut body = service.open(request(Method::GET, "/v1/export", &token)).await.into_body();
    body.frame().await.unwrap().unwrap();
    service.store.fail_with(Some(|| StoreError::Busy));
    service.collector.stopping.cancel();
    assert!(body.frame().await.unwrap().is_err(), "not beyond the collector's end");
}

#[tokio::test]
async fn a_tenant_has_so_many_exports_at_once() {
    let service = filled().await;
    let token = service.token(&acme(), Scope::Read);
    let mut open = Vec::new();
    for _ in 0..MAX_EXPORTS_PER_TENANT {
        open.push(service.open(request(Method::GET, "/v1/export", &token)).await);
    }
    let refused = service.send(request(Method::GET, "/v1/export", &token)).await;
    assert_eq!(refused.problem(429).0, "too-many-streams");
    open.clear();
    assert_eq!(service.get("/v1/export").await.status, 200);
}

#[tokio::test]
async fn blobs_stay_sealed_in_every_format() {
    let service = Service::new();
    service.put(&acme(), vec![waf_event()]).await;
    for format in ["ndjson", "csv", "ocsf", "ecs"] {
        let answer = service.get(&format!("/v1/export?format={format}")).await;
        assert!(answer.text().contains("AAECAwQFBgcICQoLDA0OD"), "{format}: {}", answer.text());
        assert!(answer.text().contains("AAEC/w=="), "{format}: the request that was sealed here");
    }
}

#[tokio::test]
async fn csv_runs_in_no_spreadsheet() {
    let service = Service::new();
    service.put(&acme(), vec![waf_event()]).await;
    let answer = service.get("/v1/export?format=csv").await;
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    assert!(answer.text().starts_with("id,at,batch,intake,flags,datetime,action,rule_id,"));
    assert!(answer.text().contains(",'=cmd(),"), "{}", answer.text());
}

#[tokio::test]
async fn ocsf_says_what_the_waf_did() {
    let service = Service::new();
    service.put(&acme(), vec![waf_event()]).await;
    let event: Value = service.get("/v1/export?format=ocsf").await.json();
    let expected = json!({
        "class_uid": 4002, "category_uid": 4, "activity_id": 6, "type_uid": 400_206,
        "action_id": 2, "disposition_id": 2, "disposition": "Blocked",
        "time": 1_795_305_601_000_i64,
    });
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(event[name], *value, "{name}");
    }
    assert_eq!(event["metadata"]["version"], "1.7.0");
    assert_eq!(event["src_endpoint"]["ip"], "2001:db8::7");
    assert_eq!(event["http_request"]["url"]["url_string"], "https://shop.example/login?a=1");
    assert_eq!(event["http_request"]["version"], "2");
    assert_eq!(event["http_response"]["code"], 403);
    assert_eq!(event["unmapped"]["ContentScanObjTypes"], json!(["a", "b"]));
    assert!(event["http_request"].get("referrer").is_none(), "no host, no referrer");
}

#[tokio::test]
async fn ecs_says_what_the_waf_did() {
    let service = Service::new();
    service.put(&acme(), vec![waf_event()]).await;
    let event: Value = service.get("/v1/export?format=ecs").await.json();
    assert_eq!(event["@timestamp"], "2026-11-22T00:00:01.000000000Z");
    assert_eq!(event["event"]["action"], "block");
    assert_eq!(event["event"]["type"], json!(["denied", "access"]));
    assert_eq!(event["source"]["as"]["number"], u32::MAX);
    assert_eq!(event["url"]["original"], "/login?a=1");
    assert_eq!(event["http"]["response"]["status_code"], 403);
    assert_eq!(event["user_agent"]["original"], "=cmd()");
    assert!(event["labels"]["rest"].as_str().unwrap().contains("FraudUserID"));
}

fn id(line: &str) -> String {
    let event: Value = serde_json::from_str(line).unwrap();
    event["_wafpass"]["id"].as_str().unwrap().to_owned()
}
