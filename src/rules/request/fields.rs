//! What each built-in field is made of. One description gives the value of a field and its place in the
//! request, so that the two cannot differ.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;
use std::ops::Range;

use super::header::{Media, boundaries, languages};
use super::limits::MAX_HEADERS;
use super::multipart::{self, BodyPart, Quoted};
use super::pairs::{self, Pair};
use super::place::Part;
use super::target::{TargetForm, TargetParts, extension};
use super::text::{Chunk, Piece, Reading, Text};
use super::{RequestView, sniff};
use crate::rules::{Builtin, UriDecoding, Value};

/// What is made of the texts of a field: values, or places.
pub(super) trait Make<'r> {
    /// A value or a place.
    type Out;

    fn text(&self, text: &Text) -> Self::Out;
    fn list(&self, elements: Vec<Self::Out>) -> Self::Out;
    /// Each key once, in order of first appearance.
    fn map(&self, entries: Vec<Entry<'r, Self::Out>>) -> Self::Out;
    /// A value that no bytes of the request stand for.
    fn plain(&self, value: Value<'r>) -> Self::Out;
}

/// A key of a map, where it stands first, and what it has.
pub(super) struct Entry<'r, T> {
    pub(super) key: Cow<'r, [u8]>,
    pub(super) name: Text,
    pub(super) values: Vec<T>,
}

/// Reads fields of one request. What is taken apart is kept for the next field.
pub(super) struct Reader<'v, 'r> {
    view: &'v RequestView<'r>,
    target: TargetParts,
    parts: OnceCell<Vec<BodyPart>>,
}

impl<'v, 'r> Reader<'v, 'r> {
    pub(super) fn new(view: &'v RequestView<'r>) -> Self {
        let target = TargetParts::split(view.method, view.target);
        Self { view, target, parts: OnceCell::new() }
    }

    /// What `make` makes of a field; `None` where the request does not have it.
    pub(super) fn field<M: Make<'r>>(
        &self,
        field: Builtin,
        decoding: UriDecoding,
        make: &M,
    ) -> Option<M::Out> {
        let uri = match decoding {
            UriDecoding::None => Reading::AsSent,
            UriDecoding::Url => Reading::Percent,
        };
        let text = |text: Text| Some(make.text(&text));
        let plain = |value: Value<'r>| Some(make.plain(value));
        let view = self.view;
        match field {
            Builtin::Method => text(whole(Part::Method, view.method)),
            Builtin::Version => text(whole(Part::Version, view.version)),
            Builtin::FullUri | Builtin::RawFullUri => text(self.full_uri()),
            Builtin::Uri | Builtin::RawUri => text(self.uri()),
            Builtin::Path => text(self.path(uri)),
            Builtin::RawPath => text(self.path(Reading::AsSent)),
            Builtin::PathExtension => text(self.extension(uri)),
            Builtin::RawPathExtension => text(self.extension(Reading::AsSent)),
            Builtin::Query => text(self.query(uri)),
            Builtin::RawQuery => text(self.query(Reading::AsSent)),
            Builtin::Args => Some(self.map(make, self.arguments(uri))),
            Builtin::RawArgs => Some(self.map(make, self.arguments(Reading::AsSent))),
            Builtin::ArgNames => Some(list(make, self.arguments(uri).map(|(name, _)| name))),
            Builtin::RawArgNames => {
                Some(list(make, self.arguments(Reading::AsSent).map(|(name, _)| name)))
            }
            Builtin::ArgValues => Some(list(make, self.arguments(uri).map(|(_, value)| value))),
            Builtin::RawArgValues => {
                Some(list(make, self.arguments(Reading::AsSent).map(|(_, value)| value)))
            }
            Builtin::Headers => Some(self.map(make, self.headers(Reading::Lower))),
            Builtin::HeaderNames => {
                Some(list(make, self.headers(Reading::AsSent).map(|(name, _)| name)))
            }
            Builtin::HeaderValues => {
                Some(list(make, self.headers(Reading::AsSent).map(|(_, value)| value)))
            }
            Builtin::HeadersTruncated => plain((view.headers.len() > MAX_HEADERS).into()),
            Builtin::Cookies => Some(self.map(make, self.cookies())),
            Builtin::AcceptedLanguages => Some(list(make, self.languages().into_iter())),
            Builtin::TimestampSec => plain(seconds(view.timestamp_ms / 1_000)),
            Builtin::TimestampMsec => plain(seconds(view.timestamp_ms % 1_000)),
            Builtin::BodyRaw => text(whole(Part::Body, view.body)),
            Builtin::BodySize => plain(seconds(view.body_size())),
            Builtin::BodyTruncated => plain(view.is_body_truncated().into()),
            Builtin::BodyMime => plain(sniff::mime(view.body)?.into()),
            Builtin::Form => Some(self.map(make, self.form())),
            Builtin::FormNames => Some(list(make, self.form().map(|(name, _)| name))),
            Builtin::FormValues => Some(list(make, self.form().map(|(_, value)| value))),
            Builtin::Multipart => Some(self.map(make, self.named_parts())),
            Builtin::MultipartNames => Some(self.each_part(make, |part| quoted(&part.names))),
            Builtin::MultipartFilenames => {
                Some(self.each_part(make, |part| quoted(&part.filenames)))
            }
            Builtin::MultipartContentTypes => {
                Some(self.each_part(make, |part| ranges(&part.content_types)))
            }
            Builtin::MultipartContentDispositions => {
                Some(self.each_part(make, |part| ranges(&part.content_dispositions)))
            }
            Builtin::MultipartContentTransferEncodings => {
                Some(self.each_part(make, |part| ranges(&part.content_transfer_encodings)))
            }
            Builtin::MultipartValues => Some(list(
                make,
                self.parts().iter().map(|part| Chunk::new(Part::Body, &part.value)),
            )),
            // Absent is empty, for rules such as `http.user_agent eq ""`.
            Builtin::Host => text(self.host().unwrap_or(Text::EMPTY)),
            Builtin::UserAgent => text(self.first(b"user-agent").map_or(Text::EMPTY, Text::from)),
            Builtin::Referer => text(self.first(b"referer").map_or(Text::EMPTY, Text::from)),
            Builtin::Cookie => text(self.joined(b"cookie", "; ")),
            Builtin::XForwardedFor => text(self.joined(b"x-forwarded-for", ", ")),
            Builtin::IpSrc => plain(view.client?.into()),
            Builtin::IpSrcCountry => plain(view.country()?),
            Builtin::Ssl => plain((view.scheme == super::UriScheme::Https).into()),
        }
    }

    fn full_uri(&self) -> Text {
        let target = whole(Part::Target, self.view.target);
        if let (TargetForm::Absolute { .. }, Text::One(_)) = (&self.target.form, &target) {
            return target;
        }
        let mut pieces = vec![Piece::Made(self.view.scheme.prefix())];
        // RFC 9112 §3.3: the authority of a CONNECT is its target; `*` adds nothing to the authority.
        if self.target.form != TargetForm::Authority {
            pieces.extend(self.host().into_iter().flat_map(pieces_of));
        }
        if self.target.form != TargetForm::Asterisk {
            pieces.extend(pieces_of(target));
        }
        Text::Several(pieces)
    }

    fn uri(&self) -> Text {
        let target_end = self.view.target.len();
        match (&self.target.path, &self.target.query) {
            (Some(path), None) => Chunk::new(Part::Target, path).into(),
            (Some(path), Some(_)) => Chunk::new(Part::Target, &(path.start..target_end)).into(),
            (None, None) => Text::Several(vec![Piece::Made("/")]),
            (None, Some(query)) => {
                let query = Chunk::new(Part::Target, &(query.start - 1..target_end));
                Text::Several(vec![Piece::Made("/"), Piece::Of(query)])
            }
        }
    }

    fn path(&self, reading: Reading) -> Text {
        match &self.target.path {
            Some(path) => Chunk::new(Part::Target, path).read_as(reading).into(),
            None => Text::Several(vec![Piece::Made("/")]),
        }
    }

    /// The extension of the path as it is read, in lower case.
    fn extension(&self, reading: Reading) -> Text {
        let Some(path) = &self.target.path else { return Text::EMPTY };
        let chunk = Chunk::new(Part::Target, path).read_as(reading);
        let start = extension(&chunk.bytes(self.view)).start;
        let raw = Text::from(chunk).place(self.view).raw(&(start..start));
        let at = raw.and_then(|raw| raw.first().map(|at| at.range.start)).unwrap_or(path.end);
        let lower = match reading {
            Reading::Percent => Reading::PercentLower,
            _ => Reading::Lower,
        };
        Chunk::new(Part::Target, &(at..path.end)).read_as(lower).into()
    }

    fn query(&self, reading: Reading) -> Text {
        match &self.target.query {
            Some(query) => Chunk::new(Part::Target, query).read_as(reading).into(),
            None => Text::EMPTY,
        }
    }

    fn arguments(&self, reading: Reading) -> impl Iterator<Item = (Chunk, Chunk)> + use<'r> {
        let range = self.target.query.clone().unwrap_or(0..0);
        let query = self.view.target.get(range.clone()).unwrap_or_default();
        pairs::arguments(query)
            .map(move |pair| chunks(Part::Target, &pair, range.start))
            .map(move |(name, value)| (name.read_as(reading), value.read_as(reading)))
    }

    fn form(&self) -> impl Iterator<Item = (Chunk, Chunk)> + use<'r> {
        let is_form = self.view.media().any(|media| media == Media::Form);
        let body = if is_form { self.view.body } else { &[] };
        pairs::arguments(body).map(|pair| chunks(Part::Body, &pair, 0))
    }

    fn headers(&self, names: Reading) -> impl Iterator<Item = (Chunk, Chunk)> + use<'r> {
        let lines = self.view.headers.iter().enumerate().take(MAX_HEADERS);
        lines.map(move |(index, (name, value))| {
            let name = Chunk::new(Part::HeaderName(index), &(0..name.len())).read_as(names);
            (name, Chunk::new(Part::HeaderValue(index), &(0..value.len())))
        })
    }

    /// The values of the lines of this name (lower case), in order.
    fn lines(&self, name: &'static [u8]) -> impl Iterator<Item = Chunk> + use<'r> {
        let lines = self.view.lines(name);
        lines.map(|(index, value)| Chunk::new(Part::HeaderValue(index), &(0..value.len())))
    }

    fn first(&self, name: &'static [u8]) -> Option<Chunk> {
        self.lines(name).next()
    }

    fn joined(&self, name: &'static [u8], separator: &'static str) -> Text {
        let mut pieces = Vec::new();
        for line in self.lines(name) {
            if !pieces.is_empty() {
                pieces.push(Piece::Made(separator));
            }
            pieces.push(Piece::Of(line));
        }
        Text::Several(pieces)
    }

    /// The authority that the protocol has (RFC 9113 §8.3.1: it comes before `Host`, which the fields of
    /// headers show), else the first `Host` line, else the authority of the target.
    fn host(&self) -> Option<Text> {
        let host = self.first(b"host");
        let authority = || {
            let authority = self.view.authority?;
            Some(Chunk::new(Part::Authority, &(0..authority.len())))
        };
        let of_target = || match &self.target.form {
            TargetForm::Absolute { authority } => Some(Chunk::new(Part::Target, authority)),
            _ => None,
        };
        authority().or(host).or_else(of_target).map(Text::from)
    }

    fn cookies(&self) -> impl Iterator<Item = (Chunk, Chunk)> + use<'r> {
        self.view.lines(b"cookie").flat_map(|(index, line)| {
            pairs::cookies(line)
                .map(move |pair| chunks(Part::HeaderValue(index), &pair, 0))
                .map(|(name, value)| (name.read_as(Reading::Percent), value))
        })
    }

    /// The languages of all lines by falling weight; among equals the order sent is kept.
    fn languages(&self) -> Vec<Chunk> {
        let lines = self.view.lines(b"accept-language");
        let mut found: Vec<(u16, Chunk)> = lines
            .flat_map(|(index, line)| {
                languages(line).map(move |language| {
                    (language.weight, Chunk::new(Part::HeaderValue(index), &language.tag))
                })
            })
            .collect();
        found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        found.into_iter().map(|(_, tag)| tag).collect()
    }

    fn parts(&self) -> &[BodyPart] {
        self.parts.get_or_init(|| self.view.body_parts())
    }

    fn named_parts(&self) -> impl Iterator<Item = (Chunk, Chunk)> {
        self.parts().iter().flat_map(|part| {
            let value = Chunk::new(Part::Body, &part.value);
            quoted(&part.names).into_iter().map(move |name| (name, value))
        })
    }

    fn each_part<M: Make<'r>>(&self, make: &M, of: impl Fn(&BodyPart) -> Vec<Chunk>) -> M::Out {
        let lists = self.parts().iter().map(|part| list(make, of(part).into_iter()));
        make.list(lists.collect())
    }

    /// Values by name, in order of first appearance.
    fn map<M: Make<'r>>(&self, make: &M, pairs: impl Iterator<Item = (Chunk, Chunk)>) -> M::Out {
        let mut entries: Vec<Entry<'r, M::Out>> = Vec::new();
        let mut known: HashMap<Cow<'r, [u8]>, usize> = HashMap::new();
        for (name, value) in pairs {
            let key = name.bytes(self.view);
            let value = make.text(&value.into());
            // A hash from where a search through all of them would take longer: an attacker sends many.
            let index = match entries.len() {
                ..SEARCHED => entries.iter().position(|entry| entry.key == key),
                SEARCHED => {
                    known = entries.iter().map(|entry| entry.key.clone()).zip(0..).collect();
                    known.get(&key).copied()
                }
                _ => known.get(&key).copied(),
            };
            if let Some(entry) = index.and_then(|index| entries.get_mut(index)) {
                entry.values.push(value);
                continue;
            }
            if entries.len() >= SEARCHED {
                known.insert(key.clone(), entries.len());
            }
            entries.push(Entry { key, name: name.into(), values: vec![value] });
        }
        make.map(entries)
    }
}

/// Keys that are searched one by one.
const SEARCHED: usize = 16;

fn whole(part: Part, bytes: &[u8]) -> Text {
    Chunk::new(part, &(0..bytes.len())).into()
}

fn pieces_of(text: Text) -> Vec<Piece> {
    match text {
        Text::One(chunk) => vec![Piece::Of(chunk)],
        Text::Several(pieces) => pieces,
    }
}

fn chunks(part: Part, pair: &Pair, offset: usize) -> (Chunk, Chunk) {
    let chunk =
        |range: &Range<usize>| Chunk::new(part, &(range.start + offset..range.end + offset));
    (chunk(&pair.name), chunk(&pair.value))
}

fn quoted(texts: &[Quoted]) -> Vec<Chunk> {
    let chunk = |text: &Quoted| {
        let reading = if text.is_quoted { Reading::Quoted } else { Reading::AsSent };
        Chunk::new(Part::Body, &text.range).read_as(reading)
    };
    texts.iter().map(chunk).collect()
}

fn ranges(ranges: &[Range<usize>]) -> Vec<Chunk> {
    ranges.iter().map(|range| Chunk::new(Part::Body, range)).collect()
}

fn list<'r, M: Make<'r>>(make: &M, chunks: impl Iterator<Item = Chunk>) -> M::Out {
    make.list(chunks.map(|chunk| make.text(&chunk.into())).collect())
}

/// An integer of the language; a moment or size beyond it is its largest.
fn seconds(number: u64) -> Value<'static> {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

impl RequestView<'_> {
    /// The parts of a multipart body; none of another.
    pub(crate) fn body_parts(&self) -> Vec<BodyPart> {
        let types = self.lines(b"content-type").map(|(_, value)| value);
        let multipart = types.filter(|value| Media::of(value) == Media::Multipart);
        let boundaries: Vec<&[u8]> = multipart.flat_map(boundaries).collect();
        if boundaries.is_empty() { Vec::new() } else { multipart::parts(self.body, &boundaries) }
    }
}
