//! The same by the `hpke` crate alone: keys parsed ahead, bytes instead of text.

use std::convert::Infallible;
use std::hint::black_box;

use base64ct::{Base64, Encoding};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::rand_core::{TryCryptoRng, TryRng};
use hpke::{Deserializable, Kem, OpModeR, OpModeS, single_shot_open, single_shot_seal_with_rng};
use wafpass::matched_data::Suite;

use crate::{Case, event};

/// What a version 4 blob is sealed with besides its plaintext; nothing before it.
struct Context {
    info: &'static [u8],
    aad: Vec<u8>,
}

impl Context {
    fn of(case: &Case, blob: &[u8]) -> Self {
        if case.version == 3 {
            return Self { info: b"", aad: Vec::new() };
        }
        let event = event();
        let mut aad = blob[..10].to_vec();
        for text in [event.tenant(), event.event_id(), event.rule_id()] {
            aad.extend((text.len() as u16).to_be_bytes());
            aad.extend(text.as_bytes());
        }
        aad.extend(event.timestamp_ms().to_be_bytes());
        Self { info: b"wafpass matched-data v4", aad }
    }
}

pub(crate) struct Receiver {
    open: Box<dyn Fn() -> Vec<u8>>,
}

impl Receiver {
    pub(crate) fn new(case: &Case) -> Self {
        let open = match case.key.suite() {
            Suite::XWing => receiver::<XWing>(case, 10, 1_120),
            _ if case.version == 3 => receiver::<X25519HkdfSha256>(case, 1, 40),
            _ => receiver::<X25519HkdfSha256>(case, 10, 32),
        };
        Self { open }
    }

    pub(crate) fn open(&self) -> Vec<u8> {
        (self.open)()
    }
}

/// `enc` begins at `enc_at`, the ciphertext `sealed_after` bytes behind that.
fn receiver<K: Kem + 'static>(
    case: &Case,
    enc_at: usize,
    sealed_after: usize,
) -> Box<dyn Fn() -> Vec<u8>> {
    let blob = Base64::decode_vec(&case.blob).expect("base64");
    let context = Context::of(case, &blob);
    let text = case.key.to_text();
    let bytes = Base64::decode_vec(text.rsplit(':').next().expect("a key")).expect("base64");
    let secret = K::PrivateKey::from_bytes(&bytes).expect("a key");
    let sealed = blob[enc_at + sealed_after..].to_vec();
    let enc_bytes = if sealed_after == 40 { 32 } else { sealed_after };
    let enc = blob[enc_at..enc_at + enc_bytes].to_vec();
    Box::new(move || {
        let enc = K::EncappedKey::from_bytes(black_box(&enc)).expect("a key");
        single_shot_open::<ChaCha20Poly1305, HkdfSha256, K>(
            &OpModeR::Base,
            &secret,
            &enc,
            context.info,
            black_box(&sealed),
            &context.aad,
        )
        .expect("opened")
    })
}

pub(crate) struct Sender {
    seal: Box<dyn Fn() -> Vec<u8>>,
}

impl Sender {
    pub(crate) fn new(case: &Case) -> Self {
        let seal = match case.key.suite() {
            Suite::XWing => sender::<XWing>(case),
            _ => sender::<X25519HkdfSha256>(case),
        };
        Self { seal }
    }

    pub(crate) fn seal(&self) -> Vec<u8> {
        (self.seal)()
    }
}

fn sender<K: Kem + 'static>(case: &Case) -> Box<dyn Fn() -> Vec<u8>> {
    let blob = Base64::decode_vec(&case.blob).expect("base64");
    let context = Context::of(case, &blob);
    let public = K::PublicKey::from_bytes(case.key.public_key().as_bytes()).expect("a key");
    let mut plaintext = case.plaintext.clone();
    if case.version == 4 {
        plaintext.resize(plaintext.len().next_multiple_of(256), b' ');
    }
    Box::new(move || {
        let (_, sealed) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(
            &OpModeS::Base,
            &public,
            context.info,
            black_box(&plaintext),
            &context.aad,
            &mut Os,
        )
        .expect("sealed");
        sealed
    })
}

/// The operating system's random source.
struct Os;

impl TryRng for Os {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(getrandom::u32().expect("randomness"))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(getrandom::u64().expect("randomness"))
    }

    fn try_fill_bytes(&mut self, into: &mut [u8]) -> Result<(), Infallible> {
        getrandom::fill(into).expect("randomness");
        Ok(())
    }
}

impl TryCryptoRng for Os {}
