//! A tenant that goes while a batch of it is on its way.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::body::{Body, Bytes};
use axum::http::Request;
use http_body_util::channel::Channel;
use tempfile::TempDir;
use tower::ServiceExt;
use wafpass::collector::catalogue::{Catalogue, NewToken, Scope, TenantSettings};
use wafpass::collector::server::{Aging, upkeep};
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::{Collector, api};

use crate::{Hands, MIDNIGHT_MS, tenant, token};

const LINE: &str = "{\"Datetime\":1795305600,\"RayID\":\"r\",\"RuleID\":\"1\",\"MatchIndex\":0}\n";

/// A collector on files, with the tenants `acme` and `globex`.
struct Files {
    folder: TempDir,
    collector: Collector,
    acme: NewToken,
}

impl Files {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(Hands(AtomicU64::new(MIDNIGHT_MS)));
        let catalogue = Arc::new(Catalogue::open(folder.path(), clock.clone()).unwrap());
        for name in ["acme", "globex"] {
            catalogue.add_tenant(&tenant(name), &TenantSettings::default()).unwrap();
        }
        let acme = token(&catalogue, "acme", &Scope::ALL);
        let store = Arc::new(SqliteStore::open(folder.path(), catalogue.clone()).unwrap());
        Self { folder, collector: Collector::new(store, catalogue, clock), acme }
    }

    /// A batch, and the status that it gets in the end.
    fn send(&self, body: Body) -> tokio::task::JoinHandle<u16> {
        let request = Request::post("/v1/logpush")
            .header("authorization", format!("Bearer {}", self.acme.text.as_str()))
            .body(body)
            .unwrap();
        let routes = api::router(self.collector.clone(), |ingest| ingest);
        tokio::spawn(async move { routes.oneshot(request).await.unwrap().status().as_u16() })
    }

    fn has_folder(&self) -> bool {
        self.folder.path().join("events/acme").exists()
    }

    fn is_closing(&self) -> bool {
        self.collector.catalogue.closing_tenants() == [tenant("acme")]
    }
}

/// It was let in before, and begins when all is deleted already: its first bytes say how it is packed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_begins_late_leaves_nothing_behind() {
    let files = Files::new();
    assert_eq!(files.send(LINE.into()).await.unwrap(), 200);
    assert!(files.has_folder());
    let (mut frames, body) = Channel::<Bytes, std::io::Error>::new(1);
    let late = files.send(Body::new(body));
    while files.collector.reception.open() == 0 {
        tokio::task::yield_now().await;
    }
    files.collector.catalogue.close_tenant(&tenant("acme")).unwrap();
    upkeep(&files.collector, Aging::On).await;
    assert!(files.is_closing() && !files.has_folder(), "deleted, and not yet forgotten");
    assert_eq!(files.send(LINE.into()).await.unwrap(), 401, "nothing new is let in");

    frames.send_data(Bytes::from(LINE.replace("\"r\"", "\"late\""))).await.unwrap();
    drop(frames);
    late.await.unwrap();
    while files.collector.reception.open() > 0 {
        tokio::task::yield_now().await;
    }
    upkeep(&files.collector, Aging::On).await;
    assert!(!files.is_closing() && !files.has_folder());
    let batches = files.collector.catalogue.batches(&tenant("acme"), None, 10).unwrap();
    assert_eq!(batches, []);
    assert_eq!(files.collector.catalogue.tenants(), [tenant("globex")]);
}

/// One that has begun is given up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_that_has_begun_is_given_up() {
    let files = Files::new();
    let (mut frames, body) = Channel::<Bytes, std::io::Error>::new(1);
    let begun = files.send(Body::new(body));
    frames.send_data(Bytes::from(LINE)).await.unwrap();
    while files.collector.store.snapshot().pending.is_empty() {
        tokio::task::yield_now().await;
    }
    files.collector.catalogue.close_tenant(&tenant("acme")).unwrap();
    upkeep(&files.collector, Aging::On).await;
    assert!(files.is_closing());
    drop(frames);
    assert_eq!(begun.await.unwrap(), 500, "nothing of it was stored");
    upkeep(&files.collector, Aging::On).await;
    assert!(!files.is_closing() && !files.has_folder());
    assert!(files.collector.store.snapshot().pending.is_empty());
}
