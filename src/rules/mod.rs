//! Rules in Cloudflare's expression language: which requests match, and what of them.

pub mod ast;
mod facts;
mod fields;
pub mod functions;
mod lists;
mod scheme;
pub mod trace;
mod types;
mod uri_decoding;
mod value;

pub use self::facts::{FactError, Facts, FieldSet};
pub use self::fields::Builtin;
pub use self::lists::List;
pub use self::scheme::{Field, FieldId, Knows, ListId, Scheme};
pub use self::types::Type;
pub use self::uri_decoding::UriDecoding;
pub use self::value::{Map, Value};
