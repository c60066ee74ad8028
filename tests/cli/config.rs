use snapbox::str;

use crate::common::{Place, SIGN, stdout};

const CONFIG: &str = "\
audience = \"shop\"
keys.file = \"keys.json\"
freshness.preset = \"cloudfront\"
signature.strip_prefix = \"/prod\"

[[routes]]
path = \"/health\"
methods = [\"GET\", \"HEAD\"]
enforcement = \"exempt\"
";

/// One in each state that does not depend on when the test runs.
const KEYS: &str = r#"{"aud": "shop", "keys": [
    {"kid": "now", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "not_before": "20200101T000000Z"},
    {"kid": "later", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "not_before": "22000101T000000Z"},
    {"kid": "before", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "not_after": "20210101T000000Z"},
    {"kid": "revoked", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "revoked": true}
]}"#;

#[test]
fn check_tells_what_is_asked_and_what_is_loosened() {
    let place = Place::new();
    place.file("wafpass.toml", CONFIG);
    place.secret("keys.json", KEYS);
    place.wafpass(["config", "check"]).assert().code(0).stderr_eq("").stdout_eq(str![[r#"
wafpass.toml loads

Asks
  audience   shop
  freshness  90 s, 5 s of skew, 3 uses of GET, HEAD and OPTIONS, one of the rest
  waf        evidence required
  signature  covers method, path, the whole query, bodies where it can (up to 1048576 bytes); without the origin path prefix /prod
  replay     window, 1000000 requests, restart barrier on
  refusal    403

Routes
  exempt       GET,HEAD /health
  enforce      everything else

Keys
  now      accepted  file       from 20200101T000000Z
  later    not yet   file       from 22000101T000000Z
  before   over      file       until 20210101T000000Z
  revoked  revoked   file

Loosened
  exempt GET,HEAD /health
    these requests are not verified: anybody can send them
  max_age 90s
    a captured request that did not arrive can be sent for longer than the 60 s of `strict`
  3 uses of GET, HEAD and OPTIONS
    the CDN's own retries get through, and so do as many replays of a captured one

"#]]);
    place.file(
        "strict.toml",
        "audience = \"shop\"\nkeys.file = \"keys.json\"\nfreshness.preset = \"strict\"\n",
    );
    let strict = stdout(place.wafpass(["config", "check", "strict.toml"]).assert().code(0));
    assert!(strict.ends_with("Loosened\n  nothing: this is as strict as it gets\n"), "{strict}");
}

#[test]
fn check_tells_what_is_logged_where_it_is_not_the_default() {
    let place = Place::new();
    place.secret("keys.json", KEYS);
    let check = |events: &str| {
        place.file("wafpass.toml", format!("{CONFIG}[telemetry]\nlogged_per_second = {events}\n"));
        stdout(place.wafpass(["config", "check"]).assert().code(0))
    };
    assert!(!check("10").contains("telemetry"));
    let none = check("0");
    assert!(none.contains("  telemetry  logs no refusals, counts all of them\n"), "{none}");
    let many = check("50");
    assert!(many.contains("  telemetry  logs 50 refusals of each reason a second\n"), "{many}");
}

#[test]
fn check_tells_every_fault_with_its_place() {
    let place = Place::new();
    let text = CONFIG.replace("preset", "presett").replace("/health", "/a/../b");
    place.file("wafpass.toml", text + "methods = []\n[wav]\n");
    place.wafpass(["config", "check"]).assert().code(1).stdout_eq("").stderr_eq(str![[r#"
error: wafpass.toml:10:1: not TOML: duplicate key
try:   write each key and each [table] once

"#]]);
    place.file("wafpass.toml", CONFIG.replace("/health", "/a/../b").replace("/prod", "prod"));
    place.wafpass(["config", "check"]).assert().code(1).stdout_eq("").stderr_eq(str![[r#"
error: wafpass.toml:4:11: the origin path prefix "prod" is not usable
try:   leave it empty, or start it with / and do not end it with /, in visible ASCII without ? and #
error: wafpass.toml:7:1: the route path "/a/../b" is not a plain raw path
try:   start it with / and write it as it arrives: no query, fragment, wildcard, empty or dot segment, and no escape of what needs none; a prefix ends with /

"#]]);
    place.file("wafpass.toml", CONFIG);
    place.set_mode("keys.json", 0o644);
    place.wafpass(["config", "check"]).assert().code(1).stdout_eq("").stderr_eq(str![[r#"
error: wafpass.toml:2:6: keys.json is open to others (mode 0644)
try:   chmod 600 it; where a platform mounts it for a group: permissions = "mounted-for-group" in [keys]

"#]]);
    place.wafpass(["config", "check", "no.toml"]).assert().code(2).stdout_eq("").stderr_eq(str![[
        r#"
error: no.toml cannot be read: No such file or directory (os error 2)
try:   name the file that is there; wafpass config example > wafpass.toml makes one

"#
    ]]);
}

#[test]
fn the_example_and_the_schema_are_printed() {
    let place = Place::new();
    let example = stdout(place.wafpass(["config", "example"]).assert().code(0));
    assert_eq!(example, wafpass::config::EXAMPLE);
    place.file("wafpass.toml", example.replace("directory = \"keys\"", "file = \"keys.json\""));
    place.wafpass(["config", "check"]).assert().code(0);
    let schema = stdout(place.wafpass(["config", "schema"]).assert().code(0));
    let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema, wafpass::config::json_schema());
}

#[test]
fn every_verb_takes_the_configuration() {
    let place = Place::new();
    place.file("wafpass.toml", CONFIG);
    let options = ["--config", "wafpass.toml", "--kid", "2026-11-a", "--format", "headers"];
    let url = ["http://shop.example/prod/a?x=1"];
    let sign = SIGN.into_iter().chain(options).chain(url);
    let headers = stdout(place.wafpass(sign).assert().code(0));
    place
        .file("request.http", format!("GET /prod/a?x=1 HTTP/1.1\nHost: shop.example\n{headers}\n"));
    let judge = |verb, more: &[&str], code| {
        let options = ["--config", "wafpass.toml", "--now", "20261122T003010Z"];
        let args = [verb].into_iter().chain(options).chain(more.iter().copied());
        place.wafpass(args.chain(["request.http"])).assert().code(code)
    };
    assert!(stdout(judge("verify", &[], 0)).starts_with("accepted\n"));
    assert!(stdout(judge("explain", &[], 0)).starts_with("nothing speaks against it\n"));
    // Options override the file.
    assert!(stdout(judge("verify", &["--aud", "blog"], 1)).starts_with("refused: wrong-audience"));
    let prefix = judge("verify", &["--strip-prefix", ""], 1);
    assert!(stdout(prefix).starts_with("refused: signature-mismatch"));
    assert!(stdout(judge("verify", &["--max-age", "9"], 1)).starts_with("refused: expired"));
    let both = ["verify", "--config", "wafpass.toml", "--key-file", "keys.json"];
    place.wafpass(both).assert().code(2);

    place.file("wafpass.toml", CONFIG.replace("cloudfront", "cloudfornt"));
    let fault = place.wafpass(["verify", "--config", "wafpass.toml", "request.http"]);
    fault.assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: wafpass.toml:3:11: `freshness.preset` cannot have this value
try:   did you mean "cloudfront"?

"#]]);
}

#[test]
fn the_key_of_the_day_is_signed_with() {
    let place = Place::new();
    place.secret("root.key", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\n");
    place.file(
        "wafpass.toml",
        "audience = \"shop\"\nfreshness.preset = \"strict\"\n[[keys.inline]]\nkid = \"shop-root\"\nkey_file = \"root.key\"\nderive = \"daily\"\n",
    );
    let options = ["--config", "wafpass.toml", "--format", "headers", "http://shop.example/"];
    let headers = stdout(place.wafpass(SIGN.into_iter().chain(options)).assert().code(0));
    assert!(headers.contains("kid=shop-root.20261122;"), "{headers}");
    place.file("request.http", format!("GET / HTTP/1.1\nHost: shop.example\n{headers}\n"));
    let judge = ["verify", "--config", "wafpass.toml", "--now", "20261122T003010Z", "request.http"];
    assert!(stdout(place.wafpass(judge).assert().code(0)).starts_with("accepted\n"));
}

#[test]
fn check_tells_how_a_collector_is_run() {
    let place = Place::new();
    place.file("wafpass.toml", "[collector]\ndata = \"/var/lib/wafpass-collector\"\n");
    place.wafpass(["config", "check"]).assert().code(0).stderr_eq("").stdout_eq(str![[r#"
wafpass.toml loads

Collector
  service    127.0.0.1:8787, without TLS
  admin      127.0.0.1:8788
  data       /var/lib/wafpass-collector
  store      sqlite
  ingest     asks for a token

"#]]);
    place.file(
        "wafpass.toml",
        "[collector]\nlisten = \"0.0.0.0:80\"\ninsecure_http = true\nstore = \"clickhouse\"\nclickhouse.url = \"https://clickhouse.internal:8443\"\n",
    );
    place.wafpass(["config", "check"]).assert().code(0).stderr_eq("").stdout_eq(str![[r#"
wafpass.toml loads

Collector
  service    0.0.0.0:80, without TLS
  admin      127.0.0.1:8788
  data       wafpass-collector
  store      clickhouse, wafpass at https://clickhouse.internal:8443
  ingest     asks for a token
  insecure_http
    who sits in between reads tokens

"#]]);
    place.file("wafpass.toml", format!("{CONFIG}[collector]\nperimeter = true\n"));
    place.secret("keys.json", KEYS);
    let both = stdout(place.wafpass(["config", "check"]).assert().code(0));
    assert!(both.contains("\nKeys\n") && both.contains("\nCollector\n"), "{both}");
    assert!(both.contains("asks for a token and an edge signature for shop\n"), "{both}");
    place.file("wafpass.toml", "[collector]\nlisten = \"0.0.0.0:80\"\n");
    place.wafpass(["config", "check"]).assert().code(1).stdout_eq("").stderr_eq(str![[r#"
error: wafpass.toml:2:1: the service would listen without TLS on an address that others reach: they read the tokens
try:   write a table [collector.tls], or listen on 127.0.0.1 behind a proxy with TLS; insecure_http = true lets it be

"#]]);
}
