use http_body_util::channel::Channel;
use wafpass::layer::rules::RulesLayer;

use crate::common::*;

#[tokio::test]
async fn new_rules_hold_from_the_next_request_on_and_counts_stay() {
    let layer = RulesLayer::new(rules(r#"a: block: http.request.uri.path eq "/a""#));
    let (handle, app) = (layer.handle(), app(layer));
    assert_eq!(status(&app, get("/a")).await, 403);
    handle.replace(rules(
        r#"
        a: log: http.request.uri.path eq "/a"
        b: block 410: http.request.uri.path eq "/b"
    "#,
    ));
    assert_eq!(handle.rules().len(), 2);
    assert_eq!(status(&app, get("/a")).await, 200);
    assert_eq!(status(&app, get("/b")).await, 410);
    handle.replace(rules(r#"a: block: http.request.uri.path eq "/a""#));
    assert_eq!(status(&app, get("/a")).await, 403);
    assert_eq!(status(&app, get("/b")).await, 200);
    let counts = handle.counts();
    let told: Vec<_> = counts.iter().map(|rule| (rule.rule_id.as_str(), rule.enforced)).collect();
    assert_eq!(told, [("a", 2), ("a", 1), ("b", 1)], "block and log of a apart");
    assert_eq!(handle.evaluated(), 5);
}

#[tokio::test]
async fn a_request_under_way_ends_as_it_began() {
    let layer = RulesLayer::new(rules(r#"a: block: http.request.body.raw contains "needle""#));
    let (handle, app) = (layer.handle(), app(layer));
    let (mut sender, body) = Channel::<axum::body::Bytes>::new(4);
    sender.send_data("nee".into()).await.unwrap();
    let under_way =
        tokio::spawn(async move { status(&app, post(axum::body::Body::new(body))).await });
    tokio::time::sleep(20 * MS).await;
    handle.replace(rules(r#"b: block: http.request.uri.path eq "/b""#));
    sender.send_data("dle".into()).await.unwrap();
    drop(sender);
    assert_eq!(under_way.await.unwrap(), 403);
}

#[tokio::test]
async fn a_set_without_rules_lets_everything_pass() {
    let layer = RulesLayer::new(rules(""));
    let (handle, app) = (layer.handle(), app(layer));
    assert_eq!(status(&app, get("/../")).await, 200);
    assert_eq!(handle.evaluated(), 0);
}
