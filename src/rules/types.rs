//! The types of the rule language.

use std::fmt;

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Type {
    /// True or false.
    Bool,
    /// A signed integer of 64 bits.
    Int,
    /// Bytes, which need not be UTF-8.
    Bytes,
    /// An IPv4 or IPv6 address.
    Ip,
    /// Values of one type, in order.
    Array(Box<Type>),
    /// Values of one type, by key.
    Map(Box<Type>),
}

impl Type {
    /// Values of this type, in order.
    #[must_use]
    pub fn array(self) -> Self {
        Self::Array(Box::new(self))
    }

    /// Values of this type, by key.
    #[must_use]
    pub fn map(self) -> Self {
        Self::Map(Box::new(self))
    }

    /// The type of the elements of an array or map.
    #[must_use]
    pub fn element(&self) -> Option<&Self> {
        match self {
            Self::Array(element) | Self::Map(element) => Some(element),
            Self::Bool | Self::Int | Self::Bytes | Self::Ip => None,
        }
    }

    /// How many levels it has: 1 for Bytes, 3 for Map(Array(Bytes)).
    pub(super) fn depth(&self) -> usize {
        std::iter::successors(Some(self), |ty| ty.element()).count()
    }
}

impl fmt::Display for Type {
    /// As error messages name it: `Array(Bytes)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("Bool"),
            Self::Int => f.write_str("Int"),
            Self::Bytes => f.write_str("Bytes"),
            Self::Ip => f.write_str("Ip"),
            Self::Array(element) => write!(f, "Array({element})"),
            Self::Map(element) => write!(f, "Map({element})"),
        }
    }
}
