use http::{Method, Request};

use crate::error::ConfigError;

/// A request that passes unverified: one method, one raw path. There are no prefixes and no
/// patterns, since `/health/../admin` is under `/health` for one parser and not for the next.
///
/// An exempt request gets no [`Verified`](crate::Verified), and keeps none of the protocol fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exemption {
    method: Method,
    path: Box<str>,
}

impl Exemption {
    /// Exempts `method` on `path`, compared byte by byte with the path that arrived.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ExemptPath`] when `path` is not a raw path: it starts with `/`, is visible
    /// ASCII, and has no query, fragment or wildcard.
    pub fn new(method: Method, path: &str) -> Result<Self, ConfigError> {
        let visible = path.bytes().all(|byte| byte.is_ascii_graphic());
        if !path.starts_with('/') || !visible || path.contains(['?', '#', '*', '{', '}']) {
            return Err(ConfigError::ExemptPath { path: path.into() });
        }
        Ok(Self { method, path: path.into() })
    }

    pub(super) fn holds<B>(&self, request: &Request<B>) -> bool {
        *request.method() == self.method && original_uri(request).path() == &*self.path
    }
}

/// The URI that arrived, also where a router has taken its prefix off.
pub(super) fn original_uri<B>(request: &Request<B>) -> &http::Uri {
    #[cfg(feature = "axum")]
    if let Some(axum::extract::OriginalUri(uri)) = request.extensions().get() {
        return uri;
    }
    request.uri()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exemption_is_one_path_and_one_method() {
        let health = Exemption::new(Method::GET, "/health").unwrap();
        let holds = |method: Method, target: &str| {
            health.holds(&Request::builder().method(method).uri(target).body(()).unwrap())
        };
        assert!(holds(Method::GET, "/health") && holds(Method::GET, "/health?probe=1"));
        for other in
            ["/health/", "/healthz", "/HEALTH", "//health", "/health/../admin", "/%68ealth"]
        {
            assert!(!holds(Method::GET, other), "{other}");
        }
        assert!(!holds(Method::HEAD, "/health") && !holds(Method::POST, "/health"));
    }

    #[test]
    fn what_is_no_raw_path_is_refused() {
        for bad in ["", "health", "/a?b", "/a#b", "/a/*", "/{id}", "/a b", "/é"] {
            assert!(Exemption::new(Method::GET, bad).is_err(), "{bad}");
        }
    }
}
