//! A running origin takes a changed configuration: under load, by file watch, by look and by SIGHUP; a
//! broken one changes nothing.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "in a test, a panic is the report"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::any;
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use wafpass::config::Config;
use wafpass::reload::{self, Triggers, Watch};
use wafpass::telemetry::Verdict;
use wafpass::{
    Key, PerimeterHandle, Secret, Signer, Verified, VerifyLayer, WafEvidence, random_nonce,
};

/// An origin on a socket, with a configuration in a folder of its own.
struct Origin {
    dir: tempfile::TempDir,
    handle: PerimeterHandle,
    address: String,
    client: Client<HttpConnector, Body>,
    _watch: Watch,
}

impl Origin {
    async fn start(keys: &[&str], more: &str) -> Self {
        Self::start_with(&text(keys, more)).await
    }

    async fn start_with(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        replace(dir.path(), text);
        let config = Config::load(dir.path().join("wafpass.toml")).unwrap();
        let layer = VerifyLayer::of(config.perimeter().unwrap());
        let handle = layer.handle();
        let watch = reload::watch(config, handle.clone()).unwrap();
        let app = Router::new().fallback(any(
            async |verified: Option<Verified>| {
                if verified.is_some() { "verified" } else { "bare" }
            },
        ));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { axum::serve(listener, app.layer(layer)).await.unwrap() });
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self { dir, handle, address, client, _watch: watch }
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let response = self.client.request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn request(&self) -> Request<Body> {
        let uri = format!("http://{}/a", self.address);
        Request::get(uri).body(Body::empty()).unwrap()
    }

    fn signed(&self, key_id: &str) -> Request<Body> {
        let signer = Signer::builder("shop", key(key_id)).build().unwrap();
        let mut request = self.request();
        let nonce = random_nonce().unwrap();
        signer.sign_request(&mut request, WafEvidence::Pass, &nonce).unwrap();
        request
    }

    async fn status(&self, request: Request<Body>) -> StatusCode {
        self.send(request).await.0
    }

    /// Waits for a state, ten seconds at most.
    async fn until(&self, what: &str, holds: impl Fn(&PerimeterHandle) -> bool) {
        for _ in 0..1_000 {
            if holds(&self.handle) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what} did not come");
    }

    fn has_keys(keys: &[&str]) -> impl Fn(&PerimeterHandle) -> bool {
        move |handle| {
            let verifier = handle.verifier();
            let loaded: Vec<_> = verifier.keyring().ids().map(|id| id.as_str()).collect();
            loaded == keys
        }
    }
}

fn secret(key_id: &str) -> Secret {
    Secret::new(format!("{key_id:-<32}").into_bytes()).unwrap()
}

fn key(key_id: &str) -> Key {
    Key::new(key_id, &secret(key_id)).unwrap()
}

fn text(keys: &[&str], more: &str) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|id| format!("{{ kid = \"{id}\", key = \"{}\" }}", *secret(id).to_base64url()))
        .collect();
    // The restart barrier would refuse what is signed in the first second of the test.
    format!(
        "audience = \"shop\"\n{more}\n[keys]\ninline = [{}]\n[freshness]\nmax_age = \"60s\"\n\
         [replay]\nrestart_barrier = \"insecure-off\"\n[reload]\npoll = \"1s\"\n",
        keys.join(", ")
    )
}

/// Puts a whole new file in the place of the old one, as deployments do.
fn write(dir: &Path, keys: &[&str], more: &str) {
    replace(dir, &text(keys, more));
}

fn hang_up() {
    let status = std::process::Command::new("kill")
        .args(["-HUP", &std::process::id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

fn replace(dir: &Path, text: &str) {
    let fresh: PathBuf = dir.join(".wafpass.toml.new");
    fs::write(&fresh, text).unwrap();
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(fresh, dir.join("wafpass.toml")).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_file_takes_effect() {
    let origin = Origin::start(&["a"], "").await;
    assert_eq!(origin.status(origin.signed("a")).await, StatusCode::OK);
    assert_eq!(origin.status(origin.signed("b")).await, StatusCode::FORBIDDEN);
    write(origin.dir.path(), &["a", "b"], "");
    origin.until("the key b", Origin::has_keys(&["a", "b"])).await;
    assert_eq!(origin.status(origin.signed("b")).await, StatusCode::OK);
    write(origin.dir.path(), &["b"], "enforcement = \"report-only\"");
    origin.until("the end of a", Origin::has_keys(&["b"])).await;
    assert_eq!(origin.send(origin.signed("a")).await, (StatusCode::OK, "bare".into()));
    assert_eq!(origin.send(origin.signed("b")).await, (StatusCode::OK, "verified".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_file_changes_nothing() {
    let origin = Origin::start(&["a"], "").await;
    let good = text(&["a", "b"], "");
    let refused = || {
        let recorded = origin.handle.telemetry();
        recorded.is_config_refused()
    };
    for broken in [
        "",
        "not toml at all",
        &good.replace("audience", "audiense"),
        &good.replace("max_age = \"60s\"", "max_age = \"2d\""),
        &good.replace("max_age = \"60s\"", ""),
        &good.replace("[keys]", "enforcement = \"exempt\"\n[keys]"),
        // What belongs to the store takes a restart.
        &good.replace("[replay]", "[replay]\ncapacity = 77"),
        &good[..good.len() / 2],
    ] {
        replace(origin.dir.path(), broken);
        origin.until("a refusal", |_| refused()).await;
        assert!(Origin::has_keys(&["a"])(&origin.handle));
        assert_eq!(origin.status(origin.signed("a")).await, StatusCode::OK);
        assert_eq!(origin.status(origin.signed("b")).await, StatusCode::FORBIDDEN);
        write(origin.dir.path(), &["a"], &format!("# after {} bytes", broken.len()));
        origin.until("the end of the refusal", |_| !refused()).await;
    }
    fs::remove_file(origin.dir.path().join("wafpass.toml")).unwrap();
    origin.until("a refusal", |_| refused()).await;
    assert_eq!(origin.status(origin.signed("a")).await, StatusCode::OK);
}

/// `[explain]` is turned on and off in the file, while the origin runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explaining_is_switched_in_the_file() {
    let origin = Origin::start(&["a"], "").await;
    let switched_on = |handle: &PerimeterHandle| !handle.explained().is_empty();
    assert!(!switched_on(&origin.handle));
    let until = wafpass::clock::now().saturating_add(600);
    let explain = format!("\n[explain]\nkey_id = \"a\"\nuntil = \"{until}\"\n");
    replace(origin.dir.path(), &(text(&["a"], "") + &explain));
    origin.until("the switch", switched_on).await;
    assert_eq!(origin.handle.explained()[0].key_id().as_str(), "a");
    write(origin.dir.path(), &["a"], "# off again");
    origin.until("the end of it", |handle| !switched_on(handle)).await;
}

/// A deployment may bring the file before the key that it names: the key file is none that is watched by
/// then, and comes all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_file_that_comes_late_is_not_missed() {
    let origin = Origin::start(&["a"], "").await;
    let text = text(&["a"], "");
    let inline = text.lines().find(|line| line.starts_with("inline")).unwrap();
    replace(origin.dir.path(), &text.replace(inline, "file = \"later/keys.json\""));
    let refused = |handle: &PerimeterHandle| handle.telemetry().is_config_refused();
    origin.until("a refusal", refused).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await; // what was reported has been heard
    fs::create_dir(origin.dir.path().join("later")).unwrap();
    let keys = origin.dir.path().join("later/keys.json");
    let secret = secret("b").to_base64url();
    fs::write(
        &keys,
        format!(r#"{{"aud": "shop", "keys": [{{"kid": "b", "key": "{}"}}]}}"#, *secret),
    )
    .unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    origin.until("the key b", Origin::has_keys(&["b"])).await;
    assert!(!refused(&origin.handle));
}

/// Kubernetes brings a mounted secret up to date by a swap of the link that all its files are under.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swapped_link_takes_effect() {
    let dir = tempfile::tempdir().unwrap();
    let publish = |generation: &str, keys: &[&str]| {
        let folder = dir.path().join(generation);
        fs::create_dir(&folder).unwrap();
        write(&folder, keys, "");
        std::os::unix::fs::symlink(generation, dir.path().join("..data_tmp")).unwrap();
        fs::rename(dir.path().join("..data_tmp"), dir.path().join("..data")).unwrap();
    };
    publish("..2026_11_22_1", &["a"]);
    let file = dir.path().join("wafpass.toml");
    std::os::unix::fs::symlink("..data/wafpass.toml", &file).unwrap();

    let config = Config::load(&file).unwrap();
    let layer = VerifyLayer::of(config.perimeter().unwrap());
    let mut triggers = Triggers::default();
    triggers.every = None;
    let watch = reload::watch_source(config, layer.handle(), triggers).unwrap();
    for (generation, keys) in [("..2026_11_22_2", ["a", "b"]), ("..2026_11_22_3", ["b", "c"])] {
        tokio::time::sleep(Duration::from_millis(500)).await;
        publish(generation, &keys);
        let holds = Origin::has_keys(&keys);
        for _ in 0..1_000 {
            if holds(&layer.handle()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(holds(&layer.handle()), "{generation}");
    }
    drop(watch);
}

/// Where the file is not watched, a change waits for SIGHUP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unwatched_file_waits_for_sighup() {
    let unwatched = |keys: &[&str]| text(keys, "").replace("poll = \"1s\"", "watch = false");
    let origin = Origin::start_with(&unwatched(&["a"])).await;
    replace(origin.dir.path(), &unwatched(&["a", "b"]));
    tokio::time::sleep(Duration::from_millis(1_500)).await; // longer than a watched one takes
    assert!(Origin::has_keys(&["a"])(&origin.handle));
    hang_up();
    origin.until("the key b", Origin::has_keys(&["a", "b"])).await;
}

/// Without a change there is nothing to watch: SIGHUP has it read all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sighup_has_the_file_read() {
    let origin = Origin::start(&["a"], "").await;
    let before = origin.handle.verifier();
    hang_up();
    origin.until("a new verifier", |handle| !Arc::ptr_eq(&handle.verifier(), &before)).await;
    assert_eq!(origin.status(origin.signed("a")).await, StatusCode::OK);
}

/// What was used before a reload is used after it, and nothing is refused while files change under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloading_under_load_refuses_nothing() {
    let origin = Arc::new(Origin::start(&["a", "b"], "").await);
    let (done, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let load: Vec<_> = ["a", "b", "a", "b"]
        .map(|key_id| {
            let (origin, done, sent) = (Arc::clone(&origin), Arc::clone(&done), Arc::clone(&sent));
            tokio::spawn(async move {
                while !done.load(Ordering::Relaxed) {
                    let request = origin.signed(key_id);
                    let mut again = origin.request();
                    *again.headers_mut() = request.headers().clone();
                    assert_eq!(origin.status(request).await, StatusCode::OK);
                    assert_eq!(origin.status(again).await, StatusCode::FORBIDDEN);
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .into();
    for round in 0..12 {
        let third = format!("c{round}");
        let before = sent.load(Ordering::Relaxed);
        if round % 3 == 2 {
            replace(origin.dir.path(), "broken");
            origin.until("a refusal", |handle| handle.telemetry().is_config_refused()).await;
        } else {
            write(origin.dir.path(), &["a", "b", &third], "");
            let keys = ["a", "b", &third];
            origin.until("the keys", Origin::has_keys(&keys)).await;
        }
        origin.until("requests", |_| sent.load(Ordering::Relaxed) > before + 20).await;
    }
    done.store(true, Ordering::Relaxed);
    for task in load {
        task.await.unwrap();
    }
    let summary = origin.handle.telemetry().summary();
    let counted = |wanted: fn(&Verdict) -> bool| -> u64 {
        summary.rows.iter().filter(|row| wanted(&row.verdict)).map(|row| row.requests).sum()
    };
    let sent = sent.load(Ordering::Relaxed);
    assert_eq!(counted(|verdict| *verdict == Verdict::Accepted), sent);
    assert_eq!(
        counted(|verdict| *verdict == Verdict::Refused(wafpass::RejectionKind::Replayed)),
        sent,
        "{summary}"
    );
}

/// A source that panics is a defect, and one that shows: the old perimeter holds, and the gauge says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_panics_is_seen() {
    struct Broken;

    impl reload::Source<wafpass::Refusal> for Broken {
        fn files(&self) -> Vec<PathBuf> {
            Vec::new()
        }

        fn load(
            &mut self,
            _: &wafpass::Verifier,
        ) -> Result<wafpass::Perimeter, Box<dyn std::error::Error + Send + Sync>> {
            panic!("a defect")
        }
    }

    let origin = Origin::start(&["a"], "").await;
    let watch =
        reload::watch_source(Broken, origin.handle.clone(), reload::Triggers::default()).unwrap();
    watch.reload();
    origin.until("the gauge", |handle| handle.telemetry().is_config_refused()).await;
    assert_eq!(origin.status(origin.signed("a")).await, StatusCode::OK);
}
