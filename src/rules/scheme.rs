//! What a rule may name: fields and lists.

use std::collections::HashMap;

use super::fields::{BUILTIN, Builtin};
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
        let mut scheme =
            Self { fields: Vec::new(), by_name: HashMap::new(), lists: Vec::new() };
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
        let lists = (0..).map(ListId).zip(&self.lists);
        lists.filter(|(_, (known, _))| known == name).map(|(id, (_, list))| (id, list)).next()
    }

    /// The list with this id, and its name.
    #[must_use]
    pub fn list_at(&self, id: ListId) -> Option<(&str, &List)> {
        self.lists.get(id.index()).map(|(name, list)| (name.as_str(), list))
    }

    fn add(&mut self, field: Field) -> Option<FieldId> {
        let id = FieldId(u16::try_from(self.fields.len()).ok()?);
        self.by_name.insert(field.name.clone(), id);
        self.fields.push(field);
        Some(id)
    }
}
