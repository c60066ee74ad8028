//! Rules on an axum application: an attack is stopped, and what of it matched is sealed with the owner's public
//! key, then opened with the private one.
//!
//! ```sh
//! cargo run --example rules_on_axum --features axum,rules-layer
//! ```
//!
//! The origin holds the public key only. Here the private one is made beside it, to show both ends; in life
//! `wafpass generate-key-pair` makes the two, and `wafpass decrypt` opens what the collector kept.

use std::error::Error;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::routing::get;
use serde_json::Value;
use tower::ServiceExt;
use wafpass::layer::rules::{EventLog, RulesLayer, RulesMatched};
use wafpass::matched_data::{Binding, PrivateKey, Suite, open};
use wafpass::rules::{RuleFile, RuleSet, Scheme};

const RULES: &str = r#"
uri_decoding = "url"

[[rules]]
id = "curl"
expression = 'starts_with(http.user_agent, "curl/")'
action = "log"

[[rules]]
id = "line-break"
description = "A line break in the path, or a NUL in the query"
expression = '''
http.request.version eq "HTTP/1.1" and
(http.request.uri.path matches "\n+." or http.request.uri.query matches "\x00+.")'''
action = "block"
"#;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let owner = PrivateKey::generate(Suite::X25519)?;
    let (sink, mut events) = tokio::sync::mpsc::channel(64); // a `Shipper` in life
    let log = EventLog::builder("acme", owner.public_key().clone(), sink).build()?;

    let rules = RuleSet::compile(RuleFile::from_toml(RULES, &Scheme::default())?)?;
    let layer = RulesLayer::builder(rules).log(log.clone()).build()?;
    let app = Router::new().route("/{*path}", get(page)).layer(layer);

    for target in ["/cms/admin?action=post", "/cms/%0Aadmin?action=%00post"] {
        let request = Request::get(target)
            .header("host", "shop.example")
            .header("user-agent", "curl/8.5.0")
            .body(Body::empty())?;
        let response = app.clone().oneshot(request).await?;
        println!("GET {target}: {}", response.status());
    }

    // Before the process ends: what waits is sealed and handed on.
    log.shutdown(Duration::from_secs(5)).await;
    while let Ok(event) = events.try_recv() {
        let line = String::from_utf8(event.to_vec())?;
        println!("\nwhat everybody on the way sees:\n{line}");

        // What the owner sees. The blob opens with this event alone: moved to another one, it does not.
        let event: Value = serde_json::from_str(&line)?;
        let member = |name: &str| event.pointer(&format!("/Metadata/{name}"));
        let blob = member("encrypted_matched_data").and_then(Value::as_str).unwrap_or_default();
        let binding = Binding::from_json(member("binding").unwrap_or_default())?;
        let matched = open(blob, &owner, Some(&binding))?;
        println!("what matched, for its owner:\n{}", String::from_utf8_lossy(&matched));
    }
    Ok(())
}

/// A request that rules only log gets here, and says which they were.
async fn page(request: axum::extract::Request) -> String {
    let matched = request.extensions().get::<RulesMatched>();
    format!("matched: {:?}\n", matched.map(|matched| &*matched.rule_id))
}
