//! Routes: what is asked of a request, by method and raw path.

use std::fmt;

use http::Method;

use crate::error::ConfigError;

/// What becomes of a request that the verifier refuses.
///
/// In ascending order of strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Enforcement {
    /// It is not verified at all. It gets no [`Verified`](crate::Verified), and keeps none of the
    /// protocol fields.
    Exempt,
    /// It is verified, counted and logged with its reason, and passes without a
    /// [`Verified`](crate::Verified): for a roll-out, and open to everybody meanwhile.
    ReportOnly,
    /// It is refused.
    Enforce,
}

impl Enforcement {
    /// The word in `wafpass.toml`, logs and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::ReportOnly => "report-only",
            Self::Enforce => "enforce",
        }
    }
}

impl fmt::Display for Enforcement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

/// Requests to one raw path, or under one, with any method or some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    path: Box<str>,
    is_prefix: bool,
    /// None stands for any.
    methods: Vec<Method>,
    enforcement: Enforcement,
}

impl Route {
    /// The requests whose path is `path`, compared byte by byte with the path that arrived.
    ///
    /// # Errors
    ///
    /// [`ConfigError::RoutePath`] when `path` is not one that [`Routes`] takes as it stands.
    pub fn exact(path: &str, enforcement: Enforcement) -> Result<Self, ConfigError> {
        Self::new(path, false, enforcement)
    }

    /// The requests whose path begins with `path`, which ends with `/`.
    ///
    /// # Errors
    ///
    /// As [`exact`](Self::exact), and when `path` does not end with `/`.
    pub fn prefix(path: &str, enforcement: Enforcement) -> Result<Self, ConfigError> {
        if !path.ends_with('/') {
            return Err(ConfigError::RoutePath { path: path.into() });
        }
        Self::new(path, true, enforcement)
    }

    fn new(path: &str, is_prefix: bool, enforcement: Enforcement) -> Result<Self, ConfigError> {
        if !is_plain(path) || path.contains(['?', '#', '*', '{', '}']) {
            return Err(ConfigError::RoutePath { path: path.into() });
        }
        Ok(Self { path: path.into(), is_prefix, methods: Vec::new(), enforcement })
    }

    /// Only requests with this method; called again, with that one too.
    #[must_use]
    pub fn method(mut self, method: Method) -> Self {
        if !self.methods.contains(&method) {
            self.methods.push(method);
            self.methods.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        }
        self
    }

    /// What is asked of its requests.
    #[must_use]
    pub const fn enforcement(&self) -> Enforcement {
        self.enforcement
    }

    fn holds(&self, method: &Method, path: &str) -> bool {
        let is_path =
            if self.is_prefix { path.starts_with(&*self.path) } else { path == &*self.path };
        is_path && (self.methods.is_empty() || self.methods.contains(method))
    }

    /// Which of two routes that hold for one request is asked: the exact one, the longer one, the one
    /// that names methods.
    fn precedence(&self) -> (bool, usize, bool) {
        (!self.is_prefix, self.path.len(), !self.methods.is_empty())
    }

    fn overlaps(&self, other: &Self) -> bool {
        (&self.path, self.is_prefix) == (&other.path, other.is_prefix)
            && self.methods.is_empty() == other.methods.is_empty()
            && (self.methods.is_empty()
                || self.methods.iter().any(|method| other.methods.contains(method)))
    }
}

impl fmt::Display for Route {
    /// Its name in logs and metrics, such as `GET,HEAD /health` or `/assets/*`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, method) in self.methods.iter().enumerate() {
            let separator = if place == 0 { "" } else { "," };
            write!(f, "{separator}{method}")?;
        }
        let space = if self.methods.is_empty() { "" } else { " " };
        write!(f, "{space}{}{}", self.path, if self.is_prefix { "*" } else { "" })
    }
}

/// The routes of an origin, and what is asked of all other requests: to enforce, unless it is said
/// otherwise.
///
/// The exact route comes before a prefix, the longer prefix before the shorter one, and of two with
/// one path the one that names the method.
///
/// `/assets/../admin` is under `/assets/` for one parser, and not for the next. So no route holds for
/// a path with an empty or a dot segment, `\`, `;`, or an escape of what needs none or is no text (an
/// unreserved character, `/`, `\`, `;`, `%`, a control character, what is not UTF-8): it gets the strictest
/// enforcement that any route or the rest has. Letters are compared with their case: an application that
/// does not tell them apart wants no stricter route below a laxer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Routes {
    /// In the order in which they are asked.
    routes: Vec<Route>,
    rest: Enforcement,
}

impl Routes {
    /// No routes yet, and `rest` for everything else.
    ///
    /// # Errors
    ///
    /// [`ConfigError::ExemptRest`] for [`Enforcement::Exempt`], which would verify nothing.
    pub const fn new(rest: Enforcement) -> Result<Self, ConfigError> {
        match rest {
            Enforcement::Exempt => Err(ConfigError::ExemptRest),
            _ => Ok(Self { routes: Vec::new(), rest }),
        }
    }

    /// Adds a route.
    ///
    /// # Errors
    ///
    /// [`ConfigError::DuplicateRoute`] when another one holds for the same path and method.
    pub fn with(mut self, route: Route) -> Result<Self, ConfigError> {
        if let Some(other) = self.routes.iter().find(|other| other.overlaps(&route)) {
            return Err(ConfigError::DuplicateRoute { route: other.to_string() });
        }
        let place = self.routes.partition_point(|other| other.precedence() >= route.precedence());
        self.routes.insert(place, route);
        Ok(self)
    }

    /// The routes, in the order in which they are asked.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Route> {
        self.routes.iter()
    }

    /// What is asked of the requests for which no route holds.
    #[must_use]
    pub const fn rest(&self) -> Enforcement {
        self.rest
    }

    /// What is asked of a request.
    #[must_use]
    pub fn enforcement(&self, method: &Method, path: &str) -> Enforcement {
        self.find(method, path).1
    }

    /// The place of the route that holds, or that after the last one, and its enforcement.
    pub(crate) fn find(&self, method: &Method, path: &str) -> (usize, Enforcement) {
        if self.routes.is_empty() {
            return (0, self.rest);
        }
        if !is_plain(path) {
            let strictest = self.routes.iter().map(Route::enforcement).fold(self.rest, Ord::max);
            return (self.routes.len(), strictest);
        }
        let place = self.routes.iter().position(|route| route.holds(method, path));
        let found = place.and_then(|place| Some((place, self.routes.get(place)?.enforcement)));
        found.unwrap_or((self.routes.len(), self.rest))
    }
}

impl Default for Routes {
    /// Enforces everywhere.
    fn default() -> Self {
        Self { routes: Vec::new(), rest: Enforcement::Enforce }
    }
}

/// Whether every parser sees the same path here: visible ASCII from `/` on, without empty and dot
/// segments, `\`, `;`, and escapes of what needs none (RFC 3986 §6.2.2) or is no text.
fn is_plain(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        let is_last = segments.peek().is_none();
        if (segment.is_empty() && !is_last) || matches!(segment, "." | "..") {
            return false;
        }
    }
    rest.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\;".contains(&byte))
        && (!rest.contains('%') || has_plain_escapes(rest))
}

/// Whether what is escaped is text that a path cannot hold as it stands.
fn has_plain_escapes(path: &str) -> bool {
    let mut pieces = path.split('%');
    let mut text = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let Some((byte, tail)) = needed_escape(piece) else { return false };
        text.push(byte);
        text.extend_from_slice(tail.as_bytes());
    }
    // RFC 3629 §10: a decoder that takes overlong forms would find dots and slashes in them.
    String::from_utf8(text).is_ok()
}

/// The byte whose escape begins `piece`, where a path cannot hold it as it stands, and what follows.
fn needed_escape(piece: &str) -> Option<(u8, &str)> {
    let (digits, tail) = piece.split_at_checked(2)?;
    let byte = u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
    let is_unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    // `%25`: a parser that decodes twice would find another escape behind it.
    let is_ambiguous = byte.is_ascii_control() || b"/\\;%".contains(&byte);
    (!is_unreserved && !is_ambiguous).then_some((byte, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    use Enforcement::{Enforce, Exempt, ReportOnly};

    fn routes() -> Routes {
        let health = Route::exact("/health", Exempt).unwrap().method(Method::GET);
        Routes::new(ReportOnly)
            .unwrap()
            .with(health.method(Method::HEAD))
            .unwrap()
            .with(Route::prefix("/assets/", Exempt).unwrap())
            .unwrap()
            .with(Route::prefix("/assets/private/", Enforce).unwrap())
            .unwrap()
            .with(Route::exact("/assets/private/logo", ReportOnly).unwrap())
            .unwrap()
    }

    #[test]
    fn the_closest_route_is_asked() {
        for (method, path, expected) in [
            (Method::GET, "/health", Exempt),
            (Method::HEAD, "/health", Exempt),
            (Method::POST, "/health", ReportOnly),
            (Method::GET, "/healthz", ReportOnly),
            (Method::GET, "/health/", ReportOnly),
            (Method::GET, "/HEALTH", ReportOnly),
            (Method::GET, "/assets/app.js", Exempt),
            (Method::GET, "/assets/a%20b/%C3%A9", Exempt),
            (Method::GET, "/assets", ReportOnly),
            (Method::GET, "/assets/private/x", Enforce),
            (Method::GET, "/assets/private/logo", ReportOnly),
            (Method::GET, "/", ReportOnly),
        ] {
            assert_eq!(routes().enforcement(&method, path), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_path_that_parsers_read_in_two_ways_gets_the_strictest() {
        for path in [
            "/assets/../admin",
            "/assets/./x",
            "/assets//x",
            "//assets/x",
            "//",
            "/assets/..",
            "/assets/%2e%2e/admin",
            "/assets/.%2E/admin",
            "/assets/x%2f..%2fadmin",
            "/assets/x%5c",
            "/assets/x\\y",
            "/assets/..;/admin",
            "/assets/x%3B",
            "/assets/%00",
            "/assets/%61",
            "/assets/%7e",
            "/assets/%",
            "/assets/%2",
            "/assets/%+1",
            "/assets/%zz",
            "/assets/%252e%252e/admin",
            "/assets/%0a",
            "/assets/%7f",
            "/assets/%c0%ae%c0%ae/admin",
            "/assets/%e0%80%af",
            "/assets/%ff",
            "/assets/%c3x",
            "/assets/\u{e9}",
            "assets/x",
            "*",
            "",
        ] {
            assert_eq!(routes().enforcement(&Method::GET, path), Enforce, "{path}");
        }
        // Without routes nothing depends on the path.
        let rest = Routes::new(ReportOnly).unwrap();
        assert_eq!(rest.enforcement(&Method::GET, "/a/../b"), ReportOnly);
    }

    #[test]
    fn what_is_no_plain_path_is_no_route() {
        for bad in ["", "health", "/a?b", "/a#b", "/a/*", "/{id}", "/a b", "/é", "/a//b", "/../a"]
        {
            assert!(Route::exact(bad, Exempt).is_err(), "{bad}");
        }
        assert!(Route::prefix("/assets", Exempt).is_err());
        assert!(Route::prefix("/", ReportOnly).is_ok());
        assert!(Routes::new(Exempt).is_err());
    }

    #[test]
    fn two_routes_cannot_hold_alike() {
        let route = |path| Route::exact(path, Exempt).unwrap();
        let routes = Routes::default().with(route("/a").method(Method::GET)).unwrap();
        assert!(routes.clone().with(route("/a").method(Method::GET)).is_err());
        assert!(routes.clone().with(route("/a").method(Method::POST)).is_ok());
        assert!(routes.clone().with(route("/a")).is_ok());
        assert!(routes.with(route("/a/")).is_ok());
    }

    #[test]
    fn a_route_is_named_as_it_is_written() {
        let names: Vec<_> = routes().iter().map(Route::to_string).collect();
        let expected =
            ["/assets/private/logo", "GET,HEAD /health", "/assets/private/*", "/assets/*"];
        assert_eq!(names, expected);
    }
}
