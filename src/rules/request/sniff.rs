//! `http.request.body.mime`: the type of a body by its first bytes, whatever its header says.
//!
//! The patterns are those of WHATWG MIME Sniffing §6 and §7, and the formats of programs and archives
//! that an upload is looked at for.

use super::limits::SNIFFED_BYTES;

/// Bytes at an offset, and the type they tell.
type Magic = (usize, &'static [u8], &'static str);

const MAGIC: &[Magic] = &[
    (0, b"\x89PNG\r\n\x1A\n", "image/png"),
    (0, b"\xFF\xD8\xFF", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"BM", "image/bmp"),
    (8, b"WEBPVP", "image/webp"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (8, b"WAVE", "audio/wave"),
    (8, b"AVI ", "video/avi"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"OggS\x00", "application/ogg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"MThd\x00\x00\x00\x06", "audio/midi"),
    (0, b"\x1A\x45\xDF\xA3", "video/webm"),
    (4, b"ftyp", "video/mp4"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"%!PS-Adobe-", "application/postscript"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1F\x8B\x08", "application/gzip"),
    (0, b"Rar!\x1A\x07", "application/x-rar-compressed"),
    (0, b"7z\xBC\xAF\x27\x1C", "application/x-7z-compressed"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xFD7zXZ\x00", "application/x-xz"),
    (0, b"\x28\xB5\x2F\xFD", "application/zstd"),
    (257, b"ustar", "application/x-tar"),
    (0, b"\x7FELF", "application/x-executable"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x00asm", "application/wasm"),
    (0, b"\xCA\xFE\xBA\xBE", "application/java-vm"),
    (0, b"\xAC\xED\x00\x05", "application/x-java-serialized-object"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
];

/// Tags that tell HTML, in lower case; a space or `>` follows.
const TAGS: &[&str] = &[
    "<!doctype html",
    "<html",
    "<head",
    "<script",
    "<iframe",
    "<h1",
    "<div",
    "<font",
    "<table",
    "<a",
    "<style",
    "<title",
    "<b",
    "<body",
    "<br",
    "<p",
    "<!--",
];

/// The type that the first bytes of a body tell.
pub(super) fn mime(body: &[u8]) -> Option<&'static str> {
    let body = body.get(..SNIFFED_BYTES).unwrap_or(body);
    let found = MAGIC
        .iter()
        .find(|(at, magic, _)| body.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    found.map(|(_, _, mime)| *mime).or_else(|| text(body))
}

/// Markup, white space before it ignored.
fn text(body: &[u8]) -> Option<&'static str> {
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii_start();
    if body.starts_with(b"<?xml") {
        return Some("text/xml");
    }
    let is_html = TAGS.iter().any(|tag| {
        let start = body.get(..tag.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(tag.as_bytes()))
            && (*tag == "<!--" || matches!(body.get(tag.len()), Some(b' ' | b'>')))
    });
    is_html.then_some("text/html")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_by_first_bytes() {
        let tar = [vec![b'a'; 257], b"ustar".to_vec()].concat();
        for (body, expected) in [
            (&b"\x89PNG\r\n\x1A\nrest"[..], Some("image/png")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\x01\x02\x03\x04WEBPVP8", Some("image/webp")),
            (b"MZ\x90", Some("application/vnd.microsoft.portable-executable")),
            (&tar, Some("application/x-tar")),
            (b" \n<!DOCTYPE HTML>", Some("text/html")),
            (b"<a>", Some("text/html")),
            (b"<ab>", None),
            (b"\xEF\xBB\xBF<?xml version=", Some("text/xml")),
            (b"{\"a\": 1}", None),
            (b"", None),
        ] {
            assert_eq!(mime(body), expected, "{}", body.escape_ascii());
        }
    }
}
