//! A rule set, an application that says what it got, and a sink that keeps what it is given.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::routing::any;
use http::Response;
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use wafpass::layer::rules::{
    EventLog, EventLogBuilder, EventSink, NotTaken, RulesLayer, RulesMatched,
};
use wafpass::matched_data::{Binding, PrivateKey, Suite, open};
use wafpass::rules::{RuleFile, RuleSet, Scheme};

pub const MS: Duration = Duration::from_millis(1);
pub const SECOND: Duration = Duration::from_secs(1);

/// Rules of `id: action: expression`, one a line.
pub fn rules(lines: &str) -> RuleSet {
    rules_of(lines, &Scheme::default())
}

pub fn rules_of(lines: &str, scheme: &Scheme) -> RuleSet {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    let text: String = lines
        .map(|line| {
            let mut parts = line.splitn(3, ": ");
            let mut part = || parts.next().unwrap();
            let (id, action, expression) = (part(), part(), part());
            let (action, status) = action.split_once(' ').unwrap_or((action, ""));
            let status = if status.is_empty() { String::new() } else { format!("status = {status}") };
            format!(
                "[[rules]]\nid = \"{id}\"\naction = \"{action}\"\n{status}\nexpression = '''{expression}'''\n"
            )
        })
        .collect();
    RuleSet::compile(RuleFile::from_toml(&text, scheme).unwrap()).unwrap()
}

/// Keeps the events.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Vec<Value>>>);

impl EventSink for Kept {
    fn take(&self, event: Bytes) -> Result<(), NotTaken> {
        assert!(!event.contains(&b'\n'));
        self.0.lock().unwrap().push(serde_json::from_slice(&event).unwrap());
        Ok(())
    }
}

impl Kept {
    pub fn events(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    /// The one event that there is, once it is there.
    pub async fn only(&self) -> Value {
        for _ in 0..1_000 {
            if !self.events().is_empty() {
                tokio::time::sleep(20 * MS).await; // for a second one
                let mut events = self.events();
                assert_eq!(events.len(), 1, "{events:#?}");
                return events.remove(0);
            }
            tokio::time::sleep(2 * MS).await;
        }
        panic!("there is no event");
    }
}

pub fn owner() -> PrivateKey {
    PrivateKey::generate(Suite::X25519).unwrap()
}

pub fn log_to(owner: &PrivateKey, sink: impl EventSink) -> EventLogBuilder {
    EventLog::builder("acme", owner.public_key().clone(), sink)
}

/// What matched, opened as its owner does.
pub fn opened(event: &Value, owner: &PrivateKey) -> Value {
    let metadata = &event["Metadata"];
    let binding = Binding::from_json(&metadata["binding"]).ok();
    let blob = metadata["encrypted_matched_data"].as_str().unwrap();
    serde_json::from_slice(&open(blob, owner, binding.as_ref()).unwrap()).unwrap()
}

/// An application that gives the body back, and says which rules matched.
pub fn app(layer: RulesLayer) -> Router {
    Router::new().fallback(any(echo)).layer(layer)
}

async fn echo(request: Request) -> Response<Body> {
    let matched = request.extensions().get::<RulesMatched>().cloned();
    let rules = matched.map(|matched| matched.rules.join(" ")).unwrap_or_default();
    let body = request.into_body().collect().await;
    let mut response = match body {
        Ok(body) => Response::new(Body::from(body.to_bytes())),
        Err(error) => Response::builder().status(400).body(error.to_string().into()).unwrap(),
    };
    response.headers_mut().insert("matched", rules.parse().unwrap());
    response
}

pub fn get(target: &str) -> Request {
    Request::get(target).header("host", "shop.example").body(Body::empty()).unwrap()
}

pub fn post(body: impl Into<Body>) -> Request {
    Request::post("/form").header("host", "shop.example").body(body.into()).unwrap()
}

pub async fn send(app: &Router, request: Request) -> Response<Body> {
    app.clone().oneshot(request).await.unwrap()
}

pub async fn status(app: &Router, request: Request) -> u16 {
    send(app, request).await.status().as_u16()
}

pub async fn text(response: Response<Body>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}
