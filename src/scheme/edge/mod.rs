//! Edge signature, version 1: HMAC-SHA256 over method, path, query and covered fields.
//!
//! ```text
//! x-cloud-date: 20261122T003000Z
//! x-cloud-signature: v1;kid=2026-11-a;nonce=U7b4hR_RaxMADup…;aud=shop;waf=pass;h=x-cloud-viewer-ip;sig=<64 hex>
//! ```
//!
//! The wire format is in `docs/wire-format.md`; the sections cited here are its.

mod base;
mod claims;
mod covered;
mod scan;

pub(crate) use self::base::{SignatureBase, mac_over};
#[cfg(feature = "layer")]
pub(crate) use self::claims::nonce_in;
pub(crate) use self::claims::{Claims, is_nonce};
pub(crate) use self::covered::{Covered, Fault, is_field_value};
pub(crate) use self::scan::Scan;

use crate::error::ConfigError;
use crate::limits::MAX_COVERED_FIELDS;

/// The field that carries the signature.
pub const SIGNATURE: &str = "x-cloud-signature";
/// The field that carries the moment of signing.
pub const DATE: &str = "x-cloud-date";
/// The viewer's address as the edge saw it; written by the signer.
pub const VIEWER_IP: &str = "x-cloud-viewer-ip";
/// The viewer's Host; written by the signer.
pub const HOST: &str = "x-cloud-host";

/// Names that only the edge may write (§1).
pub const RESERVED: [&str; 4] = [DATE, HOST, SIGNATURE, VIEWER_IP];

/// Names that no signature covers, since hops rewrite them (§1).
pub const NEVER_COVERED: [&str; 11] = [
    SIGNATURE,
    DATE,
    "host",
    "cookie",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "upgrade",
    "via",
    "x-forwarded-for",
];

/// Size of an HMAC-SHA256.
pub(crate) const MAC_BYTES: usize = 32;

/// What the signer says of the WAF (`waf=`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WafEvidence {
    /// The signer has itself seen evidence that the WAF let this very request through.
    Pass,
    /// It has not.
    None,
}

impl WafEvidence {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::None => "none",
        }
    }
}

/// Whether the field `name` is one that only the edge may write.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved.as_bytes()))
}

/// Whether `name` equals `other` once `_` and `.` read as `-`, without regard to case (§1).
#[cfg(feature = "layer")]
pub(crate) fn is_alias_of(name: &[u8], other: &[u8]) -> bool {
    let fold = |byte: u8| if b"_.".contains(&byte) { b'-' } else { byte.to_ascii_lowercase() };
    name.len() == other.len() && name.iter().zip(other).all(|(&a, &b)| fold(a) == b)
}

/// How long some names are: enough to pass over most fields without comparing them.
#[cfg(feature = "layer")]
#[derive(Clone, Copy)]
pub(crate) struct Lengths(u64);

#[cfg(feature = "layer")]
impl Lengths {
    pub(crate) const OF_RESERVED: Self = {
        let [a, b, c, d] = RESERVED;
        Self(0).and(a.as_bytes()).and(b.as_bytes()).and(c.as_bytes()).and(d.as_bytes())
    };

    pub(crate) const fn and(self, name: &[u8]) -> Self {
        Self(self.0 | Self::bit(name))
    }

    /// Whether `name` can be one of them.
    pub(crate) const fn may_have(self, name: &[u8]) -> bool {
        self.0 & Self::bit(name) != 0
    }

    const fn bit(name: &[u8]) -> u64 {
        1 << (name.len() % 64)
    }
}

/// Names in strictly ascending order, each one that a signature can cover.
pub(crate) fn coverable(names: &[String]) -> Result<Vec<Box<str>>, ConfigError> {
    let refuse = |name: &str, reason| Err(ConfigError::CoveredField { name: name.into(), reason });
    let mut sorted: Vec<Box<str>> = Vec::with_capacity(names.len());
    for name in names {
        if !covered::is_field_name(name.as_bytes()) {
            return refuse(name, "write it in lower case, of a-z 0-9 and -, 64 bytes at most");
        }
        if NEVER_COVERED.contains(&name.as_str()) {
            return refuse(
                name,
                "hops rewrite it: let the edge copy its value to a field of its own",
            );
        }
        sorted.push(name.as_str().into());
    }
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() > MAX_COVERED_FIELDS {
        return Err(ConfigError::TooManyCoveredFields { count: sorted.len() });
    }
    Ok(sorted)
}

/// Classes of bytes in the grammar (§1), as bits of a table.
mod class {
    /// `ALPHA / DIGIT / "-" / "_" / "."`: kid and aud.
    pub(super) const LABEL: u8 = 1;
    /// The same and `=`: nonce.
    pub(super) const NONCE: u8 = 2;
    /// `%x61-7A / DIGIT / "-"`: a field name.
    pub(super) const NAME: u8 = 4;
    /// `%x20-7E / HTAB`: the value of a covered field.
    pub(super) const VALUE: u8 = 8;
    /// A token (RFC 9110 §5.6.2): the method.
    pub(super) const TOKEN: u8 = 16;

    /// How many bytes at the start of `text` are of `class`.
    #[inline]
    pub(super) fn span(text: &[u8], class: u8) -> usize {
        let (eights, _) = text.as_chunks::<8>();
        let whole = 8 * eights.iter().take_while(|eight| all(*eight, class)).count();
        let rest = text.get(whole..).unwrap_or_default();
        whole + rest.iter().take_while(|&&byte| of(byte) & class != 0).count()
    }

    /// Whether all of `text` is of `class`; without a branch at each byte.
    #[inline]
    pub(super) fn all(text: &[u8], class: u8) -> bool {
        text.iter().fold(class, |classes, &byte| classes & of(byte)) != 0
    }

    #[inline]
    fn of(byte: u8) -> u8 {
        TABLE.get(usize::from(byte)).copied().unwrap_or_default()
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "evaluated at compile time: out of bounds is no build"
    )]
    #[expect(clippy::as_conversions, reason = "usize::from is not const; the index is under 256")]
    static TABLE: [u8; 256] = {
        let mut table = [0; 256];
        let mut byte = 0_u8;
        loop {
            let lower = byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            let label = lower || byte.is_ascii_uppercase() || byte == b'_' || byte == b'.';
            let token = byte.is_ascii_alphanumeric()
                || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
            let mut classes = 0;
            if label {
                classes |= LABEL | NONCE;
            }
            if byte == b'=' {
                classes |= NONCE;
            }
            if lower {
                classes |= NAME;
            }
            if matches!(byte, b' '..=b'~' | b'\t') {
                classes |= VALUE;
            }
            if token {
                classes |= TOKEN;
            }
            table[byte as usize] = classes;
            if byte == u8::MAX {
                break table;
            }
            byte += 1;
        }
    };
}

/// Whether `method` is a token (RFC 9110 §9.1).
pub(crate) fn is_token(method: &[u8]) -> bool {
    !method.is_empty() && class::all(method, class::TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_rfc_9110() {
        for byte in 0..=u8::MAX {
            let token = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
            assert_eq!(is_token(&[byte]), token, "{byte:#x}");
        }
        assert!(!is_token(b""));
    }

    #[cfg(feature = "layer")]
    #[test]
    fn aliases_read_underscore_and_dot_as_hyphen() {
        for alias in ["x-cloud-host", "X_Cloud.Host", "x_cloud_host"] {
            assert!(is_alias_of(alias.as_bytes(), HOST.as_bytes()), "{alias}");
        }
        for other in ["x-cloud-hos", "x-cloud-hosts", "x+cloud-host"] {
            assert!(!is_alias_of(other.as_bytes(), HOST.as_bytes()), "{other}");
        }
    }

    #[test]
    fn coverable_names_are_sorted_and_checked() {
        let names =
            |names: &[&str]| coverable(&names.iter().map(ToString::to_string).collect::<Vec<_>>());
        let sorted = names(&["b", "a", "b"]).unwrap();
        assert_eq!(sorted.join(" "), "a b");
        for bad in ["", "A", "a_b", "host", "cookie", "x-cloud-date", &"a".repeat(65)] {
            assert!(names(&[bad]).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..17).map(|n| format!("x-{n}")).collect();
        assert!(matches!(coverable(&many), Err(ConfigError::TooManyCoveredFields { count: 17 })));
    }
}
