//! `is_timed_hmac_valid_v0`: a token that carries its message, a time and a MAC.

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Digits of the time in a token.
const TIMESTAMP_DIGITS: usize = 10;
/// Shortest MAC in a token: base64 of 32 bytes without padding.
const MIN_MAC_CHARS: usize = 43;
/// Longest: each of 44 characters percent-encoded. What is longer is no MAC.
const MAX_MAC_CHARS: usize = 132;

/// Checks tokens of one key. The key is not kept, only what HMAC makes of it.
#[derive(Clone)]
pub(in crate::rules) struct TimedHmac {
    keyed: Hmac<Sha256>,
    ttl_s: i64,
    separator_bytes: usize,
    encoding: MacEncoding,
}

impl std::fmt::Debug for TimedHmac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimedHmac").field("ttl_s", &self.ttl_s).finish_non_exhaustive()
    }
}

/// How a token writes its MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::rules) enum MacEncoding {
    /// Base64, and that percent-encoded.
    Percent,
    /// URL-safe base64 without padding: flag `s`.
    UrlSafe,
}

impl TimedHmac {
    /// `None` where HMAC refuses the key, or a number is out of range.
    pub(in crate::rules) fn new(
        key: &[u8],
        ttl_s: i64,
        separator_bytes: i64,
        encoding: MacEncoding,
    ) -> Option<Self> {
        let keyed = Hmac::<Sha256>::new_from_slice(key).ok()?;
        let separator_bytes = usize::try_from(separator_bytes).ok()?;
        (ttl_s >= 0).then_some(Self { keyed, ttl_s, separator_bytes, encoding })
    }

    /// Whether a token of the form message, separator, time, `-`, MAC has the right MAC and is not
    /// older than its time to live. The MAC is over message and time.
    pub(in crate::rules) fn is_valid(&self, token: &[u8], now_s: i64) -> bool {
        self.check(token, now_s).unwrap_or(false)
    }

    fn check(&self, token: &[u8], now_s: i64) -> Option<bool> {
        let dash = dash(token)?;
        let mac = self.mac(token.get(dash + 1..)?)?;
        let timestamp_at = dash.checked_sub(TIMESTAMP_DIGITS)?;
        let timestamp = token.get(timestamp_at..dash)?;
        let message = token.get(..timestamp_at.checked_sub(self.separator_bytes)?)?;
        if message.is_empty() {
            return None;
        }
        let keyed = self.keyed.clone().chain_update(message).chain_update(timestamp);
        // In constant time.
        let is_right = keyed.verify_slice(&mac).is_ok();
        let issued_s: i64 = std::str::from_utf8(timestamp).ok()?.parse().ok()?;
        Some(is_right && now_s <= issued_s.saturating_add(self.ttl_s))
    }

    fn mac(&self, text: &[u8]) -> Option<Vec<u8>> {
        if text.len() > MAX_MAC_CHARS {
            return None;
        }
        match self.encoding {
            MacEncoding::UrlSafe => {
                Base64UrlUnpadded::decode_vec(std::str::from_utf8(text).ok()?).ok()
            }
            MacEncoding::Percent => {
                let text = percent_decoded(text)?;
                Base64::decode_vec(std::str::from_utf8(&text).ok()?).ok()
            }
        }
    }
}

/// The last `-` that ten digits stand before and a MAC may stand after.
fn dash(token: &[u8]) -> Option<usize> {
    let end = token.len().checked_sub(MIN_MAC_CHARS)?;
    let head = token.get(..end)?;
    memchr::memrchr_iter(b'-', head).find(|dash| {
        let digits = dash.checked_sub(TIMESTAMP_DIGITS).and_then(|start| head.get(start..*dash));
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_digit))
    })
}

/// `%HH` decoded, and nothing else: `+` is a digit of base64.
fn percent_decoded(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let [high, low, after @ ..] = rest else { return None };
        let digit =
            |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        decoded.push((digit(high)? << 4) | digit(low)?);
        rest = after;
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"mysecretkey";
    const ISSUED_S: i64 = 1_484_063_787;

    fn token(encoding: MacEncoding) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(KEY).unwrap();
        let mac = mac.chain_update(b"/download/cat.jpg").chain_update(b"1484063787").finalize();
        let mac = match encoding {
            MacEncoding::UrlSafe => Base64UrlUnpadded::encode_string(&mac.into_bytes()),
            MacEncoding::Percent => Base64::encode_string(&mac.into_bytes())
                .replace('+', "%2B")
                .replace('/', "%2F")
                .replace('=', "%3D"),
        };
        format!("/download/cat.jpg?verify=1484063787-{mac}")
    }

    fn hmac(encoding: MacEncoding) -> TimedHmac {
        TimedHmac::new(KEY, 100_000, 8, encoding).unwrap()
    }

    #[test]
    fn the_documented_token() {
        // The documentation's own example, with its MAC.
        let token =
            b"/download/cat.jpg?verify=1484063787-IaLGSmELTvlhfd0ItdN6PhhHTFhzx73EX8uy%2FcSDiIU%3D";
        assert_eq!(dash(token), Some(35));
        assert_eq!(hmac(MacEncoding::Percent).mac(&token[36..]).unwrap().len(), 32);
    }

    #[test]
    fn valid_until_it_is_too_old() {
        for encoding in [MacEncoding::Percent, MacEncoding::UrlSafe] {
            let (token, hmac) = (token(encoding), hmac(encoding));
            assert!(hmac.is_valid(token.as_bytes(), ISSUED_S));
            assert!(hmac.is_valid(token.as_bytes(), ISSUED_S + 100_000));
            assert!(!hmac.is_valid(token.as_bytes(), ISSUED_S + 100_001));
            assert!(!hmac.is_valid(token.replace("cat", "dog").as_bytes(), ISSUED_S));
            assert!(!hmac.is_valid(token.replace("1484063787", "1484063788").as_bytes(), ISSUED_S));
        }
    }

    #[test]
    fn the_separator_is_not_signed() {
        let token = token(MacEncoding::UrlSafe).replace("?verify=", "&other__");
        assert!(hmac(MacEncoding::UrlSafe).is_valid(token.as_bytes(), ISSUED_S));
        let without = TimedHmac::new(KEY, 1, 0, MacEncoding::UrlSafe).unwrap();
        assert!(without.is_valid(token.replace("&other__", "").as_bytes(), ISSUED_S));
    }

    #[test]
    fn what_is_no_token_is_not_valid() {
        let (percent, safe) = (hmac(MacEncoding::Percent), hmac(MacEncoding::UrlSafe));
        let right = token(MacEncoding::UrlSafe);
        let cut = &right[..right.len() - 1];
        for bad in [
            "",
            "-",
            "1484063787-",
            cut,
            &format!("{right}A"),
            &right.replace("1484063787", "148406378x"),
        ] {
            assert!(!percent.is_valid(bad.as_bytes(), ISSUED_S), "{bad}");
            assert!(!safe.is_valid(bad.as_bytes(), ISSUED_S), "{bad}");
        }
        let short = &right[right.find("1484").unwrap() - 8..];
        assert!(!safe.is_valid(short.as_bytes(), ISSUED_S), "no message");
        assert!(TimedHmac::new(KEY, 1, -1, MacEncoding::UrlSafe).is_none());
        assert!(TimedHmac::new(KEY, -1, 0, MacEncoding::UrlSafe).is_none());
    }
}
