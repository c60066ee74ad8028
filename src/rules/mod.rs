//! Rules in Cloudflare's expression language: which requests match, and what of them.

pub mod ast;
mod display;
mod error;
mod facts;
mod fields;
pub mod functions;
mod lexer;
pub mod limits;
mod lists;
mod parser;
mod regex;
mod replacement;
pub mod request;
mod scheme;
mod suggest;
pub mod trace;
mod types;
mod uri_decoding;
mod value;
mod wildcard;

pub use self::error::ParseError;
pub use self::facts::{FactError, Facts, FieldSet};
pub use self::fields::Builtin;
pub use self::lists::List;
pub use self::parser::parse;
pub use self::regex::{Regex, RegexError};
pub use self::replacement::{Part, Replacement, ReplacementError};
pub use self::scheme::{Field, FieldId, Knows, ListId, Scheme, SchemeError};
pub use self::types::Type;
pub use self::uri_decoding::UriDecoding;
pub use self::value::{Map, Value};
pub use self::wildcard::{Wildcard, WildcardError};
