//! JSON that is sent in, strictly: an unknown member is refused, and no answer repeats what was sent.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::Problem;
use crate::collector::limits::MAX_API_BODY_BYTES;

/// A JSON body of [`MAX_API_BODY_BYTES`] at most.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonBody<T>(pub(super) T);

impl<T, S> FromRequest<S> for JsonBody<T>
where
    T: DeserializeOwned,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        expect_json(request.headers())?;
        let body = Bytes::from_request(request, state).await.map_err(|_| unreadable())?;
        if body.len() > MAX_API_BODY_BYTES {
            return Err(unreadable());
        }
        serde_json::from_slice(&body).map(Self).map_err(|error| misread(&error))
    }
}

/// RFC 9110 §8.3: parameters such as `charset` change nothing for JSON.
fn expect_json(headers: &HeaderMap) -> Result<(), Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    let detail = "Send it with content-type: application/json.";
    Err(Problem::new(status, "media-type", "the body is not said to be JSON", detail))
}

fn unreadable() -> Problem {
    let detail = format!("Send it whole, and {MAX_API_BODY_BYTES} bytes at most.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body cannot be read", detail)
}

/// Where it is wrong, not what stands there: serde's own words repeat values.
fn misread(error: &serde_json::Error) -> Problem {
    let (line, column) = (error.line(), error.column());
    let (fault, way_out) = match error.classify() {
        serde_json::error::Category::Data => (
            "a member is missing, unknown, twice there or of another type",
            "/v1/openapi.json has the members",
        ),
        _ => ("this is no JSON", "send one JSON object"),
    };
    let detail = format!("Line {line}, column {column}: {fault}; {way_out}.");
    Problem::new(StatusCode::BAD_REQUEST, "bad-body", "the body is not as it has to be", detail)
}
