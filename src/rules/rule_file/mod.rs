//! Rule files: rules and lists in TOML or JSON, read whole, with every fault told at once.
//!
//! ```toml
//! uri_decoding = "url"            # for all rules; "none" where it is not said
//!
//! [lists.office]
//! ips = ["192.0.2.0/24", "2001:db8::1", "10.0.0.1..10.0.0.9"]
//!
//! [[rules]]
//! id = "path-traversal"
//! description = "A step up, out of the site"
//! expression = 'http.request.uri.path contains "../" and not ip.src in $office'
//! action = "block"
//! ```
//!
//! JSON has the same names: `{"uri_decoding": …, "lists": {…}, "rules": [{…}]}`.

mod fault;
mod json;
mod lists;
mod node;
mod read;
mod table;
mod toml;

pub use self::fault::{RuleFault, RuleFileFault};

use std::fmt;

use super::ast::Expr;
use super::scheme::Scheme;
use super::uri_decoding::UriDecoding;

/// The rules of a file, and the scheme they were parsed with.
///
/// ```
/// use wafpass::rules::{RuleFile, Scheme};
///
/// let text = "
/// [[rules]]
/// id = 'admin'
/// expression = 'http.request.uri.path wildcard \"/admin/*\" and not ip.scr in {192.0.2.0/24}'
/// action = 'block'
/// ";
/// let fault = RuleFile::from_toml(text, &Scheme::default()).unwrap_err();
/// assert_eq!(
///     fault.to_string(),
///     "line 4, column 65: rule admin: there is no field `ip.scr`\ndid you mean ip.src?"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct RuleFile {
    scheme: Scheme,
    rules: Vec<Rule>,
}

/// One rule of a file.
#[derive(Clone)]
#[non_exhaustive]
pub struct Rule {
    /// Its id, which no other rule of the file has.
    pub id: String,
    /// What it is for, in words.
    pub description: Option<String>,
    /// What happens to a request that it matches.
    pub action: Action,
    /// Whether it runs. One that does not is parsed all the same.
    pub enabled: bool,
    /// How it sees the URI.
    pub uri_decoding: UriDecoding,
    /// Which requests it matches.
    pub expression: Expr,
    /// The expression as it was written.
    pub text: String,
    /// The line of the file that the rule's id stands in, from 1.
    pub line: usize,
}

impl fmt::Debug for Rule {
    /// Not the expression: it may hold the key of `is_timed_hmac_valid_v0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rule")
            .field("id", &self.id)
            .field("action", &self.action)
            .field("enabled", &self.enabled)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// What happens to a request that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// It is logged, and the next rules look at it.
    Log,
    /// It is refused with this status.
    Block {
        /// From 400 to 599.
        status: u16,
    },
    /// It is answered with this status, for the client to prove itself.
    Challenge {
        /// From 400 to 599.
        status: u16,
    },
    /// It is let through, and no further rule of the set looks at it.
    Skip,
}

/// The status of `block` and `challenge` that name none.
const DEFAULT_STATUS: u16 = 403;

impl Action {
    /// The word for it, as rule files write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Block { .. } => "block",
            Self::Challenge { .. } => "challenge",
            Self::Skip => "skip",
        }
    }

    /// Whether no further rule looks at a request after it.
    #[must_use]
    pub const fn ends(self) -> bool {
        !matches!(self, Self::Log)
    }
}

impl RuleFile {
    /// Reads a file in TOML. Rules may name what is in the scheme, and the lists that the file declares.
    ///
    /// # Errors
    ///
    /// [`RuleFileFault`], with every fault of the file.
    pub fn from_toml(text: &str, scheme: &Scheme) -> Result<Self, RuleFileFault> {
        read::read(text, toml::node, scheme)
    }

    /// Reads a file in JSON. Rules may name what is in the scheme, and the lists that the file declares.
    ///
    /// # Errors
    ///
    /// [`RuleFileFault`], with every fault of the file.
    pub fn from_json(text: &str, scheme: &Scheme) -> Result<Self, RuleFileFault> {
        read::read(text, json::node, scheme)
    }

    /// The scheme, with the lists of the file.
    #[must_use]
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// The rules, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The scheme and the rules.
    #[must_use]
    pub fn into_parts(self) -> (Scheme, Vec<Rule>) {
        (self.scheme, self.rules)
    }
}
