//! `/livez`, `/readyz` and `/metrics`.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::limits::READY;
use super::space::Space;
use crate::collector::store::Store;
use crate::layer::PerimeterHandle;
use crate::telemetry::Prometheus;

const METRICS: &str = "text/plain; version=0.0.4";

/// What readiness depends on.
#[derive(Clone, Debug)]
pub(super) struct Health {
    pub(super) store: Arc<dyn Store>,
    pub(super) space: Arc<Space>,
    pub(super) stopping: CancellationToken,
    pub(super) perimeter: Option<PerimeterHandle>,
}

/// For load balancers, on the service's own address: says nothing but yes or no.
pub(super) fn probes(health: Health) -> Router {
    Router::new().route("/livez", get(livez)).route("/readyz", get(readyz)).with_state(health)
}

/// For monitoring.
pub(super) fn metrics(prometheus: Prometheus) -> Router {
    let answer = async move || tell(StatusCode::OK, METRICS, prometheus.render());
    Router::new().route("/metrics", get(answer))
}

/// The process answers.
async fn livez() -> Response {
    plain(StatusCode::OK, "alive")
}

/// Batches can be taken in.
async fn readyz(State(health): State<Health>) -> Response {
    let unready = |why| plain(StatusCode::SERVICE_UNAVAILABLE, why);
    if health.stopping.is_cancelled() {
        return unready("draining");
    }
    if health.space.is_low() {
        return unready("no space");
    }
    // Until its restart barrier is past, or while the fleet's replay store is away, it refuses signed batches.
    if health.perimeter.as_ref().is_some_and(|edge| !edge.verifier().is_ready(edge.now())) {
        return unready("the edge signature's verifier is not ready");
    }
    match timeout(READY, health.store.ready()).await {
        Ok(Ok(())) => plain(StatusCode::OK, "ready"),
        Ok(Err(error)) => {
            tracing::warn!(%error, "not ready");
            unready("the store is not ready")
        }
        Err(_) => unready("the store does not answer"),
    }
}

fn plain(status: StatusCode, word: &str) -> Response {
    tell(status, "text/plain", format!("{word}\n"))
}

fn tell(status: StatusCode, kind: &'static str, text: String) -> Response {
    (status, [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-store")], text)
        .into_response()
}
