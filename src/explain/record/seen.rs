//! What an origin may have seen in the place of what was signed: tried against its digest.

use super::digest::Label;
use crate::explain::mismatch::{METHODS, leading_segments};
use crate::explain::rewrites::{
    Rewrite, decoded, encoded, escapes, replaced, single_slashes, sorted, with_empty_values,
    without_dot_segments, without_empty_values, without_port,
};
use crate::explain::{Hint, Visible};
use crate::message::MessageHead;

/// Parameters of a query whose every selection is tried: 1,023 of them.
const MAX_SELECTED: usize = 10;

/// Parameters of a query whose every order is tried: 720 of them.
const MAX_REORDERED: usize = 6;

/// Origin path prefixes that are common: a stage of an API gateway, a version, a mount point. What the
/// CDN puts in front of a path cannot be computed from the path.
const PREFIXES: [&[u8]; 14] = [
    b"/prod",
    b"/production",
    b"/live",
    b"/stage",
    b"/staging",
    b"/test",
    b"/dev",
    b"/default",
    b"/api",
    b"/v1",
    b"/v2",
    b"/app",
    b"/public",
    b"/static",
];

const PATHS: [Rewrite; 9] = [
    (
        "path-dot-segments",
        without_dot_segments,
        "something resolves dot segments behind the signer",
    ),
    ("path-slashes", single_slashes, "something merges double slashes behind the signer"),
    (
        "path-escapes-upper",
        |path| escapes(path, u8::to_ascii_uppercase),
        "something writes percent escapes in another case behind the signer",
    ),
    (
        "path-escapes-lower",
        |path| escapes(path, u8::to_ascii_lowercase),
        "something writes percent escapes in another case behind the signer",
    ),
    ("path-encoded", decoded, "something decodes the path behind the signer"),
    (
        "path-decoded",
        |path| encoded(path, b"/"),
        "the signer signs the decoded path, or something encodes it behind the signer; sign it raw",
    ),
    (
        "path-slash-cut",
        |path| [path, b"/"].concat(),
        "something adds a slash at the end behind the signer",
    ),
    (
        "path-slash-added",
        |path| path.strip_suffix(b"/").unwrap_or(path).into(),
        "something removes the slash at the end behind the signer",
    ),
    (
        "path-lowered",
        <[u8]>::to_ascii_lowercase,
        "something writes the path in lower case behind the signer",
    ),
];

const QUERIES: [Rewrite; 11] = [
    (
        "query-empty",
        |_| Vec::new(),
        "the origin sees no query: let the CDN forward all query strings, or set query = none on both sides",
    ),
    (
        "query-percent-20",
        |query| replaced(query, b"%20", b"+"),
        "something writes spaces as + behind the signer",
    ),
    (
        "query-plus",
        |query| replaced(query, b"+", b"%20"),
        "something writes spaces as %20 behind the signer",
    ),
    (
        "query-escapes-upper",
        |query| escapes(query, u8::to_ascii_uppercase),
        "something writes percent escapes in another case behind the signer",
    ),
    (
        "query-escapes-lower",
        |query| escapes(query, u8::to_ascii_lowercase),
        "something writes percent escapes in another case behind the signer",
    ),
    ("query-encoded", decoded, "something decodes the query behind the signer"),
    (
        "query-decoded",
        |query| encoded(query, b"&=+"),
        "the signer signs the decoded query, or something encodes it behind the signer; sign it raw",
    ),
    ("query-order", sorted, "something sorts the parameters behind the signer"),
    (
        "query-bare-names",
        with_empty_values,
        "something adds = to bare parameters behind the signer",
    ),
    (
        "query-empty-values",
        without_empty_values,
        "something removes the = of empty parameters behind the signer",
    ),
    (
        "query-mark",
        |query| query.strip_prefix(b"?").unwrap_or(query).into(),
        "the signer keeps the ? in the query; sign what follows it",
    ),
];

const VALUES: [Rewrite; 6] = [
    ("value-empty", |_| Vec::new(), "something empties the field behind the signer"),
    (
        "value-lower",
        <[u8]>::to_ascii_lowercase,
        "something writes the value in lower case behind the signer",
    ),
    ("value-without-port", without_port, "something takes the port off behind the signer"),
    (
        "value-list-tight",
        |value| replaced(value, b", ", b","),
        "something removes spaces after commas behind the signer",
    ),
    (
        "value-list-spaced",
        |value| replaced(value, b",", b", "),
        "something puts spaces after commas behind the signer",
    ),
    ("value-decoded", decoded, "something decodes the value behind the signer"),
];

/// Something that the origin may have seen.
struct Candidate {
    code: &'static str,
    bytes: Vec<u8>,
    text: String,
}

/// What is to be said of a part of which the origin saw something else. `is_seen` compares with the
/// origin's digest.
pub(super) fn hint(
    label: Label<'_>,
    signed: &[u8],
    seen_bytes: usize,
    head: &MessageHead<'_>,
    is_seen: impl Fn(&[u8]) -> bool,
) -> Hint {
    let fits = |bytes: &[u8]| bytes.len() == seen_bytes && is_seen(bytes);
    let single = candidates(label, signed, head).into_iter().find(|one| fits(&one.bytes));
    let found = single.or_else(|| twice(label, signed).find(|two| fits(&two.bytes)));
    match found {
        Some(Candidate { code, bytes, text }) => Hint::new(
            code,
            format!("{label}: {} was signed, {} arrived: {text}", shown(signed), shown(&bytes)),
        ),
        None if signed.is_empty() => {
            let advice = if label == Label::Query {
                "sign the query raw, or find what adds one behind the signer"
            } else {
                "find what fills it in behind the signer"
            };
            Hint::new(
                "not-signed",
                format!("{label}: nothing was signed, {seen_bytes} bytes arrived: {advice}"),
            )
        }
        None => Hint::new(
            "nothing-matched",
            format!(
                "{label}: {} bytes were signed, {seen_bytes} arrived, and no change that was tried makes \
                 one of the other; to test a guess, write it into the request and compare again",
                signed.len()
            ),
        ),
    }
}

fn shown(bytes: &[u8]) -> String {
    if bytes.is_empty() { "(empty)".into() } else { format!("`{}`", Visible(bytes)) }
}

fn rewrites(label: Label<'_>) -> &'static [Rewrite] {
    match label {
        Label::Path => &PATHS,
        Label::Query => &QUERIES,
        Label::Covered(_) => &VALUES,
        Label::Key | Label::Method => &[],
    }
}

/// All that is made of `signed` in one step.
fn candidates(label: Label<'_>, signed: &[u8], head: &MessageHead<'_>) -> Vec<Candidate> {
    let one = |code, bytes: Vec<u8>, text: &str| Candidate { code, bytes, text: text.into() };
    let rewritten =
        rewrites(label).iter().map(|(code, rewrite, text)| one(code, rewrite(signed), text));
    let mut all: Vec<Candidate> = rewritten.collect();
    match label {
        Label::Method => {
            let methods = METHODS.into_iter().map(<[u8]>::to_vec);
            let methods = methods.chain([signed.to_ascii_uppercase()]);
            let text = "something changes the method behind the signer";
            all.extend(methods.map(|method| one("method", method, text)));
        }
        Label::Path => {
            all.extend(PREFIXES.map(|prefix| {
                let text = format!(
                    "the CDN puts `{}` in front; the origin has to set that as the origin path prefix",
                    Visible(prefix)
                );
                one("prefix", [prefix, signed].concat(), &text)
            }));
            let text = "the signer signs the origin path prefix too, which the origin takes off; sign the \
                        path without it";
            let shorter = leading_segments(signed).map(|(_, rest)| rest.to_vec());
            all.extend(shorter.map(|rest| one("prefix-extra", rest, text)));
        }
        Label::Query => {
            let text =
                "something drops parameters behind the signer, such as a list of those to forward";
            all.extend(selections(signed).into_iter().map(|q| one("query-parameters", q, text)));
            let text = "something puts the parameters into another order behind the signer";
            all.extend(orders(signed).into_iter().map(|query| one("query-order", query, text)));
        }
        Label::Covered(_) => all.extend(head.fields.iter().flat_map(|(name, value)| {
            let (name, value) = (Visible(name).to_string(), value.trim_ascii());
            let text = format!("the origin sees what stands in {name} here");
            let items = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
            let items = items.map(<[u8]>::to_vec).chain([value.to_vec()]);
            items.map(|value| one("value-other-field", value, &text)).collect::<Vec<_>>()
        })),
        Label::Key => {}
    }
    all
}

/// All that is made of `signed` in two steps.
fn twice(label: Label<'_>, signed: &[u8]) -> impl Iterator<Item = Candidate> {
    rewrites(label).iter().flat_map(move |(_, first, of_first)| {
        let between = first(signed);
        rewrites(label).iter().map(move |(_, second, of_second)| Candidate {
            code: "two-changes",
            bytes: second(&between),
            text: format!("{of_first}; and {of_second}"),
        })
    })
}

/// The query with some of its parameters left out.
fn selections(query: &[u8]) -> Vec<Vec<u8>> {
    let parameters: Vec<&[u8]> = query.split(|&byte| byte == b'&').collect();
    if !(2..=MAX_SELECTED).contains(&parameters.len()) {
        return Vec::new();
    }
    let selection = |mask: u32| {
        let kept = (0_u32..).zip(&parameters).filter(|(place, _)| mask >> place & 1 == 1);
        kept.map(|(_, parameter)| *parameter).collect::<Vec<_>>().join(b"&".as_slice())
    };
    let all = 1_u32.checked_shl(u32::try_from(parameters.len()).unwrap_or(u32::MAX));
    (1..all.unwrap_or_default().saturating_sub(1)).map(selection).collect()
}

/// The query with its parameters in every order.
fn orders(query: &[u8]) -> Vec<Vec<u8>> {
    let parameters: Vec<&[u8]> = query.split(|&byte| byte == b'&').collect();
    if !(2..=MAX_REORDERED).contains(&parameters.len()) {
        return Vec::new();
    }
    let mut orders: Vec<Vec<&[u8]>> = vec![Vec::new()];
    for parameter in parameters {
        orders = orders
            .iter()
            .flat_map(|order| {
                (0..=order.len()).map(move |place| {
                    let mut longer = order.clone();
                    longer.insert(place, parameter);
                    longer
                })
            })
            .collect();
    }
    orders.into_iter().map(|order| order.join(b"&".as_slice())).collect()
}
