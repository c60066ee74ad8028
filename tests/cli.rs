//! The command line as its users meet it: help, answers, errors in two lines, exit codes.
//!
//! `SNAPSHOTS=overwrite cargo test --features cli --test cli` writes what has changed, to be read.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use snapbox::cmd::{Command, OutputAssert, cargo_bin};
use snapbox::{IntoData, file, str};
use tempfile::TempDir;

const KEYS: &str = r#"{
  "aud": "shop",
  "freshness": "cloudfront",
  "keys": [
    {"kid": "2026-11-a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},
    {"kid": "2026-11-b", "key": "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM", "not_before": "20261122T010000Z"},
    {"kid": "2026-10-a", "key": "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8", "revoked": true}
  ]
}
"#;
const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/edge-signature-1.json");
const NOW: [&str; 4] = ["--key-file", "keys.json", "--now", "20261122T003010Z"];
const SIGN: [&str; 7] =
    ["sign", "--waf", "pass", "--date", "20261122T003000Z", "--nonce", "0123456789abcdef"];

/// An empty directory but for a key file, with the binary at hand.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        place.secret("keys.json", KEYS);
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), text).unwrap();
    }

    fn secret(&self, name: &str, text: &str) {
        self.file(name, text);
        self.set_mode(name, 0o600);
    }

    fn set_mode(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path().join(name)).unwrap().permissions().mode() & 0o777
    }

    fn wafpass<'a>(&self, args: impl IntoIterator<Item = &'a str>) -> Command {
        self.clean(Command::new(cargo_bin!("wafpass"))).args(args)
    }

    /// `script` in bash, with `$WAFPASS` for the binary.
    fn bash(&self, script: &str) -> Command {
        let bash = self.clean(Command::new("bash")).args(["-euo", "pipefail", "-c", script]);
        bash.env("WAFPASS", cargo_bin!("wafpass"))
    }

    fn clean(&self, command: Command) -> Command {
        let variables = ["WAFPASS_KEYS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"];
        variables.into_iter().fold(command.current_dir(self.path()), Command::env_remove)
    }

    /// A signed request, saved as `name`, with `args` for its signing.
    fn request(&self, name: &str, line: &str, args: &[&str], body: &str) -> String {
        let (method, target) = line.split_once(' ').unwrap();
        let url = format!("http://shop.example{target}");
        let options = ["--key-file", "keys.json", "--format", "headers", "-X", method];
        let signed = self
            .wafpass(SIGN.into_iter().chain(options).chain(args.iter().copied()).chain([&*url]));
        let headers = stdout(signed.assert().code(0));
        let text = format!("{line} HTTP/1.1\nHost: shop.example\n{headers}\n{body}");
        self.file(name, &text);
        text
    }

    fn judge(&self, verb: &str, args: &[&str]) -> OutputAssert {
        self.wafpass([verb].into_iter().chain(NOW).chain(args.iter().copied())).assert()
    }
}

fn stdout(assert: OutputAssert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

#[test]
fn help_pages() {
    let place = Place::new();
    for verb in ["keygen", "sign", "verify", "explain", "vectors"] {
        let page = snapbox::Data::read_from(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/{verb}.txt")),
            None,
        );
        place.wafpass([verb, "--help"]).assert().code(0).stdout_eq(page.raw()).stderr_eq("");
        let short = stdout(place.wafpass([verb, "-h"]).assert().code(0));
        assert_eq!(short, stdout(place.wafpass([verb, "--help"]).assert()));
    }
    place.wafpass(["--help"]).assert().code(0).stdout_eq(file!["cli/wafpass.txt"].raw());
    place.wafpass(["--version"]).assert().code(0).stdout_eq(str![[r#"
wafpass 0.1.0

"#]]);
    place.wafpass([]).assert().code(2).stdout_eq("").stderr_eq(file!["cli/wafpass.txt"].raw());
}

#[test]
fn keygen_prints_what_origin_and_edge_need() {
    let place = Place::new();
    let printed = place.wafpass(["keygen", "--aud", "shop", "--kid", "2026-12-a"]).assert().code(0);
    printed
        .stdout_eq(str![[r##"
# Origin: the key file (keep it at mode 0600)
{
  "aud": "shop",
  "keys": [
    {
      "kid": "2026-12-a",
      "key": "[..]"
    }
  ]
}

# Edge: the value under `wafpass` in its key-value store
{"kid":"2026-12-a","key":"[..]","aud":"shop","waf_secrets":["[..]"]}

# Web ACL: every Allow inserts the header `wafpass` with the text in waf_secrets;
# [] for no WAF. When you rotate, keep the waf_secrets that you have.

"##]])
        .stderr_eq("");
}

#[test]
fn keygen_makes_another_key_each_time() {
    let place = Place::new();
    let make = || -> serde_json::Value {
        serde_json::from_str(&stdout(
            place.wafpass(["keygen", "--aud", "shop", "--json"]).assert().code(0),
        ))
        .unwrap()
    };
    let (first, second) = (make(), make());
    for made in [&first, &second] {
        let (origin, edge) = (&made["origin"]["keys"][0], &made["edge"]);
        assert_eq!(
            (&origin["kid"], &origin["key"], &made["origin"]["aud"]),
            (&edge["kid"], &edge["key"], &edge["aud"])
        );
        assert_eq!(edge["key"].as_str().unwrap().len(), 43);
        assert_eq!(edge["waf_secrets"][0].as_str().unwrap().len(), 43);
        assert_ne!(edge["waf_secrets"][0], edge["key"]);
    }
    for secret in ["key", "kid"] {
        assert_ne!(first["edge"][secret], second["edge"][secret]);
    }
    assert_ne!(first["edge"]["waf_secrets"], second["edge"]["waf_secrets"]);
}

#[test]
fn keygen_writes_files_for_their_owner_and_overwrites_none() {
    let place = Place::new();
    let options = ["keygen", "--aud", "shop", "--out", "new.json", "--edge-out", "edge.json"];
    place.wafpass(options).assert().code(0).stdout_eq(str![[r#"
# Origin: the key file (keep it at mode 0600)
written to new.json

# Edge: the value under `wafpass` in its key-value store
written to edge.json

# Web ACL: every Allow inserts the header `wafpass` with the text in waf_secrets;
# [] for no WAF. When you rotate, keep the waf_secrets that you have.

"#]]);
    assert_eq!((place.mode("new.json"), place.mode("edge.json")), (0o600, 0o600));
    let sign = ["sign", "--waf", "pass", "--key-file", "new.json", "http://shop.example/"];
    place.wafpass(sign).assert().code(0);

    let before = fs::read(place.path().join("edge.json")).unwrap();
    let again =
        place.wafpass(["keygen", "--out", "other.json", "--edge-out", "edge.json"]).assert();
    again.code(2).stdout_eq("").stderr_eq(str![[r#"
error: edge.json is there already, and may hold a key in use
try:   name another file, or move that one away

"#]]);
    assert_eq!(fs::read(place.path().join("edge.json")).unwrap(), before);
    assert!(!place.path().join("other.json").exists(), "one of two was written");
}

#[test]
fn sign_prints_words_for_curl() {
    let place = Place::new();
    let sign = format!("$WAFPASS {} --key-file keys.json", SIGN.join(" "));
    let words =
        |options: &str| place.bash(&format!("printf '%s\\n' $({sign} {options})")).assert().code(0);
    words("'http://shop.example/a?x=1&y=*'").stdout_eq(str![[r#"
-H
x-cloud-date:20261122T003000Z
-H
x-cloud-signature:v1;kid=2026-11-a;nonce=0123456789abcdef;aud=shop;waf=pass;h=;sig=fef72fd509d24573c649289e2f94ab659568f81868c38347bf8ae7676f83d6e8
http://shop.example/a?x=1&y=*

"#]]);
    words("-X POST -H 'X-Cloud-Viewer-Ip: 203.0.113.7' -H x-empty: http://shop.example/").stdout_eq(str![[r#"
-X
POST
-H
x-cloud-viewer-ip:203.0.113.7
-H
x-empty;
-H
x-cloud-date:20261122T003000Z
-H
x-cloud-signature:v1;kid=2026-11-a;nonce=0123456789abcdef;aud=shop;waf=pass;h=x-cloud-viewer-ip:x-empty;sig=d6669e04079db9da28b3bec56a23435b5e31305d6bfc1e39c8e19278d2f435e9
http://shop.example/

"#]]);
    words("-X HEAD 'http://shop.example/a/../b?[1]'").stdout_eq(str![[r#"
--head
--path-as-is
--globoff
-H
x-cloud-date:20261122T003000Z
-H
x-cloud-signature:v1;kid=2026-11-a;nonce=0123456789abcdef;aud=shop;waf=pass;h=;sig=66ba6ed6942f7e546462e6a76938685089eb8489c32c76fda6d0cd3b9fe082cd
http://shop.example/a/../b?[1]

"#]]);
}

#[test]
fn sign_has_other_formats() {
    let place = Place::new();
    let sign = |format: &str| {
        let options = [
            "--key-file",
            "keys.json",
            "-X",
            "PUT",
            "-H",
            "x-note: a \"b\"\t\\",
            "--format",
            format,
        ];
        let sign = place.wafpass(SIGN.into_iter().chain(options).chain(["http://shop.example/a"]));
        sign.assert().code(0)
    };
    sign("curl-config").stdout_eq(str![[r#"
request = "PUT"
header = "x-note: a \"b\"\t\\"
header = "x-cloud-date: 20261122T003000Z"
header = "x-cloud-signature: v1;kid=2026-11-a;nonce=0123456789abcdef;aud=shop;waf=pass;h=x-note;sig=995cba76ed6be8be38ff7dd6717d120d62a173a0fa3a4d668e2bbfa0acaddfb1"
url = "http://shop.example/a"

"#]].raw());
    sign("headers").stdout_eq(str![[r#"
x-note: a "b"	\
x-cloud-date: 20261122T003000Z
x-cloud-signature: v1;kid=2026-11-a;nonce=0123456789abcdef;aud=shop;waf=pass;h=x-note;sig=995cba76ed6be8be38ff7dd6717d120d62a173a0fa3a4d668e2bbfa0acaddfb1

"#]].raw());
    sign("json").stdout_eq(str![[r#"
{
  "headers": {
    "x-cloud-date": "20261122T003000Z",
    "x-cloud-signature": "v1;kid=2026-11-a;nonce=0123456789abcdef;aud=shop;waf=pass;h=x-note;sig=995cba76ed6be8be38ff7dd6717d120d62a173a0fa3a4d668e2bbfa0acaddfb1",
    "x-note": "a \"b\"\t\\"
  },
  "method": "PUT",
  "url": "http://shop.example/a"
}

"#]].raw());
}

#[test]
fn sign_takes_keys_from_a_file_from_standard_input_and_from_the_environment() {
    let place = Place::new();
    let base = || place.wafpass(SIGN.into_iter().chain(["http://shop.example/"]));
    let from_file = stdout(base().args(["--key-file", "keys.json"]).assert().code(0));
    let from_input = stdout(base().args(["--key-file", "-"]).stdin(KEYS).assert().code(0));
    let from_environment = stdout(base().env("WAFPASS_KEYS", KEYS).assert().code(0));
    assert!(from_file == from_input && from_file == from_environment);
}

#[test]
fn sign_refuses_in_two_lines() {
    let place = Place::new();
    let refuse = |args: &[&str]| {
        let sign = place.wafpass(
            SIGN.into_iter().chain(["--key-file", "keys.json"]).chain(args.iter().copied()),
        );
        sign.assert().code(2).stdout_eq("")
    };
    refuse(&["-H", "x-note: a b", "http://shop.example/"]).stderr_eq(str![[r#"
error: the value of x-note has a space, which $(...) would split
try:   --format curl-config, and curl --config -

"#]]);
    refuse(&["-H", "host: b", "http://shop.example/"]).stderr_eq(str![[r#"
error: the field "host" cannot be covered
try:   hops rewrite it: let the edge copy its value to a field of its own

"#]]);
    refuse(&["--kid", "c", "http://shop.example/"]).stderr_eq(str![[r#"
error: no key has the id "c"
try:   one of: 2026-11-a, 2026-11-b, 2026-10-a

"#]]);
    refuse(&["--kid", "2026-10-a", "http://shop.example/"]).stderr_eq(str![[r#"
error: the key is revoked, or outside its window
try:   sign with a key that counts now

"#]]);
    refuse(&["http://shop.example/#a"]).stderr_eq(str![[r#"
error: the request target cannot be signed
try:   start the path with / (and the origin path prefix, if set), in visible ASCII without #

"#]]);
    refuse(&["--strip-prefix", "/prod", "http://shop.example/a"]).stderr_eq(str![[r#"
error: the request target cannot be signed
try:   start the path with / (and the origin path prefix, if set), in visible ASCII without #

"#]]);
    refuse(&["shop.example/a"]).stderr_eq(str![[r#"
error: the URL has no http:// or https:// in front
try:   write it as http://host/path?query

"#]]);
    refuse(&["http://user@shop.example/a"]).stderr_eq(str![[r#"
error: the URL has no host, or a user in front of it
try:   write it as http://host/path?query

"#]]);
    refuse(&["--body", "none", "http://shop.example/a"]).stderr_eq(str![[r#"
error: none cannot be read: No such file or directory (os error 2)
try:   name a file that is there, or `-` for standard input

"#]]);
    let later = [
        "sign",
        "--waf",
        "pass",
        "--key-file",
        "keys.json",
        "--date",
        "20261122T020000Z",
        "http://shop.example/",
    ];
    place.wafpass(later).assert().code(2).stderr_eq(str![[r#"
error: more than one key counts at this time
try:   --kid with one of: 2026-11-a, 2026-11-b

"#]]);
    // There is no default for what is claimed of the WAF.
    place.wafpass(["sign", "http://shop.example/"]).assert().code(2).stderr_eq(str![[r#"
error: the following required arguments were not provided:
  --waf <pass|none>

Usage: wafpass sign --waf <pass|none> <URL>

For more information, try '--help'.

"#]]);
}

#[test]
fn a_signed_request_is_accepted_and_a_changed_one_refused() {
    let place = Place::new();
    let text =
        place.request("request.http", "GET /a?x=1", &["-H", "x-cloud-viewer-ip:203.0.113.7"], "");
    place
        .judge("verify", &["request.http"])
        .code(0)
        .stdout_eq(str![[r#"
accepted
  key       2026-11-a
  audience  shop
  date      20261122T003000Z (10 s ago)
  nonce     0123456789abcdef
  waf       pass
  covered   x-cloud-viewer-ip: 203.0.113.7
  body      not covered

"#]])
        .stderr_eq("");
    place.judge("verify", &["request.http", "--json"]).code(0).stdout_eq(
        str![[r#"
{
  "verdict": "accepted",
  "reason": null,
  "explanation": null,
  "key_id": "2026-11-a",
  "audience": "shop",
  "nonce": "0123456789abcdef",
  "date": "20261122T003000Z",
  "age_s": 10,
  "waf": "pass",
  "covered": {
    "x-cloud-viewer-ip": "203.0.113.7"
  },
  "body": "not-covered"
}

"#]]
        .raw(),
    );
    let crlf = text.replace('\n', "\r\n");
    let input = place.wafpass(["verify"].into_iter().chain(NOW)).stdin(crlf);
    input.assert().code(0);

    place.file("changed.http", text.replace("/a?", "/b?"));
    place
        .judge("verify", &["changed.http"])
        .code(1)
        .stdout_eq(str![[r#"
refused: signature-mismatch
  the signature is not of this request under this key
  `wafpass explain` with the same arguments shows each step

"#]])
        .stderr_eq("");
    place.judge("verify", &["changed.http", "--json"]).code(1).stdout_eq(
        str![[r#"
{
  "verdict": "refused",
  "reason": "signature-mismatch",
  "explanation": "the signature is not of this request under this key",
  "key_id": "2026-11-a",
  "audience": null,
  "nonce": null,
  "date": null,
  "age_s": 10,
  "waf": null,
  "covered": null,
  "body": null
}

"#]]
        .raw(),
    );
}

#[test]
fn the_policy_decides() {
    let place = Place::new();
    place.request(
        "request.http",
        "GET /prod/a?x=1",
        &["--strip-prefix", "/prod", "--query", "none", "--aud", "barn"],
        "",
    );
    let same = ["--strip-prefix", "/prod", "--query", "none", "--aud", "barn", "request.http"];
    place.judge("verify", &same).code(0);
    for (options, reason) in [
        (["--strip-prefix", "/dev"].as_slice(), "malformed-target"),
        (&["--strip-prefix", ""], "signature-mismatch"),
        (&["--query", "all"], "signature-mismatch"),
        (&["--aud", "shop"], "wrong-audience"),
        (&["--max-age", "9"], "expired"),
        (&["--require-header", "x-a"], "insufficient-coverage"),
        (&["--bind-host"], "wrong-host"),
    ] {
        let kept = same[..6].chunks(2).filter(|pair| pair[0] != options[0]).flatten().copied();
        let args: Vec<&str> =
            kept.chain(options.iter().copied()).chain(["request.http", "--json"]).collect();
        let report: serde_json::Value =
            serde_json::from_str(&stdout(place.judge("verify", &args).code(1))).unwrap();
        assert_eq!(report["reason"], reason, "{options:?}");
    }
    let early =
        ["--max-age", "60", "--skew", "0", "--now", "20261122T002959Z", "--key-file", "keys.json"];
    let early = place.wafpass(["verify"].into_iter().chain(early).chain(same)).assert().code(1);
    assert!(stdout(early).contains("not-yet-valid"));

    place.request("none.http", "GET /", &["--kid", "2026-11-a"], "");
    let text = fs::read_to_string(place.path().join("none.http")).unwrap();
    place.file("none.http", text.replace("waf=pass", "waf=none"));
    place.judge("verify", &["none.http", "--accept-waf-none"]).code(1);
}

#[test]
fn a_covered_body_is_checked() {
    let place = Place::new();
    place.file("body.json", "{\"x\": 1}");
    let head = place.request("request.http", "POST /orders", &["--body", "body.json"], "");
    place.file("request.http", format!("{head}{{\"x\": 1}}"));
    let accepted = place.judge("verify", &["request.http", "--require-body"]).code(0);
    assert!(stdout(accepted).ends_with("  body      checked\n"));
    place.file("request.http", format!("{head}{{\"x\": 2}}"));
    place.judge("verify", &["request.http"]).code(1).stdout_eq(str![[r#"
refused: body-mismatch
  the body is not the one that content-digest names
  `wafpass explain` with the same arguments shows each step

"#]]);
    place.judge("verify", &["request.http", "--body-cap", "3"]).code(1).stdout_eq(str![[r#"
refused: body-too-large
  the body is larger than the cap
  `wafpass explain` with the same arguments shows each step

"#]]);
    place.file("request.http", format!("{head}{{\"x\": 1}}\n"));
    let explained = stdout(place.judge("explain", &["request.http"]).code(1));
    assert!(
        explained.contains("without the line break at its end the body would match"),
        "{explained}"
    );

    let length = head.replace("Host:", "Content-Length: 8\nHost:");
    place.file("head.http", &length);
    place.judge("verify", &["head.http"]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: the signature covers the body, which is not here
try:   put it behind an empty line; `wafpass explain` looks at the head alone

"#]]);
    let explained = stdout(place.judge("explain", &["head.http"]).code(0));
    assert!(
        explained.starts_with("the head is good; the covered body is not here\n"),
        "{explained}"
    );
}

#[test]
fn input_that_cannot_be_judged_is_refused_in_two_lines() {
    let place = Place::new();
    place.file("curl.txt", "> GET / HTTP/1.1\n");
    place.file("folded.http", "GET / HTTP/1.1\nhost: a\n b\n");
    place.judge("verify", &["none.http"]).code(2).stderr_eq(str![[r#"
error: none.http cannot be read: No such file or directory (os error 2)
try:   name a file that is there, or `-` for standard input

"#]]);
    place.judge("verify", &["curl.txt"]).code(2).stderr_eq(str![[r#"
error: line 1 is no request line
try:   begin with `GET /path HTTP/1.1`, without the `> ` of curl -v

"#]]);
    place.judge("explain", &["folded.http"]).code(2).stderr_eq(str![[r#"
error: line 3 is no `name: value`
try:   write each field on one line; an empty line ends them

"#]]);
    let twice = place.wafpass(["verify", "--key-file", "-"]).stdin(KEYS);
    twice.assert().code(2).stderr_eq(str![[r#"
error: two things cannot both come from standard input, the key file and another
try:   name a file for one of them

"#]]);
    place.secret(
        "bare.json",
        r#"{"keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#,
    );
    place.wafpass(["verify", "--key-file", "bare.json"]).assert().code(2).stderr_eq(str![[r#"
error: there is no audience, the name of the site or origin
try:   --aud NAME, or put aud in the key file

"#]]);
    place
        .wafpass(["verify", "--key-file", "bare.json", "--aud", "shop"])
        .assert()
        .code(2)
        .stderr_eq(str![[r#"
error: how old may a signature be? There is no default
try:   --freshness cloudfront, or strict, or --max-age SECONDS; or put it in the key file

"#]]);
    place.judge("verify", &["--max-age", "86401"]).code(2).stderr_eq(str![[r#"
error: max_age 86401 s with skew 5 s is out of bounds
try:   keep max_age within 86400 s and skew within 3600 s

"#]]);
    place.wafpass(["verify", "--now", "now"]).assert().code(2).stderr_eq(str![[r#"
error: invalid value 'now' for '--now <TIME>': write Unix seconds, or YYYYMMDDTHHMMSSZ

For more information, try '--help'.

"#]]);
}

#[test]
fn key_files_are_read_strictly_and_never_repeated() {
    let place = Place::new();
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let read = |text: &str| {
        place.secret("k.json", text);
        let fault = place.wafpass(["verify", "--key-file", "k.json"]).assert().code(2);
        let told = String::from_utf8(fault.get_output().stderr.clone()).unwrap();
        assert!(!told.contains(secret) && told.lines().count() == 2, "{told}");
        fault
    };
    read("").stderr_eq(str![[r#"
error: k.json: line 1, column 0: not JSON
try:   a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help

"#]]);
    read(r#"{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "aud": "shop", "waf_secrets": []}"#).stderr_eq(str![[r#"
error: k.json: line 1, column 6: unknown field `kid`, expected one of `aud`, `freshness`, `max_age`, `skew`, `keys`
try:   this looks like the edge's value: write {"aud": …, "keys": [{"kid": …, "key": …}]} for the origin

"#]]);
    read(r#"{"keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "revoked": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#).stderr_eq(str![[r#"
error: k.json: line 1, column 133: a value that cannot stand there
try:   a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help

"#]]);
    read(r#"{"keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]}"#)
        .stderr_eq(str![[r#"
error: k.json: key "a": the secret is not unpadded base64url
try:   use A-Z a-z 0-9 - _ without = at the end, as `wafpass keygen` prints it

"#]]);
    read(r#"{"keys": [{"kid": "a", "key": "AAEC"}]}"#).stderr_eq(str![[r#"
error: k.json: key "a": a secret of 3 bytes is shorter than 32
try:   make one with `wafpass keygen`

"#]]);
    let freshness = r#"{"freshness": "strict", "skew": 5, "keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#;
    read(freshness).stderr_eq(str![[r#"
error: k.json: freshness, max_age and skew do not go together
try:   give freshness alone, or max_age with or without skew

"#]]);
    read(r#"{"keys": []}"#).stderr_eq(str![[r#"
error: k.json: there is no key
try:   give the keyring at least one

"#]]);
    read(r#"{"keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "nbf": 1}]}"#).stderr_eq(str![[r#"
error: k.json: line 1, column 82: unknown field `nbf`, expected one of `kid`, `key`, `not_before`, `not_after`, `revoked`
try:   a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help

"#]]);
    read(r#"{"aud": "a b", "keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#).stderr_eq(str![[r#"
error: k.json: the audience "a b" is not 1 to 64 of A-Z a-z 0-9 - _ .
try:   choose a plain label, such as 2026-11-a

"#]]);
    place.bash("WAFPASS_KEYS='{' $WAFPASS verify").assert().code(2).stderr_eq(str![[r#"
error: WAFPASS_KEYS: line 1, column 1: not JSON
try:   a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help

"#]]);
    place.wafpass(["verify"]).assert().code(2).stderr_eq(str![[r#"
error: there are no keys
try:   --key-file FILE, or the text of a key file in WAFPASS_KEYS

"#]]);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let place = Place::new();
    for mode in [0o640, 0o604, 0o660, 0o644] {
        place.set_mode("keys.json", mode);
        place.judge("verify", &[]).code(2);
    }
    place.judge("verify", &[]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: the key file keys.json is open to others (mode 0644)
try:   chmod 600 the file; where it cannot be, as in a mounted secret: --key-file - < FILE

"#]]);
    place.set_mode("keys.json", 0o400);
    let missing =
        place.wafpass(["verify"].into_iter().chain(NOW)).stdin("GET / HTTP/1.1\nHost: a\n");
    missing.assert().code(1);
}

#[test]
fn explain_shows_each_step_and_what_would_have_matched() {
    let place = Place::new();
    let text = place.request(
        "good.http",
        "GET /a%20b?x=%20",
        &["-H", "x-cloud-viewer-ip:203.0.113.7"],
        "",
    );
    place
        .judge("explain", &["good.http"])
        .code(0)
        .stdout_eq(str![[r#"
nothing speaks against it
judged at 20261122T003010Z

Checks
   0  ok            method, Host and Connection are in order
   1  ok            a signature is there
   2  ok            x-cloud-signature and x-cloud-date are there once
   3  ok            both follow the grammar
   4  ok            the request target is in order
   5  ok            each covered field is there once
   6  ok            the key is known
   7  ok            the key counts now
   8  ok            the signature is right
   9  ok            the audience is this one
  10  ok            the signature is not too old
  11  ok            the signature is not from the future
  12  ok            the WAF let the request through
  13  not asked     what the policy requires is covered
  14  not asked     the signed host is the Host
  15  origin only   it was signed after the replay store began
  16  origin only   the signature was not used up
  17  origin only   the replay store has room and answers
  18  not covered   the covered body is the one that was signed

Signature base
   1  scheme    WAFPASS1-HMAC-SHA256
   2  date      20261122T003000Z
   3  key id    2026-11-a
   4  nonce     0123456789abcdef
   5  audience  shop
   6  waf       pass
   7  method    GET
   8  path      /a%20b
   9  query     x=%20
  10  covered   x-cloud-viewer-ip:203.0.113.7

"#]])
        .stderr_eq("");
    place.file("prefixed.http", text.replace("GET /", "GET /prod/"));
    place.judge("explain", &["prefixed.http"]).code(1).stdout_eq(str![[r#"
refused: signature-mismatch
the signature is not of this request under this key
judged at 20261122T003010Z

Checks
   0  ok            method, Host and Connection are in order
   1  ok            a signature is there
   2  ok            x-cloud-signature and x-cloud-date are there once
   3  ok            both follow the grammar
   4  ok            the request target is in order
   5  ok            each covered field is there once
   6  ok            the key is known
   7  ok            the key counts now
   8  FAILED        the signature is right
   9  not reached   the audience is this one
  10  not reached   the signature is not too old
  11  not reached   the signature is not from the future
  12  not reached   the WAF let the request through
  13  not reached   what the policy requires is covered
  14  not reached   the signed host is the Host
  15  not reached   it was signed after the replay store began
  16  not reached   the signature was not used up
  17  not reached   the replay store has room and answers
  18  not reached   the covered body is the one that was signed

Signature base
   1  scheme    WAFPASS1-HMAC-SHA256
   2  date      20261122T003000Z
   3  key id    2026-11-a
   4  nonce     0123456789abcdef
   5  audience  shop
   6  waf       pass
   7  method    GET
   8  path      /prod/a%20b
   9  query     x=%20
  10  covered   x-cloud-viewer-ip:203.0.113.7

Hints
  prefix: line 8: `/a%20b` was signed, `/prod/a%20b` arrived: the CDN puts `/prod` in front; set that as the origin path prefix

"#]]).stderr_eq("");
    place.file("hostile.http", b"GET /\x1b[31m\xe2\x80\xae HTTP/1.1\nHost: a\nx-cloud-date: 1\nx-cloud-signature: \x1b]0;\x07\n");
    let hostile = place.judge("explain", &["hostile.http"]).code(1);
    hostile
        .stdout_eq(
            str![[r#"
refused: malformed-signature
x-cloud-signature or x-cloud-date departs from its grammar
judged at 20261122T003010Z

Checks
   0  ok            method, Host and Connection are in order
   1  ok            a signature is there
   2  ok            x-cloud-signature and x-cloud-date are there once
   3  FAILED        both follow the grammar
   4  not reached   the request target is in order
   5  not reached   each covered field is there once
   6  not reached   the key is known
   7  not reached   the key counts now
   8  not reached   the signature is right
   9  not reached   the audience is this one
  10  not reached   the signature is not too old
  11  not reached   the signature is not from the future
  12  not reached   the WAF let the request through
  13  not reached   what the policy requires is covered
  14  not reached   the signed host is the Host
  15  not reached   it was signed after the replay store began
  16  not reached   the signature was not used up
  17  not reached   the replay store has room and answers
  18  not reached   the covered body is the one that was signed

Signature base
  none: the request fails before there is one

Hints
  grammar: at byte 0 of x-cloud-signature, `v1;kid=` is expected, not `\x1b]0;\x07`

"#]]
            .raw(),
        )
        .stderr_eq("");
}

#[test]
fn explain_knows_a_secret_that_was_not_decoded() {
    let place = Place::new();
    place.secret("text.json", r#"{"aud": "shop", "keys": [{"kid": "2026-11-a", "key": "QUFFQ0F3UUZCZ2NJQ1FvTERBME9EeEFSRWhNVUZSWVhHQmthR3h3ZEhoOA"}]}"#);
    let sign = SIGN.into_iter().chain([
        "--key-file",
        "text.json",
        "--format",
        "headers",
        "http://shop.example/",
    ]);
    let headers = stdout(place.wafpass(sign).assert().code(0));
    place.file("text.http", format!("GET / HTTP/1.1\nHost: shop.example\n{headers}"));
    let explained = stdout(place.judge("explain", &["text.http"]).code(1));
    assert!(explained.contains("suspect-key: the key was the text of 2026-11-a"), "{explained}");
}

#[test]
fn vectors_pass_and_a_mutated_file_fails() {
    let place = Place::new();
    let text = fs::read_to_string(VECTORS).unwrap();
    place.file("good.json", &text);
    place
        .wafpass(["vectors", "good.json"])
        .assert()
        .code(0)
        .stdout_eq(str![[r#"
131 passed, 0 failed

"#]])
        .stderr_eq("");

    let mutate = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        place.file("bad.json", text.replacen(from, to, 1));
        place.wafpass(["vectors", "good.json", "bad.json"]).assert()
    };
    mutate("\"expect\": \"expired\"", "\"expect\": \"accept\"")
        .code(1)
        .stdout_eq(str![[r#"
FAILED bad.json: one second too old
  expected: accept
  got:      expired
261 passed, 1 failed

"#]])
        .stderr_eq("");
    mutate("\"expect\": \"accept\"", "\"expect\": \"expired\"").code(1).stdout_eq(str![[r#"
FAILED bad.json: get root
  expected: expired
  got:      accept
261 passed, 1 failed

"#]]);
    mutate("\"target\": \"/a/b?x=1&y=2\"", "\"target\": \"/a/b?y=2&x=1\"").code(1).stdout_eq(str![
        [r#"
FAILED bad.json: with query
  expected: accept
  got:      signature-mismatch
261 passed, 1 failed

"#]
    ]);
    mutate("\\nGET\\n/\\n\"", "\\nGET\\n/\\u001b[31m\\n\"").code(1).stdout_eq(
        str![[r#"
FAILED bad.json: get root
  expected: accept
  got:      accept, over another signature base
  line 8 of the base, expected: "/\x1b[31m"
  line 8 of the base, got:      "/"
261 passed, 1 failed

"#]]
        .raw(),
    );
    mutate("\"max_age\": 60", "\"max_age\": 90000").code(1).stdout_eq(str![[r#"
FAILED bad.json: get root
  expected: accept
  got:      a configuration that does not load: max_age 90000 s with skew 5 s is out of bounds; keep max_age within 86400 s and skew within 3600 s
261 passed, 1 failed

"#]]);
    mutate("\"now\"", "\"then\"").code(2).stdout_eq(str![[r#"
131 passed, 0 failed

"#]]).stderr_eq(str![[r#"
error: bad.json: not a vector file: unknown field `then`, expected one of `name`, `request`, `config`, `now`, `expect`, `base` at line 44 column 9
try:   see "Vector files" in the wire format for the fields there are

"#]]);
    mutate("\"expect\": \"accept\"", "\"expect\": \"perhaps\"").code(2).stderr_eq(str![[r#"
error: bad.json: the case "get root" expects "perhaps", which is no reason
try:   expect `accept` or a reason code of the wire format

"#]]);
}

#[test]
fn vectors_run_on_behind_a_file_that_cannot_be_read() {
    let place = Place::new();
    place.file("empty.json", r#"{"spec": "edge-signature version 1", "cases": []}"#);
    let mixed = place.wafpass(["vectors", "none.json", VECTORS, "empty.json"]).assert().code(2);
    mixed
        .stdout_eq(str![[r#"
131 passed, 0 failed

"#]])
        .stderr_eq(str![[r#"
error: none.json cannot be read: No such file or directory (os error 2)
try:   name a file that is there, or `-` for standard input
error: empty.json: there is no case in it
try:   a file proves something by its cases: add one

"#]]);
    place.wafpass(["vectors"]).assert().code(2);
}

#[test]
fn colour_is_for_terminals() {
    let place = Place::new();
    place.request("request.http", "GET /", &[], "");
    let forced = |command: Command| stdout(command.env("CLICOLOR_FORCE", "1").assert().code(0));
    let verify = || place.wafpass(["verify"].into_iter().chain(NOW).chain(["request.http"]));
    assert!(forced(verify()).contains("\u{1b}["));
    assert!(!forced(verify().env("NO_COLOR", "1")).contains('\u{1b}'));
    assert!(!stdout(verify().assert().code(0)).contains('\u{1b}'));
}

#[test]
fn a_reader_that_leaves_is_no_fault() {
    let place = Place::new();
    place.request("request.http", "GET /", &[], "");
    let script = "$WAFPASS explain --key-file keys.json --now 20261122T003010Z request.http | true";
    place.bash(script).assert().code(0).stderr_eq("");
}
