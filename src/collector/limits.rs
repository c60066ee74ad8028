//! The numbers of the collector, each with its reason.

/// Tenants' ids name folders and stand in bindings: short enough to read.
pub const MAX_TENANT_ID_BYTES: usize = 32;
/// Tenants of one node: each costs an open partition file with its journal while it writes.
pub const MAX_TENANTS: usize = 256;

/// Rows of a chunk: SQLite takes them nearly as fast as 10,000 and nearly twice as fast as 1,000; a batch
/// of 10,000 is written while the rest of it is read, and no chunk holds the writer for long.
pub const CHUNK_EVENTS: usize = 5_000;
/// Events that are worth a chunk when the store waits for one: reading and writing go on side by side from then
/// on, and the cost of a sync is spread over enough of them.
pub const MIN_CHUNK_EVENTS: usize = 2_000;
/// Rows of a segment of the SQLite store: what a search has to read where there is no index yet, a few tens of
/// milliseconds; and few enough segments that a day of 5 million events has a hundred.
pub const SEGMENT_ROWS: usize = 50_000;
/// Partition files that are open for writing at once. Each costs three descriptors and a page cache of 8 MiB at
/// most; a batch may scatter its events over hundreds of days.
pub const OPEN_PARTITIONS: usize = 16;
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
/// Inflated bytes for one of gzip or zstd, once past the first megabyte. Deflate cannot reach it (1,032), so
/// that the log of a flood of equal requests, which packs as well as a bomb, is not refused; zstd can.
pub const MAX_INFLATE_RATIO: u64 = 1_100;

/// Events of one page.
pub const MAX_PAGE_EVENTS: usize = 1_000;
/// Bytes of one page's events: it ends early where they are long.
pub const MAX_PAGE_BYTES: usize = 16 << 20;
/// Values that one condition may list.
pub const MAX_CONDITION_VALUES: usize = 100;
/// Conditions of one filter.
pub const MAX_CONDITIONS: usize = 32;
/// Bytes of one value in a condition.
pub const MAX_CONDITION_BYTES: usize = 2_048;
/// Patterns of one filter, all its conditions together: each is compared with a text of up to
/// [`MAX_LONG_TEXT_BYTES`] of every row, in 20 µs for the longest.
pub const MAX_PATTERNS: usize = 256;
/// Bytes of them, together.
pub const MAX_PATTERN_BYTES: usize = 16 << 10;
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

/// Tokens of a tenant that are in force: one for each sender, reader and operator, with room to rotate.
pub const MAX_TOKENS_PER_TENANT: usize = 64;
/// Characters of a token's name.
pub const MAX_TOKEN_NAME_CHARS: usize = 64;
/// Keys of a tenant, retired ones too: a reader opens with as many, see
/// [`MAX_OPENER_KEYS`](crate::matched_data::limits::MAX_OPENER_KEYS).
pub const MAX_KEYS_PER_TENANT: usize = crate::matched_data::limits::MAX_OPENER_KEYS;
/// How long a key's owner has to open its challenge, in milliseconds: an hour, for keys in a safe.
pub const CHALLENGE_MS: u64 = 3_600_000;
/// Answers that one challenge takes. A guess never hits; a wrong key is noticed at the first.
pub const MAX_CHALLENGE_ATTEMPTS: u32 = 5;
/// How old the catalogue's copy in memory may be, in milliseconds: what another process changes, such as a
/// revoked token, counts after a second.
pub const CATALOGUE_REFRESH_MS: u64 = 1_000;
/// How long batches are listed and their repeats known, in milliseconds: 7 days. Firehose tries again for
/// 2 hours, Logpush five times, a spool on a sender's disk may wait over a long weekend.
pub const KEEP_BATCHES_MS: i64 = 7 * 86_400_000;
/// How long a batch without a key is known by its content, in milliseconds: Logpush tries again within
/// minutes, and the same lines an hour later are no repeat.
pub const KEEP_CONTENT_MS: i64 = 3_600_000;
/// Lines set aside that are listed for a tenant; of older ones the counts stay.
pub const MAX_QUARANTINED_PER_TENANT: u64 = 10_000;
/// Batches that one step of the clean-up forgets: a commit that waits for it waits for milliseconds.
pub const PRUNE_STEP: usize = 2_000;
/// Entries of one page of batches or of quarantine.
pub const MAX_LISTED: usize = 1_000;
/// Bytes of a request's body where no events are sent: 64 KiB, many times the largest settings.
pub const MAX_API_BODY_BYTES: usize = 65_536;
/// Texts within one text that are tried as a private key, 0.02 to 0.2 ms each. Lines that have more of them
/// are none that a WAF writes.
pub const MAX_KEY_CANDIDATES: usize = 64;
/// The same for all texts of a batch: 2 s of a processor at most, whatever strangers write into its lines.
pub const MAX_KEY_CANDIDATES_PER_BATCH: usize = 10_000;
/// Days that events may be kept: ten years.
pub const MAX_RETENTION_DAYS: u32 = 3_660;
/// Names in a list of headers that stay in clear.
pub const MAX_CLEAR_HEADERS: usize = 64;
/// Bytes of the name of such a header.
pub const MAX_HEADER_NAME_BYTES: usize = 128;

/// Live tails of one tenant: each asks the store after every commit.
pub const MAX_TAILS_PER_TENANT: usize = 8;
/// Events that a live tail sends at once; where more came in, the oldest of them are skipped and counted.
pub const TAIL_EVENTS: usize = 500;
/// How long a live tail waits after a commit, in milliseconds: many small batches are one question.
pub const TAIL_PAUSE_MS: u64 = 200;
/// After how many seconds a silent tail shows that it lives: proxies cut at 30 to 60.
pub const TAIL_HEARTBEAT_S: u64 = 15;
/// How long a live tail or an export waits before it asks a busy store again, in milliseconds. The store itself has
/// it wait some seconds before it says so.
pub const BUSY_PAUSE_MS: u64 = 500;
/// How often an export asks a busy store for its next page before it is cut: a minute or so of silence, after which
/// clients and proxies give up as well.
pub const EXPORT_TRIES: u32 = 16;
/// Exports of one tenant at once: each reads as fast as its client does.
pub const MAX_EXPORTS_PER_TENANT: usize = 4;

/// Batches that one tenant may have under way: a fourth of all, so that no tenant keeps the others out.
pub const MAX_OPEN_BATCHES_PER_TENANT: usize = 16;
/// Bytes of all chunks that are being filled or written, shared by the batches under way: eight whole
/// chunks at once, smaller ones when more senders come.
pub const CHUNKS_BYTES: usize = 256 << 20;
/// Frames of a body that wait for their worker: a few network reads.
pub const BODY_FRAMES: usize = 8;
/// How long a sender may be silent in the middle of a body, in seconds: TCP has repeated a lost segment five times by then.
pub const BODY_IDLE_S: u64 = 30;
/// Bytes a second that a sender has to reach, counted over the time that the collector waits for it:
/// slower than any modem.
pub const MIN_BODY_BYTES_PER_S: u64 = 1_000;
/// How long a sender is waited for in all, in seconds: a place is held for half an hour at most, in which 1 Mbit/s
/// brings 225 MB, gzipped a batch of 1 GB and more.
pub const MAX_BODY_WAIT_S: u64 = 1_800;
/// The window of a zstd frame, as a power of two: 8 MiB, the most that a sender may ask of a receiver (RFC 9659 §3).
pub const MAX_ZSTD_WINDOW_LOG: u32 = 23;
/// Levels of arrays and objects in one value of an event.
pub const MAX_NESTING: usize = 64;
/// The text of a `Datetime`, in bytes: RFC 3339 with nine digits and a zone takes 35.
pub const MAX_DATETIME_BYTES: usize = 64;
/// Path, query, referer, user agent and description: longer ones are cut.
pub const MAX_LONG_TEXT_BYTES: usize = 16 << 10;
/// Every other text that can be asked for: longer ones are cut, since they stand in indexes and roll-ups.
pub const MAX_SHORT_TEXT_BYTES: usize = 1_024;
/// An `Idempotency-Key` or a request id.
pub const MAX_BATCH_KEY_BYTES: usize = 256;
/// One record of Firehose, in base64: 1,000 KiB of data at most are let in there.
pub const MAX_FIREHOSE_RECORD_BYTES: u64 = 1_500_000;
/// Lines that an answer names as faulty.
pub const MAX_LISTED_FAULTS: usize = 100;
/// How long a body without a key is known by its content, in milliseconds: an hour, several times what Logpush goes on trying.
pub const CONTENT_KEY_MS: i64 = 3_600_000;
/// What a tenant with a rate may send at once after a pause, in seconds of its rate.
pub const RATE_BURST_S: u32 = 10;
/// How long a tenant's usage is remembered before it is asked again, in milliseconds.
pub const USAGE_AGE_MS: i64 = 10_000;
