//! The signature base (§2): the lines that are signed, joined by LF.

use hmac::Mac;

use super::{Claims, Covered, WafEvidence};
use crate::key::HmacSha256;

const FIRST_LINE: &[u8] = b"WAFPASS1-HMAC-SHA256";

/// A typical base has 200 to 400 bytes. A longer one is fed to the MAC in pieces of this size.
const BUFFER_BYTES: usize = 1024;

/// The parts of a signature base.
#[derive(Clone, Copy)]
pub(crate) struct SignatureBase<'a> {
    pub(crate) date: &'a [u8],
    pub(crate) key_id: &'a [u8],
    pub(crate) nonce: &'a [u8],
    pub(crate) audience: &'a [u8],
    pub(crate) waf: WafEvidence,
    pub(crate) method: &'a [u8],
    pub(crate) path: &'a [u8],
    pub(crate) query: &'a [u8],
    pub(crate) covered: Covered<'a>,
}

impl<'a> SignatureBase<'a> {
    /// The base of a request under the claims it carries.
    pub(crate) fn of(
        claims: &Claims<'a>,
        date: &'a [u8],
        method: &'a [u8],
        (path, query): (&'a [u8], &'a [u8]),
        covered: Covered<'a>,
    ) -> Self {
        let Claims { key_id, nonce, audience, waf, .. } = *claims;
        Self { date, key_id, nonce, audience, waf, method, path, query, covered }
    }

    /// Hands the bytes to `put`, piece by piece, in order.
    fn write(&self, mut put: impl FnMut(&[u8])) {
        put(FIRST_LINE);
        let Self { date, key_id, nonce, audience, waf, method, path, query, covered } = self;
        for line in [date, key_id, nonce, audience, waf.as_str().as_bytes(), method, path, query] {
            put(b"\n");
            put(line);
        }
        for (name, value) in covered.iter() {
            put(b"\n");
            put(name);
            put(b":");
            put(value);
        }
    }

    /// The bytes, for people who compare them.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(|piece| bytes.extend_from_slice(piece));
        bytes
    }
}

/// The MAC over `base`, ready to be finished or compared.
///
/// The base goes through one contiguous buffer on the stack: a dozen small updates of the hash cost
/// as much again as a quarter of the hash itself.
pub(crate) fn mac_over(base: &SignatureBase<'_>, keyed: HmacSha256) -> HmacSha256 {
    let mut mac = keyed;
    let mut buffer = [0; BUFFER_BYTES];
    let mut filled = 0;
    base.write(|piece| {
        if let Some(room) = buffer.get_mut(filled..filled + piece.len()) {
            room.copy_from_slice(piece);
            filled += piece.len();
        } else {
            mac.update(buffer.get(..filled).unwrap_or_default());
            mac.update(piece);
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

    use super::*;
    use crate::message::MessageHead;

    proptest! {
        /// However long the parts are, the MAC is the one over the base as a whole.
        #[test]
        fn buffer_and_whole_agree(path in ".{0,3000}", query in ".{0,3000}", value in "[ -~]{0,1200}") {
            let lines = [(b"a".as_slice(), value.as_bytes())];
            let head = MessageHead::from_raw(b"GET", b"/", &lines);
            let base = SignatureBase {
                date: b"d", key_id: b"k", nonce: b"n", audience: b"a", waf: WafEvidence::None,
                method: b"GET", path: path.as_bytes(), query: query.as_bytes(),
                covered: Covered::collect(b"a", &head).unwrap(),
            };
            let keyed = HmacSha256::new_from_slice(&[9; 32]).unwrap();
            let whole = keyed.clone().chain_update(base.to_vec()).finalize().into_bytes();
            prop_assert_eq!(mac_over(&base, keyed).finalize().into_bytes(), whole);
        }
    }
}
