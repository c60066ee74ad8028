//! Events without a cap, newest first, in one stream.
//!
//! - **All of one snapshot**: what comes in while the export runs is not part of it.
//! - **It waits**: a store that is busy is asked again for a minute or so.
//! - **An export that ended is whole**: where the store fails on the way, or the collector shuts down or the token is revoked, the stream is cut
//!   (HTTP/1.1: without its last chunk; HTTP/2: by a reset). A client has to take that for a failure.
//! - **What is sealed stays sealed**: blobs go out as they came in.

mod csv;
mod ecs;
mod members;
mod ocsf;

use std::io;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use tokio::time::sleep;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Problem;
use super::events::BUDGET;
use super::filter::{self, FilterParameters};
use super::json;
use super::moments::{self, RangeParameters};
use super::params::{Parameters, bad};
use super::seats::{Lasting, Seat};
use crate::collector::auth::{Authorized, Read};
use crate::collector::catalogue::Principal;
use crate::collector::limits::{BUSY_PAUSE_MS, EXPORT_TRIES, MAX_PAGE_EVENTS};
use crate::collector::query::{Page, PageQuery};
use crate::collector::store::StoreError;
use crate::collector::{Collector, StoredEvent};

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new().routes(routes!(export))
}

/// As what events are exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub(super) enum Format {
    /// One JSON object a line, as of `GET /v1/events`.
    Ndjson,
    /// RFC 4180 with a header row; cells that a spreadsheet would run begin with an apostrophe.
    Csv,
    /// One object a line of the Open Cybersecurity Schema Framework: HTTP Activity.
    Ocsf,
    /// One object a line of the Elastic Common Schema.
    Ecs,
}

impl Format {
    const ALL: [(&'static str, Self); 4] =
        [("ndjson", Self::Ndjson), ("csv", Self::Csv), ("ocsf", Self::Ocsf), ("ecs", Self::Ecs)];

    fn read(parameters: &Parameters) -> Result<Self, Problem> {
        let Some(name) = parameters.one("format")? else { return Ok(Self::Ndjson) };
        let found = Self::ALL.into_iter().find(|(known, _)| *known == name);
        let names = Self::ALL.map(|(name, _)| name).join(", ");
        let wrong = || bad("format", "there is no such format", &format!("give one of {names}"));
        found.map(|(_, format)| format).ok_or_else(wrong)
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Ndjson | Self::Ocsf | Self::Ecs => "application/x-ndjson",
        }
    }

    const fn disposition(self) -> &'static str {
        match self {
            Self::Ndjson => r#"attachment; filename="wafpass-events.ndjson""#,
            Self::Csv => r#"attachment; filename="wafpass-events.csv""#,
            Self::Ocsf => r#"attachment; filename="wafpass-events.ocsf.ndjson""#,
            Self::Ecs => r#"attachment; filename="wafpass-events.ecs.ndjson""#,
        }
    }

    // What stands before the first event.
    fn head(self) -> Vec<u8> {
        match self {
            Self::Csv => csv::head(),
            Self::Ndjson | Self::Ocsf | Self::Ecs => Vec::new(),
        }
    }

    fn write(self, out: &mut Vec<u8>, stored: &StoredEvent) {
        match self {
            Self::Csv => return csv::write(out, stored), // it ends its own lines
            Self::Ndjson => json::write(out, stored),
            Self::Ocsf => ocsf::write(out, stored),
            Self::Ecs => ecs::write(out, stored),
        }
        out.push(b'\n');
    }
}

/// Exports events, as many as there are.
///
/// An answer that breaks off without its proper end is not whole: the store failed, or the collector was shut down.
#[utoipa::path(
    get, path = "/v1/export", operation_id = "export_events", tag = "events",
    security(("bearer" = ["read"])),
    params(
        RangeParameters,
        ("format" = Option<Format>, Query, description = "As what; ndjson by default."),
        FilterParameters,
    ),
    responses(
        (status = 200, description = "The events, newest first.", content(
            (String = "application/x-ndjson"),
            (String = "text/csv"),
        )),
    ),
)]
pub(super) async fn export(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let known = filter::names_with(&["from", "until", "format"]);
    let parameters = Parameters::read(query.as_deref(), &known)?;
    let format = Format::read(&parameters)?;
    let query = PageQuery {
        range: moments::range(&parameters, collector.now())?,
        filter: filter::read(&parameters)?,
        limit: MAX_PAGE_EVENTS,
        after: None,
        budget: BUDGET,
    };
    let seat = collector.seats.take(&principal.tenant, Lasting::Export)?;
    // The first page is asked for before the answer begins: what fails there is a problem still.
    let first = collector.store.page(&principal.tenant, query.clone()).await?;
    let export = Export { collector, principal, format, query, _seat: seat };
    let headers = [
        (header::CONTENT_TYPE, format.content_type()),
        (header::CONTENT_DISPOSITION, format.disposition()),
    ];
    Ok((headers, Body::from_stream(export.stream(first))).into_response())
}

struct Export {
    collector: Collector,
    principal: Principal,
    format: Format,
    query: PageQuery,
    _seat: Seat,
}

/// What of an export comes next.
enum Next {
    First(Page),
    After,
    End,
}

impl Export {
    fn stream(self, first: Page) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
        let begin = (self, Next::First(first));
        futures_util::stream::unfold(begin, |(mut export, next)| async move {
            let (mut out, page) = match next {
                Next::First(page) => (export.format.head(), Ok(page)),
                Next::After => (Vec::new(), export.page().await),
                Next::End => return None,
            };
            let Ok(page) = page.inspect_err(|error| tracing::warn!(%error, "an export is cut"))
            else {
                return Some((Err(io::Error::other("the export is cut")), (export, Next::End)));
            };
            page.events.iter().for_each(|stored| export.format.write(&mut out, stored));
            let next = if page.next.is_some() { Next::After } else { Next::End };
            export.query.after = page.next;
            Some((Ok(out.into()), (export, next)))
        })
        .fuse() // what compresses it asks again after the end
    }

    // A store that is busy is asked again: a page that fails costs all that went out before.
    async fn page(&self) -> Result<Page, StoreError> {
        let mut tries = 1;
        loop {
            match self.page_now().await {
                Err(StoreError::Busy) if tries < EXPORT_TRIES => tries += 1,
                answer => return answer,
            }
            sleep(Duration::from_millis(BUSY_PAUSE_MS)).await;
        }
    }

    async fn page_now(&self) -> Result<Page, StoreError> {
        // A token that is over or revoked ends what it began.
        let is_in_force = self.collector.catalogue.is_in_force(&self.principal);
        if self.collector.stopping.is_cancelled() || !is_in_force {
            return Err(StoreError::Closed);
        }
        self.collector.store.page(&self.principal.tenant, self.query.clone()).await
    }
}
