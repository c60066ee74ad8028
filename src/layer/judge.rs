//! What becomes of one request: judged, counted, and passed on or not.

use std::sync::Arc;

use http::{Extensions, HeaderMap, Request, request};
use http_body::Body;

use super::CheckedBody;
use super::perimeter::{Present, Shared};
use super::strip::strip;
use crate::message::MessageHead;
use crate::rejection::Rejection;
use crate::route::Enforcement;
use crate::telemetry::{Outcome, Stopwatch};
use crate::time::UnixTime;
use crate::verified::{Begun, Finish, PendingBody, PendingUse, Verified};

/// What is done with a request next.
pub(super) enum Next<B> {
    /// The application gets it.
    Call(Request<CheckedBody<B>>),
    /// Its replay store is being asked.
    Ask(Request<B>, PendingUse),
    /// Its body is read first.
    Read(Request<B>, PendingBody),
    /// It goes no further.
    Refuse(Rejection),
}

/// Judges one request by the perimeter that held when it arrived.
pub(super) struct Judge<'a, R> {
    shared: &'a Arc<Shared<R>>,
    present: &'a Arc<Present<R>>,
    route: usize,
    enforcement: Enforcement,
    stopwatch: Stopwatch,
    /// When the request arrived, or went on.
    now: UnixTime,
}

/// The same for a request that waits.
pub(super) struct Case<R> {
    shared: Arc<Shared<R>>,
    pub(super) present: Arc<Present<R>>,
    route: usize,
    enforcement: Enforcement,
    stopwatch: Stopwatch,
}

impl<R> Case<R> {
    pub(super) fn judge(&self) -> Judge<'_, R> {
        let Self { shared, present, route, enforcement, stopwatch } = self;
        let (route, enforcement, stopwatch) = (*route, *enforcement, *stopwatch);
        Judge { shared, present, route, enforcement, stopwatch, now: shared.clock.now() }
    }
}

impl<'a, R> Judge<'a, R> {
    pub(super) fn of<B>(
        shared: &'a Arc<Shared<R>>,
        present: &'a Arc<Present<R>>,
        request: &Request<B>,
    ) -> Self {
        let path = original_uri(request).path();
        let (route, enforcement) = present.perimeter.routes.find(request.method(), path);
        let (stopwatch, now) = (Stopwatch::start(), shared.clock.now());
        Self { shared, present, route, enforcement, stopwatch, now }
    }

    pub(super) fn case(self) -> Case<R> {
        let Self { shared, present, route, enforcement, stopwatch, now: _ } = self;
        let (shared, present) = (Arc::clone(shared), Arc::clone(present));
        Case { shared, present, route, enforcement, stopwatch }
    }

    /// Judges the head and takes its use.
    #[inline]
    pub(super) fn head<B: Body>(&self, request: Request<B>) -> Next<B> {
        if self.enforcement == Enforcement::Exempt {
            self.record(&Outcome::Exempt);
            return Next::Call(unverified(request));
        }
        let uri = original_uri(&request);
        let (method, version, headers) = (request.method(), request.version(), request.headers());
        let head = MessageHead::from_parts(method, uri, version, headers)
            .with_body(!request.body().is_end_stream());
        let (verifier, clock) = (&self.present.perimeter.verifier, &self.shared.clock);
        // edge signature §3, Replay: admission reads the clock anew
        let begun = verifier
            .check(&head, self.now)
            .and_then(|authentic| verifier.begin(authentic, clock.now()));
        let finished = match begun {
            Ok(Begun::Spent(spent)) => spent.finish(),
            Ok(Begun::Pending(pending)) => return Next::Ask(request, pending),
            Err(rejection) => {
                #[cfg(feature = "explain")]
                self.shared.explaining.record(verifier, &head, &rejection, self.now);
                Err(rejection)
            }
        };
        self.settle(request, finished)
    }

    /// Goes on with what was found about the head.
    #[inline]
    pub(super) fn settle<B>(
        &self,
        request: Request<B>,
        finished: Result<Finish, Rejection>,
    ) -> Next<B> {
        self.present.bound.took(self.route, &self.stopwatch);
        match finished {
            Ok(Finish::Body(pending)) => Next::Read(request, pending),
            Ok(Finish::Verified(verified)) => {
                let (parts, body) = request.into_parts();
                let body = CheckedBody::arriving(body, Some(verified.clone()));
                self.accept(Request::from_parts(parts, body), verified)
            }
            Err(rejection) => {
                let (parts, body) = request.into_parts();
                self.reject(rejection, parts, || CheckedBody::arriving(body, None))
            }
        }
    }

    /// Passes a verified request on, with the fields that the application may see.
    #[inline]
    pub(super) fn accept<B>(
        &self,
        mut request: Request<CheckedBody<B>>,
        verified: Verified,
    ) -> Next<B> {
        self.record(&Outcome::Accepted(&verified));
        strip(request.headers_mut(), verified.covered_names());
        request.extensions_mut().insert(verified);
        Next::Call(request)
    }

    /// Refuses a request; in report-only, passes it on with the body that `body` makes.
    pub(super) fn reject<B>(
        &self,
        rejection: Rejection,
        mut parts: request::Parts,
        body: impl FnOnce() -> CheckedBody<B>,
    ) -> Next<B> {
        if self.enforcement != Enforcement::ReportOnly {
            return self.refuse(rejection, &parts);
        }
        self.record(&Outcome::Rejected(&rejection, Enforcement::ReportOnly, &parts.headers));
        bare(&mut parts.headers, &mut parts.extensions);
        Next::Call(Request::from_parts(parts, body()))
    }

    /// Refuses a request, whatever its route.
    pub(super) fn refuse<B>(&self, rejection: Rejection, parts: &request::Parts) -> Next<B> {
        self.record(&Outcome::Rejected(&rejection, Enforcement::Enforce, &parts.headers));
        Next::Refuse(rejection)
    }

    #[inline]
    fn record(&self, outcome: &Outcome<'_>) {
        let (telemetry, bound, now) = (&self.shared.telemetry, &self.present.bound, self.now);
        telemetry.record(bound, self.route, outcome, now);
        if telemetry.is_due(now) {
            telemetry.look(bound, &self.present.perimeter.verifier, now);
        }
    }
}

/// A request that passes without having been verified.
fn unverified<B>(request: Request<B>) -> Request<CheckedBody<B>> {
    let (mut parts, body) = request.into_parts();
    bare(&mut parts.headers, &mut parts.extensions);
    Request::from_parts(parts, CheckedBody::arriving(body, None))
}

/// Leaves neither the fields that only the edge may write nor what another layer, further out, has
/// verified by a policy of its own.
fn bare(headers: &mut HeaderMap, extensions: &mut Extensions) {
    strip(headers, [].into_iter());
    extensions.remove::<Verified>();
}

fn original_uri<B>(request: &Request<B>) -> &http::Uri {
    original(request.uri(), request.extensions())
}

/// The URI that arrived, also where a router has taken its prefix off.
pub(super) fn original<'a>(uri: &'a http::Uri, extensions: &'a Extensions) -> &'a http::Uri {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = extensions.get() {
        return uri;
    }
    #[cfg(not(feature = "axum"))]
    let _ = extensions;
    uri
}
