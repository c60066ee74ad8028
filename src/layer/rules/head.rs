//! A request as rules see it: borrowed while it passes, owned where it waits to be sealed.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version, request};

use super::origin::Country;
use crate::layer::judge::original;
use crate::rules::request::{BodyEnd, RequestView, UriScheme};
use crate::rules::{FieldId, Scheme, Value};

/// What a map takes for a field beside its text.
const OF_FIELD_BYTES: usize = 128;

/// The head, as it came.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    method: &'a Method,
    /// The URI that arrived, also where a router has taken its prefix off.
    uri: &'a Uri,
    version: Version,
    headers: &'a HeaderMap,
}

/// What is known beside it.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) scheme: UriScheme,
    pub(super) client: Option<IpAddr>,
    pub(super) country: Option<Country>,
    pub(super) timestamp_ms: u64,
    pub(super) registered: Vec<(FieldId, Value<'static>)>,
}

/// The body, as far as rules look at it.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) body: Bytes,
    pub(super) end: BodyEnd,
}

/// A request that waits to be sealed.
pub(super) struct Snapshot {
    method: Method,
    uri: Uri,
    version: Version,
    headers: HeaderMap,
    known: Known,
    seen: Seen,
}

impl<'a> Head<'a> {
    pub(super) fn of(parts: &'a request::Parts) -> Self {
        Self {
            method: &parts.method,
            uri: original(&parts.uri, &parts.extensions),
            version: parts.version,
            headers: &parts.headers,
        }
    }

    /// Shows the request to `look`. What of it is not in one piece is put together for as long.
    pub(super) fn show<T>(
        self,
        scheme: &Scheme,
        known: &Known,
        seen: &Seen,
        look: impl FnOnce(&RequestView<'_>) -> T,
    ) -> T {
        let lines: Vec<_> =
            self.headers.iter().map(|(name, value)| (name.as_ref(), value.as_bytes())).collect();
        let target = self.target();
        let mut view = RequestView::new(self.method.as_str().as_bytes(), target.as_bytes(), &lines)
            .version(version(self.version))
            .scheme(known.scheme)
            .body(&seen.body, seen.end)
            .timestamp_ms(known.timestamp_ms);
        if let Some(authority) = self.uri.authority().filter(|_| self.is_framed_apart()) {
            view = view.authority(authority.as_str().as_bytes());
        }
        if let Some(client) = known.client {
            view = view.client(client);
        }
        if let Some(country) = &known.country {
            view = view.country_of(&**country);
        }
        for (field, value) in &known.registered {
            // A value of another type was left out when it was asked for.
            let with = view.clone().registered(scheme, *field, value.clone());
            view = with.unwrap_or(view);
        }
        look(&view)
    }

    /// In HTTP/2 and later, scheme and authority are apart from the path.
    fn is_framed_apart(self) -> bool {
        self.version >= Version::HTTP_2
    }

    /// As the request line had it.
    fn target(self) -> Cow<'a, str> {
        let is_origin_form = self.uri.authority().is_none();
        let has_path = is_origin_form || self.is_framed_apart() && self.method != Method::CONNECT;
        match self.uri.path_and_query() {
            Some(target) if has_path => target.as_str().into(),
            _ => self.uri.to_string().into(),
        }
    }

    pub(super) fn snapshot(self, known: Known, seen: Seen) -> Snapshot {
        let (method, uri, headers) = (self.method.clone(), self.uri.clone(), self.headers.clone());
        // A slice of what the connection has read would hold on to all of it.
        let seen = Seen { body: Bytes::copy_from_slice(&seen.body), ..seen };
        Snapshot { method, uri, version: self.version, headers, known, seen }
    }
}

impl Snapshot {
    /// What it takes of the memory, about.
    pub(super) fn bytes(&self) -> usize {
        let of_field = |(name, value): (&HeaderName, &HeaderValue)| {
            name.as_str().len().saturating_add(value.len()).saturating_add(OF_FIELD_BYTES)
        };
        let uri = self.uri.path_and_query().map_or(0, |target| target.as_str().len());
        let known = uri.saturating_add(self.seen.body.len());
        self.headers.iter().map(of_field).fold(known, usize::saturating_add)
    }

    pub(super) fn show<T>(&self, scheme: &Scheme, look: impl FnOnce(&RequestView<'_>) -> T) -> T {
        let Self { method, uri, version, headers, known, seen } = self;
        Head { method, uri, version: *version, headers }.show(scheme, known, seen, look)
    }
}

/// As Cloudflare names them.
const fn version(version: Version) -> &'static str {
    match version {
        Version::HTTP_09 => "HTTP/0.9",
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        Version::HTTP_3 => "HTTP/3",
        _ => "HTTP/1.1",
    }
}
