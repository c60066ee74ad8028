//! What metrics tell of rules and of the shipper. Alone in its process, which has one recorder.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    dead_code,
    missing_docs,
    unreachable_pub,
    reason = "in a test, a panic is the report"
)]

use std::sync::Mutex;

use wafpass::layer::rules::RulesLayer;
use wafpass::ship::Shipper;
use wafpass::telemetry::{Prometheus, names};

use crate::common::*;

#[path = "rules_layer/common.rs"]
mod common;

#[tokio::test]
async fn metrics_count_by_rule_and_hold_nothing_of_a_request() {
    let prometheus = Prometheus::install().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let shipper = Shipper::builder(&format!("http://{nobody}/")).unwrap();
    let shipper = shipper.spool(folder.path().join("spool")).build().unwrap();
    let events = log_to(&owner(), shipper.clone()).per_rule(1, 2).build().unwrap();
    let rules = rules(r#"metered: block: http.request.body.raw contains "hunter""#);
    let layer = RulesLayer::builder(rules).log(events.clone()).body_bytes(1_024).build().unwrap();
    let app = app(layer);
    for _ in 0..10 {
        assert_eq!(status(&app, post("hunter2")).await, 403);
    }
    assert_eq!(status(&app, post("a".repeat(1_025))).await, 200);
    assert!(events.shutdown(10 * SECOND).await);
    shipper.shutdown(10 * SECOND).await;

    let text = prometheus.render();
    let sample = |name: &str, labels: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}{labels} ")));
        let line = line.unwrap_or_else(|| panic!("no {name}{labels} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let rule = "rule_id=\"metered\"";
    let matched = format!("{{{rule},action=\"block\",enforcement=\"enforce\"}}");
    assert_eq!(sample(names::RULES_MATCHES, &matched), 10.0);
    let events = sample(names::RULES_EVENTS, &format!("{{{rule}}}"));
    let lost = sample(names::RULES_EVENTS_LOST, &format!("{{{rule},reason=\"rule-rate\"}}"));
    assert!(events >= 2.0 && events + lost == 10.0, "{events} and {lost}");
    for name in [names::RULES_EVALUATED, &format!("{}_count", names::RULES_SECONDS)] {
        assert!(sample(name, "") >= 11.0);
    }
    assert!(sample(names::RULES_TRUNCATED, "") >= 1.0);
    assert_eq!(sample(names::RULES_EVENTS_WAITING, ""), 0.0);
    assert!(sample(names::SHIP_EVENTS, "") >= events);
    assert!(sample(names::SHIP_SPOOL_EVENTS, "") >= events);
    assert!(sample(names::SHIP_SPOOL_BYTES, "") > 0.0);
    assert_eq!(sample(names::SHIP_SPOOL_CAPACITY, ""), 268_435_456.0);
    assert!(sample(names::SHIP_ATTEMPTS, "{result=\"later\"}") >= 1.0);
    assert_eq!(sample(names::SHIP_AWAY, ""), 1.0);
    assert_eq!(sample(names::SHIP_WAITING, ""), 0.0);
    assert!(!text.contains("hunter"));

    // What waits shows while the sink hangs, too.
    let (let_go, hanging) = std::sync::mpsc::channel::<()>();
    let hanging = Mutex::new(hanging);
    let sink = move |_| {
        let _ = hanging.lock().unwrap().recv();
        Ok(())
    };
    let events = log_to(&owner(), sink).build().unwrap();
    let rules = common::rules(r#"hangs: block: http.request.body.raw contains "hunter""#);
    let app = common::app(RulesLayer::builder(rules).log(events.clone()).build().unwrap());
    for _ in 0..5 {
        assert_eq!(status(&app, post("hunter2")).await, 403);
    }
    while events.waiting() > 4 {
        tokio::time::sleep(MS).await;
    }
    let text = prometheus.render();
    assert!(text.contains(&format!("\n{} 4\n", names::RULES_EVENTS_WAITING)), "{text}");
    drop(let_go);
    assert!(events.shutdown(10 * SECOND).await);
    let text = prometheus.render();
    assert!(text.contains(&format!("\n{} 0\n", names::RULES_EVENTS_WAITING)), "{text}");
}
