//! What the tests of several modules share.

use std::fs;
use std::path::Path;

use serde_json::Value;

/// The RFC's own case of suite 1.
pub(super) struct Rfc9180(Value);

impl Rfc9180 {
    pub(super) fn read() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/hpke/rfc9180-a2.json");
        Self(serde_json::from_slice(&fs::read(path).unwrap()).unwrap())
    }

    pub(super) fn hex(&self, name: &str) -> Vec<u8> {
        let digits = self.0[name].as_str().unwrap().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    pub(super) fn bytes<const N: usize>(&self, name: &str) -> [u8; N] {
        self.hex(name).try_into().unwrap()
    }
}
