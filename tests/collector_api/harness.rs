//! A collector on the model store, with two tenants, and requests to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;
use wafpass::UnixTime;
use wafpass::clock::Clock;
use wafpass::collector::catalogue::{Catalogue, Scope, Scopes, TenantSettings, TokenRequest};
use wafpass::collector::{Collector, NewEvent, TenantId, api};

use crate::support::events::{self, MIDNIGHT};
use crate::support::model::ModelStore;

/// An hour after midnight, always.
pub(crate) const NOW_MS: i64 = MIDNIGHT.as_ms() + 3_600_000;

struct AtOne;

impl Clock for AtOne {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(NOW_MS / 1_000)
    }
}

pub(crate) struct Service {
    pub(crate) collector: Collector,
    pub(crate) store: Arc<ModelStore>,
    router: Router,
    _data: TempDir,
}

/// What came back, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{self:?} is no JSON"))
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The problem that it is: its code, with what it says.
    pub(crate) fn problem(&self, status: u16) -> (String, String) {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        assert_eq!(self.header("content-type"), "application/problem+json");
        let problem = self.json();
        assert_eq!(problem["status"], status);
        let code =
            problem["type"].as_str().unwrap().strip_prefix("urn:wafpass:").unwrap().to_owned();
        (code, problem["detail"].as_str().unwrap().to_owned())
    }
}

impl Service {
    pub(crate) fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let catalogue = Arc::new(Catalogue::open(data.path(), Arc::new(AtOne)).unwrap());
        for tenant in [events::acme(), events::globex()] {
            catalogue.add_tenant(&tenant, &TenantSettings::default()).unwrap();
        }
        let store = Arc::new(ModelStore::on(catalogue.clone()));
        let collector = Collector::new(store.clone(), catalogue, Arc::new(AtOne));
        let router = api::router(collector.clone(), |routes| routes);
        Self { collector, store, router, _data: data }
    }

    /// A new token of a tenant.
    pub(crate) fn token(&self, tenant: &TenantId, scope: Scope) -> String {
        let request = TokenRequest {
            name: "test".to_owned(),
            scopes: Scopes::of(&[scope]),
            expires_ms: None,
        };
        self.collector.catalogue.add_token(tenant, &request).unwrap().text.to_string()
    }

    pub(crate) async fn put(&self, tenant: &TenantId, events: Vec<NewEvent>) {
        events::put(&*self.store, tenant, events).await;
    }

    /// An answer whose body has not been read.
    pub(crate) async fn open(&self, request: Request<Body>) -> axum::response::Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.open(request).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn ask(&self, method: Method, target: &str, token: &str) -> Answer {
        self.send(request(method, target, token)).await
    }

    /// A GET by acme with the scope `read`.
    pub(crate) async fn get(&self, target: &str) -> Answer {
        let token = self.token(&events::acme(), Scope::Read);
        self.ask(Method::GET, target, &token).await
    }
}

pub(crate) fn request(method: Method, target: &str, token: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(target)
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap()
}
