//! A request target in its parts (RFC 9112 §3.2), as ranges of it; nothing is decoded or normalised.

use std::ops::Range;

/// Where the parts of a target stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TargetParts {
    pub(super) form: TargetForm,
    /// Up to the first `?`; `None` is the `/` of an absolute-form target that has no path.
    pub(super) path: Option<Range<usize>>,
    /// After the first `?`, where there is one.
    pub(super) query: Option<Range<usize>>,
}

/// The forms of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TargetForm {
    /// A path; also whatever is of no other form, so that rules see it.
    Origin,
    /// `http://…`, with where its authority stands.
    Absolute {
        /// The authority.
        authority: Range<usize>,
    },
    /// The authority of a CONNECT; it has no path.
    Authority,
    /// `*`
    Asterisk,
}

impl TargetParts {
    pub(super) fn split(method: &[u8], target: &[u8]) -> Self {
        let none = Some(0..0);
        if target == b"*" {
            return Self { form: TargetForm::Asterisk, path: Some(0..1), query: None };
        }
        if let Some(authority) = authority_of(target) {
            let path_start = authority.end;
            let (path, query) = path_and_query(target, path_start);
            let path = Some(path).filter(|path| !path.is_empty());
            return Self { form: TargetForm::Absolute { authority }, path, query };
        }
        // RFC 9112 §3.2.3: only CONNECT has the form of an authority.
        if method == b"CONNECT" && memchr::memchr3(b'/', b'?', b'#', target).is_none() {
            return Self { form: TargetForm::Authority, path: none, query: None };
        }
        let (path, query) = path_and_query(target, 0);
        Self { form: TargetForm::Origin, path: Some(path), query }
    }
}

fn path_and_query(target: &[u8], start: usize) -> (Range<usize>, Option<Range<usize>>) {
    match memchr::memchr(b'?', target.get(start..).unwrap_or_default()) {
        Some(at) => (start..start + at, Some(start + at + 1..target.len())),
        None => (start..target.len(), None),
    }
}

/// Where the authority of an absolute-form target stands; the scheme is compared without regard to case.
fn authority_of(target: &[u8]) -> Option<Range<usize>> {
    let start = [b"http://".as_slice(), b"https://"].into_iter().find_map(|scheme| {
        let start = target.get(..scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(scheme.len())
    })?;
    let rest = target.get(start..)?;
    let end = memchr::memchr3(b'/', b'?', b'#', rest).unwrap_or(rest.len());
    Some(start..start + end)
}

/// Where the extension of a path stands: after the last dot of its last segment, unless that is the
/// segment's first byte.
pub(super) fn extension(path: &[u8]) -> Range<usize> {
    let segment = memchr::memrchr(b'/', path).map_or(0, |slash| slash + 1);
    match memchr::memrchr(b'.', path.get(segment..).unwrap_or_default()) {
        None | Some(0) => path.len()..path.len(),
        Some(dot) => segment + dot + 1..path.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_its_parts() {
        for (method, target, path, query) in [
            ("GET", "/a?b?c#d", Some("/a"), Some("b?c#d")),
            ("GET", "/a", Some("/a"), None),
            ("GET", "/?", Some("/"), Some("")),
            ("GET", "", Some(""), None),
            ("GET", "HTTPS://h:1/a?b", Some("/a"), Some("b")),
            ("GET", "http://h?b", None, Some("b")),
            ("GET", "ftp://h/a", Some("ftp://h/a"), None),
            ("OPTIONS", "*", Some("*"), None),
            ("CONNECT", "h:443", Some(""), None),
            ("CONNECT", "h/../x", Some("h/../x"), None),
        ] {
            let parts = TargetParts::split(method.as_bytes(), target.as_bytes());
            let text = |range: Option<Range<usize>>| range.map(|range| target[range].to_owned());
            assert_eq!(text(parts.path), path.map(str::to_owned), "{method} {target}");
            assert_eq!(text(parts.query), query.map(str::to_owned), "{method} {target}");
        }
    }

    #[test]
    fn extensions_are_those_of_the_reference() {
        for (path, expected) in [
            ("/foo", ""),
            ("/foo.mp3", "mp3"),
            ("/.mp3", ""),
            ("/.foo.mp3", "mp3"),
            ("/foo.tar.bz2", "bz2"),
            ("/foo.", ""),
            ("/a.b/c", ""),
        ] {
            assert_eq!(&path[extension(path.as_bytes())], expected, "{path}");
        }
    }
}
