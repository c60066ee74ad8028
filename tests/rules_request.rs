//! A request as rules see it: each field as Cloudflare documents it, and each byte of it in its place.
#![allow(
    missing_docs,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is the report"
)]

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use wafpass::rules::request::{BodyEnd, Part, RequestFacts, RequestView, Stretch, UriScheme};
use wafpass::rules::trace::Taken;
use wafpass::rules::{FactError, FieldSet, Knows, Scheme, Type, UriDecoding, Value};

type Lines<'r> = &'r [(&'r [u8], &'r [u8])];

fn everything(scheme: &Scheme) -> FieldSet {
    let mut fields = FieldSet::default();
    scheme.fields().for_each(|(id, _)| fields.insert(id));
    fields
}

/// Values of a request, shown: text in quotes, arrays and maps as they are written.
fn values(view: &RequestView<'_>, decoding: UriDecoding, names: &[&str]) -> Vec<String> {
    let scheme = Scheme::default();
    let all = everything(&scheme);
    let facts = RequestFacts::new(view, &scheme, |_| Some(&all));
    let value = |name: &&str| {
        let (id, _) = scheme.field(name).expect(name);
        facts.facts(decoding).get(id).map_or("-".to_owned(), shown)
    };
    names.iter().map(value).collect()
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Ip(address) => address.to_string(),
        Value::Bytes(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Value::Array(list) => format!("[{}]", list.iter().map(shown).collect::<Vec<_>>().join(" ")),
        Value::Map(map) => {
            let entry =
                |(key, value)| format!("{}: {}", String::from_utf8_lossy(key), shown(value));
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn targets_of_every_form() {
    let host: Lines<'_> = &[(b"host", b"h.example")];
    let names = [
        "http.request.full_uri",
        "http.request.uri",
        "http.request.uri.path",
        "http.request.uri.query",
        "http.host",
    ];
    for (method, target, headers, expected) in [
        ("GET", "/a?b#c", host, ["https://h.example/a?b#c", "/a?b#c", "/a", "b#c", "h.example"]),
        ("GET", "/a?", host, ["https://h.example/a?", "/a?", "/a", "", "h.example"]),
        ("GET", "/a", &[], ["https:///a", "/a", "/a", "", ""]),
        ("GET", "HTTP://o:1/a?b", host, ["HTTP://o:1/a?b", "/a?b", "/a", "b", "h.example"]),
        ("GET", "http://o?b", &[], ["http://o?b", "/?b", "/", "b", "o"]),
        ("GET", "http://o", &[], ["http://o", "/", "/", "", "o"]),
        ("OPTIONS", "*", host, ["https://h.example", "*", "*", "", "h.example"]),
        ("CONNECT", "o:443", host, ["https://o:443", "", "", "", "h.example"]),
        ("GET", "o:443", host, ["https://h.exampleo:443", "o:443", "o:443", "", "h.example"]),
        ("GET", "", host, ["https://h.example", "", "", "", "h.example"]),
    ] {
        let view = RequestView::new(method.as_bytes(), target.as_bytes(), headers);
        let expected: Vec<String> = expected.iter().map(|text| format!("{text:?}")).collect();
        assert_eq!(values(&view, UriDecoding::None, &names), expected, "{method} {target}");
    }
    let view =
        RequestView::new(b"GET", b"/", &[]).authority(b"two.example").scheme(UriScheme::Http);
    assert_eq!(
        values(&view, UriDecoding::None, &["http.host", "http.request.full_uri", "ssl"]),
        ["\"two.example\"", "\"http://two.example/\"", "false"]
    );
}

#[test]
fn the_authority_of_the_protocol_comes_before_a_host_line() {
    let lines: &[(&[u8], &[u8])] = &[(b"host", b"good.example")];
    let view = RequestView::new(b"GET", b"/", lines).authority(b"admin.example");
    assert_eq!(
        values(&view, UriDecoding::None, &["http.host", "http.request.full_uri"]),
        ["\"admin.example\"", "\"https://admin.example/\""]
    );
    let shown = values(&view, UriDecoding::None, &["http.request.headers.values"]);
    assert!(shown[0].contains("good.example"), "{shown:?}");
}

#[test]
fn path_query_and_arguments_are_decoded_once_and_only_when_asked() {
    let view = RequestView::new(b"GET", b"/%61%2fb%252e%zz.p%48p?%61=1%26+2&a=3&%=%&c", &[]);
    let names = [
        "http.request.uri.path",
        "http.request.uri.path.extension",
        "http.request.uri.query",
        "http.request.uri.args",
        "http.request.uri.args.names",
        "http.request.uri.args.values",
    ];
    let raw_names = names.map(|name| format!("raw.{name}"));
    let raw_names: Vec<&str> = raw_names.iter().map(String::as_str).collect();
    let sent = [
        r#""/%61%2fb%252e%zz.p%48p""#,
        r#""p%48p""#,
        r#""%61=1%26+2&a=3&%=%&c""#,
        r#"{%61: ["1%26+2"], a: ["3"], %: ["%"], c: [""]}"#,
        r#"["%61" "a" "%" "c"]"#,
        r#"["1%26+2" "3" "%" ""]"#,
    ];
    assert_eq!(values(&view, UriDecoding::None, &names), sent);
    assert_eq!(values(&view, UriDecoding::None, &raw_names), sent);
    assert_eq!(values(&view, UriDecoding::Url, &raw_names), sent);
    assert_eq!(
        values(&view, UriDecoding::Url, &names),
        [
            r#""/a/b%2e%zz.pHp""#,
            r#""php""#,
            r#""a=1&+2&a=3&%=%&c""#,
            r#"{a: ["1&+2" "3"], %: ["%"], c: [""]}"#,
            r#"["a" "a" "%" "c"]"#,
            r#"["1&+2" "3" "%" ""]"#,
        ]
    );
    let whole = ["http.request.uri", "http.request.full_uri"];
    assert_eq!(values(&view, UriDecoding::Url, &whole), values(&view, UriDecoding::None, &whole));
}

#[test]
fn headers_cookies_and_languages() {
    let headers: Lines<'_> = &[
        (b"Host", b"h"),
        (b"X-A", b" 1 "),
        (b"x-a", b"2"),
        (b"User-Agent", b"first"),
        (b"user-agent", b"second"),
        (b"Cookie", b"a=1; %61=2;; nameless"),
        (b"cookie", b"b=\"x=y\""),
        (b"X-Forwarded-For", b"192.0.2.1"),
        (b"x-forwarded-for", b"192.0.2.2"),
        (b"Accept-Language", b"fr-CH, fr;q=0.8, en;q=0.9, de;q=0.7, *;q=0.5"),
    ];
    let view = RequestView::new(b"GET", b"/", headers);
    let shown = values(
        &view,
        UriDecoding::None,
        &[
            "http.request.headers.names",
            "http.user_agent",
            "http.referer",
            "http.cookie",
            "http.x_forwarded_for",
            "http.request.cookies",
            "http.request.accepted_languages",
            "http.request.headers.truncated",
        ],
    );
    assert_eq!(
        shown,
        [
            r#"["Host" "X-A" "x-a" "User-Agent" "user-agent" "Cookie" "cookie" "X-Forwarded-For" "x-forwarded-for" "Accept-Language"]"#,
            r#""first""#,
            r#""""#,
            r#""a=1; %61=2;; nameless; b=\"x=y\"""#,
            r#""192.0.2.1, 192.0.2.2""#,
            r#"{a: ["1" "2"], : ["nameless"], b: ["\"x=y\""]}"#,
            r#"["fr-CH" "en" "fr" "de"]"#,
            "false",
        ]
    );
    let map = &values(&view, UriDecoding::None, &["http.request.headers"])[0];
    assert!(
        map.starts_with(r#"{host: ["h"], x-a: [" 1 " "2"], user-agent: ["first" "second"], "#),
        "{map}"
    );

    let many: Vec<(&[u8], &[u8])> = vec![(b"a", b"b"); 1_025];
    let view = RequestView::new(b"GET", b"/", &many);
    assert_eq!(values(&view, UriDecoding::None, &["http.request.headers.truncated"]), ["true"]);
}

#[test]
fn bodies_by_their_declared_type() {
    let fields = [
        "http.request.body.form",
        "http.request.body.form.names",
        "http.request.body.multipart",
        "http.request.body.multipart.names",
        "http.request.body.multipart.filenames",
        "http.request.body.multipart.values",
        "http.request.body.size",
        "http.request.body.truncated",
        "http.request.body.mime",
    ];
    let form: Lines<'_> = &[(b"content-type", b"Application/X-Www-Form-Urlencoded; charset=utf-8")];
    let view = RequestView::new(b"POST", b"/", form).body(b"a=%41+&&b", BodyEnd::Whole);
    let found = values(&view, UriDecoding::Url, &fields);
    assert_eq!(
        found,
        [r#"{a: ["%41+"], b: [""]}"#, r#"["a" "b"]"#, "{}", "[]", "[]", "[]", "9", "false", "-"]
    );

    let multipart: Lines<'_> = &[(b"content-type", b"multipart/form-data; boundary=\"x\"")];
    let body = b"--x\r\nContent-Disposition: form-data; name=\"a\\\"b\"\r\n\r\n1\r\n\
        --x\r\nContent-Disposition: form-data; name=f; filename=\"p.png\"\r\n\r\n\x89PNG\r\n--x--";
    let view = RequestView::new(b"POST", b"/", multipart)
        .body(body, BodyEnd::Truncated { size: Some(9_999) });
    let found = values(&view, UriDecoding::None, &fields);
    assert_eq!(
        found,
        [
            "{}",
            "[]",
            r#"{a"b: ["1"], f: ["�PNG"]}"#,
            r#"[["a\"b"] ["f"]]"#,
            r#"[[] ["p.png"]]"#,
            r#"["1" "�PNG"]"#,
            "9999",
            "true",
            "-"
        ]
    );

    let view = RequestView::new(b"POST", b"/", &[])
        .body(b"\x89PNG\r\n\x1A\n", BodyEnd::Truncated { size: None });
    let found = values(&view, UriDecoding::None, &fields);
    assert_eq!(found, ["{}", "[]", "{}", "[]", "[]", "[]", "8", "true", r#""image/png""#]);
}

#[test]
fn what_the_connection_and_the_application_know() {
    let mut scheme = Scheme::default();
    let fields =
        ["ip.src", "ip.src.country", "http.request.timestamp.sec", "http.request.timestamp.msec"];
    let country = |address: IpAddr| address.is_ipv4().then_some(Cow::Borrowed("NZ"));
    let view = RequestView::new(b"GET", b"/", &[])
        .client(Ipv4Addr::new(192, 0, 2, 1).into())
        .country_of(&country)
        .timestamp_ms(1_795_307_400_123);
    assert_eq!(
        values(&view, UriDecoding::None, &fields),
        ["192.0.2.1", r#""NZ""#, "1795307400", "123"]
    );
    assert_eq!(
        values(&RequestView::new(b"GET", b"/", &[]), UriDecoding::None, &fields)[..2],
        ["-", "-"]
    );

    let score = scheme.register("my.score", Type::Int).unwrap();
    let view = RequestView::new(b"GET", b"/", &[]).registered(&scheme, score, 7).unwrap();
    let wanted = everything(&scheme);
    let facts = RequestFacts::new(&view, &scheme, |decoding| {
        (decoding == UriDecoding::Url).then_some(&wanted)
    });
    assert_eq!(facts.facts(UriDecoding::Url).get(score), Some(&Value::Int(7)));
    assert_eq!(facts.facts(UriDecoding::None).get(score), None);
    let error = RequestView::new(b"GET", b"/", &[]).registered(&scheme, score, true).unwrap_err();
    assert_eq!(error, FactError::OtherType);
    let error =
        RequestView::new(b"GET", b"/", &[]).registered(&Scheme::default(), score, 7).unwrap_err();
    assert_eq!(error, FactError::UnknownField);
}

#[test]
fn places_lead_through_escapes() {
    let view = RequestView::new(b"GET", b"/%61b%zz%2f?q=%41", &[(b"host", b"h")]);
    let place = |field: &str, path: &[Taken]| {
        let scheme = Scheme::default();
        let Knows::Request(builtin) = scheme.field(field).unwrap().1.knows() else {
            panic!("{field}")
        };
        view.place_of(builtin, path, UriDecoding::Url)
    };
    let target = |range| Stretch { part: Part::Target, range };

    let path = place("http.request.uri.path", &[]).unwrap(); // "/ab%zz/"
    assert_eq!(path.len(), 7);
    assert_eq!(path.raw(&(1..3)), Some(vec![target(1..5)]));
    assert_eq!(path.raw(&(6..7)), Some(vec![target(8..11)]));
    assert_eq!(path.raw(&(0..7)), Some(vec![target(0..11)]));
    assert_eq!(path.raw(&(2..2)), Some(vec![target(4..4)]));
    assert_eq!(path.of(&target(2..3)).next(), Some(1..2));
    assert_eq!(path.of(&target(5..9)).collect::<Vec<_>>(), [3..6, 6..7]);

    let argument = [Taken::Key(b"q".to_vec()), Taken::At(0)];
    assert_eq!(
        place("http.request.uri.args", &argument).unwrap().raw(&(0..1)),
        Some(vec![target(14..17)])
    );
    assert_eq!(place("http.request.uri.args", &argument[..1]), None);
    assert_eq!(place("http.request.uri.args.values", &[Taken::At(1)]), None);

    let full = place("http.request.full_uri", &[]).unwrap(); // "https://" + "h" + the target
    assert_eq!(full.raw(&(0..9)), None);
    assert_eq!(
        full.raw(&(8..11)).unwrap(),
        [Stretch { part: Part::HeaderValue(0), range: 0..1 }, target(0..2)]
    );
}

/// Requests in which every syntax comes to pass, and breaks.
fn text(bytes: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(bytes.as_bytes());
    prop::collection::vec(prop_oneof![8 => piece.boxed(), 1 => any::<u8>().boxed()], 0..40)
}

fn header() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let named = prop_oneof![
        ("[cC]ookie", text("a=;% 2F\t\"")),
        ("[hH]ost", text("h.:1")),
        ("[Aa]ccept-Language", text("de,;q=0.1 *")),
        ("x-[ab]", text("ab,;=")),
        ("Content-Type", Just(b"multipart/form-data; boundary=x; boundary=\"y\"".to_vec())),
        ("Content-Type", Just(b"application/x-www-form-urlencoded".to_vec())),
    ];
    named.prop_map(|(name, value)| (name.into_bytes(), value))
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "--x",
        "--y",
        "--",
        "\r\n",
        "\n",
        "Content-Disposition: form-data; name=\"a\\\"\"",
        "; filename=b",
        "Content-Type: text/plain",
        "a=b",
        "&",
        "%41",
        " ",
        ":",
    ]);
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat().into_bytes())
}

/// Every text in a value, with the steps to it.
fn leaves<'v>(
    value: &'v Value<'_>,
    path: &mut Vec<Taken>,
    found: &mut Vec<(Vec<Taken>, &'v [u8])>,
) {
    match value {
        Value::Bytes(bytes) => found.push((path.clone(), bytes)),
        Value::Array(list) => {
            for (index, element) in list.iter().enumerate() {
                path.push(Taken::At(index));
                leaves(element, path, found);
                path.pop();
            }
        }
        Value::Map(map) => {
            for (key, element) in map.iter() {
                path.push(Taken::Key(key.to_vec()));
                leaves(element, path, found);
                path.pop();
            }
        }
        _ => {}
    }
}

/// What a segment's bytes are read as, told by its lengths alone.
fn reread(raw: &[u8], len: usize) -> Vec<u8> {
    match raw {
        [b'%', digits @ ..] if len == 1 && digits.len() == 2 => {
            vec![u8::from_str_radix(str::from_utf8(digits).unwrap(), 16).unwrap()]
        }
        [b'\\', byte] if len == 1 => vec![*byte],
        raw => raw.to_vec(),
    }
}

proptest! {
    #[test]
    fn every_byte_of_every_field_is_where_its_place_says(
        method in "GET|CONNECT",
        start in prop::sample::select(vec!["/", "", "*", "http://h", "https://h/"]),
        rest in text("/a.%2Fb?=&+#"),
        headers in prop::collection::vec(header(), 0..6),
        body in body(),
    ) {
        let target = [start.as_bytes(), &rest].concat();
        let lines: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
        let view = RequestView::new(method.as_bytes(), &target, &lines).body(&body, BodyEnd::Whole);
        let scheme = Scheme::default();
        let all = everything(&scheme);
        let facts = RequestFacts::new(&view, &scheme, |_| Some(&all));
        for decoding in [UriDecoding::None, UriDecoding::Url] {
            for (id, field) in scheme.fields() {
                let (Knows::Request(builtin), Some(value)) = (field.knows(), facts.facts(decoding).get(id)) else {
                    continue;
                };
                prop_assert!(value.is(field.ty()), "{}", field.name());
                let mut found = Vec::new();
                leaves(value, &mut Vec::new(), &mut found);
                for (path, bytes) in found {
                    let place = view.place_of(builtin, &path, decoding).unwrap();
                    prop_assert_eq!(place.len(), bytes.len(), "{}", field.name());
                    let mut at = 0;
                    for segment in place.segments() {
                        prop_assert!(at <= segment.value.start && segment.value.end <= bytes.len());
                        at = segment.value.end;
                        let raw = &view.part(segment.raw.part)[segment.raw.range.clone()];
                        let read = reread(raw, segment.value.len());
                        let own = &bytes[segment.value.clone()];
                        prop_assert!(
                            read == own || read.eq_ignore_ascii_case(own) && field.name().ends_with("extension"),
                            "{}: {:?} of {:?}", field.name(), own, raw
                        );
                        prop_assert_eq!(place.raw(&segment.value).unwrap(), vec![segment.raw.clone()]);
                        prop_assert!(place.of(&segment.raw).any(|range| range == segment.value));
                    }
                    if !matches!(field.name(), name if name.ends_with("full_uri") || name.ends_with("uri")) && start != "http://h" {
                        let made = bytes.len() - place.segments().iter().map(|one| one.value.len()).sum::<usize>();
                        let joins = matches!(field.name(), "http.cookie" | "http.x_forwarded_for");
                        prop_assert!(made == 0 || joins, "{}", field.name());
                    }
                }
            }
        }
    }
}
