//! The edge function as it is deployed, against the Rust signer and verifier: byte for byte the same
//! headers under Node and njs, and through nginx to an axum origin, on sockets.
//!
//! Needs node, njs, nginx and its njs module, which `./test install` sets up; without them it fails.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "in a test, a panic is the report"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::any;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use wafpass::scheme::edge::WafEvidence;
use wafpass::{
    Freshness, Key, Keyring, MessageHead, Perimeter, Rejection, RejectionKind, RootKey, Secret,
    Signer, UnixTime, Verified, Verifier, VerifyLayer, clock,
};

#[path = "support/nginx.rs"]
mod nginx;

use self::nginx::Nginx;

const SECRET: [u8; 32] = [0x5A; 32];
const WAF: &str = "waf-value-0123456789abcdefghijklmnop";
const VIEWER_IP: &str = "2001:db8::7";
const COVERED: [&str; 2] = ["x-cloud-host", "x-cloud-viewer-ip"];

fn key() -> Key {
    Key::new("2026-11-a", &Secret::new(SECRET).unwrap()).unwrap()
}

fn signer() -> Signer {
    let builder = COVERED.iter().fold(Signer::builder("shop", key()), |b, name| b.cover(name));
    builder.build().unwrap()
}

fn config() -> Value {
    let secret = Secret::new(SECRET).unwrap().to_base64url().to_string();
    json!({ "kid": "2026-11-a", "key": secret, "aud": "shop", "waf_secrets": [WAF] })
}

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[test]
fn node_signs_as_rust_does() {
    signs_as_rust_does("node");
}

#[test]
fn njs_signs_as_rust_does() {
    signs_as_rust_does("njs");
}

/// Every request of the vector files: the function and the Rust signer agree on the headers, or both
/// refuse; and the verifier accepts what they signed.
fn signs_as_rust_does(engine: &str) {
    let vectors = fs::read(project("tests/vectors/edge-signature-1.json")).unwrap();
    let vectors: Value = serde_json::from_slice(&vectors).unwrap();
    let cases = vectors["cases"].as_array().unwrap();
    let jobs: Vec<Value> = cases.iter().map(job).collect();
    let results = run(engine, &jobs);
    assert_eq!(results.len(), jobs.len());

    let mut signed = 0;
    for (job, result) in jobs.iter().zip(&results) {
        let name = &job["name"];
        assert_eq!(&result["name"], name);
        let expected = sign_in_rust(job);
        let Some(headers) = result["request"]["headers"].as_object() else {
            let reason = &result["response"]["headers"]["x-wafpass-refused"]["value"];
            assert!(reason.is_string(), "{name}: {result}");
            // The edge refuses absolute-form too, since CloudFront hands on a path.
            let absolute =
                !job["event"]["request"]["uri"].as_str().unwrap().starts_with(['/', '*']);
            assert!(expected.is_none() || absolute, "{name}: {reason}");
            continue;
        };
        let fields =
            ["x-cloud-date", "x-cloud-signature"].map(|f| headers[f]["value"].as_str().unwrap());
        assert_eq!(Some(fields.map(str::to_owned)), expected, "{name}");
        signed += 1;
    }
    assert!(signed > 80, "only {signed} of {} requests were signed", jobs.len());
}

fn job(case: &Value) -> Value {
    let target = case["request"]["target"].as_str().unwrap();
    let (uri, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let mut headers = json!({ "x-amzn-waf-wafpass": { "value": WAF } });
    for pair in case["request"]["headers"].as_array().unwrap() {
        let (name, value) = (pair[0].as_str().unwrap().to_lowercase(), pair[1].as_str().unwrap());
        let value = value.trim_matches([' ', '\t']);
        let field = &mut headers[name];
        if field.is_null() {
            *field = json!({ "value": value });
        } else {
            let first = field["value"].clone();
            let mut values =
                field["multiValue"].as_array().cloned().unwrap_or(vec![json!({ "value": first })]);
            values.push(json!({ "value": value }));
            field["multiValue"] = Value::Array(values);
        }
    }
    json!({
        "name": case["name"],
        "now": case["now"],
        "kvs": { "wafpass": config().to_string() },
        "event": {
            "version": "1.0",
            "context": { "requestId": "U7b4hR_RaxMADupvKvAr8_m9gsGXvioUggLV5Oyq-vmAtH8HADpjhw==" },
            "viewer": { "ip": VIEWER_IP },
            "request": {
                "method": case["request"]["method"],
                "uri": uri,
                "rawQueryString": query,
                "querystring": {},
                "headers": headers,
                "cookies": {},
            },
        },
    })
}

/// The two fields that [`Signer`] makes for the job's event, checked by the verifier; `None` when it
/// refuses.
fn sign_in_rust(job: &Value) -> Option<[String; 2]> {
    let event = &job["event"];
    let request = &event["request"];
    let uri = request["uri"].as_str().unwrap();
    let target = match request["rawQueryString"].as_str() {
        Some(query) => format!("{uri}?{query}"),
        None => uri.to_owned(),
    };
    let headers = request["headers"].as_object().unwrap();
    let host = headers.get("host").filter(|host| host.get("multiValue").is_none())?;
    let host = host["value"].as_str().unwrap();
    let mut fields = vec![("host", host), ("x-cloud-host", host), ("x-cloud-viewer-ip", VIEWER_IP)];
    if let Some(connection) = headers.get("connection") {
        fields.push(("connection", connection["value"].as_str().unwrap()));
    }
    let now = UnixTime::from_secs(job["now"].as_i64().unwrap());
    let method = request["method"].as_str().unwrap();
    let nonce = event["context"]["requestId"].as_str().unwrap();
    let signature = with_head(method, &target, &fields, |head| {
        signer().sign(head, WafEvidence::Pass, nonce, now).ok()
    })?;

    fields.extend(signature.fields());
    let verifier = Verifier::builder("shop", Keyring::new([key()]).unwrap(), Freshness::strict());
    let verifier = verifier.build_at(UnixTime::from_secs(0)).unwrap();
    with_head(method, &target, &fields, |head| drop(verifier.check(head, now).unwrap()));
    Some(signature.fields().map(|(_, value)| value.to_owned()))
}

#[test]
fn node_signs_with_a_derived_key() {
    signs_with_a_derived_key("node");
}

#[test]
fn njs_signs_with_a_derived_key() {
    signs_with_a_derived_key("njs");
}

/// The function as it is deployed, unchanged: with the key of a day in its store, it signs what an
/// origin accepts that holds only the root, until the day and its overlap are over.
fn signs_with_a_derived_key(engine: &str) {
    let root = RootKey::new("shop-root", &Secret::new(SECRET).unwrap()).unwrap();
    let noon = UnixTime::parse_date(b"20261122T120000Z").unwrap();
    let derived = root.derive(noon, "shop").unwrap();
    let key = derived.secret().to_base64url();
    let stored = json!({
        "kid": derived.id().as_str(), "key": key.as_str(), "aud": "shop", "waf_secrets": [WAF],
    });
    assert_eq!(stored["kid"], "shop-root.20261122");

    let moments = [
        ("20261121T225959Z", Err(RejectionKind::InactiveKey)),
        ("20261121T230000Z", Ok(())),
        ("20261122T120000Z", Ok(())),
        ("20261123T005959Z", Ok(())),
        ("20261123T010000Z", Err(RejectionKind::InactiveKey)),
    ]
    .map(|(date, expected)| (UnixTime::parse_date(date.as_bytes()).unwrap(), expected));
    let request = json!({
        "method": "GET", "target": "/a?b=1", "headers": [["host", "shop.example"]],
    });
    let jobs = moments.map(|(now, _)| {
        let mut job = job(&json!({ "name": "", "now": now.as_secs(), "request": request }));
        job["kvs"]["wafpass"] = json!(stored.to_string());
        job
    });
    let results = run(engine, &jobs);
    assert_eq!(results.len(), jobs.len());

    let keys = Keyring::with_roots([], [root]).unwrap();
    let verifier = Verifier::builder("shop", keys, Freshness::strict());
    let verifier = verifier.build_at(UnixTime::from_secs(0)).unwrap();
    for ((now, expected), result) in moments.iter().zip(&results) {
        let headers = result["request"]["headers"].as_object().expect("signed");
        let fields: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, field)| (name.as_str(), field["value"].as_str().unwrap()))
            .collect();
        let verdict = with_head("GET", "/a?b=1", &fields, |head| {
            verifier.check(head, *now).map(|found| assert_eq!(found.key_id(), derived.id()))
        });
        assert_eq!(verdict.map_err(|rejection| rejection.kind), *expected, "{now}");
    }
}

fn with_head<T>(
    method: &str,
    target: &str,
    fields: &[(&str, &str)],
    then: impl FnOnce(&MessageHead<'_>) -> T,
) -> T {
    let lines: Vec<_> = fields.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    then(&MessageHead::from_raw(method.as_bytes(), target.as_bytes(), &lines))
}

fn run(engine: &str, jobs: &[Value]) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let (input, output) = (dir.path().join("jobs.json"), dir.path().join("results.json"));
    fs::write(&input, serde_json::to_vec(jobs).unwrap()).unwrap();
    let script = project("tests/edge/run.sh");
    let done = Command::new("sh").arg(script).arg(engine).args([&input, &output]).status().unwrap();
    assert!(done.success(), "{engine} failed: is it installed? ./test install sets it up");
    serde_json::from_slice(&fs::read(output).unwrap()).unwrap()
}

/// What the edge holds, with a web ACL attached that inserts `waf`, or without one.
fn edge(waf: Option<&str>) -> Value {
    let mut config = config();
    config["without_waf"] = json!("sign-none");
    json!({ "kvs": { "wafpass": config.to_string() }, "waf": waf })
}

/// Answers with what was verified; 403 with the reason in a header that only this test adds.
async fn origin() -> SocketAddr {
    let started = clock::now().saturating_add(-1);
    let verifier =
        Verifier::builder("shop", Keyring::new([key()]).unwrap(), Freshness::cloudfront());
    let verifier = verifier.build_at(started).unwrap();
    let page = |rejection: &Rejection| {
        let response = Response::builder().status(403).header("reason", rejection.code());
        response.body(Body::empty()).unwrap()
    };
    let app = Router::new()
        .fallback(any(answer))
        .layer(VerifyLayer::of(Perimeter::new(verifier).refuse_with(page)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

async fn answer(verified: Verified, uri: Uri, body: Bytes) -> String {
    let viewer = verified.viewer_ip().unwrap();
    let host = verified.covered_value("x-cloud-host").unwrap();
    format!("{uri} {} {viewer} {host} {}", verified.waf().as_str(), body.len())
}

#[tokio::test(flavor = "multi_thread")]
async fn through_nginx_to_axum_and_no_other_way() {
    let origin = origin().await;
    let attached = || edge(Some(WAF));
    let nginx =
        tokio::task::spawn_blocking(move || Nginx::start(origin, &attached())).await.unwrap();
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let send = async |address: SocketAddr, target: &str, body: &'static str| {
        let method = if body.is_empty() { "GET" } else { "POST" };
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{address}{target}"))
            .header("host", "shop.example")
            .header("x-cloud-viewer-ip", "203.0.113.9")
            .header("x_cloud_viewer_ip", "203.0.113.9")
            .body(Body::from(body))
            .unwrap();
        let response = client.request(request).await.unwrap();
        let reason =
            response.headers().get("reason").map(|reason| reason.to_str().unwrap().to_owned());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        reason.unwrap_or_else(|| String::from_utf8(body.to_vec()).unwrap())
    };

    for target in ["/", "/a?b=c", "//a/../b/%2e?x=%20+?", "/?", "/~a;b=1,2"] {
        let expected = format!("{target} pass 127.0.0.1 shop.example 0");
        assert_eq!(send(nginx.address, target, "").await, expected);
    }
    let posted = send(nginx.address, "/orders", "a body").await;
    assert_eq!(posted, "/orders pass 127.0.0.1 shop.example 6");

    assert_eq!(send(origin, "/", "").await, "missing-signature");
    nginx.configure(&edge(None));
    assert_eq!(send(nginx.address, "/", "").await, "waf-not-evaluated");
    nginx.configure(&edge(Some(WAF)));
    assert!(send(nginx.address, "/", "").await.starts_with("/ pass"));
}
