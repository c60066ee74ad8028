//! What of a request is taken apart. Pairs and parts beyond a limit are not dropped: they stay in one piece.
//! Headers and languages beyond theirs are left out.

/// Most pairs of one query, form or `Cookie` line; the last of them holds all that is left, so that nothing hides
/// behind the limit. PHP takes 1,000 by default, and a browser has no form that long.
pub const MAX_PAIRS: usize = 1_024;

/// Most header lines in the fields of headers, beyond which `http.request.headers.truncated` is true. hyper
/// takes 100 in HTTP/1.1; named fields such as `http.host` are found wherever they stand.
pub const MAX_HEADERS: usize = 1_024;

/// Most parts of a multipart body; the last of them holds all that is left.
pub const MAX_PARTS: usize = 1_024;

/// Longest block of headers of one part, in bytes, as servers have for a whole request. A longer one is
/// read as a part of the value, where rules see it.
pub const MAX_PART_HEADER_BYTES: usize = 8_192;

/// Most language tags in `http.request.accepted_languages`; browsers send under ten. Further ones are left
/// out: they ask for a language, and carry nothing that a header field does not show.
pub const MAX_LANGUAGES: usize = 64;

/// Bytes at the start of a body in which its type is looked for (WHATWG MIME Sniffing §5).
pub const SNIFFED_BYTES: usize = 1_445;
