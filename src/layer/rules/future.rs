use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response, request};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use super::RulesBody;
use super::body::Reading;
use super::judge::{Judge, Judged};

pin_project! {
    /// The future of a [`RulesService`](super::RulesService).
    pub struct RulesFuture<S, B>
    where
        S: Service<Request<RulesBody<B>>>,
        B: Body,
    {
        #[pin]
        state: State<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, B: Body, F, Res> {
        Answered { response: Option<Res> },
        // Boxed: requests that do not wait carry the room for it, too.
        Reading { waiting: Option<Box<Waiting<S, B>>> },
        Inner { #[pin] future: F },
    }
}

/// A request whose body is being read.
struct Waiting<S, B: Body> {
    parts: request::Parts,
    reading: Reading<B>,
    service: S,
    judge: Judge,
}

impl<S, B> fmt::Debug for RulesFuture<S, B>
where
    S: Service<Request<RulesBody<B>>>,
    B: Body,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RulesFuture").finish_non_exhaustive()
    }
}

impl<S, B> RulesFuture<S, B>
where
    S: Service<Request<RulesBody<B>>>,
    B: Body,
{
    pub(super) const fn inner(future: S::Future) -> Self {
        Self { state: State::Inner { future } }
    }

    pub(super) const fn answered(response: S::Response) -> Self {
        Self { state: State::Answered { response: Some(response) } }
    }

    pub(super) fn reading(
        parts: request::Parts,
        reading: Reading<B>,
        service: S,
        judge: Judge,
    ) -> Self {
        let waiting = Box::new(Waiting { parts, reading, service, judge });
        Self { state: State::Reading { waiting: Some(waiting) } }
    }
}

impl<S, B, ResBody> Future for RulesFuture<S, B>
where
    S: Service<Request<RulesBody<B>>, Response = Response<ResBody>>,
    B: Body<Data = Bytes>,
    ResBody: Default,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let next = match state.as_mut().project() {
                StateProjection::Inner { future } => return future.poll(cx),
                StateProjection::Answered { response } => {
                    return response
                        .take()
                        .map_or(Poll::Pending, |response| Poll::Ready(Ok(response)));
                }
                StateProjection::Reading { waiting } => {
                    let Some(current) = waiting else { return Poll::Pending };
                    ready!(current.reading.poll_read(cx));
                    let Some(whole) = waiting.take() else { return Poll::Pending };
                    let Waiting { parts, reading, mut service, judge } = *whole;
                    match judge.read(parts, reading) {
                        Judged::Call(request) => State::Inner { future: service.call(request) },
                        Judged::Answer(matched) => {
                            State::Answered { response: Some(matched.respond()) }
                        }
                    }
                }
            };
            state.set(next);
        }
    }
}
