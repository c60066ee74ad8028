//! `content-digest` (RFC 9530 §2): a hash of the body, in a field that the signature covers.

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

pub(crate) const CONTENT_DIGEST: &[u8] = b"content-digest";

const SHA256_BYTES: usize = 32;
const SHA256_BASE64_BYTES: usize = 44;

/// The SHA-256 digest of a body, as `content-digest` carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentDigest([u8; SHA256_BYTES]);

impl ContentDigest {
    /// The digest of a whole body.
    #[must_use]
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// Reads `sha-256=:…:`, exactly one member of 32 bytes (edge signature §3, row 18).
    ///
    /// Returns `None` for other algorithms, further members and parameters: RFC 9530 allows them,
    /// and every one is something a signer of this kind has no reason to send.
    #[must_use]
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = value.strip_prefix(b"sha-256=:")?.strip_suffix(b":")?;
        if text.len() != SHA256_BASE64_BYTES {
            return None;
        }
        let mut digest = [0; SHA256_BYTES + 1]; // base64 decodes in blocks of three
        let decoded = Base64::decode(text, &mut digest).ok()?;
        decoded.try_into().ok().map(Self)
    }

    /// The value of the field, `sha-256=:…:`.
    #[must_use]
    pub fn to_field_value(&self) -> String {
        format!("sha-256=:{}:", Base64::encode_string(&self.0))
    }

    pub(crate) fn matches(&self, hasher: Sha256) -> bool {
        let digest: [u8; SHA256_BYTES] = hasher.finalize().into();
        digest.ct_eq(&self.0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_sha_256_member_and_nothing_else() {
        // RFC 9530 §2, the example of a body {"hello": "world"} and LF
        let value = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
        let digest = ContentDigest::of(b"{\"hello\": \"world\"}\n");
        assert_eq!(digest.to_field_value(), value);
        assert_eq!(ContentDigest::parse(value.as_bytes()), Some(digest));
        for bad in [
            "",
            "sha-256=::",
            &value.to_uppercase(),
            &value.replace("Dg=", "Dh="),
            &value.replace("RK", "R"),
            &format!("{value};a=1"),
            &format!("{value}, {value}"),
            &format!("{value}, sha-512=:AAAA:"),
            &value.replace("sha-256", "sha-512"),
            &value.replace('/', "_"),
        ] {
            assert_eq!(ContentDigest::parse(bad.as_bytes()), None, "{bad}");
        }
    }
}
