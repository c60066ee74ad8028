//! What passes, what is refused and why, and what the application gets to see.

use axum::body::Body;
use http::{HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::BodyExt;
use wafpass::replay::Capacity;
use wafpass::scheme::edge::WafEvidence;
use wafpass::{
    BodyCoverage, Freshness, HostBinding, Perimeter, Refusal, Rejection, RejectionKind as Kind,
    RestartBarrier, Signer, UnixTime, Verified, WafRequirement,
};

use crate::common::*;

#[tokio::test]
async fn the_application_sees_what_was_verified_and_nothing_forged() {
    let app = app(strict_layer());
    let edge = Edge::new(&["x-cloud-host", "x-cloud-viewer-ip", "x-tenant"]);
    let mut request = get("/a?b=c");
    for (name, value) in [
        ("x-cloud-host", "shop.example"),
        ("x-cloud-viewer-ip", "2001:db8::7"),
        ("x-tenant", "t1"),
        ("accept", "*/*"),
    ] {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let mut request = edge.sign(request);
    for alias in ["x_cloud_viewer_ip", "x-cloud.host", "x_tenant", "x_cloud-signature", "x_other"] {
        request
            .headers_mut()
            .insert(HeaderName::from_static(alias), HeaderValue::from_static("forged"));
    }

    let response = send(&app, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut seen: Vec<_> = response.headers()["seen"].to_str().unwrap().split(' ').collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        ["accept", "host", "x-cloud-host", "x-cloud-viewer-ip", "x-tenant", "x_other"]
    );

    let verified = response.extensions().get::<Verified>().unwrap();
    assert_eq!(verified.key_id().as_str(), "k");
    assert_eq!(verified.audience(), "shop");
    assert_eq!(verified.date(), UnixTime::from_secs(NOW));
    assert_eq!(verified.waf(), WafEvidence::Pass);
    assert!(verified.nonce().starts_with("request-id-"));
    assert_eq!(verified.nth_use(), 1);
    assert_eq!(verified.viewer_ip(), Some("2001:db8::7".parse().unwrap()));
    let covered: Vec<_> = verified.covered().collect();
    let expected = [
        ("x-cloud-host", "shop.example"),
        ("x-cloud-viewer-ip", "2001:db8::7"),
        ("x-tenant", "t1"),
    ];
    assert_eq!(covered, expected);
    assert_eq!(verified.covered_value("x-tenant"), Some("t1"));
    assert_eq!(verified.covered_value("accept"), None);
}

#[tokio::test]
async fn uncovered_reserved_fields_do_not_reach_the_application() {
    let app = app(strict_layer());
    let mut request = signed("/");
    request.headers_mut().insert("x-cloud-viewer-ip", HeaderValue::from_static("203.0.113.9"));
    let response = send(&app, request).await;
    assert_eq!(response.headers()["seen"], "host");
    assert_eq!(response.extensions().get::<Verified>().unwrap().viewer_ip(), None);
}

/// Everything a stranger can do to a signed request, or without one.
#[tokio::test]
async fn every_alteration_has_its_reason() {
    type Alter = fn(&mut Request<Body>);
    let table: &[(Kind, Alter)] = &[
        (Kind::MissingSignature, |r| {
            r.headers_mut().remove(SIGNATURE);
            r.headers_mut().remove(DATE);
        }),
        (Kind::MalformedSignature, |r| drop(r.headers_mut().remove(DATE))),
        (Kind::MalformedSignature, |r| drop(r.headers_mut().remove(SIGNATURE))),
        (Kind::MalformedSignature, |r| r.put(DATE, "1795307400")),
        (Kind::MalformedSignature, |r| r.edit(SIGNATURE, "v1;", "v2;")),
        (Kind::MalformedSignature, |r| r.edit(SIGNATURE, ";h=", ";x=1;h=")),
        (Kind::DuplicateHeader, |r| r.double(SIGNATURE)),
        (Kind::DuplicateHeader, |r| r.double(DATE)),
        (Kind::DuplicateHeader, |r| r.double("x-tenant")),
        (Kind::MissingCoveredHeader, |r| drop(r.headers_mut().remove("x-tenant"))),
        (Kind::MalformedHeader, |r| {
            let value = HeaderValue::from_bytes(b"caf\xe9").unwrap();
            r.headers_mut().insert("x-tenant", value);
        }),
        (Kind::UnknownKey, |r| r.edit(SIGNATURE, "kid=k;", "kid=l;")),
        (Kind::SignatureMismatch, |r| r.put("x-tenant", "t2")),
        (Kind::SignatureMismatch, |r| *r.method_mut() = Method::POST),
        (Kind::SignatureMismatch, |r| *r.uri_mut() = "/other".parse().unwrap()),
        (Kind::SignatureMismatch, |r| *r.uri_mut() = "/a".parse().unwrap()),
        (Kind::SignatureMismatch, |r| *r.uri_mut() = "/a?b=d".parse().unwrap()),
        (Kind::SignatureMismatch, |r| r.edit(SIGNATURE, "waf=pass", "waf=none")),
        (Kind::SignatureMismatch, |r| r.edit(SIGNATURE, "aud=shop", "aud=blog")),
        (Kind::SignatureMismatch, |r| r.edit(SIGNATURE, "nonce=r", "nonce=s")),
        (Kind::SignatureMismatch, |r| r.edit(SIGNATURE, ";h=x-tenant;", ";h=;")),
        (Kind::SignatureMismatch, |r| r.put(DATE, "20261122T003001Z")),
        (Kind::MalformedRequest, |r| drop(r.headers_mut().remove("host"))),
        (Kind::MalformedRequest, |r| r.double("host")),
        (Kind::MalformedRequest, |r| r.put("host", "")),
        (Kind::MalformedRequest, |r| r.put("connection", "close, X-Cloud-Signature")),
        (Kind::MalformedRequest, |r| r.put("connection", "x-tenant")),
        (Kind::MalformedRequest, |r| *r.uri_mut() = "http://evil.example/a?b=c".parse().unwrap()),
        (Kind::MalformedTarget, |r| {
            *r.method_mut() = Method::CONNECT;
            *r.uri_mut() = "shop.example".parse().unwrap();
        }),
    ];
    let app = app(strict_layer());
    for (place, (kind, alter)) in table.iter().enumerate() {
        let mut request = get("/a?b=c");
        request.put("x-tenant", "t1");
        let mut request = Edge::new(&["x-tenant"]).sign(request);
        alter(&mut request);
        assert_eq!(reason(&app, request).await, Some(*kind), "row {place}");
    }
}

trait Alter {
    fn put(&mut self, name: &'static str, value: &str);
    fn edit(&mut self, name: &'static str, from: &str, to: &str);
    fn double(&mut self, name: &'static str);
}

impl Alter for Request<Body> {
    fn put(&mut self, name: &'static str, value: &str) {
        self.headers_mut().insert(name, value.parse().unwrap());
    }

    fn edit(&mut self, name: &'static str, from: &str, to: &str) {
        let value = self.headers()[name].to_str().unwrap().to_owned();
        assert!(value.contains(from), "{value} has no {from}");
        self.put(name, &value.replacen(from, to, 1));
    }

    fn double(&mut self, name: &'static str) {
        let value = self.headers()[name].clone();
        self.headers_mut().append(name, value);
    }
}

#[tokio::test]
async fn the_policy_refuses_what_the_mac_allows() {
    let strict = || builder(Freshness::strict());
    let at = |secs| Edge { now: UnixTime::from_secs(secs), ..Edge::new(&[]) };
    let unseen = Edge { waf: WafEvidence::None, ..Edge::new(&[]) };
    let blog =
        Edge { signer: Signer::builder("blog", key("k")).build().unwrap(), ..Edge::new(&[]) };
    for (name, policy, edge, expected) in [
        ("oldest", strict(), at(NOW - 60), None),
        ("too old", strict(), at(NOW - 61), Some(Kind::Expired)),
        ("furthest ahead", strict(), at(NOW + 5), None),
        ("too far ahead", strict(), at(NOW + 6), Some(Kind::NotYetValid)),
        ("no evidence", strict(), unseen, Some(Kind::WafNotEvaluated)),
        ("other audience", strict(), blog, Some(Kind::WrongAudience)),
        (
            "uncovered",
            strict().require_header("x-tenant"),
            at(NOW),
            Some(Kind::InsufficientCoverage),
        ),
        ("unbound host", strict().bind_host(HostBinding::Bound), at(NOW), Some(Kind::WrongHost)),
    ] {
        assert_eq!(reason(&app(layer(policy)), edge.sign(get("/"))).await, expected, "{name}");
    }
    let unseen = Edge { waf: WafEvidence::None, ..Edge::new(&[]) };
    let lenient = app(layer(strict().waf(WafRequirement::NotRequired)));
    let response = send(&lenient, unseen.sign(get("/"))).await;
    assert_eq!(response.extensions().get::<Verified>().unwrap().waf(), WafEvidence::None);
}

#[tokio::test]
async fn a_bound_host_is_the_host_that_arrived() {
    let app = app(layer(builder(Freshness::strict()).bind_host(HostBinding::Bound)));
    for (host, expected) in [("Shop.Example", None), ("blog.example", Some(Kind::WrongHost))] {
        let mut request = get("/");
        request.put("x-cloud-host", host);
        let request = Edge::new(&["x-cloud-host"]).sign(request);
        assert_eq!(reason(&app, request).await, expected, "{host}");
    }
}

#[tokio::test]
async fn a_signature_has_the_uses_that_its_method_has() {
    let upgrade = ("upgrade", "websocket");
    for (method, field, uses) in [
        (Method::GET, None, 3),
        (Method::HEAD, None, 3),
        (Method::OPTIONS, None, 3),
        (Method::POST, None, 1),
        (Method::GET, Some(upgrade), 1),
    ] {
        let app = app(layer(builder(Freshness::cloudfront())));
        let mut request = get("/");
        *request.method_mut() = method.clone();
        let mut request = Edge::new(&[]).sign(request);
        if let Some((name, value)) = field {
            request.put(name, value);
        }
        for nth in 1..=uses {
            let response = send(&app, replay(&request)).await;
            assert_eq!(response.extensions().get::<Verified>().unwrap().nth_use(), nth);
        }
        assert_eq!(reason(&app, replay(&request)).await, Some(Kind::Replayed), "{method}");
    }
}

#[tokio::test]
async fn a_refused_request_burns_nothing() {
    let app = app(strict_layer());
    let request = signed("/");
    let mut altered = replay(&request);
    *altered.uri_mut() = "/admin".parse().unwrap();
    assert_eq!(reason(&app, altered).await, Some(Kind::SignatureMismatch));
    assert_eq!(reason(&app, request).await, None);
}

#[tokio::test]
async fn a_full_store_refuses_and_remembers() {
    let app = app(layer(builder(Freshness::strict()).replay_capacity(Capacity::shared(2))));
    let (first, second) = (signed("/1"), signed("/2"));
    assert_eq!(reason(&app, replay(&first)).await, None);
    assert_eq!(reason(&app, replay(&second)).await, None);
    let response = send(&app, signed("/3")).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.extensions().get::<Rejection>().unwrap().kind, Kind::ReplayCapacity);
    assert_eq!(reason(&app, first).await, Some(Kind::Replayed));
    assert_eq!(reason(&app, second).await, Some(Kind::Replayed));
}

#[tokio::test]
async fn the_barrier_refuses_what_an_earlier_process_may_have_seen() {
    for (started, expected) in [(NOW, Some(Kind::BeforeStart)), (NOW - 1, None)] {
        let verifier = builder(Freshness::strict()).build_at(UnixTime::from_secs(started)).unwrap();
        assert_eq!(verifier.ready_at(), Some(UnixTime::from_secs(started + 2)));
        let layer = at_now(Perimeter::new(verifier));
        assert_eq!(reason(&app(layer), signed("/")).await, expected, "{started}");
    }
}

/// An edge whose clock runs ahead dates its requests after the restart: the wide barrier knows.
#[tokio::test]
async fn the_wide_barrier_covers_edges_whose_clocks_run_ahead() {
    for (barrier, started, expected, ready) in [
        (RestartBarrier::On, NOW - 1, None, Some(NOW + 1)),
        (RestartBarrier::WithSkew, NOW - 5, Some(Kind::BeforeStart), Some(NOW + 2)),
        (RestartBarrier::WithSkew, NOW - 6, None, Some(NOW + 1)),
        (RestartBarrier::InsecureOff, NOW, None, None),
    ] {
        let builder = builder(Freshness::strict()).restart_barrier(barrier);
        let verifier = builder.build_at(UnixTime::from_secs(started)).unwrap();
        assert_eq!(verifier.ready_at(), ready.map(UnixTime::from_secs));
        let layer = at_now(Perimeter::new(verifier));
        assert_eq!(reason(&app(layer), signed("/")).await, expected, "{barrier:?} {started}");
    }
}

/// Over HTTP/2 the fields need not tell of a body: without word of the transport there is one.
#[test]
fn a_body_in_http_2_is_not_overlooked() {
    let builder = builder(Freshness::strict()).body_coverage(BodyCoverage::Required);
    let verifier = build(builder);
    let mut request = http::Request::post("http://shop.example/").body(()).unwrap();
    *request.version_mut() = http::Version::HTTP_2;
    let request = Edge::new(&[]).sign(request);
    let head = wafpass::MessageHead::from_request(&request);
    let refused = verifier.check(&head, UnixTime::from_secs(NOW)).unwrap_err();
    assert_eq!(refused.kind, Kind::InsufficientCoverage);
    assert!(verifier.check(&head.with_body(false), UnixTime::from_secs(NOW)).is_ok());
}

/// Admission reads the clock anew: a request that waited between check and admission is too old.
#[test]
fn time_passes_between_check_and_admission() {
    let verifier = build(builder(Freshness::strict()));
    let request = signed("/");
    let head = wafpass::MessageHead::from_request(&request);
    let authentic = || verifier.check(&head, UnixTime::from_secs(NOW + 60)).unwrap();
    let late = verifier.admit(authentic(), UnixTime::from_secs(NOW + 61));
    assert_eq!(late.err().unwrap().kind, Kind::Expired);
    assert!(verifier.admit(authentic(), UnixTime::from_secs(NOW + 60)).is_ok());
}

#[tokio::test]
async fn every_refusal_looks_the_same_to_the_peer() {
    let app = app(strict_layer());
    let mut altered = signed("/");
    *altered.uri_mut() = "/b".parse().unwrap();
    for request in [get("/"), altered] {
        let response = send(&app, request).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
        assert_eq!(response.headers()["cache-control"], "no-store");
        let names: Vec<_> = response.headers().keys().map(HeaderName::as_str).collect();
        assert!(
            names.iter().all(|name| ["cache-control", "content-length"].contains(name)),
            "{names:?}"
        );
        assert!(response.into_body().collect().await.unwrap().to_bytes().is_empty());
    }
}

#[tokio::test]
async fn refusals_can_be_ones_own() {
    let status = Refusal::with_status(StatusCode::UNAUTHORIZED).unwrap();
    let response = send(&app(at_now(strict().refuse_with(status))), get("/")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);

    let page = |rejection: &Rejection| {
        assert_eq!(rejection.kind, Kind::MissingSignature);
        http::Response::builder().status(421).body(Body::from("wrong door")).unwrap()
    };
    let response = send(&app(at_now(strict().refuse_with(page))), get("/")).await;
    assert_eq!(response.status(), 421);
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "wrong door");
}

#[tokio::test]
async fn an_exempt_request_passes_bare() {
    let layer = exempting(Method::GET, "/health");
    let app = app(layer);
    let mut request = get("/health");
    for name in [DATE, SIGNATURE, "x-cloud-viewer-ip", "x-cloud-host", "x_cloud_host"] {
        request.headers_mut().insert(name, HeaderValue::from_static("forged"));
    }
    let response = send(&app, request).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["seen"], "host");
    assert!(response.extensions().get::<Verified>().is_none());
    for other in ["/health/", "/health/../admin", "/healthz", "/"] {
        assert_eq!(reason(&app, get(other)).await, Some(Kind::MissingSignature), "{other}");
    }
}
