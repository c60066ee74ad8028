//! What is set for a tenant. It sets retention and what becomes of clear text itself; its rate and its quota,
//! which protect the node from it, are shown here and set by `wafpass collector tenants`.

use axum::Json;
use axum::extract::{RawQuery, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Problem;
use super::body::JsonBody;
use super::book::ask;
use super::params::Parameters;
use crate::collector::Collector;
use crate::collector::auth::{Admin, Authorized};
use crate::collector::catalogue::TenantSettings;

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new().routes(routes!(get, put))
}

/// Gives the settings.
#[utoipa::path(
    get, path = "/v1/settings", operation_id = "get_settings", tag = "operation",
    security(("bearer" = ["admin"])),
    responses((status = 200, description = "The settings.", body = TenantSettings)),
)]
pub(super) async fn get(
    Authorized { principal, .. }: Authorized<Admin>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<TenantSettings>, Problem> {
    Parameters::read(query.as_deref(), &[])?;
    Ok(Json(TenantSettings::clone(&collector.catalogue.settings(&principal.tenant))))
}

/// Replaces the settings, all of them.
///
/// A shorter retention deletes what is older within minutes. `max_events_per_s` and `quota_bytes` are set by whoever
/// runs the collector: they have to be sent as they are.
#[utoipa::path(
    put, path = "/v1/settings", operation_id = "put_settings", tag = "operation",
    security(("bearer" = ["admin"])), request_body = TenantSettings,
    responses(
        (status = 200, description = "The settings as they are now.", body = TenantSettings),
        (status = 403, description = "The token does not allow this, or a limit would change that whoever runs the collector sets.", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "A value is out of its bounds.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(
    Authorized { principal, .. }: Authorized<Admin>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
    JsonBody(settings): JsonBody<TenantSettings>,
) -> Result<Json<TenantSettings>, Problem> {
    Parameters::read(query.as_deref(), &[])?;
    let asked = ask(&collector, move |book| {
        book.set_own_settings(&principal.tenant, &settings)?;
        Ok(settings)
    });
    Ok(Json(asked.await?))
}
