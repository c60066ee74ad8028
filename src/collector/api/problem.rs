//! Errors as the peer gets them: `application/problem+json` (RFC 9457).

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::collector::store::StoreError;

/// An answer that says what is wrong and the way out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// What kind of problem it is, for programs: a stable code after `urn:wafpass:`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status.
    pub status: u16,
    /// The fault, in a few words.
    pub title: String,
    /// What exactly, and the way out.
    pub detail: String,
    /// The lines of a batch that are at fault, the first hundred.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<LineFault>,
    /// When to try again, in seconds; also the header `retry-after`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LineFault {
    /// Its number, from 1.
    pub line: u64,
    /// A stable code.
    pub code: &'static str,
}

impl Problem {
    /// A problem with a stable code.
    #[must_use]
    pub fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:wafpass:{code}"),
            status: status.as_u16(),
            title: title.to_owned(),
            detail: detail.into(),
            lines: Vec::new(),
            retry_after_s: None,
        }
    }

    /// The same, with the lines that are at fault.
    #[must_use]
    pub fn with_lines(self, lines: Vec<LineFault>) -> Self {
        Self { lines, ..self }
    }

    /// The same, with when to try again.
    #[must_use]
    pub fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let unavailable = StatusCode::SERVICE_UNAVAILABLE;
        let text = error.to_string();
        let (title, detail) = text.split_once('\n').unwrap_or((&text, ""));
        let of = |status, code| Self::new(status, code, title, detail);
        match error {
            StoreError::Busy => of(StatusCode::TOO_MANY_REQUESTS, "busy").retry_after(1),
            StoreError::Full => of(StatusCode::INSUFFICIENT_STORAGE, "full").retry_after(60),
            StoreError::Conflict => of(unavailable, "conflict").retry_after(5),
            StoreError::Unavailable { .. } => of(unavailable, "unavailable").retry_after(5),
            StoreError::Closed => of(unavailable, "closing").retry_after(5),
            StoreError::NoSuchBatch
            | StoreError::Damaged { .. }
            | StoreError::Newer { .. }
            | StoreError::Failed { .. } => {
                // What happened inside goes to the log, not to the peer.
                tracing::error!(error = %text, "the store failed");
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "store-failed",
                    "the store failed",
                    "the collector's log says why; send it again once that is mended",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            // RFC 9110 §15.5.2: it says how to be let in.
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"wafpass\""),
            );
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
