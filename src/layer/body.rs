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
    }
}

impl<B> fmt::Debug for CheckedBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.inner {
            Inner::Arriving { .. } => "arriving",
            Inner::Whole { .. } => "whole",
        };
        f.debug_tuple("CheckedBody").field(&state).finish()
    }
}

impl<B> CheckedBody<B> {
    pub(super) const fn arriving(body: B, verified: Option<Verified>) -> Self {
        Self { inner: Inner::Arriving { body, verified } }
    }

    pub(super) fn whole(data: Bytes, mut trailers: Option<HeaderMap>, verified: &Verified) -> Self {
        if let Some(trailers) = &mut trailers {
            strip_trailers(trailers, Some(verified));
        }
        Self { inner: Inner::Whole { data: Some(data).filter(|data| !data.is_empty()), trailers } }
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
                let mut polled = body.poll_frame(cx);
                if let Poll::Ready(Some(Ok(frame))) = &mut polled
                    && let Some(trailers) = frame.trailers_mut()
                {
                    strip_trailers(trailers, verified.as_ref());
                }
                polled
            }
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
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.inner {
            Inner::Arriving { body, .. } => body.size_hint(),
            Inner::Whole { data, .. } => {
                let bytes = data.as_ref().map_or(0, Bytes::len);
                SizeHint::with_exact(u64::try_from(bytes).unwrap_or(u64::MAX))
            }
        }
    }
}
