//! Every limit of the archive, with its unit and its reason.

/// Longest event, unless configured: 16 MiB, a hundred times the largest that a log service writes. A file
/// without a line end cannot fill the memory.
pub const DEFAULT_MAX_EVENT_BYTES: usize = 16_777_216;

/// Longest JSON document that is no array, and so has to be held whole: 256 MiB, a GraphQL answer of
/// 10,000 events of 25 KB.
pub const MAX_DOCUMENT_BYTES: usize = 268_435_456;

/// Deepest nesting of an event, as deep as `serde_json` reads.
pub const MAX_DEPTH: usize = 128;

/// Deepest nesting of a decrypted text that is spliced in as JSON; a deeper one is spliced in as text. With
/// the event around it, it stays below [`MAX_DEPTH`]: whoever seals cannot make an event unreadable.
pub const MAX_OPENED_DEPTH: usize = 64;

/// Most objects and arrays of one event, or of a document that is held whole: 4,194,304, one for every 64 bytes of
/// the longest document. What is kept of them is 24 bytes each; an event of empty arrays would take twelve times
/// its length.
pub const MAX_CONTAINERS: usize = 4_194_304;

/// Most members of interest among them: 8,388,608, four times what a document of that length with events of the
/// usual size has. What is kept of them is 48 bytes each.
pub const MAX_MEMBERS: usize = 8_388_608;

/// Most members by which a row, and what is around it, says which event it is. A row has seven at most.
pub(super) const MAX_ROW_MEMBERS: usize = 16;

/// What is read at a time: 256 KiB, some 250 events.
pub(super) const BLOCK_BYTES: usize = 262_144;

/// Blocks that are read ahead: with events of the usual size 4 MiB, where each is as long as it may be 256 MiB.
pub(super) const QUEUED_BLOCKS: usize = 16;

/// What is worked on at a time, at least, when it is there: 1 MiB is 30 ms of work for two cores, long
/// beside the moment in which the last of them ends.
pub(super) const BATCH_BYTES: usize = 1_048_576;

/// Events that one thread takes at a time: half a millisecond of work.
pub(super) const EVENTS_AT_A_TIME: usize = 8;
