//! The collector's own book: tenants, tokens, keys, batches and quarantine, in one SQLite file.
//!
//! The file is small, is written with `synchronous = FULL`, and is the same whichever store holds the
//! events. It holds no event, no private key, and tokens only as hashes.

mod ledger;
mod records;
mod tenants;

pub use self::ledger::Ledger;
pub use self::records::{
    BatchCounts, BatchKey, BatchRecord, Principal, Quarantined, QuarantineCode, RecordedBatch, Scope, Scopes,
};
pub use self::tenants::{ClearText, IngestPolicy, TenantSettings};
