//! The functions of the rule language.

/// A built-in function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Function {
    BitSlice,
    Cidr,
    Cidr6,
    Concat,
    DecodeBase64,
    EncodeBase64,
    EndsWith,
    HasKey,
    HasValue,
    IsTimedHmacValidV0,
    Join,
    Len,
    LookupJsonInteger,
    LookupJsonString,
    Lower,
    RegexReplace,
    RemoveBytes,
    RemoveQueryArgs,
    Sha256,
    Sha512,
    Split,
    StartsWith,
    Substring,
    ToString,
    Upper,
    UrlDecode,
    Uuidv4,
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
