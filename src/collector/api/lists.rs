//! What came in, batch by batch, and what of it was set aside.

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::params::Parameters;
use super::{Problem, book, moments};
use crate::collector::auth::{Authorized, Read};
use crate::collector::catalogue::{ListedBatch, ListedQuarantine};
use crate::collector::limits::MAX_LISTED;
use crate::collector::{Collector, EventTime};

/// Entries of a list, where the request does not say.
const DEFAULT_LISTED: usize = 100;
/// The greatest number of a batch: 52 bits, so that every JSON reader can tell it.
const MAX_NUMBER: u64 = (1 << 53) - 1;

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new().routes(routes!(batches)).routes(routes!(quarantine))
}

/// Batches, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchList {
    /// The batches.
    batches: Vec<Batch>,
    /// Give this as `before` for older ones. Null when there are none.
    next: Option<u64>,
}

/// A batch that was acknowledged.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Batch {
    /// Its number.
    batch: u64,
    /// By which door it came.
    intake: &'static str,
    /// When it was received.
    #[schema(format = DateTime)]
    received_at: String,
    /// What its sender called it: the idempotency key, or Firehose's request id.
    key: Option<String>,
    /// Events that it brought.
    stored: u64,
    /// Events that were there already.
    repeated: u64,
    /// Lines that were set aside.
    quarantined: u64,
    /// Bytes of its body, inflated.
    bytes: u64,
}

impl From<ListedBatch> for Batch {
    fn from(listed: ListedBatch) -> Self {
        Self {
            batch: listed.batch,
            intake: listed.intake.name(),
            received_at: moments::text_of(EventTime::from_ms(listed.received_ms)),
            key: listed.key,
            stored: listed.counts.stored,
            repeated: listed.counts.repeated,
            quarantined: listed.counts.quarantined,
            bytes: listed.counts.bytes,
        }
    }
}

/// Lists the batches of the last seven days.
#[utoipa::path(
    get, path = "/v1/batches", operation_id = "list_batches", tag = "ingest",
    security(("bearer" = ["read"])),
    params(
        ("before" = Option<u64>, Query, description = "`next` of the list before.", minimum = 0, maximum = 9_007_199_254_740_991_u64),
        ("limit" = Option<u64>, Query, description = "How many; 100 by default.", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, description = "Batches, newest first.", body = BatchList)),
)]
pub(super) async fn batches(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<BatchList>, Problem> {
    let (before, limit) = place(query.as_deref())?;
    let listed =
        book::ask(&collector, move |book| Ok(book.batches(&principal.tenant, before, limit)?))
            .await?;
    let next = listed.last().filter(|_| listed.len() == limit).map(|last| last.batch);
    Ok(Json(BatchList { batches: listed.into_iter().map(Batch::from).collect(), next }))
}

/// Lines that were set aside, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantineList {
    /// How many lines were ever set aside, by reason; also those that are not listed any more.
    counts: Vec<QuarantineCount>,
    /// The lines. What they held was not kept.
    lines: Vec<QuarantinedLine>,
    /// Give this as `before` for older ones. Null when there are none.
    next: Option<u64>,
}

/// How many lines were set aside for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantineCount {
    /// The reason.
    code: &'static str,
    /// How many.
    lines: u64,
}

/// A line that was set aside.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QuarantinedLine {
    /// Its place in the list.
    number: u64,
    /// The batch that brought it.
    batch: u64,
    /// By which door it came.
    intake: &'static str,
    /// When it was received.
    #[schema(format = DateTime)]
    received_at: String,
    /// Its number in the body of the batch, from 1.
    line: u64,
    /// What was wrong with it.
    code: &'static str,
    /// How long it was.
    bytes: u64,
}

impl From<ListedQuarantine> for QuarantinedLine {
    fn from(listed: ListedQuarantine) -> Self {
        Self {
            number: listed.number,
            batch: listed.batch,
            intake: listed.intake.name(),
            received_at: moments::text_of(EventTime::from_ms(listed.received_ms)),
            line: listed.quarantined.line,
            code: listed.quarantined.code.code(),
            bytes: listed.quarantined.bytes,
        }
    }
}

/// Lists lines that were set aside: where they stood and why, never what they held.
#[utoipa::path(
    get, path = "/v1/quarantine", operation_id = "list_quarantine", tag = "ingest",
    security(("bearer" = ["read"])),
    params(
        ("before" = Option<u64>, Query, description = "`next` of the list before.", minimum = 0, maximum = 9_007_199_254_740_991_u64),
        ("limit" = Option<u64>, Query, description = "How many; 100 by default.", minimum = 1, maximum = 1000),
    ),
    responses((status = 200, description = "Lines that were set aside, newest first.", body = QuarantineList)),
)]
pub(super) async fn quarantine(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Json<QuarantineList>, Problem> {
    let (before, limit) = place(query.as_deref())?;
    let (listed, counts) = book::ask(&collector, move |book| {
        let listed = book.quarantine(&principal.tenant, before, limit)?;
        Ok((listed, book.quarantine_counts(&principal.tenant)?))
    })
    .await?;
    let next = listed.last().filter(|_| listed.len() == limit).map(|last| last.number);
    let count = |(code, lines): (crate::collector::catalogue::QuarantineCode, u64)| {
        QuarantineCount { code: code.code(), lines }
    };
    Ok(Json(QuarantineList {
        counts: counts.into_iter().map(count).collect(),
        lines: listed.into_iter().map(QuarantinedLine::from).collect(),
        next,
    }))
}

fn place(query: Option<&str>) -> Result<(Option<u64>, usize), Problem> {
    let parameters = Parameters::read(query, &["before", "limit"].map(str::to_owned))?;
    let before = match parameters.one("before")? {
        None => None,
        Some(_) => Some(parameters.number("before", 0, 0, MAX_NUMBER)?),
    };
    Ok((before, parameters.number("limit", DEFAULT_LISTED, 1, MAX_LISTED)?))
}
