//! Matched data: what a WAF rule matched, readable only by its owner.
//!
//! The part of a request that made a rule match may hold passwords, cookies and personal data. So it is
//! sealed where it is taken, with the owner's public key, and everybody on the way carries a *blob* that
//! none of them can read:
//!
//! - **what opens**: a blob that was sealed for this key and, in version 4, for this very event. A
//!   blob moved to another event, cut or changed in one byte does not open;
//! - **what a refused blob gets**: one of nine stable codes ([`Refused`]), whatever the bytes. Nothing
//!   panics, allocates by an unchecked length or says more about the key;
//! - **what it does not promise**: who sealed it. Whoever holds the public key can, so provenance rests
//!   on who may send to the collector, and a user interface has to say so.
//!
//! | version | sealed by | suite | bound to its event | names its key | hides the length |
//! | - | - | - | - | - | - |
//! | 1, 2 | old archives; read only | X25519, of two HPKE drafts | no | no | no |
//! | 3 | Cloudflare's payload logging, [`seal_v3_with`] | X25519 | no | no | no |
//! | 4 | [`seal_v4_with`] | X25519 or X-Wing | yes | yes | to 256 bytes |
//!
#![cfg_attr(feature = "random", doc = "```")]
#![cfg_attr(not(feature = "random"), doc = "```ignore")]
//! use wafpass::matched_data::{Binding, PrivateKey, Refused, Suite, open, seal_v4};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let owner = PrivateKey::generate(Suite::X25519)?;
//! let event = Binding::new("acme", "7d0f3c1b2a9e4c55/0", "100173", 1_795_307_400_123)?;
//! let matched = br#"{"http.request.uri.path": {"before": "/", "content": "../"}}"#;
//!
//! let blob = seal_v4(matched, owner.public_key(), &event)?; // where the rule matched
//! assert_eq!(*open(&blob, &owner, Some(&event))?, *matched); // where its owner looks into it
//!
//! let somebody = PrivateKey::generate(Suite::X25519)?;
//! assert_eq!(open(&blob, &somebody, Some(&event)), Err(Refused::WrongKey));
//! # Ok(())
//! # }
//! ```
//!
//! `docs/matched-data.md` has the format and how to handle keys. The module builds for WebAssembly;
//! there, [`Entropy`] takes the place of the operating system's random source.

#[cfg(feature = "archive")]
pub mod archive;
mod binding;
mod blob;
#[cfg(feature = "rules")]
mod event;
#[cfg(feature = "rules")]
mod extract;
mod kem;
mod key;
pub mod limits;
mod open;
mod payload;
mod refused;
mod seal;
mod suite;
#[cfg(test)]
mod tests;

pub use self::binding::Binding;
pub use self::blob::{Blob, TRUNCATED};
#[cfg(feature = "rules")]
pub use self::event::{ClearText, Event, EventParts};
#[cfg(feature = "rules")]
pub use self::extract::{CookieValues, DenyList, Traced, extract};
pub use self::key::{KeyError, KeyId, PrivateKey, PublicKey};
pub use self::open::{Engine, Line, LineError, Lines, Opener, Plaintext, open};
pub use self::payload::{Content, Entry, Form, Match, Payload, PayloadError, TooLarge};
pub use self::refused::Refused;
pub use self::seal::{Entropy, SealError, seal_v3_with, seal_v4_with};
#[cfg(feature = "random")]
pub use self::seal::{seal_v3, seal_v4};
pub use self::suite::Suite;
