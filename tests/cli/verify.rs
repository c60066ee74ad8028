use std::fs;

use snapbox::{IntoData, str};

use crate::common::{KEYS, NOW, Place, stdout};

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
  key id    2026-11-a
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
    place.judge("explain", &["."]).code(2).stderr_eq(str![[r#"
error: . cannot be read: Is a directory (os error 21)
try:   name a file

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
