//! The functions of the rule language.

mod addresses;
mod codes;
mod hmac;
mod json;
pub(crate) mod limits;
mod replace;
mod signature;
mod text;
mod url;
pub(super) mod written;

pub(super) use self::addresses::cidr;
pub(super) use self::codes::{
    Base64Options, bit_slice, decode_base64, encode_base64, sha256, sha512, uuidv4,
};
pub(super) use self::hmac::{MacEncoding, TimedHmac};
pub(super) use self::json::{JsonKey, lookup_integer, lookup_string};
pub(super) use self::replace::{regex_replace, wildcard_replace};
pub use self::signature::{Check, Gives, Parameter, Signature, Source, Takes};
pub(super) use self::text::{
    ByteSet, concat, join, lower, part_of, remove_bytes, remove_query_args, split, substring, upper,
};
pub(super) use self::url::{UrlOptions, url_decode};

/// A built-in function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Function {
    /// `bit_slice`: an integer from some bits of a value.
    BitSlice,
    /// `cidr`: the network of an address.
    Cidr,
    /// `cidr6`: the network of an IPv6 address; an IPv4 address as it is.
    Cidr6,
    /// `concat`: values, or arrays, one after the other.
    Concat,
    /// `decode_base64`: what base64 stands for.
    DecodeBase64,
    /// `encode_base64`: a value in base64.
    EncodeBase64,
    /// `ends_with`: whether a value ends so.
    EndsWith,
    /// `has_key`: whether a map has a key.
    HasKey,
    /// `has_value`: whether an array or map has a value.
    HasValue,
    /// `is_timed_hmac_valid_v0`: whether a token was made with a key, a short while ago.
    IsTimedHmacValidV0,
    /// `join`: the elements of an array, with a separator between them.
    Join,
    /// `len`: the bytes of a value, or the elements of an array.
    Len,
    /// `lookup_json_integer`: an integer in a JSON text.
    LookupJsonInteger,
    /// `lookup_json_string`: a string in a JSON text.
    LookupJsonString,
    /// `lower`: ASCII letters in lower case.
    Lower,
    /// `regex_replace`: the first match of a regular expression, replaced.
    RegexReplace,
    /// `remove_bytes`: a value without some bytes.
    RemoveBytes,
    /// `remove_query_args`: a query without some arguments.
    RemoveQueryArgs,
    /// `sha256`: the digest, 32 bytes.
    Sha256,
    /// `sha512`: the digest, 64 bytes.
    Sha512,
    /// `split`: the pieces between separators.
    Split,
    /// `starts_with`: whether a value starts so.
    StartsWith,
    /// `substring`: some bytes of a value.
    Substring,
    /// `to_string`: a Bool, Int or Ip as text.
    ToString,
    /// `upper`: ASCII letters in upper case.
    Upper,
    /// `url_decode`: percent-decoded, `+` as a space.
    UrlDecode,
    /// `uuidv4`: a UUID from random bytes.
    Uuidv4,
    /// `wildcard_replace`: a value of some form, replaced.
    WildcardReplace,
}

impl Function {
    /// Every function.
    pub const ALL: &'static [Self] = &[
        Self::BitSlice,
        Self::Cidr,
        Self::Cidr6,
        Self::Concat,
        Self::DecodeBase64,
        Self::EncodeBase64,
        Self::EndsWith,
        Self::HasKey,
        Self::HasValue,
        Self::IsTimedHmacValidV0,
        Self::Join,
        Self::Len,
        Self::LookupJsonInteger,
        Self::LookupJsonString,
        Self::Lower,
        Self::RegexReplace,
        Self::RemoveBytes,
        Self::RemoveQueryArgs,
        Self::Sha256,
        Self::Sha512,
        Self::Split,
        Self::StartsWith,
        Self::Substring,
        Self::ToString,
        Self::Upper,
        Self::UrlDecode,
        Self::Uuidv4,
        Self::WildcardReplace,
    ];

    /// The function of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|function| function.name() == name)
    }

    /// Its name, as rules write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BitSlice => "bit_slice",
            Self::Cidr => "cidr",
            Self::Cidr6 => "cidr6",
            Self::Concat => "concat",
            Self::DecodeBase64 => "decode_base64",
            Self::EncodeBase64 => "encode_base64",
            Self::EndsWith => "ends_with",
            Self::HasKey => "has_key",
            Self::HasValue => "has_value",
            Self::IsTimedHmacValidV0 => "is_timed_hmac_valid_v0",
            Self::Join => "join",
            Self::Len => "len",
            Self::LookupJsonInteger => "lookup_json_integer",
            Self::LookupJsonString => "lookup_json_string",
            Self::Lower => "lower",
            Self::RegexReplace => "regex_replace",
            Self::RemoveBytes => "remove_bytes",
            Self::RemoveQueryArgs => "remove_query_args",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Split => "split",
            Self::StartsWith => "starts_with",
            Self::Substring => "substring",
            Self::ToString => "to_string",
            Self::Upper => "upper",
            Self::UrlDecode => "url_decode",
            Self::Uuidv4 => "uuidv4",
            Self::WildcardReplace => "wildcard_replace",
        }
    }
}
