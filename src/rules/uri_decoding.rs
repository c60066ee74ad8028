//! Whether rules see the URI as it was sent.

/// How path, query and arguments are read before they are matched. `raw.` fields are never decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UriDecoding {
    /// As the request line held them.
    #[default]
    None,
    /// Percent-decoded once. In TOML and JSON: `uri_decoding = "url"`.
    Url,
}
