use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::Request;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use super::strip::strip;
use crate::clock::{Clock, SystemClock};
use crate::error::SignError;
use crate::message::MessageHead;
use crate::scheme::edge::WafEvidence;
use crate::sign::{Signer, random_nonce};
use crate::time::UnixTime;

/// Signs every request of a Rust client as its last change, with a random nonce.
///
/// Put it innermost, so that each attempt of a retry layer is signed anew. Protocol fields that are
/// already there are removed, and so are their aliases; a covered field of the reserved names is
/// kept, since the caller wrote it. Requests say `waf=none`, unless the caller puts a
/// [`WafEvidence`] into their extensions.
#[derive(Clone)]
pub struct SignLayer {
    signer: Arc<Signer>,
    clock: Arc<dyn Clock>,
}

impl SignLayer {
    /// A layer that signs with `signer`.
    #[must_use]
    pub fn new(signer: impl Into<Arc<Signer>>) -> Self {
        Self { signer: signer.into(), clock: Arc::new(SystemClock) }
    }

    /// Reads the time from `clock` instead of the operating system's.
    #[must_use]
    pub fn clock(self, clock: impl Clock) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }
}

impl fmt::Debug for SignLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignLayer").field("signer", &self.signer).finish_non_exhaustive()
    }
}

impl<S> Layer<S> for SignLayer {
    type Service = SignService<S>;

    fn layer(&self, inner: S) -> SignService<S> {
        SignService { inner, layer: self.clone() }
    }
}

/// The service that [`SignLayer`] makes.
#[derive(Clone, Debug)]
pub struct SignService<S> {
    inner: S,
    layer: SignLayer,
}

impl<S, B> Service<Request<B>> for SignService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = SignServiceError<S::Error>;
    type Future = SignFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(SignServiceError::Inner)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let waf = request.extensions().get().copied().unwrap_or(WafEvidence::None);
        let now = self.layer.clock.now();
        let signed = random_nonce()
            .and_then(|nonce| self.layer.signer.sign_request_at(&mut request, waf, &nonce, now));
        let state = match signed {
            Ok(()) => State::Sent { future: self.inner.call(request) },
            Err(error) => State::Unsigned { error: Some(error) },
        };
        SignFuture { state }
    }
}

impl Signer {
    /// Signs a request that is about to be sent, now. See [`sign_request_at`](Self::sign_request_at).
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign); the request must not be sent then.
    pub fn sign_request<B>(
        &self,
        request: &mut Request<B>,
        waf: WafEvidence,
        nonce: &str,
    ) -> Result<(), SignError> {
        self.sign_request_at(request, waf, nonce, SystemClock.now())
    }

    /// Signs a request that is about to be sent: removes protocol fields and aliases that are there
    /// already, but for covered ones, and sets the two fields. A request without Host is sent to
    /// the authority of its URI, and signed so.
    ///
    /// # Errors
    ///
    /// As [`sign`](Self::sign); the request must not be sent then.
    pub fn sign_request_at<B>(
        &self,
        request: &mut Request<B>,
        waf: WafEvidence,
        nonce: &str,
        now: UnixTime,
    ) -> Result<(), SignError> {
        strip(request.headers_mut(), self.covered_names());
        let signature = self.sign(&MessageHead::from_client_request(request), waf, nonce, now)?;
        signature.insert_into(request.headers_mut());
        Ok(())
    }
}

pin_project! {
    /// The future of a [`SignService`].
    pub struct SignFuture<F> {
        #[pin]
        state: State<F>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<F> {
        Sent { #[pin] future: F },
        Unsigned { error: Option<SignError> },
    }
}

impl<F> fmt::Debug for SignFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignFuture").finish_non_exhaustive()
    }
}

impl<F, T, E> Future for SignFuture<F>
where
    F: Future<Output = Result<T, E>>,
{
    type Output = Result<T, SignServiceError<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Sent { future } => future.poll(cx).map_err(SignServiceError::Inner),
            StateProjection::Unsigned { error } => match error.take() {
                Some(error) => Poll::Ready(Err(SignServiceError::Sign(error))),
                None => Poll::Pending, // polled again after it was ready
            },
        }
    }
}

/// Why a signed request has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignServiceError<E> {
    /// It could not be signed, so it was not sent.
    #[error("the request was not sent: {0}")]
    Sign(#[source] SignError),
    /// The inner service failed.
    #[error(transparent)]
    Inner(E),
}
