//! What exactly is wrong, for every reason but a signature that does not match.

use super::{Hint, Visible, claims_of, keys};
use crate::canon::{CONTENT_DIGEST, ContentDigest, PathPrefix, QueryMode, TargetParts};
use crate::key::{KeyId, is_label};
use crate::message::MessageHead;
use crate::rejection::RejectionKind;
use crate::scheme::edge::{self, Claims, Covered, DATE, RESERVED, SIGNATURE, Scan};
use crate::time::UnixTime;
use crate::verify::Verifier;

/// The hints for a head that was refused for `kind`.
pub(super) fn of_head(
    verifier: &Verifier,
    head: &MessageHead<'_>,
    kind: RejectionKind,
    now: UnixTime,
) -> Vec<Hint> {
    let hint = match kind {
        RejectionKind::MalformedRequest => of_request(head),
        RejectionKind::MissingSignature => Some(Hint::new(
            "unsigned",
            "neither field arrived: the request did not come through the edge, its behavior has no \
             signing function, or the CDN does not forward the two fields to the origin",
        )),
        RejectionKind::DuplicateHeader
        | RejectionKind::MissingCoveredHeader
        | RejectionKind::MalformedHeader => of_fields(head),
        RejectionKind::MalformedSignature => of_grammar(head),
        RejectionKind::MalformedTarget => of_target(verifier, head),
        _ => claims_of(head).and_then(|claims| of_policy(verifier, head, &claims, kind, now)),
    };
    hint.into_iter().collect()
}

/// The hints for a covered body that was refused.
pub(super) fn of_body(digest: &[u8], body: &[u8], cap: usize) -> Vec<Hint> {
    let Some(signed) = ContentDigest::parse(digest) else {
        let text = format!("content-digest is `{}`, not one sha-256=:…: member", Visible(digest));
        return vec![Hint::new("digest-form", text)];
    };
    let size = body.len();
    if size > cap {
        return vec![Hint::new("body-cap", format!("the body has {size} bytes, the cap is {cap}"))];
    }
    let shorter = [b"\r\n".as_slice(), b"\n"].into_iter().find_map(|end| body.strip_suffix(end));
    let longer = [b"\n".as_slice(), b"\r\n"].map(|end| [body, end].concat());
    let text = if shorter.is_some_and(|body| ContentDigest::of(body) == signed) {
        "without the line break at its end the body would match: an editor or a shell put it there"
            .into()
    } else if longer.iter().any(|body| ContentDigest::of(body) == signed) {
        "with a line break at its end the body would match: something cut it off".into()
    } else if body.is_empty() {
        "the body is empty, and one was signed: it was lost, or the capture left it out".into()
    } else {
        format!(
            "the body has {size} bytes and is not the one that was signed: a hop compressed or changed it"
        )
    };
    vec![Hint::new("body-differs", text)]
}

/// Row 0.
fn of_request(head: &MessageHead<'_>) -> Option<Hint> {
    let hosts: Vec<&[u8]> = head.values(b"host").collect();
    let of_target = TargetParts::split(head.target).authority;
    let names = claims_of(head).map_or(&[][..], |claims| claims.covered_names);
    let dropped = RESERVED
        .iter()
        .map(|name| name.as_bytes())
        .chain(names.split(|&byte| byte == b':'))
        .find(|name| !name.is_empty() && head.connection_drops(std::iter::once(*name)));

    if !edge::is_token(head.method) {
        let text = format!("the method is `{}`, which is no token", Visible(head.method));
        return Some(Hint::new("method", text));
    }
    if let Some(name) = dropped {
        let text = format!("Connection names `{}`: a hop would drop it", Visible(name));
        return Some(Hint::new("connection", text));
    }
    Some(match (hosts.as_slice(), head.pseudo_authority.or(of_target)) {
        ([], _) => Hint::new(
            "host-missing",
            "there is no Host: the request was sent without, or the capture left it out",
        ),
        ([b""], None) => Hint::new("host-empty", "Host is empty"),
        ([host], Some(other)) if other.contains(&b'@') => Hint::new(
            "host-userinfo",
            format!("the target names a user: `{}` (Host is `{}`)", Visible(other), Visible(host)),
        ),
        ([host], Some(other)) => Hint::new(
            "host-differs",
            format!("Host is `{}`, the target says `{}`", Visible(host), Visible(other)),
        ),
        (hosts, _) => Hint::new("host-repeated", format!("Host is there {} times", hosts.len())),
    })
}

/// Rows 2 and 5.
fn of_fields(head: &MessageHead<'_>) -> Option<Hint> {
    let count = |name: &'static str| head.values(name.as_bytes()).count();
    if let Some(name) = [SIGNATURE, DATE].into_iter().find(|name| count(name) > 1) {
        let text =
            format!("{name} is there {} times: a hop added one, or two edges signed", count(name));
        return Some(Hint::new("repeated", text));
    }
    let scan = Scan::of(head).ok()?;
    let covered = claims_of(head)?.covered_names.split(|&byte| byte == b':');
    covered.filter(|name| !name.is_empty()).find_map(|name| {
        let shown = Visible(name);
        let values: Vec<&[u8]> = head.values(name).collect();
        match values.as_slice() {
            [] => Some(Hint::new(
                "not-forwarded",
                format!("`{shown}` is covered and did not arrive: a hop removed it, or the CDN does not forward it"),
            )),
            [value] => Covered::collect(name, head, &scan).is_err().then(|| {
                Hint::new("forbidden-byte", format!("`{shown}` is `{}`: encode what is not visible ASCII", Visible(value)))
            }),
            values => Some(Hint::new(
                "repeated",
                format!("`{shown}` is covered and there {} times: a hop added one", values.len()),
            )),
        }
    })
}

/// Row 3: the first part that departs from the grammar.
fn of_grammar(head: &MessageHead<'_>) -> Option<Hint> {
    let (signature, date) =
        match (head.values(SIGNATURE.as_bytes()).next(), head.values(DATE.as_bytes()).next()) {
            (Some(signature), Some(date)) => (signature, date),
            (None, _) => {
                return Some(Hint::new(
                    "half-signed",
                    format!("{DATE} is there, {SIGNATURE} is not"),
                ));
            }
            (_, None) => {
                return Some(Hint::new(
                    "half-signed",
                    format!("{SIGNATURE} is there, {DATE} is not"),
                ));
            }
        };
    let fault = |text| Some(Hint::new("grammar", text));
    let mut rest = signature;
    for (tag, good, rule) in PARTS {
        let Some(after) = rest.strip_prefix(tag.as_bytes()) else {
            let place = signature.len() - rest.len();
            return fault(format!(
                "at byte {place} of {SIGNATURE}, `{tag}` is expected, not `{}`",
                Visible(rest)
            ));
        };
        let end = after.iter().position(|&byte| byte == b';').unwrap_or(after.len());
        let (part, tail) = after.split_at_checked(end)?;
        if !good(part) {
            let name = tag.trim_matches(|c| c == ';' || c == '=').trim_start_matches("v1;");
            return fault(format!("`{name}` is `{}`, not {rule}", Visible(part)));
        }
        rest = tail;
    }
    if !rest.is_empty() {
        return fault(format!("`{}` stands behind the end of {SIGNATURE}", Visible(rest)));
    }
    fault(format!("{DATE} is `{}`, not a real moment as YYYYMMDDTHHMMSSZ", Visible(date)))
}

type Part = (&'static str, fn(&[u8]) -> bool, &'static str);

/// The grammar of §1, part by part.
const PARTS: [Part; 6] = [
    ("v1;kid=", is_label, "1 to 64 of A-Z a-z 0-9 - _ ."),
    (";nonce=", edge::is_nonce, "16 to 128 of A-Z a-z 0-9 - _ . ="),
    (";aud=", is_label, "1 to 64 of A-Z a-z 0-9 - _ ."),
    (";waf=", |waf| matches!(waf, b"pass" | b"none"), "pass or none"),
    (
        ";h=",
        |names| Covered::default().read_names(names).is_some(),
        "up to 16 lower-case names in ascending order with : between them, none that hops rewrite",
    ),
    (
        ";sig=",
        |hex| {
            hex.len() == 2 * edge::MAC_BYTES
                && hex.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        },
        "64 digits of lower-case hex",
    ),
];

/// Row 4.
fn of_target(verifier: &Verifier, head: &MessageHead<'_>) -> Option<Hint> {
    let target = TargetParts::split(head.target);
    let whole = target.canonical(head.method, &PathPrefix::default(), QueryMode::All);
    Some(match whole {
        Some((path, _)) => Hint::new(
            "prefix-missing",
            format!(
                "the path `{}` does not begin with the origin path prefix `{}`: the CDN does not put it \
                 there, or something in front of this check took it off",
                Visible(path),
                verifier.prefix.as_str()
            ),
        ),
        None => Hint::new(
            "target",
            "a path starts with /, and a target is visible ASCII without #; * is for OPTIONS alone",
        ),
    })
}

/// Rows 6 to 14.
fn of_policy(
    verifier: &Verifier,
    head: &MessageHead<'_>,
    claims: &Claims<'_>,
    kind: RejectionKind,
    now: UnixTime,
) -> Option<Hint> {
    let key_id = KeyId::from_bytes(claims.key_id)?;
    let date = head.values(DATE.as_bytes()).next().and_then(UnixTime::parse_date)?;
    let age_s = now.seconds_since(date);
    let window = verifier.freshness.retention();
    Some(match kind {
        RejectionKind::UnknownKey => keys::unknown(verifier.keyring(), &key_id),
        RejectionKind::InactiveKey => keys::inactive(verifier.keyring(), &key_id, now)?,
        RejectionKind::WrongAudience => Hint::new(
            "audience",
            format!(
                "it is signed for {}; here is {}",
                Visible(claims.audience),
                verifier.audience()
            ),
        ),
        RejectionKind::Expired => {
            let over = age_s.saturating_sub(window.max_age_s.into());
            Hint::new(
                "clock",
                format!(
                    "signed {age_s} s ago, {over} s more than max_age ({} s): it was held up or replayed, or \
                     the clocks of edge and origin are {over} s or more apart",
                    window.max_age_s
                ),
            )
        }
        RejectionKind::NotYetValid => {
            let ahead = age_s.saturating_neg();
            let over = ahead.saturating_sub(window.skew_s.into());
            Hint::new(
                "clock",
                format!(
                    "dated {ahead} s ahead, {over} s more than skew ({} s): the clock here is {over} s or more \
                     behind the edge's",
                    window.skew_s
                ),
            )
        }
        RejectionKind::WafNotEvaluated => Hint::new(
            "waf",
            "the edge signed waf=none: the web ACL is detached, or let the request through by a rule \
             that inserts no evidence",
        ),
        RejectionKind::InsufficientCoverage => {
            let scan = Scan::of(head).ok()?;
            let covered = Covered::collect(claims.covered_names, head, &scan).ok()?;
            let missing: Vec<&str> = verifier
                .required
                .iter()
                .map(|name| &**name)
                .filter(|name| covered.get(name.as_bytes()).is_none())
                .collect();
            let text = if missing.is_empty() {
                let digest = Visible(CONTENT_DIGEST);
                format!("the request has a body, and the signature does not cover {digest}")
            } else {
                format!("not covered: {}", missing.join(", "))
            };
            Hint::new("coverage", text)
        }
        RejectionKind::WrongHost => {
            let scan = Scan::of(head).ok()?;
            let covered = Covered::collect(claims.covered_names, head, &scan).ok()?;
            let text = match covered.get(edge::HOST.as_bytes()) {
                Some(signed) => format!(
                    "signed for `{}`, the Host that arrived is `{}`",
                    Visible(signed),
                    Visible(scan.host)
                ),
                None => format!("the signature does not cover {}", edge::HOST),
            };
            Hint::new("host", text)
        }
        _ => return None,
    })
}
