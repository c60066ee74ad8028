//! Over HTTP: who is let in, keys, settings, usage, and private keys that are refused wherever they stand.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

mod access;
mod farewell;
mod keys;
mod private_keys;
mod settings;
#[path = "../support/collector/mod.rs"]
#[macro_use]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;
use wafpass::UnixTime;
use wafpass::clock::Clock;
use wafpass::collector::catalogue::{
    Catalogue, NewToken, Scope, Scopes, TenantSettings, TokenRequest,
};
use wafpass::collector::{Collector, TenantId, api};

use self::support::model::ModelStore;

/// 2026-11-22T00:00:00Z.
pub(crate) const MIDNIGHT_MS: u64 = 1_795_305_600_000;

pub(crate) struct Hands(pub(crate) AtomicU64);

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(i64::try_from(self.now_ms() / 1_000).unwrap())
    }

    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A collector with two tenants, each with a token of all scopes.
pub(crate) struct Place {
    _dir: TempDir,
    pub(crate) clock: Arc<Hands>,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) store: Arc<ModelStore>,
    routes: Router,
    pub(crate) acme: NewToken,
    pub(crate) globex: NewToken,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn tenant(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

impl Place {
    pub(crate) fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Arc::new(Hands(AtomicU64::new(MIDNIGHT_MS)));
        let hands: Arc<dyn Clock> = clock.clone();
        let catalogue = Arc::new(Catalogue::open(dir.path(), hands.clone()).unwrap());
        let [acme, globex] = ["acme", "globex"].map(|name| {
            catalogue.add_tenant(&tenant(name), &TenantSettings::default()).unwrap();
            token(&catalogue, name, &Scope::ALL)
        });
        let store = Arc::new(ModelStore::on(catalogue.clone()));
        let collector = Collector::new(store.clone(), catalogue.clone(), hands);
        let routes = api::router(collector, |ingest| ingest);
        Self { _dir: dir, clock, catalogue, store, routes, acme, globex }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.routes.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status.as_u16(), headers: head.headers, text }
    }

    /// `GET /v1/keys`, say, with a token.
    pub(crate) async fn ask(&self, token: &NewToken, line: &str) -> Answer {
        let (method, target) = line.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(target);
        let request = request.header("authorization", format!("Bearer {}", token.text.as_str()));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// The same, with a JSON body.
    pub(crate) async fn tell(
        &self,
        token: &NewToken,
        line: &str,
        body: impl Into<String>,
    ) -> Answer {
        let (method, target) = line.split_once(' ').unwrap();
        let request = Request::builder().method(method).uri(target);
        let request = request.header("authorization", format!("Bearer {}", token.text.as_str()));
        let request = request.header("content-type", "application/json");
        self.send(request.body(Body::from(body.into())).unwrap()).await
    }
}

pub(crate) fn token(catalogue: &Catalogue, name: &str, scopes: &[Scope]) -> NewToken {
    let scopes = Scopes::of(scopes);
    let request = TokenRequest { name: "test".to_owned(), scopes, expires_ms: None };
    catalogue.add_token(&tenant(name), &request).unwrap()
}
