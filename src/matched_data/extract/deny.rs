//! What is never logged: the deny list, and the bytes of a request that it names.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use super::json;
use crate::rules::request::{Media, Part, RequestView, Stretch, cookies, percent_decoded};

/// Words that name a secret, wherever they stand in a name.
const SECRET_WORDS: &[&str] =
    &["password", "passwd", "pwd", "passphrase", "secret", "token", "apikey"];

/// Headers that are nothing but a secret.
const SECRET_HEADERS: &[&str] = &["authorization", "proxy-authorization"];

/// The header that proxies hand on under names that end in it.
const AUTHORIZATION: &str = "authorization";

/// Names below this length in bytes are searched without a table.
const SHORT_NAME_BYTES: usize = 64;

/// How often a name is percent-decoded before it is compared: servers behind servers decode again.
const NAME_DECODINGS: usize = 3;

/// Elements of requests whose bytes are not logged, under any field and after any function.
///
/// The default holds the headers whose name ends in `authorization`, the values of cookies, and
/// every argument, form field, multipart part, JSON member and header whose name has one of these words in it:
/// `password`, `passwd`, `pwd`, `passphrase`, `secret`, `token`, `apikey`. Names are compared after
/// percent-decoding, in lower case, letters and digits only: `X-Api-Key` and `user[api_key]` have `apikey` in
/// them.
///
/// ```
/// use wafpass::matched_data::DenyList;
///
/// let deny = DenyList::default().header("x-session").word("pin");
/// ```
#[derive(Clone, Debug)]
pub struct DenyList {
    headers: Vec<String>,
    words: Vec<String>,
    cookies: CookieValues,
}

/// Whether the values of cookies are logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CookieValues {
    /// They are not.
    Denied,
    /// They are: a session then stands in the log, sealed.
    InsecurelyLogged,
}

impl Default for DenyList {
    fn default() -> Self {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        Self {
            headers: owned(SECRET_HEADERS),
            words: owned(SECRET_WORDS),
            cookies: CookieValues::Denied,
        }
    }
}

impl DenyList {
    /// Nothing is kept out of the log: it will hold passwords and sessions, readable by whoever has the
    /// private key.
    #[must_use]
    pub const fn insecurely_empty() -> Self {
        Self { headers: Vec::new(), words: Vec::new(), cookies: CookieValues::InsecurelyLogged }
    }

    /// Adds a header, whose values are not logged.
    #[must_use]
    pub fn header(mut self, name: &str) -> Self {
        self.headers.push(name.to_ascii_lowercase());
        self
    }

    /// Adds a word, which names a secret wherever it stands in the name of an argument, a form field, a
    /// part, a JSON member or a header. Letters and digits count, case does not; a word of neither is none.
    #[must_use]
    pub fn word(mut self, word: &str) -> Self {
        let word = letters(word.as_bytes());
        if !word.is_empty() {
            self.words.push(String::from_utf8_lossy(&word).into_owned());
        }
        self
    }

    /// Says whether the values of cookies are logged.
    #[must_use]
    pub const fn cookies(mut self, cookies: CookieValues) -> Self {
        self.cookies = cookies;
        self
    }

    /// Whether a name is one of a secret.
    pub(super) fn has_name(&self, name: &[u8]) -> bool {
        // Most names are short. A request may have tens of thousands of them.
        if self.words.iter().all(|word| name.len() < word.len()) {
            return false;
        }
        let mut decoded = Cow::Borrowed(name);
        for _ in 0..NAME_DECODINGS {
            if let Cow::Owned(again) = percent_decoded(&decoded) {
                decoded = Cow::Owned(again);
            } else {
                break;
            }
        }
        let name = letters(&decoded);
        self.words.iter().any(|word| holds(&name, word.as_bytes()))
    }

    /// Whether a header is nothing but a secret. One that a proxy keeps under another name is too:
    /// `X-Forwarded-Authorization`.
    fn has_header(&self, name: &[u8]) -> bool {
        let is_known = |known: &String| {
            let start =
                if known == AUTHORIZATION { name.len().checked_sub(known.len()) } else { Some(0) };
            let name = start.and_then(|start| name.get(start..));
            name.is_some_and(|name| name.eq_ignore_ascii_case(known.as_bytes()))
        };
        self.headers.iter().any(is_known) || self.has_name(name)
    }
}

/// Whether a word stands in a name. A search that is set up for each word takes longer where a name is short.
fn holds(name: &[u8], word: &[u8]) -> bool {
    match name.len() {
        ..SHORT_NAME_BYTES => name.windows(word.len()).any(|window| window == word),
        _ => memchr::memmem::find(name, word).is_some(),
    }
}

/// Letters and digits in lower case; bytes over ASCII stay.
fn letters(name: &[u8]) -> Vec<u8> {
    let kept = name.iter().filter(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii());
    kept.map(u8::to_ascii_lowercase).collect()
}

/// The bytes of one request that are not logged, by part: in order, no two touching.
#[derive(Debug, Default)]
pub(super) struct Denied {
    ranges: HashMap<Part, Vec<Range<usize>>>,
}

impl Denied {
    pub(super) fn of(view: &RequestView<'_>, deny: &DenyList) -> Self {
        let mut denied = Self::default();
        let target = view.part(Part::Target);
        denied.add_url(Part::Target, target, deny);
        for (index, (name, value)) in view.header_lines().iter().enumerate() {
            let part = Part::HeaderValue(index);
            if deny.has_header(name) {
                denied.add(part, 0..value.len());
            } else if name.eq_ignore_ascii_case(b"cookie") && deny.cookies == CookieValues::Denied {
                cookies(value).for_each(|cookie| denied.add(part, cookie.value));
            } else {
                denied.add_url(part, value, deny);
            }
        }
        denied.add_body(view, deny);
        for ranges in denied.ranges.values_mut() {
            merge(ranges);
        }
        denied
    }

    /// The stretches of a part that are not logged.
    pub(super) fn stretches(&self, part: Part) -> impl Iterator<Item = Stretch> {
        let ranges = self.ranges.get(&part).map_or(&[][..], Vec::as_slice);
        ranges.iter().map(move |range| Stretch { part, range: range.clone() })
    }

    /// The ranges of a part that are not logged and share a byte with this one.
    pub(super) fn overlapping(&self, stretch: &Stretch) -> &[Range<usize>] {
        let ranges = self.ranges.get(&stretch.part).map_or(&[][..], Vec::as_slice);
        overlapping(ranges, &stretch.range)
    }

    fn add(&mut self, part: Part, range: Range<usize>) {
        if !range.is_empty() {
            self.ranges.entry(part).or_default().push(range);
        }
    }

    /// The arguments of a URL, after its first `?` or `#`: of the target, of `Referer`, of headers that
    /// proxies add.
    fn add_url(&mut self, part: Part, url: &[u8], deny: &DenyList) {
        if let Some(mark) = memchr::memchr2(b'?', b'#', url) {
            self.add_arguments(part, url, mark + 1..url.len(), deny);
        }
    }

    /// Arguments as servers split them: at `&`, or also at `;`. A value that one of the two readings gives is
    /// not logged.
    fn add_arguments(&mut self, part: Part, text: &[u8], range: Range<usize>, deny: &DenyList) {
        let inner = text.get(range.clone()).unwrap_or_default();
        for separators in [&b"&"[..], b"&;", b"&?#"] {
            let mut at = range.start;
            for piece in inner.split(|byte| separators.contains(byte)) {
                let end = at + piece.len();
                let name_len = memchr::memchr(b'=', piece)
                    .filter(|mark| deny.has_name(piece.get(..*mark).unwrap_or_default()));
                if let Some(len) = name_len {
                    self.add(part, at + len + 1..end);
                }
                at = end + 1;
            }
        }
    }

    fn add_body(&mut self, view: &RequestView<'_>, deny: &DenyList) {
        let body = view.part(Part::Body);
        let media: Vec<Media> = view.media().collect();
        // Without a type, a server may take it for a form.
        if media.contains(&Media::Form) || media.is_empty() {
            self.add_arguments(Part::Body, body, 0..body.len(), deny);
        }
        if media.contains(&Media::Json) || json::looks_like(body) {
            self.add_members(body, 0..body.len(), deny);
        }
        for part in view.body_parts() {
            let mut names = part.names.iter().map(|name| name.range.clone());
            if names.any(|name| deny.has_name(body.get(name).unwrap_or_default())) {
                self.add(Part::Body, part.value.clone());
            }
            let value = body.get(part.value.clone()).unwrap_or_default();
            let mut types = part.content_types.iter().filter_map(|range| body.get(range.clone()));
            if types.any(|one| Media::of(one) == Media::Json) || json::looks_like(value) {
                self.add_members(body, part.value, deny);
            }
        }
    }

    fn add_members(&mut self, body: &[u8], range: Range<usize>, deny: &DenyList) {
        let text = body.get(range.clone()).unwrap_or_default();
        for value in json::values(text, |name| deny.has_name(name)) {
            self.add(Part::Body, range.start + value.start..range.start + value.end);
        }
    }
}

/// Those of ranges in order, of which no two overlap, that share a byte with this one. Found by halves:
/// who attacks sends thousands of either.
pub(super) fn overlapping<'r>(
    ranges: &'r [Range<usize>],
    with: &Range<usize>,
) -> &'r [Range<usize>] {
    let first = ranges.partition_point(|range| range.end <= with.start);
    let rest = ranges.get(first..).unwrap_or_default();
    let count = rest.partition_point(|range| range.start < with.end);
    if with.is_empty() { &[] } else { rest.get(..count).unwrap_or_default() }
}

/// Ranges in order, those that overlap or touch made one.
pub(super) fn merge(ranges: &mut Vec<Range<usize>>) {
    ranges.sort_by_key(|range| (range.start, range.end));
    ranges.dedup_by(|next, last| {
        let joined = next.start <= last.end;
        if joined {
            last.end = last.end.max(next.end);
        }
        joined
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::request::BodyEnd;

    fn denied(view: &RequestView<'_>, part: Part, deny: &DenyList) -> Vec<String> {
        let denied = Denied::of(view, deny);
        let text = |stretch: Stretch| {
            String::from_utf8_lossy(&view.part(part)[stretch.range]).into_owned()
        };
        denied.stretches(part).map(text).collect()
    }

    fn in_target(target: &str) -> Vec<String> {
        let view = RequestView::new(b"GET", target.as_bytes(), &[]);
        denied(&view, Part::Target, &DenyList::default())
    }

    #[test]
    fn names_are_those_of_secrets() {
        let deny = DenyList::default();
        for name in [
            "password",
            "new_password2",
            "user[passWD]",
            "X-Api-Key",
            "csrf-token",
            "%70assword",
            "%2570%61ssword",
            "client.secret",
            "pass_word",
            "PWD",
            "api%5Fkey",
        ] {
            assert!(deny.has_name(name.as_bytes()), "{name}");
        }
        for name in ["", "pass", "user", "key", "tok", "passport"] {
            assert!(!deny.has_name(name.as_bytes()), "{name}");
        }
        assert!(!deny.has_name(b"pin") && deny.word("P-I-N").word("--").has_name(b"my_pin"));
        assert!(!DenyList::insecurely_empty().has_name(b"password"));
    }

    #[test]
    fn arguments_of_targets_and_headers() {
        assert_eq!(in_target("/a?x=1&password=b;c&token=&y"), ["b;c"]);
        assert_eq!(in_target("/a?x=1;pass%77d=b&secret"), ["b"]);
        assert_eq!(in_target("http://h?token=a#secret=b"), ["a#secret=b"]);
        let lines: &[(&[u8], &[u8])] =
            &[(b"Referer", b"https://h/a?u=1&access_token=b"), (b"X", b"/#token=c")];
        let view = RequestView::new(b"GET", b"/", lines);
        assert_eq!(denied(&view, Part::HeaderValue(0), &DenyList::default()), ["b"]);
        assert_eq!(denied(&view, Part::HeaderValue(1), &DenyList::default()), ["c"]);
    }

    #[test]
    fn headers_and_cookies() {
        let lines: &[(&[u8], &[u8])] = &[
            (b"AUTHORIZATION", b"Basic x"),
            (b"X-Api-Key", b"k"),
            (b"Cookie", b"a=1; b = 2;c"),
            (b"X-Session", b"s"),
        ];
        let view = RequestView::new(b"GET", b"/", lines);
        let all = |deny: &DenyList| -> Vec<Vec<String>> {
            (0..4).map(|index| denied(&view, Part::HeaderValue(index), deny)).collect()
        };
        assert_eq!(
            all(&DenyList::default()),
            [vec!["Basic x"], vec!["k"], vec!["1", "2", "c"], vec![]]
        );
        let changed =
            DenyList::default().header("x-session").cookies(CookieValues::InsecurelyLogged);
        assert_eq!(all(&changed), [vec!["Basic x"], vec!["k"], vec![], vec!["s"]]);
        assert_eq!(all(&DenyList::insecurely_empty()), [const { Vec::<&str>::new() }; 4]);
    }

    #[test]
    fn a_header_that_a_proxy_renamed_stays_a_secret() {
        let deny = DenyList::default();
        for name in ["authorization", "Proxy-Authorization", "X-Forwarded-AUTHORIZATION"] {
            assert!(deny.has_header(name.as_bytes()), "{name}");
        }
        for name in ["authorization-server", "x-session", ""] {
            assert!(!deny.has_header(name.as_bytes()), "{name}");
        }
        let deny = DenyList::insecurely_empty().header("session");
        assert!(deny.has_header(b"Session") && !deny.has_header(b"x-session"));
        assert!(!deny.has_header(b"x-authorization"));
    }

    #[test]
    fn bodies_of_every_kind() {
        let multipart = "--x\nContent-Disposition: form-data; name=\"a\"; name=\"%70assword\"\n\nb\n\
            --x\nContent-Disposition: form-data; name=j\n\n {\"token\": 7}\n--x--";
        for (content_type, body, expected) in [
            ("application/x-www-form-urlencoded", "u=1&password=b", &["b"][..]),
            ("", "u=1&password=b", &["b"]),
            ("text/plain", "u=1&password=b", &[]),
            ("multipart/form-data; boundary=x", multipart, &["b", "7"]),
            ("application/json", "{\"u\": {\"password\": \"b\"}}", &["b"]),
            ("text/plain", "\n[{\"password\": \"b\"}]", &["b"]),
        ] {
            let lines: &[(&[u8], &[u8])] = &[(b"content-type", content_type.as_bytes())];
            let lines = if content_type.is_empty() { &[] } else { lines };
            let view = RequestView::new(b"POST", b"/", lines).body(body.as_bytes(), BodyEnd::Whole);
            assert_eq!(
                denied(&view, Part::Body, &DenyList::default()),
                expected,
                "{content_type}: {body}"
            );
        }
    }
}
