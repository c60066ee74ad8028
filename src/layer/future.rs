use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, request};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::refusal::respond;
use super::service::{Guard, accept};
use super::{CheckedBody, Refuse};
use crate::rejection::Rejection;
use crate::verified::{PendingBody, Verified};

pin_project! {
    /// The future of a [`VerifyService`](super::VerifyService).
    pub struct VerifyFuture<S, R, B>
    where
        S: Service<Request<CheckedBody<B>>>,
    {
        #[pin]
        state: State<S, R, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, B, F, Res> {
        Refused { response: Option<Res> },
        // Boxed: the requests that have no body to read carry the room for it, too.
        Reading { #[pin] body: B, reading: Option<Box<Reading<S, R>>> },
        Inner { #[pin] future: F },
    }
}

/// A request whose covered body is being read.
pub(super) struct Reading<S, R> {
    parts: request::Parts,
    pending: PendingBody,
    data: BytesMut,
    trailers: Option<HeaderMap>,
    service: S,
    guard: Arc<Guard<R>>,
}

impl<S, R> Reading<S, R> {
    pub(super) fn new<B>(
        request: Request<B>,
        pending: PendingBody,
        service: S,
        guard: Arc<Guard<R>>,
    ) -> (B, Self) {
        let (parts, body) = request.into_parts();
        let data = BytesMut::new();
        (body, Self { parts, pending, data, trailers: None, service, guard })
    }

    /// The whole body is here: hands the request on, if it is the one that was signed.
    fn finish<B>(self) -> Result<S::Future, (Arc<Guard<R>>, Rejection)>
    where
        S: Service<Request<CheckedBody<B>>>,
    {
        let Self { mut parts, pending, data, trailers, mut service, guard } = self;
        match pending.finish() {
            Ok(verified) => {
                accept(&mut parts.headers, &verified);
                let body = CheckedBody::whole(data.freeze(), trailers, &verified);
                parts.extensions.insert::<Verified>(verified);
                Ok(service.call(Request::from_parts(parts, body)))
            }
            Err(rejection) => Err((guard, rejection)),
        }
    }
}

impl<S, R, B> fmt::Debug for VerifyFuture<S, R, B>
where
    S: Service<Request<CheckedBody<B>>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyFuture").finish_non_exhaustive()
    }
}

impl<S, R, B> VerifyFuture<S, R, B>
where
    S: Service<Request<CheckedBody<B>>>,
{
    pub(super) const fn inner(future: S::Future) -> Self {
        Self { state: State::Inner { future } }
    }

    pub(super) const fn refused(response: S::Response) -> Self {
        Self { state: State::Refused { response: Some(response) } }
    }

    pub(super) fn reading((body, reading): (B, Reading<S, R>)) -> Self {
        Self { state: State::Reading { body, reading: Some(Box::new(reading)) } }
    }
}

impl<S, R, B, ResBody> Future for VerifyFuture<S, R, B>
where
    S: Service<Request<CheckedBody<B>>, Response = Response<ResBody>>,
    R: Refuse<ResBody>,
    B: Body<Data = Bytes>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            match state.as_mut().project() {
                StateProjection::Inner { future } => return future.poll(cx),
                StateProjection::Refused { response } => {
                    return response
                        .take()
                        .map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
                }
                StateProjection::Reading { mut body, reading } => {
                    let Some(current) = reading else { return Poll::Pending };
                    let read = ready!(poll_whole(body.as_mut(), current, cx));
                    let Some(whole) = reading.take() else { return Poll::Pending };
                    let finished = match read {
                        Ok(()) => whole.finish::<B>(),
                        Err(rejection) => Err((whole.guard, rejection)),
                    };
                    state.set(match finished {
                        Ok(future) => State::Inner { future },
                        Err((guard, rejection)) => {
                            State::Refused { response: Some(respond(&guard.refuse, rejection)) }
                        }
                    });
                }
            }
        }
    }
}

/// Reads the body to its end, up to the cap.
fn poll_whole<S, R, B: Body<Data = Bytes>>(
    mut body: Pin<&mut B>,
    reading: &mut Reading<S, R>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Rejection>> {
    let Reading { pending, data, trailers, .. } = reading;
    loop {
        // A body that announces more than the cap is refused before it is read.
        pending.expect_more(body.size_hint().lower())?;
        match ready!(body.as_mut().poll_frame(cx)) {
            None => return Poll::Ready(Ok(())),
            Some(Err(_)) => return Poll::Ready(Err(pending.broken_off())),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(piece) => {
                    pending.update(&piece)?;
                    data.extend_from_slice(&piece);
                }
                Err(frame) => *trailers = frame.into_trailers().ok(),
            },
        }
    }
}
