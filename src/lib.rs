//! wip
#![forbid(unsafe_code)]

mod canon;
#[cfg(feature = "layer")]
pub mod clock;
mod error;
#[cfg(feature = "explain")]
pub mod explain;
mod key;
mod keyring;
#[cfg(feature = "layer")]
pub mod layer;
pub mod limits;
mod message;
mod policy;
mod rejection;
pub mod replay;
pub mod scheme;
mod sign;
mod time;
#[cfg(feature = "vectors")]
pub mod vectors;
mod verified;
mod verify;

pub use self::canon::{ContentDigest, PathPrefix, QueryMode};
pub use self::error::{ConfigError, SignError};
pub use self::key::{Key, KeyId, Secret};
pub use self::keyring::Keyring;
#[cfg(feature = "layer")]
pub use self::layer::{Exemption, Refusal, SignLayer, VerifyLayer};
pub use self::message::MessageHead;
pub use self::policy::{BodyCoverage, Freshness, HostBinding, RestartBarrier, WafRequirement};
pub use self::rejection::{Rejection, RejectionKind};
#[cfg(feature = "layer")]
pub use self::sign::random_nonce;
pub use self::sign::{Signature, Signer, SignerBuilder};
pub use self::time::UnixTime;
pub use self::verified::{Authentic, Finish, PendingBody, Spent, Verified};
pub use self::verify::{Verifier, VerifierBuilder};
