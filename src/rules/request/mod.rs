//! A request as rules see it: [`RequestView`] borrows it, [`RequestFacts`] are the values of the fields
//! that a rule set wants, and [`Place`] says which bytes of the request a value was made of.
//!
//! - **what is read**: what was sent, as Cloudflare documents each field. Nothing is normalised, and
//!   nothing decoded but what [`UriDecoding::Url`](super::UriDecoding::Url) asks for and the names of cookies;
//! - **what an attacker can hide**: no byte of the target or of the body that was given; raw fields hold all
//!   of them. Where servers take a body apart in two ways, the reading that shows more is taken, and what
//!   is beyond a limit of pairs or parts stays in one piece ([`limits`]). A server that splits or decodes in a
//!   way of its own (`;` between arguments, `+`, a charset, a transfer encoding) finds names and values
//!   that no field has by themselves: docs/rules.md lists them;
//! - **what it costs**: only fields that are wanted are computed, and they borrow from the request.
//!
//! ```
//! use wafpass::rules::request::{RequestFacts, RequestView};
//! use wafpass::rules::{FieldSet, Scheme, UriDecoding, Value};
//!
//! let headers: &[(&[u8], &[u8])] = &[(b"Host", b"shop.example")];
//! let request = RequestView::new(b"GET", b"/cms/%0Aadmin?action=post", headers);
//!
//! let scheme = Scheme::default();
//! let (path, _) = scheme.field("http.request.uri.path").unwrap();
//! let mut wanted = FieldSet::default();
//! wanted.insert(path);
//! let facts = RequestFacts::new(&request, &scheme, |_| Some(&wanted));
//!
//! assert_eq!(facts.facts(UriDecoding::None).get(path), Some(&Value::from("/cms/%0Aadmin")));
//! assert_eq!(facts.facts(UriDecoding::Url).get(path), Some(&Value::from("/cms/\nadmin")));
//! ```

mod facts;
mod fields;
mod header;
pub mod limits;
mod multipart;
mod pairs;
mod place;
mod sniff;
mod target;
mod text;

pub use self::facts::RequestFacts;
pub use self::place::{Part, Place, Segment, Stretch};

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

pub(crate) use self::facts::Places;
pub(crate) use self::header::Media;
pub(crate) use self::pairs::cookies;
pub(crate) use self::text::percent_decoded;
use super::scheme::{FieldId, Scheme};
use super::{FactError, Value};

/// The scheme of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UriScheme {
    /// `http`
    Http,
    /// `https`
    #[default]
    Https,
}

impl UriScheme {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Http => "http://",
            Self::Https => "https://",
        }
    }
}

/// What is known of the length of a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyEnd {
    /// The bytes given are all of it.
    #[default]
    Whole,
    /// There is more than the bytes given.
    Truncated {
        /// Length of the whole body in bytes, where it is known.
        size: Option<u64>,
    },
}

/// Tells the country of an address: two letters of ISO 3166-1, as a database knows it.
pub type CountryOf<'r> = &'r (dyn Fn(IpAddr) -> Option<Cow<'static, str>> + Sync);

/// A request that rules look at. It borrows, and never parses before a field is wanted.
#[derive(Clone)]
pub struct RequestView<'r> {
    method: &'r [u8],
    target: &'r [u8],
    version: &'r [u8],
    scheme: UriScheme,
    authority: Option<&'r [u8]>,
    headers: &'r [(&'r [u8], &'r [u8])],
    body: &'r [u8],
    body_end: BodyEnd,
    client: Option<IpAddr>,
    country: Option<CountryOf<'r>>,
    timestamp_ms: u64,
    registered: Vec<(FieldId, Value<'r>)>,
}

impl fmt::Debug for RequestView<'_> {
    /// Method and target; the rest may hold secrets of the viewer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestView")
            .field("method", &self.method.escape_ascii().to_string())
            .field("target", &self.target.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}

impl<'r> RequestView<'r> {
    /// A request of HTTP/1.1 over https without a body: the method, the target as the request line has it,
    /// and the header lines as (name, value) in order.
    #[must_use]
    pub const fn new(
        method: &'r [u8],
        target: &'r [u8],
        headers: &'r [(&'r [u8], &'r [u8])],
    ) -> Self {
        Self {
            method,
            target,
            version: b"HTTP/1.1",
            scheme: UriScheme::Https,
            authority: None,
            headers,
            body: &[],
            body_end: BodyEnd::Whole,
            client: None,
            country: None,
            timestamp_ms: 0,
            registered: Vec::new(),
        }
    }

    /// The version, as `http.request.version` has it: `HTTP/1.1`, `HTTP/2`, `HTTP/3`.
    #[must_use]
    pub fn version(mut self, version: &'r str) -> Self {
        self.version = version.as_bytes();
        self
    }

    /// The scheme that the request came by.
    #[must_use]
    pub fn scheme(mut self, scheme: UriScheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// `:authority`, in HTTP/2 and later. It is the host then, whatever a `Host` line says (RFC 9113
    /// §8.3.1); the fields of headers show that line.
    #[must_use]
    pub fn authority(mut self, authority: &'r [u8]) -> Self {
        self.authority = Some(authority);
        self
    }

    /// The body, and whether it is all of it.
    #[must_use]
    pub fn body(mut self, body: &'r [u8], end: BodyEnd) -> Self {
        self.body = body;
        self.body_end = end;
        self
    }

    /// The address of the client.
    #[must_use]
    pub fn client(mut self, client: IpAddr) -> Self {
        self.client = Some(client);
        self
    }

    /// Who knows the country of an address; asked only where a rule wants it.
    #[must_use]
    pub fn country_of(mut self, country: CountryOf<'r>) -> Self {
        self.country = Some(country);
        self
    }

    /// When the request came, in milliseconds since 1970.
    #[must_use]
    pub fn timestamp_ms(mut self, timestamp_ms: u64) -> Self {
        self.timestamp_ms = timestamp_ms;
        self
    }

    /// The value of a field that the application registered.
    ///
    /// # Errors
    ///
    /// [`FactError`] where the scheme has no such field, or it is of another type.
    pub fn registered(
        mut self,
        scheme: &Scheme,
        field: FieldId,
        value: impl Into<Value<'r>>,
    ) -> Result<Self, FactError> {
        let value = value.into();
        let known = scheme.field_at(field).ok_or(FactError::UnknownField)?;
        if !value.is(known.ty()) {
            return Err(FactError::OtherType);
        }
        self.registered.push((field, value));
        Ok(self)
    }

    /// The bytes of a part, as they came; empty where there is no such part.
    #[must_use]
    pub fn part(&self, part: Part) -> &'r [u8] {
        match part {
            Part::Method => self.method,
            Part::Target => self.target,
            Part::Version => self.version,
            Part::Authority => self.authority.unwrap_or_default(),
            Part::HeaderName(index) => self.headers.get(index).map_or(&[], |(name, _)| name),
            Part::HeaderValue(index) => self.headers.get(index).map_or(&[], |(_, value)| value),
            Part::Body => self.body,
        }
    }

    /// The header lines, in order.
    pub(crate) const fn header_lines(&self) -> &'r [(&'r [u8], &'r [u8])] {
        self.headers
    }

    /// When the request came, in milliseconds since 1970.
    pub(crate) const fn came_at_ms(&self) -> u64 {
        self.timestamp_ms
    }

    pub(crate) const fn client_address(&self) -> Option<IpAddr> {
        self.client
    }

    pub(crate) const fn scheme_name(&self) -> &'static str {
        match self.scheme {
            UriScheme::Http => "http",
            UriScheme::Https => "https",
        }
    }

    /// The lines of this name (lower case) with their index, in order.
    pub(crate) fn lines(
        &self,
        name: &'static [u8],
    ) -> impl Iterator<Item = (usize, &'r [u8])> + use<'r> {
        let lines = self.headers.iter().enumerate();
        lines
            .filter(move |(_, (known, _))| known.eq_ignore_ascii_case(name))
            .map(|(index, (_, value))| (index, *value))
    }

    /// What each `Content-Type` line says that the body is.
    pub(crate) fn media(&self) -> impl Iterator<Item = Media> + use<'r> {
        self.lines(b"content-type").map(|(_, value)| Media::of(value))
    }

    pub(crate) const fn method(&self) -> &'r [u8] {
        self.method
    }

    pub(crate) const fn version_text(&self) -> &'r [u8] {
        self.version
    }

    /// The country of the client, where somebody knows it.
    pub(crate) fn country_code(&self) -> Option<String> {
        self.country?(self.client?).map(Cow::into_owned)
    }

    fn country(&self) -> Option<Value<'static>> {
        let country = self.country?(self.client?)?;
        Some(Value::Bytes(match country {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        }))
    }

    fn body_size(&self) -> u64 {
        let given = u64::try_from(self.body.len()).unwrap_or(u64::MAX);
        match self.body_end {
            BodyEnd::Truncated { size: Some(size) } => size.max(given),
            _ => given,
        }
    }

    const fn is_body_truncated(&self) -> bool {
        matches!(self.body_end, BodyEnd::Truncated { .. })
    }
}
