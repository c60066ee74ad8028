//! What is known of one request: a value for each field that the rules use.

use super::scheme::{FieldId, Scheme};
use super::value::Value;

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    words: Vec<u64>,
}

impl FieldSet {
    /// Adds a field.
    pub fn insert(&mut self, field: FieldId) {
        let word = field.index() / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (field.index() % 64);
        }
    }

    /// Adds the fields of another set.
    pub fn extend(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (bits, more) in self.words.iter_mut().zip(&other.words) {
            *bits |= more;
        }
    }

    /// Whether a field is in it.
    #[must_use]
    pub fn contains(&self, field: FieldId) -> bool {
        self.words.get(field.index() / 64).is_some_and(|bits| bits >> (field.index() % 64) & 1 == 1)
    }
}

/// The values of one request's fields. A field that nobody set has no value.
#[derive(Clone, Debug)]
pub struct Facts<'r> {
    values: Box<[Option<Value<'r>>]>,
}

impl<'r> Facts<'r> {
    /// Nothing is known yet.
    #[must_use]
    pub fn unknown(scheme: &Scheme) -> Self {
        Self { values: scheme.fields().map(|_| None).collect() }
    }

    /// The value of a field.
    #[must_use]
    #[inline]
    pub fn get(&self, field: FieldId) -> Option<&Value<'r>> {
        self.values.get(field.index())?.as_ref()
    }

    /// Sets a field.
    ///
    /// # Errors
    ///
    /// [`FactError`] where the scheme has no such field, or it is of another type.
    pub fn set(
        &mut self,
        scheme: &Scheme,
        field: FieldId,
        value: impl Into<Value<'r>>,
    ) -> Result<(), FactError> {
        let value = value.into();
        let known = scheme.field_at(field).ok_or(FactError::UnknownField)?;
        if !value.is(known.ty()) {
            return Err(FactError::OtherType);
        }
        *self.values.get_mut(field.index()).ok_or(FactError::UnknownField)? = Some(value);
        Ok(())
    }

    /// Sets a field whose value is known to be of its type.
    pub(super) fn put(&mut self, field: FieldId, value: Value<'r>) {
        if let Some(place) = self.values.get_mut(field.index()) {
            *place = Some(value);
        }
    }
}

/// A value that cannot be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FactError {
    /// The field is of another scheme.
    #[error(
        "the scheme has no such field\ntake the id from the scheme that the rules were parsed with"
    )]
    UnknownField,
    /// The value is not of the field's type.
    #[error("the value is not of the field's type\nsee `Scheme::field_at` for the type")]
    OtherType,
}
