use http::HeaderValue;
use zeroize::Zeroizing;

use super::ShipError;

/// Most bytes of a token: JSON web tokens with many claims stay under it, and so do servers' limits on
/// fields.
const MAX_TOKEN_BYTES: usize = 8_192;

/// What the collector knows this origin by: `authorization: Bearer …`. Wiped from memory on drop; it has
/// no `Debug`.
#[derive(Clone)]
#[expect(missing_debug_implementations, reason = "so that it reaches no log")]
pub struct BearerToken(Zeroizing<String>);

impl BearerToken {
    /// A token. White space around it, as files have at their end, is no part of it.
    ///
    /// # Errors
    ///
    /// [`ShipError::Token`] for what is no `b64token` (RFC 6750 §2.1). The text does not repeat it.
    pub fn new(text: &str) -> Result<Self, ShipError> {
        let text = text.trim_ascii();
        let token = text.trim_end_matches('=');
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
        if token.is_empty() || text.len() > MAX_TOKEN_BYTES || !token.bytes().all(is_part) {
            return Err(ShipError::Token);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// The field's value, which shows in no `Debug` either.
    pub(super) fn header(&self) -> Option<HeaderValue> {
        let mut text = Zeroizing::new(Vec::with_capacity("Bearer ".len() + self.0.len()));
        text.extend_from_slice(b"Bearer ");
        text.extend_from_slice(self.0.as_bytes());
        let mut value = HeaderValue::from_bytes(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_field_can_hold_is_refused_without_repeating_it() {
        for good in ["a", "abc.DEF-123_~+/==", " token\n"] {
            let header = BearerToken::new(good).unwrap().header().unwrap();
            assert_eq!(header.to_str().unwrap(), format!("Bearer {}", good.trim()));
            assert_eq!(format!("{header:?}"), "Sensitive");
        }
        for bad in
            ["", " ", "=", "hunter2 hunter3", "hunter2\r\nx: y", "hünter2", &"a".repeat(8_193)]
        {
            let error = BearerToken::new(bad).map(|_| ()).unwrap_err();
            assert_eq!(error, ShipError::Token, "{bad}");
            assert!(!format!("{error} {error:?}").contains("hunter"), "{error}");
        }
    }
}
