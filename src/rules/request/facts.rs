//! The values of the fields that a rule set wants, and the places of those that matched.

use std::borrow::Cow;
use std::collections::HashMap;

use super::RequestView;
use super::fields::{Entry, Make, Reader};
use super::place::Place;
use super::text::Text;
use crate::rules::trace::Taken;
use crate::rules::{Builtin, Facts, FieldSet, Knows, Map, Scheme, UriDecoding, Value};

/// The values of one request's fields, for each reading of the URI that rules want.
#[derive(Clone, Debug)]
pub struct RequestFacts<'r> {
    none: Facts<'r>,
    url: Facts<'r>,
}

impl<'r> RequestFacts<'r> {
    /// Computes the fields that are wanted, and no other; `None` wants no field.
    pub fn new<'w>(
        view: &RequestView<'r>,
        scheme: &Scheme,
        wants: impl Fn(UriDecoding) -> Option<&'w FieldSet>,
    ) -> Self {
        let reader = Reader::new(view);
        let facts = |decoding| {
            let mut facts = Facts::unknown(scheme);
            if let Some(wanted) = wants(decoding) {
                fill(&mut facts, &reader, view, scheme, wanted, decoding);
            }
            facts
        };
        Self { none: facts(UriDecoding::None), url: facts(UriDecoding::Url) }
    }

    /// The values as a rule with this reading of the URI sees them.
    #[must_use]
    pub const fn facts(&self, decoding: UriDecoding) -> &Facts<'r> {
        match decoding {
            UriDecoding::None => &self.none,
            UriDecoding::Url => &self.url,
        }
    }
}

fn fill<'r>(
    facts: &mut Facts<'r>,
    reader: &Reader<'_, 'r>,
    view: &RequestView<'r>,
    scheme: &Scheme,
    wanted: &FieldSet,
    decoding: UriDecoding,
) {
    for (id, field) in scheme.fields().filter(|(id, _)| wanted.contains(*id)) {
        let Knows::Request(builtin) = field.knows() else { continue };
        if let Some(value) = reader.field(builtin, decoding, &Values { view }) {
            facts.put(id, value);
        }
    }
    for (id, value) in view.registered.iter().filter(|(id, _)| wanted.contains(*id)) {
        facts.put(*id, value.clone());
    }
}

/// Makes values.
struct Values<'v, 'r> {
    view: &'v RequestView<'r>,
}

impl<'r> Make<'r> for Values<'_, 'r> {
    type Out = Value<'r>;

    fn text(&self, text: &Text) -> Value<'r> {
        Value::Bytes(text.bytes(self.view))
    }

    fn list(&self, elements: Vec<Value<'r>>) -> Value<'r> {
        Value::Array(elements)
    }

    fn map(&self, entries: Vec<Entry<'r, Value<'r>>>) -> Value<'r> {
        let entries = entries.into_iter().map(|entry| (entry.key, Value::Array(entry.values)));
        Value::Map(Map::from_unique(entries.collect()))
    }

    fn plain(&self, value: Value<'r>) -> Value<'r> {
        value
    }
}

/// The places of a field's texts, in the form of its value.
#[derive(Clone, Debug)]
pub(crate) enum Places {
    /// Of a text; of no bytes of the request, an empty one of the value's length.
    Text(Place),
    List(Vec<Self>),
    /// By key: an attacker sends many.
    Map(HashMap<Vec<u8>, KeyPlaces>),
}

/// Of a key of a map: where it stands first, and the places of its values.
#[derive(Clone, Debug)]
pub(crate) struct KeyPlaces {
    name: Place,
    values: Places,
}

impl Places {
    /// The places of a field of the request; `None` where the request does not have it.
    pub(crate) fn of(
        view: &RequestView<'_>,
        field: Builtin,
        decoding: UriDecoding,
    ) -> Option<Self> {
        Reader::new(view).field(field, decoding, &ToPlaces { view })
    }

    /// The places of the element, or the elements, that these steps lead to.
    pub(crate) fn below(&self, path: &[Taken]) -> Option<&Self> {
        match (self, path) {
            (places, []) => Some(places),
            (Self::List(list), [Taken::At(index), rest @ ..]) => list.get(*index)?.below(rest),
            (Self::Map(map), [Taken::Key(key), rest @ ..]) => map.get(key)?.values.below(rest),
            _ => None,
        }
    }

    /// The place of the element that these steps lead to.
    pub(crate) fn at(&self, path: &[Taken]) -> Option<&Place> {
        match self.below(path)? {
            Self::Text(place) => Some(place),
            Self::List(_) | Self::Map(_) => None,
        }
    }

    /// Calls `then` with each place.
    pub(crate) fn each(&self, then: &mut dyn FnMut(&Place)) {
        match self {
            Self::Text(place) => then(place),
            Self::List(list) => list.iter().for_each(|places| places.each(then)),
            Self::Map(map) => map.values().for_each(|entry| entry.values.each(then)),
        }
    }

    /// Where the key stands that the first of the steps names.
    pub(crate) fn key_at(&self, path: &[Taken]) -> Option<&Place> {
        match (self, path) {
            (Self::Map(map), [Taken::Key(key), ..]) => map.get(key).map(|entry| &entry.name),
            _ => None,
        }
    }
}

/// Makes places.
struct ToPlaces<'v, 'r> {
    view: &'v RequestView<'r>,
}

impl<'r> Make<'r> for ToPlaces<'_, 'r> {
    type Out = Places;

    fn text(&self, text: &Text) -> Places {
        Places::Text(text.place(self.view))
    }

    fn list(&self, elements: Vec<Places>) -> Places {
        Places::List(elements)
    }

    fn map(&self, entries: Vec<Entry<'r, Places>>) -> Places {
        let entry = |entry: Entry<'r, Places>| {
            let (name, values) = (entry.name.place(self.view), Places::List(entry.values));
            (Cow::into_owned(entry.key), KeyPlaces { name, values })
        };
        Places::Map(entries.into_iter().map(entry).collect())
    }

    fn plain(&self, value: Value<'r>) -> Places {
        let mut place = Place::default();
        if let Value::Bytes(bytes) = value {
            place.skip(bytes.len());
        }
        Places::Text(place)
    }
}

impl RequestView<'_> {
    /// Where the element of a field that these steps lead to stands in the request; `None` where the
    /// request does not have it.
    #[must_use]
    pub fn place_of(&self, field: Builtin, path: &[Taken], decoding: UriDecoding) -> Option<Place> {
        Places::of(self, field, decoding)?.at(path).cloned()
    }
}
