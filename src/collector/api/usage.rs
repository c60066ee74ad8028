//! What a tenant has stored, beside what it may.

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Problem;
use super::moments;
use super::params::Parameters;
use crate::collector::Collector;
use crate::collector::auth::{Authorized, Read};

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new().routes(routes!(usage))
}

/// What a tenant has stored.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct UsageReport {
    /// Events that queries can see.
    events: u64,
    /// Bytes on the disk.
    bytes: u64,
    /// Bytes that it may take; null for no bound.
    quota_bytes: Option<u64>,
    /// Days that have events.
    partitions: u64,
    /// Days that events are kept.
    retention_days: u32,
    /// When the oldest event happened.
    #[schema(format = DateTime)]
    oldest: Option<String>,
    /// When the newest event happened.
    #[schema(format = DateTime)]
    newest: Option<String>,
}

/// Says what is stored, and what may be.
#[utoipa::path(
    get, path = "/v1/usage", operation_id = "get_usage", tag = "operation", security(("bearer" = ["read"])),
    responses((status = 200, description = "What is stored.", body = UsageReport)),
)]
pub(super) async fn usage(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<UsageReport>, Problem> {
    Parameters::read(query.as_deref(), &[])?;
    let usage = collector.store.usage(&principal.tenant).await?;
    let settings = collector.catalogue.settings(&principal.tenant);
    Ok(Json(UsageReport {
        events: usage.events,
        bytes: usage.bytes,
        quota_bytes: settings.quota_bytes,
        partitions: usage.partitions,
        retention_days: settings.retention_days,
        oldest: usage.span.map(|(oldest, _)| moments::text_of(oldest)),
        newest: usage.span.map(|(_, newest)| moments::text_of(newest)),
    }))
}
