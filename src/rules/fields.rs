//! The built-in fields: Cloudflare's names and types.

use super::types::Type;

/// A field that the request itself answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Builtin {
    Method,
    Version,
    FullUri,
    Uri,
    Path,
    PathExtension,
    Query,
    Args,
    ArgNames,
    ArgValues,
    RawFullUri,
    RawUri,
    RawPath,
    RawPathExtension,
    RawQuery,
    RawArgs,
    RawArgNames,
    RawArgValues,
    Headers,
    HeaderNames,
    HeaderValues,
    HeadersTruncated,
    Cookies,
    AcceptedLanguages,
    TimestampSec,
    TimestampMsec,
    BodyRaw,
    BodySize,
    BodyTruncated,
    BodyMime,
    Form,
    FormNames,
    FormValues,
    Multipart,
    MultipartNames,
    MultipartValues,
    MultipartFilenames,
    MultipartContentTypes,
    MultipartContentDispositions,
    MultipartContentTransferEncodings,
    Host,
    UserAgent,
    Referer,
    Cookie,
    XForwardedFor,
    IpSrc,
    IpSrcCountry,
    Ssl,
}

/// The shapes of built-in fields; a constant can hold these, and no boxed [`Type`].
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Bool,
    Int,
    Bytes,
    Ip,
    /// Array(Bytes)
    Many,
    /// Array(Array(Bytes))
    ManyEach,
    /// Map(Array(Bytes))
    ByName,
}

impl Kind {
    pub(super) fn ty(self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Int => Type::Int,
            Self::Bytes => Type::Bytes,
            Self::Ip => Type::Ip,
            Self::Many => Type::Bytes.array(),
            Self::ManyEach => Type::Bytes.array().array(),
            Self::ByName => Type::Bytes.array().map(),
        }
    }
}

pub(super) static BUILTIN: &[(&str, Kind, Builtin)] = &[
    ("http.request.method", Kind::Bytes, Builtin::Method),
    ("http.request.version", Kind::Bytes, Builtin::Version),
    ("http.request.full_uri", Kind::Bytes, Builtin::FullUri),
    ("http.request.uri", Kind::Bytes, Builtin::Uri),
    ("http.request.uri.path", Kind::Bytes, Builtin::Path),
    ("http.request.uri.path.extension", Kind::Bytes, Builtin::PathExtension),
    ("http.request.uri.query", Kind::Bytes, Builtin::Query),
    ("http.request.uri.args", Kind::ByName, Builtin::Args),
    ("http.request.uri.args.names", Kind::Many, Builtin::ArgNames),
    ("http.request.uri.args.values", Kind::Many, Builtin::ArgValues),
    ("raw.http.request.full_uri", Kind::Bytes, Builtin::RawFullUri),
    ("raw.http.request.uri", Kind::Bytes, Builtin::RawUri),
    ("raw.http.request.uri.path", Kind::Bytes, Builtin::RawPath),
    ("raw.http.request.uri.path.extension", Kind::Bytes, Builtin::RawPathExtension),
    ("raw.http.request.uri.query", Kind::Bytes, Builtin::RawQuery),
    ("raw.http.request.uri.args", Kind::ByName, Builtin::RawArgs),
    ("raw.http.request.uri.args.names", Kind::Many, Builtin::RawArgNames),
    ("raw.http.request.uri.args.values", Kind::Many, Builtin::RawArgValues),
    ("http.request.headers", Kind::ByName, Builtin::Headers),
    ("http.request.headers.names", Kind::Many, Builtin::HeaderNames),
    ("http.request.headers.values", Kind::Many, Builtin::HeaderValues),
    ("http.request.headers.truncated", Kind::Bool, Builtin::HeadersTruncated),
    ("http.request.cookies", Kind::ByName, Builtin::Cookies),
    ("http.request.accepted_languages", Kind::Many, Builtin::AcceptedLanguages),
    ("http.request.timestamp.sec", Kind::Int, Builtin::TimestampSec),
    ("http.request.timestamp.msec", Kind::Int, Builtin::TimestampMsec),
    ("http.request.body.raw", Kind::Bytes, Builtin::BodyRaw),
    ("http.request.body.size", Kind::Int, Builtin::BodySize),
    ("http.request.body.truncated", Kind::Bool, Builtin::BodyTruncated),
    ("http.request.body.mime", Kind::Bytes, Builtin::BodyMime),
    ("http.request.body.form", Kind::ByName, Builtin::Form),
    ("http.request.body.form.names", Kind::Many, Builtin::FormNames),
    ("http.request.body.form.values", Kind::Many, Builtin::FormValues),
    ("http.request.body.multipart", Kind::ByName, Builtin::Multipart),
    ("http.request.body.multipart.names", Kind::ManyEach, Builtin::MultipartNames),
    ("http.request.body.multipart.values", Kind::Many, Builtin::MultipartValues),
    ("http.request.body.multipart.filenames", Kind::ManyEach, Builtin::MultipartFilenames),
    ("http.request.body.multipart.content_types", Kind::ManyEach, Builtin::MultipartContentTypes),
    ("http.request.body.multipart.content_dispositions", Kind::ManyEach, Builtin::MultipartContentDispositions),
    ("http.request.body.multipart.content_transfer_encodings", Kind::ManyEach, Builtin::MultipartContentTransferEncodings),
    ("http.host", Kind::Bytes, Builtin::Host),
    ("http.user_agent", Kind::Bytes, Builtin::UserAgent),
    ("http.referer", Kind::Bytes, Builtin::Referer),
    ("http.cookie", Kind::Bytes, Builtin::Cookie),
    ("http.x_forwarded_for", Kind::Bytes, Builtin::XForwardedFor),
    ("ip.src", Kind::Ip, Builtin::IpSrc),
    ("ip.src.country", Kind::Bytes, Builtin::IpSrcCountry),
    ("ssl", Kind::Bool, Builtin::Ssl),
];
