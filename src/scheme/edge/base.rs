//! The signature base (§2): the lines that are signed, joined by LF.

use hmac::Mac;

use super::{Claims, Covered};
use crate::key::HmacSha256;

const FIRST_LINE: &[u8] = b"WAFPASS1-HMAC-SHA256";

/// A typical base has 200 to 400 bytes. A longer one is fed to the MAC in pieces of this size.
const BUFFER_BYTES: usize = 512;

/// The parts of a signature base.
#[derive(Clone, Copy)]
pub(crate) struct SignatureBase<'a> {
    pub(crate) claims: &'a Claims<'a>,
    pub(crate) date: &'a [u8],
    pub(crate) method: &'a [u8],
    pub(crate) path: &'a [u8],
    pub(crate) query: &'a [u8],
    pub(crate) covered: &'a Covered<'a>,
}

impl<'a> SignatureBase<'a> {
    /// The base of a request under the claims it carries.
    pub(crate) fn of(
        claims: &'a Claims<'a>,
        date: &'a [u8],
        method: &'a [u8],
        (path, query): (&'a [u8], &'a [u8]),
        covered: &'a Covered<'a>,
    ) -> Self {
        Self { claims, date, method, path, query, covered }
    }

    /// Hands what follows the first line to `put`, as (separator, text), in order.
    fn write(&self, mut put: impl FnMut(u8, &[u8])) {
        let Self { claims, date, method, path, query, covered } = *self;
        let Claims { key_id, nonce, audience, waf, .. } = *claims;
        for line in [date, key_id, nonce, audience, waf.as_str().as_bytes(), method, path, query] {
            put(b'\n', line);
        }
        for (name, value) in covered.iter() {
            put(b'\n', name);
            put(b':', value);
        }
    }

    /// The bytes, for people who compare them.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        let mut bytes = FIRST_LINE.to_vec();
        self.write(|separator, text| {
            bytes.push(separator);
            bytes.extend_from_slice(text);
        });
        bytes
    }
}

/// The MAC over `base`, ready to be finished or compared.
///
/// The base goes through one contiguous buffer on the stack: a dozen small updates of the hash cost
/// as much again as a quarter of the hash itself.
pub(crate) fn mac_over(base: &SignatureBase<'_>, key: &HmacSha256) -> HmacSha256 {
    let mut mac = key.clone();
    let mut buffer = [0; BUFFER_BYTES];
    let (first_line, _) = buffer.split_at_mut(FIRST_LINE.len());
    first_line.copy_from_slice(FIRST_LINE);
    let mut filled = FIRST_LINE.len();
    base.write(|separator, text| {
        let end = filled + 1 + text.len();
        if let Some([first, rest @ ..]) = buffer.get_mut(filled..end) {
            *first = separator;
            rest.copy_from_slice(text);
            filled = end;
        } else {
            mac.update(buffer.get(..filled).unwrap_or_default());
            mac.update(&[separator]);
            mac.update(text);
            filled = 0;
        }
    });
    mac.update(buffer.get(..filled).unwrap_or_default());
    mac
}

#[cfg(test)]
mod tests {
    use hmac::KeyInit;
    use proptest::prelude::*;

    use super::super::{MAC_BYTES, WafEvidence};
    use super::*;
    use crate::message::MessageHead;

    proptest! {
        /// However long the parts are, the MAC is the one over the base as a whole.
        #[test]
        fn buffer_and_whole_agree(path in ".{0,3000}", query in ".{0,3000}", value in "[ -~]{0,1200}") {
            let lines = [(b"a".as_slice(), value.as_bytes())];
            let head = MessageHead::from_raw(b"GET", b"/", &lines);
            let claims = Claims {
                key_id: b"k", nonce: b"n", audience: b"a", waf: WafEvidence::None,
                covered_names: b"a", mac: [0; MAC_BYTES],
            };
            let target = (path.as_bytes(), query.as_bytes());
            let covered = Covered::collect(b"a", &head).unwrap();
            let base = SignatureBase::of(&claims, b"d", b"GET", target, &covered);
            let keyed = HmacSha256::new_from_slice(&[9; 32]).unwrap();
            let whole = keyed.clone().chain_update(base.to_vec()).finalize().into_bytes();
            prop_assert_eq!(mac_over(&base, &keyed).finalize().into_bytes(), whole);
        }
    }
}
