//! What is logged of a request, and what never is.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is the report"
)]

use std::net::IpAddr;

use proptest::prelude::*;
use serde_json::{Value, json};
use wafpass::matched_data::{
    Binding, ClearText, CookieValues, DenyList, Event, EventParts, Form, Payload, PrivateKey,
    Suite, TRUNCATED, Traced, extract, open,
};
use wafpass::rules::request::{BodyEnd, RequestFacts, RequestView};
use wafpass::rules::{RuleFile, RuleSet, Scheme, UriDecoding};

type Lines<'r> = &'r [(&'r [u8], &'r [u8])];

/// What is logged of a request by these rules, which all only log.
fn logged(
    view: &RequestView<'_>,
    decoding: UriDecoding,
    rules: &[&str],
    deny: &DenyList,
) -> Payload {
    let name = if decoding == UriDecoding::Url { "url" } else { "none" };
    let rule = |(index, expression)| json!({"id": format!("r{index}"), "expression": expression, "action": "log"});
    let rules: Vec<Value> = rules.iter().enumerate().map(rule).collect();
    let file = json!({"uri_decoding": name, "rules": rules}).to_string();
    let file =
        RuleFile::from_json(&file, &Scheme::default()).unwrap_or_else(|fault| panic!("{fault}"));
    let set = RuleSet::compile(file).unwrap();
    let facts = RequestFacts::new(view, set.scheme(), |decoding| set.wants(decoding));
    let matches = set.evaluate(&facts);
    let traces: Vec<_> =
        matches.rules().iter().map(|rule| (*rule, set.trace(*rule, &facts))).collect();
    let traced: Vec<Traced<'_>> = traces
        .iter()
        .map(|(rule, trace)| Traced { rule: &set.rule(*rule).unwrap().id, decoding, trace })
        .collect();
    extract(view, set.scheme(), &traced, deny)
}

fn json_of(view: &RequestView<'_>, rules: &[&str]) -> String {
    logged(view, UriDecoding::None, rules, &DenyList::default()).to_json(Form::V4).unwrap()
}

#[test]
fn the_example_of_the_article() {
    let rule = r#"http.request.version eq "HTTP/1.1" and (http.request.uri.path matches "\n+." or http.request.uri.query matches "\x00+.")"#;
    let view = RequestView::new(b"GET", b"/cms/%0Aadmin?action=%00post", &[]);
    let payload = logged(&view, UriDecoding::Url, &[rule], &DenyList::default());
    assert_eq!(
        payload.to_json(Form::V3).unwrap(),
        r#"{"http.request.version":{"content":"HTTP/1.1"},"http.request.uri.path":{"before":"/cms/","content":"\na","after":"dmin"}}"#
    );
    assert_eq!(logged(&view, UriDecoding::None, &[rule], &DenyList::default()), Payload::default());
}

#[test]
fn elements_are_keyed_by_where_they_stand() {
    let lines: Lines<'_> =
        &[(b"Host", b"h"), (b"X-Foo", b"a"), (b"x-foo", b"see phar://x"), (b"B", b"phar://")];
    let view = RequestView::new(b"GET", b"/?q=1&q=%22", lines);
    assert_eq!(
        json_of(&view, &[r#"any(http.request.headers.values[*] contains "phar://")"#]),
        r#"{"http.request.headers.values[2]":[{"before":"see ","content":"phar://","after":"x"}],"http.request.headers.values[3]":[{"content":"phar://"}]}"#
    );
    assert_eq!(
        json_of(&view, &[r#"any(http.request.headers["x-foo"][*] contains "phar")"#]),
        r#"{"http.request.headers[\"x-foo\"][1]":[{"before":"see ","content":"phar","after":"://x"}]}"#
    );
    assert_eq!(
        json_of(&view, &[r#"any(upper(http.request.uri.args["q"][*])[*] contains "%22")"#]),
        r#"{"http.request.uri.args[\"q\"][1]":[{"content":"%22","via":["upper"]}]}"#
    );
}

#[test]
fn rules_of_one_event_share_what_they_matched() {
    let view = RequestView::new(b"GET", b"/abc?x", &[]);
    let rules = [
        r#"http.request.uri.path contains "ab""#,
        r#"http.request.uri.path contains "bc""#,
        r#"http.request.uri contains "b" and http.request.method eq "GET""#,
        r#"http.request.uri.query eq "y""#,
    ];
    assert_eq!(
        json_of(&view, &rules),
        r#"{"http.request.uri.path":{"before":"/","content":"abc","rules":["r0","r1","r2"]},"http.request.method":{"content":"GET","rules":["r2"]}}"#
    );
}

#[test]
fn of_fields_that_hold_each_other_the_narrower_is_logged() {
    let lines: Lines<'_> =
        &[(b"host", b"h"), (b"content-type", b"application/x-www-form-urlencoded")];
    let view =
        RequestView::new(b"POST", b"/a/b?x=y/b", lines).body(b"k=%27attack%27", BodyEnd::Whole);
    for (rule, keys) in [
        (
            r#"http.request.full_uri contains "/a" and http.request.uri contains "/a" and http.request.uri.path contains "/a""#,
            &["http.request.uri.path"][..],
        ),
        (
            r#"http.request.uri contains "/b" and http.request.uri.query contains "/b""#,
            &["http.request.uri", "http.request.uri.query"],
        ),
        (
            r#"http.request.uri.query contains "y" and any(http.request.uri.args["x"][*] contains "y")"#,
            &["http.request.uri.args[\"x\"][0]"],
        ),
        (
            r#"http.request.body.raw contains "attack" and any(http.request.body.form.values[*] contains "attack")"#,
            &["http.request.body.form.values[0]"],
        ),
        (
            r#"lower(http.request.body.raw) contains "attack" and any(http.request.body.form.values[*] contains "attack")"#,
            &["http.request.body.form.values[0]"],
        ),
        (r#"http.host eq "h" and any(http.request.headers.values[*] eq "h")"#, &["http.host"]),
        (
            r#"http.request.full_uri contains "https" and http.request.uri.path contains "a""#,
            &["http.request.full_uri", "http.request.uri.path"],
        ),
        (
            r#"url_decode(http.request.uri.query) contains "y" and any(http.request.uri.args["x"][*] contains "y")"#,
            &["http.request.uri.query", "http.request.uri.args[\"x\"][0]"],
        ),
    ] {
        let payload = logged(&view, UriDecoding::None, &[rule], &DenyList::default());
        let found: Vec<&str> = payload.entries().iter().map(|entry| entry.key()).collect();
        assert_eq!(found, keys, "{rule}");
    }
    // Also through the escapes that one of them has decoded.
    let payload = logged(
        &RequestView::new(b"GET", b"/%61%62", &[]),
        UriDecoding::Url,
        &[r#"http.request.uri contains "%61" and http.request.uri.path eq "/ab""#],
        &DenyList::default(),
    );
    assert_eq!(payload.entries().len(), 1);
}

#[test]
fn secrets_are_cut_out_wherever_they_come_by() {
    let lines: Lines<'_> = &[
        (b"Cookie", b"theme=dark; session=s3cr3t"),
        (b"Referer", b"https://h/?token=s3cr3t&x=1"),
        (b"Authorization", b"Bearer s3cr3t"),
        (b"content-type", b"application/json"),
    ];
    let view = RequestView::new(b"GET", b"/?user=me&pass%77ord=s3cr3t&x=1", lines)
        .body(br#"{"a":{"api_key":"s3cr3t"},"b":"s3"}"#, BodyEnd::Whole);
    for (rule, expected) in [
        (
            r#"http.request.uri.query contains "s3cr3t""#,
            r#"{"http.request.uri.query":{"before":"=me&pass%77ord=","content":{"redacted":6},"after":"&x=1"}}"#,
        ),
        (
            r#"http.request.uri.query contains "&x""#,
            r#"{"http.request.uri.query":{"content":"&x","after":"=1"}}"#,
        ),
        (
            r#"url_decode(http.request.uri.query) contains "word=s3""#,
            r#"{"http.request.uri.query":{"before":"user=me&pass","content":{"redacted":7},"via":["url_decode"]}}"#,
        ),
        (
            r#"any(lower(http.request.headers.values[*])[*] contains "s3cr3t")"#,
            r#"{"http.request.headers.values[0]":[{"before":"; session=","content":{"redacted":6},"via":["lower"]}],"http.request.headers.values[1]":[{"before":"tps://h/?token=","content":{"redacted":6},"after":"&x=1","via":["lower"]}],"http.request.headers.values[2]":[{"content":{"redacted":6},"via":["lower"]}]}"#,
        ),
        (r#"http.cookie contains "; session=s""#, r#"{"http.cookie":{"content":{"redacted":11}}}"#),
        (
            r#"http.request.cookies["session"][0] eq "s3cr3t""#,
            r#"{"http.request.cookies[\"session\"][0]":[{"content":{"redacted":6}}]}"#,
        ),
        (
            r#"http.request.body.raw contains "\"b\"""#,
            r#"{"http.request.body.raw":{"before":"\"},","content":"\"b\"","after":":\"s3\"}"}}"#,
        ),
        (
            r#"lookup_json_string(http.request.body.raw, "a", "api_key") eq "s3cr3t""#,
            r#"{"http.request.body.raw":{"content":{"redacted":6},"via":["lookup_json_string"]}}"#,
        ),
    ] {
        let json = json_of(&view, &[rule]);
        assert!(!json.contains("s3cr3t"), "{json}");
        let value = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(value(&json), value(expected), "{rule}");
    }
    let rule = r#"http.cookie contains "s3cr3t""#;
    let deny = DenyList::default().cookies(CookieValues::InsecurelyLogged);
    let json = logged(&view, UriDecoding::None, &[rule], &deny).to_json(Form::V4).unwrap();
    assert!(json.contains("s3cr3t"), "{json}");
}

/// One known span of the narrower field is enough; that another went through a function does not matter.
#[test]
fn the_broader_field_goes_beside_a_span_that_nobody_knows() {
    let lines: Lines<'_> = &[(b"Host", b"ab.example")];
    let view = RequestView::new(b"GET", b"/", lines);
    let json = json_of(
        &view,
        &[
            r#"any(http.request.headers.values[*] eq "ab.example") and http.host eq "ab.example" and concat(http.host, "x") contains "ex""#,
        ],
    );
    assert!(!json.contains("headers.values"), "{json}");
    assert!(json.contains("concat"), "{json}");
    let json = json_of(
        &view,
        &[
            r#"concat(http.host, "x") contains "ex" and any(concat(http.request.headers.values[*], "x")[*] contains "ab") and any(http.request.headers.values[*] eq "ab.example") and http.host eq "ab.example""#,
        ],
    );
    assert!(json.contains("headers.values"), "one span of the broader is not known: {json}");
}

#[test]
fn contents_and_payloads_have_limits() {
    let query = "é".repeat(600);
    let target = format!("/?{query}");
    let view = RequestView::new(b"GET", target.as_bytes(), &[]);
    let payload = logged(
        &view,
        UriDecoding::None,
        &[r#"http.request.uri.query ne "x""#],
        &DenyList::default(),
    );
    let json = payload.to_json(Form::V4).unwrap();
    assert_eq!(json.len(), r#"{"http.request.uri.query":{"content":""}}"#.len() + 1_024);

    let long = "a".repeat(1_000);
    let lines: Vec<(&[u8], &[u8])> = vec![(b"x", long.as_bytes()); 9];
    let view = RequestView::new(b"GET", b"/", &lines);
    let payload = logged(
        &view,
        UriDecoding::None,
        &[r#"any(http.request.headers.values[*] matches "^a+$")"#],
        &DenyList::default(),
    );
    assert!(payload.to_json(Form::V4).unwrap_err().to_string().starts_with("a payload of "));
    let key = PrivateKey::generate(Suite::X25519).unwrap();
    let event = Binding::new("t", "e", "r", 1).unwrap();
    assert_eq!(payload.seal_v4(key.public_key(), &event).unwrap(), TRUNCATED);
    assert_eq!(payload.seal_v3(key.public_key()).unwrap(), TRUNCATED);
}

fn parts<'e>() -> EventParts<'e> {
    EventParts {
        tenant: "acme",
        ray_id: "7d0f3c1b2a9e4c55",
        match_index: 0,
        rule_id: "r0",
        description: "a rule",
        action: "block",
        other_rules: &["r1"],
        status: Some(403),
        asn: None,
        uri: ClearText::WithoutSecrets,
    }
}

#[test]
fn an_event_is_one_line_whose_blob_opens_with_it_alone() {
    let lines: Lines<'_> = &[(b"Host", b"shop.example"), (b"User-Agent", b"curl")];
    let view = RequestView::new(b"GET", b"/a?password=s3cr3t&x=../", lines)
        .client(IpAddr::from([192, 0, 2, 1]))
        .timestamp_ms(1_795_307_400_123);
    let rules = [r#"http.request.uri.query contains "../""#, "ssl"];
    let payload = logged(&view, UriDecoding::None, &rules, &DenyList::default());
    let key = PrivateKey::generate(Suite::X25519).unwrap();
    let event = Event::new(&view, &parts(), &DenyList::default()).unwrap();
    let line = event.clone().seal_v4(&payload, key.public_key()).unwrap().to_line();
    assert!(!line.contains('\n') && !line.contains("s3cr3t"));

    let mut read: Value = serde_json::from_str(&line).unwrap();
    let binding = read["Metadata"]["binding"].clone();
    let binding = Binding::from_json(&binding).unwrap();
    assert_eq!((binding.event_id(), binding.rule_id()), ("7d0f3c1b2a9e4c55/0", "r0"));
    let blob = read["Metadata"]["encrypted_matched_data"].as_str().unwrap();
    let opened = open(blob, &key, Some(&binding)).unwrap();
    assert_eq!(*opened, *payload.to_json(Form::V4).unwrap().as_bytes());
    let other = Binding::new("acme", "7d0f3c1b2a9e4c55/1", "r0", 1_795_307_400_123).unwrap();
    assert!(open(blob, &key, Some(&other)).is_err());

    read["Metadata"].as_object_mut().unwrap().remove("encrypted_matched_data");
    assert_eq!(
        read,
        json!({
            "Datetime": "2026-11-22T00:30:00.123Z", "RayID": "7d0f3c1b2a9e4c55", "RuleID": "r0",
            "Action": "block", "Source": "firewallCustom", "Kind": "firewall", "MatchIndex": 0,
            "ClientIP": "192.0.2.1", "ClientRequestMethod": "GET", "ClientRequestScheme": "https",
            "ClientRequestProtocol": "HTTP/1.1", "ClientRequestHost": "shop.example",
            "ClientRequestPath": "/a", "ClientRequestQuery": "password=[redacted]&x=../",
            "ClientRequestUserAgent": "curl", "EdgeResponseStatus": 403, "Ref": "r0",
            "Description": "a rule",
            "Metadata": {
                "binding": {"tenant": "acme", "event_id": "7d0f3c1b2a9e4c55/0", "rule_id": "r0",
                    "timestamp_ms": 1_795_307_400_123_u64},
                "matched_rules": ["r1"],
            },
        })
    );

    let unbound = event.seal_v3(&payload, key.public_key()).unwrap().to_line();
    let unbound: Value = serde_json::from_str(&unbound).unwrap();
    assert_eq!(unbound["Metadata"]["binding"], Value::Null);
    let blob = unbound["Metadata"]["encrypted_matched_data"].as_str().unwrap();
    assert_eq!(*open(blob, &key, None).unwrap(), *payload.to_json(Form::V3).unwrap().as_bytes());
}

#[test]
fn an_event_keeps_what_the_request_says_short_or_out() {
    let target = format!("/{}", "é".repeat(2_000));
    let view = RequestView::new(b"GET", target.as_bytes(), &[(b"user-agent", b"\xff")]);
    let event = |parts: &EventParts<'_>| -> Value {
        let event = Event::new(&view, parts, &DenyList::default()).unwrap();
        serde_json::from_str(&event.to_line()).unwrap()
    };
    let shown = event(&parts());
    assert_eq!(shown["ClientRequestPath"].as_str().unwrap().len(), 2_047);
    assert_eq!(shown["ClientRequestUserAgent"], "\u{fffd}");
    let dropped = event(&EventParts { uri: ClearText::Dropped, ..parts() });
    for name in ["ClientRequestPath", "ClientRequestQuery", "ClientRequestUserAgent"] {
        assert_eq!(dropped[name], Value::Null, "{name}");
    }
    let long = "a".repeat(65_536);
    let parts = EventParts { tenant: &long, ..parts() };
    assert!(Event::new(&view, &parts, &DenyList::default()).is_err());
}

/// The secret of a request: no part of a rule is a part of it.
const MARKER: &str = "Zq7Jx9";

/// How a secret may be written so that a function of the language reads it.
fn is_in(json: &str) -> bool {
    let json = json.to_ascii_lowercase();
    let marker = MARKER.to_ascii_lowercase();
    // Three characters in a row are a piece of it. So is what they make in base64, wherever they stand.
    (0..marker.len() - 2).any(|at| json.contains(&marker[at..at + 3]))
        || ["wne3", "sng5", "n0p4", "ctdk"].iter().any(|text| json.contains(text))
}

#[test]
fn a_secret_would_be_found_if_it_were_logged() {
    let target = format!("/?a={MARKER}");
    let view = RequestView::new(b"GET", target.as_bytes(), &[]);
    for rule in [
        r#"http.request.uri.query contains "7""#,
        r#"substring(http.request.uri.query, 4, 7) ne """#,
        r#"encode_base64(http.request.uri.query) ne """#,
        r#"encode_base64(http.request.uri.path) eq "" or encode_base64(concat("a", http.request.uri.query)) ne """#,
        r#"any(http.request.uri.args.values[*] ne "")"#,
    ] {
        let json = json_of(&view, &[rule]);
        assert!(is_in(&json), "{rule}: {json}");
    }
}

/// A request with the marker in places that the deny list names, and nowhere else.
fn secretive() -> impl Strategy<Value = (Vec<u8>, Vec<(&'static str, String)>, String)> {
    let name = prop::sample::select(vec![
        "password",
        "new_passwd",
        "csrf-token",
        "user[api_key]",
        "%73ecret",
        "PWD",
    ]);
    let around = prop::sample::select(vec!["", "a", "é", "%41", "x=y", "; b", "\"", "{", "\\"]);
    let value =
        (around.clone(), around).prop_map(|(before, after)| format!("{before}{MARKER}{after}"));
    let pair = (name.clone(), value.clone()).prop_map(|(name, value)| {
        let value = value.replace(['&', ';', ' '], "");
        format!("{name}={value}")
    });
    let query = prop::collection::vec(
        prop_oneof![pair.clone(), Just("q=attack".to_owned()), Just("x".to_owned())],
        0..4,
    );
    let query = query.prop_map(|pairs| pairs.join("&"));
    let json = (name.clone(), value.clone()).prop_map(|(name, value)| {
        let value = json!({"a": ["attack", {name.replace('%', "\\u0025"): value}], "b": 1});
        value.to_string()
    });
    let multipart = (name, value.clone()).prop_map(|(name, value)| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nattack\r\n--x--\r\n")
    });
    let body = prop_oneof![
        query.clone().prop_map(|body| ("application/x-www-form-urlencoded", body)),
        json.clone().prop_map(|body| ("application/json", body)),
        json.prop_map(|body| ("text/plain", body)),
        multipart.prop_map(|body| ("multipart/form-data; boundary=x", body)),
    ];
    let header = prop_oneof![
        value.clone().prop_map(|value| ("Authorization", value)),
        value.clone().prop_map(|value| ("X-Api-Key", value)),
        value
            .clone()
            .prop_map(|value| ("Cookie", format!("a={}; c={MARKER}", value.replace(';', "")))),
        value.prop_map(|value| ("cookie", value.replace(['=', ';'], ""))),
        pair.prop_map(|pair| ("Referer", format!("https://h/a?x=1&{pair}"))),
        Just(("User-Agent", "attack".to_owned())),
    ];
    (query, prop::collection::vec(header, 0..5), body).prop_map(
        |(query, mut headers, (kind, body))| {
            headers.push(("Content-Type", kind.to_owned()));
            (format!("/attack?{query}").into_bytes(), headers, body)
        },
    )
}

/// An expression that holds, and looks at whatever there is.
fn curious() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec![
        "http.request.full_uri",
        "http.request.uri",
        "http.request.uri.query",
        "raw.http.request.uri.query",
        "http.cookie",
        "http.referer",
        "http.request.body.raw",
        "http.user_agent",
    ]);
    let each = prop::sample::select(vec![
        "http.request.headers.values[*]",
        "http.request.headers[*][*]",
        "http.request.headers.names[*]",
        "http.request.uri.args[*][*]",
        "http.request.uri.args.names[*]",
        "http.request.uri.args.values[*]",
        "raw.http.request.uri.args.values[*]",
        "http.request.cookies[*][*]",
        "http.request.body.form[*][*]",
        "http.request.body.form.names[*]",
        "http.request.body.form.values[*]",
        "http.request.body.multipart[*][*]",
        "http.request.body.multipart.values[*]",
        "http.request.body.multipart.names[*][*]",
        "http.request.body.multipart.content_dispositions[*][*]",
        "http.request.accepted_languages[*]",
    ]);
    let via = prop::sample::select(vec![
        "{}",
        "lower({})",
        "upper({})",
        "url_decode({})",
        "url_decode({}, \"r\")",
        "encode_base64({})",
        "substring({}, 1)",
        "substring({}, 0, -2)",
        "remove_bytes({}, \"=&\")",
        "concat(\"<\", {}, \">\")",
        "regex_replace({}, \"Z\", \"z\")",
        "wildcard_replace({}, \"*q*\", \"${2}${1}\")",
        "remove_query_args({}, \"x\")",
        "lookup_json_string({}, \"b\")",
        "lookup_json_string({}, \"a\", 0)",
        "decode_base64({})",
        "url_decode({}, \"u\")",
        "to_string(len({}))",
        "split({}, \"=\", 9)[1]",
        "join(split({}, \"7\", 9), \"+\")",
        "concat({}, http.cookie)",
        "concat(http.user_agent, http.request.body.raw, {})",
        "substring({}, 7, 13)",
    ]);
    let via = prop::collection::vec(via, 0..3);
    let test = prop::sample::select(vec![
        "ne \"\"",
        "matches \"(?s).*\"",
        "matches \".\"",
        "contains \"a\"",
        "wildcard \"*\"",
        "eq \"\"",
        "matches \"[7-9]\"",
        "contains \"=\"",
        "matches \"$\"",
    ]);
    let apply = |subject: &str, via: &[&str]| {
        via.iter().fold(subject.to_owned(), |inner, function| function.replace("{}", &inner))
    };
    prop_oneof![
        (field, via.clone(), test.clone())
            .prop_map(move |(field, via, test)| { format!("{} {test}", apply(field, &via)) }),
        (each, via, test).prop_map(move |(each, via, test)| {
            let apply =
                |inner: String, function: &&str| format!("{}[*]", function.replace("{}", &inner));
            format!("any({} {test})", via.iter().fold(each.to_owned(), apply))
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn no_secret_is_ever_logged(
        (target, headers, body) in secretive(),
        rules in prop::collection::vec((curious(), any::<bool>()), 1..4),
        decoded in any::<bool>(),
    ) {
        let lines: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let view = RequestView::new(b"POST", &target, &lines).body(body.as_bytes(), BodyEnd::Whole);
        let decoding = if decoded { UriDecoding::Url } else { UriDecoding::None };
        let rules: Vec<String> = rules
            .into_iter()
            .map(|(rule, negated)| if negated { format!("not ({rule})") } else { rule })
            .filter(|rule| wafpass::rules::parse(rule, &Scheme::default()).is_ok())
            .collect();
        let rules: Vec<&str> = rules.iter().map(String::as_str).collect();
        let payload = logged(&view, decoding, &rules, &DenyList::default());
        for form in [Form::V3, Form::V4] {
            if let Ok(json) = payload.to_json(form) {
                prop_assert!(!is_in(&json), "{rules:?}\n{json}");
                let read = Payload::parse(json.as_bytes()).unwrap();
                prop_assert_eq!(read.entries().len(), payload.entries().len());
            }
        }
        let event = Event::new(&view, &parts(), &DenyList::default()).unwrap().to_line();
        prop_assert!(!is_in(&event), "{event}");
    }
}

/// Thousands of names in one body: each is a key, however many parts give the same value.
#[test]
fn every_name_of_a_body_is_logged_under_its_own_key() {
    let mut body = String::new();
    for part in 0..16 {
        body += "--x\nContent-Disposition:f";
        (0..600).for_each(|name| body += &format!(";name={part:x}.{name:x}"));
        body += "\n\nv\n";
    }
    let lines: Lines<'_> = &[(b"Content-Type", b"multipart/form-data; boundary=x")];
    let view = RequestView::new(b"POST", b"/", lines).body(body.as_bytes(), BodyEnd::Whole);
    let rule = r#"any(http.request.body.multipart[*][*] contains "v")"#;
    let payload = logged(&view, UriDecoding::None, &[rule], &DenyList::default());
    assert_eq!(payload.entries().len(), 16 * 600);
}
