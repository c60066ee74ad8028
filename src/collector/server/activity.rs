//! What is under way on a connection: a request, from its head to the last byte of its answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::watch;

/// Counts the requests of a connection that are under way.
#[derive(Clone)]
pub(super) struct Activity(Arc<watch::Sender<usize>>);

impl Activity {
    pub(super) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }

    pub(super) fn begin(&self) -> UnderWay {
        self.0.send_modify(|count| *count = count.saturating_add(1));
        UnderWay(Self::clone(self))
    }

    /// Changes whenever a request begins or ends.
    pub(super) fn watch(&self) -> watch::Receiver<usize> {
        self.0.subscribe()
    }
}

/// A request that is under way until this is dropped.
pub(super) struct UnderWay(Activity);

impl Drop for UnderWay {
    fn drop(&mut self) {
        let Self(Activity(count)) = self;
        count.send_modify(|count| *count = count.saturating_sub(1));
    }
}

pin_project! {
    /// An answer that is under way until its last byte.
    pub(super) struct Answer<B> {
        #[pin]
        body: B,
        under_way: UnderWay,
    }
}

impl<B> Answer<B> {
    pub(super) const fn new(body: B, under_way: UnderWay) -> Self {
        Self { body, under_way }
    }
}

impl<B: Body<Data = Bytes>> Body for Answer<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        self.project().body.poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
