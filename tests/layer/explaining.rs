//! Refusals explained at a distance: only in the log, only where it is switched on, and never more than
//! a holder of the key may know.

use std::fmt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use http::{HeaderValue, Method, Request, StatusCode};
use tracing_subscriber::layer::SubscriberExt;
use wafpass::explain::{Comparer, ExplainRecord};
use wafpass::layer::{ExplainSwitch, PerimeterHandle};
use wafpass::{
    ConfigError, Enforcement, Freshness, Key, KeyId, Keyring, MessageHead, Perimeter,
    RejectionKind as Kind, RootKey, Routes, Secret, Signer, UnixTime, Verifier, VerifyLayer,
};

use crate::common::*;

const TARGET: &str = "wafpass::explain";

/// Takes down every event, under whatever target, with all its fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Event>>>);

#[derive(Clone, Default)]
struct Event {
    target: String,
    fields: Vec<(String, String)>,
}

impl tracing::field::Visit for Event {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.fields.push((field.name().into(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
        self.fields.push((field.name().into(), value.into()));
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Log {
    fn on_event(&self, event: &tracing::Event<'_>, _: tracing_subscriber::layer::Context<'_, S>) {
        let mut seen = Event { target: event.metadata().target().into(), ..Event::default() };
        event.record(&mut seen);
        self.0.lock().unwrap().push(seen);
    }
}

impl Log {
    /// The records so far, which are not told again.
    fn records(&self) -> Vec<ExplainRecord> {
        let events = std::mem::take(&mut *self.0.lock().unwrap());
        let fields = events.into_iter().filter(|event| event.target == TARGET);
        let fields = fields.flat_map(|event| event.fields);
        fields
            .filter(|(name, _)| name == "record")
            .map(|(_, text)| ExplainRecord::parse(text.as_bytes()).unwrap())
            .collect()
    }

    fn text(&self) -> String {
        let events = self.0.lock().unwrap();
        events.iter().flat_map(|event| &event.fields).map(|(_, text)| format!("{text}\n")).collect()
    }
}

/// An origin with its handle, its clock, and what this thread logs.
struct Origin {
    app: Router,
    handle: PerimeterHandle,
    clock: FakeClock,
    log: Log,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Origin {
    fn of(perimeter: Perimeter) -> Self {
        let (clock, log) = (FakeClock::new(), Log::default());
        let subscriber = tracing_subscriber::registry().with(log.clone());
        let _guard = tracing::subscriber::set_default(subscriber);
        let layer = VerifyLayer::with_clock(perimeter, clock.clone());
        Self { handle: layer.handle(), app: app(layer), clock, log, _guard }
    }

    fn new() -> Self {
        Self::of(with_keys(["k", "k2"]))
    }

    fn on(&self, key_id: &str, ahead_s: i64) -> ExplainSwitch {
        let now = self.handle.now();
        let key_id = KeyId::new(key_id).unwrap();
        ExplainSwitch::new(key_id, now.saturating_add(ahead_s), now).unwrap()
    }

    async fn refuse(&self, request: Request<Body>) {
        assert_eq!(reason(&self.app, request).await, Some(Kind::SignatureMismatch));
    }
}

fn with_keys<const N: usize>(ids: [&str; N]) -> Perimeter {
    let keys = Keyring::new(ids.map(key)).unwrap();
    Perimeter::new(build(Verifier::builder("shop", keys, Freshness::strict())))
}

fn edge_of(key: Key) -> Edge {
    Edge { signer: Signer::builder("shop", key).build().unwrap(), ..Edge::new(&[]) }
}

/// Signed for one path, sent to another.
fn altered_by(edge: &Edge) -> Request<Body> {
    let mut request = edge.sign(get("/signed"));
    *request.uri_mut() = "/sent".parse().unwrap();
    request
}

fn altered(key_id: &str) -> Request<Body> {
    altered_by(&edge_of(key(key_id)))
}

#[tokio::test]
async fn off_unless_switched_on_and_for_that_key_only() {
    let origin = Origin::new();
    origin.refuse(altered("k")).await;
    assert!(origin.log.records().is_empty());
    assert!(origin.handle.explained().is_empty());

    origin.handle.explain([origin.on("k", 60)]);
    origin.refuse(altered("k2")).await;
    assert!(origin.log.records().is_empty());
    origin.refuse(altered("k")).await;
    let records = origin.log.records();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].key_id().as_str(), "k");
    assert_eq!(records[0].now(), UnixTime::from_secs(NOW));

    origin.handle.explain([origin.on("k", 60), origin.on("k2", 60)]);
    assert_eq!(origin.handle.explained().len(), 2);
    origin.refuse(altered("k")).await;
    origin.refuse(altered("k2")).await;
    assert_eq!(origin.log.records().len(), 2);

    origin.handle.explain_off();
    origin.refuse(altered("k")).await;
    assert!(origin.log.records().is_empty());
}

#[tokio::test]
async fn goes_off_by_itself() {
    let origin = Origin::new();
    origin.handle.explain([origin.on("k", 120)]);
    // The last one: a clock that is set back revives nothing.
    for (now, records) in [(NOW, 1), (NOW + 119, 1), (NOW + 120, 0), (NOW + 10_000, 0), (NOW, 0)] {
        origin.clock.set(now);
        origin.refuse(altered("k")).await;
        assert_eq!(origin.log.records().len(), records, "{now}");
    }
    assert!(origin.handle.explained().is_empty());
    // One that is over is none.
    origin.handle.explain([origin.on("k", 0), origin.on("k2", -60)]);
    origin.refuse(altered("k")).await;
    assert!(origin.log.records().is_empty());
    let now = origin.handle.now();
    let too_long = ExplainSwitch::new(KeyId::new("k").unwrap(), now.saturating_add(3_601), now);
    assert_eq!(too_long.unwrap_err(), ConfigError::ExplainUntil { ahead_s: 3_601 });
}

#[tokio::test]
async fn so_many_a_minute() {
    let origin = Origin::new();
    origin.handle.explain([origin.on("k", 3_600)]);
    let refuse = async |times: usize| {
        for _ in 0..times {
            origin.refuse(altered("k")).await;
        }
        origin.log.records().len()
    };
    assert_eq!(refuse(30).await, 10);
    origin.clock.set(NOW + 60);
    assert_eq!(refuse(30).await, 10);
    origin.clock.set(NOW + 30); // set back: the minute stays
    assert_eq!(refuse(30).await, 0);
    let unchanged = origin.handle.explained();
    origin.handle.explain(unchanged); // as a reload does
    assert_eq!(refuse(30).await, 0);
    origin.handle.explain([origin.on("k", 600).per_minute(2).unwrap()]);
    assert_eq!(refuse(30).await, 2);
}

/// Each part that is signed, changed on its way: the record names it, and the answer says nothing.
#[tokio::test]
async fn the_record_names_what_changed() {
    type Change = fn(&mut Request<Body>);
    let covered = ["x-cloud-host", "x-cloud-viewer-ip", "x-tenant"];
    let changes: [(&str, Change); 6] = [
        ("method", |request| *request.method_mut() = Method::PUT),
        ("path", |request| *request.uri_mut() = "/a/c?x=1".parse().unwrap()),
        ("query", |request| *request.uri_mut() = "/a/b?x=2".parse().unwrap()),
        ("h.x-cloud-host", |request| set(request, "x-cloud-host", "other.example")),
        ("h.x-cloud-viewer-ip", |request| set(request, "x-cloud-viewer-ip", "198.51.100.1")),
        ("h.x-tenant", |request| set(request, "x-tenant", "")),
    ];
    let origin = Origin::new();
    origin.handle.explain([origin.on("k", 60)]);
    let keyring = Keyring::new([key("k")]).unwrap();
    for (label, change) in changes {
        let mut request = get("/a/b?x=1");
        for name in covered {
            set(&mut request, name, "203.0.113.7");
        }
        let signed = Edge::new(&covered).sign(request);
        let mut sent = replay(&signed);
        change(&mut sent);
        let explained = send(&origin.app, sent).await;
        let [record] = &origin.log.records()[..] else { panic!("{label}") };
        let head = MessageHead::from_request(&signed);
        assert!(record.is_of(&head));
        let comparison = Comparer::new(&keyring).compare(record, &head).unwrap();
        let differing: Vec<_> = comparison.differing().map(|part| &*part.label).collect();
        assert_eq!(differing, [label]);

        // The peer gets what every refused request gets.
        let stranger = send(&origin.app, get("/")).await;
        assert_eq!(explained.status(), StatusCode::FORBIDDEN);
        assert_eq!(explained.headers(), stranger.headers());
    }
}

fn set(request: &mut Request<Body>, name: &'static str, value: &'static str) {
    request.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// Other reasons say by themselves what is wrong, and a stranger's key id is nobody's.
#[tokio::test]
async fn nothing_else_is_explained() {
    let origin = Origin::of(with_keys(["k"]));
    origin.handle.explain([origin.on("k", 60), origin.on("stranger", 60)]);
    let late = Edge { now: UnixTime::from_secs(NOW - 500), ..Edge::new(&[]) };
    let other = Signer::builder("other", key("k")).build().unwrap();
    let mut dropped = Edge::new(&["x-a"]).sign({
        let mut request = get("/");
        set(&mut request, "x-a", "1");
        request
    });
    dropped.headers_mut().remove("x-a");
    for (request, kind) in [
        (get("/"), Kind::MissingSignature),
        (altered("stranger"), Kind::UnknownKey),
        (late.sign(get("/")), Kind::Expired),
        (Edge { signer: other, ..Edge::new(&[]) }.sign(get("/")), Kind::WrongAudience),
        (dropped, Kind::MissingCoveredHeader),
    ] {
        assert_eq!(reason(&origin.app, request).await, Some(kind));
        assert!(origin.log.records().is_empty(), "{kind}");
    }
    assert_eq!(reason(&origin.app, signed("/")).await, None);
    assert!(origin.log.records().is_empty());

    let inactive = Keyring::new([key("k").revoked()]).unwrap();
    let verifier = build(Verifier::builder("shop", inactive, Freshness::strict()));
    origin.handle.replace(Perimeter::new(verifier));
    assert_eq!(reason(&origin.app, altered("k")).await, Some(Kind::InactiveKey));
    assert!(origin.log.records().is_empty());
}

#[tokio::test]
async fn a_new_perimeter_keeps_what_is_switched_on() {
    let origin = Origin::new();
    origin.handle.explain([origin.on("k", 60)]);
    origin.handle.replace(with_keys(["k", "k3"]));
    origin.refuse(altered("k")).await;
    assert_eq!(origin.log.records().len(), 1);
    origin.clock.set(NOW + 60);
    origin.handle.replace(with_keys(["k"]));
    origin.refuse(altered("k")).await;
    assert!(origin.log.records().is_empty());
}

#[tokio::test]
async fn what_is_only_reported_is_explained_and_passes() {
    let routes = Routes::new(Enforcement::ReportOnly).unwrap();
    let origin = Origin::of(with_keys(["k"]).routes(routes));
    origin.handle.explain([origin.on("k", 60)]);
    assert_eq!(send(&origin.app, altered("k")).await.status(), StatusCode::OK);
    assert_eq!(origin.log.records().len(), 1);
}

/// A root stands for the keys of its days; a plain key whose id looks alike is not among them.
#[tokio::test]
async fn a_root_stands_for_its_keys() {
    let root = RootKey::new("r", &Secret::new([9; 32]).unwrap()).unwrap();
    let of_day = root.derive(UnixTime::from_secs(NOW), "shop").unwrap();
    let keys = Keyring::with_roots([key("k.20261122"), key("k2")], [root]).unwrap();
    let verifier = build(Verifier::builder("shop", keys, Freshness::strict()));
    let origin = Origin::of(Perimeter::new(verifier));
    origin.handle.explain([origin.on("r", 60), origin.on("k", 60)]);
    origin.refuse(altered_by(&edge_of(of_day.key().clone()))).await;
    assert_eq!(origin.log.records()[0].key_id().as_str(), "r.20261122");
    origin.refuse(altered("k.20261122")).await;
    assert!(origin.log.records().is_empty());

    origin.handle.explain([origin.on("r.20261122", 60)]);
    origin.refuse(altered_by(&edge_of(of_day.key().clone()))).await;
    assert_eq!(origin.log.records().len(), 1);
    origin.handle.explain([origin.on("r.20261121", 60)]);
    origin.refuse(altered_by(&edge_of(of_day.key().clone()))).await;
    assert!(origin.log.records().is_empty());
}

#[tokio::test]
async fn nothing_logged_holds_a_mac_or_a_secret() {
    let origin = Origin::new();
    origin.handle.explain([origin.on("k", 60)]);
    let mut request = altered("k");
    let right = {
        let nonce = request.headers()[SIGNATURE].to_str().unwrap();
        let nonce = nonce.split_once("nonce=").unwrap().1.split_once(';').unwrap().0.to_owned();
        let mut arrived = get("/sent");
        let signer = Edge::new(&[]).signer;
        signer
            .sign_request_at(
                &mut arrived,
                wafpass::WafEvidence::Pass,
                &nonce,
                UnixTime::from_secs(NOW),
            )
            .unwrap();
        arrived.headers()[SIGNATURE].to_str().unwrap().to_owned()
    };
    set(&mut request, "x-secret-of-the-viewer", "hunter2");
    let sent = request.headers()[SIGNATURE].to_str().unwrap().to_owned();
    origin.refuse(request).await;
    let text = origin.log.text();
    assert!(text.contains("wafpass-explain-1 "));
    for signature in [sent, right] {
        let mac = signature.split_once("sig=").unwrap().1;
        assert!(!text.contains(&mac[..32]) && !text.contains(&mac[32..]), "{text}");
    }
    let secret = Secret::new([42; 32]).unwrap().to_base64url();
    for hidden in [&*secret, &"2a".repeat(16), "hunter2", "/sent", "/signed"] {
        assert!(!text.contains(hidden), "{hidden}: {text}");
    }
}

/// Whoever repeats nonce and date with a guess of a value learns nothing by comparing digests.
#[tokio::test]
async fn a_guess_cannot_be_compared_with_a_record() {
    let origin = Origin::new();
    origin.handle.explain([origin.on("k", 60)]);
    let request = altered("k");
    let guess = replay(&request);
    origin.refuse(request).await;
    origin.refuse(guess).await;
    let records = origin.log.records();
    let path_of = |record: &ExplainRecord| {
        let text = record.to_string();
        text.split(' ').find(|part| part.starts_with("path=")).unwrap().to_owned()
    };
    assert_eq!(records.len(), 2);
    assert_ne!(path_of(&records[0]), path_of(&records[1]));
}
