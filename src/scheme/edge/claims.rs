//! The grammar of `x-cloud-signature` (§1): one order, no white space, nothing unknown.

use std::fmt;
use std::str;

use super::{MAC_BYTES, WafEvidence, class};
use crate::limits::{MAX_LABEL_BYTES, MAX_NONCE_BYTES, MIN_NONCE_BYTES};

/// What a signature says of itself, each part as it stands in the field.
#[derive(Clone, Copy)]
pub(crate) struct Claims<'a> {
    pub(crate) key_id: &'a [u8],
    pub(crate) nonce: &'a [u8],
    pub(crate) audience: &'a [u8],
    pub(crate) waf: WafEvidence,
    /// `h`: names separated by colons, or nothing.
    pub(crate) covered_names: &'a [u8],
    pub(crate) mac: [u8; MAC_BYTES],
}

impl<'a> Claims<'a> {
    /// Reads a field value; `None` when it departs from the grammar.
    ///
    /// The names in `h` are checked where they are looked up, in [`super::Covered::read_names`].
    #[inline]
    pub(crate) fn parse(value: &'a [u8]) -> Option<Self> {
        let mut rest = value;
        let key_id = field(&mut rest, b"v1;kid=", class::LABEL, 1, MAX_LABEL_BYTES)?;
        let nonce = field(&mut rest, b";nonce=", class::NONCE, MIN_NONCE_BYTES, MAX_NONCE_BYTES)?;
        let audience = field(&mut rest, b";aud=", class::LABEL, 1, MAX_LABEL_BYTES)?;
        let (waf, rest) = match rest.strip_prefix(b";waf=")? {
            [b'p', b'a', b's', b's', rest @ ..] => (WafEvidence::Pass, rest),
            [b'n', b'o', b'n', b'e', rest @ ..] => (WafEvidence::None, rest),
            _ => return None,
        };
        let (rest, digits) = rest.strip_prefix(b";h=")?.split_last_chunk()?;
        let covered_names = rest.strip_suffix(b";sig=")?;
        let mac = decode_hex(digits)?;
        Some(Self { key_id, nonce, audience, waf, covered_names, mac })
    }
}

impl fmt::Display for Claims<'_> {
    /// The field value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |bytes| str::from_utf8(bytes).unwrap_or_default(); // ASCII by the grammar
        let (key_id, nonce, audience) = (text(self.key_id), text(self.nonce), text(self.audience));
        let (waf, names) = (self.waf.as_str(), text(self.covered_names));
        write!(f, "v1;kid={key_id};nonce={nonce};aud={audience};waf={waf};h={names};sig=")?;
        self.mac.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Whether `text` is a nonce: `16*128( ALPHA / DIGIT / "-" / "_" / "." / "=" )`.
pub(crate) fn is_nonce(text: &[u8]) -> bool {
    (MIN_NONCE_BYTES..=MAX_NONCE_BYTES).contains(&text.len()) && class::all(text, class::NONCE)
}

/// The nonce in a field value that follows the grammar; anybody's word.
#[cfg(feature = "layer")]
pub(crate) fn nonce_in(value: &[u8]) -> Option<&str> {
    str::from_utf8(Claims::parse(value)?.nonce).ok()
}

/// Takes `tag` and `min` to `max` bytes of `class` from the front of `rest`.
#[inline]
fn field<'a>(
    rest: &mut &'a [u8],
    tag: &[u8],
    class: u8,
    min: usize,
    max: usize,
) -> Option<&'a [u8]> {
    let text = rest.strip_prefix(tag)?;
    let (value, tail) = text.split_at_checked(class::span(text, class))?;
    *rest = tail;
    (min..=max).contains(&value.len()).then_some(value)
}

/// 64 digits of lower-case hex. Without branches, so that the digits become vectors.
#[inline]
fn decode_hex(text: &[u8; 2 * MAC_BYTES]) -> Option<[u8; MAC_BYTES]> {
    let is_digit = |byte: u8| byte.is_ascii_digit() | matches!(byte, b'a'..=b'f');
    if !text.iter().fold(true, |all, &byte| all & is_digit(byte)) {
        return None;
    }
    let digits = text.map(|byte| (byte & 0xf) + 9 * (byte >> 6)); // only the letters have bit 6
    let mut mac = [0; MAC_BYTES];
    for (byte, pair) in mac.iter_mut().zip(digits.as_chunks::<2>().0) {
        let pair = u16::from_be_bytes(*pair);
        [_, *byte] = (pair >> 4 | pair).to_be_bytes();
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_what_it_reads() {
        let mac: String =
            (0..32).map(|byte: u8| format!("{:02x}", byte.wrapping_mul(37))).collect();
        let value =
            format!("v1;kid=k.1;nonce=0123456789abcde=;aud=a_b;waf=none;h=x-a:x-b;sig={mac}");
        assert_eq!(Claims::parse(value.as_bytes()).unwrap().to_string(), value);
        for bad in [mac.to_uppercase(), mac[1..].into(), format!("{mac}0"), mac.replace('2', "g")] {
            assert!(Claims::parse(value.replace(&mac, &bad).as_bytes()).is_none(), "{bad}");
        }
    }
}
