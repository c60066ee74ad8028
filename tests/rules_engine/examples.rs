//! Rules as their documentation writes them: values, and what of them is recorded.

use wafpass::rules::functions::Function;
use wafpass::rules::trace::{Trace, What};
use wafpass::rules::{Compiler, Facts, Map, Scheme, Type, Value, parse};

fn list(values: &[&str]) -> Value<'static> {
    Value::Array(
        values.iter().map(|value| Value::Bytes(value.as_bytes().to_vec().into())).collect(),
    )
}

fn with_trace<R>(
    rule: &str,
    values: &[(&str, Value<'static>)],
    see: impl FnOnce(bool, Trace<'_>, &Scheme) -> R,
) -> R {
    let mut scheme = Scheme::default();
    scheme.register("my.seed", Type::Bytes).unwrap();
    let mut facts = Facts::unknown(&scheme);
    for (field, value) in values {
        facts.set(&scheme, scheme.field(field).unwrap().0, value.clone()).unwrap();
    }
    let expr = parse(rule, &scheme).unwrap_or_else(|error| panic!("{rule}\n{error}"));
    let program = Compiler::new(&scheme).compile(&expr).unwrap();
    let (value, trace) = program.trace(&facts);
    assert_eq!(value, program.holds(&facts), "{rule}");
    see(value, trace, &scheme)
}

fn holds(rule: &str, values: &[(&str, Value<'static>)]) -> bool {
    with_trace(rule, values, |value, _, _| value)
}

const BODY: &str = "http.request.body.raw";
const PATH: &str = "http.request.uri.path";
const QUERY: &str = "http.request.uri.query";

#[test]
fn functions_as_documented() {
    let headers = |name: &str, value: &str| {
        let mut map = Map::new();
        map.append(name.as_bytes().to_vec(), Value::Bytes(value.as_bytes().to_vec().into()));
        ("http.request.headers", Value::Map(map))
    };
    let form = ("http.request.body.form.values", list(&["fine", "an+xss%20attack"]));
    for (rule, known) in [
        (r#"lower(http.host) == "www.cloudflare.com""#, ("http.host", "WWW.cloudflare.com".into())),
        (r#"upper(http.host) == "WWW.CLOUDFLARE.COM""#, ("http.host", "www.cloudflare.com".into())),
        (r#"any(url_decode(http.request.body.form.values[*])[*] contains "an xss attack")"#, form),
        (
            r#"all(http.request.headers["content-type"][*] == "application/json")"#,
            headers("content-type", "application/json"),
        ),
        (
            "cidr(ip.src, 24, 24) == 113.10.0.0",
            ("ip.src", Value::Ip("113.10.0.2".parse().unwrap())),
        ),
        (
            "cidr6(ip.src, 24) == 2001::",
            ("ip.src", Value::Ip("2001:0000:130F::9C0:876A:130B".parse().unwrap())),
        ),
        ("cidr6(ip.src, 24) == 113.10.0.2", ("ip.src", Value::Ip("113.10.0.2".parse().unwrap()))),
        (
            r#"concat("String1", " ", http.host, "2") == "String1 String2""#,
            ("http.host", "String".into()),
        ),
        (
            r#"any(decode_base64(http.request.headers["client_id"][*])[*] eq "123abc")"#,
            headers("client_id", "MTIzYWJj"),
        ),
        (r#"encode_base64(http.host) == "aGVsbG8gd29ybGQ""#, ("http.host", "hello world".into())),
        (
            r#"encode_base64(http.host, "up") == "aGVsbG8gd29ybGQ=""#,
            ("http.host", "hello world".into()),
        ),
        (r#"ends_with(http.request.uri.path, ".html")"#, (PATH, "/welcome.html".into())),
        (r#"starts_with(http.request.uri.path, "/blog")"#, (PATH, "/blog/first-post".into())),
        (
            r#"join(http.request.headers.names, ",") == "a,b""#,
            ("http.request.headers.names", list(&["a", "b"])),
        ),
        (r#"has_key(http.request.headers, "x-my-header")"#, headers("x-my-header", "")),
        (r#"not has_key(http.request.headers, "x-other")"#, headers("x-my-header", "")),
        (
            r#"has_value(http.request.headers.names, "X-My-Header")"#,
            ("http.request.headers.names", list(&["X-My-Header"])),
        ),
        ("len(http.host) == 11", ("http.host", "example.com".into())),
        ("len(http.request.headers.names) == 2", ("http.request.headers.names", list(&["a", "b"]))),
        (
            r#"lookup_json_integer(http.request.body.raw, "version") == 2"#,
            (BODY, r#"{ "record_id": "aed53a", "version": 2 }"#.into()),
        ),
        (
            r#"lookup_json_integer(http.request.body.raw, 1, "product_id") == 456"#,
            (BODY, r#"[{ "product_id": 123 }, { "product_id": 456 }]"#.into()),
        ),
        (
            r#"lookup_json_string(http.request.body.raw, "network", "name") == "cloudflare""#,
            (BODY, r#"{ "network": { "name": "cloudflare" } }"#.into()),
        ),
        (
            r#"regex_replace(http.request.uri.path, "^/foo/([^/]*)/(.*)$", "/bar/${2}/${1}") == "/bar/path/a""#,
            (PATH, "/foo/a/path".into()),
        ),
        (
            r#"remove_bytes(http.host, "\x2e\x77") == "cloudflarecom""#,
            ("http.host", "www.cloudflare.com".into()),
        ),
        (
            r#"remove_query_args(http.request.uri.query, "order") == "category=Foo&category=Bar""#,
            (QUERY, "category=Foo&order=desc&category=Bar".into()),
        ),
        (
            r#"encode_base64(sha256(http.host)) == "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0""#,
            ("http.host", "abc".into()),
        ),
        (
            r#"starts_with(encode_base64(sha512(http.host)), "3a81oZNherrMQXNJriBBMRLm")"#,
            ("http.host", "abc".into()),
        ),
        (
            r#"split(http.request.headers["x-categories"][0], ",", 3)[2] == "diy,auto""#,
            headers("x-categories", "groceries,electronics,diy,auto"),
        ),
        (r#"substring(http.request.body.raw, 2, 5) == "dfg""#, (BODY, "asdfghjk".into())),
        (r#"substring(http.request.body.raw, 0, -2) == "asdfgh""#, (BODY, "asdfghjk".into())),
        (r#"to_string(ssl) == "true""#, ("ssl", true.into())),
        (r#"url_decode(http.request.uri.path, "r") == "/ ""#, (PATH, "/%2520".into())),
        (r#"url_decode(http.request.uri.path, "u") == "\xe2\x98\x81""#, (PATH, "%u2601".into())),
        (
            r#"uuidv4(my.seed) == "30313233-3435-4637-b839-616263646566""#,
            ("my.seed", "0123456789abcdef".into()),
        ),
        (
            r#"wildcard_replace(http.request.uri.path, "/apps/*", "/${1}") == "/calendar""#,
            (PATH, "/Apps/calendar".into()),
        ),
        (
            r#"wildcard_replace(http.request.uri.path, "/apps/*", "/${1}", "s") == "/Apps/calendar""#,
            (PATH, "/Apps/calendar".into()),
        ),
        ("bit_slice(my.seed, 0, 8) == 0x45", ("my.seed", "E".into())),
    ] {
        assert!(holds(rule, &[known]), "{rule}");
    }
}

#[test]
fn a_token_with_a_time() {
    // printf '%s' '/download/cat.jpg1484063787' | openssl dgst -sha256 -hmac mysecretkey -binary | base64
    let token =
        "/download/cat.jpg?verify=1484063787-JcOQEFurDwNF66OcDJLopQxjsg3cB1KVO5%2BBFS9zZZ0%3D";
    let at = |now: i64, token: &str| {
        let rule =
            format!(r#"is_timed_hmac_valid_v0("mysecretkey", http.request.uri, 100000, {now}, 8)"#);
        holds(&rule, &[("http.request.uri", Value::Bytes(token.as_bytes().to_vec().into()))])
    };
    assert!(at(1_484_063_787, token) && at(1_484_163_787, token));
    assert!(!at(1_484_163_788, token), "too old");
    assert!(!at(1_484_063_787, &token.replace("cat", "dog")), "another message");
    assert!(!at(1_484_063_787, ""), "no token");

    let safe = token.replace("%2B", "-").replace("%3D", "");
    let rule = r#"is_timed_hmac_valid_v0("mysecretkey", concat(http.request.uri, http.referer), 9, 1484063790, 8, "s")"#;
    let (uri, rest) = safe.split_at(30);
    let values = [("http.request.uri", uri), ("http.referer", rest)];
    let values = values.map(|(name, value)| (name, Value::Bytes(value.as_bytes().to_vec().into())));
    assert!(holds(rule, &values));
}

#[test]
fn the_example_of_the_article() {
    let rule = r#"http.request.version eq "HTTP/1.1" and (http.request.uri.path matches "\n+." or http.request.uri.query matches "\x00+.")"#;
    let values = [
        ("http.request.version", "HTTP/1.1".into()),
        (PATH, "/cms/\nadmin".into()),
        (QUERY, "action=\0post".into()),
    ];
    with_trace(rule, &values, |value, trace, scheme| {
        assert!(value);
        let names: Vec<_> = trace
            .accesses
            .iter()
            .map(|access| scheme.field_at(access.field).unwrap().name())
            .collect();
        assert_eq!(names, ["http.request.version", PATH]);
        let told: Vec<_> = trace.contributions.iter().map(|told| told.what.clone()).collect();
        assert_eq!(told, [What::Whole, What::Span(5..7)]);
    });
}

#[test]
fn functions_name_the_field_and_its_bytes() {
    let rule =
        r#"any(lower(url_decode(http.request.uri.args.values[*])[*])[*] contains "<script")"#;
    with_trace(
        rule,
        &[("http.request.uri.args.values", list(&["a", "x%3CSCRIPT"]))],
        |value, trace, _| {
            assert!(value);
            let [told] = &trace.contributions[..] else { panic!("{trace:?}") };
            assert_eq!(told.via, [Function::UrlDecode, Function::Lower]);
            assert_eq!(told.value, Some("x<script".into()));
            assert_eq!(told.what, What::Span(1..8));
            let pieces: Vec<_> = told
                .pieces
                .iter()
                .map(|piece| (piece.value.clone(), piece.from.clone(), piece.aligned))
                .collect();
            assert_eq!(pieces, [(0..1, 0..1, true), (1..2, 1..4, false), (2..8, 4..10, true)]);
        },
    );
}

#[test]
fn a_function_that_only_says_something_lets_the_field_stand_for_itself() {
    with_trace(
        r#"ends_with(lower(http.request.uri.path), ".php")"#,
        &[(PATH, "/A.PHP".into())],
        |_, trace, _| {
            let told = &trace.contributions[0];
            assert_eq!(
                (told.value.clone(), told.what.clone()),
                (Some("/a.php".into()), What::Span(2..6))
            );
            assert_eq!(told.via, [Function::Lower, Function::EndsWith]);
        },
    );
    with_trace(
        "len(lower(http.request.uri.path)) > 3",
        &[(PATH, "/A.PHP".into())],
        |_, trace, _| {
            let told = &trace.contributions[0];
            assert_eq!(
                (told.value.clone(), told.what.clone()),
                (Some("/A.PHP".into()), What::Whole)
            );
            assert_eq!(told.via, [Function::Lower, Function::Len]);
        },
    );
    with_trace(
        "len(http.request.headers.names) == 2",
        &[("http.request.headers.names", list(&["a", "b"]))],
        |_, trace, _| {
            let values: Vec<_> =
                trace.contributions.iter().map(|told| told.value.clone().unwrap()).collect();
            assert_eq!(values, ["a".into(), "b".into()]);
        },
    );
}

#[test]
fn what_is_missing() {
    for (rule, expected) in [
        (r#"http.host == "a""#, false),
        (r#"http.host ne "a""#, true),
        (r#"not http.host ne "a""#, false),
        ("http.host lt \"a\" or http.host ge \"a\"", false),
        ("ip.src ne 10.0.0.1", true),
        ("ssl", false),
        ("not ssl", true),
        (r#"any(http.request.headers.names[*] ne "a")"#, false),
        (r#"all(http.request.headers.names[*] ne "a")"#, false),
        (r#"all(not http.request.headers.names[*] eq "a")"#, false),
        (r#"concat(http.host, http.referer) == """#, false),
        (r#"len(http.host) ne 0"#, true),
        (r#"http.request.headers["a"][0] ne "x""#, true),
    ] {
        assert_eq!(holds(rule, &[]), expected, "{rule}");
    }
    assert!(holds(
        r#"all(http.request.headers.names[*] == "a")"#,
        &[("http.request.headers.names", list(&[]))]
    ));
    assert!(!holds(
        r#"any(http.request.headers.names[*] ne "a")"#,
        &[("http.request.headers.names", list(&[]))]
    ));
    assert!(holds(r#"concat(http.host, http.referer) == "a""#, &[("http.referer", "a".into())]));
}
