//! The five doors: what each sender sends along, and how it is answered.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tokio::runtime::Handle;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Accepted;
use super::batch::{BadLines, Form, Job, Name};
use super::body;
use super::inflate::Coding;
use super::records::Commas;
use super::rules::Rules;
use crate::collector::api::Problem;
use crate::collector::auth::{self, Authorized, Ingest};
use crate::collector::catalogue::Principal;
use crate::collector::limits::MAX_BATCH_KEY_BYTES;
use crate::collector::{Collector, EventTime, Intake, telemetry};

/// draft-ietf-httpapi-idempotency-key-header-07.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-firehose-request-id");

/// The routes of this module.
pub(crate) fn routes() -> OpenApiRouter<Collector> {
    OpenApiRouter::new()
        .routes(routes!(native))
        .routes(routes!(logpush))
        .routes(routes!(firehose))
        .routes(routes!(aws_waf))
        .routes(routes!(modsecurity))
}

/// Takes events in: NDJSON, a JSON array, or `{"events": [...]}`, with the names of Cloudflare's `firewall_events`.
///
/// All of them are stored, or none. With an `Idempotency-Key`, a repeat is answered as the first time.
#[utoipa::path(
    post, path = "/v1/events", operation_id = "ingest_events", tag = "ingest",
    security(("bearer" = ["ingest"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "names the batch: 1 to 256 visible characters, bare or as a quoted string")),
    request_body(content = Option<String>, content_type = "application/x-ndjson", description = "one event a line; gzip and zstd by content-encoding"),
    responses(
        (status = 200, description = "all of it is stored, synced and visible", body = Accepted),
        (status = 400, description = "lines are no events, and nothing was stored", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "the body came too slowly, or not whole", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "the key came with another body before", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too much is under way, or the tenant sends too fast", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "the disk or the tenant's quota is full", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn native(
    Authorized { principal, .. }: Authorized<Ingest>,
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Accepted>, Problem> {
    let door = Door {
        intake: Intake::Native,
        coding: Coding::of(&headers)?,
        form: Form::Records(Commas::Strict),
        name: idempotency_key(&headers)?,
        bad_lines: BadLines::Refuse,
    };
    door.receive(collector, principal, body).await.map(Json)
}

/// Takes a batch of Cloudflare Logpush in, and the upload by which it tries a destination.
///
/// Lines that are no events are set aside without their content, counted and alarmed; the rest is stored.
#[utoipa::path(
    post, path = "/v1/logpush", operation_id = "ingest_logpush", tag = "ingest",
    security(("bearer" = ["ingest"])),
    request_body(content = Option<String>, content_type = "application/x-ndjson", description = "one event a line, gzipped or not, with or without content-encoding"),
    responses(
        (status = 200, description = "all of it is stored, synced and visible, but for lines that were set aside", body = Accepted),
        (status = 408, description = "the body came too slowly, or not whole", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too much is under way, or the tenant sends too fast", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "the disk or the tenant's quota is full", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn logpush(
    Authorized { principal, .. }: Authorized<Ingest>,
    State(collector): State<Collector>,
    body: Body,
) -> Result<Json<Accepted>, Problem> {
    let door = Door {
        intake: Intake::Logpush,
        coding: Coding::ByMagic,
        form: Form::Records(Commas::Any),
        name: Name::Content,
        bad_lines: BadLines::SetAside,
    };
    door.receive(collector, principal, body).await.map(Json)
}

/// Takes AWS WAF's logs in as lines, and seals what they hold in clear.
///
/// Lines that are no events are set aside without their content; a batch of which none could be read is refused.
#[utoipa::path(
    post, path = "/v1/aws-waf", operation_id = "ingest_aws_waf", tag = "ingest",
    security(("bearer" = ["ingest"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "names the batch: 1 to 256 visible characters, bare or as a quoted string")),
    request_body(content = Option<String>, content_type = "application/x-ndjson", description = "one log record a line; gzip and zstd by content-encoding"),
    responses(
        (status = 200, description = "all of it is stored, synced and visible, but for lines that were set aside", body = Accepted),
        (status = 400, description = "no line of it could be read, or its packing or key is bad; nothing was stored", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "the body came too slowly, or not whole", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "the key came with another body before", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too much is under way, or the tenant sends too fast", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "the tenant has no active key, so that nothing can be sealed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn aws_waf(
    Authorized { principal, .. }: Authorized<Ingest>,
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Accepted>, Problem> {
    lines_in_clear(Intake::AwsWaf, collector, principal, &headers, body).await
}

/// Takes the JSON audit logs of ModSecurity and Coraza in, and seals what they hold in clear.
///
/// Lines that are no events are set aside without their content; a batch of which none could be read is refused.
#[utoipa::path(
    post, path = "/v1/modsecurity", operation_id = "ingest_modsecurity", tag = "ingest",
    security(("bearer" = ["ingest"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "names the batch: 1 to 256 visible characters, bare or as a quoted string")),
    request_body(content = Option<String>, content_type = "application/x-ndjson", description = "one transaction a line; gzip and zstd by content-encoding"),
    responses(
        (status = 200, description = "all of it is stored, synced and visible, but for lines that were set aside", body = Accepted),
        (status = 400, description = "no line of it could be read, or its packing or key is bad; nothing was stored", body = Problem, content_type = "application/problem+json"),
        (status = 408, description = "the body came too slowly, or not whole", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "the key came with another body before", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "too much is under way, or the tenant sends too fast", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "the tenant has no active key, so that nothing can be sealed", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn modsecurity(
    Authorized { principal, .. }: Authorized<Ingest>,
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Accepted>, Problem> {
    lines_in_clear(Intake::ModSecurity, collector, principal, &headers, body).await
}

async fn lines_in_clear(
    intake: Intake,
    collector: Collector,
    principal: Principal,
    headers: &HeaderMap,
    body: Body,
) -> Result<Json<Accepted>, Problem> {
    let door = Door {
        intake,
        coding: Coding::of(headers)?,
        form: Form::Records(Commas::Strict),
        name: idempotency_key(headers)?,
        // An agent that tails a file cannot mend its lines, and would send them for ever.
        bad_lines: BadLines::SetAside,
    };
    door.receive(collector, principal, body).await.map(Json)
}

/// The answer that Firehose takes, and no other.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FirehoseAnswer {
    /// The request that is answered.
    request_id: String,
    /// When, in milliseconds since 1970.
    timestamp: u64,
    /// Why it was not taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_message: Option<String>,
}

/// Takes AWS WAF's logs in from Amazon Data Firehose, and seals what they hold in clear.
///
/// Every answer has the form that Firehose takes; what is refused before it comes here, a problem.
#[utoipa::path(
    post, path = "/v1/firehose", operation_id = "ingest_firehose", tag = "ingest",
    security(("firehose" = ["ingest"])),
    params(("X-Amz-Firehose-Request-Id" = String, Header, description = "names the batch, the same at each attempt")),
    request_body(content = String, content_type = "application/json", description = "Firehose's object, gzipped or not"),
    responses(
        (status = 200, description = "all of it is stored, synced and visible, but for lines that were set aside", body = FirehoseAnswer),
        (status = 400, description = "the request has no id, its body is not Firehose's object, or no line of it could be read", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 401, description = "there is no token, or none that holds", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 403, description = "the token does not allow this", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 408, description = "the body came too slowly, or not whole", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 413, description = "the body is too large", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 415, description = "the body is packed in another way", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 422, description = "the id came with another body before, or the request holds a private key", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 429, description = "too much is under way, or the tenant sends too fast", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 500, description = "the collector failed; its log says why", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 503, description = "not now, or the tenant has no active key", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
        (status = 507, description = "the disk or the tenant's quota is full", content((FirehoseAnswer = "application/json"), (Problem = "application/problem+json"))),
    )
)]
pub(crate) async fn firehose(
    State(collector): State<Collector>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let request_id = visible(&headers, &REQUEST_ID).ok().flatten();
    let timestamp = collector.clock.now_ms();
    let taken = from_firehose(collector, &headers, request_id.clone(), body).await;
    let request_id = request_id.unwrap_or_default();
    match taken {
        Ok(_) => {
            Json(FirehoseAnswer { request_id, timestamp, error_message: None }).into_response()
        }
        Err(problem) => {
            let error_message = Some(format!("{}: {}", problem.title, problem.detail));
            let status =
                StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let answer = Json(FirehoseAnswer { request_id, timestamp, error_message });
            let mut response = (status, answer).into_response();
            // Retry-After, and the challenge of a 401.
            let mut headers = problem.into_response().into_parts().0.headers;
            for name in [axum::http::header::CONTENT_TYPE, axum::http::header::CONTENT_LENGTH] {
                headers.remove(name);
            }
            response.headers_mut().extend(headers);
            response
        }
    }
}

async fn from_firehose(
    collector: Collector,
    headers: &HeaderMap,
    request_id: Option<String>,
    body: Body,
) -> Result<Accepted, Problem> {
    let principal = auth::firehose(headers, &collector.catalogue)?;
    let Some(request_id) = request_id else {
        let detail = "send x-amz-firehose-request-id, 1 to 256 visible characters, once";
        return Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "request-id",
            "the request has no id",
            detail,
        ));
    };
    let door = Door {
        intake: Intake::AwsWaf,
        coding: Coding::of(headers)?,
        form: Form::Firehose { request_id: request_id.clone() },
        name: Name::Given(request_id),
        bad_lines: BadLines::SetAside,
    };
    door.receive(collector, principal, body).await
}

/// What a sender has said before its body.
struct Door {
    intake: Intake,
    coding: Coding,
    form: Form,
    name: Name,
    bad_lines: BadLines,
}

impl Door {
    /// Takes a batch in, and counts how it was answered.
    async fn receive(
        self,
        collector: Collector,
        principal: Principal,
        body: Body,
    ) -> Result<Accepted, Problem> {
        let intake = self.intake;
        let answer = self.take(collector, principal, body).await;
        match &answer {
            Ok(accepted) if accepted.repeated_batch => telemetry::batch(intake, "repeated"),
            Ok(_) => telemetry::batch(intake, "stored"),
            Err(problem) => telemetry::batch(intake, super::outcome(problem)),
        }
        answer
    }

    async fn take(
        self,
        collector: Collector,
        principal: Principal,
        body: Body,
    ) -> Result<Accepted, Problem> {
        let Collector { store, catalogue, clock, reception, .. } = collector;
        let tenant = principal.tenant;
        let settings = catalogue.settings(&tenant);
        let received_ms = i64::try_from(clock.now_ms()).unwrap_or(i64::MAX);
        let place = reception.admit(&tenant, &settings, received_ms)?;
        // In this order: who deletes a tenant looks for such places once it is said to go.
        auth::expect_tenant(&catalogue, &tenant)?;
        reception.check_quota(&*store, &tenant, &settings, received_ms).await?;
        let now = EventTime::from_ms(received_ms);
        let rules = Rules::new(tenant.clone(), self.intake, catalogue.event_key().as_bytes(), now)
            .with_settings(settings, now)
            .with_keys(catalogue.active_keys(&tenant), catalogue.registered_keys());
        let (pump, reader) = body::channel(body, reception.patience());
        let runtime = Handle::current();
        let Self { coding, form, name, bad_lines, .. } = self;
        let job = Job {
            store,
            catalogue,
            reception,
            _place: place,
            rules,
            coding,
            form,
            name,
            bad_lines,
            received_ms,
            runtime,
        };
        let worker = tokio::task::spawn_blocking(move || job.run(reader));
        pump.run().await;
        let done = worker.await.map_err(|error| {
            // The text of a panic may repeat what it was about.
            tracing::error!(panicked = error.is_panic(), "a batch's worker ended early");
            let status = StatusCode::INTERNAL_SERVER_ERROR;
            Problem::new(
                status,
                "failed",
                "the collector failed",
                "its log says why; nothing of the batch was stored",
            )
        })?;
        done.map_err(Problem::from)
    }
}

/// The key of a batch: bare, or as the string of a structured field (RFC 8941 §3.3.3).
fn idempotency_key(headers: &HeaderMap) -> Result<Name, Problem> {
    let Some(text) = visible(headers, &IDEMPOTENCY_KEY)? else { return Ok(Name::None) };
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let key = match quoted {
        Some(inner) => unquoted(inner),
        None => Some(text.clone()).filter(|text| !text.contains('"')),
    };
    key.filter(|key| !key.is_empty()).map(Name::Given).ok_or_else(|| bad_key(&IDEMPOTENCY_KEY))
}

/// RFC 8941 §4.2.5: a backslash stands before a quote or a backslash, and nowhere else.
fn unquoted(inner: &str) -> Option<String> {
    let mut key = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => return None,
            '\\' => key.push(characters.next().filter(|next| matches!(next, '"' | '\\'))?),
            other => key.push(other),
        }
    }
    Some(key)
}

/// A header's value, of visible characters only; `None` where there is none.
fn visible(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    let text = value.as_bytes();
    let is_good =
        (1..=MAX_BATCH_KEY_BYTES).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
    let text = value.to_str().ok().filter(|_| is_good && second.is_none());
    text.map(|text| Some(text.to_owned())).ok_or_else(|| bad_key(name))
}

fn bad_key(name: &HeaderName) -> Problem {
    let detail = format!("send {name} once, with 1 to 256 visible characters");
    Problem::new(StatusCode::BAD_REQUEST, "batch-key", "the batch has a bad key", detail)
}
