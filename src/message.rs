//! The head of a request, as a scheme gets to see it.
//!
//! [`MessageHead`] borrows and never parses: the target stays the bytes that arrived, so that no URI
//! parser can refuse or change what was signed.

use std::fmt;
use std::slice;

use http::header::{self, HeaderMap, HeaderValue};
use http::uri::Scheme;

/// The head of a request: method, target, header fields.
#[derive(Clone, Copy)]
pub struct MessageHead<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: Target<'a>,
    /// `:authority`, where the protocol has one (HTTP/2 and later).
    pub(crate) pseudo_authority: Option<&'a [u8]>,
    pub(crate) fields: Fields<'a>,
    pub(crate) has_body: Option<bool>,
}

/// A request target: raw, or as a server took it apart.
#[derive(Clone, Copy)]
pub(crate) enum Target<'a> {
    Raw(&'a [u8]),
    Parsed { authority: Option<&'a [u8]>, path: &'a [u8], query: &'a [u8] },
}

/// Header fields in the order received.
#[derive(Clone, Copy)]
pub(crate) enum Fields<'a> {
    Map(&'a HeaderMap),
    Lines(&'a [(&'a [u8], &'a [u8])]),
}

impl fmt::Debug for MessageHead<'_> {
    /// Method and target; the fields may hold secrets of the viewer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
        let mut head = f.debug_struct("MessageHead");
        head.field("method", &text(self.method));
        match self.target {
            Target::Raw(target) => head.field("target", &text(target)),
            Target::Parsed { path, query, .. } => {
                head.field("path", &text(path)).field("query", &text(query))
            }
        };
        head.finish_non_exhaustive()
    }
}

impl<'a> MessageHead<'a> {
    /// A head from raw parts: the target as it stands in the request line, the fields as (name,
    /// value) in order. Names are compared without regard to case.
    #[must_use]
    pub const fn from_raw(
        method: &'a [u8],
        target: &'a [u8],
        fields: &'a [(&'a [u8], &'a [u8])],
    ) -> Self {
        Self {
            method,
            target: Target::Raw(target),
            pseudo_authority: None,
            fields: Fields::Lines(fields),
            has_body: None,
        }
    }

    /// A head from a request that an HTTP server parsed.
    ///
    /// Path and query are what the server hands on: hyper drops a fragment, and writes `/` for the
    /// empty path of an absolute-form target. In HTTP/2 and later the fields need not tell whether
    /// there is a body, so it is taken that there is one until [`with_body`](Self::with_body) says.
    #[must_use]
    pub fn from_request<B>(request: &'a http::Request<B>) -> Self {
        Self::from_parts(request.method(), request.uri(), request.version(), request.headers())
    }

    /// Like [`from_request`](Self::from_request), from the parts; `uri` is the one that arrived, not
    /// one that a router has shortened.
    #[must_use]
    #[inline]
    pub fn from_parts(
        method: &'a http::Method,
        uri: &'a http::Uri,
        version: http::Version,
        headers: &'a HeaderMap,
    ) -> Self {
        let authority = uri.authority().map(|authority| authority.as_str().as_bytes());
        let is_framed_apart = version >= http::Version::HTTP_2;
        let (authority, pseudo_authority) =
            if is_framed_apart { (None, authority) } else { (authority, None) };
        let is_web = uri.scheme().is_none_or(|s| [Scheme::HTTP, Scheme::HTTPS].contains(s));
        let is_target = is_web || is_framed_apart; // HTTP/2 has :scheme apart from its :path
        let target = Target::Parsed {
            authority,
            // Absolute-form of another scheme: no path that could be signed, as in a raw target.
            path: if is_target { uri.path().as_bytes() } else { b"" },
            query: uri.query().unwrap_or_default().as_bytes(),
        };
        let fields = Fields::Map(headers);
        let has_body = is_framed_apart.then_some(true);
        Self { method: method.as_str().as_bytes(), target, pseudo_authority, fields, has_body }
    }

    /// A head from a request that a client is about to send: without Host, the authority of its URI
    /// stands for it, as the client will write it.
    #[cfg(feature = "layer")]
    pub(crate) fn from_client_request<B>(request: &'a http::Request<B>) -> Self {
        let head = Self::from_request(request);
        match head.target {
            Target::Parsed { authority, path, query } if head.values(b"host").next().is_none() => {
                let pseudo_authority = authority.or(head.pseudo_authority);
                Self {
                    target: Target::Parsed { authority: None, path, query },
                    pseudo_authority,
                    ..head
                }
            }
            _ => head,
        }
    }

    /// Says whether the request has a body, where the transport knows better than the fields
    /// (HTTP/2 needs neither `content-length` nor `transfer-encoding`).
    #[must_use]
    pub const fn with_body(mut self, has_body: bool) -> Self {
        self.has_body = Some(has_body);
        self
    }

    /// The values of the field `name` (lower case), trimmed of surrounding SP and HTAB.
    #[inline]
    pub(crate) fn values(&self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.fields
            .iter()
            .filter(move |(field, _)| is_named(field, name))
            .map(|(_, value)| trim(value))
    }

    /// The field `name` (lower case).
    pub(crate) fn field(&self, name: &'a [u8]) -> Field<'a> {
        let mut field = Field::Absent;
        self.values(name).for_each(|value| field.add(value));
        field
    }

    /// Whether `Connection` names one of `names` (lower case), so that a hop would drop that field.
    pub(crate) fn connection_drops<'n>(
        &self,
        names: impl Iterator<Item = &'n [u8]> + Clone,
    ) -> bool {
        let mut options = self.values(b"connection").flat_map(connection_options);
        options.any(|option| names.clone().any(|name| is_named(option, name)))
    }

    /// Whether the request has a body: what the transport said, or else what the framing says.
    pub(crate) fn has_body(&self) -> bool {
        self.has_body.unwrap_or_else(|| {
            self.values(b"transfer-encoding").next().is_some()
                || self
                    .values(b"content-length")
                    .any(|length| length.is_empty() || length.iter().any(|&digit| digit != b'0'))
        })
    }
}

impl<'a> Fields<'a> {
    /// All fields as (name, value); values may have SP and HTAB around them, see [`trim`].
    pub(crate) fn iter(self) -> FieldsIter<'a> {
        match self {
            Self::Map(map) => FieldsIter::Map(map.iter()),
            Self::Lines(lines) => FieldsIter::Lines(lines.iter()),
        }
    }
}

pub(crate) enum FieldsIter<'a> {
    Map(header::Iter<'a, HeaderValue>),
    Lines(slice::Iter<'a, (&'a [u8], &'a [u8])>),
}

impl<'a> Iterator for FieldsIter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline(always)] // a call would cost more than it does
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Map(map) => {
                map.next().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
            }
            Self::Lines(lines) => lines.next().copied(),
        }
    }
}

/// How often a field is there, and its value when it is there once.
#[derive(Clone, Copy)]
pub(crate) enum Field<'a> {
    Absent,
    Once(&'a [u8]),
    Repeated,
}

impl<'a> Field<'a> {
    pub(crate) fn add(&mut self, value: &'a [u8]) {
        *self = match self {
            Self::Absent => Self::Once(trim(value)),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }
}

/// Whether `field` is `name` (lower case), without regard to case.
///
/// Length and last byte tell nearly all names apart, also those that begin alike; and nearly all
/// names arrive in lower case.
#[inline]
pub(crate) fn is_named(field: &[u8], name: &[u8]) -> bool {
    field.len() == name.len()
        && field.last().map(u8::to_ascii_lowercase) == name.last().copied()
        && (field == name || field.eq_ignore_ascii_case(name))
}

/// The options in one `Connection` field (RFC 9110 §7.6.1).
pub(crate) fn connection_options(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim)
}

/// `text` without surrounding SP and HTAB, which are not part of a field value (RFC 9110 §5.5).
#[inline]
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_space_and_tab_only() {
        for (text, trimmed) in
            [("", ""), (" \t ", ""), ("\t a b \t", "a b"), ("\u{b}a\n", "\u{b}a\n")]
        {
            assert_eq!(trim(text.as_bytes()), trimmed.as_bytes());
        }
    }

    #[test]
    fn fields_keep_order_and_ignore_case() {
        let lines: [(&[u8], &[u8]); 3] = [(b"A", b" 1 "), (b"b", b"2"), (b"a", b"3")];
        let head = MessageHead::from_raw(b"GET", b"/", &lines);
        assert_eq!(head.values(b"a").collect::<Vec<_>>(), [b"1", b"3"]);
    }

    #[test]
    fn a_body_shows_in_the_framing() {
        let body = |name: &[u8], value: &[u8]| {
            MessageHead::from_raw(b"POST", b"/", &[(name, value)]).has_body()
        };
        assert!(body(b"Content-Length", b"1") && body(b"transfer-encoding", b"chunked"));
        assert!(!body(b"content-length", b"0") && !body(b"host", b"a"));
        // A length that is no number is not taken as none.
        assert!(body(b"content-length", b"x") && body(b"content-length", b""));
    }
}
