use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::exemption::original_uri;
use super::future::Reading;
use super::refusal::respond;
use super::strip::strip;
use super::{CheckedBody, Exemption, Refusal, Refuse, VerifyFuture};
use crate::clock::{Clock, SystemClock};
use crate::message::MessageHead;
use crate::rejection::Rejection;
use crate::verified::{Finish, Verified};
use crate::verify::Verifier;

/// Lets through what a [`Verifier`] accepts, and refuses the rest. See the [module](super).
pub struct VerifyLayer<R = Refusal> {
    guard: Arc<Guard<R>>,
}

/// What the layer and all its services share.
pub(super) struct Guard<R> {
    verifier: Arc<Verifier>,
    clock: Arc<dyn Clock>,
    exemptions: Vec<Exemption>,
    pub(super) refuse: R,
}

impl VerifyLayer {
    /// A layer that refuses with an empty 403.
    #[must_use]
    pub fn new(verifier: impl Into<Arc<Verifier>>) -> Self {
        let guard = Guard {
            verifier: verifier.into(),
            clock: Arc::new(SystemClock),
            exemptions: Vec::new(),
            refuse: Refusal::default(),
        };
        Self { guard: Arc::new(guard) }
    }
}

impl<R: Clone> VerifyLayer<R> {
    /// Refuses with `refuse` instead: a [`Refusal`] with another status, or a closure that makes a
    /// page.
    #[must_use]
    pub fn refuse_with<R2>(self, refuse: R2) -> VerifyLayer<R2> {
        let Guard { verifier, clock, exemptions, refuse: _ } = Arc::unwrap_or_clone(self.guard);
        VerifyLayer { guard: Arc::new(Guard { verifier, clock, exemptions, refuse }) }
    }

    /// Lets what `exemption` names pass unverified.
    #[must_use]
    pub fn exempt(self, exemption: Exemption) -> Self {
        let mut guard = Arc::unwrap_or_clone(self.guard);
        guard.exemptions.push(exemption);
        Self { guard: Arc::new(guard) }
    }

    /// Reads the time from `clock` instead of the operating system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        let guard = Arc::unwrap_or_clone(self.guard);
        Self { guard: Arc::new(Guard { clock: Arc::new(clock), ..guard }) }
    }
}

impl<R: Clone> Clone for Guard<R> {
    fn clone(&self) -> Self {
        let Self { verifier, clock, exemptions, refuse } = self;
        Self {
            verifier: Arc::clone(verifier),
            clock: Arc::clone(clock),
            exemptions: exemptions.clone(),
            refuse: refuse.clone(),
        }
    }
}

impl<R> Clone for VerifyLayer<R> {
    fn clone(&self) -> Self {
        Self { guard: Arc::clone(&self.guard) }
    }
}

impl<R> fmt::Debug for VerifyLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyLayer")
            .field("audience", &self.guard.verifier.audience())
            .field("exemptions", &self.guard.exemptions)
            .finish_non_exhaustive()
    }
}

impl<S, R> Layer<S> for VerifyLayer<R> {
    type Service = VerifyService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService { inner, guard: Arc::clone(&self.guard) }
    }
}

/// The service that [`VerifyLayer`] makes.
pub struct VerifyService<S, R = Refusal> {
    inner: S,
    guard: Arc<Guard<R>>,
}

impl<S: Clone, R> Clone for VerifyService<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), guard: Arc::clone(&self.guard) }
    }
}

impl<S: fmt::Debug, R> fmt::Debug for VerifyService<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, R, ReqBody, ResBody> Service<Request<ReqBody>> for VerifyService<S, R>
where
    S: Service<Request<CheckedBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    R: Refuse<ResBody>,
    ReqBody: Body<Data = Bytes>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = VerifyFuture<S, R, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        match self.guard.verify(&request) {
            Ok(None) => {
                strip(request.headers_mut(), [].into_iter());
                let request = request.map(|body| CheckedBody::arriving(body, None));
                VerifyFuture::inner(self.inner.call(request))
            }
            Ok(Some(Finish::Verified(verified))) => {
                accept(request.headers_mut(), &verified);
                request.extensions_mut().insert(verified.clone());
                let request = request.map(|body| CheckedBody::arriving(body, Some(verified)));
                VerifyFuture::inner(self.inner.call(request))
            }
            Ok(Some(Finish::Body(pending))) => {
                let next = self.inner.clone(); // the one that is ready goes with this request
                let ready = mem::replace(&mut self.inner, next);
                let guard = Arc::clone(&self.guard);
                VerifyFuture::reading(Reading::new(request, pending, ready, guard))
            }
            Err(rejection) => VerifyFuture::refused(respond(&self.guard.refuse, rejection)),
        }
    }
}

impl<R> Guard<R> {
    /// Judges the head and takes its use; `None` for an exempt request.
    fn verify<B: Body>(&self, request: &Request<B>) -> Result<Option<Finish>, Rejection> {
        if self.exemptions.iter().any(|exemption| exemption.holds(request)) {
            return Ok(None);
        }
        let uri = original_uri(request);
        let (method, version, headers) = (request.method(), request.version(), request.headers());
        let head = MessageHead::from_parts(method, uri, version, headers)
            .with_body(!request.body().is_end_stream());
        let authentic = self.verifier.check(&head, self.clock.now())?;
        // edge signature §3, Replay: admission reads the clock anew
        self.verifier.admit(authentic, self.clock.now())?.finish().map(Some)
    }
}

/// Leaves a verified request with the fields that the application may see.
pub(super) fn accept(headers: &mut http::HeaderMap, verified: &Verified) {
    strip(headers, verified.covered_names());
}
