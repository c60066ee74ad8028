use snapbox::{IntoData, str};

use crate::common::{KEYS, Place, SIGN, stdout};

#[test]
fn prints_words_for_curl() {
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
fn has_other_formats() {
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
fn takes_keys_from_a_file_from_standard_input_and_from_the_environment() {
    let place = Place::new();
    let base = || place.wafpass(SIGN.into_iter().chain(["http://shop.example/"]));
    let from_file = stdout(base().args(["--key-file", "keys.json"]).assert().code(0));
    let from_input = stdout(base().args(["--key-file", "-"]).stdin(KEYS).assert().code(0));
    let from_environment = stdout(base().env("WAFPASS_KEYS", KEYS).assert().code(0));
    assert!(from_file == from_input && from_file == from_environment);
}

#[test]
fn refuses_in_two_lines() {
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
    let twice = ["-H", "x-a:1", "-H", "x-b:", "-H", "X-B:2", "http://shop.example/"];
    refuse(&twice).stderr_eq(str![[r#"
error: the covered field x-b is there more than once
try:   send it once

"#]]);
    refuse(&["-H", "x-a:1", "-H", "x-b:\u{e9}", "http://shop.example/"]).stderr_eq(str![[r#"
error: the covered field x-b has a byte outside visible ASCII, space and tab
try:   encode the value

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
try:   start the path with / (and the origin path prefix, if set), in visible ASCII without #; percent-encode other bytes

"#]]);
    refuse(&["--strip-prefix", "/prod", "http://shop.example/a"]).stderr_eq(str![[r#"
error: the request target cannot be signed
try:   start the path with / (and the origin path prefix, if set), in visible ASCII without #; percent-encode other bytes

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

/// What is printed is read by a shell and by curl: a URL cannot bring options of its own.
#[test]
fn a_url_cannot_smuggle_options() {
    let place = Place::new();
    for url in [
        "http://h -o /tmp/x/y",
        "http://h\"\noutput = owned\nsilent",
        "http://h\u{1b}[31m/",
        "http://h\\x/",
        "http://<h>/",
        "http://h/a b",
        "http://h/\n-o",
    ] {
        for format in ["curl", "curl-config", "headers"] {
            let options = ["--key-file", "keys.json", "--format", format, url];
            let told = stdout(place.wafpass(SIGN.into_iter().chain(options)).assert().code(2));
            assert!(told.is_empty(), "{url:?}: {told}");
        }
    }
}
