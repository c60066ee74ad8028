//! `wafpass.toml`: what loads, and each reason why a file does not, with its place and the way out.
//!
//! `SNAPSHOTS=overwrite cargo test --all-features --test config_file` writes what has changed, to be read.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use http::Method;
use proptest::prelude::*;
use snapbox::data::Inline;
use snapbox::{IntoData, assert_data_eq, str};
use tempfile::TempDir;
use tower::{Layer, ServiceExt};
use wafpass::config::{Config, ConfigFault, KeyFile, KeyFileError, KeySource};
use wafpass::key_directory::{Derivation, KeyDirectory, KeyRecord, KeyState, Learnt, OriginKey};
use wafpass::limits::DEFAULT_LOGGED_PER_SECOND;
use wafpass::replay::{Capacity, Retention};
use wafpass::{
    Enforcement, Freshness, KeyId, RestartBarrier, RootKey, Secret, Verifier, VerifyLayer,
    WafRequirement, clock,
};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

const GOOD: &str =
    "audience = \"shop\"\nkeys.file = \"keys.json\"\nfreshness.preset = \"strict\"\n";

/// Every fault of `text`, which holds no secret.
fn told(text: &str) -> String {
    let fault = Config::parse(text, "wafpass.toml").expect_err("this must not load").to_string();
    assert!(!fault.contains(SECRET) && !fault.contains("hunter2"), "{fault}");
    assert!(fault.lines().count().is_multiple_of(2), "{fault}");
    fault
}

/// The faults of a good file with `more`.
#[track_caller]
fn with(more: &str, expected: Inline) {
    assert_data_eq!(told(&format!("{GOOD}{more}")), expected.raw());
}

/// The faults of a good file with another `[freshness]`.
#[track_caller]
fn fresh(table: &str, expected: Inline) {
    let text = format!("audience = \"shop\"\nkeys.file = \"k\"\n[freshness]\n{table}");
    assert_data_eq!(told(&text), expected.raw());
}

#[test]
fn what_has_no_safe_default_is_asked_for() {
    assert_data_eq!(
        told(""),
        str![[r#"
wafpass.toml:1:1: there is no `audience`, the name of this site or origin
write audience = "shop" in the first lines, as the edge has it
wafpass.toml:1:1: there are no keys
name where the keys are: directory = "keys" (wafpass keys new), or file, env, inline
wafpass.toml:1:1: how old may a signature be? There is no default
choose one: preset; attempts with connection_timeout and response_timeout; max_age
"#]]
        .raw()
    );
    assert_data_eq!(
        told("[keys]\n[freshness]\n"),
        str![[r#"
wafpass.toml:1:1: there is no `audience`, the name of this site or origin
write audience = "shop" in the first lines, as the edge has it
wafpass.toml:1:2: there are no keys
name where the keys are: directory = "keys" (wafpass keys new), or file, env, inline
wafpass.toml:2:2: how old may a signature be? There is no default
choose one: preset; attempts with connection_timeout and response_timeout; max_age
"#]]
        .raw()
    );
    assert_data_eq!(
        told(&GOOD.replace("\"shop\"", "\"a b\"")),
        str![[r#"
wafpass.toml:1:1: the audience "a b" is not 1 to 64 of A-Z a-z 0-9 - _ .
choose a plain label, such as shop or 2026-11-a
"#]]
        .raw()
    );
    fresh(
        "",
        str![[r#"
wafpass.toml:3:2: how old may a signature be? There is no default
choose one: preset; attempts with connection_timeout and response_timeout; max_age
"#]],
    );
}

#[test]
fn names_and_types() {
    assert_data_eq!(
        told("audience = shop"),
        str![[r#"
wafpass.toml:1:12: not TOML: string values must be quoted
mend the line; texts stand in quotes, tables in [ ]
"#]]
        .raw()
    );
    assert_data_eq!(
        told("audience = \"shop\"\naudience = \"hunter2\"\n"),
        str![[r#"
wafpass.toml:2:1: not TOML: duplicate key
write each key and each [table] once
"#]]
        .raw()
    );
    let text = GOOD.replace("audience", "aud").replace("preset", "max_aeg");
    assert_data_eq!(
        told(&text),
        str![[r#"
wafpass.toml:1:1: there is no `aud`
did you mean `audience`?
wafpass.toml:3:11: there is no `freshness.max_aeg`
did you mean `max_age`?
"#]]
        .raw()
    );
    with(
        "query = \"all\"\nbounds = 5\n[waf]\nevidence = \"hunter2\"\n[refusal]\nstatus = \"hunter2\"\n[reload]\npoll = \"often\"\n[[routes]]\npath = 1\n",
        str![[r#"
wafpass.toml:4:1: there is no `query`
it belongs into [signature]
wafpass.toml:5:1: there is no `bounds`
leave it out, or write one of: audience, enforcement, keys, freshness, waf, signature, routes, replay, limits, refusal, telemetry, reload, explain, collector
wafpass.toml:7:1: `waf.evidence` cannot have this value
write one of: "required", "not-required"
wafpass.toml:9:1: `refusal.status` cannot have this value
write a status such as 403, without quotes
wafpass.toml:11:1: `reload.poll` cannot have this value
write a time such as "90s", "5m" or "1h", or whole seconds
wafpass.toml:12:1: this route does not say what is asked on it
write enforcement = "enforce", "report-only" or "exempt"
wafpass.toml:13:1: `routes[0].path` cannot have this value
write a text in quotes
"#]],
    );
}

#[test]
fn freshness() {
    fresh(
        "preset = \"strict\"\nmax_age = 60\nattempts = 3\n",
        str![[r#"
wafpass.toml:5:1: `max_age` does not go together with `preset`
choose one: preset; attempts with connection_timeout and response_timeout; max_age
wafpass.toml:6:1: `attempts` does not go together with `preset`
choose one: preset; attempts with connection_timeout and response_timeout; max_age
"#]],
    );
    fresh(
        "max_age = \"60s\"\norigins = 2\n",
        str![[r#"
wafpass.toml:5:1: `origins` does not go together with `max_age`
choose one: preset; attempts with connection_timeout and response_timeout; max_age
"#]],
    );
    fresh(
        "max_age = \"2d\"\n",
        str![[r#"
wafpass.toml:4:1: max_age 172800 s with skew 5 s is out of bounds
keep max_age within 86400 s and skew within 3600 s
"#]],
    );
    fresh(
        "max_age = 60\nskew = \"2h\"\n",
        str![[r#"
wafpass.toml:5:1: max_age 60 s with skew 7200 s is out of bounds
keep max_age within 86400 s and skew within 3600 s
"#]],
    );
    fresh(
        "max_age = 0\n",
        str![[r#"
wafpass.toml:4:1: a `max_age` of 0 s would refuse what was signed a second ago
allow for the way from the edge; 60s is strict
"#]],
    );
    fresh(
        "max_age = 600\nuses = 16\n",
        str![[r#"
wafpass.toml:5:1: a signature cannot have 16 uses
grant 1 to 15: one for each attempt that the CDN makes
"#]],
    );
    fresh(
        "max_age = 60\nuses = 3\n",
        str![[r#"
wafpass.toml:4:1: attempt 3 can come 80 s after the first, and `max_age` 1m refuses it
raise max_age to 85s or more, lower uses, or write the CDN's connection_timeout and response_timeout (taken as 10s and 30s)
"#]],
    );
    fresh(
        "max_age = 30\nuses = 3\nconnection_timeout = 5\nresponse_timeout = 10\n",
        str![[r#"
wafpass.toml:4:1: attempt 3 can come 30 s after the first, and `max_age` 30s refuses it
raise max_age to 35s or more, lower uses, or write the CDN's connection_timeout and response_timeout (taken as 5s and 10s)
"#]],
    );
    fresh(
        "attempts = 3\n",
        str![[r#"
wafpass.toml:3:2: `connection_timeout` is missing: the time between two attempts depends on it
write what the CDN is set to; CloudFront has 10s to connect and 30s to respond unless set
wafpass.toml:3:2: `response_timeout` is missing: the time between two attempts depends on it
write what the CDN is set to; CloudFront has 10s to connect and 30s to respond unless set
"#]],
    );
    fresh(
        "attempts = 4\norigins = 4\nconnection_timeout = 5\nresponse_timeout = 10\n",
        str![[r#"
wafpass.toml:4:1: `attempts` times `origins` is 16, and that many uses are not granted
keep it from 1 to 15
"#]],
    );
    fresh(
        "attempts = 3\nconnection_timeout = \"1d\"\nresponse_timeout = 10\nskew = 5\n",
        str![[r#"
wafpass.toml:6:1: max_age 172825 s with skew 5 s is out of bounds
keep max_age within 86400 s and skew within 3600 s
wafpass.toml:7:1: `skew` does not go together with `attempts`
choose one: preset; attempts with connection_timeout and response_timeout; max_age
"#]],
    );
}

#[test]
fn keys() {
    with(
        "keys.env = \"hunter2=1\"\n",
        str![[r#"
wafpass.toml:4:6: `keys.env` is not the name of an environment variable
write the name, of A-Z 0-9 _, and not the value
"#]],
    );
    let inline = |key: &str| {
        format!("audience = \"shop\"\nfreshness.preset = \"strict\"\n[[keys.inline]]\n{key}")
    };
    let key = |key: &str, expected: Inline| assert_data_eq!(told(&inline(key)), expected.raw());
    key(
        "",
        str![[r#"
wafpass.toml:3:1: this key has no `kid`
name it as the edge does
wafpass.toml:3:1: this key has no secret
write one of key_file, key_env and key
"#]],
    );
    key(
        &format!("kid = \"a b {SECRET}\"\nkey = \"AAEC\"\n"),
        str![[r#"
wafpass.toml:4:1: this `kid` is not 1 to 64 of A-Z a-z 0-9 - _ .
choose a plain label, such as 2026-11-a
wafpass.toml:5:1: a secret of 3 bytes is shorter than 32
make one with `wafpass keygen`
"#]],
    );
    key(
        &format!("kid = \"a\"\nkey = \"{SECRET}=\"\nkey_env = \"K\"\n"),
        str![[r#"
wafpass.toml:3:1: this key has more than one secret
keep one of key_file, key_env and key
"#]],
    );
    key(
        &format!("kid = \"a\"\nkey = \"{SECRET}=\"\n"),
        str![[r#"
wafpass.toml:5:1: the secret is not unpadded base64url
use A-Z a-z 0-9 - _ without = at the end, as `wafpass keygen` prints it
"#]],
    );
    key(
        "kid = \"a\"\nkey_env = \"K\"\noverlap = \"1h\"\n",
        str![[r#"
wafpass.toml:6:1: `overlap` is of derived keys, and nothing is derived from this one
take it out, or add derive = "daily"
"#]],
    );
    key(
        "kid = \"a\"\nkey_env = \"K\"\nderive = \"daily\"\noverlap = \"25h\"\n",
        str![[r#"
wafpass.toml:7:1: an overlap of 90000 s is longer than 43200 s
let derived keys count for less beyond their day; an hour is the default
"#]],
    );
    key(
        "kid = \"a\"\nkey_env = \"K\"\nderive = \"weekly\"\n",
        str![[r#"
wafpass.toml:6:1: `keys.inline[0].derive` cannot have this value
write one of: "daily"
"#]],
    );
    key(
        "kid = \"a\"\nkey_env = \"K\"\n[[keys.inline]]\nkid = \"a\"\nkey_env = \"K\"\n",
        str![[r#"
wafpass.toml:7:1: two keys in `keys.inline` have this `kid`
give each key an id of its own
"#]],
    );
    key(
        "kid = \"a\"\nkey_env = \"K\"\nnot_before = 2027-01-01T00:00:00Z\nnot_after = \"20261122T000000Z\"\n",
        str![[r#"
wafpass.toml:7:1: this key could never count: `not_before` is not earlier than `not_after`
mend the window, or remove the key
"#]],
    );
    key(
        "kid = \"a\"\nkey_env = \"K\"\nnot_before = 2027-01-01T00:00:00\n",
        str![[r#"
wafpass.toml:6:1: `keys.inline[0].not_before` cannot have this value
write a moment such as 2026-11-22T00:30:00Z, "20261122T003000Z", or Unix seconds
"#]],
    );
}

#[test]
fn signature_limits_and_refusal() {
    with(
        "[signature]\nrequired_headers = [\"x-tenant\", \"Cookie\", \"host\"]\nstrip_prefix = \"prod/\"\nbody = \"required\"\n[limits]\nbody_cap = 0\n",
        str![[r#"
wafpass.toml:5:33: the field "Cookie" cannot be covered
write it in lower case, of a-z 0-9 and -, 64 bytes at most
wafpass.toml:5:43: the field "host" cannot be covered
hops rewrite it: let the edge copy its value to a field of its own
wafpass.toml:6:1: the origin path prefix "prod/" is not usable
leave it empty, or start it with / and do not end it with /, in visible ASCII without ? and #
wafpass.toml:9:1: a body cap of 0 bytes would refuse every body
set the cap to the largest body that the application takes
"#]],
    );
    let many: Vec<String> = (0..17).map(|n| format!("\"x-{n}\"")).collect();
    with(
        &format!("[signature]\nrequired_headers = [{}]\n", many.join(", ")),
        str![[r#"
wafpass.toml:5:1: 17 covered fields are more than 16
cover fewer
"#]],
    );
    with(
        "[refusal]\nstatus = 404\n",
        str![[r#"
wafpass.toml:5:1: a refusal cannot have the status 404
use a 4xx other than 404 and 414, which CDNs cache; 401 where 403 is a failover code of the CDN
"#]],
    );
    with(
        "[refusal]\nstatus = 1000\n",
        str![[r#"
wafpass.toml:5:1: a refusal cannot have the status 1000
use a 4xx other than 404 and 414, which CDNs cache; 401 where 403 is a failover code of the CDN
"#]],
    );
}

#[test]
fn routes() {
    with(
        "enforcement = \"exempt\"\n",
        str![[r#"
wafpass.toml:4:1: everything would be exempt, and nothing verified
exempt single routes, and enforce or report the rest
"#]],
    );
    with(
        "[[routes]]\n[[routes]]\nenforcement = \"exempt\"\n",
        str![[r#"
wafpass.toml:4:1: this route does not say what is asked on it
write enforcement = "enforce", "report-only" or "exempt"
wafpass.toml:5:1: this route has no path
write path = "/health", or prefix = "/assets/"
"#]],
    );
    with(
        "[[routes]]\nprefix = \"/\"\nenforcement = \"exempt\"\n",
        str![[r#"
wafpass.toml:5:1: every path begins with /: everything would be exempt, and nothing verified
exempt single paths
"#]],
    );
    with(
        "[[routes]]\nprefix = \"/\"\nenforcement = \"report-only\"\n",
        str![[r#"
wafpass.toml:5:1: every path begins with /: everybody would get through everywhere
say so where it is seen: enforcement = "report-only" in the first lines
"#]],
    );
    with(
        "[[routes]]\npath = \"/a\"\nprefix = \"/a/\"\nenforcement = \"enforce\"\n",
        str![[r#"
wafpass.toml:6:1: a route has a `path` or a `prefix`, and not both
make two routes of it
"#]],
    );
    with(
        "[[routes]]\nprefix = \"/a\"\nenforcement = \"exempt\"\n",
        str![[r#"
wafpass.toml:5:1: the route path "/a" is not a plain raw path
start it with / and write it as it arrives: no query, fragment, wildcard, empty or dot segment, and no escape of what needs none; a prefix ends with /
"#]],
    );
    with(
        "[[routes]]\npath = \"/a/../b\"\nenforcement = \"exempt\"\n",
        str![[r#"
wafpass.toml:5:1: the route path "/a/../b" is not a plain raw path
start it with / and write it as it arrives: no query, fragment, wildcard, empty or dot segment, and no escape of what needs none; a prefix ends with /
"#]],
    );
    with(
        "[[routes]]\npath = \"/a\"\nenforcement = \"exempt\"\n[[routes]]\npath = \"/a\"\nenforcement = \"enforce\"\n",
        str![[r#"
wafpass.toml:8:1: two routes hold for /a
keep one of them, or give them different methods
"#]],
    );
    with(
        "[[routes]]\npath = \"/a\"\nmethods = [\"get\", \"G T\"]\nenforcement = \"exempt\"\n[[routes]]\npath = \"/b\"\nmethods = []\nenforcement = \"exempt\"\n",
        str![[r#"
wafpass.toml:6:12: the method "get" is not one that clients send: case counts
write "GET"
wafpass.toml:6:19: the method "G T" is not one
write it as it is sent, such as "GET"
wafpass.toml:10:1: a route for no method holds for no request
leave `methods` out for any method
"#]],
    );
}

#[test]
fn replay() {
    with(
        "[replay]\ncapacity = 0\n",
        str![[r#"
wafpass.toml:5:1: room for 0 requests would refuse every request
give it room: requests per second x (max_age + 2 x skew + 1)
"#]],
    );
    with(
        "[replay]\ncapacity = 10\ncapacity_per_key = 0\n",
        str![[r#"
wafpass.toml:6:1: room for 0 requests would refuse every request
give it room: requests per second x (max_age + 2 x skew + 1)
"#]],
    );
    with(
        "[replay]\ncapacity = 10\ncapacity_per_key = 11\n",
        str![[r#"
wafpass.toml:6:1: a key cannot have more room (11) than all keys have (10)
lower it, or raise capacity
"#]],
    );
    with(
        "[replay]\nrequests_per_second = 1000\ncapacity = 70000\n",
        str![[r#"
wafpass.toml:6:1: room for 70000 requests is too little: 71000 can be there at once
raise capacity to 71000 (requests_per_second x (max_age + 2 x skew + 1)), or leave it out
"#]],
    );
    with(
        "[replay]\nrequests_per_second = 0\n",
        str![[r#"
wafpass.toml:5:1: room for 0 requests would refuse every request
give it room: requests per second x (max_age + 2 x skew + 1)
"#]],
    );
    with(
        "[replay]\nrestart_barrier = \"off\"\n",
        str![[r#"
wafpass.toml:5:1: `replay.restart_barrier` cannot have this value
write one of: "on", "with-skew", "insecure-off"
"#]],
    );
    with(
        "[replay]\nbackend = \"redis\"\n",
        str![[r#"
wafpass.toml:4:2: `backend = "redis"`, and nothing says where Redis is
write a table [replay.redis] with url_env or url_file
"#]],
    );
    with(
        "[replay]\nbackend = \"moka\"\n[replay.redis]\nurl_env = \"U\"\n",
        str![[r#"
wafpass.toml:6:9: there is a [replay.redis], and another backend
write backend = "redis" in [replay], or take it out
"#]],
    );
    let redis = |table: &str, expected: Inline| {
        with(&format!("[replay]\nbackend = \"redis\"\n[replay.redis]\n{table}"), expected);
    };
    redis(
        "",
        str![[r#"
wafpass.toml:6:9: nothing says where Redis is
write url_env, url_file or url
"#]],
    );
    redis(
        "url_env = \"U\"\nurl_file = \"u\"\n",
        str![[r#"
wafpass.toml:6:9: where Redis is, is said in more than one way
keep one of url_env, url_file and url
"#]],
    );
    redis(
        "url_env = \"redis://u:hunter2@h\"\n",
        str![[r#"
wafpass.toml:7:1: `replay.redis.url_env` is not the name of an environment variable
write the name, of A-Z 0-9 _, and not the value
"#]],
    );
    redis(
        "url = \"redis://u:hunter2@redis.example:6379\"\n",
        str![[r#"
wafpass.toml:7:1: Redis would be asked without TLS, on a host that is neither this one nor a private address
write rediss://, or a private IP address; insecure_plaintext = true lets it be, and whoever sits in between can let a replay through
"#]],
    );
    redis(
        "url = \"http://hunter2\"\n",
        str![[r#"
wafpass.toml:7:1: the URL of Redis has no scheme that is known
write rediss://USER:PASSWORD@HOST:PORT/DATABASE
"#]],
    );
    redis(
        "url = \" \"\n",
        str![[r#"
wafpass.toml:7:1: the URL of Redis is empty
write rediss://USER:PASSWORD@HOST:PORT/DATABASE
"#]],
    );
    redis(
        "url = \"rediss://a rediss://b redis://8.8.8.8\"\ncluster = true\ntimeout = \"6s\"\nbreaker_failures = 0\nbreaker_open = \"1ms\"\ncheck_every = \"1m\"\nprefix = \"{a}\"\nclient_name = \"a b\"\neviction = \"none\"\n",
        str![[r#"
wafpass.toml:7:1: Redis would be asked without TLS, on a host that is neither this one nor a private address
write rediss://, or a private IP address; insecure_plaintext = true lets it be, and whoever sits in between can let a replay through
wafpass.toml:9:1: `timeout` = 6s is out of bounds
keep it within 1 to 5000 ms; 50ms is the default
wafpass.toml:10:1: a breaker that opens after 0 failures would never ask Redis
5 is the default
wafpass.toml:11:1: `breaker_open` = 1ms is out of bounds
keep it within 10 to 30000 ms; 1s is the default
wafpass.toml:12:1: `check_every` = 1m is out of bounds
keep it within 100 to 10000 ms; 10s is the default
wafpass.toml:13:1: `prefix` is not 1 to 64 of A-Z a-z 0-9 - _ . :
leave it out, or choose a plain name
wafpass.toml:14:1: `client_name` is not 1 to 64 of A-Z a-z 0-9 - _ . :
leave it out, or choose a plain name
wafpass.toml:15:1: `replay.redis.eviction` cannot have this value
write one of: "probe", "assert-no-eviction"
"#]],
    );
}

#[test]
fn what_moved_or_belongs_elsewhere() {
    with(
        "telemetry.body = 1\n[signature]\nbody_cap = \"1 MiB\"\n[limits]\nlogged_per_second = 1\npoll = 1\n",
        str![[r#"
wafpass.toml:4:11: there is no `telemetry.body`
it belongs into [signature]
wafpass.toml:6:1: there is no `signature.body_cap`
it belongs into [limits]
wafpass.toml:8:1: there is no `limits.logged_per_second`
it belongs into [telemetry]
wafpass.toml:9:1: there is no `limits.poll`
it belongs into [reload]
"#]],
    );
}

#[test]
fn what_would_follow_is_not_told() {
    let text = "[keys]\nfile = \"k\"\n[freshness]\n[refusal]\naudience = \"shop\"\nmax_age = 60\n";
    assert_data_eq!(
        told(text),
        str![[r#"
wafpass.toml:5:1: there is no `refusal.audience`
it belongs into the first lines, before every [table]
wafpass.toml:6:1: there is no `refusal.max_age`
it belongs into [freshness]
"#]]
        .raw()
    );
}

#[test]
fn what_is_no_table() {
    let text = "audience = \"shop\"\nkeys.inline = 1\nfreshness = \"strict\"\nroutes = [\"/health\"]\nreplay.redis = \"redis://hunter2\"\n";
    assert_data_eq!(
        told(text),
        str![[r#"
wafpass.toml:2:6: `keys.inline` cannot have this value
write [[keys.inline]], once for each, with keys of its own
wafpass.toml:3:1: `freshness` cannot have this value
write a table: [freshness], with keys of its own
wafpass.toml:4:1: `routes` cannot have this value
write [[routes]], once for each, with keys of its own
wafpass.toml:5:8: `replay.redis` cannot have this value
write a table: [replay.redis], with keys of its own
"#]]
        .raw()
    );
}

#[test]
fn telemetry() {
    with(
        "[telemetry]\nlogged_per_second = 1001\n",
        str![[r#"
wafpass.toml:5:1: 1001 logged refusals of each reason in a second are too many for a log
allow 1000 at most; 10 is the default, and counters are exact whatever is logged
"#]],
    );
    with(
        "[telemetry]\nlogged_per_second = -1\n",
        str![[r#"
wafpass.toml:5:1: `telemetry.logged_per_second` cannot have this value
write a whole number, not below 0, without quotes
"#]],
    );
    let logged =
        |more: &str| Config::parse(&format!("{GOOD}{more}"), "").unwrap().logged_per_second();
    assert_eq!(logged(""), DEFAULT_LOGGED_PER_SECOND);
    for events in [0, 1, 1_000] {
        assert_eq!(logged(&format!("telemetry.logged_per_second = {events}\n")), events);
    }
}

#[test]
fn limits() {
    with(
        "[limits]\nbody_cap = \"1 mb\"\n",
        str![[r#"
wafpass.toml:5:1: `limits.body_cap` cannot have this value
write a size such as "1 MiB" or "64 KiB", or a number of bytes
"#]],
    );
    let config = Config::parse(&format!("{GOOD}limits.body_cap = \"64 KiB\"\n"), "").unwrap();
    assert_eq!(config.body_cap(), 65_536);
}

#[test]
fn reload_and_explain() {
    with(
        "[reload]\npoll = 0\n",
        str![[r#"
wafpass.toml:5:1: looking every 0 is out of bounds
keep it within 1s to 1h; 10s is the default
"#]],
    );
    with(
        "[explain]\n",
        str![[r#"
wafpass.toml:4:2: [explain] does not say of which key
write key_id, one of the keys; or take [explain] out
wafpass.toml:4:2: [explain] does not say until when
write a moment in UTC, an hour ahead at most
"#]],
    );
    with(
        "[explain]\nkey_id = \"a b\"\nuntil = 1970-01-01T00:00:00Z\nper_minute = 0\n",
        str![[r#"
wafpass.toml:5:1: the key id "a b" is not 1 to 64 of A-Z a-z 0-9 - _ .
choose a plain label, such as shop or 2026-11-a
wafpass.toml:7:1: 0 records of explained refusals a minute are out of bounds
allow 1 to 600
"#]],
    );
    let until = clock::now().saturating_add(7_200);
    let text = format!("{GOOD}[explain]\nkey_id = \"a\"\nuntil = \"{until}\"\n");
    let fault = told(&text);
    assert!(fault.starts_with("wafpass.toml:6:1: refusals cannot be explained for"), "{fault}");
    let soon = clock::now().saturating_add(3_500);
    let text = format!("{GOOD}[explain]\nkey_id = \"a\"\nuntil = \"{soon}\"\n");
    assert_eq!(Config::parse(&text, "").unwrap().explain().unwrap().until, soon);
    // What is over is no reason not to start.
    let text = format!("{GOOD}[explain]\nkey_id = \"a\"\nuntil = 0\n");
    assert!(Config::parse(&text, "").is_ok());
}

/// A folder with a configuration and its keys.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        let keys = format!(
            r#"{{"aud": "shop", "keys": [{{"kid": "2026-11-a", "key": "{SECRET}"}}, {{"kid": "2026-10-a", "key": "{SECRET}", "revoked": true}}]}}"#
        );
        place.file("keys.json", &keys, 0o600);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, text: &str, mode: u32) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(mode)).unwrap();
    }

    fn load(&self, text: &str) -> Result<Config, ConfigFault> {
        self.file("wafpass.toml", text, 0o644);
        Config::load(self.path("wafpass.toml"))
    }

    /// Every fault, without the folder's name.
    fn told(&self, text: &str) -> String {
        self.clean(&self.load(text).expect_err("this must not load"))
    }

    fn clean(&self, fault: &ConfigFault) -> String {
        let fault = fault.to_string();
        assert!(!fault.contains(SECRET) && !fault.contains("hunter2"), "{fault}");
        fault.replace(&format!("{}/", self.0.path().display()), "")
    }

    fn directory(&self) -> PathBuf {
        let path = self.path("keys");
        let mut writer = KeyDirectory::create(&path).unwrap();
        for kid in ["d-1", "d-2"] {
            let secret = Secret::from_base64url(SECRET).unwrap();
            writer.add(KeyRecord::new(kid, secret, clock::now()).unwrap()).unwrap();
        }
        writer.promote(&KeyId::new("d-1").unwrap(), Learnt::FirstKey, clock::now()).unwrap();
        path
    }
}

#[test]
fn a_good_file_loads_with_all_its_keys() {
    let place = Place::new();
    place.directory();
    place.file("root.key", &format!("{SECRET}\n"), 0o600);
    let text = "\
audience = \"shop\"
enforcement = \"report-only\"
[keys]
directory = \"keys\"
file = \"keys.json\"
[[keys.inline]]
kid = \"root\"
key_file = \"root.key\"
derive = \"daily\"
overlap = \"2h\"
not_after = 2030-01-01T00:00:00+01:00
[freshness]
attempts = 2
origins = 2
connection_timeout = \"10s\"
response_timeout = \"30s\"
[waf]
evidence = \"not-required\"
[[routes]]
path = \"/health\"
methods = [\"GET\"]
enforcement = \"exempt\"
[[routes]]
prefix = \"/admin/\"
enforcement = \"enforce\"
[replay]
requests_per_second = 100
capacity_per_key = 5000
restart_barrier = \"with-skew\"
[refusal]
status = 401
";
    let config = place.load(text).unwrap();
    assert_eq!(config.freshness(), Freshness::for_retries(4, 40).unwrap());
    assert_eq!(config.uses(), 4);
    // 100 a second for max_age 125 s, twice the skew of 5 s, and the second that has begun.
    assert_eq!(config.replay_capacity(), Capacity { total: 13_600, per_key: 5_000 });
    assert_eq!(config.restart_barrier(), RestartBarrier::WithSkew);
    assert_eq!(config.waf(), WafRequirement::NotRequired);
    let ask = |method, path| config.routes().enforcement(&method, path);
    assert_eq!(ask(Method::GET, "/health"), Enforcement::Exempt);
    assert_eq!(ask(Method::POST, "/health"), Enforcement::ReportOnly);
    assert_eq!(ask(Method::GET, "/admin/x"), Enforcement::Enforce);

    let keys = config.keys().unwrap();
    let told = keys.iter().map(|key| (key.id().as_str(), key.source(), key.state()));
    let expected = [
        ("d-1", KeySource::Directory, Some(KeyState::Signing)),
        ("d-2", KeySource::Directory, Some(KeyState::Accepted)),
        ("2026-11-a", KeySource::File, None),
        ("2026-10-a", KeySource::File, None),
        ("root", KeySource::Inline, None),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
    let OriginKey::Root(root) = keys[4].origin() else { panic!("no root") };
    assert_eq!(root.overlap_s(), 7_200);
    assert_eq!(keys[4].not_after().unwrap().to_string(), "20291231T230000Z");
    assert!(keys[3].is_revoked() && !keys[3].is_active(clock::now()));

    let files = config.files();
    let names: Vec<_> = files.iter().map(|path| path.file_name().unwrap()).collect();
    assert_eq!(names, ["wafpass.toml", "keys", "keys.json", "root.key"]);
    let loosened: Vec<_> = config.loosened().into_iter().map(|it| it.setting).collect();
    let expected = [
        "enforcement = \"report-only\"",
        "exempt GET /health",
        "waf.evidence = \"not-required\"",
        "max_age 125s",
        "4 uses of GET, HEAD and OPTIONS",
    ];
    assert_eq!(loosened, expected);
}

#[test]
fn a_key_file_holds_roots_as_well() {
    let place = Place::new();
    let roots = format!(
        r#"{{"aud": "shop", "keys": [
            {{"kid": "root", "key": "{SECRET}", "derive": "daily", "overlap": 7200, "not_before": 1767225600}},
            {{"kid": "plain-root", "key": "{SECRET}", "derive": "daily", "revoked": true}},
            {{"kid": "key", "key": "{SECRET}", "not_after": "20270101T000000Z"}}
        ]}}"#
    );
    place.file("keys.json", &roots, 0o600);
    let config = place.load(GOOD).unwrap();
    let keys = config.keys().unwrap();
    let derivations = keys.iter().map(|key| (key.source(), key.derivation()));
    let expected = [Derivation::Daily { overlap_s: 7_200 }, Derivation::DAILY, Derivation::None]
        .map(|derivation| (KeySource::File, derivation));
    assert_eq!(derivations.collect::<Vec<_>>(), expected);
    let OriginKey::Root(root) = keys[0].origin() else { panic!("no root") };
    assert_eq!(root.overlap_s(), 7_200);
    let roots_of = |config: &Config| {
        let keyring = config.keyring().unwrap();
        let root = |root: &RootKey| (root.id().to_string(), root.is_revoked());
        keyring.roots().map(root).collect::<BTreeSet<_>>()
    };
    let expected = BTreeSet::from([("root".to_owned(), false), ("plain-root".to_owned(), true)]);
    assert_eq!(roots_of(&config), expected);

    // What is written again is what was read.
    let text = serde_json::to_string(&KeyFile::parse(&roots).unwrap()).unwrap();
    place.file("keys.json", &text, 0o600);
    let again = place.load(GOOD).unwrap();
    assert_eq!(roots_of(&again), expected);
    let windows = |config: &Config| {
        let keys = config.keys().unwrap();
        keys.iter().map(|key| (key.not_before(), key.not_after())).collect::<Vec<_>>()
    };
    assert_eq!(windows(&again), windows(&config));
    assert_eq!(windows(&again)[2].1.unwrap().to_string(), "20270101T000000Z");
}

#[test]
fn a_key_file_that_cannot_be() {
    let told = |members: &str| {
        let text =
            format!(r#"{{"aud": "shop", "keys": [{{"kid": "a", "key": "{SECRET}"{members}}}]}}"#);
        KeyFile::parse(&text).err()
    };
    assert_eq!(told(""), None);
    let no_root = told(r#", "overlap": 60"#).unwrap();
    assert_eq!(no_root, KeyFileError::Overlap { kid: "a".into() });
    assert_data_eq!(
        no_root.to_string(),
        str![[r#"
key "a": `overlap` is of derived keys, and nothing is derived from this one
take it out, or add "derive": "daily"
"#]]
        .raw()
    );
    let long = told(r#", "derive": "daily", "overlap": 90000"#).unwrap();
    assert_data_eq!(
        long.to_string(),
        str![[r#"
key "a": an overlap of 90000 s is longer than 43200 s
let derived keys count for less beyond their day; an hour is the default
"#]]
        .raw()
    );
    let weekly = told(r#", "derive": "weekly""#).unwrap();
    assert_data_eq!(
        weekly.to_string(),
        str![[r#"
line 1, column 110: a value that cannot stand there
a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help
"#]]
        .raw()
    );
    // A root's id leaves room for the day.
    let text = format!(
        r#"{{"keys": [{{"kid": "{}", "key": "{SECRET}", "derive": "daily"}}]}}"#,
        "r".repeat(56)
    );
    assert!(matches!(KeyFile::parse(&text), Err(KeyFileError::Key { .. })));
    // The audience is what the keys of the day are derived for.
    let text = format!(
        r#"{{"aud": "a b", "keys": [{{"kid": "a", "key": "{SECRET}", "derive": "daily"}}]}}"#
    );
    assert!(matches!(KeyFile::parse(&text), Err(KeyFileError::Config(_))));
}

#[test]
fn a_reload_keeps_the_store_and_what_it_remembers() {
    let place = Place::new();
    let first = VerifyLayer::from_config(&place.load(GOOD).unwrap()).unwrap();
    let store = first.handle().verifier().shared_replay_store();
    let config = place.load(&GOOD.replace("strict", "cloudfront")).unwrap();
    let perimeter = config.perimeter_with(Arc::clone(&store)).unwrap();
    first.handle().replace(perimeter);
    let present = first.handle().verifier();
    assert!(Arc::ptr_eq(&present.shared_replay_store(), &store));
    assert_eq!(store.retention(), Retention { max_age_s: 90, skew_s: 5 });
    assert_eq!(Verifier::from_config(&config).unwrap().audience(), "shop");
}

/// What the log says, for those who look.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_is_logged_changes_by_a_reload() {
    let (place, log) = (Place::new(), Log::default());
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let logged = |events: u32| format!("{GOOD}telemetry.logged_per_second = {events}\n");
    let layer = VerifyLayer::from_config(&place.load(&logged(0)).unwrap()).unwrap();
    let service = tower::service_fn(|_: http::Request<_>| async {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    });
    let service = layer.layer(service);
    let refused = async || {
        for _ in 0..5 {
            let request = http::Request::new(String::new());
            let response = service.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), 403);
        }
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.matches("wafpass::refused: ").count()
    };
    assert_eq!(refused().await, 0);
    let config = place.load(&logged(1_000)).unwrap();
    let store = layer.handle().verifier().shared_replay_store();
    layer.handle().replace(config.perimeter_with(store).unwrap());
    assert_eq!(refused().await, 5);
}

#[tokio::test]
async fn every_backend_is_built() {
    let place = Place::new();
    for (backend, more) in [
        ("window", ""),
        ("moka", ""),
        ("redis", "[replay.redis]\nurl = \"redis://127.0.0.1:1\"\non_failure = \"local-only\"\n"),
        (
            "redis",
            "[replay.redis]\nurl = \"redis://127.0.0.1:1 redis://127.0.0.2:1\"\ncluster = true\n",
        ),
    ] {
        let text = format!("{GOOD}[replay]\nbackend = \"{backend}\"\ncapacity = 7\n{more}");
        let config = place.load(&text).unwrap();
        assert_eq!(config.replay_backend(), backend);
        let verifier = Verifier::from_config(&config).unwrap();
        let store = verifier.shared_replay_store();
        assert_eq!(store.capacity(), Some(Capacity::shared(7)), "{backend}");
        assert_eq!(store.retention(), Freshness::strict().retention());
    }
}

#[test]
fn redis_needs_a_runtime_and_says_so() {
    let place = Place::new();
    let text = format!("{GOOD}[replay]\nbackend = \"redis\"\nredis.url_file = \"u\"\n");
    assert_data_eq!(
        place.told(&text),
        str![[r#"
wafpass.toml:6:7: u cannot be read: No such file or directory (os error 2)
make it, or name the right one; a relative path is relative to this file
"#]]
        .raw()
    );
    place.file("u", "redis://u:hunter2@redis.example\n", 0o600);
    assert_data_eq!(place.told(&text), str![[r#"
wafpass.toml:6:7: Redis would be asked without TLS, on a host that is neither this one nor a private address
write rediss://, or a private IP address; insecure_plaintext = true lets it be, and whoever sits in between can let a replay through
"#]].raw());
    place.file("u", "rediss://u:hunter2@127.0.0.1:1/\n", 0o600);
    let config = place.load(&text).unwrap();
    let fault = config.perimeter().unwrap_err();
    assert_data_eq!(
        place.clean(&fault),
        str![[r#"
wafpass.toml:6:1: a replay store on Redis needs a tokio runtime
build it inside of one, such as in #[tokio::main], or enter its handle first
"#]]
        .raw()
    );
    place.file("u", "rediss://u:hunter2@127.0.0.1:1/x\n", 0o600);
    assert_data_eq!(place.told(&text), str![[r#"
wafpass.toml:6:1: the URL of Redis cannot be used: it is not one that Redis clients know
write redis://USER:PASSWORD@HOST:PORT/DATABASE, or rediss:// for TLS, with special characters in % notation
"#]].raw());
    place.file("u", "redis://127.0.0.1:1/\n", 0o600);
    place.file("odd.pem", "hunter2", 0o644);
    let odd = text.replace("url_file = \"u\"", "url_file = \"u\"\nredis.ca_file = \"odd.pem\"");
    assert_data_eq!(
        place.told(&odd),
        str![[r#"
wafpass.toml:7:7: the file holds no certificate in PEM
name a file with -----BEGIN CERTIFICATE----- in it
wafpass.toml:7:7: a certificate authority is of no use without TLS
write rediss:// in the URL, or take `ca_file` out
"#]]
        .raw()
    );
    let text = text.replace("url_file = \"u\"", "url_file = \"u\"\nredis.ca_file = \"ca.pem\"");
    assert_data_eq!(
        place.told(&text),
        str![[r#"
wafpass.toml:7:7: ca.pem cannot be read: No such file or directory (os error 2)
make it, or name the right one; a relative path is relative to this file
"#]]
        .raw()
    );
}

#[test]
fn keys_that_cannot_be_read() {
    let place = Place::new();
    let keys = |more: &str| {
        place.told(&format!("audience = \"shop\"\nfreshness.preset = \"strict\"\n[keys]\n{more}"))
    };
    assert_data_eq!(
        keys("directory = \"nowhere\"\nfile = \"no.json\"\nenv = \"WAFPASS_TEST_UNSET\"\n"),
        str![[r#"
wafpass.toml:4:1: nowhere cannot be read: No such file or directory (os error 2)
make one with `wafpass keys new`, or name the right one
wafpass.toml:5:1: no.json cannot be read: No such file or directory (os error 2)
make it, or name the right one; a relative path is relative to this file
wafpass.toml:6:1: the environment variable that `keys.env` names is not set
set it where the process starts, or name another one
"#]]
        .raw()
    );
    assert_data_eq!(
        keys("file = \".\"\n"),
        str![[r#"
wafpass.toml:4:1: . is not a file
name a file
"#]]
        .raw()
    );
    place.file("odd.json", "{\"keys\": 5}", 0o600);
    assert_data_eq!(
        keys("file = \"odd.json\"\n"),
        str![[r#"
wafpass.toml:4:1: odd.json: line 1, column 10: a value that cannot stand there
a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help
"#]]
        .raw()
    );
    place.file("none.json", "{\"keys\": []}", 0o600);
    assert_data_eq!(
        keys("file = \"none.json\"\n"),
        str![[r#"
wafpass.toml:4:1: none.json: there is no key
give the keyring at least one
"#]]
        .raw()
    );
    place.file("long.json", &" ".repeat(70_000), 0o600);
    assert_data_eq!(
        keys("file = \"long.json\"\n"),
        str![[r#"
wafpass.toml:4:1: long.json is longer than 65536 bytes
name the right file
"#]]
        .raw()
    );
    place.file("short.key", "AAEC\n", 0o600);
    assert_data_eq!(
        keys(
            "[[keys.inline]]\nkid = \"a\"\nkey_file = \"short.key\"\n[[keys.inline]]\nkid = \"b\"\nkey_env = \"WAFPASS_TEST_UNSET\"\n"
        ),
        str![[r#"
wafpass.toml:6:1: a secret of 3 bytes is shorter than 32
make one with `wafpass keygen`
wafpass.toml:9:1: the environment variable that `keys.inline[1].key_env` names is not set
set it where the process starts, or name another one
"#]]
        .raw()
    );
    fs::create_dir(place.path("empty")).unwrap();
    fs::set_permissions(place.path("empty"), Permissions::from_mode(0o700)).unwrap();
    assert_data_eq!(
        keys("directory = \"empty\"\n"),
        str![[r#"
wafpass.toml:3:2: there is no key
make one with `wafpass keys new`
"#]]
        .raw()
    );
    // Two sources with one id, or an id that could mean two keys.
    assert_data_eq!(
        keys(
            "file = \"keys.json\"\n[[keys.inline]]\nkid = \"2026-11-a\"\nkey_file = \"short.key\"\n"
        ),
        str![[r#"
wafpass.toml:7:1: a secret of 3 bytes is shorter than 32
make one with `wafpass keygen`
"#]]
        .raw()
    );
    place.file("good.key", SECRET, 0o600);
    assert_data_eq!(
        keys(
            "file = \"keys.json\"\n[[keys.inline]]\nkid = \"2026-11-a\"\nkey_file = \"good.key\"\n"
        ),
        str![[r#"
wafpass.toml:3:2: two keys have the id 2026-11-a
give each key an id of its own
"#]]
        .raw()
    );
    assert_data_eq!(
        place.told(&GOOD.replace("shop", "blog")),
        str![[r#"
wafpass.toml:2:6: these keys are for the audience "shop", and not for this one
name the right keys, or the right audience
"#]]
        .raw()
    );
    assert_data_eq!(
        place.told(&format!("{GOOD}[explain]\nkey_id = \"c\"\nuntil = 0\n")),
        str![[r#"
wafpass.toml:5:1: no key has the id c
one of: 2026-11-a, 2026-10-a
"#]]
        .raw()
    );
}

#[test]
fn secrets_that_others_can_read() {
    let place = Place::new();
    let inline = format!(
        "audience = \"shop\"\nfreshness.preset = \"strict\"\nkeys.inline = [{{ kid = \"a\", key = \"{SECRET}\" }}]\n\
         [replay]\nbackend = \"redis\"\nredis.url = \"rediss://u:hunter2@h\"\n"
    );
    assert_data_eq!(
        place.told(&inline),
        str![[r#"
wafpass.toml:3:29: a secret stands in this file, which is open to others (mode 0644)
chmod 600 it, or move the secret out: into a file or an environment variable of its own
wafpass.toml:6:7: a secret stands in this file, which is open to others (mode 0644)
chmod 600 it, or move the secret out: into a file or an environment variable of its own
"#]]
        .raw()
    );
    place.file("wafpass.toml", &inline, 0o600);
    assert!(Config::load(place.path("wafpass.toml")).is_ok());
    place.file("wafpass.toml", &inline, 0o640);
    assert!(Config::load(place.path("wafpass.toml")).is_err());

    place.file("wafpass.toml", GOOD, 0o666);
    let fault = Config::load(place.path("wafpass.toml")).unwrap_err();
    assert_data_eq!(
        place.clean(&fault),
        str![[r#"
wafpass.toml:1:1: everybody on this machine can change this file (mode 0666)
chmod o-w it: who can change it can loosen everything
"#]]
        .raw()
    );

    for (mode, is_good) in [(0o400, true), (0o640, false), (0o604, false)] {
        fs::set_permissions(place.path("keys.json"), Permissions::from_mode(mode)).unwrap();
        assert_eq!(place.load(GOOD).is_ok(), is_good, "{mode:o}");
    }
    assert_data_eq!(
        place.told(GOOD),
        str![[r#"
wafpass.toml:2:6: keys.json is open to others (mode 0604)
chmod 600 it; where a platform mounts it for a group: permissions = "mounted-for-group" in [keys]
"#]]
        .raw()
    );
    let mounted = format!("{GOOD}keys.permissions = \"mounted-for-group\"\n");
    for (mode, is_good) in [(0o440, true), (0o640, true), (0o660, false), (0o444, false)] {
        fs::set_permissions(place.path("keys.json"), Permissions::from_mode(mode)).unwrap();
        assert_eq!(place.load(&mounted).is_ok(), is_good, "{mode:o}");
    }
}

#[test]
fn a_file_that_cannot_be_read() {
    let place = Place::new();
    let fault = |name: &str| place.clean(&Config::load(place.path(name)).unwrap_err());
    assert_data_eq!(
        fault("wafpass.toml"),
        str![[r#"
wafpass.toml cannot be read: No such file or directory (os error 2)
name the file that is there; wafpass config example > wafpass.toml makes one
"#]]
        .raw()
    );
    fs::write(place.path("wafpass.toml"), [0xff, 0xfe]).unwrap();
    assert_data_eq!(
        fault("wafpass.toml"),
        str![[r#"
wafpass.toml cannot be read: stream did not contain valid UTF-8
the file is text in UTF-8
"#]]
        .raw()
    );
    place.file("wafpass.toml", &" ".repeat(1_048_577), 0o644);
    assert_data_eq!(
        fault("wafpass.toml"),
        str![[r#"
wafpass.toml cannot be read: file too large
name a file that can be read
"#]]
        .raw()
    );
}

/// Lines that a file of this kind is made of, right and wrong.
fn line() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        "audience",
        "enforcement",
        "keys.file",
        "keys.inline",
        "freshness.preset",
        "max_age",
        "uses",
        "attempts",
        "connection_timeout",
        "response_timeout",
        "evidence",
        "required_headers",
        "path",
        "prefix",
        "methods",
        "backend",
        "capacity",
        "requests_per_second",
        "redis.url",
        "until",
        "key_id",
        "status",
        "poll",
        "body_cap",
        "logged_per_second",
        "kid",
        "key",
        "derive",
        "overlap",
        "é",
        "\"a.b\"",
        "a[0]",
    ]);
    let value = prop::sample::select(vec![
        "\"shop\"",
        "\"strict\"",
        "\"90s\"",
        "5",
        "0",
        "-1",
        "9223372036854775807",
        "true",
        "[]",
        "[1, \"a\"]",
        "{}",
        "{ kid = \"a\" }",
        "[{ kid = \"a\", key = 1 }]",
        "2026-11-22T00:30:00Z",
        "nan",
        "\"exempt\"",
        "\"redis\"",
        "\"/\"",
        "\"/a/\"",
        "\"\\u0000\"",
        "\"daily\"",
        "'é'",
    ]);
    let table = prop::sample::select(vec![
        "[keys]",
        "[[keys.inline]]",
        "[freshness]",
        "[waf]",
        "[signature]",
        "[[routes]]",
        "[replay]",
        "[replay.redis]",
        "[limits]",
        "[refusal]",
        "[telemetry]",
        "[reload]",
        "[explain]",
        "[x]",
        "[[",
        "# é",
    ]);
    prop_oneof![
        3 => (key, value).prop_map(|(key, value)| format!("{key} = {value}")),
        1 => table.prop_map(str::to_owned),
    ]
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>()) {
        if let Err(fault) = Config::parse(&text, "wafpass.toml") {
            prop_assert!(!fault.faults().is_empty());
        }
    }

    #[test]
    fn every_fault_has_a_place_and_a_way_out(lines in prop::collection::vec(line(), 0..20)) {
        let text = lines.join("\n");
        if let Err(fault) = Config::parse(&text, "wafpass.toml") {
            prop_assert!(!fault.faults().is_empty());
            for fault in fault.faults() {
                prop_assert!((1..=lines.len().max(1)).contains(&fault.line()), "{fault:?}");
                prop_assert!(fault.column() >= 1);
                prop_assert!(!fault.fault().is_empty() && !fault.way_out().is_empty());
                prop_assert!(!fault.fault().contains('\n') && !fault.way_out().contains('\n'));
            }
        }
    }

    #[test]
    fn what_is_written_is_what_counts(
        max_age in 1_u32..=86_400,
        skew in 0_u32..=3_600,
        capacity in 1_usize..=1_000_000,
        status in prop::sample::select(vec![400_u16, 401, 403, 421, 429]),
        logged in 0_u32..=1_000,
        cap in 0_usize..=100_000_000,
        prefix in "(/[a-z0-9]{1,8}){1,3}",
    ) {
        let text = format!(
            "audience = \"shop\"\nkeys.env = \"K\"\n[freshness]\nmax_age = \"{max_age}s\"\nskew = {skew}\n\
             [replay]\ncapacity = {capacity}\n[refusal]\nstatus = {status}\n[telemetry]\nlogged_per_second = {logged}\n\
             [limits]\nbody_cap = {cap}\n[signature]\nstrip_prefix = \"{prefix}\"\n\
             [[routes]]\npath = \"{prefix}\"\nenforcement = \"exempt\"\n"
        );
        let config = Config::parse(&text, "wafpass.toml").unwrap();
        prop_assert_eq!(config.freshness(), Freshness::custom(max_age, skew).unwrap());
        prop_assert_eq!(config.replay_capacity(), Capacity::shared(capacity));
        prop_assert_eq!(config.refusal().status(wafpass::RejectionKind::Expired).as_u16(), status);
        prop_assert_eq!(config.strip_prefix(), &prefix);
        prop_assert_eq!((config.logged_per_second(), config.body_cap()), (logged, cap));
        prop_assert_eq!(config.routes().enforcement(&Method::GET, &prefix), Enforcement::Exempt);
    }
}
