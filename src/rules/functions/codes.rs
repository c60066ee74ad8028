//! Base64, hashes, UUIDs and bits.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64ct::{Base64, Base64Unpadded, Base64Url, Base64UrlUnpadded, Encoding};
use sha2::{Digest, Sha256, Sha512};

use super::limits::{MAX_SLICE_BITS, MAX_SLICE_OFFSET_BITS};
use super::written::{Pieces, all_of};

/// How `encode_base64` writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::rules) struct Base64Options {
    /// `u`: `-` and `_` in place of `+` and `/`.
    pub(in crate::rules) url_safe: bool,
    /// `p`: filled up with `=` to a multiple of four.
    pub(in crate::rules) padded: bool,
}

impl Base64Options {
    /// Reads the flags; `None` where there is another letter.
    pub(in crate::rules) fn parse(flags: &[u8]) -> Option<Self> {
        let mut parsed = Self::default();
        for flag in flags {
            match flag {
                b'u' => parsed.url_safe = true,
                b'p' => parsed.padded = true,
                _ => return None,
            }
        }
        Some(parsed)
    }
}

/// `encode_base64(s, flags)`
pub(in crate::rules) fn encode_base64<'v, P: Pieces>(
    value: &[u8],
    options: Base64Options,
    pieces: &mut P,
) -> Cow<'v, [u8]> {
    let text = match options {
        Base64Options { url_safe: false, padded: false } => Base64Unpadded::encode_string(value),
        Base64Options { url_safe: false, padded: true } => Base64::encode_string(value),
        Base64Options { url_safe: true, padded: false } => Base64UrlUnpadded::encode_string(value),
        Base64Options { url_safe: true, padded: true } => Base64Url::encode_string(value),
    };
    all_of(0, value.len(), text.len(), pieces);
    Cow::Owned(text.into_bytes())
}

/// `decode_base64(s)`: either alphabet, padded or not, white space skipped, as decoders out there read
/// it; anything else gives no value.
pub(in crate::rules) fn decode_base64<'v, P: Pieces>(
    value: &[u8],
    pieces: &mut P,
) -> Option<Cow<'v, [u8]>> {
    let mut decoded = Vec::with_capacity(value.len() / 4 * 3 + 3);
    let mut digits = 0_usize;
    let mut bits = 0_u32;
    let mut is_padded = false;
    for byte in value {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => {
                is_padded = true;
                continue;
            }
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            _ => return None,
        };
        if is_padded {
            return None;
        }
        bits = (bits << 6) | u32::from(digit);
        digits += 1;
        if digits.is_multiple_of(4) {
            let [_, a, b, c] = bits.to_be_bytes();
            decoded.extend([a, b, c]);
            bits = 0;
        }
    }
    match digits % 4 {
        0 => {}
        2 => decoded.extend((bits >> 4).to_be_bytes().into_iter().skip(3)),
        3 => decoded.extend((bits >> 2).to_be_bytes().into_iter().skip(2)),
        _ => return None,
    }
    all_of(0, value.len(), decoded.len(), pieces);
    Some(Cow::Owned(decoded))
}

/// `sha256(s)`: 32 bytes.
pub(in crate::rules) fn sha256<'v, P: Pieces>(value: &[u8], pieces: &mut P) -> Cow<'v, [u8]> {
    let digest = Sha256::digest(value).to_vec();
    all_of(0, value.len(), digest.len(), pieces);
    Cow::Owned(digest)
}

/// `sha512(s)`: 64 bytes.
pub(in crate::rules) fn sha512<'v, P: Pieces>(value: &[u8], pieces: &mut P) -> Cow<'v, [u8]> {
    let digest = Sha512::digest(value).to_vec();
    all_of(0, value.len(), digest.len(), pieces);
    Cow::Owned(digest)
}

/// `uuidv4(random bytes)`: of the first 16; no value where there are fewer.
pub(in crate::rules) fn uuidv4<'v, P: Pieces>(
    value: &[u8],
    pieces: &mut P,
) -> Option<Cow<'v, [u8]>> {
    let mut bytes = *value.first_chunk::<16>()?;
    // RFC 9562 §5.4: version and variant.
    let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (number, byte) in bytes.iter().enumerate() {
        if matches!(number, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    all_of(0, bytes.len(), text.len(), pieces);
    Some(Cow::Owned(text.into_bytes()))
}

/// `bit_slice(s, start, end)`: these bits as an unsigned number, the first one the highest. No value where
/// the slice is longer than 32 bits, or not within the value.
pub(in crate::rules) fn bit_slice(value: &[u8], start: i64, end: i64) -> Option<i64> {
    let is_slice = 0 <= start && start < end && end <= MAX_SLICE_OFFSET_BITS + MAX_SLICE_BITS;
    if !is_slice || start > MAX_SLICE_OFFSET_BITS || end - start > MAX_SLICE_BITS {
        return None;
    }
    let mut slice = 0;
    for offset in start..end {
        let byte = *value.get(usize::try_from(offset / 8).ok()?)?;
        slice = (slice << 1) | i64::from((byte >> (7 - offset % 8)) & 1);
    }
    Some(slice)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn base64_as_documented() {
        for (flags, expected) in [
            ("", "aGVsbG8gd29ybGQ"),
            ("p", "aGVsbG8gd29ybGQ="),
            ("u", "aGVsbG8gd29ybGQ"),
            ("up", "aGVsbG8gd29ybGQ="),
        ] {
            let options = Base64Options::parse(flags.as_bytes()).unwrap();
            assert_eq!(*encode_base64(b"hello world", options, &mut ()), *expected.as_bytes());
        }
        assert_eq!(Base64Options::parse(b"x"), None);
        let decode = |text: &str| decode_base64(text.as_bytes(), &mut ()).map(Cow::into_owned);
        assert_eq!(decode("MTIzYWJj").as_deref(), Some(&b"123abc"[..]));
        assert_eq!(decode("MTIz YW\nJj").as_deref(), Some(&b"123abc"[..]));
        assert_eq!(decode("_-8=").as_deref(), Some(&b"\xff\xef"[..]));
        assert_eq!(decode("/+8").as_deref(), Some(&b"\xff\xef"[..]));
        assert_eq!(decode("").as_deref(), Some(&b""[..]));
        assert_eq!(decode("YQ").as_deref(), Some(&b"a"[..]));
        assert_eq!(decode("YR==").as_deref(), Some(&b"a"[..]));
        for bad in ["A", "MTIz!", "YQ==YQ==", "M"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    #[test]
    fn digests() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(&sha256(b"abc", &mut ())),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert!(hex(&sha512(b"abc", &mut ())).starts_with("ddaf35a193617abacc417349ae204131"));
    }

    #[test]
    fn uuids_have_version_and_variant() {
        let uuid = uuidv4(&[0xff; 16], &mut ()).unwrap();
        assert_eq!(*uuid, *b"ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(*uuidv4(&[0; 20], &mut ()).unwrap(), *b"00000000-0000-4000-8000-000000000000");
        assert_eq!(uuidv4(&[0; 15], &mut ()), None);
    }

    #[test]
    fn bits() {
        assert_eq!(bit_slice(b"\x45\x00\x01", 0, 4), Some(4));
        assert_eq!(bit_slice(b"\x45\x00\x01", 4, 8), Some(5));
        assert_eq!(bit_slice(b"\x45\x00\x01", 0, 24), Some(0x45_0001));
        assert_eq!(bit_slice(&[0xff; 300], 2_040, 2_072), Some(0xffff_ffff));
        for (start, end) in [(0, 25), (4, 4), (5, 4), (-1, 4), (0, 33), (i64::MIN, i64::MAX)] {
            assert_eq!(bit_slice(b"\x45\x00\x01", start, end), None, "{start}..{end}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(value: Vec<u8>, url_safe: bool, padded: bool) {
            let text = encode_base64(&value, Base64Options { url_safe, padded }, &mut ());
            prop_assert_eq!(decode_base64(&text, &mut ()).map(Cow::into_owned), Some(value));
        }
    }
}
