use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::strip::strip_trailers;
use crate::verified::Verified;

pin_project! {
    /// The body that the application reads: the one that arrived, or, where the signature covers
    /// it, the one that was read whole and found right. Its trailers hold no protocol field.
    pub struct CheckedBody<B> {
        #[pin]
        inner: Inner<B>,
    }
}

pin_project! {
    #[project = InnerProjection]
    enum Inner<B> {
        Arriving { #[pin] body: B, verified: Option<Verified> },
        Whole { data: Option<Bytes>, trailers: Option<HeaderMap> },
        Resumed { data: Option<Bytes>, rest: Pin<Box<B>> },
    }
}

impl<B> fmt::Debug for CheckedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.inner {
            Inner::Arriving { .. } => "arriving",
            Inner::Whole { .. } => "whole",
            Inner::Resumed { .. } => "resumed",
        };
        f.debug_tuple("CheckedBody").field(&state).finish()
    }
}

impl<B> CheckedBody<B> {
    pub(super) const fn arriving(body: B, verified: Option<Verified>) -> Self {
        Self { inner: Inner::Arriving { body, verified } }
    }

    pub(super) fn whole(
        data: Bytes,
        mut trailers: Option<HeaderMap>,
        verified: Option<&Verified>,
    ) -> Self {
        if let Some(trailers) = &mut trailers {
            strip_trailers(trailers, verified);
        }
        Self { inner: Inner::Whole { data: Some(data).filter(|data| !data.is_empty()), trailers } }
    }

    /// What was read, and then the rest of a body that was not read to its end.
    pub(super) fn resumed(data: Bytes, rest: Pin<Box<B>>) -> Self {
        Self { inner: Inner::Resumed { data: Some(data).filter(|data| !data.is_empty()), rest } }
    }
}

impl<B: Body<Data = Bytes>> Body for CheckedBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().inner.project() {
            InnerProjection::Arriving { body, verified } => {
                poll_stripped(body, verified.as_ref(), cx)
            }
            InnerProjection::Resumed { data, rest } => match data.take() {
                Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
                None => poll_stripped(rest.as_mut(), None, cx),
            },
            InnerProjection::Whole { data, trailers } => {
                let frame = data.take().map(Frame::data);
                Poll::Ready(frame.or_else(|| trailers.take().map(Frame::trailers)).map(Ok))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.inner {
            Inner::Arriving { body, .. } => body.is_end_stream(),
            Inner::Whole { data, trailers } => data.is_none() && trailers.is_none(),
            Inner::Resumed { data, rest } => data.is_none() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Arriving { body, .. } => body.size_hint(),
            Inner::Whole { data, .. } => {
                SizeHint::with_exact(in_u64(data.as_ref().map_or(0, Bytes::len)))
            }
            Inner::Resumed { data, rest } => {
                let (read, rest) = (in_u64(data.as_ref().map_or(0, Bytes::len)), rest.size_hint());
                let mut hint = SizeHint::new();
                hint.set_lower(rest.lower().saturating_add(read));
                if let Some(upper) = rest.upper() {
                    hint.set_upper(upper.saturating_add(read));
                }
                hint
            }
        }
    }
}

fn poll_stripped<B: Body<Data = Bytes>>(
    body: Pin<&mut B>,
    verified: Option<&Verified>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
    let mut polled = body.poll_frame(cx);
    if let Poll::Ready(Some(Ok(frame))) = &mut polled
        && let Some(trailers) = frame.trailers_mut()
    {
        strip_trailers(trailers, verified);
    }
    polled
}

fn in_u64(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
