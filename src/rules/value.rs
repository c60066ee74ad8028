//! Values of fields, borrowed from the request where they can be.

use std::borrow::Cow;
use std::net::IpAddr;

use super::types::Type;

/// What a field or a function gives. A value that is missing is `None` around this.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// True or false.
    Bool(bool),
    /// A signed integer of 64 bits.
    Int(i64),
    /// Bytes, which need not be UTF-8.
    Bytes(Cow<'a, [u8]>),
    /// An address.
    Ip(IpAddr),
    /// Values of one type, in order.
    Array(Vec<Value<'a>>),
    /// Values of one type, by key.
    Map(Map<'a>),
}

impl Value<'_> {
    /// Whether this is a value of the type; every element is looked at.
    #[must_use]
    pub fn is(&self, ty: &Type) -> bool {
        match (self, ty) {
            (Self::Bool(_), Type::Bool)
            | (Self::Int(_), Type::Int)
            | (Self::Bytes(_), Type::Bytes)
            | (Self::Ip(_), Type::Ip) => true,
            (Self::Array(elements), Type::Array(ty)) => elements.iter().all(|value| value.is(ty)),
            (Self::Map(map), Type::Map(ty)) => map.iter().all(|(_, value)| value.is(ty)),
            _ => false,
        }
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(bytes))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Bytes(Cow::Borrowed(text.as_bytes()))
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<IpAddr> for Value<'_> {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address)
    }
}

/// Values by key, each key once, in the order of first appearance.
///
/// Requests hold some tens of keys at most; a search through them is faster than a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map<'a> {
    entries: Vec<(Cow<'a, [u8]>, Value<'a>)>,
}

impl<'a> Map<'a> {
    /// An empty map.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: Vec::new() }
    }

    /// A map of keys of which no two are the same.
    pub(super) const fn from_unique(entries: Vec<(Cow<'a, [u8]>, Value<'a>)>) -> Self {
        Self { entries }
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<&Value<'a>> {
        self.entries.iter().find(|(name, _)| name.as_ref() == key).map(|(_, value)| value)
    }

    /// Sets a key; the value it had is replaced, in its place.
    pub fn insert(&mut self, key: impl Into<Cow<'a, [u8]>>, value: Value<'a>) {
        let key = key.into();
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some((_, place)) => *place = value,
            None => self.entries.push((key, value)),
        }
    }

    /// Adds to the array of a key, as a header or an argument that comes again does.
    pub fn append(&mut self, key: impl Into<Cow<'a, [u8]>>, value: Value<'a>) {
        let key = key.into();
        match self.entries.iter_mut().find(|(name, _)| *name == key) {
            Some((_, Value::Array(values))) => values.push(value),
            Some((_, place)) => *place = Value::Array(vec![value]),
            None => self.entries.push((key, Value::Array(vec![value]))),
        }
    }

    /// Keys and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Value<'a>)> {
        self.entries.iter().map(|(key, value)| (key.as_ref(), value))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}
