use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Response, StatusCode};

use crate::error::ConfigError;
use crate::rejection::{Rejection, RejectionKind};

/// Makes the response to a refused request.
///
/// Implemented by [`Refusal`], and by closures for a page of one's own. Whatever it makes, the layer
/// sets `cache-control: no-store`, puts the [`Rejection`] into the extensions, and answers with the
/// status of [`Refusal::default`] where the one given is out of the bounds of
/// [`Refusal::with_status`].
pub trait Refuse<B>: Send + Sync + 'static {
    /// The response. The peer is to learn nothing of the reason.
    fn refuse(&self, rejection: &Rejection) -> Response<B>;
}

impl<B, F> Refuse<B> for F
where
    F: Fn(&Rejection) -> Response<B> + Send + Sync + 'static,
{
    fn refuse(&self, rejection: &Rejection) -> Response<B> {
        self(rejection)
    }
}

/// The same empty response for every refusal; 403 by default. A full or unavailable replay store is
/// 503, a body over the cap 413.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    status: StatusCode,
}

impl Refusal {
    /// Another status than 403: 401 where the CDN takes 403 for a reason to fail over.
    ///
    /// # Errors
    ///
    /// [`ConfigError::RefusalStatus`] for anything but a 4xx, and for 404 and 414: CDNs cache those
    /// and 5xx, so one refused request would be an outage for everybody.
    pub fn with_status(status: StatusCode) -> Result<Self, ConfigError> {
        if !is_refusal(status) {
            return Err(ConfigError::RefusalStatus { status: status.as_u16() });
        }
        Ok(Self { status })
    }

    /// The status for one reason.
    #[must_use]
    pub const fn status(&self, kind: RejectionKind) -> StatusCode {
        match kind {
            RejectionKind::ReplayCapacity | RejectionKind::ReplayUnavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            RejectionKind::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            _ => self.status,
        }
    }
}

/// Whether `status` is one that a refusal may have.
fn is_refusal(status: StatusCode) -> bool {
    let is_cached = matches!(status, StatusCode::NOT_FOUND | StatusCode::URI_TOO_LONG);
    status.is_client_error() && !is_cached
}

impl Default for Refusal {
    fn default() -> Self {
        Self { status: StatusCode::FORBIDDEN }
    }
}

impl<B: Default> Refuse<B> for Refusal {
    fn refuse(&self, rejection: &Rejection) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status(rejection.kind);
        response
    }
}

/// The response to a refused request, whoever made it: never cached, never a success, and with the
/// reason for layers further out.
pub(super) fn respond<B>(refuse: &impl Refuse<B>, rejection: Rejection) -> Response<B> {
    let mut response = refuse.refuse(&rejection);
    let usual = Refusal::default().status(rejection.kind);
    if !is_refusal(response.status()) && response.status() != usual {
        *response.status_mut() = usual;
    }
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.extensions_mut().insert(rejection);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_that_cdns_cache_are_refused() {
        for good in [400, 401, 403, 421, 429] {
            assert!(Refusal::with_status(StatusCode::from_u16(good).unwrap()).is_ok(), "{good}");
        }
        for bad in [100, 200, 204, 301, 404, 414, 500, 503, 599] {
            assert!(Refusal::with_status(StatusCode::from_u16(bad).unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_reason_but_three_looks_the_same() {
        for &kind in RejectionKind::ALL {
            let response: Response<String> = respond(&Refusal::default(), kind.into());
            let expected = match kind {
                RejectionKind::ReplayCapacity | RejectionKind::ReplayUnavailable => 503,
                RejectionKind::BodyTooLarge => 413,
                _ => 403,
            };
            assert_eq!(response.status(), expected, "{kind}");
            assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
            assert_eq!(response.headers().len(), 1);
            assert_eq!(response.extensions().get::<Rejection>().unwrap().kind, kind);
            assert!(response.body().is_empty());
        }
    }

    #[test]
    fn a_page_of_ones_own_can_neither_pass_nor_be_cached() {
        let page = |status: u16| {
            move |_: &Rejection| {
                let response = Response::builder().header(CACHE_CONTROL, "max-age=60");
                response.status(status).body("no").unwrap()
            }
        };
        for (status, kind, expected) in [
            (200, RejectionKind::Expired, 403),
            (302, RejectionKind::Expired, 403),
            (404, RejectionKind::Expired, 403),
            (503, RejectionKind::Expired, 403),
            (421, RejectionKind::Expired, 421),
            (503, RejectionKind::ReplayCapacity, 503),
            (500, RejectionKind::ReplayCapacity, 503),
            (400, RejectionKind::BodyTooLarge, 400),
        ] {
            assert_eq!(respond(&page(status), kind.into()).status(), expected, "{status} {kind}");
        }
        let response = respond(&page(200), RejectionKind::Expired.into());
        assert_eq!(response.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(*response.body(), "no");
    }
}
