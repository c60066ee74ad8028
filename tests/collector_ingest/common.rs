//! A collector whose store writes down what it was given.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;
use wafpass::UnixTime;
use wafpass::clock::Clock;
use wafpass::collector::catalogue::{
    BatchRecord, Catalogue, Ledger, Scope, Scopes, TenantSettings, TokenRequest,
};
use wafpass::collector::ingest::Reception;
use wafpass::collector::query::{
    Filter, Histogram, HistogramQuery, Page, PageQuery, Snapshot, TimeRange, Top, TopQuery,
};
use wafpass::collector::store::{
    Answer, BatchId, Deleted, Fresh, Store, StoreError, Usage, Written,
};
use wafpass::collector::{
    Collector, EventId, EventTime, Intake, NewEvent, SealedText, StoredEvent, TenantId, api,
};
use wafpass::matched_data::{Binding, PrivateKey, Suite, open};

/// 2026-11-22T00:30:00Z.
pub const NOW_MS: u64 = 1_795_307_400_000;

pub struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(i64::try_from(self.now_ms() / 1_000).unwrap())
    }

    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// One batch as the store saw it.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub chunks: Vec<Vec<NewEvent>>,
    pub record: Option<BatchRecord>,
    pub is_aborted: bool,
}

#[derive(Default)]
pub struct State {
    pub batches: BTreeMap<u64, Seen>,
    pub fail_writes: Option<fn() -> StoreError>,
    pub fail_commits: Option<fn() -> StoreError>,
    pub used_bytes: u64,
    pub fail_counts: Option<fn() -> StoreError>,
    /// How long each count of bytes takes, and how often it was asked for.
    pub count_takes: Duration,
    pub counts: usize,
}

/// Keeps everything; merges nothing.
pub struct Recording {
    ledger: Arc<Catalogue>,
    pub state: Mutex<State>,
    commits: watch::Sender<u64>,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recording")
    }
}

fn none<'s, T: Send + 's>() -> Answer<'s, T> {
    Box::pin(async { Err(StoreError::Closed) })
}

impl Store for Recording {
    fn begin(&self, _: &TenantId, _: Intake) -> Result<BatchId, StoreError> {
        let mut state = self.state.lock().unwrap();
        let number = u64::try_from(state.batches.len()).unwrap() + 1;
        state.batches.insert(number, Seen::default());
        Ok(BatchId(number))
    }

    fn write(&self, batch: BatchId, events: Vec<NewEvent>) -> Answer<'_, Written> {
        Box::pin(async move {
            let mut state = self.state.lock().unwrap();
            if let Some(fail) = state.fail_writes {
                return Err(fail());
            }
            let stored = u64::try_from(events.len()).unwrap();
            state.batches.get_mut(&batch.0).unwrap().chunks.push(events);
            Ok(Written { stored, repeated: 0 })
        })
    }

    fn commit(&self, batch: BatchId, record: BatchRecord) -> Answer<'_, ()> {
        Box::pin(async move {
            if let Some(fail) = self.state.lock().unwrap().fail_commits {
                return Err(fail());
            }
            self.ledger.record(&[(batch, record.clone())])?;
            self.state.lock().unwrap().batches.get_mut(&batch.0).unwrap().record = Some(record);
            Ok(())
        })
    }

    fn abort(&self, batch: BatchId) {
        self.state.lock().unwrap().batches.get_mut(&batch.0).unwrap().is_aborted = true;
    }

    fn page<'s>(&'s self, _: &'s TenantId, _: PageQuery) -> Answer<'s, Page> {
        none()
    }

    fn event<'s>(
        &'s self,
        _: &'s TenantId,
        _: EventId,
        _: Option<EventTime>,
    ) -> Answer<'s, Option<StoredEvent>> {
        none()
    }

    fn histogram<'s>(&'s self, _: &'s TenantId, _: HistogramQuery) -> Answer<'s, Histogram> {
        none()
    }

    fn top<'s>(&'s self, _: &'s TenantId, _: TopQuery) -> Answer<'s, Top> {
        none()
    }

    fn since<'s>(&'s self, _: &'s TenantId, _: Snapshot, _: Filter, _: usize) -> Answer<'s, Fresh> {
        none()
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::default()
    }

    fn commits(&self) -> watch::Receiver<u64> {
        self.commits.subscribe()
    }

    fn delete<'s>(&'s self, _: &'s TenantId, _: TimeRange) -> Answer<'s, Deleted> {
        none()
    }

    fn expire<'s>(&'s self, _: &'s TenantId, _: EventTime) -> Answer<'s, Deleted> {
        none()
    }

    fn delete_tenant<'s>(&'s self, _: &'s TenantId) -> Answer<'s, Deleted> {
        none()
    }

    fn usage<'s>(&'s self, _: &'s TenantId) -> Answer<'s, Usage> {
        none()
    }

    fn stored_bytes<'s>(&'s self, _: &'s TenantId) -> Answer<'s, u64> {
        Box::pin(async {
            let takes = {
                let mut state = self.state.lock().unwrap();
                state.counts += 1;
                state.count_takes
            };
            tokio::time::sleep(takes).await;
            let state = self.state.lock().unwrap();
            state.fail_counts.map_or(Ok(state.used_bytes), |fail| Err(fail()))
        })
    }

    fn maintain(&self, _: EventTime) -> Answer<'_, ()> {
        none()
    }

    fn ready(&self) -> Answer<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn close(&self) -> Answer<'_, ()> {
        none()
    }
}

/// A collector at hand, with the tenants `acme` and `globex`; acme has a key.
pub struct Lab {
    _dir: TempDir,
    pub clock: Arc<Hands>,
    pub catalogue: Arc<Catalogue>,
    pub store: Arc<Recording>,
    pub router: Router,
    pub token: String,
    pub other_token: String,
    pub reader_token: String,
}

pub fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

/// The tenant's key pair; the private half never leaves the test.
pub fn owner() -> &'static PrivateKey {
    static OWNER: OnceLock<PrivateKey> = OnceLock::new();
    OWNER.get_or_init(|| PrivateKey::generate(Suite::X25519).unwrap())
}

impl Lab {
    pub fn new() -> Self {
        let lab = Self::without_key();
        let key = owner();
        lab.catalogue.propose_key(&acme(), key.public_key(), "test").unwrap();
        let challenge = lab.catalogue.challenge_key(&acme(), key.key_id(), "test").unwrap();
        let binding = challenge.binding();
        let binding = Binding::from_json(&binding).unwrap();
        let answer = open(&challenge.blob, key, Some(&binding)).unwrap();
        let answer = String::from_utf8(answer.to_vec()).unwrap();
        lab.catalogue.answer_challenge(&acme(), key.key_id(), &answer, "test").unwrap();
        lab
    }

    pub fn without_key() -> Self {
        Self::with_reception(Reception::default())
    }

    pub fn with_reception(reception: Reception) -> Self {
        let dir = TempDir::new().unwrap();
        let clock = Arc::new(Hands(AtomicU64::new(NOW_MS)));
        let hands: Arc<dyn Clock> = clock.clone();
        let catalogue = Arc::new(Catalogue::open(dir.path(), hands.clone()).unwrap());
        let globex = TenantId::new("globex").unwrap();
        for tenant in [acme(), globex.clone()] {
            catalogue.add_tenant(&tenant, &TenantSettings::default()).unwrap();
        }
        let token = |tenant: &TenantId, scope| {
            let request = TokenRequest {
                name: "test".to_owned(),
                scopes: Scopes::of(&[scope]),
                expires_ms: None,
            };
            catalogue.add_token(tenant, &request).unwrap().text.to_string()
        };
        let (own, other) = (token(&acme(), Scope::Ingest), token(&globex, Scope::Ingest));
        let reader_token = token(&acme(), Scope::Read);
        let store = Arc::new(Recording {
            ledger: Arc::clone(&catalogue),
            state: Mutex::default(),
            commits: watch::Sender::new(0),
        });
        let dynamic: Arc<dyn Store> = store.clone();
        let collector =
            Collector::new(dynamic, Arc::clone(&catalogue), hands).with_reception(reception);
        let router = api::router(collector, |router| router);
        Self {
            _dir: dir,
            clock,
            catalogue,
            store,
            router,
            token: own,
            other_token: other,
            reader_token,
        }
    }

    pub fn set(&self, change: impl FnOnce(&mut TenantSettings)) {
        let mut settings = TenantSettings::default();
        change(&mut settings);
        self.catalogue.set_settings(&acme(), &settings).unwrap();
    }

    pub fn later(&self, by: Duration) {
        self.clock.0.fetch_add(u64::try_from(by.as_millis()).unwrap(), Ordering::SeqCst);
    }

    pub fn request(&self, path: &str) -> axum::http::request::Builder {
        let name =
            if path == "/v1/firehose" { "x-amz-firehose-access-key" } else { "authorization" };
        let value = match name {
            "authorization" => format!("Bearer {}", self.token),
            _ => self.token.clone(),
        };
        Request::post(path).header(name, value)
    }

    pub async fn send(&self, request: Request<Body>) -> (StatusCode, Value) {
        let (status, _, json) = self.send_whole(request).await;
        (status, json)
    }

    pub async fn send_whole(
        &self,
        request: Request<Body>,
    ) -> (StatusCode, axum::http::HeaderMap, Value) {
        let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let json = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        (head.status, head.headers, json)
    }

    /// A body to a door, by acme.
    pub async fn post(&self, path: &str, body: impl Into<Body>) -> (StatusCode, Value) {
        self.send(self.request(path).body(body.into()).unwrap()).await
    }

    /// The events of all batches that were committed.
    pub fn events(&self) -> Vec<NewEvent> {
        let state = self.store.state.lock().unwrap();
        let committed = state.batches.values().filter(|seen| seen.record.is_some());
        committed.flat_map(|seen| seen.chunks.iter().flatten().cloned()).collect()
    }

    pub fn batches(&self) -> Vec<Seen> {
        self.store.state.lock().unwrap().batches.values().cloned().collect()
    }

    /// Whether every batch is over, and none that failed was left open.
    pub fn is_settled(&self) -> bool {
        self.batches().iter().all(|seen| seen.record.is_some() != seen.is_aborted)
    }
}

/// A problem's code.
pub fn code(problem: &Value) -> &str {
    problem["type"].as_str().unwrap_or_default().strip_prefix("urn:wafpass:").unwrap_or_default()
}

/// What the owner reads in an event's blob.
pub fn opened(event: &NewEvent) -> Value {
    let Some(SealedText::Blob(bytes)) = &event.blob else { panic!("no blob: {event:?}") };
    opened_bytes(bytes, event)
}

pub fn opened_bytes(bytes: &[u8], event: &NewEvent) -> Value {
    use base64ct::{Base64, Encoding};
    let metadata: Value = serde_json::from_str(&event.metadata).unwrap();
    let binding = Binding::from_json(&metadata["binding"]).unwrap();
    let plaintext = open(Base64::encode_string(bytes), owner(), Some(&binding)).unwrap();
    serde_json::from_slice(&plaintext).unwrap()
}

/// A blob of version 4 for an event.
pub fn sealed(binding: &Binding<'_>) -> String {
    wafpass::matched_data::seal_v4(
        br#"{"http.request.uri":{"content":"x"}}"#,
        owner().public_key(),
        binding,
    )
    .unwrap()
}

pub const V3: &str = "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=";

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A body in frames, of which each comes when the one before is taken.
pub fn framed(frames: Vec<Vec<u8>>) -> Body {
    let frames = frames.into_iter().map(|frame| Ok::<_, std::io::Error>(bytes::Bytes::from(frame)));
    Body::from_stream(futures_util::stream::iter(frames))
}
