//! What a rule may name: fields and lists.

use std::collections::HashMap;

use super::fields::{BUILTIN, Builtin};
use super::functions::Function;
use super::limits::{
    MAX_FIELD_NAME_BYTES, MAX_FIELDS, MAX_LIST_ELEMENTS, MAX_LIST_NAME_BYTES, MAX_LISTS,
    MAX_TYPE_DEPTH,
};
use super::lists::List;
use super::types::Type;

/// A field of a [`Scheme`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId(u16);

impl FieldId {
    /// Its place in the scheme.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// A list of a [`Scheme`], named `$like_this` in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListId(u16);

impl ListId {
    /// Its place in the scheme.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Who knows the value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Knows {
    /// The request itself, or the connection that it came on.
    Request(Builtin),
    /// The application, which registered the field.
    Application,
}

/// A field: a name, a type, and who knows its value.
#[derive(Clone, Debug)]
pub struct Field {
    name: String,
    ty: Type,
    knows: Knows,
}

impl Field {
    /// The name, as rules write it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The type.
    #[must_use]
    pub const fn ty(&self) -> &Type {
        &self.ty
    }

    /// Who knows its value.
    #[must_use]
    pub const fn knows(&self) -> Knows {
        self.knows
    }
}

/// The fields and lists that rules may name. The default holds every built-in field and no list.
#[derive(Clone, Debug)]
pub struct Scheme {
    fields: Vec<Field>,
    by_name: HashMap<String, FieldId>,
    lists: Vec<(String, List)>,
}

impl Default for Scheme {
    fn default() -> Self {
        let mut scheme = Self { fields: Vec::new(), by_name: HashMap::new(), lists: Vec::new() };
        for (name, kind, builtin) in BUILTIN {
            scheme.add(Field {
                name: (*name).to_owned(),
                ty: kind.ty(),
                knows: Knows::Request(*builtin),
            });
        }
        scheme
    }
}

impl Scheme {
    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<(FieldId, &Field)> {
        let id = *self.by_name.get(name)?;
        Some((id, self.fields.get(id.index())?))
    }

    /// The field with this id.
    #[must_use]
    pub fn field_at(&self, id: FieldId) -> Option<&Field> {
        self.fields.get(id.index())
    }

    /// Every field with its id, in order of the ids.
    pub fn fields(&self) -> impl Iterator<Item = (FieldId, &Field)> {
        (0..).map(FieldId).zip(&self.fields)
    }

    /// The list of this name, without its `$`.
    #[must_use]
    pub fn list(&self, name: &str) -> Option<(ListId, &List)> {
        let mut lists = (0..).map(ListId).zip(&self.lists);
        lists.find(|(_, (known, _))| known == name).map(|(id, (_, list))| (id, list))
    }

    /// The list with this id, and its name.
    #[must_use]
    pub fn list_at(&self, id: ListId) -> Option<(&str, &List)> {
        self.lists.get(id.index()).map(|(name, list)| (name.as_str(), list))
    }

    /// Every list with its id and name, in order of the ids.
    pub fn lists(&self) -> impl Iterator<Item = (ListId, &str, &List)> {
        (0..).map(ListId).zip(&self.lists).map(|(id, (name, list))| (id, name.as_str(), list))
    }

    /// Adds a field of the application's own, which sets its value for each request.
    ///
    /// # Errors
    ///
    /// [`SchemeError`] where the name is no name, or taken, the type is too deep, or the scheme is full.
    pub fn register(&mut self, name: &str, ty: Type) -> Result<FieldId, SchemeError> {
        if !is_field_name(name) {
            return Err(SchemeError::FieldName);
        }
        if RESERVED.contains(&name) || Function::from_name(name).is_some() {
            return Err(SchemeError::Reserved);
        }
        if self.by_name.contains_key(name) {
            return Err(SchemeError::FieldTaken);
        }
        if ty.depth() > MAX_TYPE_DEPTH {
            return Err(SchemeError::TypeDepth);
        }
        let field = Field { name: name.to_owned(), ty, knows: Knows::Application };
        self.add(field).ok_or(SchemeError::Fields)
    }

    /// Adds a list. Ranges need their ends in order.
    ///
    /// # Errors
    ///
    /// [`SchemeError`] where the name is no name, or taken, a range descends, the list is too long, or the
    /// scheme is full.
    pub fn add_list(&mut self, name: &str, list: List) -> Result<ListId, SchemeError> {
        if !is_list_name(name) {
            return Err(SchemeError::ListName);
        }
        if self.list(name).is_some() {
            return Err(SchemeError::ListTaken);
        }
        if list.len() > MAX_LIST_ELEMENTS {
            return Err(SchemeError::ListElements);
        }
        if !list.is_in_order() {
            return Err(SchemeError::ListOrder);
        }
        let id = u16::try_from(self.lists.len()).ok().filter(|_| self.lists.len() < MAX_LISTS);
        let id = ListId(id.ok_or(SchemeError::Lists)?);
        self.lists.push((name.to_owned(), list));
        Ok(id)
    }

    fn add(&mut self, field: Field) -> Option<FieldId> {
        let id =
            u16::try_from(self.fields.len()).ok().filter(|_| self.fields.len() < MAX_FIELDS)?;
        let id = FieldId(id);
        self.by_name.insert(field.name.clone(), id);
        self.fields.push(field);
        Some(id)
    }
}

/// Words of the language, which no field can have for a name.
const RESERVED: [&str; 20] = [
    "all",
    "and",
    "any",
    "bitwise_and",
    "contains",
    "eq",
    "false",
    "ge",
    "gt",
    "in",
    "le",
    "lt",
    "matches",
    "ne",
    "not",
    "or",
    "strict",
    "true",
    "wildcard",
    "xor",
];

/// Names like `my.field_2`: parts of letters, digits and `_`, the first of which is a letter.
fn is_field_name(name: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphabetic())
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    name.len() <= MAX_FIELD_NAME_BYTES && name.split('.').all(is_part)
}

/// Names like `office` and `cf.botnets`: lower-case letters, digits, `_`, and `.` between them.
pub(super) fn is_list_name(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
    };
    name.len() <= MAX_LIST_NAME_BYTES && name.split('.').all(is_part)
}

/// Why a field or list cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SchemeError {
    /// The name is no name.
    #[error(
        "this is not a name for a field\nuse letters, digits and _ in parts joined by dots, each from a letter on, {MAX_FIELD_NAME_BYTES} bytes at most"
    )]
    FieldName,
    /// The name is a word of the language or a function.
    #[error("the language itself uses this name\nadd a part of your own in front, such as my.name")]
    Reserved,
    /// Another field has the name.
    #[error(
        "a field of this name is there already\nadd a part of your own in front, such as my.name"
    )]
    FieldTaken,
    /// The type is too deep.
    #[error("the type nests more than {MAX_TYPE_DEPTH} levels deep\nuse two fields")]
    TypeDepth,
    /// There are too many fields.
    #[error("a scheme holds {MAX_FIELDS} fields\nuse one field with a map")]
    Fields,
    /// The name is no name.
    #[error(
        "this is not a name for a list\nuse lower-case letters, digits, _, and dots between them, {MAX_LIST_NAME_BYTES} bytes at most"
    )]
    ListName,
    /// Another list has the name.
    #[error("a list of this name is there already\nuse another name")]
    ListTaken,
    /// A range ends before it starts, or in another address family.
    #[error(
        "a range of the list descends, or goes from one address family to the other\nput the lower end first, both of one family"
    )]
    ListOrder,
    /// The list is too long.
    #[error("a list holds {MAX_LIST_ELEMENTS} elements\njoin them to ranges, or make two lists")]
    ListElements,
    /// There are too many lists.
    #[error("a scheme holds {MAX_LISTS} lists\njoin some of them")]
    Lists,
}
