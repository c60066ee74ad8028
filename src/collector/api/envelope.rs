//! What every answer has: headers that keep it out of caches and guesses, and a problem for every error.

use std::any::Any;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;

use super::Problem;

/// Headers that describe the replaced body, not the answer.
const OF_THE_BODY: [HeaderName; 3] =
    [header::CONTENT_TYPE, header::CONTENT_LENGTH, header::CACHE_CONTROL];

/// Finishes an answer: an error without a body of its own gets a problem, and nothing is cached.
pub(super) async fn finish(request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    let mut answer = if is_bare_error(&answer) { described(answer).await } else { answer };
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// The answer where a handler panicked: what it was about to say is not known, so nothing of it is said.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    tracing::error!("a handler panicked");
    of_status(StatusCode::INTERNAL_SERVER_ERROR, "").into_response()
}

// An error of the framework: none, or a line of plain text.
fn is_bare_error(answer: &Response) -> bool {
    let is_error = answer.status().is_client_error() || answer.status().is_server_error();
    let kind = answer.headers().get(header::CONTENT_TYPE);
    is_error && kind.is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

async fn described(answer: Response) -> Response {
    let (parts, body) = answer.into_parts();
    // The framework's own words about what it could not read are short and name no value.
    let said = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let said = std::str::from_utf8(&said).unwrap_or_default();
    let mut described = of_status(parts.status, said).into_response();
    for (name, value) in &parts.headers {
        if !OF_THE_BODY.contains(name) {
            described.headers_mut().append(name, value.clone());
        }
    }
    described
}

fn of_status(status: StatusCode, said: &str) -> Problem {
    let (code, title, way_out) = match status {
        StatusCode::NOT_FOUND => {
            ("not-found", "there is nothing here", "/v1/openapi.json lists what there is")
        }
        StatusCode::METHOD_NOT_ALLOWED => (
            "method-not-allowed",
            "this method does nothing here",
            "the header `allow` lists those that do",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => ("too-large", "the body is too large", "send it in parts"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => (
            "media-type",
            "the body is of another kind",
            "send what /v1/openapi.json asks for, and say so in `content-type`",
        ),
        status if status.is_client_error() => {
            ("bad-request", "the request cannot be read", "/v1/openapi.json says how it has to be")
        }
        _ => (
            "failed",
            "something failed that should not",
            "the collector's log says more; try again later",
        ),
    };
    let detail = match said.lines().next() {
        Some(said) if status.is_client_error() && !said.is_empty() => format!("{said}\n{way_out}"),
        _ => way_out.to_owned(),
    };
    Problem::new(status, code, title, detail)
}
