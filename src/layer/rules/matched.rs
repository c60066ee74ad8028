use std::sync::Arc;

use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Response, StatusCode};

use crate::rules::Action;

/// Which rules matched a request. In the extensions of the request that the application gets, and of the
/// response to one that was stopped; the peer learns nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RulesMatched {
    /// The rule that decided: the one that ended the evaluation, or else the first.
    pub rule_id: Arc<str>,
    /// What that rule says. In report-only the request passes all the same.
    pub action: Action,
    /// Every rule that matched, in the order of the set.
    pub rules: Arc<[Arc<str>]>,
    /// The name of the request in events: the part of `event_id` before the slash.
    pub ray_id: Arc<str>,
}

impl RulesMatched {
    /// The status of a request that is stopped; none for one that passes.
    pub(super) fn status(&self) -> Option<StatusCode> {
        let (Action::Block { status } | Action::Challenge { status }) = self.action else {
            return None;
        };
        // Rule files hold no other.
        Some(StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN))
    }

    /// The response to a request that is stopped: never cached, and the same for every rule but for its
    /// status.
    pub(super) fn respond<B: Default>(self) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = self.status().unwrap_or(StatusCode::FORBIDDEN);
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.extensions_mut().insert(self);
        response
    }
}
