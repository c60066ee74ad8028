//! Every limit of the envelope, with its unit and its reason.

/// Length of a private key of either kind: an X25519 key, or an X-Wing seed.
pub const PRIVATE_KEY_BYTES: usize = 32;

/// Length of an X25519 public key.
pub const X25519_PUBLIC_BYTES: usize = 32;

/// Length of an X-Wing public key: 1,184 bytes of ML-KEM-768, then 32 of X25519.
pub const XWING_PUBLIC_BYTES: usize = 1_216;

/// Length of a key id: enough that two keys of one owner never share one by accident.
pub const KEY_ID_BYTES: usize = 8;

/// Longest tenant, event id and rule id of a binding: what their 16-bit length prefix can say.
pub const MAX_BINDING_TEXT_BYTES: usize = 65_535;

/// Latest time of a binding, in milliseconds since 1970: the last integer that JavaScript, and with it
/// most JSON, holds exactly.
pub const MAX_TIMESTAMP_MS: u64 = (1 << 53) - 1;

/// A version 4 plaintext is padded to a multiple of this many bytes, so that a blob's length says
/// little about what matched.
pub const PADDING_BYTES: usize = 256;

/// Largest plaintext that is sealed: 1 MiB, 128 times the largest payload that extraction writes. It
/// bounds what one call of a sealer allocates, and leaves room for what other writers sealed.
pub const MAX_PLAINTEXT_BYTES: usize = 1_048_576;

/// Longest line that [`open_lines`](super::Opener::open_lines) reads: 2 MiB hold the largest blob that is
/// sealed here (1.4 MB in base64) and its binding. A line without an end cannot fill the memory.
pub const MAX_LINE_BYTES: usize = 2_097_152;

/// Most keys of one opener. A blob without a key id is tried with each in turn, 0.04 to 0.16 ms each:
/// with 64 keys a blob of nobody's costs 10 ms at most. 64 keys are five years of a new one each month.
pub const MAX_OPENER_KEYS: usize = 64;

/// Longest `content` of a match that extraction writes, in bytes: room for any attack worth reading.
pub const MAX_CONTENT_BYTES: usize = 1_024;

/// Longest `before` and `after` that extraction writes, in bytes: enough to see where a match stands, as
/// Cloudflare has it. Readers take any length.
pub const MAX_CONTEXT_BYTES: usize = 15;

/// Largest payload that is sealed, in bytes of its JSON: eight contents of full length. A log line holds it.
pub const MAX_PAYLOAD_BYTES: usize = 8_192;

/// Longest text of the request that an event says in clear, in bytes; a longer one is cut. Collectors refuse
/// long lines, and nobody is to hide what was done behind a URL of 100 KB.
pub const MAX_EVENT_TEXT_BYTES: usize = 2_048;
