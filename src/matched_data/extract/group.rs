//! What contributed, by key and value.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use super::Traced;
use super::contain::Rank;
use super::deny::{self, Denied};
use super::key;
use crate::rules::functions::Function;
use crate::rules::request::{Place, Places, RequestView, Stretch};
use crate::rules::trace::{Contribution, Input, Piece, Taken, What};
use crate::rules::{Builtin, FieldId, Knows, Scheme, Type, UriDecoding, Value};

/// One value that matched under one key, with its spans.
pub(super) struct Group<'t> {
    pub(super) key: String,
    /// Whether the field has many values.
    pub(super) is_many: bool,
    pub(super) rank: Option<Rank>,
    pub(super) via: &'t [Function],
    pub(super) text: Cow<'t, [u8]>,
    /// Whether the value is of type Bytes, and not shown as text only.
    is_bytes: bool,
    pieces: &'t [Piece],
    sources: Vec<Source>,
    pub(super) spans: Vec<Span>,
}

/// Where an input of a value stands in the request.
#[derive(Debug, PartialEq)]
enum Source {
    /// It does not: the application knows it.
    Outside,
    /// Here, byte for byte.
    Text(Place),
    /// In several places, as all of an array does.
    Several {
        /// Whether bytes of one of them are not logged.
        is_denied: bool,
    },
    /// Nobody can tell.
    Unknown,
}

/// All of an input, however long it is.
const EVERY_BYTE: Range<usize> = 0..usize::MAX;

impl Source {
    /// The bytes of the input that are not logged.
    fn denied(&self, denied: &Denied) -> Vec<Range<usize>> {
        match self {
            Self::Outside | Self::Several { is_denied: false } => Vec::new(),
            Self::Text(place) => denied_in(place, denied),
            Self::Several { is_denied: true } | Self::Unknown => Vec::from([EVERY_BYTE]),
        }
    }
}

/// Bytes of a value that contributed, and to which of the rules.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) range: Range<usize>,
    pub(super) rules: Vec<usize>,
}

impl Span {
    /// Adds rules, each once, in their order.
    pub(super) fn add_rules(&mut self, rules: &[usize]) {
        self.rules.extend_from_slice(rules);
        self.rules.sort_unstable();
        self.rules.dedup();
    }
}

impl Group<'_> {
    /// Whether both are one value: made of the same bytes, or of bytes of which as many are logged.
    fn is_of(&self, other: &Self, denied: &Denied) -> bool {
        if self.via != other.via || self.text != other.text {
            return false;
        }
        let is_same = self.pieces == other.pieces && self.sources == other.sources;
        is_same || !self.keeps_length() && self.denied(denied) == other.denied(denied)
    }

    fn keeps_length(&self) -> bool {
        self.via.iter().all(|name| matches!(name, Function::Lower | Function::Upper))
    }

    /// The bytes of the request that a span was made of; known where every function keeps the length.
    pub(super) fn raw(&self, span: &Range<usize>) -> Option<Vec<Stretch>> {
        let [Source::Text(place)] = self.sources.as_slice() else { return None };
        if self.keeps_length() && place.len() == self.text.len() { place.raw(span) } else { None }
    }

    /// The bytes of the value that are not logged, in order.
    pub(super) fn denied(&self, denied: &Denied) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        for (index, source) in self.sources.iter().enumerate() {
            let own = source.denied(denied);
            if own.is_empty() {
                continue;
            }
            // Where no function made the bytes, the value is the input, byte for byte. Where it cannot
            // be, any byte may be in any.
            if self.pieces.is_empty() && (!self.is_bytes || self.via.is_empty()) {
                match (source, self.sources.len()) {
                    (Source::Text(place), 1) if place.len() == self.text.len() => {
                        ranges.extend(own)
                    }
                    _ => ranges.push(0..self.text.len()),
                }
                continue;
            }
            for piece in self.pieces.iter().filter(|piece| piece.input == index) {
                let own = deny::overlapping(&own, &piece.from).iter();
                ranges.extend(own.filter_map(|range| denied_of(piece, range)));
            }
        }
        deny::merge(&mut ranges);
        ranges
    }
}

/// The bytes of a place that are not logged, in order.
fn denied_in(place: &Place, denied: &Denied) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for segment in place.segments() {
        let of_segment = denied.overlapping(&segment.raw).iter();
        ranges.extend(of_segment.map(|range| segment.value_of(range)));
    }
    deny::merge(&mut ranges);
    ranges
}

/// The bytes of a piece that a denied range of its input went into.
fn denied_of(piece: &Piece, denied: &Range<usize>) -> Option<Range<usize>> {
    let start = denied.start.max(piece.from.start);
    let end = denied.end.min(piece.from.end);
    if start >= end {
        return None;
    }
    if !piece.aligned || piece.value.len() != piece.from.len() {
        return Some(piece.value.clone());
    }
    let at = |bound: usize| piece.value.start + bound - piece.from.start;
    Some(at(start)..at(end))
}

/// Gathers what contributed.
pub(super) struct Gatherer<'s, 'r, 't> {
    view: &'s RequestView<'r>,
    scheme: &'s Scheme,
    denied: &'s Denied,
    places: HashMap<(Builtin, UriDecoding), Option<Rc<Places>>>,
    groups: Vec<Group<'t>>,
    by_key: HashMap<String, Vec<usize>>,
}

impl<'s, 'r, 't> Gatherer<'s, 'r, 't> {
    pub(super) fn new(view: &'s RequestView<'r>, scheme: &'s Scheme, denied: &'s Denied) -> Self {
        let (places, groups, by_key) = (HashMap::new(), Vec::new(), HashMap::new());
        Self { view, scheme, denied, places, groups, by_key }
    }

    pub(super) fn add(&mut self, rule: usize, traced: &Traced<'t>) {
        for contribution in &traced.trace.contributions {
            let (Some(value), Some(first)) = (&contribution.value, contribution.inputs.first())
            else {
                continue;
            };
            self.add_value(
                rule,
                traced.decoding,
                contribution,
                first,
                value,
                &mut first.path.clone(),
            );
        }
    }

    /// A value, or each element of one that has many.
    fn add_value(
        &mut self,
        rule: usize,
        decoding: UriDecoding,
        contribution: &'t Contribution<'t>,
        first: &Input,
        value: &'t Value<'t>,
        path: &mut Vec<Taken>,
    ) {
        let text = match value {
            Value::Bytes(bytes) => Cow::Borrowed(bytes.as_ref()),
            Value::Bool(truth) => Cow::Owned(truth.to_string().into_bytes()),
            Value::Int(number) => Cow::Owned(number.to_string().into_bytes()),
            Value::Ip(address) => Cow::Owned(address.to_string().into_bytes()),
            Value::Array(list) => {
                for (index, element) in list.iter().enumerate() {
                    path.push(Taken::At(index));
                    self.add_value(rule, decoding, contribution, first, element, path);
                    path.pop();
                }
                return;
            }
            Value::Map(map) => {
                for (name, element) in map.iter() {
                    path.push(Taken::Key(name.to_vec()));
                    self.add_value(rule, decoding, contribution, first, element, path);
                    path.pop();
                }
                return;
            }
        };
        let range = match &contribution.what {
            What::Span(range) => range.start.min(text.len())..range.end.min(text.len()),
            What::Whole => 0..text.len(),
        };
        self.add_text(rule, decoding, contribution, first.field, text, path, range);
    }

    #[expect(clippy::too_many_arguments, reason = "each is one part of what contributed")]
    fn add_text(
        &mut self,
        rule: usize,
        decoding: UriDecoding,
        contribution: &'t Contribution<'t>,
        field: FieldId,
        text: Cow<'t, [u8]>,
        path: &[Taken],
        range: Range<usize>,
    ) {
        let Some(known) = self.scheme.field_at(field) else { return };
        let mut sources = Vec::with_capacity(contribution.inputs.len());
        for (index, input) in contribution.inputs.iter().enumerate() {
            let path = if index == 0 { path } else { &input.path };
            sources.push(self.source(input.field, path, decoding));
        }
        let rank = match known.knows() {
            Knows::Request(builtin) => Rank::of(builtin),
            Knows::Application => None,
        };
        let group = Group {
            key: key::text(known.name(), path, self.is_denied_name(field, path, decoding)),
            is_many: matches!(known.ty(), Type::Array(_) | Type::Map(_)),
            rank,
            via: &contribution.via,
            text,
            is_bytes: matches!(contribution.value, Some(Value::Bytes(_))),
            pieces: &contribution.pieces,
            sources,
            spans: vec![Span { range, rules: vec![rule] }],
        };
        let known = self.by_key.entry(group.key.clone()).or_default();
        let same = known.iter().copied().find(|&index| {
            self.groups.get(index).is_some_and(|other| other.is_of(&group, self.denied))
        });
        match same.and_then(|index| self.groups.get_mut(index)) {
            Some(other) => other.spans.extend(group.spans),
            None => {
                known.push(self.groups.len());
                self.groups.push(group);
            }
        }
    }

    fn source(&mut self, field: FieldId, path: &[Taken], decoding: UriDecoding) -> Source {
        let builtin = match self.scheme.field_at(field).map(|known| known.knows()) {
            Some(Knows::Request(builtin)) => builtin,
            Some(Knows::Application) => return Source::Outside,
            None => return Source::Unknown,
        };
        let places = self.places(builtin, decoding);
        match places.as_ref().and_then(|places| places.below(path)) {
            None => Source::Unknown,
            Some(Places::Text(place)) => Source::Text(place.clone()),
            Some(several) => {
                let mut is_denied = false;
                several.each(&mut |place| is_denied |= !denied_in(place, self.denied).is_empty());
                Source::Several { is_denied }
            }
        }
    }

    fn places(&mut self, builtin: Builtin, decoding: UriDecoding) -> Option<Rc<Places>> {
        let view = self.view;
        let read = || Places::of(view, builtin, decoding).map(Rc::new);
        self.places.entry((builtin, decoding)).or_insert_with(read).clone()
    }

    /// Whether the name that the path goes by is of bytes that are not logged.
    fn is_denied_name(&mut self, field: FieldId, path: &[Taken], decoding: UriDecoding) -> bool {
        let Some(Taken::Key(_)) = path.first() else { return false };
        let Some(Knows::Request(builtin)) = self.scheme.field_at(field).map(|known| known.knows())
        else {
            return false;
        };
        let places = self.places(builtin, decoding);
        let name = places.as_ref().and_then(|places| places.key_at(path));
        name.is_none_or(|name| !denied_in(name, self.denied).is_empty())
    }

    /// The groups, those of one key together, in order of first appearance, their spans merged.
    pub(super) fn finish(self) -> Vec<Group<'t>> {
        let mut firsts: HashMap<&str, usize> = HashMap::new();
        for (key, list) in &self.by_key {
            firsts.insert(key, list.first().copied().unwrap_or_default());
        }
        let mut order: Vec<usize> = self
            .groups
            .iter()
            .map(|group| firsts.get(group.key.as_str()).copied().unwrap_or_default())
            .collect();
        let mut groups: Vec<(usize, Group<'t>)> = order.drain(..).zip(self.groups).collect();
        groups.sort_by_key(|(first, _)| *first);
        let mut groups: Vec<Group<'t>> = groups.into_iter().map(|(_, group)| group).collect();
        groups.iter_mut().for_each(|group| super::contain::merge(&mut group.spans));
        groups
    }
}
