use std::collections::BTreeMap;

use base64ct::Base64UrlUnpadded;
use serde_json::{Value, json};
use wafpass::{
    Freshness, Key, Keyring, MessageHead, QueryMode, Secret, Signer, UnixTime, Verifier,
    WafEvidence,
};

use super::*;

const VECTORS: &str = include_str!("../../../../../tests/vectors/edge-signature-1.json");
const WAF_SECRET: &str = "the-demo-s-waf-secret-of-more-than-32-characters";
const NONCE: &str = "U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==";
const VIEWER_IP: &str = "203.0.113.9";

/// One case of the vector file, as far as an edge is concerned.
struct Case<'a> {
    name: &'a str,
    method: &'a str,
    /// Path and query, as CloudFront takes them out of the request target.
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    key_id: &'a str,
    secret: Secret,
    audience: &'a str,
    query: QueryMode,
    now: UnixTime,
}

fn cases(file: &Value) -> impl Iterator<Item = Case<'_>> {
    let text = |value: &'_ Value| value.as_str().unwrap().to_owned();
    file["cases"].as_array().unwrap().iter().map(move |case| {
        let (request, config, key) =
            (&case["request"], &case["config"], &case["config"]["keys"][0]);
        let headers = request["headers"].as_array().unwrap().iter();
        Case {
            name: case["name"].as_str().unwrap(),
            method: request["method"].as_str().unwrap(),
            target: origin_form(request["target"].as_str().unwrap()),
            headers: headers
                .map(|line| (line[0].as_str().unwrap(), line[1].as_str().unwrap()))
                .collect(),
            key_id: key["kid"].as_str().unwrap(),
            secret: Secret::new(Base64::decode_vec(&text(&key["secret"])).unwrap()).unwrap(),
            audience: config["audience"].as_str().unwrap(),
            query: if config["query"] == "none" { QueryMode::None } else { QueryMode::All },
            now: UnixTime::from_secs(case["now"].as_i64().unwrap()),
        }
    })
}

/// Without scheme and authority: CloudFront hands on a path.
fn origin_form(target: &str) -> &str {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| {
        target.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let Some(rest) = scheme.and_then(|scheme| target.get(scheme.len()..)) else { return target };
    match rest.find(['/', '?', '#']) {
        Some(start) if rest[start..].starts_with('/') => &rest[start..],
        _ => "/",
    }
}

impl Case<'_> {
    fn key(&self) -> Key {
        Key::new(self.key_id, &self.secret).unwrap()
    }

    fn function(&self) -> Function {
        let config = json!({
            "kid": self.key_id,
            "key": &*self.secret.to_base64url(),
            "aud": self.audience,
            "waf_secrets": [WAF_SECRET],
            "query": if self.query == QueryMode::None { "none" } else { "all" },
        });
        function(EDGE_SIGNER, &[("wafpass", &config.to_string())], Some(self.now.as_secs()))
    }

    fn event(&self) -> Event {
        let mut event = event(self.method, self.target);
        for (name, value) in &self.headers {
            add_field(
                &mut event.request.headers,
                &name.to_ascii_lowercase(),
                value.trim_matches([' ', '\t']),
            );
        }
        event
    }

    /// What the Rust signer puts on the same request, covering what the function covers.
    fn signed_in_rust(&self) -> Option<[(String, String); 4]> {
        let host = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("host"))?.1;
        let mut lines: Vec<(&[u8], &[u8])> =
            vec![(b"x-cloud-host", host.as_bytes()), (b"x-cloud-viewer-ip", VIEWER_IP.as_bytes())];
        let is_other = |name: &str| !name.to_ascii_lowercase().starts_with("x-cloud-");
        let others = self.headers.iter().filter(|(name, _)| is_other(name));
        lines.extend(others.map(|(name, value)| (name.as_bytes(), value.as_bytes())));
        let head = MessageHead::from_raw(self.method.as_bytes(), self.target.as_bytes(), &lines);
        let signer = Signer::builder(self.audience, self.key()).query(self.query);
        let signer = signer.cover("x-cloud-host").cover("x-cloud-viewer-ip").build().unwrap();
        let signature = signer.sign(&head, WafEvidence::Pass, NONCE, self.now).ok()?;
        Some([
            ("x-cloud-date".into(), signature.date().into()),
            ("x-cloud-host".into(), host.into()),
            ("x-cloud-signature".into(), signature.value().into()),
            ("x-cloud-viewer-ip".into(), VIEWER_IP.into()),
        ])
    }

    /// Whether the origin accepts the fields as the function left them.
    fn is_accepted(&self, headers: &Fields) -> bool {
        let keys = Keyring::new([self.key()]).unwrap();
        let verifier = Verifier::builder(self.audience, keys, Freshness::cloudfront());
        let verifier = verifier
            .query(self.query)
            .require_header("x-cloud-host")
            .require_header("x-cloud-viewer-ip");
        let verifier = verifier.build_at(self.now).unwrap();
        let lines: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, field)| (name.as_bytes(), field.value.as_bytes())).collect();
        let head = MessageHead::from_raw(self.method.as_bytes(), self.target.as_bytes(), &lines);
        verifier.check(&head, self.now).is_ok()
    }
}

fn function(code: &'static str, kvs: &[(&str, &str)], now: Option<i64>) -> Function {
    let kvs = kvs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Function { code, kvs: kvs.collect(), now }
}

fn event(method: &str, target: &str) -> Event {
    let (uri, query) =
        target.split_once('?').map_or((target, None), |(uri, query)| (uri, Some(query)));
    let mut headers = Fields::new();
    add_field(&mut headers, "x-amzn-waf-wafpass", WAF_SECRET);
    Event {
        version: "1.0",
        context: EventContext {
            distribution_domain_name: "d111111abcdef8.cloudfront.net",
            distribution_id: "EDFDVBD6EXAMPLE",
            event_type: "viewer-request",
            request_id: NONCE.to_owned(),
        },
        viewer: Viewer { ip: VIEWER_IP.to_owned() },
        request: EventRequest {
            method: method.to_owned(),
            uri: uri.to_owned(),
            raw_query_string: query.map(str::to_owned),
            querystring: Fields::new(),
            headers,
            cookies: BTreeMap::new(),
        },
    }
}

/// Runs `body` as the body of a handler.
fn run(body: &str) -> Result<(Answer, Vec<String>), Fault> {
    let code = Box::leak(format!("async function handler(event) {{ {body} }}").into_boxed_str());
    function(code, &[], None).run(&event("GET", "/"))
}

/// What `expression` is, as the status of a response: 1 for true.
fn holds(expression: &str) -> bool {
    let body = format!("return {{ statusCode: ({expression}) === true ? 1 : 0 }};");
    matches!(run(&body), Ok((Answer::Response { status_code: 1, .. }, _)))
}

#[test]
fn the_function_signs_each_vector_as_rust_does_and_the_verifier_accepts() {
    let file: Value = serde_json::from_str(VECTORS).unwrap();
    let (mut signed, mut refused) = (0, 0);
    for case in cases(&file) {
        let (answer, log) = case.function().run(&case.event()).unwrap();
        match (answer, case.signed_in_rust()) {
            (Answer::Request { headers }, Some(expected)) => {
                for (name, value) in expected {
                    assert_eq!(headers[&name].value, value, "{}: {name}", case.name);
                    assert!(headers[&name].multi_value.is_empty(), "{}: {name}", case.name);
                }
                assert!(!headers.contains_key("x-amzn-waf-wafpass"), "{}", case.name);
                assert!(case.is_accepted(&headers), "{}", case.name);
                assert!(log.is_empty(), "{log:?}");
                signed += 1;
            }
            (Answer::Response { status_code, headers }, None) => {
                assert_eq!(status_code, 400, "{}", case.name);
                let reason = &headers["x-wafpass-refused"].value;
                assert_eq!(log, [format!("wafpass refused: {reason}")], "{}", case.name);
                refused += 1;
            }
            (answer, expected) => panic!("{}: {answer:?}, but in Rust {expected:?}", case.name),
        }
    }
    assert_eq!(signed + refused, file["cases"].as_array().unwrap().len());
    assert!(signed >= 100 && refused >= 10, "{signed} signed, {refused} refused");
}

#[test]
fn a_store_without_the_key_refuses() {
    let (answer, _) = function(EDGE_SIGNER, &[("other", "{}")], None)
        .run(&{
            let mut event = event("GET", "/");
            add_field(&mut event.request.headers, "host", "shop.example");
            event
        })
        .unwrap();
    let Answer::Response { status_code: 503, headers } = answer else { panic!("{answer:?}") };
    assert_eq!(headers["x-wafpass-refused"].value, "config-missing");
}

#[test]
fn the_clock_is_the_systems_unless_it_is_set() {
    let code = "async function handler() { return { statusCode: new Date().getTime() === 1795307400000 ? 1 : 0 } }";
    for (now, expected) in [(Some(1_795_307_400), 1), (Some(1_795_307_401), 0), (None, 0)] {
        let (answer, _) = function(code, &[], now).run(&event("GET", "/")).unwrap();
        assert!(
            matches!(answer, Answer::Response { status_code, .. } if status_code == expected),
            "{now:?}"
        );
    }
}

#[test]
fn buffers_are_those_of_the_documented_runtime() {
    assert!(holds("Buffer.from('é').length === 2"));
    assert!(holds("Buffer.from('é').toString() === 'é'"));
    assert!(holds("Buffer.from('__79', 'base64url').toString('base64url') === '__79'"));
    assert!(holds("Buffer.from('__79', 'base64url').toString('base64') === '//79'"));
    assert!(holds("Buffer.from('__79', 'base64url').toString('hex') === 'fffefd'"));
    assert!(holds("Buffer.from([0, 255]).toString('hex') === '00ff'"));
    // What is no base64url does not come out again as it went in; the function relies on that.
    for odd in ["A", "AB=", "+/79", "AB\\n", "AC"] {
        let body = format!("Buffer.from('{odd}', 'base64url').toString('base64url') !== '{odd}'");
        assert!(holds(&body), "{odd}");
    }
}

#[test]
fn the_hmac_is_that_of_rfc_4231() {
    let code = "import crypto from 'crypto';
        async function handler() {
            const hmac = data => crypto.createHmac('sha256', data[0]).update(data[1]).update(data[2]);
            const answers = [
                hmac(['Jefe', 'what do ya want ', 'for nothing?']).digest('hex'),
                hmac([Buffer.from('4a656665'.match(/../g).map(x => parseInt(x, 16))), 'what do ya want ', Buffer.from('for nothing?')]).digest('hex'),
                hmac(['Jefe', 'what do ya want ', 'for nothing?']).digest('base64url'),
                hmac(['Jefe', 'what do ya want ', 'for nothing?']).digest('base64'),
            ];
            console.log(answers.join(' '));
            return { statusCode: 200 };
        }";
    let (_, log) = function(code, &[], None).run(&event("GET", "/")).unwrap();
    let hex = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    let bytes: Vec<u8> =
        (0..32).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
    let (url, plain) = (Base64UrlUnpadded::encode_string(&bytes), Base64::encode_string(&bytes));
    assert_eq!(log, [format!("{hex} {hex} {url} {plain}")]);
}

#[test]
fn a_run_leaves_nothing_to_the_next() {
    let code = "let runs = 0; async function handler() { runs += 1; globalThis.left = 1; return { statusCode: runs } }";
    let function = function(code, &[], None);
    for _ in 0..2 {
        let (answer, _) = function.run(&event("GET", "/")).unwrap();
        assert!(matches!(answer, Answer::Response { status_code: 1, .. }), "{answer:?}");
    }
}

#[test]
fn the_host_is_not_within_reach() {
    assert!(holds("typeof wafpassHost === 'undefined'"));
    assert!(holds("typeof require === 'undefined' && typeof fetch === 'undefined'"));
}

#[test]
fn limits_hold() {
    let fault = |body| run(body).unwrap_err().to_string();
    assert!(fault("for (;;) {}").contains("interrupted"));
    assert!(
        fault("const all = []; for (;;) all.push('x'.repeat(1000) + all.length);")
            .contains("memory")
    );
    assert!(fault("const f = () => f() + 1; return f();").contains("stack"));
    assert!(fault("await new Promise(() => {});").contains("block"));
    assert!(fault("throw new Error('boom');").contains("boom"));
    assert!(fault("return 5;").contains("variant"));
    assert!(fault("return;").contains("undefined"));
    // What is caught cannot outlast the deadline either.
    assert!(
        fault("try { for (;;) {} } catch (e) { return { statusCode: 200 }; }")
            .contains("interrupted")
    );
}
