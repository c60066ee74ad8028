//! From what rules looked at to what is logged of it (matched data §3, rules 3 to 8).
//!
//! - **what is logged**: of each field that made a rule match the bytes that did, and 15 around them; of
//!   fields that hold each other the narrower;
//! - **what is not**: a byte of an element on the [`DenyList`], under whatever field and after whatever
//!   function. Where nobody can tell which bytes went where, all of them count as denied;
//! - **what it costs**: it runs for requests that matched only.

mod clear;
mod contain;
mod deny;
mod group;
mod json;
mod key;
mod window;

pub(super) use self::clear::cleared;
pub use self::deny::{CookieValues, DenyList};

use std::ops::Range;

use self::deny::Denied;
use self::group::{Gatherer, Group, Span};
use super::payload::{Content, Entry, Match, Payload, Shape};
use crate::rules::request::RequestView;
use crate::rules::trace::Trace;
use crate::rules::{Scheme, UriDecoding};

/// A rule that matched, and what it looked at.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'t> {
    /// The rule's id.
    pub rule: &'t str,
    /// How the rule reads the URI.
    pub decoding: UriDecoding,
    /// What its second execution recorded.
    pub trace: &'t Trace<'t>,
}

/// What of a request made these rules match. All rules that matched one request make one payload.
///
/// ```
/// use wafpass::matched_data::{DenyList, Form, Traced, extract};
/// use wafpass::rules::request::{RequestFacts, RequestView};
/// use wafpass::rules::{RuleFile, RuleSet, Scheme};
///
/// let rules = r#"
/// [[rules]]
/// id = "control-characters"
/// action = "block"
/// uri_decoding = "url"
/// expression = '''http.request.version eq "HTTP/1.1" and
///     (http.request.uri.path matches "\n+." or http.request.uri.query matches "\x00+.")'''
/// "#;
/// let rules = RuleSet::compile(RuleFile::from_toml(rules, &Scheme::default())?)?;
///
/// let request = RequestView::new(b"GET", b"/cms/%0Aadmin?action=%00post", &[]);
/// let facts = RequestFacts::new(&request, rules.scheme(), |decoding| rules.wants(decoding));
/// let matches = rules.evaluate(&facts); // at no cost of tracing
/// let number = matches.deciding().expect("it matches");
///
/// let rule = rules.rule(number).expect("it is there");
/// let trace = rules.trace(number, &facts); // once more, with a record
/// let traced = Traced { rule: &rule.id, decoding: rule.uri_decoding, trace: &trace };
/// let payload = extract(&request, rules.scheme(), &[traced], &DenyList::default());
/// // The query is not in it: the `or` never looked at it.
/// assert_eq!(
///     payload.to_json(Form::V4)?,
///     r#"{"http.request.version":{"content":"HTTP/1.1"},"http.request.uri.path":{"before":"/cms/","content":"\na","after":"dmin"}}"#
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn extract(
    view: &RequestView<'_>,
    scheme: &Scheme,
    rules: &[Traced<'_>],
    deny: &DenyList,
) -> Payload {
    let denied = Denied::of(view, deny);
    let mut gatherer = Gatherer::new(view, scheme, &denied);
    for (index, rule) in rules.iter().enumerate() {
        gatherer.add(index, rule);
    }
    let mut groups = gatherer.finish();
    contain::drop_broader(&mut groups);
    let mut entries: Vec<Entry> = Vec::new();
    for of_one_key in groups.chunk_by(|one, next| one.key == next.key) {
        entries.extend(entry(of_one_key, &denied, rules));
    }
    Payload::new(entries)
}

fn entry(groups: &[Group<'_>], denied: &Denied, rules: &[Traced<'_>]) -> Option<Entry> {
    let first = groups.first()?;
    let mut matches: Vec<(usize, Match)> = Vec::new();
    for group in groups {
        let not_logged = group.denied(denied);
        let each = group.spans.iter();
        matches.extend(each.map(|span| (span.range.start, one(group, span, &not_logged, rules))));
    }
    matches.sort_by_key(|(start, _)| *start); // a stable sort: among equals, as first seen
    let shape = if first.is_many || matches.len() > 1 { Shape::Array } else { Shape::Object };
    let matches = matches.into_iter().map(|(_, one)| one).collect();
    Some(Entry { key: first.key.clone(), shape, matches })
}

fn one(group: &Group<'_>, span: &Span, not_logged: &[Range<usize>], rules: &[Traced<'_>]) -> Match {
    let (text, range) = (group.text.as_ref(), &span.range);
    let is_denied = !deny::overlapping(not_logged, range).is_empty();
    let content = if is_denied {
        Content::Redacted { bytes: u64::try_from(range.len()).unwrap_or(u64::MAX) }
    } else {
        Content::Bytes(window::content(text, range).to_vec())
    };
    let ids = span.rules.iter().filter_map(|index| rules.get(*index));
    Match {
        before: window::before(text, range.start, not_logged).to_vec(),
        content,
        after: window::after(text, range.end, not_logged).to_vec(),
        via: group.via.iter().map(|function| function.name().to_owned()).collect(),
        rules: if rules.len() > 1 {
            ids.map(|rule| rule.rule.to_owned()).collect()
        } else {
            Vec::new()
        },
    }
}
