//! The schema of `wafpass.toml`: what can be written, and what counts where it is left out.
//!
//! The doc comments here are the descriptions in the JSON Schema.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::preset::Preset;
use super::units::{Bytes, Millis, Moment, Seconds};
use crate::limits::{
    DEFAULT_BODY_CAP_BYTES, DEFAULT_EXPLAINED_PER_MINUTE, DEFAULT_REPLAY_CAPACITY,
};

/// What an origin asks of its requests.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(title = "wafpass.toml", extend("required" = ["audience", "freshness", "keys"]))
)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Document {
    /// Where an editor finds the JSON Schema of this file. Not read otherwise.
    #[serde(rename = "$schema")]
    pub(super) _schema: Option<String>,
    /// Name of this site or origin, which every signature carries: 1 to 64 of A-Z a-z 0-9 - _ .
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(super) audience: Option<String>,
    /// What becomes of requests on no route that are refused: `enforce`, or `report-only` for a
    /// roll-out, in which everybody gets through.
    #[cfg_attr(feature = "schema", schemars(with = "schema_only::Rest"))]
    pub(super) enforcement: Mode,
    /// Where the keys come from. At least one source; all of them count together.
    pub(super) keys: Keys,
    /// How old a signature may be, and how often it may be used. One of: `preset`; `attempts` and the
    /// timeouts; `max_age`. There is no default.
    pub(super) freshness: FreshnessTable,
    /// Evidence that the WAF let the request through.
    pub(super) waf: Waf,
    /// What a signature has to cover.
    pub(super) signature: SignatureTable,
    /// What is asked on single paths.
    pub(super) routes: Vec<RouteTable>,
    /// What remembers the signatures that were used.
    pub(super) replay: Replay,
    /// What a refused request gets.
    pub(super) refusal: RefusalTable,
    /// How a changed file takes effect in a running origin.
    pub(super) reload: Reload,
    /// Refusals that the log explains for a while. None where it is left out.
    pub(super) explain: Option<Explain>,
}

/// What becomes of a request that is refused.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Mode {
    /// It is refused.
    #[default]
    Enforce,
    /// It is logged and counted, and passes: open to everybody meanwhile.
    ReportOnly,
    /// It is not verified at all.
    Exempt,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Keys {
    /// Folder with one file for each key, as `wafpass keys` keeps it.
    pub(super) directory: Option<PathBuf>,
    /// Key file, as `wafpass keygen` makes it. Its `freshness` is not read: this file has its own.
    pub(super) file: Option<PathBuf>,
    /// Name of the environment variable that holds the text of a key file.
    pub(super) env: Option<String>,
    /// Who may read `directory`, `file` and every other file with a secret: `owner-only` (mode 0600),
    /// or `mounted-for-group` (mode 0440), for secrets that a platform mounts.
    pub(super) permissions: PermissionsWord,
    /// Keys that stand in this file, or whose secrets are read one by one.
    pub(super) inline: Vec<InlineKey>,
}

/// Who may read the files with secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum PermissionsWord {
    /// Nobody but their owner.
    #[default]
    OwnerOnly,
    /// The group too, which then can sign.
    MountedForGroup,
}

/// A key. One of `key`, `key_env` and `key_file` holds its secret.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["kid"])))]
#[serde(default, deny_unknown_fields)]
pub(super) struct InlineKey {
    /// The key's name, as the edge sends it: 1 to 64 of A-Z a-z 0-9 - _ .
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(super) kid: Option<String>,
    /// The secret: at least 32 bytes in unpadded base64url. The file that it stands in has mode 0600.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(super) key: Option<Zeroizing<String>>,
    /// Name of the environment variable that holds the secret.
    pub(super) key_env: Option<String>,
    /// File that holds the secret, and nothing else but a line end.
    pub(super) key_file: Option<PathBuf>,
    /// The key counts from this moment on.
    pub(super) not_before: Option<Moment>,
    /// The key counts until just before this moment.
    pub(super) not_after: Option<Moment>,
    /// The key is known, and refused.
    pub(super) revoked: bool,
    /// `daily`: the secret is a root, and edges sign with the key that is derived from it for the day.
    pub(super) derive: Option<Derive>,
    /// How long a derived key counts before and after its day: 1h unless set, 12h at most.
    pub(super) overlap: Option<Seconds>,
}

/// How the keys of edges come from a root.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Derive {
    /// One for each UTC day and audience.
    Daily,
}

#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct FreshnessTable {
    /// `strict` (60 s, one use), `cloudfront` (90 s, three uses of GET, HEAD and OPTIONS) or
    /// `cloudfront-origin-group` (210 s, six uses); 5 s of skew each.
    pub(super) preset: Option<Preset>,
    /// How often the CDN tries each origin (CloudFront: 3 unless set). `max_age` and `uses` follow from
    /// it, with `connection_timeout` and `response_timeout`.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 15)))]
    pub(super) attempts: Option<u8>,
    /// How many origins the CDN tries: 2 for an origin group. 1 unless set.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 15)))]
    pub(super) origins: Option<u8>,
    /// How long the CDN waits for a connection (CloudFront: 10s unless set).
    pub(super) connection_timeout: Option<Seconds>,
    /// How long the CDN waits for a response (CloudFront: 30s unless set).
    pub(super) response_timeout: Option<Seconds>,
    /// Oldest signature that is accepted: 1d at most.
    pub(super) max_age: Option<Seconds>,
    /// How far ahead of this clock a signature may be, beside `max_age`: 5s unless set, 1h at most.
    pub(super) skew: Option<Seconds>,
    /// How often GET, HEAD and OPTIONS may use one signature, beside `max_age`: 1 unless set.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 15)))]
    pub(super) uses: Option<u8>,
}

#[derive(Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Waf {
    /// `required`: the edge has to have seen that the WAF let the request through. `not-required`: it
    /// passes without, also when the web ACL was detached.
    pub(super) evidence: Evidence,
}

/// Whether WAF evidence is required.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Evidence {
    /// A request without it is refused.
    #[default]
    Required,
    /// A request without it passes.
    NotRequired,
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct SignatureTable {
    /// Header fields that every signature has to cover, in lower case.
    pub(super) required_headers: Vec<String>,
    /// The path that the CDN puts in front of the viewer's, such as `/prod` (CloudFront's origin path).
    pub(super) strip_prefix: String,
    /// What of the query is signed: `all`, or `none` where the CDN does not forward it.
    pub(super) query: QueryWord,
    /// `bound`: the signed `x-cloud-host` has to be the Host that arrives. `unbound`: it may differ.
    pub(super) host: HostWord,
    /// `when-covered`: a body that the signature covers is checked. `required`: every body has to be
    /// covered, which CloudFront Functions cannot do.
    pub(super) body: BodyWord,
    /// Largest body that is checked. It is held in memory until it is whole.
    pub(super) body_cap: Bytes,
}

impl Default for SignatureTable {
    fn default() -> Self {
        Self {
            required_headers: Vec::new(),
            strip_prefix: String::new(),
            query: QueryWord::All,
            host: HostWord::Unbound,
            body: BodyWord::WhenCovered,
            body_cap: Bytes(u64::try_from(DEFAULT_BODY_CAP_BYTES).unwrap_or(u64::MAX)),
        }
    }
}

/// What of the query is signed.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum QueryWord {
    /// All of it, raw.
    All,
    /// Nothing: anybody can change it on the way.
    None,
}

/// Whether the signed host has to be the Host.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum HostWord {
    /// It may differ.
    Unbound,
    /// It has to.
    Bound,
}

/// Whether bodies have to be covered.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum BodyWord {
    /// Those that are covered are checked.
    WhenCovered,
    /// Those that are not are refused.
    Required,
}

/// What is asked on one path, or under one. An exact path comes before a prefix, the longer prefix
/// before the shorter one, whatever the order in this file.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["enforcement"])))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RouteTable {
    /// The path, byte by byte as it arrives. Either this or `prefix`.
    pub(super) path: Option<String>,
    /// What the path begins with. Ends with `/`.
    pub(super) prefix: Option<String>,
    /// Only requests with one of these methods; with any where it is left out.
    pub(super) methods: Option<Vec<String>>,
    /// `enforce`, `report-only`, or `exempt`, which is not verified at all.
    #[cfg_attr(feature = "schema", schemars(with = "Mode"))]
    pub(super) enforcement: Option<Mode>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Replay {
    /// `window`: in this process, 10 to 24 bytes for each request. `moka`: in this process too, without
    /// the one false refusal in 10¹² of the window. `redis`: for a fleet of origins, see `replay.redis`.
    pub(super) backend: Backend,
    /// Requests that are remembered; one over that is refused, never forgotten. 1000000 unless set.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub(super) capacity: Option<u64>,
    /// The same for each key, so that one edge cannot use up the room of the others. All unless set.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub(super) capacity_per_key: Option<u64>,
    /// Requests a second that this origin gets at most: `capacity` follows from it, or is held to it.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub(super) requests_per_second: Option<u64>,
    /// Whether what was signed before the store began is refused: `on`, `with-skew` where the clocks of
    /// edges run ahead, or `insecure-off`, with which it can be replayed once after each restart.
    pub(super) restart_barrier: Barrier,
    /// Where Redis or Valkey is, with `backend = "redis"`.
    pub(super) redis: Option<Redis>,
}

impl Default for Replay {
    fn default() -> Self {
        Self {
            backend: Backend::Window,
            capacity: None,
            capacity_per_key: None,
            requests_per_second: None,
            restart_barrier: Barrier::On,
            redis: None,
        }
    }
}

impl Replay {
    pub(super) fn default_capacity() -> u64 {
        u64::try_from(DEFAULT_REPLAY_CAPACITY).unwrap_or(u64::MAX)
    }
}

/// What remembers the signatures that were used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Backend {
    /// Time buckets in this process.
    Window,
    /// A moka cache in this process.
    Moka,
    /// Redis or Valkey, for all origins that share it.
    Redis,
}

/// Whether what was signed before the replay store began is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum Barrier {
    /// Yes.
    On,
    /// Yes, and for the skew after that.
    WithSkew,
    /// No.
    InsecureOff,
}

/// A replay store on Redis or Valkey. One of `url`, `url_env` and `url_file` says where it is.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Redis {
    /// `rediss://USER:PASSWORD@HOST:PORT/DATABASE`. A file with a password in it has mode 0600. For a
    /// cluster, several with spaces between them.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub(super) url: Option<Zeroizing<String>>,
    /// Name of the environment variable that holds the URL.
    pub(super) url_env: Option<String>,
    /// File that holds the URL, and nothing else but a line end.
    pub(super) url_file: Option<PathBuf>,
    /// Whether the server is part of a cluster, whose other nodes are asked too.
    pub(super) cluster: bool,
    /// File with the certificate authorities, in PEM, to trust instead of the operating system's.
    pub(super) ca_file: Option<PathBuf>,
    /// Lets `redis://`, without TLS, go to another host than this one or one with a private address.
    /// Whoever sits in between can then say that a signature was not used.
    pub(super) insecure_plaintext: bool,
    /// What all keys in Redis begin with. Fleets that share signatures need the same.
    pub(super) prefix: String,
    /// Name of this origin in `CLIENT LIST`.
    pub(super) client_name: String,
    /// How long a request waits for Redis: 1ms to 5s.
    pub(super) timeout: Millis,
    /// What becomes of a request that Redis does not answer for: `fail-closed` refuses it with 503,
    /// `local-only` lets each origin decide alone, so that each takes the same signature once.
    pub(super) on_failure: OnFailureWord,
    /// Unanswered requests in a row after which Redis is left alone for a while.
    #[cfg_attr(feature = "schema", schemars(range(min = 1)))]
    pub(super) breaker_failures: u32,
    /// For how long at first: 10ms to 30s. Twice as long each time, up to 30s.
    pub(super) breaker_open: Millis,
    /// Time between two looks at the servers: 100ms to 10s.
    pub(super) check_every: Millis,
    /// How it is known that the server does not evict: `probe` asks it, `assert-no-eviction` takes your
    /// word, where it does not let itself be asked.
    pub(super) eviction: EvictionWord,
    /// What it means when another server answers than before: `barrier` refuses what was signed until
    /// then, `trust` does not, for servers that lose nothing.
    pub(super) new_server: NewServerWord,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: None,
            url_env: None,
            url_file: None,
            cluster: false,
            ca_file: None,
            insecure_plaintext: false,
            prefix: "wafpass:".into(),
            client_name: "wafpass".into(),
            timeout: Millis(50),
            on_failure: OnFailureWord::FailClosed,
            breaker_failures: 5,
            breaker_open: Millis(1_000),
            check_every: Millis(10_000),
            eviction: EvictionWord::Probe,
            new_server: NewServerWord::Barrier,
        }
    }
}

/// What becomes of a request that Redis does not answer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum OnFailureWord {
    /// It is refused.
    FailClosed,
    /// Each origin decides alone.
    LocalOnly,
}

/// How it is known that the server does not evict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum EvictionWord {
    /// It is asked.
    Probe,
    /// You say so.
    AssertNoEviction,
}

/// What it means when another server answers than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(super) enum NewServerWord {
    /// That entries may be lost.
    Barrier,
    /// Nothing.
    Trust,
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct RefusalTable {
    /// The status: a 4xx other than 404 and 414, which CDNs cache. 401 where 403 makes the CDN fail over.
    #[cfg_attr(feature = "schema", schemars(range(min = 400, max = 499)))]
    pub(super) status: u16,
}

impl Default for RefusalTable {
    fn default() -> Self {
        Self { status: 403 }
    }
}

#[derive(Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Reload {
    /// Whether this file, and those that it names, are watched. A SIGHUP is heard either way.
    pub(super) watch: bool,
    /// How often they are looked at where the file system tells of no changes: 1s to 1h.
    pub(super) poll: Seconds,
}

impl Default for Reload {
    fn default() -> Self {
        Self { watch: true, poll: Seconds(10) }
    }
}

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["key_id", "until"])))]
#[serde(default, deny_unknown_fields)]
pub(super) struct Explain {
    /// The key whose refusals are explained; the id of a root stands for all keys derived from it.
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub(super) key_id: Option<String>,
    /// Until when: an hour ahead at most. Afterwards nothing is explained, and the file still loads.
    #[cfg_attr(feature = "schema", schemars(with = "Moment"))]
    pub(super) until: Option<Moment>,
    /// Records in a minute: 1 to 600.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 600)))]
    pub(super) per_minute: u32,
}

impl Default for Explain {
    fn default() -> Self {
        Self { key_id: None, until: None, per_minute: DEFAULT_EXPLAINED_PER_MINUTE }
    }
}

/// Types that only the JSON Schema needs.
#[cfg(feature = "schema")]
mod schema_only {
    /// What becomes of requests on no route.
    #[derive(schemars::JsonSchema)]
    #[serde(rename_all = "kebab-case")]
    #[expect(dead_code, reason = "a shape, never a value")]
    pub(super) enum Rest {
        /// They are refused.
        Enforce,
        /// They are logged and counted, and pass.
        ReportOnly,
    }
}

/// The JSON Schema. TOML has no null: what may be left out is left out. Descriptions are one line each.
#[cfg(feature = "schema")]
pub(super) fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Document).to_value();
    tidy(&mut schema);
    schema
}

#[cfg(feature = "schema")]
fn tidy(schema: &mut serde_json::Value) {
    use serde_json::Value;

    match schema {
        Value::Object(members) => {
            members.retain(|name, value| !(name == "default" && value.is_null()));
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            if let Some(Value::Array(types)) = members.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    members.insert("type".into(), only);
                }
            }
            if let Some(Value::Array(choices)) = members.get_mut("anyOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
            }
            members.values_mut().for_each(tidy);
        }
        Value::Array(elements) => elements.iter_mut().for_each(tidy),
        _ => {}
    }
}
