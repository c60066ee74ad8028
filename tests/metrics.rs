//! The metrics, as Prometheus reads them. One test: a process has one recorder.
#![allow(
    clippy::as_conversions,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "in a test, a panic is the report"
)]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use http::{Request, Response};
use http_body_util::Empty;
use tower::{Layer, ServiceExt, service_fn};
use wafpass::clock::Clock;
use wafpass::telemetry::{Prometheus, names};
use wafpass::{
    Enforcement, Freshness, Key, Keyring, Perimeter, Route, Routes, Secret, Signer, UnixTime,
    Verifier, VerifyLayer, WafEvidence,
};

const NOW: i64 = 1_795_307_400;

type Body = Empty<bytes::Bytes>;

#[derive(Clone)]
struct FakeClock(Arc<AtomicI64>);

impl Clock for FakeClock {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(self.0.load(Ordering::SeqCst))
    }
}

fn key(id: &str) -> Key {
    Key::new(id, &Secret::new([7; 32]).unwrap()).unwrap()
}

fn perimeter(keys: &[&str]) -> Perimeter {
    let past = key("past").not_after(UnixTime::from_secs(NOW));
    let keys = Keyring::new(keys.iter().map(|id| key(id)).chain([past])).unwrap();
    let builder = Verifier::builder("shop", keys, Freshness::cloudfront());
    let verifier = builder.build_at(UnixTime::from_secs(NOW - 100)).unwrap();
    let quiet = Route::exact("/health", Enforcement::Exempt).unwrap();
    let trial = Route::prefix("/trial/", Enforcement::ReportOnly).unwrap();
    let routes = Routes::default().with(quiet).unwrap().with(trial).unwrap();
    Perimeter::new(verifier).routes(routes)
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).header("host", "shop.example").body(Body::new()).unwrap()
}

fn signed(path: &str, age_s: i64, nonce: &str) -> Request<Body> {
    let mut request = request(path);
    let signer = Signer::builder("shop", key("a")).build().unwrap();
    let date = UnixTime::from_secs(NOW - age_s);
    signer.sign_request_at(&mut request, WafEvidence::Pass, nonce, date).unwrap();
    request
}

#[tokio::test]
async fn every_metric_says_what_happened() {
    let prometheus = Prometheus::install().unwrap();
    assert!(Prometheus::install().is_err(), "a process has one recorder");
    let clock = FakeClock(Arc::new(AtomicI64::new(NOW)));
    let layer = VerifyLayer::with_clock(perimeter(&["a", "b"]), clock.clone());
    let handle = layer.handle();
    prometheus.look_at(handle.clone());
    let inner = service_fn(|_| async { Ok::<_, Infallible>(Response::new(Body::new())) });
    let service = layer.layer(inner);
    let send = async |request| service.clone().oneshot(request).await.unwrap();

    for path in ["/a", "/a", "/trial/x", "/health"] {
        send(request(path)).await;
    }
    for number in 0..20 {
        send(signed("/a", 3, &format!("nonce-0123456789-{number}"))).await;
    }
    send(signed("/a", 3, "nonce-0123456789-0")).await; // a retry
    send(signed("/a", 91, "nonce-0123456789-old")).await;

    let text = prometheus.render();
    let sample = |name: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("no {name} in\n{text}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let requests = |verdict: &str, reason: &str, route: &str, key_id: &str| {
        sample(&format!(
            "{}{{verdict=\"{verdict}\",reason=\"{reason}\",route=\"{route}\",key_id=\"{key_id}\"}}",
            names::REQUESTS
        ))
    };
    assert_eq!(requests("refused", "missing-signature", "*", ""), 2.0);
    assert_eq!(requests("reported", "missing-signature", "/trial/*", ""), 1.0);
    assert_eq!(requests("exempt", "", "/health", ""), 1.0);
    assert_eq!(requests("accepted", "", "*", "a"), 21.0);
    assert_eq!(requests("refused", "expired", "*", "a"), 1.0);
    let of_a = |name: &str| sample(&format!("{name}{{key_id=\"a\"}}"));
    assert_eq!(of_a(names::RETRIES), 1.0);
    assert_eq!(of_a(names::KEY_LOADED), 1.0);
    assert_eq!(of_a(names::KEY_FIRST_USED), (NOW - 3) as f64);
    assert_eq!(of_a(names::KEY_LAST_USED), (NOW - 3) as f64); // the old one does not move it
    assert_eq!(of_a(names::SIGNATURE_AGE_MEDIAN), 3.0);
    assert_eq!(of_a(&format!("{}_count", names::SIGNATURE_AGE)), 22.0);
    assert_eq!(sample(&format!("{}{{key_id=\"b\"}}", names::KEY_LOADED)), 1.0);
    assert_eq!(sample(&format!("{}{{key_id=\"past\"}}", names::KEY_LOADED)), 0.0);
    assert!(!text.contains(&format!("{}{{key_id=\"b\"}}", names::KEY_LAST_USED)));
    assert_eq!(sample(&format!("{}_count{{route=\"*\"}}", names::VERIFY_SECONDS)), 24.0);
    assert_eq!(sample(names::REPLAY_ENTRIES), 20.0);
    assert_eq!(sample(names::REPLAY_CAPACITY), 1_000_000.0);
    assert_eq!(sample(names::STARTED), NOW as f64);
    assert_eq!(sample(names::CONFIG_LOADED), NOW as f64);
    assert_eq!(sample(names::CONFIG_REFUSED), 0.0);

    // A key that went is 0, and what it did stays.
    clock.0.store(NOW + 30, Ordering::SeqCst);
    handle.replace(perimeter(&["b"]));
    let text = prometheus.render();
    assert!(text.contains(&format!("{}{{key_id=\"a\"}} 0\n", names::KEY_LOADED)), "{text}");
    assert!(text.contains(&format!("{}{{key_id=\"a\"}} {}\n", names::KEY_LAST_USED, NOW - 3)));
    assert!(text.contains(&format!("{}{{result=\"replaced\"}} 1\n", names::RELOADS)));
    assert!(text.contains(&format!("{} {}\n", names::CONFIG_LOADED, NOW + 30)));

    // Labels are bounded: whatever a stranger names as a key makes no series.
    for number in 0..100 {
        let mut stranger = signed("/a", 0, &format!("nonce-0123456789-s{number}"));
        let field = stranger.headers_mut().get_mut("x-cloud-signature").unwrap();
        let named = field.to_str().unwrap().replace("kid=a;", &format!("kid=made-up-{number};"));
        *field = named.parse().unwrap();
        send(stranger).await;
    }
    let text = prometheus.render();
    assert!(!text.contains("made-up"));
    assert!(text.contains("reason=\"unknown-key\",route=\"*\",key_id=\"\"} 100\n"), "{text}");
    // 10 of them were logged, and the others counted as left out.
    assert!(text.contains(&format!("{} 90\n", names::LOG_SUPPRESSED)), "{text}");
}
