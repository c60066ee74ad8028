//! What is around every handler: a name for the log, and a line in it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::MatchedPath;
use axum::http::{HeaderName, HeaderValue, Request};
use axum::middleware::map_request;
use axum::response::Response;
use tower_http::request_id::{
    MakeRequestId, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::trace::TraceLayer;
use tracing::{Span, field};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Around all routes, outermost last.
pub(super) fn around(router: Router) -> Router {
    let trace = TraceLayer::new_for_http()
        .make_span_with(span)
        .on_request(())
        .on_response(told)
        .on_failure(());
    router
        .layer(trace)
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(SetRequestIdLayer::new(REQUEST_ID, Ids::new()))
        .layer(map_request(forget_id))
}

/// A name that the peer gave would be a text of its choice in our log.
async fn forget_id(mut request: Request<Body>) -> Request<Body> {
    request.headers_mut().remove(REQUEST_ID);
    request
}

/// The route, not the path: paths and queries may hold what an event holds. No header either.
fn span(request: &Request<Body>) -> Span {
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str);
    let id = request.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok()).unwrap_or("-");
    tracing::info_span!("request", id, method = %request.method(), route, tenant = field::Empty)
}

fn told(response: &Response, latency: Duration, _: &Span) {
    let (status, ms) = (response.status().as_u16(), latency.as_millis());
    if response.status().is_server_error() {
        tracing::warn!(status, ms, "answered");
    } else {
        tracing::debug!(status, ms, "answered");
    }
}

/// Names of requests: a random start for the process, and a number.
#[derive(Clone)]
struct Ids {
    process: u32,
    last: Arc<AtomicU64>,
}

impl Ids {
    fn new() -> Self {
        // Without entropy the names of two runs may be the same, and no more.
        Self { process: getrandom::u32().unwrap_or_default(), last: Arc::default() }
    }
}

impl MakeRequestId for Ids {
    fn make_request_id<B>(&mut self, _: &Request<B>) -> Option<RequestId> {
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:08x}-{number:x}", self.process);
        HeaderValue::try_from(id).ok().map(RequestId::new)
    }
}
