//! Settings and usage, each tenant's own.

use serde_json::json;
use wafpass::collector::catalogue::TenantSettings;

use crate::Place;
use crate::support::events::{event, put};
use crate::tenant;

#[tokio::test]
async fn settings_are_replaced_as_a_whole() {
    let place = Place::new();
    let before = place.ask(&place.acme, "GET /v1/settings").await;
    assert_eq!(before.json()["retention_days"], 30);
    let settings = json!({
        "retention_days": 7, "max_events_per_s": null, "quota_bytes": null,
        "policy": {
            "path": "seal", "query": "drop", "referer": "keep", "user_agent": "seal",
            "clear_headers": ["host"], "drop_matched_data": false,
        },
    });
    let answer = place.tell(&place.acme, "PUT /v1/settings", settings.to_string()).await;
    assert_eq!((answer.status, answer.json()), (200, settings.clone()));
    assert_eq!(place.ask(&place.acme, "GET /v1/settings").await.json(), settings);
    assert_eq!(place.ask(&place.globex, "GET /v1/settings").await.text, before.text);
}

#[tokio::test]
async fn settings_out_of_bounds_change_nothing() {
    let place = Place::new();
    let before = place.ask(&place.acme, "GET /v1/settings").await.text;
    let cases = [
        (json!({"retention_days": 0, "policy": {}}), 422),
        (json!({"retention_days": 99999, "policy": {}}), 422),
        (json!({"retention_days": 1, "quota_bytes": 0, "policy": {}}), 422),
        (json!({"retention_days": 1, "policy": {"clear_headers": ["Host"]}}), 422),
        (json!({"retention_days": -1, "policy": {}}), 400),
        (json!({"retention_days": 1}), 400),
        (json!({"retention_days": 1, "policy": {"path": "hash"}}), 400),
        (json!({"retention_days": 1, "policy": {}, "tenant": "globex"}), 400),
        (json!({"retention_days": 1, "policy": {"paths": "keep"}}), 400),
    ];
    for (settings, status) in cases {
        let answer = place.tell(&place.acme, "PUT /v1/settings", settings.to_string()).await;
        assert_eq!(answer.status, status, "{settings}: {answer:?}");
        assert_eq!(place.ask(&place.acme, "GET /v1/settings").await.text, before);
    }
}

#[tokio::test]
async fn limits_are_shown_and_not_the_tenants_to_set() {
    let place = Place::new();
    let limited = TenantSettings {
        max_events_per_s: Some(500),
        quota_bytes: Some(1 << 30),
        ..TenantSettings::default()
    };
    place.catalogue.set_settings(&tenant("acme"), &limited).unwrap();
    let shown = place.ask(&place.acme, "GET /v1/settings").await.json();
    assert_eq!((&shown["max_events_per_s"], &shown["quota_bytes"]), (&json!(500), &json!(1 << 30)));

    // Raised, taken away, left out; lowered, too: it is not theirs.
    let cases = [
        ("max_events_per_s", Some(json!(501))),
        ("max_events_per_s", Some(json!(1))),
        ("max_events_per_s", Some(json!(null))),
        ("max_events_per_s", None),
        ("quota_bytes", Some(json!(u32::MAX))),
        ("quota_bytes", Some(json!(null))),
        ("quota_bytes", None),
    ];
    for (member, value) in cases {
        let mut settings = shown.clone();
        settings["retention_days"] = json!(3);
        settings.as_object_mut().unwrap().remove(member);
        if let Some(value) = value {
            settings[member] = value;
        }
        let answer = place.tell(&place.acme, "PUT /v1/settings", settings.to_string()).await;
        assert_eq!((answer.status, answer.kind().as_str()), (403, "urn:wafpass:operators-setting"));
        assert!(
            answer.text.contains(member) && answer.text.contains("wafpass collector tenants set")
        );
        assert_eq!(place.ask(&place.acme, "GET /v1/settings").await.json(), shown, "{settings}");
    }

    // What is theirs they change, with the limits as they were shown.
    let mut settings = shown.clone();
    settings["retention_days"] = json!(3);
    settings["policy"]["query"] = json!("drop");
    let answer = place.tell(&place.acme, "PUT /v1/settings", settings.to_string()).await;
    assert_eq!((answer.status, answer.json()), (200, settings));
    // None was set: none can be set, not even a tight one.
    let settings = json!({"retention_days": 3, "quota_bytes": 5, "policy": {}}).to_string();
    assert_eq!(place.tell(&place.globex, "PUT /v1/settings", settings).await.status, 403);
}

#[tokio::test]
async fn a_body_has_to_say_that_it_is_json() {
    let place = Place::new();
    let bearer = format!("Bearer {}", place.acme.text.as_str());
    for (kind, status) in [
        (None, 415),
        (Some("text/plain"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("application/json"), 200),
        (Some("Application/JSON; charset=utf-8"), 200),
    ] {
        let request = axum::http::Request::put("/v1/settings").header("authorization", &bearer);
        let request =
            kind.into_iter().fold(request, |request, kind| request.header("content-type", kind));
        let body = json!({"retention_days": 3, "policy": {}}).to_string();
        let answer = place.send(request.body(body.into()).unwrap()).await;
        assert_eq!(answer.status, status, "{kind:?}");
    }
}

#[tokio::test]
async fn usage_is_each_tenants_own() {
    let place = Place::new();
    let mine = place.ask(&place.acme, "GET /v1/usage").await.json();
    assert_eq!(
        (&mine["events"], &mine["oldest"], &mine["retention_days"]),
        (&json!(0), &json!(null), &json!(30))
    );
    put(&*place.store, &tenant("acme"), vec![event(0, 1), event(60, 2)]).await;
    let mine = place.ask(&place.acme, "GET /v1/usage").await.json();
    assert_eq!(mine["events"], 2);
    assert_eq!(mine["oldest"], "2026-11-22T00:00:00.000000000Z");
    assert_eq!(mine["newest"], "2026-11-22T00:01:00.000000000Z");
    assert_eq!(place.ask(&place.globex, "GET /v1/usage").await.json()["events"], 0);
}
