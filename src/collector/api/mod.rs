//! The HTTP interface: routes, problems, the OpenAPI description.
//!
//! - **Whose data it is follows from the token alone**: no parameter, header or path names a tenant.
//! - **A parameter that is unknown or misspelt is refused**: an answer is never wider than what was meant.
//! - **Every error is a problem** (RFC 9457) with a stable code, the fault and the way out.
//! - **Nothing is cached**, and no answer is guessed to be of another type.

mod body;
mod book;
mod counts;
mod envelope;
mod events;
mod export;
mod filter;
mod json;
pub mod keys;
mod lists;
mod moments;
mod openapi;
mod params;
pub mod problem;
mod seats;
pub mod settings;
mod tail;
pub mod usage;

use std::sync::Arc;

use axum::{Extension, Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

pub use self::problem::Problem;
pub(crate) use self::seats::Seats;
use super::{Collector, ingest, private_key};

/// All routes of the interface. `guard_ingest` is given those that take events in, to put a layer around them:
/// `|routes| routes` for none.
pub fn router(collector: Collector, guard_ingest: impl FnOnce(Router) -> Router) -> Router {
    let ingest = guard_ingest(ingest_routes(collector.clone()));
    enveloped(query_routes(collector.clone()).merge(ingest), &collector)
}

/// The routes that take events in.
pub(crate) fn ingest_routes(collector: Collector) -> Router {
    ingest::routes().with_state(collector).split_for_parts().0
}

/// All other routes.
pub(crate) fn query_routes(collector: Collector) -> Router {
    let document = openapi::Document::of(&description());
    let routes: Router = queries().with_state(collector).split_for_parts().0;
    // An export or a page shrinks to a fifth; what a client sends is inflated by its door.
    routes.layer(CompressionLayer::new().gzip(true).zstd(true)).layer(Extension(document))
}

/// What all routes share: a problem for each error, nothing cached, nothing guessed, no private key let in.
pub(crate) fn enveloped(routes: Router, collector: &Collector) -> Router {
    let catalogue = Arc::clone(&collector.catalogue);
    routes
        .layer(middleware::from_fn_with_state(catalogue, private_key::guard))
        .layer(CatchPanicLayer::custom(envelope::panicked))
        .layer(middleware::from_fn(envelope::finish))
}

/// The OpenAPI description of all routes.
#[must_use]
pub fn description() -> OpenApi {
    openapi::completed(queries().merge(ingest::routes()).into_openapi())
}

fn queries() -> OpenApiRouter<Collector> {
    OpenApiRouter::new()
        .merge(events::routes())
        .merge(counts::routes())
        .merge(tail::routes())
        .merge(export::routes())
        .merge(lists::routes())
        .merge(keys::routes())
        .merge(settings::routes())
        .merge(usage::routes())
        .merge(openapi::routes())
}
