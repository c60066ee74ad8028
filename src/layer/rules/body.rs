//! The body: read as far as rules look at it, and passed on whole.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::time::Sleep;

use crate::rules::request::BodyEnd;

pin_project! {
    /// The body that the application reads: the one that arrived, byte for byte, with its trailers and
    /// its error.
    pub struct RulesBody<B: Body> {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<B: Body> {
        Arriving { #[pin] body: B },
        Read { held: Option<Bytes>, beyond: Option<Bytes>, end: End<B> },
    }
}

/// What comes after what was read.
enum End<B: Body> {
    Trailers(Option<HeaderMap>),
    Rest(Pin<Box<B>>),
    Failed(Option<B::Error>),
}

impl<B: Body> RulesBody<B> {
    pub(super) const fn arriving(body: B) -> Self {
        Self { inner: Inner::Arriving { body } }
    }
}

impl<B: Body> fmt::Debug for RulesBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.inner {
            Inner::Arriving { .. } => "arriving",
            Inner::Read { .. } => "read",
        };
        f.debug_tuple("RulesBody").field(&state).finish()
    }
}

impl<B: Body<Data = Bytes>> Body for RulesBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().inner.project() {
            InnerProjection::Arriving { body } => body.poll_frame(cx),
            InnerProjection::Read { held, beyond, end } => {
                if let Some(data) = held.take().or_else(|| beyond.take()) {
                    return Poll::Ready(Some(Ok(Frame::data(data))));
                }
                match end {
                    End::Rest(rest) => rest.as_mut().poll_frame(cx),
                    End::Trailers(trailers) => {
                        Poll::Ready(trailers.take().map(|trailers| Ok(Frame::trailers(trailers))))
                    }
                    End::Failed(error) => Poll::Ready(error.take().map(Err)),
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Arriving { body } => body.is_end_stream(),
            Inner::Read { held, beyond, end } => {
                held.is_none()
                    && beyond.is_none()
                    && match end {
                        End::Rest(rest) => rest.is_end_stream(),
                        End::Trailers(trailers) => trailers.is_none(),
                        End::Failed(error) => error.is_none(),
                    }
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Arriving { body } => body.size_hint(),
            Inner::Read { held, beyond, end } => {
                let read = [held, beyond].map(|data| data.as_ref().map_or(0, Bytes::len));
                let read = read.into_iter().map(in_u64).fold(0, u64::saturating_add);
                match end {
                    End::Rest(rest) => after(read, &rest.size_hint()),
                    End::Trailers(_) => SizeHint::with_exact(read),
                    End::Failed(_) => after(read, &SizeHint::new()),
                }
            }
        }
    }
}

/// A body of which so many bytes are already here.
fn after(read: u64, rest: &SizeHint) -> SizeHint {
    let mut hint = SizeHint::new();
    hint.set_lower(rest.lower().saturating_add(read));
    if let Some(upper) = rest.upper() {
        hint.set_upper(upper.saturating_add(read));
    }
    hint
}

/// How far a body is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    pub(super) bytes: usize,
    pub(super) wait: Duration,
}

/// A body that is being read.
pub(super) struct Reading<B: Body> {
    body: Pin<Box<B>>,
    reach: Reach,
    held: Held,
    beyond: Bytes,
    trailers: Option<HeaderMap>,
    /// Made when the body is waited for.
    patience: Option<Pin<Box<Sleep>>>,
    end: Option<Ended<B::Error>>,
}

/// The bytes that rules see: one piece as it came, several in one.
#[derive(Default)]
enum Held {
    #[default]
    None,
    One(Bytes),
    Many(BytesMut),
}

/// How reading came to its end.
enum Ended<E> {
    Whole,
    /// There is more than rules look at, or it does not come.
    Stopped,
    Failed(E),
}

impl<B: Body<Data = Bytes>> Reading<B> {
    pub(super) fn new(body: B, reach: Reach) -> Self {
        Self {
            body: Box::pin(body),
            reach,
            held: Held::None,
            beyond: Bytes::new(),
            trailers: None,
            patience: None,
            end: None,
        }
    }

    /// Reads on, until rules have what they look at.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.end.is_none() {
            let is_full = self.held.len() >= self.reach.bytes;
            if is_full && (!self.beyond.is_empty() || self.body.size_hint().lower() > 0) {
                self.end = Some(Ended::Stopped);
                break;
            }
            match self.body.as_mut().poll_frame(cx) {
                Poll::Pending => return self.poll_patience(cx),
                Poll::Ready(None) => self.end = Some(Ended::Whole),
                Poll::Ready(Some(Err(error))) => self.end = Some(Ended::Failed(error)),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(piece) => self.hold(piece),
                    Err(frame) => {
                        self.trailers = frame.into_trailers().ok().or(self.trailers.take())
                    }
                },
            }
        }
        Poll::Ready(())
    }

    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let wait = self.reach.wait;
        let patience = self.patience.get_or_insert_with(|| Box::pin(tokio::time::sleep(wait)));
        if patience.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        // Behind trailers nothing comes.
        let is_whole = self.trailers.is_some();
        self.end = Some(if is_whole { Ended::Whole } else { Ended::Stopped });
        Poll::Ready(())
    }

    fn hold(&mut self, mut piece: Bytes) {
        let room = self.reach.bytes.saturating_sub(self.held.len());
        if piece.len() > room {
            self.beyond = piece.split_off(room);
        }
        self.held.add(piece);
    }

    /// What rules see, and the body to pass on.
    pub(super) fn finish(self) -> (Bytes, BodyEnd, RulesBody<B>) {
        let held = self.held.freeze();
        let seen = held.clone();
        let (body_end, end) = match self.end {
            Some(Ended::Whole) => (BodyEnd::Whole, End::Trailers(self.trailers)),
            Some(Ended::Failed(error)) => {
                (BodyEnd::Truncated { size: None }, End::Failed(Some(error)))
            }
            Some(Ended::Stopped) | None => {
                let read = in_u64(held.len()).saturating_add(in_u64(self.beyond.len()));
                let size = self.body.size_hint().exact();
                let size = size.map(|rest| rest.saturating_add(read));
                (BodyEnd::Truncated { size }, End::Rest(self.body))
            }
        };
        let some = |data: Bytes| Some(data).filter(|data| !data.is_empty());
        let inner = Inner::Read { held: some(held), beyond: some(self.beyond), end };
        (seen, body_end, RulesBody { inner })
    }
}

impl Held {
    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(data) => data.len(),
            Self::Many(data) => data.len(),
        }
    }

    fn add(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        match self {
            Self::None => *self = Self::One(piece),
            Self::One(first) => {
                let mut data = BytesMut::with_capacity(first.len().saturating_add(piece.len()));
                data.extend_from_slice(first);
                data.extend_from_slice(&piece);
                *self = Self::Many(data);
            }
            Self::Many(data) => data.extend_from_slice(&piece),
        }
    }

    fn freeze(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(data) => data,
            Self::Many(data) => data.freeze(),
        }
    }
}

fn in_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
