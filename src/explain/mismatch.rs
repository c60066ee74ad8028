//! What would have matched: small changes to the signature base, each one that a hop or a signer is
//! known to make, under the keys at hand.

use hmac::Mac;

use super::{Hint, Visible, claims_of};
use crate::canon::{PathPrefix, QueryMode, TargetParts};
use crate::key::{Key, KeyId};
use crate::message::MessageHead;
use crate::scheme::edge::MAC_BYTES;
use crate::verify::Verifier;

/// Where the parts stand in the signature base (§2).
const AUDIENCE: usize = 4;
const WAF: usize = 5;
const METHOD: usize = 6;
const PATH: usize = 7;
const QUERY: usize = 8;
const COVERED: usize = 9;

/// Leading path segments that are tried as an origin path prefix.
const MAX_PREFIX_SEGMENTS: usize = 8;

type Rewrite = (&'static str, fn(&[u8]) -> Vec<u8>, &'static str);

const PATH_REWRITES: [Rewrite; 9] = [
    ("path-dot-segments", without_dot_segments, "something resolves dot segments on one side"),
    ("path-slashes", single_slashes, "something merges double slashes on one side"),
    (
        "path-escapes-upper",
        |path| escapes(path, u8::to_ascii_uppercase),
        "something writes percent escapes in another case",
    ),
    (
        "path-escapes-lower",
        |path| escapes(path, u8::to_ascii_lowercase),
        "something writes percent escapes in another case",
    ),
    ("path-decoded", decoded, "the signer signs the decoded path; sign it raw"),
    ("path-encoded", |path| encoded(path, b"/"), "something decodes the path behind the signer"),
    (
        "path-slash-cut",
        |path| path.strip_suffix(b"/").unwrap_or(path).into(),
        "something adds a slash at the end",
    ),
    ("path-slash-added", |path| [path, b"/"].concat(), "something removes the slash at the end"),
    (
        "path-lower",
        <[u8]>::to_ascii_lowercase,
        "the signer signs the path in lower case; sign it raw",
    ),
];

const QUERY_REWRITES: [Rewrite; 11] = [
    (
        "query-dropped",
        |_| Vec::new(),
        "the signer signs no query; sign it raw, or set query = none on both sides",
    ),
    (
        "query-plus",
        |query| replaced(query, b"%20", b"+"),
        "something writes spaces as %20 behind the signer",
    ),
    (
        "query-percent-20",
        |query| replaced(query, b"+", b"%20"),
        "something writes spaces as + behind the signer",
    ),
    (
        "query-escapes-upper",
        |query| escapes(query, u8::to_ascii_uppercase),
        "something writes percent escapes in another case",
    ),
    (
        "query-escapes-lower",
        |query| escapes(query, u8::to_ascii_lowercase),
        "something writes percent escapes in another case",
    ),
    ("query-decoded", decoded, "the signer signs the decoded query; sign it raw"),
    (
        "query-encoded",
        |query| encoded(query, b"&=+"),
        "something decodes the query behind the signer",
    ),
    ("query-sorted", sorted, "the signer sorts the parameters; sign them raw"),
    (
        "query-empty-values",
        with_empty_values,
        "something removes the = of empty parameters behind the signer",
    ),
    (
        "query-bare-names",
        without_empty_values,
        "something adds = to bare parameters behind the signer",
    ),
    (
        "query-mark",
        |query| [b"?", query].concat(),
        "the signer keeps the ? in the query; sign what follows it",
    ),
];

const COVERED_REWRITES: [Rewrite; 5] = [
    ("value-lower", <[u8]>::to_ascii_lowercase, "something changes the case of the value"),
    ("value-without-port", without_port, "the value has a port on one side only"),
    (
        "value-list-tight",
        |value| replaced(value, b", ", b","),
        "something puts spaces after commas",
    ),
    (
        "value-list-spaced",
        |value| replaced(value, b",", b", "),
        "something removes spaces after commas",
    ),
    (
        "value-space",
        |value| [b" ", value].concat(),
        "the signer puts a space after the colon; sign name:value",
    ),
];

const METHODS: [&[u8]; 7] = [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"];

/// What would have made the signature of `head` match.
pub(super) fn hints(
    verifier: &Verifier,
    suspects: &[(String, Key)],
    head: &MessageHead<'_>,
) -> Vec<Hint> {
    let base = verifier.signature_base(head).unwrap_or_default();
    let base: Vec<&[u8]> = base.split(|&byte| byte == b'\n').collect();
    let Some(trial) = Trial::new(verifier, head, base) else {
        return Vec::new();
    };
    let changes = changes(verifier, head, &trial.base);
    let single = changes
        .iter()
        .filter(|change| trial.matches(&[change]))
        .map(|change| change.hint(&trial.base));
    let mut hints: Vec<Hint> =
        single.chain(keys(verifier, suspects, &trial)).chain(joins(&trial)).collect();
    if hints.is_empty() {
        hints.extend(pairs(&changes, &trial));
    }
    if hints.is_empty() {
        hints.push(Hint::new(
            "nothing-matched",
            "no change that was tried would have matched: compare the signature base above with what the \
             signer signs, line by line, and the secret of this key id on both sides; a query or a value that \
             did not get this far cannot be guessed",
        ));
    }
    hints
}

/// A signature that is tried on other bases and under other keys.
struct Trial<'a> {
    base: Vec<&'a [u8]>,
    key: &'a Key,
    mac: [u8; MAC_BYTES],
}

impl<'a> Trial<'a> {
    fn new(verifier: &'a Verifier, head: &MessageHead<'_>, base: Vec<&'a [u8]>) -> Option<Self> {
        let claims = claims_of(head)?;
        let key = verifier.keyring().get(&KeyId::from_bytes(claims.key_id)?)?;
        Some(Self { base, key, mac: claims.mac })
    }

    fn matches(&self, changes: &[&Change]) -> bool {
        let mut lines = self.base.clone();
        for change in changes {
            if let Some(line) = lines.get_mut(change.line) {
                *line = &change.bytes;
            }
        }
        self.is_mac_of(&lines.join(b"\n".as_slice()), self.key)
    }

    /// Compares; the MAC itself stays here.
    fn is_mac_of(&self, base: &[u8], key: &Key) -> bool {
        key.keyed().chain_update(base).verify_slice(&self.mac).is_ok()
    }
}

/// Another line in the place of one line of the base.
struct Change {
    code: &'static str,
    line: usize,
    bytes: Vec<u8>,
    text: String,
}

impl Change {
    fn hint(&self, base: &[&[u8]]) -> Hint {
        let arrived = base.get(self.line).copied().unwrap_or_default();
        let shown = |line: &[u8]| {
            if line.is_empty() { "(empty)".into() } else { format!("`{}`", Visible(line)) }
        };
        let (signed, arrived) = (shown(&self.bytes), shown(arrived));
        let number = self.line + 1;
        Hint::new(
            self.code,
            format!("line {number}: {signed} was signed, {arrived} arrived: {}", self.text),
        )
    }
}

/// Every single change that is tried, but for those that change nothing.
fn changes(verifier: &Verifier, head: &MessageHead<'_>, base: &[&[u8]]) -> Vec<Change> {
    let mut all = Vec::new();
    let mut add = |code, line: usize, bytes: Vec<u8>, text: &str| {
        let is_new = !all.iter().any(|known: &Change| known.line == line && known.bytes == bytes);
        if is_new && base.get(line).is_some_and(|arrived| *arrived != bytes) {
            all.push(Change { code, line, bytes, text: text.into() });
        }
    };
    let part = |line: usize| base.get(line).copied().unwrap_or_default();

    // What the verifier itself takes off: its prefix, and the query where it signs none.
    let whole = TargetParts::split(head.target).canonical(
        head.method,
        &PathPrefix::default(),
        QueryMode::All,
    );
    if let Some((path, query)) = whole {
        add(
            "prefix-extra",
            PATH,
            path.into(),
            "the signer signs the origin path prefix too; take it off there, or set none here",
        );
        add(
            "query-signed",
            QUERY,
            query.into(),
            "the signer signs the query; set query = all here",
        );
    }
    for (prefix, rest) in leading_segments(part(PATH)) {
        let known = verifier.prefix.as_str();
        let text = format!(
            "the CDN puts `{known}{}` in front; set that as the origin path prefix",
            Visible(prefix)
        );
        add("prefix", PATH, rest.into(), &text);
    }
    for (code, rewrite, text) in PATH_REWRITES {
        add(code, PATH, rewrite(part(PATH)), text);
    }
    for (code, rewrite, text) in QUERY_REWRITES {
        add(code, QUERY, rewrite(part(QUERY)), text);
    }
    for method in METHODS.into_iter().map(<[u8]>::to_vec).chain([part(METHOD).to_ascii_uppercase()])
    {
        add("method", METHOD, method, "something changes the method behind the signer");
    }
    for waf in [b"pass", b"none"] {
        add("waf", WAF, waf.into(), "waf= was changed after signing");
    }
    let audience = verifier.audience().as_bytes();
    add("audience", AUDIENCE, audience.into(), "aud= was changed after signing");

    for (line, field) in base.iter().enumerate().skip(COVERED) {
        let mut halves = field.splitn(2, |&byte| byte == b':');
        let (name, value) = (halves.next().unwrap_or_default(), halves.next().unwrap_or_default());
        let with = |value: &[u8]| [name, b":", value].concat();
        for (code, rewrite, text) in COVERED_REWRITES {
            add(code, line, with(&rewrite(value)), text);
        }
        for host in head.values(b"host") {
            add("value-host", line, with(host), "the signer signs the Host that arrived here");
        }
        for hop in head.values(b"x-forwarded-for").flat_map(|list| list.split(|&byte| byte == b','))
        {
            let text =
                "something writes the field anew; its signed value stands in x-forwarded-for";
            add("value-forwarded", line, with(hop.trim_ascii()), text);
        }
    }
    all
}

/// A path and a query that changed together, such as by a framework that normalises both.
fn pairs(changes: &[Change], trial: &Trial<'_>) -> Option<Hint> {
    let of = |line| changes.iter().filter(move |change| change.line == line);
    let (path, query) = of(PATH)
        .flat_map(|path| of(QUERY).map(move |query| (path, query)))
        .find(|(path, query)| trial.matches(&[path, query]))?;
    let (first, second) = (path.hint(&trial.base), query.hint(&trial.base));
    Some(Hint::new("path-and-query", format!("both: {}; {}", first.text, second.text)))
}

fn keys<'a>(
    verifier: &'a Verifier,
    suspects: &'a [(String, Key)],
    trial: &'a Trial<'_>,
) -> impl Iterator<Item = Hint> + use<'a> {
    let base = trial.base.join(b"\n".as_slice());
    let others = verifier.keyring().iter().filter(|key| key.id() != trial.key.id());
    let others = others.map(|key| {
        let text = format!("the secret of {} signed under the name {}", key.id(), trial.key.id());
        (key, Hint::new("other-key", text))
    });
    let suspects = suspects
        .iter()
        .map(|(what, key)| (key, Hint::new("suspect-key", format!("the key was {what}"))));
    others.chain(suspects).filter(move |(key, _)| trial.is_mac_of(&base, key)).map(|(_, hint)| hint)
}

/// Lines put together in another way than §2 says.
fn joins<'a>(trial: &'a Trial<'_>) -> impl Iterator<Item = Hint> + use<'a> {
    let joined = |between: &[u8], end: &[u8]| [&trial.base.join(between), end].concat();
    [
        (
            "line-feed",
            joined(b"\n", b"\n"),
            "the signer puts a line feed behind the last line; leave it out",
        ),
        ("crlf", joined(b"\r\n", b""), "the signer joins lines with CR LF; join them with LF"),
    ]
    .into_iter()
    .filter(|(_, base, _)| trial.is_mac_of(base, trial.key))
    .map(|(code, _, text)| Hint::new(code, text))
}

/// `/a/b/c` as (`/a`, `/b/c`), (`/a/b`, `/c`), (`/a/b/c`, `/`).
fn leading_segments(path: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let slashes =
        path.iter().enumerate().skip(1).filter(|&(_, &byte)| byte == b'/').map(|(place, _)| place);
    let whole = (!path.ends_with(b"/")).then_some((path, b"/".as_slice()));
    slashes.take(MAX_PREFIX_SEGMENTS).filter_map(|place| path.split_at_checked(place)).chain(whole)
}

/// RFC 3986 §5.2.4, for a path that starts with `/`.
fn without_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut open = false; // the last segment was a dot segment, which leaves a slash behind
    for segment in path.split(|&byte| byte == b'/').skip(1) {
        open = matches!(segment, b"." | b"..");
        if segment == b".." {
            kept.pop();
        } else if segment != b"." {
            kept.push(segment);
        }
    }
    if open {
        kept.push(b"");
    }
    [b"/", kept.join(b"/".as_slice()).as_slice()].concat()
}

fn single_slashes(path: &[u8]) -> Vec<u8> {
    let mut out = path.to_vec();
    out.dedup_by(|a, b| *a == b'/' && *b == b'/');
    out
}

/// The hexadecimal digits of each percent escape through `case`.
fn escapes(text: &[u8], case: fn(&u8) -> u8) -> Vec<u8> {
    let mut out = text.to_vec();
    let mut rest = out.as_mut_slice();
    while let Some(place) = rest.iter().position(|&byte| byte == b'%') {
        let Some(([_, high, low], tail)) =
            rest.get_mut(place..).and_then(<[u8]>::split_first_chunk_mut::<3>)
        else {
            break;
        };
        (*high, *low) = (case(high), case(low));
        rest = tail;
    }
    out
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        let escaped = rest.first_chunk().and_then(escaped_byte);
        out.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    out
}

fn escaped_byte(escape: &[u8; 3]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match *escape {
        [b'%', high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    }
}

/// Percent escapes for all but unreserved bytes, escapes that are there, and `kept`.
fn encoded(text: &[u8], kept: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte) || kept.contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        rest = if let Some(tail) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            tail
        } else {
            out.push(*byte);
            tail
        };
    }
    out
}

fn parameters(query: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    query.split(|&byte| byte == b'&').map(change).collect::<Vec<_>>().join(b"&".as_slice())
}

fn sorted(query: &[u8]) -> Vec<u8> {
    let mut pairs: Vec<&[u8]> = query.split(|&byte| byte == b'&').collect();
    pairs.sort_unstable();
    pairs.join(b"&".as_slice())
}

fn with_empty_values(query: &[u8]) -> Vec<u8> {
    parameters(query, |pair| {
        if pair.contains(&b'=') || pair.is_empty() { pair.into() } else { [pair, b"="].concat() }
    })
}

fn without_empty_values(query: &[u8]) -> Vec<u8> {
    parameters(query, |pair| pair.strip_suffix(b"=").unwrap_or(pair).into())
}

/// `192.0.2.1:443` as `192.0.2.1`, `[2001:db8::1]:443` as `2001:db8::1`, `shop.example:443` alike.
fn without_port(value: &[u8]) -> Vec<u8> {
    let (host, port) = match value
        .iter()
        .rposition(|&byte| byte == b':')
        .and_then(|colon| value.split_at_checked(colon))
    {
        Some((host, port)) => (host, port.get(1..).unwrap_or_default()),
        None => return value.into(),
    };
    let is_port = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    let bracketed = |host: &[u8]| {
        host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).map(<[u8]>::to_vec)
    };
    match bracketed(host) {
        Some(address) if is_port => address,
        _ if is_port && !host.contains(&b':') => host.into(),
        _ => value.into(),
    }
}
