use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::verified::Verified;

/// A handler asked for [`Verified`] on a route that no [`VerifyLayer`](super::VerifyLayer) guards,
/// or that is exempt: a fault of the application, answered with 500.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "the handler asks for Verified, but the request was not verified\nput a VerifyLayer around the route, or take Option<Verified> where it is exempt"
)]
pub struct NotVerified;

impl IntoResponse for NotVerified {
    fn into_response(self) -> Response {
        tracing::error!(target: "wafpass", "{self}");
        (StatusCode::INTERNAL_SERVER_ERROR, [(header::CACHE_CONTROL, "no-store")]).into_response()
    }
}

impl<S: Sync> FromRequestParts<S> for Verified {
    type Rejection = NotVerified;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotVerified> {
        parts.extensions.get().cloned().ok_or(NotVerified)
    }
}

impl<S: Sync> OptionalFromRequestParts<S> for Verified {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        _: &S,
    ) -> Result<Option<Self>, std::convert::Infallible> {
        Ok(parts.extensions.get().cloned())
    }
}
