use std::fmt;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::builder::RulesLayerBuilder;
use super::future::RulesFuture;
use super::judge::{Judge, Judged, Next, Shared};
use super::{RulesBody, RulesHandle};
use crate::rules::RuleSet;

/// Runs a rule set on each request. See the [module](super).
#[derive(Clone)]
pub struct RulesLayer {
    pub(super) shared: Arc<Shared>,
}

impl RulesLayer {
    /// A layer that runs `rules`, acts as they say, and logs nothing but counts.
    #[must_use]
    pub fn new(rules: impl Into<Arc<RuleSet>>) -> Self {
        Self::builder(rules).finish()
    }

    /// A layer of which more is to be said.
    pub fn builder(rules: impl Into<Arc<RuleSet>>) -> RulesLayerBuilder {
        RulesLayerBuilder::new(rules.into())
    }

    /// A handle on the layer and its services, for as long as they run.
    #[must_use]
    pub fn handle(&self) -> RulesHandle {
        RulesHandle { shared: Arc::clone(&self.shared) }
    }
}

impl fmt::Debug for RulesLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RulesLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for RulesLayer {
    type Service = RulesService<S>;

    fn layer(&self, inner: S) -> RulesService<S> {
        RulesService { inner, shared: Arc::clone(&self.shared) }
    }
}

/// The service that [`RulesLayer`] makes.
#[derive(Clone)]
pub struct RulesService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S: fmt::Debug> fmt::Debug for RulesService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RulesService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for RulesService<S>
where
    S: Service<Request<RulesBody<ReqBody>>, Response = Response<ResBody>> + Clone,
    ReqBody: Body<Data = Bytes>,
    ResBody: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RulesFuture<S, ReqBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let judge = Judge::of(&self.shared);
        match judge.head(request) {
            Next::Judged(Judged::Call(request)) => RulesFuture::inner(self.inner.call(request)),
            Next::Judged(Judged::Answer(matched)) => RulesFuture::answered(matched.respond()),
            Next::Read(parts, reading) => {
                // The service that is ready goes with the request that waits.
                let next = self.inner.clone();
                let service = mem::replace(&mut self.inner, next);
                RulesFuture::reading(parts, reading, service, judge)
            }
        }
    }
}
