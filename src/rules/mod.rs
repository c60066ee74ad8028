//! Rules in Cloudflare's expression language: which requests match, and what of them.
//!
//! - **what a rule sees**: the request as it was sent; nothing is decoded that the rule does not ask for;
//! - **what a rule that is wrong does**: it does not load. Names and types are checked when it is parsed,
//!   every fault of a file is told at once, and no rule fails on a request;
//! - **what a request can do to a rule**: nothing but match it or not. Values are limited, regular
//!   expressions search in linear time, and no recursion goes deeper than the rule was written.
//!
//! ```
//! use wafpass::rules::request::{RequestFacts, RequestView};
//! use wafpass::rules::{Action, RuleFile, RuleSet, Scheme};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let file = r#"
//!     [[rules]]
//!     id = "agents"
//!     expression = 'http.user_agent eq "" or lower(http.user_agent) contains "sqlmap"'
//!     action = "block"
//! "#;
//! let rules = RuleSet::compile(RuleFile::from_toml(file, &Scheme::default())?)?;
//!
//! for (agent, expected) in [("SQLMap/1.8", Some(Action::Block { status: 403 })), ("curl/8.5.0", None)] {
//!     let headers: &[(&[u8], &[u8])] = &[(b"user-agent", agent.as_bytes())];
//!     let request = RequestView::new(b"GET", b"/", headers);
//!     let facts = RequestFacts::new(&request, rules.scheme(), |decoding| rules.wants(decoding));
//!     assert_eq!(rules.evaluate(&facts).action(), expected);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | to | see |
//! | - | - |
//! | know the language | `docs/rules.md` |
//! | read rules | [`RuleFile`], [`parse`] |
//! | name fields and lists of your own | [`Scheme::register`], [`Scheme::add_list`] |
//! | say what a request is | [`request`], [`Facts`] |
//! | run rules | [`RuleSet`]; a single one, [`Compiler`] and [`Program`] |
//! | know why one matched | [`RuleSet::trace`], [`trace`] |
//! | write a tool on what rules say | [`ast`], [`functions`] |
//! | see every limit and its reason | [`limits`] |

pub mod ast;
mod compile;
mod display;
mod error;
mod eval;
mod excerpt;
mod facts;
mod fields;
pub mod functions;
mod lexer;
pub mod limits;
mod lists;
mod parser;
mod prefilter;
mod program;
mod regex;
mod replacement;
pub mod request;
mod rule_file;
mod rule_set;
mod scheme;
mod sets;
mod suggest;
pub mod trace;
mod types;
mod uri_decoding;
mod value;
mod wildcard;

pub use self::compile::{CompileError, Compiler};
pub use self::error::ParseError;
pub use self::facts::{FactError, Facts, FieldSet};
pub use self::fields::Builtin;
pub use self::lists::List;
pub use self::parser::parse;
pub use self::program::Program;
pub use self::regex::{Regex, RegexError};
pub use self::replacement::{Part, Replacement, ReplacementError};
pub use self::rule_file::{Action, Rule, RuleFault, RuleFile, RuleFileFault};
pub use self::rule_set::{KnownFacts, Matches, RuleSet};
pub use self::scheme::{Field, FieldId, Knows, ListId, Scheme, SchemeError};
pub use self::types::Type;
pub use self::uri_decoding::UriDecoding;
pub use self::value::{Map, Value};
pub use self::wildcard::{Wildcard, WildcardError};
