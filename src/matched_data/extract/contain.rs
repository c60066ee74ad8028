//! Of two fields that hold the same bytes of the request, the narrower is logged (matched data §3.5).

use std::ops::Range;

use super::group::{Group, Span};
use crate::rules::Builtin;
use crate::rules::request::Stretch;

/// Fields that hold each other, and how narrow one is among them: `http.request.full_uri` is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    family: Family,
    narrowness: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Uri,
    Headers,
    Body,
}

impl Rank {
    pub(super) const fn of(field: Builtin) -> Option<Self> {
        let (family, narrowness) = match field {
            Builtin::FullUri | Builtin::RawFullUri => (Family::Uri, 0),
            Builtin::Uri | Builtin::RawUri => (Family::Uri, 1),
            Builtin::Path | Builtin::RawPath | Builtin::Query | Builtin::RawQuery => {
                (Family::Uri, 2)
            }
            Builtin::PathExtension
            | Builtin::RawPathExtension
            | Builtin::Args
            | Builtin::ArgNames
            | Builtin::ArgValues
            | Builtin::RawArgs
            | Builtin::RawArgNames
            | Builtin::RawArgValues => (Family::Uri, 3),
            Builtin::Headers | Builtin::HeaderNames | Builtin::HeaderValues => (Family::Headers, 0),
            Builtin::Host
            | Builtin::UserAgent
            | Builtin::Referer
            | Builtin::Cookie
            | Builtin::XForwardedFor => (Family::Headers, 1),
            Builtin::Cookies | Builtin::AcceptedLanguages => (Family::Headers, 2),
            Builtin::BodyRaw => (Family::Body, 0),
            Builtin::Form
            | Builtin::FormNames
            | Builtin::FormValues
            | Builtin::Multipart
            | Builtin::MultipartNames
            | Builtin::MultipartValues
            | Builtin::MultipartFilenames
            | Builtin::MultipartContentTypes
            | Builtin::MultipartContentDispositions
            | Builtin::MultipartContentTransferEncodings => (Family::Body, 1),
            _ => return None,
        };
        Some(Self { family, narrowness })
    }

    /// Of keys in order of their ranks those that a key of this one holds.
    fn held<'k, 'g>(self, known: &'k [Known<'g>]) -> &'k [Known<'g>] {
        let start = known.partition_point(|one| one.rank <= self);
        let end = known.partition_point(|one| one.rank.family <= self.family);
        known.get(start..end).unwrap_or_default()
    }
}

/// The spans of one key that are known as bytes of the request.
struct Known<'g> {
    key: &'g str,
    rank: Rank,
    spans: Vec<(Place, Vec<Stretch>)>,
    /// Whether these are all it has.
    is_all: bool,
}

/// A span: which group, and which of its spans.
type Place = (usize, usize);

/// Drops the keys whose every span lies inside a span of a narrower key. The rules of a span that goes are
/// those of the spans that it lies inside of.
pub(super) fn drop_broader(groups: &mut Vec<Group<'_>>) {
    let mut known = known(groups);
    known.sort_by_key(|one| one.rank);
    let mut heirs: Vec<(Place, Place)> = Vec::new();
    let mut dropped: Vec<usize> = Vec::new();
    for broader in known.iter().filter(|one| one.is_all) {
        let narrower = broader.rank.held(&known).iter();
        let covering: Vec<_> = narrower.filter_map(|other| covered(broader, other)).collect();
        if !covering.is_empty() {
            heirs.extend(covering.into_iter().flatten());
            dropped.extend(broader.spans.iter().map(|((group, _), _)| *group));
        }
    }
    // Broadest first, so that what a middle one inherits goes on to the narrowest.
    for ((from_group, from), (to_group, to)) in heirs {
        let rules = groups.get(from_group).and_then(|group| group.spans.get(from));
        let rules = rules.map(|span| span.rules.clone()).unwrap_or_default();
        if let Some(span) = groups.get_mut(to_group).and_then(|group| group.spans.get_mut(to)) {
            span.add_rules(&rules);
        }
    }
    let mut index = 0;
    groups.retain(|_| {
        index += 1;
        !dropped.contains(&(index - 1))
    });
}

/// The keys that stand somewhere in the request.
fn known<'g>(groups: &'g [Group<'_>]) -> Vec<Known<'g>> {
    let mut by_key: Vec<(&str, Vec<usize>)> = Vec::new();
    for (index, group) in groups.iter().enumerate() {
        match by_key.last_mut() {
            // Groups of one key stand together.
            Some((key, list)) if *key == group.key => list.push(index),
            _ => by_key.push((&group.key, vec![index])),
        }
    }
    by_key.into_iter().filter_map(|(key, list)| known_key(groups, key, &list)).collect()
}

fn known_key<'g>(groups: &[Group<'_>], key: &'g str, list: &[usize]) -> Option<Known<'g>> {
    let rank = groups.get(*list.first()?)?.rank?;
    let (mut spans, mut is_all) = (Vec::new(), true);
    for &index in list {
        let group = groups.get(index)?;
        for (at, span) in group.spans.iter().enumerate() {
            match group.raw(&span.range) {
                Some(raw) => spans.push(((index, at), raw)),
                None => is_all = false,
            }
        }
    }
    Some(Known { key, rank, spans, is_all })
}

/// For each span of the broader the one of the narrower that it lies inside of; `None` if one lies in none.
fn covered(broader: &Known<'_>, narrower: &Known<'_>) -> Option<Vec<(Place, Place)>> {
    debug_assert_ne!(broader.key, narrower.key);
    let inside = |(from, raw): &(Place, Vec<Stretch>)| {
        let covers = |(_, other): &&(Place, Vec<Stretch>)| {
            raw.iter().all(|one| other.iter().any(|whole| whole.contains(one)))
        };
        narrower.spans.iter().find(covers).map(|(to, _)| (*from, *to))
    };
    broader.spans.iter().map(inside).collect()
}

/// Spans that share a byte are one, and so is an empty one with the one that it lies inside of.
pub(super) fn merge(spans: &mut Vec<Span>) {
    spans.sort_by_key(|span| (span.range.start, span.range.end));
    spans.dedup_by(|next, last| {
        let joined = is_one(&last.range, &next.range);
        if joined {
            last.range.end = last.range.end.max(next.range.end);
            last.add_rules(&next.rules);
        }
        joined
    });
}

/// Whether two spans are one, of which `next` does not start first.
fn is_one(last: &Range<usize>, next: &Range<usize>) -> bool {
    last == next || next.start < last.end && (!next.is_empty() || next.start > last.start)
}
