//! The companion service: takes sealed events in, loses none, answers fast, and can read none of them.
//!
//! - **What is acknowledged is on the disk**: an answer of 2xx means that the whole batch is stored, synced
//!   and visible; any other answer means that none of it is.
//! - **What is stored can be read by its owner alone**: what a rule matched is ciphertext when it arrives, or
//!   is sealed before it touches a disk. The collector holds public keys only, and refuses private ones.
//! - **Whose it is follows from the credential alone**: no header, path or line names a tenant.
//! - **What arrives twice is stored once**: a batch by its id, an event by what identifies it.
//!
//! ```text
//! api  server                       HTTP: ingest, queries, operation
//! ingest                            bytes -> lines -> events, per sender
//! store/{sqlite, clickhouse}        events, roll-ups, queries, behind one trait
//! catalogue                         tenants, tokens, keys, batches, quarantine: one SQLite file
//! event  field  query               what all of them speak of
//! ```

pub mod api;
pub mod auth;
pub mod catalogue;
mod cursor;
pub mod event;
pub mod field;
pub mod ingest;
pub mod limits;
pub mod private_key;
pub mod query;
pub mod server;
mod state;
pub mod store;
mod telemetry;
pub mod tenant;

pub use self::event::{EventId, EventTime, Flags, Intake, NewEvent, SealedText, StoredEvent};
pub use self::field::{Field, FieldKind, FieldValues};
pub use self::state::Collector;
pub use self::tenant::TenantId;
