use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, request};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::judge::{Case, Next};
use super::refusal::respond;
use super::{CheckedBody, Refuse};
use crate::rejection::Rejection;
use crate::verified::{PendingBody, PendingUse};

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
        // Boxed: requests that do not wait carry the room for these, too.
        Asking { asking: Option<Box<Asking<S, R, B>>> },
        Reading { reading: Option<Box<Reading<S, R, B>>> },
        Inner { #[pin] future: F },
    }
}

/// A request whose replay store is being asked.
pub(super) struct Asking<S, R, B> {
    pub(super) request: Request<B>,
    pub(super) pending: PendingUse,
    pub(super) service: S,
    pub(super) case: Case<R>,
}

/// A request whose covered body is being read.
pub(super) struct Reading<S, R, B> {
    parts: request::Parts,
    body: Pin<Box<B>>,
    pending: PendingBody,
    data: BytesMut,
    trailers: Option<HeaderMap>,
    service: S,
    case: Case<R>,
}

impl<S, R, B> Reading<S, R, B> {
    pub(super) fn new(
        request: Request<B>,
        pending: PendingBody,
        service: S,
        case: Case<R>,
    ) -> Self {
        let (parts, body) = request.into_parts();
        let (body, data) = (Box::pin(body), BytesMut::new());
        Self { parts, body, pending, data, trailers: None, service, case }
    }

    /// The body was read, whole or as far as it is going to be.
    fn finish(self, read: Result<(), Unread>) -> (Next<B>, S, Case<R>) {
        let Self { parts, body, pending, data, trailers, service, case } = self;
        let is_whole = read.is_ok();
        let read = match read {
            Ok(()) => pending.finish(),
            Err(Unread::Refused(rejection)) => Err(rejection),
            Err(Unread::BrokenOff) => {
                // In report-only too: the application would take what there is for the whole.
                let next = case.judge().refuse(pending.broken_off(), &parts);
                return (next, service, case);
            }
        };
        let data = data.freeze();
        let next = match read {
            Ok(verified) => {
                let body = CheckedBody::whole(data, trailers, Some(&verified));
                case.judge().accept(Request::from_parts(parts, body), verified)
            }
            Err(rejection) => case.judge().reject(rejection, parts, || {
                if is_whole {
                    CheckedBody::whole(data, trailers, None)
                } else {
                    CheckedBody::resumed(data, body)
                }
            }),
        };
        (next, service, case)
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

    pub(super) fn asking(asking: Asking<S, R, B>) -> Self {
        Self { state: State::Asking { asking: Some(Box::new(asking)) } }
    }

    pub(super) fn reading(reading: Reading<S, R, B>) -> Self {
        Self { state: State::Reading { reading: Some(Box::new(reading)) } }
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
            let (next, service, case) = match state.as_mut().project() {
                StateProjection::Inner { future } => return future.poll(cx),
                StateProjection::Refused { response } => {
                    return response
                        .take()
                        .map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
                }
                StateProjection::Asking { asking } => {
                    let Some(current) = asking else { return Poll::Pending };
                    let finished = ready!(Pin::new(&mut current.pending).poll(cx));
                    let Some(asked) = asking.take() else { return Poll::Pending };
                    let Asking { request, service, case, .. } = *asked;
                    (case.judge().settle(request, finished), service, case)
                }
                StateProjection::Reading { reading } => {
                    let Some(current) = reading else { return Poll::Pending };
                    let read = ready!(poll_whole(current, cx));
                    let Some(whole) = reading.take() else { return Poll::Pending };
                    whole.finish(read)
                }
            };
            state.set(go_on(next, service, case));
        }
    }
}

/// The next state of a request that has waited.
fn go_on<S, R, B, ResBody>(
    next: Next<B>,
    mut service: S,
    case: Case<R>,
) -> State<S, R, B, S::Future, S::Response>
where
    S: Service<Request<CheckedBody<B>>, Response = Response<ResBody>>,
    R: Refuse<ResBody>,
{
    match next {
        Next::Call(request) => State::Inner { future: service.call(request) },
        Next::Refuse(rejection) => {
            State::Refused { response: Some(respond(&case.present.perimeter.refuse, rejection)) }
        }
        Next::Ask(request, pending) => {
            State::Asking { asking: Some(Box::new(Asking { request, pending, service, case })) }
        }
        Next::Read(request, pending) => {
            let reading = Reading::new(request, pending, service, case);
            State::Reading { reading: Some(Box::new(reading)) }
        }
    }
}

/// Why a body was not read to its end.
enum Unread {
    /// The rest will never come.
    BrokenOff,
    Refused(Rejection),
}

/// Reads the body to its end, up to the cap.
fn poll_whole<S, R, B: Body<Data = Bytes>>(
    reading: &mut Reading<S, R, B>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), Unread>> {
    let Reading { body, pending, data, trailers, .. } = reading;
    loop {
        // A body that announces more than the cap is refused before it is read.
        pending.expect_more(body.size_hint().lower()).map_err(Unread::Refused)?;
        match ready!(body.as_mut().poll_frame(cx)) {
            None => return Poll::Ready(Ok(())),
            Some(Err(_)) => return Poll::Ready(Err(Unread::BrokenOff)),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(piece) => {
                    let update = pending.update(&piece);
                    data.extend_from_slice(&piece);
                    update.map_err(Unread::Refused)?;
                }
                Err(frame) => *trailers = frame.into_trailers().ok(),
            },
        }
    }
}
