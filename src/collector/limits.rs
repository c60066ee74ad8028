//! The numbers of the collector, each with its reason.

/// Tenants' ids name folders and stand in bindings: short enough to read.
pub const MAX_TENANT_ID_BYTES: usize = 32;
/// Tenants of one node: each costs an open partition file with its journal while it writes.
pub const MAX_TENANTS: usize = 256;

/// Rows of a chunk: SQLite takes them at nearly twice the speed of chunks of 1,000, and a chunk still
/// holds the writer for a fraction of a second only.
pub const CHUNK_EVENTS: usize = 10_000;
/// Bytes of a chunk's texts and blobs, so that memory stays flat when lines are long.
pub const CHUNK_BYTES: usize = 16 << 20;
/// Batches that are being received at once; with their chunks they bound the memory, and a cursor
/// names those that were under way when it was made.
pub const MAX_OPEN_BATCHES: usize = 64;

/// One line: Cloudflare's largest events with a blob of 8 KiB stay far below.
pub const MAX_LINE_BYTES: usize = 256 << 10;
/// One batch, inflated: Logpush sends up to 1 GB.
pub const MAX_BATCH_BYTES: u64 = 2 << 30;
/// Lines of one batch: Logpush sends up to 1,000,000 records.
pub const MAX_BATCH_LINES: u64 = 2_000_000;
/// Inflated bytes for one of gzip or zstd, once past the first megabyte: logs stay below 30, a bomb of
/// blanks reaches 1,000.
pub const MAX_INFLATE_RATIO: u64 = 200;

/// Events of one page.
pub const MAX_PAGE_EVENTS: usize = 1_000;
/// Values that one condition may list.
pub const MAX_CONDITION_VALUES: usize = 100;
/// Conditions of one filter.
pub const MAX_CONDITIONS: usize = 32;
/// Bytes of one value in a condition.
pub const MAX_CONDITION_BYTES: usize = 2_048;
/// Buckets of one histogram.
pub const MAX_BUCKETS: u64 = 2_000;
/// Series of one histogram, or values of one top list.
pub const MAX_GROUPS: usize = 100;
/// Rows that one query may look at before it answers with what it has.
pub const SCAN_BUDGET_ROWS: u64 = 2_000_000;
/// How long one query may look, in milliseconds, before it answers with what it has.
pub const SCAN_BUDGET_MS: u64 = 2_000;

/// An event may be dated ahead of the collector's clock by a day: clocks differ, but a far date would
/// outlive its retention.
pub const MAX_AHEAD_S: i64 = 86_400;

/// Lines set aside that a batch lists one by one; the rest is counted. A sender that is all wrong does
/// not fill the catalogue.
pub const MAX_QUARANTINED_PER_BATCH: usize = 1_000;
