//! The private-key check in front of every route.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::time::timeout;

use super::{RegisteredKeys, Suspect, problem, suspect_within};
use crate::collector::api::Problem;
use crate::collector::catalogue::Catalogue;
use crate::collector::limits::{BODY_IDLE_S, MAX_API_BODY_BYTES, MAX_KEY_CANDIDATES};
use crate::collector::telemetry;

/// Where events are sent: their bodies are streams, and each line is looked at as it is read.
const DOORS: [&str; 5] =
    ["/v1/events", "/v1/logpush", "/v1/firehose", "/v1/aws-waf", "/v1/modsecurity"];

/// Refuses a request whose path, query, header values or body hold what looks like a private key. A layer
/// over all routes; bodies beyond [`MAX_API_BODY_BYTES`] are refused, but for those of events.
pub async fn guard(
    State(catalogue): State<Arc<Catalogue>>,
    request: Request,
    next: Next,
) -> Response {
    let keys = catalogue.registered_keys();
    match checked(&keys, request).await {
        Ok(request) => next.run(request).await,
        Err(refused) => refused.into_response(),
    }
}

async fn checked(keys: &RegisteredKeys, request: Request) -> Result<Request, Problem> {
    let (head, body) = request.into_parts();
    // One count for all of the request: nobody has shown a token yet.
    let mut tries = MAX_KEY_CANDIDATES;
    let mut suspect = |text: &[u8]| suspect_within(text, keys, &mut tries);
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    refuse(suspect(target.as_bytes()))?;
    // Credentials of ours are random, and are no key's private half: they are looked at, too.
    for value in head.headers.values() {
        refuse(suspect(value.as_bytes()))?;
    }
    if head.method == Method::POST && DOORS.contains(&head.uri.path()) {
        return Ok(Request::from_parts(head, body));
    }
    let announced =
        head.headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    let announced = announced.and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX_API_BODY_BYTES) {
        return Err(too_large());
    }
    // Nobody has shown a token yet: a body that never ends would hold its connection for ever.
    let whole =
        timeout(Duration::from_secs(BODY_IDLE_S), Limited::new(body, MAX_API_BODY_BYTES).collect());
    let body = match whole.await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => return Err(too_large()),
        Ok(Err(_)) => return Err(broken_off()),
        Err(_) => return Err(slow()),
    };
    refuse(suspect(&body))?;
    Ok(Request::from_parts(head, Body::from(body)))
}

fn refuse(suspect: Option<Suspect>) -> Result<(), Problem> {
    let Some(suspect) = suspect else { return Ok(()) };
    telemetry::alarm("private-key");
    match suspect {
        Suspect::Registered(key_id) => {
            tracing::warn!(%key_id, "a request held the private key of a registered key")
        }
        _ => tracing::warn!("a request held what looks like a private key"),
    }
    Err(problem(suspect))
}

fn too_large() -> Problem {
    let detail = format!("Send {MAX_API_BODY_BYTES} bytes at most.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is too large", detail)
}

fn slow() -> Problem {
    let detail = format!("Send it within {BODY_IDLE_S} seconds.");
    Problem::new(StatusCode::REQUEST_TIMEOUT, "slow", "the body comes too slowly", detail)
}

fn broken_off() -> Problem {
    let detail = "Send it again, whole.";
    Problem::new(StatusCode::BAD_REQUEST, "broken-off", "the body broke off", detail)
}
