//! What each function takes and gives.

use std::fmt;

use super::Function;
use crate::rules::types::Type;

/// What a function takes and gives.
///
/// Its text is the one of docs/rules.md: `substring(source Bytes, start Int or literal, [end Int or literal])
/// -> Bytes`. A `literal Int` has to be one, an `Int or literal` may be one, an `Int` comes from the request.
#[derive(Debug)]
#[non_exhaustive]
pub struct Signature {
    /// The function.
    pub function: Function,
    /// What has to be given.
    pub required: &'static [Parameter],
    /// What may be given after it.
    pub optional: &'static [Parameter],
    /// What may be given after that, any number of times.
    pub more: Option<&'static Parameter>,
    /// What it gives.
    pub gives: Gives,
}

/// A parameter of a function.
#[derive(Debug)]
#[non_exhaustive]
pub struct Parameter {
    /// Its name in the documentation and in errors.
    pub name: &'static str,
    /// The types of what it takes.
    pub takes: Takes,
    /// Where its value may come from.
    pub source: Source,
    /// What is asked of a literal.
    pub check: Check,
}

/// The types of what a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takes {
    /// Bytes.
    Bytes,
    /// An integer.
    Int,
    /// An address.
    Ip,
    /// Bytes or an integer: a member's name or an element's index in JSON.
    BytesOrInt,
    /// Bool, Int or Ip.
    Plain,
    /// Bytes, or an array of anything.
    BytesOrArray,
    /// An array of bytes.
    Strings,
    /// A map of anything.
    Map,
    /// An array or a map of Bytes, Int or Ip.
    Collection,
    /// The type of the elements of the first argument.
    Element,
    /// The type of the first argument.
    AsFirst,
}

/// Where an argument's value may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A field or a call: a literal would make the call a constant.
    Request,
    /// The rule: what the engine prepares once.
    Literal,
    /// Either.
    Any,
}

/// What is asked of a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Check {
    /// Nothing.
    Nothing,
    /// An integer between these, both included.
    Between(i64, i64),
    /// At least one byte.
    NotEmpty,
    /// These letters, each at most once, in any order.
    Flags(&'static str),
    /// A regular expression.
    Regex,
    /// A wildcard.
    Wildcard,
    /// A replacement, of the groups of the argument before.
    Replacement,
}

/// What a function gives. Mapped over `[*]`, it gives an array of this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Gives {
    /// True or false.
    Bool,
    /// An integer.
    Int,
    /// Bytes.
    Bytes,
    /// An address.
    Ip,
    /// An array of bytes.
    Strings,
    /// What the first argument is.
    AsFirst,
}

impl Signature {
    /// The parameter at a position.
    #[must_use]
    pub fn parameter(&self, position: usize) -> Option<&'static Parameter> {
        self.required.iter().chain(self.optional).nth(position).or(self.more)
    }

    /// Whether the first argument is a key, which no error repeats.
    pub(in crate::rules) fn takes_key(&self) -> bool {
        self.function == Function::IsTimedHmacValidV0
    }
}

impl Gives {
    /// The type, where the first argument has this one.
    #[must_use]
    pub fn ty(self, first: &Type) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Bytes => Type::Bytes,
            Self::Ip => Type::Ip,
            Self::Strings => Type::Bytes.array(),
            Self::AsFirst => first.clone(),
        }
    }
}

impl Takes {
    /// Whether it takes a value of this type, where the first argument has that one.
    #[must_use]
    pub fn takes(self, ty: &Type, first: &Type) -> bool {
        match self {
            Self::Bytes => *ty == Type::Bytes,
            Self::Int => *ty == Type::Int,
            Self::Ip => *ty == Type::Ip,
            Self::BytesOrInt => matches!(ty, Type::Bytes | Type::Int),
            Self::Plain => matches!(ty, Type::Bool | Type::Int | Type::Ip),
            Self::BytesOrArray => matches!(ty, Type::Bytes | Type::Array(_)),
            Self::Strings => ty.element() == Some(&Type::Bytes) && matches!(ty, Type::Array(_)),
            Self::Map => matches!(ty, Type::Map(_)),
            Self::Collection => {
                matches!(ty.element(), Some(Type::Bytes | Type::Int | Type::Ip))
            }
            Self::Element => Some(ty) == first.element(),
            Self::AsFirst => ty == first,
        }
    }
}

impl fmt::Display for Takes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "Bytes",
            Self::Int => "Int",
            Self::Ip => "Ip",
            Self::BytesOrInt => "Bytes | Int",
            Self::Plain => "Bool | Int | Ip",
            Self::BytesOrArray => "Bytes | Array(T)",
            Self::Strings => "Array(Bytes)",
            Self::Map => "Map(T)",
            Self::Collection => "Array(T) | Map(T)",
            Self::Element => "T",
            Self::AsFirst => "of that type",
        })
    }
}

impl fmt::Display for Gives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "Bool",
            Self::Int => "Int",
            Self::Bytes => "Bytes",
            Self::Ip => "Ip",
            Self::Strings => "Array(Bytes)",
            Self::AsFirst => "that type",
        })
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source {
            Source::Request => write!(f, "{} {}", self.name, self.takes),
            Source::Literal => write!(f, "{} literal {}", self.name, self.takes),
            Source::Any => write!(f, "{} {} or literal", self.name, self.takes),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function.name())?;
        for (position, parameter) in self.required.iter().chain(self.optional).enumerate() {
            let comma = if position == 0 { "" } else { ", " };
            if position < self.required.len() {
                write!(f, "{comma}{parameter}")?;
            } else {
                write!(f, "{comma}[{parameter}]")?;
            }
        }
        let more = if self.more.is_some() { ", …" } else { "" };
        write!(f, "{more}) -> {}", self.gives)
    }
}

const fn request(name: &'static str, takes: Takes) -> Parameter {
    Parameter { name, takes, source: Source::Request, check: Check::Nothing }
}

const fn any(name: &'static str, takes: Takes) -> Parameter {
    Parameter { name, takes, source: Source::Any, check: Check::Nothing }
}

const fn literal(name: &'static str, takes: Takes, check: Check) -> Parameter {
    Parameter { name, takes, source: Source::Literal, check }
}

const fn bits(name: &'static str, most: i64) -> Parameter {
    literal(name, Takes::Int, Check::Between(1, most))
}

/// The bits of a header that `bit_slice` reaches, as Cloudflare documents.
const MAX_BIT_OFFSET: i64 = 2_040;

/// The pieces that `split` gives, as Cloudflare documents.
const MAX_SPLIT: i64 = 128;

/// The largest index in an array: that of `[…]`.
const MAX_INDEX: i64 = 4_294_967_295;

/// The longest separator of `is_timed_hmac_valid_v0`: a value is not longer than a body that is looked at.
const MAX_SEPARATOR: i64 = 131_072;

const SOURCE: Parameter = request("source", Takes::Bytes);
const KEY: Parameter = literal("key", Takes::BytesOrInt, Check::Between(0, MAX_INDEX));
const ARGUMENT: Parameter = literal("argument", Takes::Bytes, Check::NotEmpty);
const SAME: Parameter = any("value", Takes::AsFirst);

macro_rules! signatures {
    ($($function:ident ($($required:expr),*; $($optional:expr),*; $($more:expr)?) -> $gives:ident),* $(,)?) => {
        impl Function {
            /// What it takes and gives.
            #[must_use]
            pub fn signature(self) -> &'static Signature {
                match self {
                    $(Self::$function => {
                        static SIGNATURE: Signature = Signature {
                            function: Function::$function,
                            required: &[$($required),*],
                            optional: &[$($optional),*],
                            more: signatures!(@more $($more)?),
                            gives: Gives::$gives,
                        };
                        &SIGNATURE
                    })*
                }
            }
        }
    };
    (@more) => { None };
    (@more $more:expr) => { Some(&$more) };
}

// Cloudflare's reference of functions: arity, types, and what has to be a literal or must not be one.
signatures! {
    BitSlice(
        SOURCE,
        literal("start", Takes::Int, Check::Between(0, MAX_BIT_OFFSET)),
        literal("end", Takes::Int, Check::Between(0, MAX_BIT_OFFSET));;
    ) -> Int,
    Cidr(request("address", Takes::Ip), bits("ipv4_bits", 32), bits("ipv6_bits", 128);;) -> Ip,
    Cidr6(request("address", Takes::Ip), bits("ipv6_bits", 128);;) -> Ip,
    Concat(any("value", Takes::BytesOrArray), SAME;; SAME) -> AsFirst,
    DecodeBase64(SOURCE;;) -> Bytes,
    EncodeBase64(any("source", Takes::Bytes); literal("flags", Takes::Bytes, Check::Flags("pu"));) -> Bytes,
    EndsWith(SOURCE, any("end", Takes::Bytes);;) -> Bool,
    HasKey(request("map", Takes::Map), any("key", Takes::Bytes);;) -> Bool,
    HasValue(request("collection", Takes::Collection), any("value", Takes::Element);;) -> Bool,
    IsTimedHmacValidV0(
        literal("key", Takes::Bytes, Check::NotEmpty),
        request("message_mac", Takes::Bytes),
        literal("ttl", Takes::Int, Check::Between(0, i64::MAX)),
        any("now", Takes::Int);
        literal("separator_length", Takes::Int, Check::Between(0, MAX_SEPARATOR)),
        literal("flags", Takes::Bytes, Check::Flags("s"));
    ) -> Bool,
    Join(request("items", Takes::Strings), any("separator", Takes::Bytes);;) -> Bytes,
    Len(request("value", Takes::BytesOrArray);;) -> Int,
    LookupJsonInteger(SOURCE, KEY;; KEY) -> Int,
    LookupJsonString(SOURCE, KEY;; KEY) -> Bytes,
    Lower(SOURCE;;) -> Bytes,
    RegexReplace(
        any("source", Takes::Bytes),
        literal("regex", Takes::Bytes, Check::Regex),
        literal("replacement", Takes::Bytes, Check::Replacement);;
    ) -> Bytes,
    RemoveBytes(SOURCE, literal("bytes", Takes::Bytes, Check::NotEmpty);;) -> Bytes,
    RemoveQueryArgs(SOURCE, ARGUMENT;; ARGUMENT) -> Bytes,
    Sha256(any("source", Takes::Bytes);;) -> Bytes,
    Sha512(any("source", Takes::Bytes);;) -> Bytes,
    Split(
        SOURCE,
        literal("separator", Takes::Bytes, Check::NotEmpty),
        literal("limit", Takes::Int, Check::Between(1, MAX_SPLIT));;
    ) -> Strings,
    StartsWith(SOURCE, any("start", Takes::Bytes);;) -> Bool,
    Substring(SOURCE, any("start", Takes::Int); any("end", Takes::Int);) -> Bytes,
    ToString(request("value", Takes::Plain);;) -> Bytes,
    Upper(SOURCE;;) -> Bytes,
    UrlDecode(SOURCE; literal("options", Takes::Bytes, Check::Flags("ru"));) -> Bytes,
    Uuidv4(SOURCE;;) -> Bytes,
    WildcardReplace(
        SOURCE,
        literal("wildcard", Takes::Bytes, Check::Wildcard),
        literal("replacement", Takes::Bytes, Check::Replacement);
        literal("flags", Takes::Bytes, Check::Flags("s"));
    ) -> Bytes,
}
