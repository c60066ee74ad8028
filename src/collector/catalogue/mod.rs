//! The collector's own book: tenants, tokens, keys, batches and quarantine, in one SQLite file.
//!
//! The file is small, is written with `synchronous = FULL`, and is the same whichever store holds the
//! events. It holds no event, no private key, and tokens only as hashes. Several processes may have it
//! open: what the command line changes counts in a running service a second later.
//!
//! Who may do what is answered from memory, so that no request waits for a commit to be who it is.

mod backup;
mod batches;
mod connections;
mod error;
mod fingerprint;
mod key_states;
mod keys;
mod known;
mod ledger;
mod quarantine;
mod records;
mod schema;
mod stats;
mod tenancy;
mod tenants;
mod tokens;

pub use self::backup::{BackupError, BackupReport, backup, restore};
pub use self::batches::ListedBatch;
pub use self::connections::{Catalogue, EventKey};
pub use self::error::CatalogueError;
pub use self::fingerprint::{FINGERPRINT_WORDS, Fingerprint};
pub use self::key_states::{KeyRecord, KeyState, KeyStep};
pub use self::keys::{Challenge, LeftWithout};
pub use self::known::ActiveKeys;
pub use self::ledger::Ledger;
pub use self::quarantine::ListedQuarantine;
pub use self::records::{
    BatchCounts, BatchKey, BatchRecord, Principal, QuarantineCode, Quarantined, RecordedBatch,
    Scope, Scopes,
};
pub use self::stats::{TenantStats, stats};
pub use self::tenancy::TenantRecord;
pub use self::tenants::{ClearText, IngestPolicy, TenantSettings};
pub use self::tokens::{AuthFault, NewToken, TokenRecord, TokenRequest};
pub use super::private_key::RegisteredKeys;
