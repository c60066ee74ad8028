//! What may stand where a blob is due.

use base64ct::{Base64, Encoding};

use super::rules::Rules;
use crate::collector::SealedText;
use crate::collector::catalogue::QuarantineCode;
use crate::matched_data::{Blob, KeyId, Refused};

/// The shortest that a blob of a later version can be: a version, a key of 32 bytes and a tag of 16.
const SHORTEST_BLOB_BYTES: usize = 49;
/// The version bytes that are left: below the characters of any text, those of white space apart.
const LATER_VERSIONS: std::ops::RangeInclusive<u8> = 5..=31;

/// What stood where a blob is due.
pub(super) struct Sealed {
    pub(super) text: SealedText,
    pub(super) kind: Kind,
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A blob that names no key and is bound to nothing.
    Unbound,
    /// A blob that names a key, and opens with its binding only.
    Bound(KeyId),
    /// The word `truncated`.
    Truncated,
    /// What looks like a blob of a version or suite unknown here.
    Later,
}

/// Reads what stands where a blob is due: a blob whose outside is in order, the word `truncated`, or what can
/// be a blob of a later version. Clear text is refused, also in base64, and so is a private key.
pub(super) fn sealed(text: &str, rules: &Rules) -> Result<Sealed, QuarantineCode> {
    match Blob::parse(text) {
        Ok(blob) => {
            let kind = blob.key_id().map_or(Kind::Unbound, Kind::Bound);
            Ok(Sealed { text: SealedText::Blob(blob.into_bytes()), kind })
        }
        Err(Refused::Truncated) => Ok(other(text, Kind::Truncated)),
        Err(Refused::UnsupportedVersion | Refused::UnsupportedSuite) if is_later(text) => {
            Ok(other(text, Kind::Later))
        }
        Err(_) => Err(clear_text(text, rules)),
    }
}

/// A blob and nothing else.
pub(super) fn whole_blob(text: &str, rules: &Rules) -> Result<Vec<u8>, QuarantineCode> {
    Blob::parse(text).map(Blob::into_bytes).map_err(|_| clear_text(text, rules))
}

fn other(text: &str, kind: Kind) -> Sealed {
    let text = SealedText::Other(text.trim_matches([' ', '\t', '\r', '\n']).to_owned());
    Sealed { text, kind }
}

fn is_later(text: &str) -> bool {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    let Ok(bytes) = Base64::decode_vec(text) else { return false };
    let is_later = match bytes.first() {
        // A version that is known, with a suite that is not.
        Some(4) => true,
        Some(version) => LATER_VERSIONS.contains(version) && !version.is_ascii_whitespace(),
        None => false,
    };
    // Random bytes in base64 lack a digit or a case once in 10^5 at this length; words often do.
    let has = |is: fn(&u8) -> bool| text.as_bytes().iter().any(is);
    let is_mixed =
        has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    bytes.len() >= SHORTEST_BLOB_BYTES && is_later && is_mixed
}

/// What is wrong with something that is no blob.
fn clear_text(text: &str, rules: &Rules) -> QuarantineCode {
    if rules.is_suspect(text.as_bytes()) {
        QuarantineCode::PrivateKey
    } else {
        QuarantineCode::NotSealed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{EventTime, Intake, TenantId};

    fn rules() -> Rules {
        Rules::new(TenantId::new("acme").unwrap(), Intake::Native, &[7; 32], EventTime(0))
    }

    #[test]
    fn only_blobs_pass() {
        let v3 = "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=";
        let of = |text: &str| sealed(text, &rules()).map(|sealed| sealed.kind);
        assert_eq!(of(v3), Ok(Kind::Unbound));
        assert_eq!(of(&format!(" {v3}\n")), Ok(Kind::Unbound));
        assert_eq!(of("truncated"), Ok(Kind::Truncated));
        // The bytes of that blob, as if of version 5.
        assert_eq!(of(&v3.replacen("Az", "Bz", 1)), Ok(Kind::Later));
        for clear in [
            "",
            "password=hunter2",
            "cGFzc3dvcmQ=",
            "eyJodHRwLnJlcXVlc3QudXJpIjoiL2FkbWluIn0=",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            &v3[..v3.len() - 4],
            "Truncated",
            "CorrectHorseBatteryStapleCorrectHorseBatteryStapleCorrectHorseBatterySta",
        ] {
            assert_eq!(of(clear), Err(QuarantineCode::NotSealed), "{clear}");
        }
        assert_eq!(of("-----BEGIN PRIVATE KEY-----"), Err(QuarantineCode::PrivateKey));
    }
}
