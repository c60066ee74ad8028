//! The built-in fields: Cloudflare's names and types.

use super::types::Type;

/// A field that the request itself answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Builtin {
    /// `http.request.method`: as sent.
    Method,
    /// `http.request.version`: such as `HTTP/1.1` or `HTTP/2`.
    Version,
    /// `http.request.full_uri`: scheme, host, path and query.
    FullUri,
    /// `http.request.uri`: path and query.
    Uri,
    /// `http.request.uri.path`: decoded where the rule says so.
    Path,
    /// `http.request.uri.path.extension`: of the last segment, in lower case, without its dot.
    PathExtension,
    /// `http.request.uri.query`: without its `?`; decoded where the rule says so.
    Query,
    /// `http.request.uri.args`: the values of each name; decoded where the rule says so.
    Args,
    /// `http.request.uri.args.names`: in order; decoded where the rule says so.
    ArgNames,
    /// `http.request.uri.args.values`: in order; decoded where the rule says so.
    ArgValues,
    /// `raw.http.request.full_uri`: never decoded.
    RawFullUri,
    /// `raw.http.request.uri`: never decoded.
    RawUri,
    /// `raw.http.request.uri.path`: never decoded.
    RawPath,
    /// `raw.http.request.uri.path.extension`: never decoded.
    RawPathExtension,
    /// `raw.http.request.uri.query`: never decoded.
    RawQuery,
    /// `raw.http.request.uri.args`: never decoded.
    RawArgs,
    /// `raw.http.request.uri.args.names`: never decoded.
    RawArgNames,
    /// `raw.http.request.uri.args.values`: never decoded.
    RawArgValues,
    /// `http.request.headers`: the values of each name, which is in lower case.
    Headers,
    /// `http.request.headers.names`: in order, as sent.
    HeaderNames,
    /// `http.request.headers.values`: in order.
    HeaderValues,
    /// `http.request.headers.truncated`: whether some are not looked at.
    HeadersTruncated,
    /// `http.request.cookies`: the values of each name.
    Cookies,
    /// `http.request.accepted_languages`: the most wanted first.
    AcceptedLanguages,
    /// `http.request.timestamp.sec`: seconds since 1970 when the request came.
    TimestampSec,
    /// `http.request.timestamp.msec`: the milliseconds of that second, 0 to 999.
    TimestampMsec,
    /// `http.request.body.raw`: as much of it as is looked at.
    BodyRaw,
    /// `http.request.body.size`: in bytes, all of it where that is known.
    BodySize,
    /// `http.request.body.truncated`: whether there is more than is looked at.
    BodyTruncated,
    /// `http.request.body.mime`: the media type that the body's first bytes tell.
    BodyMime,
    /// `http.request.body.form`: the values of each name of an HTML form, not decoded.
    Form,
    /// `http.request.body.form.names`: in order.
    FormNames,
    /// `http.request.body.form.values`: in order.
    FormValues,
    /// `http.request.body.multipart`: the bodies of the parts with each name.
    Multipart,
    /// `http.request.body.multipart.names`: those of each part, in order.
    MultipartNames,
    /// `http.request.body.multipart.values`: the body of each part, in order.
    MultipartValues,
    /// `http.request.body.multipart.filenames`: those of each part, in order.
    MultipartFilenames,
    /// `http.request.body.multipart.content_types`: those of each part, in order.
    MultipartContentTypes,
    /// `http.request.body.multipart.content_dispositions`: those of each part, in order.
    MultipartContentDispositions,
    /// `http.request.body.multipart.content_transfer_encodings`: those of each part, in order.
    MultipartContentTransferEncodings,
    /// `http.host`: the header, or the authority of the target.
    Host,
    /// `http.user_agent`: the header.
    UserAgent,
    /// `http.referer`: the header.
    Referer,
    /// `http.cookie`: the header, several joined by `; `.
    Cookie,
    /// `http.x_forwarded_for`: the header, several joined by `, `.
    XForwardedFor,
    /// `ip.src`: the address of the client.
    IpSrc,
    /// `ip.src.country`: two letters, where the application knows.
    IpSrcCountry,
    /// `ssl`: whether the client came by TLS.
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
    (
        "http.request.body.multipart.content_dispositions",
        Kind::ManyEach,
        Builtin::MultipartContentDispositions,
    ),
    (
        "http.request.body.multipart.content_transfer_encodings",
        Kind::ManyEach,
        Builtin::MultipartContentTransferEncodings,
    ),
    ("http.host", Kind::Bytes, Builtin::Host),
    ("http.user_agent", Kind::Bytes, Builtin::UserAgent),
    ("http.referer", Kind::Bytes, Builtin::Referer),
    ("http.cookie", Kind::Bytes, Builtin::Cookie),
    ("http.x_forwarded_for", Kind::Bytes, Builtin::XForwardedFor),
    ("ip.src", Kind::Ip, Builtin::IpSrc),
    ("ip.src.country", Kind::Bytes, Builtin::IpSrcCountry),
    ("ssl", Kind::Bool, Builtin::Ssl),
];
