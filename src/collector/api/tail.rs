//! What comes in, as it comes in: server-sent events.
//!
//! Each batch of news ends with an `id` that says up to where all was given. A client that sends it back as
//! `Last-Event-ID`, which browsers do by themselves, goes on from there: it misses nothing, and may see the events
//! of a batch again that was cut in the middle. A client that is too slow is not waited for: the oldest of what
//! it has not seen is skipped, and an event `skipped` says how many, as far as they could be counted in time. A
//! store that is busy is asked again, for as long as the client stays.
//!
//! ```text
//! id: AQ…                              from here on
//!
//! event: event
//! data: {"Datetime":…}                 as of GET /v1/events, one for each event
//!
//! event: skipped
//! data: {"count":12}
//!
//! : alive                              every 15 seconds
//! ```

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Problem;
use super::filter::{self, FilterParameters};
use super::json;
use super::params::{Parameters, bad};
use super::seats::{Lasting, Seat};
use crate::collector::auth::{Authorized, Read};
use crate::collector::catalogue::Principal;
use crate::collector::limits::{BUSY_PAUSE_MS, TAIL_EVENTS, TAIL_HEARTBEAT_S, TAIL_PAUSE_MS};
use crate::collector::query::{Cursor, Filter, Snapshot};
use crate::collector::store::{Fresh, StoreError};
use crate::collector::{Collector, EventId, EventTime};

const HEARTBEAT: Bytes = Bytes::from_static(b": alive\n\n");

pub(super) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new().routes(routes!(tail))
}

/// Follows what comes in.
///
/// Server-sent events: `event` with an event as its data, `skipped` with a count when the client is too slow, `error`
/// with a problem before the stream ends for a fault. It ends when the collector shuts down.
#[utoipa::path(
    get, path = "/v1/tail", operation_id = "tail", tag = "events",
    security(("bearer" = ["read"])),
    params(
        ("last-event-id" = Option<String>, Header, description = "The last `id` that was seen: go on from there."),
        FilterParameters,
    ),
    responses(
        (status = 200, description = "Events, as long as both sides want.", body = String, content_type = "text/event-stream"),
    ),
)]
pub(super) async fn tail(
    Authorized { principal, .. }: Authorized<Read>,
    State(collector): State<Collector>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let parameters = Parameters::read(query.as_deref(), &filter::names_with(&[]))?;
    let filter = filter::read(&parameters)?;
    let resumed = last_event_id(&headers)?;
    let seat = collector.seats.take(&principal.tenant, Lasting::Tail)?;
    if collector.stopping.is_cancelled() {
        return Err(closing());
    }
    let follower = Follower::new(collector, principal, filter, resumed, seat);
    let stream = futures_util::stream::unfold(follower, |mut follower| async {
        let chunk = follower.next().await?;
        Some((Ok::<_, Infallible>(chunk), follower))
    });
    // RFC 9110 §8.3; nginx would keep events back until its buffer is full.
    let headers =
        [(header::CONTENT_TYPE.as_str(), "text/event-stream"), ("x-accel-buffering", "no")];
    Ok((headers, Body::from_stream(stream)).into_response())
}

/// One client that follows.
struct Follower {
    collector: Collector,
    principal: Principal,
    filter: Filter,
    /// All up to here was given.
    given: Snapshot,
    commits: watch::Receiver<u64>,
    heartbeat: Interval,
    step: Step,
    _seat: Seat,
}

/// What a follower does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Greet,
    Ask,
    Wait,
    /// The store was busy: ask again after a pause.
    Pause,
    End,
}

impl Follower {
    fn new(
        collector: Collector,
        principal: Principal,
        filter: Filter,
        resumed: Option<Snapshot>,
        seat: Seat,
    ) -> Self {
        // Subscribed first: a commit between the two is seen by both, not by none.
        let mut commits = collector.store.commits();
        commits.mark_unchanged();
        let given = resumed.unwrap_or_else(|| collector.store.snapshot());
        let mut heartbeat = tokio::time::interval(Duration::from_secs(TAIL_HEARTBEAT_S));
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        Self {
            collector,
            principal,
            filter,
            given,
            commits,
            heartbeat,
            step: Step::Greet,
            _seat: seat,
        }
    }

    // The next piece of the stream; none ends it.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            // A token that is over or revoked ends what it began: looked at before each piece, each 15 s at least.
            if self.step != Step::End && !self.collector.catalogue.is_in_force(&self.principal) {
                self.step = Step::End;
            }
            match self.step {
                Step::Greet => {
                    self.step = Step::Ask;
                    return Some(format!("retry: 3000\nid: {}\n\n", text_of(&self.given)).into());
                }
                Step::Ask => {
                    self.step = Step::Wait;
                    if let Some(news) = self.ask().await {
                        return Some(news);
                    }
                }
                Step::Wait => {
                    if let Some(heartbeat) = self.wait().await {
                        return Some(heartbeat);
                    }
                }
                Step::Pause => {
                    if let Some(heartbeat) = self.pause().await {
                        return Some(heartbeat);
                    }
                }
                Step::End => return None,
            }
        }
    }

    async fn ask(&mut self) -> Option<Bytes> {
        let since = self.given.clone();
        let filter = self.filter.clone();
        match self.collector.store.since(&self.principal.tenant, since, filter, TAIL_EVENTS).await {
            Ok(fresh) => {
                self.given = fresh.snapshot.clone();
                (!fresh.events.is_empty() || fresh.skipped > 0).then(|| news(&fresh))
            }
            // Nothing is lost by a pause; a stream that ends has its client come back at once.
            Err(StoreError::Busy) => {
                self.step = Step::Pause;
                None
            }
            Err(error) => {
                self.step = Step::End;
                let problem = serde_json::to_string(&Problem::from(error)).unwrap_or_default();
                Some(format!("event: error\ndata: {problem}\n\n").into())
            }
        }
    }

    async fn wait(&mut self) -> Option<Bytes> {
        let Self { collector, commits, heartbeat, .. } = self;
        let (step, chunk) = tokio::select! {
            biased;
            () = collector.stopping.cancelled() => (Step::End, None),
            changed = commits.changed() => match changed {
                Ok(()) => {
                    tokio::time::sleep(Duration::from_millis(TAIL_PAUSE_MS)).await;
                    commits.mark_unchanged();
                    (Step::Ask, None)
                }
                Err(_) => (Step::End, None), // the store is gone
            },
            _ = heartbeat.tick() => (Step::Wait, Some(HEARTBEAT)),
        };
        self.step = step;
        chunk
    }

    async fn pause(&mut self) -> Option<Bytes> {
        let Self { collector, heartbeat, .. } = self;
        let (step, chunk) = tokio::select! {
            biased;
            () = collector.stopping.cancelled() => (Step::End, None),
            _ = heartbeat.tick() => (Step::Pause, Some(HEARTBEAT)),
            () = tokio::time::sleep(Duration::from_millis(BUSY_PAUSE_MS)) => (Step::Ask, None),
        };
        self.step = step;
        chunk
    }
}

// The id stands with the last of them alone: what is cut before it is given again.
fn news(fresh: &Fresh) -> Bytes {
    let mut out = Vec::new();
    if fresh.skipped > 0 {
        out.extend(format!("event: skipped\ndata: {{\"count\":{}}}\n\n", fresh.skipped).bytes());
    }
    for stored in &fresh.events {
        out.extend_from_slice(b"event: event\ndata: ");
        json::write(&mut out, stored);
        out.extend_from_slice(b"\n\n");
    }
    out.extend(format!("id: {}\n\n", text_of(&fresh.snapshot)).bytes());
    out.into()
}

/// A snapshot as text: a cursor that points nowhere.
pub(super) fn text_of(snapshot: &Snapshot) -> String {
    let nowhere = (EventTime(0), EventId([0; 16]));
    Cursor { at: nowhere.0, id: nowhere.1, snapshot: snapshot.clone() }.to_text()
}

fn read(text: &str) -> Option<Snapshot> {
    Cursor::from_text(text).map(|cursor| cursor.snapshot)
}

fn last_event_id(headers: &HeaderMap) -> Result<Option<Snapshot>, Problem> {
    let Some(value) = headers.get("last-event-id").filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let wrong =
        || bad("last-event-id", "it is none of this collector's", "leave it out to begin now");
    value.to_str().ok().and_then(read).map(Some).ok_or_else(wrong)
}

fn closing() -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "closing",
        "the collector is shutting down",
        "it takes no new followers\nconnect again once it is back",
    )
    .retry_after(5)
}
