//! What identifies an event, and what a body is told apart by.

use std::hash::Hasher;

use hmac::{KeyInit, Mac};
use siphasher::sip128::{Hasher128, SipHasher24};
use zeroize::Zeroizing;

use crate::collector::{EventId, Intake, TenantId};
use crate::key::HmacSha256;

/// The secret that ids and hashes are keyed with: who sends events cannot aim at the id of another.
pub(super) struct IdKey {
    ids: SipHasher24,
    bodies: HmacSha256,
}

impl IdKey {
    /// Derives the keys of both uses from the node's secret.
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        let mut id_key = [0; 16];
        for (to, from) in
            id_key.iter_mut().zip(derived(secret, b"wafpass collector: event ids").iter())
        {
            *to = *from;
        }
        let ids = SipHasher24::new_with_key(&id_key);
        zeroize::Zeroize::zeroize(&mut id_key);
        Self { ids, bodies: keyed(&derived(secret, b"wafpass collector: bodies")) }
    }

    /// A keyed hash of what identifies an event to its sender: where one of them is missing there is none,
    /// and the event gets a random id.
    pub(super) fn event(
        &self,
        intake: Intake,
        tenant: &TenantId,
        identity: [Option<&str>; 3],
        datetime: &str,
    ) -> Option<EventId> {
        let mut hash = self.ids;
        hash.write(&[intake.number()]);
        let [ray_id, rule_id, match_index] = identity;
        for text in [tenant.as_str(), ray_id?, rule_id?, match_index?, datetime] {
            // Each behind its length, so that no two lists are the same bytes.
            hash.write(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.write(text.as_bytes());
        }
        Some(EventId(hash.finish128().as_bytes()))
    }

    /// The hash of a body, to be fed with all of it.
    pub(super) fn body(&self) -> BodyHash {
        BodyHash(self.bodies.clone())
    }
}

/// A keyed hash of a body as it goes by.
pub(super) struct BodyHash(HmacSha256);

impl BodyHash {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> [u8; 32] {
        self.0.finalize().into_bytes().into()
    }
}

/// HMAC's key is a block: a shorter one is padded with zeros (RFC 2104 §2).
fn keyed(key: &[u8; 32]) -> HmacSha256 {
    let mut block = Zeroizing::new([0; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    HmacSha256::new((&*block).into())
}

fn derived(secret: &[u8; 32], label: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut mac = keyed(secret);
    mac.update(label);
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// An id that no other event has.
pub(super) fn random() -> Option<EventId> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).ok()?;
    Some(EventId(id))
}
