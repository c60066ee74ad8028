//! Where the bytes of a value stand in the request.

use std::ops::Range;

/// A part of a request, as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// The method.
    Method,
    /// The request target.
    Target,
    /// The version.
    Version,
    /// `:authority`, in HTTP/2 and later.
    Authority,
    /// The name of the header line with this index.
    HeaderName(usize),
    /// The value of the header line with this index.
    HeaderValue(usize),
    /// The body.
    Body,
}

/// Bytes of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stretch {
    /// In which part.
    pub part: Part,
    /// From where to where in it.
    pub range: Range<usize>,
}

impl Stretch {
    /// Whether every byte of `other` is one of these; an empty one lies inside up to both ends.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.part == other.part
            && self.range.start <= other.range.start
            && other.range.end <= self.range.end
    }
}

/// Some bytes of a value, and the bytes of the request that they were made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// In the value.
    pub value: Range<usize>,
    /// In the request. Of the same length, byte for byte; or the escape that one byte was made of.
    pub raw: Stretch,
}

impl Segment {
    fn is_aligned(&self) -> bool {
        self.value.len() == self.raw.range.len()
    }

    /// The bytes of the value that these bytes of the request's part went into.
    pub(crate) fn value_of(&self, raw: &Range<usize>) -> Range<usize> {
        self.moved(raw, &self.raw.range, &self.value)
    }

    /// The part of `bounds` that both share, moved from where `from` starts to where `to` does; all of
    /// `to` where the bytes do not stand one for one.
    fn moved(&self, bounds: &Range<usize>, from: &Range<usize>, to: &Range<usize>) -> Range<usize> {
        if !self.is_aligned() {
            return to.clone();
        }
        let at = |bound: usize| to.start + bound.clamp(from.start, from.end) - from.start;
        at(bounds.start)..at(bounds.end)
    }
}

/// Where a value stands in the request, byte for byte: also through percent-decoding and over several
/// parts. Bytes of the value in no segment are not of the request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    segments: Vec<Segment>,
    len: usize,
}

impl Place {
    /// The segments, in order of the value.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Length of the value in bytes.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the value is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of the request that a span of the value was made of, in its order; those that follow each
    /// other are one. `None` where a byte of the span is not of the request.
    #[must_use]
    pub fn raw(&self, span: &Range<usize>) -> Option<Vec<Stretch>> {
        if span.is_empty() {
            return self.point(span.start).map(|point| vec![point]);
        }
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut covered = span.start;
        let shares =
            |segment: &&Segment| segment.value.start < span.end && span.start < segment.value.end;
        for segment in self.segments.iter().filter(shares) {
            if segment.value.start > covered {
                return None;
            }
            covered = segment.value.end;
            let range = segment.moved(span, &segment.value, &segment.raw.range);
            match stretches.last_mut() {
                Some(last) if last.part == segment.raw.part && last.range.end == range.start => {
                    last.range.end = range.end;
                }
                _ => stretches.push(Stretch { part: segment.raw.part, range }),
            }
        }
        (covered >= span.end).then_some(stretches)
    }

    /// Where in the request it is that stands before the byte `at` of the value, or at its end.
    fn point(&self, at: usize) -> Option<Stretch> {
        let segment = self
            .segments
            .iter()
            .find(|segment| segment.value.start <= at && at <= segment.value.end)?;
        let raw = &segment.raw.range;
        let at =
            if at == segment.value.end { raw.end } else { raw.start + at - segment.value.start };
        Some(Stretch { part: segment.raw.part, range: at..at })
    }

    /// The bytes of the value that any of these bytes of the request went into.
    pub fn of<'p>(&'p self, raw: &'p Stretch) -> impl Iterator<Item = Range<usize>> + 'p {
        let own = self.segments.iter().filter(|segment| segment.raw.part == raw.part);
        own.filter_map(|segment| {
            let shared =
                raw.range.start < segment.raw.range.end && segment.raw.range.start < raw.range.end;
            shared.then(|| segment.value_of(&raw.range))
        })
    }

    /// Adds bytes that are not of the request.
    pub(super) const fn skip(&mut self, bytes: usize) {
        self.len += bytes;
    }

    /// Adds bytes that come from `raw`.
    pub(super) fn push(&mut self, bytes: usize, raw: Stretch) {
        if bytes > 0 {
            self.segments.push(Segment { value: self.len..self.len + bytes, raw });
            self.len += bytes;
        }
    }
}
