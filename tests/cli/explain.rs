use snapbox::{IntoData, str};

use crate::common::{Place, SIGN, stdout};

#[test]
fn shows_each_step_and_what_would_have_matched() {
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
fn knows_a_secret_that_was_not_decoded() {
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
fn an_old_capture_can_be_judged_as_it_was_judged_then() {
    const WAY_BACK: &str = "  now: to judge it as it was judged then: `--now` with the time it \
        arrived, YYYYMMDDTHHMMSSZ (the log line's time)\n";

    let place = Place::new();
    let options = ["--date", "20200101T000000Z", "--format", "headers", "http://shop.example/"];
    let sign = ["sign", "--waf", "none", "--kid", "2026-11-a", "--key-file", "keys.json"];
    let headers = stdout(place.wafpass(sign.into_iter().chain(options)).assert().code(0));
    place.file("old.http", format!("GET / HTTP/1.1\nHost: shop.example\n{headers}"));
    let explain = |args: &[&str]| {
        let explain = ["explain", "--key-file", "keys.json", "old.http"].into_iter();
        stdout(place.wafpass(explain.chain(args.iter().copied())).assert().code(1))
    };
    let by_the_clock = explain(&[]);
    assert!(by_the_clock.starts_with("refused: expired\n"), "{by_the_clock}");
    assert!(by_the_clock.ends_with(WAY_BACK), "{by_the_clock}");
    // The reason it had then.
    let then = explain(&["--now", "20200101T000010Z"]);
    assert!(then.starts_with("refused: waf-not-evaluated\n"), "{then}");
    let expired_then = explain(&["--now", "20200102T000000Z"]);
    assert!(expired_then.starts_with("refused: expired\n"), "{expired_then}");
    assert!(!then.contains(WAY_BACK) && !expired_then.contains(WAY_BACK));
}
