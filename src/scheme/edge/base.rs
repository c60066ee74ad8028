//! The signature base (§2): the lines that are signed, joined by LF.

use hmac::Mac;

use super::{Claims, Covered};
use crate::key::{HmacSha256, Key};

const FIRST_LINE: &[u8; 20] = b"WAFPASS1-HMAC-SHA256";

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
    #[inline]
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
    #[inline]
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
#[inline]
pub(crate) fn mac_over(base: &SignatureBase<'_>, key: &Key) -> HmacSha256 {
    let (bytes, filled) = ([0; BUFFER_BYTES], FIRST_LINE.len());
    let mut buffer = Buffer { mac: key.keyed(), bytes, filled };
    if let Some(first_line) = buffer.bytes.first_chunk_mut() {
        *first_line = *FIRST_LINE;
    }
    base.write(|separator, text| buffer.put_after(separator, text));
    buffer.flush();
    buffer.mac
}

/// Bytes on their way to the MAC.
struct Buffer {
    mac: HmacSha256,
    bytes: [u8; BUFFER_BYTES],
    filled: usize,
}

impl Buffer {
    #[inline]
    fn put_after(&mut self, separator: u8, text: &[u8]) {
        let end = self.filled + 1 + text.len();
        if let Some([first, rest @ ..]) = self.bytes.get_mut(self.filled..end) {
            *first = separator;
            rest.copy_from_slice(text);
            self.filled = end;
        } else {
            self.spill(separator, text);
        }
    }

    #[cold]
    fn spill(&mut self, separator: u8, text: &[u8]) {
        self.flush();
        self.mac.update(&[separator]);
        self.mac.update(text);
    }

    #[inline]
    fn flush(&mut self) {
        self.mac.update(self.bytes.get(..self.filled).unwrap_or_default());
        self.filled = 0;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{MAC_BYTES, Scan, WafEvidence};
    use super::*;
    use crate::key::Secret;
    use crate::message::MessageHead;

    proptest! {
        /// However long the parts are, the MAC is the one over the base as a whole.
        #[test]
        fn buffer_and_whole_agree(path in ".{0,3000}", query in ".{0,3000}", value in "[ -~]{0,1200}") {
            let lines = [(b"host".as_slice(), b"h".as_slice()), (b"a", value.as_bytes())];
            let head = MessageHead::from_raw(b"GET", b"/", &lines);
            let claims = Claims {
                key_id: b"k", nonce: b"n", audience: b"a", waf: WafEvidence::None,
                covered_names: b"a", mac: [0; MAC_BYTES],
            };
            let target = (path.as_bytes(), query.as_bytes());
            let covered = Covered::collect(b"a", &head, &Scan::of(&head).unwrap()).unwrap();
            let base = SignatureBase::of(&claims, b"d", b"GET", target, &covered);
            let key = Key::new("k", &Secret::new([9; 32]).unwrap()).unwrap();
            let whole = key.keyed().chain_update(base.to_vec()).finalize().into_bytes();
            prop_assert_eq!(mac_over(&base, &key).finalize().into_bytes(), whole);
        }
    }
}
