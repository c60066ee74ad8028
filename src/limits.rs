//! Every limit of the library, with its unit and its reason.

/// Longest key id and audience. Long enough for a date and a site name, short enough to copy.
pub const MAX_LABEL_BYTES: usize = 64;

/// Longest id of a root: the ids of its derived keys add a dot and a day, `.20261122`.
pub const MAX_ROOT_ID_BYTES: usize = MAX_LABEL_BYTES - 9;

/// How long a derived key counts before and after its day, unless configured: one hour. Tomorrow's
/// key may reach the edge by then, and an edge that is late by as much goes on.
pub const DEFAULT_OVERLAP_S: u32 = 3_600;

/// Longest overlap: half a day. A derived key then lives two days, twice what its name says.
pub const MAX_OVERLAP_S: u32 = 43_200;

/// Shortest secret: the output of SHA-256, below which a key is weaker than the MAC (RFC 2104 §3).
pub const MIN_SECRET_BYTES: usize = 32;

/// Shortest nonce. CloudFront's request id has 56; 16 base64url characters are 96 bits.
pub const MIN_NONCE_BYTES: usize = 16;

/// Longest nonce: twice CloudFront's request id, so that a header stays small.
pub const MAX_NONCE_BYTES: usize = 128;

/// Most covered fields in one signature: bounds the work that an unauthenticated header can ask for.
pub const MAX_COVERED_FIELDS: usize = 16;

/// Longest name of a covered field.
pub const MAX_FIELD_NAME_BYTES: usize = 64;

/// Longest `max_age`: one day. A signature that lives longer is a password.
pub const MAX_MAX_AGE_S: u32 = 86_400;

/// Widest clock skew: one hour. Two clocks further apart are a fault to mend, not to allow for.
pub const MAX_SKEW_S: u32 = 3_600;

/// Most uses of one signature. CloudFront makes six attempts at most (three for each of two
/// origins); the replay window keeps the count in four bits.
pub const MAX_USES: u8 = 15;

/// Requests that the default replay window remembers: at 11 to 24 bytes each 24 MB at most, enough
/// for 10,000 requests a second that are kept for 100 seconds (90 and twice 5 of skew).
pub const DEFAULT_REPLAY_CAPACITY: usize = 1_000_000;

/// Largest body that a covered `content-digest` is checked for, unless configured: what CloudFront
/// lets an edge function read of a body (1 MB at the origin-request event).
pub const DEFAULT_BODY_CAP_BYTES: usize = 1_048_576;

/// Log events of one reason in a second, unless configured: enough to see what is going on, at 200 bytes
/// each. Counters are exact whatever is logged.
pub const DEFAULT_LOGGED_PER_SECOND: u32 = 10;

/// Most log events of one reason in a second that `wafpass.toml` can ask for: 200 KB a second of text that
/// a stranger sets off. Who needs each refusal has the counters, and the edge's own log.
pub const MAX_LOGGED_PER_SECOND: u32 = 1_000;

/// Time that origins get to load a new key before an edge signs with it: five minutes, in which a
/// mounted secret is brought up to date (Kubernetes: a minute or two) and a fleet reloads.
pub const DEFAULT_SETTLE_S: u32 = 300;

/// Time that a key has to be unused before it is retired, where origins say when it was: one hour,
/// longer than an edge's key-value store takes to be the same everywhere.
pub const DEFAULT_UNUSED_FOR_S: u32 = 3_600;

/// Time that a key stays accepted after it gave way to another, where nobody says when it was last
/// used: one day, as [`MAX_MAX_AGE_S`] is. No signature lives longer.
pub const MIN_RETIRING_S: i64 = 86_400;

/// Time that a retired key stays on record: one day, so that whoever still signs with it shows as
/// `inactive-key` and not as a stranger.
pub const MIN_RETIRED_S: i64 = 86_400;

/// Largest file of a key directory. Its longest members make less than 1 KB.
pub const MAX_KEY_RECORD_BYTES: u64 = 65_536;

/// Largest `wafpass.toml`: a thousand routes are a tenth of it.
pub const MAX_CONFIG_BYTES: u64 = 1_048_576;

/// Longest time ahead that refusals of a key may be explained: an hour, in which two teams on the
/// telephone find what differs. What is switched on and forgotten goes off by itself.
pub const MAX_EXPLAIN_S: i64 = 3_600;

/// Records of explained refusals of one key in a minute, unless configured: a few for each attempt of
/// somebody who tries again and again, and no flood of a log.
pub const DEFAULT_EXPLAINED_PER_MINUTE: u32 = 10;

/// Most records of one key in a minute: ten a second, of 500 bytes to 3 KB each.
pub const MAX_EXPLAINED_PER_MINUTE: u32 = 600;
