//! The key directory: one file for each key, which says where the key is in its life.
//!
//! ```text
//! keys/               mode 0700
//!   2026-10-a.json    mode 0600, {"kid": "2026-10-a", "key": …, "state": "retiring", …}
//!   2026-11-a.json               {"kid": "2026-11-a", "key": …, "state": "signing", …}
//! ```
//!
//! - **What an origin takes from it**: every key that is not retired is active; a retired one is
//!   revoked, so that its use shows as `inactive-key` and not as a stranger's.
//! - **What it does not take**: a directory or a file that others can read, a file that is not a
//!   key's, a member that it does not know. It loads whole or not at all.
//! - **What a crash leaves**: each file is written beside its place and moved there, so it is the
//!   one before or the one after. A promotion that was cut off leaves two keys `signing`, both
//!   accepted; the same promotion again finishes it.
//!
//! The order of the steps, and which are refused, is [`Life::after`]: a plain function, without I/O.
//! `docs/rotation.md` is the runbook, `wafpass keys` the command.
//!
//! ```
//! use wafpass::key_directory::{KeyDirectory, KeyRecord, Learnt};
//! use wafpass::{Secret, clock};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let scratch = tempfile::tempdir()?;
//! # let path = scratch.path().join("keys");
//! let mut writer = KeyDirectory::create(&path)?; // or KeyDirectory::lock, where it is there
//! let record = KeyRecord::new("2026-11-a", Secret::generate()?, clock::now())?;
//! let id = *record.id();
//! writer.add(record)?;
//! writer.promote(&id, Learnt::FirstKey, clock::now())?;
//! drop(writer);
//!
//! let keyring = KeyDirectory::open(&path)?.keyring()?; // in the origin
//! assert!(keyring.get(&id).is_some_and(|key| key.is_active(clock::now())));
//! # Ok(())
//! # }
//! ```

mod error;
mod life;
mod read;
mod record;
mod refusal;
mod step;
mod write;

pub use self::error::KeyDirectoryError;
pub use self::life::{KeyState, Learnt, Life, Next, OriginReport, Step, Unused};
pub use self::read::{KeyDirectory, Permissions};
pub use self::record::{Derivation, KeyRecord, OriginKey};
pub use self::refusal::StepRefusal;
pub use self::write::KeyDirectoryWriter;

#[cfg(test)]
mod tests;
