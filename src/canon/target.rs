//! Path and query of a request target: raw bytes, no decoding, no normalisation (edge signature §2).

use crate::error::ConfigError;
use crate::message::Target;

/// What of the query is signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueryMode {
    /// The raw query. The behavior at the CDN forwards all query strings.
    #[default]
    All,
    /// Nothing, whatever arrives: for a CDN that does not forward the query as it came. The
    /// application must not trust the query then.
    None,
}

/// The path that a CDN puts in front of the viewer's (CloudFront's `OriginPath`): empty, or starting
/// with `/` and not ending with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathPrefix(Box<str>);

impl PathPrefix {
    /// A prefix from text.
    pub(crate) fn new(text: &str) -> Result<Self, ConfigError> {
        let usable = text.starts_with('/')
            && !text.ends_with('/')
            && text.bytes().all(is_target_byte)
            && !text.contains('?');
        if text.is_empty() || usable {
            Ok(Self(text.into()))
        } else {
            Err(ConfigError::StripPrefix { prefix: text.into() })
        }
    }

    /// The text.
    #[cfg(feature = "explain")]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// A request target in its parts, nothing checked yet.
#[derive(Clone, Copy)]
pub(crate) struct TargetParts<'a> {
    /// The authority of an absolute-form target.
    pub(crate) authority: Option<&'a [u8]>,
    path: &'a [u8],
    query: &'a [u8],
    /// The whole target is `*`.
    asterisk: bool,
}

impl<'a> TargetParts<'a> {
    #[inline]
    pub(crate) fn split(target: Target<'a>) -> Self {
        let raw = match target {
            Target::Raw(raw) => raw,
            Target::Parsed { authority, path, query } => {
                return Self { authority, path, query, asterisk: path == b"*" && query.is_empty() };
            }
        };
        let (authority, rest) = match split_authority(raw) {
            Some((authority, rest)) => (Some(authority), rest),
            None => (None, raw),
        };
        // edge signature §2: the raw bytes after the first `?`; absent and empty are the same
        let (path, query) = match rest.iter().position(|&byte| byte == b'?') {
            Some(mark) => {
                (rest.get(..mark).unwrap_or_default(), rest.get(mark + 1..).unwrap_or_default())
            }
            None => (rest, [].as_slice()),
        };
        // §2: absolute-form with an empty path is `/`
        let path = if authority.is_some() && path.is_empty() { b"/" } else { path };
        Self { authority, path, query, asterisk: raw == b"*" }
    }

    /// Path and query as they stand in the signature base; `None` when the target is refused.
    #[inline]
    pub(crate) fn canonical(
        &self,
        method: &[u8],
        prefix: &PathPrefix,
        query_mode: QueryMode,
    ) -> Option<(&'a [u8], &'a [u8])> {
        let visible = |part: &[u8]| all(part, is_target_byte);
        if !(visible(self.path) && visible(self.query) && self.authority.is_none_or(visible)) {
            return None;
        }
        if self.asterisk {
            return (method == b"OPTIONS").then_some((self.path, self.query)); // no prefix applies
        }
        let path = match (prefix.0.as_bytes(), self.path) {
            (b"", path) => path,
            (prefix, path) if path == prefix => b"/",
            (prefix, path) => path.strip_prefix(prefix)?,
        };
        if !path.starts_with(b"/") {
            return None;
        }
        match query_mode {
            QueryMode::All => Some((path, self.query)),
            QueryMode::None => Some((path, &[])),
        }
    }
}

/// Authority and rest of an absolute-form target; the scheme is compared without regard to case.
fn split_authority(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = [b"http://".as_slice(), b"https://"].into_iter().find_map(|scheme| {
        let (start, rest) = target.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    })?;
    let end = rest.iter().position(|byte| b"/?#".contains(byte)).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

/// Whether `holds` for every byte. Sixteen at a time and without a branch between them, so that they
/// become a vector; the last sixteen overlap the ones before.
#[inline]
fn all(text: &[u8], holds: impl Fn(u8) -> bool) -> bool {
    let each = |bytes: &[u8]| bytes.iter().fold(true, |all, &byte| all & holds(byte));
    match text.last_chunk::<16>() {
        Some(last) => text.as_chunks::<16>().0.iter().all(|bytes| each(bytes)) && each(last),
        None => text.iter().all(|&byte| holds(byte)),
    }
}

/// %x21-7E without `#`.
const fn is_target_byte(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7E) & (byte != b'#')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(method: &str, target: &str, prefix: &str) -> Option<(String, String)> {
        let parts = TargetParts::split(Target::Raw(target.as_bytes()));
        let prefix = PathPrefix::new(prefix).unwrap();
        let (path, query) = parts.canonical(method.as_bytes(), &prefix, QueryMode::All)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Some((text(path), text(query)))
    }

    #[test]
    fn takes_path_and_query_as_they_are() {
        for (method, target, prefix, expected) in [
            ("GET", "//a/../%2e?x=?y", "", Some(("//a/../%2e", "x=?y"))),
            ("GET", "HTTPS://h?q", "", Some(("/", "q"))),
            ("GET", "http://h/p/a", "/p", Some(("/a", ""))),
            ("GET", "http://h", "/p", None),
            ("GET", "/p?q", "/p", Some(("/", "q"))),
            ("GET", "/pp", "/p", None),
            ("GET", "/p", "", Some(("/p", ""))),
            ("OPTIONS", "*", "/p", Some(("*", ""))),
            ("OPTIONS", "*?", "", None),
            ("options", "*", "", None),
            ("GET", "", "", None),
            ("GET", "?q", "", None),
            ("GET", "ftp://h/", "", None),
            ("CONNECT", "h:443", "", None),
            ("GET", "/a\u{7f}", "", None),
            ("GET", "http://h\u{e9}/", "", None),
            ("GET", "/?a#b", "", None),
        ] {
            let expected = expected.map(|(path, query)| (path.to_owned(), query.to_owned()));
            assert_eq!(canonical(method, target, prefix), expected, "{method} {target} {prefix}");
        }
    }

    #[test]
    fn prefixes_that_are_none_are_refused() {
        for bad in ["/", "p", "/p/", "/p?", "/p#", "/p q", "/é"] {
            assert!(PathPrefix::new(bad).is_err(), "{bad}");
        }
    }
}
