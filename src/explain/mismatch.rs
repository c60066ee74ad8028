//! What would have matched: small changes to the signature base, each one that a hop or a signer is
//! known to make, under the keys at hand.

use std::borrow::Cow;

use hmac::Mac;

use super::rewrites::{COVERED_REWRITES, PATH_REWRITES, QUERY_REWRITES};
use super::{Hint, Visible, claims_of, keys};
use crate::canon::{PathPrefix, QueryMode, TargetParts};
use crate::key::Key;
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

pub(super) const METHODS: [&[u8]; 7] =
    [b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"];

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
        single.chain(other_keys(verifier, suspects, &trial)).chain(joins(&trial)).collect();
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
    key: Cow<'a, Key>,
    /// The audience that it says it is for.
    audience: &'a [u8],
    mac: [u8; MAC_BYTES],
}

impl<'a> Trial<'a> {
    fn new(verifier: &'a Verifier, head: &MessageHead<'a>, base: Vec<&'a [u8]>) -> Option<Self> {
        let claims = claims_of(head)?;
        let key = verifier.keyring().find(claims.key_id)?.key(claims.audience);
        Some(Self { base, key, audience: claims.audience, mac: claims.mac })
    }

    fn matches(&self, changes: &[&Change]) -> bool {
        let mut lines = self.base.clone();
        for change in changes {
            if let Some(line) = lines.get_mut(change.line) {
                *line = &change.bytes;
            }
        }
        self.is_mac_of(&lines.join(b"\n".as_slice()), &self.key)
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

/// Other keys that may have signed: those of the keyring, what its roots make, and the suspects.
fn other_keys(verifier: &Verifier, suspects: &[(String, Key)], trial: &Trial<'_>) -> Vec<Hint> {
    let base = trial.base.join(b"\n".as_slice());
    let others = verifier.keyring().iter().filter(|key| key.id() != trial.key.id());
    let others = others.map(|key| {
        let text = format!("the secret of {} signed under the name {}", key.id(), trial.key.id());
        (Cow::Borrowed(key), Hint::new("other-key", text))
    });
    let derived = keys::derived(verifier, trial.key.id(), trial.audience)
        .into_iter()
        .map(|(key, hint)| (Cow::Owned(key), hint));
    let suspects = suspects.iter().map(|(what, key)| {
        (Cow::Borrowed(key), Hint::new("suspect-key", format!("the key was {what}")))
    });
    let all = others.chain(derived).chain(suspects);
    all.filter(|(key, _)| trial.is_mac_of(&base, key)).map(|(_, hint)| hint).collect()
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
    .filter(|(_, base, _)| trial.is_mac_of(base, &trial.key))
    .map(|(code, _, text)| Hint::new(code, text))
}

/// `/a/b/c` as (`/a`, `/b/c`), (`/a/b`, `/c`), (`/a/b/c`, `/`).
pub(super) fn leading_segments(path: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let slashes =
        path.iter().enumerate().skip(1).filter(|&(_, &byte)| byte == b'/').map(|(place, _)| place);
    let whole = (!path.ends_with(b"/")).then_some((path, b"/".as_slice()));
    slashes.take(MAX_PREFIX_SEGMENTS).filter_map(|place| path.split_at_checked(place)).chain(whole)
}
