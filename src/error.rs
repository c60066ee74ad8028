//! Errors of whoever configures or signs. What a peer gets wrong is a
//! [`Rejection`](crate::Rejection).

use crate::key::KeyId;
use crate::limits::{
    MAX_COVERED_FIELDS, MAX_EXPLAIN_S, MAX_EXPLAINED_PER_MINUTE, MAX_MAX_AGE_S, MAX_OVERLAP_S,
    MAX_ROOT_ID_BYTES, MAX_SKEW_S, MAX_USES, MIN_SECRET_BYTES,
};

/// A configuration that would not work, or would leave a hole. Two lines: the fault, the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A key id or an audience departs from its grammar.
    #[error(
        "the {what} {text:?} is not 1 to 64 of A-Z a-z 0-9 - _ .\nchoose a plain label, such as shop or 2026-11-a"
    )]
    Label {
        /// `key id` or `audience`.
        what: &'static str,
        /// The text given.
        text: String,
    },
    /// A secret is too short.
    #[error(
        "a secret of {bytes} bytes is shorter than {MIN_SECRET_BYTES}\nmake one with `wafpass keygen`"
    )]
    ShortSecret {
        /// Its length.
        bytes: usize,
    },
    /// A secret is not unpadded base64url.
    #[error(
        "the secret is not unpadded base64url\nuse A-Z a-z 0-9 - _ without = at the end, as `wafpass keygen` prints it"
    )]
    SecretEncoding,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes\ntry again once its random source is ready")]
    NoRandomness,
    /// No keys.
    #[error("there is no key\ngive the keyring at least one")]
    NoKeys,
    /// Two keys have one id.
    #[error("two keys have the id {key_id}\ngive each key an id of its own")]
    DuplicateKeyId {
        /// The id.
        key_id: KeyId,
    },
    /// A key's window holds no moment.
    #[error(
        "the key {key_id} could never count: not_before is not earlier than not_after\nmend the window, or remove the key"
    )]
    EmptyKeyWindow {
        /// The key.
        key_id: KeyId,
    },
    /// The id of a root departs from the grammar of key ids, or leaves no room for a day.
    #[error(
        "the root id {text:?} is not 1 to {MAX_ROOT_ID_BYTES} of A-Z a-z 0-9 - _ .\nchoose a short label, such as shop-root; the ids of its keys add a dot and a day"
    )]
    RootId {
        /// The text given.
        text: String,
    },
    /// An id could mean two keys.
    #[error(
        "the id {key_id} could also mean a key derived from a root\nrename it, or the root that its name without the day is the id of"
    )]
    AmbiguousKeyId {
        /// The id of a key or of another root.
        key_id: KeyId,
    },
    /// The overlap of a root is out of bounds.
    #[error(
        "an overlap of {overlap_s} s is longer than {MAX_OVERLAP_S} s\nlet derived keys count for less beyond their day; an hour is the default"
    )]
    Overlap {
        /// The overlap asked for.
        overlap_s: u32,
    },
    /// A day for which no key can be derived.
    #[error(
        "no key is derived for a day outside the years 0001 to 9999\nset the clock, or name another day"
    )]
    DerivedDay,
    /// `max_age` or `skew` is out of bounds.
    #[error(
        "max_age {max_age_s} s with skew {skew_s} s is out of bounds\nkeep max_age within {MAX_MAX_AGE_S} s and skew within {MAX_SKEW_S} s"
    )]
    Freshness {
        /// The age asked for.
        max_age_s: u32,
        /// The skew asked for.
        skew_s: u32,
    },
    /// The number of uses is out of bounds.
    #[error(
        "a signature cannot have {uses} uses\ngrant 1 to {MAX_USES}: one for each attempt that the CDN makes"
    )]
    Uses {
        /// The number asked for.
        uses: u8,
    },
    /// A field that no signature can cover.
    #[error("the field {name:?} cannot be covered\n{reason}")]
    CoveredField {
        /// The name given.
        name: String,
        /// Why not, and what to do.
        reason: &'static str,
    },
    /// More covered fields than a signature may have.
    #[error("{count} covered fields are more than {MAX_COVERED_FIELDS}\ncover fewer")]
    TooManyCoveredFields {
        /// The number given.
        count: usize,
    },
    /// An origin path prefix that is not one.
    #[error(
        "the origin path prefix {prefix:?} is not usable\nleave it empty, or start it with / and do not end it with /, in visible ASCII without ? and #"
    )]
    StripPrefix {
        /// The prefix given.
        prefix: String,
    },
    /// The replay store forgets before the policy allows.
    #[error(
        "the replay store remembers for max_age {store_max_age_s} s and skew {store_skew_s} s, the policy asks for {max_age_s} s and {skew_s} s\nbuild the store from the same freshness, or a request could land twice"
    )]
    ReplayRetention {
        /// The store's age.
        store_max_age_s: u32,
        /// The store's skew.
        store_skew_s: u32,
        /// The policy's age.
        max_age_s: u32,
        /// The policy's skew.
        skew_s: u32,
    },
    /// A replay store that could remember nothing.
    #[error(
        "a replay store of capacity 0 would refuse every request\ngive it room: requests per second x (max_age + 2 x skew)"
    )]
    ReplayCapacity,
    /// A body cap of nothing while bodies have to be covered.
    #[error(
        "a body cap of 0 bytes would refuse every body\nset the cap to the largest body that the application takes"
    )]
    BodyCap,
    /// A status that a refusal may not have.
    #[error(
        "a refusal cannot have the status {status}\nuse a 4xx other than 404 and 414, which CDNs cache; 401 where 403 is a failover code of the CDN"
    )]
    RefusalStatus {
        /// The status given.
        status: u16,
    },
    /// The path of a route is one that parsers could read in two ways, or no path.
    #[error(
        "the route path {path:?} is not a plain raw path\nstart it with / and write it as it arrives: no query, fragment, wildcard, empty or dot segment, and no escape of what needs none; a prefix ends with /"
    )]
    RoutePath {
        /// The path given.
        path: String,
    },
    /// Two routes hold for the same requests.
    #[error("two routes hold for {route}\nkeep one of them, or give them different methods")]
    DuplicateRoute {
        /// The first one.
        route: String,
    },
    /// Everything would be exempt.
    #[error(
        "everything would be exempt, and nothing verified\nexempt single routes, and enforce or report the rest"
    )]
    ExemptRest,
    /// Refusals would be explained for longer than they may be.
    #[error(
        "refusals cannot be explained for {ahead_s} s ahead\nlet it end within {MAX_EXPLAIN_S} s, and switch it on again when that was not enough"
    )]
    ExplainUntil {
        /// Seconds from now to its end.
        ahead_s: i64,
    },
    /// More records than a log should take, or none.
    #[error(
        "{per_minute} records of explained refusals a minute are out of bounds\nallow 1 to {MAX_EXPLAINED_PER_MINUTE}"
    )]
    ExplainRate {
        /// The number asked for.
        per_minute: u32,
    },
}

/// Why a request was not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The method is no token, or Host is missing, doubled, empty or not the target's.
    #[error(
        "the request is malformed: method, Host or Connection (edge signature §3, row 0)\nsend one Host that equals the target's authority, and name no signed field in Connection"
    )]
    Request,
    /// The target is one that the verifier would refuse.
    #[error(
        "the request target cannot be signed\nstart the path with / (and the origin path prefix, if set), in visible ASCII without #; percent-encode other bytes"
    )]
    Target,
    /// A covered field is not there.
    #[error("the covered field {name} is missing\nset it before signing")]
    MissingCoveredHeader {
        /// The field.
        name: Box<str>,
    },
    /// A covered field is there more than once.
    #[error("the covered field {name} is there more than once\nsend it once")]
    DuplicateHeader {
        /// The field.
        name: Box<str>,
    },
    /// A covered field has a byte outside visible ASCII, space and tab.
    #[error(
        "the covered field {name} has a byte outside visible ASCII, space and tab\nencode the value"
    )]
    MalformedHeader {
        /// The field.
        name: Box<str>,
    },
    /// The nonce departs from the grammar.
    #[error(
        "the nonce is not 16 to 128 of A-Z a-z 0-9 - _ . =\nuse the edge's request id, or random bytes in base64url"
    )]
    Nonce,
    /// The key does not count at this time.
    #[error("the key is revoked, or outside its window\nsign with a key that counts now")]
    InactiveKey,
    /// The date has no four-digit year.
    #[error("the date is outside the years 0001 to 9999\nset the clock")]
    Date,
    /// The operating system gave no random bytes for a nonce.
    #[error("the operating system gave no random bytes\ntry again once its random source is ready")]
    NoRandomness,
}
