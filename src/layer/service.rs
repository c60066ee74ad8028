use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::future::{Asking, Reading};
use super::judge::{Judge, Next};
use super::perimeter::{Perimeter, PerimeterHandle, Shared};
use super::refusal::respond;
use super::{CheckedBody, Refusal, Refuse, VerifyFuture};
use crate::clock::{Clock, SystemClock};
use crate::verify::Verifier;

/// Lets through what a [`Verifier`] accepts, and refuses the rest. See the [module](super).
pub struct VerifyLayer<R = Refusal> {
    shared: Arc<Shared<R>>,
}

impl VerifyLayer {
    /// A layer that enforces everywhere and refuses with an empty 403.
    #[must_use]
    pub fn new(verifier: impl Into<Arc<Verifier>>) -> Self {
        Self::of(Perimeter::new(verifier))
    }
}

impl<R> VerifyLayer<R> {
    /// A layer that asks what `perimeter` says.
    #[must_use]
    pub fn of(perimeter: Perimeter<R>) -> Self {
        Self::with_clock(perimeter, SystemClock)
    }

    /// The same with the time of `clock` instead of the operating system's.
    #[must_use]
    pub fn with_clock(perimeter: Perimeter<R>, clock: impl Clock) -> Self {
        Self { shared: Arc::new(Shared::new(perimeter, Arc::new(clock))) }
    }

    /// A handle on the layer and its services, for as long as they run.
    #[must_use]
    pub fn handle(&self) -> PerimeterHandle<R> {
        PerimeterHandle { shared: Arc::clone(&self.shared) }
    }
}

impl<R> Clone for VerifyLayer<R> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<R> fmt::Debug for VerifyLayer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = self.shared.present.load();
        f.debug_struct("VerifyLayer").field("perimeter", &present.perimeter).finish_non_exhaustive()
    }
}

impl<S, R> Layer<S> for VerifyLayer<R> {
    type Service = VerifyService<S, R>;

    fn layer(&self, inner: S) -> Self::Service {
        VerifyService { inner, shared: Arc::clone(&self.shared) }
    }
}

/// The service that [`VerifyLayer`] makes.
pub struct VerifyService<S, R = Refusal> {
    inner: S,
    shared: Arc<Shared<R>>,
}

impl<S: Clone, R> Clone for VerifyService<S, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), shared: Arc::clone(&self.shared) }
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

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let present = self.shared.present.load();
        let judge = Judge::of(&self.shared, &present, &request);
        match judge.head(request) {
            Next::Call(request) => VerifyFuture::inner(self.inner.call(request)),
            Next::Refuse(rejection) => {
                VerifyFuture::refused(respond(&present.perimeter.refuse, rejection))
            }
            Next::Ask(request, pending) => {
                let service = take_ready(&mut self.inner);
                VerifyFuture::asking(Asking { request, pending, service, case: judge.case() })
            }
            Next::Read(request, pending) => {
                let service = take_ready(&mut self.inner);
                VerifyFuture::reading(Reading::new(request, pending, service, judge.case()))
            }
        }
    }
}

/// The service that is ready goes with the request that waits.
fn take_ready<S: Clone>(inner: &mut S) -> S {
    let next = inner.clone();
    mem::replace(inner, next)
}
