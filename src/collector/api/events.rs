//! Events: a page of them, one of them, and their end.

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Problem;
use super::filter::{self, FilterParameters};
use super::json::EventJson;
use super::moments::{self, ExactRangeParameters, RangeParameters};
use super::params::{Parameters, bad};
use super::tail;
use crate::collector::auth::{Admin, Authorized, Read};
use crate::collector::limits::{MAX_PAGE_EVENTS, SCAN_BUDGET_MS, SCAN_BUDGET_ROWS};
use crate::collector::query::{Budget, Cursor, PageQuery};
use crate::collector::store::Deleted;
use crate::collector::{Collector, EventId, telemetry};

/// Events of a page, where the request does not say.
const DEFAULT_EVENTS: usize = 100;
/// What one query may look at.
pub(super) const BUDGET: Budget = Budget { rows: SCAN_BUDGET_ROWS, ms: SCAN_BUDGET_MS };

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new().routes(routes!(list, delete)).routes(routes!(one))
}

/// Events, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventPage {
    /// The first moment that was asked for.
    #[schema(format = DateTime)]
    from: String,
    /// The first moment that was no longer asked for.
    #[schema(format = DateTime)]
    until: String,
    /// The events, by time, then by id, descending.
    events: Vec<EventJson>,
    /// Give this as `cursor`, with the same `from`, `until` and filters, for what is older. Null when nothing older is left.
    next: Option<String>,
    /// Set when the search ended at its budget: all events from this moment on were looked at. Go on with `next`.
    #[schema(format = DateTime)]
    scanned_until: Option<String>,
    /// What the answer was drawn from: what comes in later is not on its next pages. A live tail goes on from here.
    snapshot: String,
}

/// Asks for events.
///
/// Pages of one search do not shift: what comes in after the first page, or late, is not part of it.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "list_events", tag = "events",
    security(("bearer" = ["read"])),
    params(
        RangeParameters,
        ("limit" = Option<u64>, Query, description = "How many events; 100 by default.", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "`next` of the page before.", max_length = 731, pattern = "^[A-Za-z0-9_-]{46,}$"),
        FilterParameters,
    ),
    responses((status = 200, description = "A page of events.", body = EventPage)),
)]
pub(super) async fn list(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<EventPage>, Problem> {
    let known = filter::names_with(&["from", "until", "limit", "cursor"]);
    let parameters = Parameters::read(query.as_deref(), &known)?;
    let range = moments::range(&parameters, collector.now())?;
    let query = PageQuery {
        range,
        filter: filter::read(&parameters)?,
        limit: parameters.number("limit", DEFAULT_EVENTS, 1, MAX_PAGE_EVENTS)?,
        after: cursor(&parameters)?,
        budget: BUDGET,
    };
    let page = telemetry::timed("events", collector.store.page(&principal.tenant, query)).await?;
    Ok(Json(EventPage {
        from: moments::text_of(range.from),
        until: moments::text_of(range.until),
        events: page.events.iter().map(EventJson::try_from).collect::<Result<_, _>>()?,
        next: page.next.map(|cursor| cursor.to_text()),
        scanned_until: page.scanned_until.map(moments::text_of),
        snapshot: tail::text_of(&page.snapshot),
    }))
}

/// Gives one event.
#[utoipa::path(
    get, path = "/v1/events/{id}", operation_id = "get_event", tag = "events",
    security(("bearer" = ["read"])),
    params(
        ("id" = String, Path, description = "`_wafpass.id` of the event.", pattern = "^[0-9a-f]{32}$"),
        ("at" = Option<moments::Moment>, Query, description = "`_wafpass.at` of the event: with it, the event is found at once."),
    ),
    responses(
        (status = 200, description = "The event.", body = EventJson),
        (status = 404, description = "There is no such event, or it is another tenant's.", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn one(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Json<EventJson>, Problem> {
    let parameters = Parameters::read(query.as_deref(), &["at".to_owned()])?;
    let at = moments::moment(&parameters, "at")?;
    let id = EventId::from_hex(&id).ok_or_else(|| {
        bad("id", "it is no event's id", "give the 32 hexadecimal digits of `_wafpass.id`")
    })?;
    let found = telemetry::timed("event", collector.store.event(&principal.tenant, id, at)).await?;
    let stored = found.ok_or_else(|| {
        let detail =
            "it has expired, was deleted, or never was\nlook for it by time, with GET /v1/events";
        Problem::new(StatusCode::NOT_FOUND, "no-such-event", "there is no such event", detail)
    })?;
    Ok(Json(EventJson::try_from(&stored)?))
}

/// What a deletion took away.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DeletedEvents {
    /// Events.
    events: u64,
    /// Days that went as a whole.
    partitions: u64,
}

impl From<Deleted> for DeletedEvents {
    fn from(deleted: Deleted) -> Self {
        Self { events: deleted.events, partitions: deleted.partitions }
    }
}

/// Deletes all events of a time range, for good.
#[utoipa::path(
    delete, path = "/v1/events", operation_id = "delete_events", tag = "events",
    security(("bearer" = ["admin"])),
    params(ExactRangeParameters),
    responses((status = 200, description = "They are gone.", body = DeletedEvents)),
)]
pub(super) async fn delete(
    Authorized { principal, .. }: Authorized<Admin>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<DeletedEvents>, Problem> {
    let known = ["from", "until"].map(str::to_owned);
    let range = moments::exact_range(&Parameters::read(query.as_deref(), &known)?)?;
    let deleted = collector.store.delete(&principal.tenant, range).await?;
    tracing::info!(
        tenant = %principal.tenant, token = principal.token_id, events = deleted.events,
        from = moments::text_of(range.from), until = moments::text_of(range.until),
        "events were deleted"
    );
    Ok(Json(deleted.into()))
}

fn cursor(parameters: &Parameters) -> Result<Option<Cursor>, Problem> {
    let Some(text) = parameters.one("cursor")? else { return Ok(None) };
    let wrong = || {
        bad(
            "cursor",
            "it is none of this collector's",
            "give `next` as it was, or begin anew without",
        )
    };
    Cursor::from_text(text).map(Some).ok_or_else(wrong)
}
