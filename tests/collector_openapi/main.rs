//! The OpenAPI description against the collector that serves it: schemathesis asks what the description
//! allows, and what it does not, and looks whether each answer is one that is described.

#![allow(
    clippy::as_conversions,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "in a test, a panic is the report"
)]

#[path = "../support/collector/mod.rs"]
#[macro_use]
mod support;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use support::events::{acme, event, full_event, globex, put};
use tokio::net::TcpListener;
use wafpass::UnixTime;
use wafpass::clock::Clock;
use wafpass::collector::catalogue::{Catalogue, Scope, Scopes, TenantSettings, TokenRequest};
use wafpass::collector::store::sqlite::SqliteStore;
use wafpass::collector::{Collector, api};
use wafpass::matched_data::{Binding, PrivateKey, Suite, open};

/// How it asks, and what it does not ask.
const CONFIG: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/collector_openapi/schemathesis.toml");

const HOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/collector_openapi/hooks.py");

/// An hour after midnight, always.
struct AtOne;

impl Clock for AtOne {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(support::events::MIDNIGHT.as_ms() / 1_000 + 3_600)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_is_one_that_is_described() {
    let packages = installed().unwrap_or_else(|fault| panic!("{fault}"));
    let data = tempfile::tempdir().unwrap();
    let (address, token) = served(data.path()).await;
    let work = data.path().to_owned();
    let run = move || schemathesis(&packages, &work, &address, &token);
    let output = tokio::task::spawn_blocking(run).await.unwrap().expect("python3 runs");
    let (said, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}\n{errors}");
    // All are asked but for the tail.
    let all = operations();
    assert!(said.contains(&format!("Selected: {}/{all}\n", all - 1)), "{said}\n{errors}");
    assert!(said.contains(&format!("Tested: {}\n", all - 1)), "{said}\n{errors}");
}

/// How many operations are described.
fn operations() -> usize {
    let description = serde_json::to_value(api::description()).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let methods = ["get", "put", "post", "delete", "patch"];
    paths.values().map(|path| methods.iter().filter(|name| path.get(name).is_some()).count()).sum()
}

/// A collector with two tenants that have events, where the first one has a key as well.
async fn served(data: &Path) -> (String, String) {
    let catalogue = Arc::new(Catalogue::open(data, Arc::new(AtOne)).unwrap());
    for tenant in [acme(), globex()] {
        catalogue.add_tenant(&tenant, &TenantSettings::default()).unwrap();
    }
    activate_a_key(&catalogue);
    let request = TokenRequest {
        name: "schemathesis".to_owned(),
        scopes: Scopes::of(&Scope::ALL),
        expires_ms: None,
    };
    let token = catalogue.add_token(&acme(), &request).unwrap().text.to_string();
    let store = Arc::new(SqliteStore::open(data, catalogue.clone()).unwrap());
    put(&*store, &acme(), (0..150).map(|n| full_event(n, n as u128)).collect()).await;
    put(&*store, &globex(), (0..50).map(|n| event(n, n as u128)).collect()).await;
    let collector = Collector::new(store, catalogue, Arc::new(AtOne));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, api::router(collector, |routes| routes)).await });
    (address, token)
}

/// The first key of a tenant is active once its challenge is opened.
fn activate_a_key(catalogue: &Catalogue) {
    let key = PrivateKey::generate(Suite::X25519).unwrap();
    catalogue.propose_key(&acme(), key.public_key(), "test").unwrap();
    let challenge = catalogue.challenge_key(&acme(), key.key_id(), "test").unwrap();
    let binding = challenge.binding();
    let binding = Binding::from_json(&binding).unwrap();
    let answer = open(&challenge.blob, &key, Some(&binding)).unwrap();
    let answer = std::str::from_utf8(&answer).unwrap();
    catalogue.answer_challenge(&acme(), key.key_id(), answer, "test").unwrap();
}

fn schemathesis(
    packages: &Path,
    work: &Path,
    address: &str,
    token: &str,
) -> std::io::Result<Output> {
    Command::new("python3")
        .args(["-m", "schemathesis.cli", "--config-file", CONFIG, "--no-color"])
        .args(["run", &format!("{address}/v1/openapi.json")])
        .current_dir(work)
        .env("WAFPASS_TOKEN", token)
        .env("SCHEMATHESIS_HOOKS", HOOKS)
        .env("PYTHONPATH", packages)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("COLUMNS", "120")
        .output()
}

/// The folder that `tools/setup` fills: one for each version of the list, as in `tools/lib.sh`.
fn installed() -> Result<PathBuf, String> {
    let list =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/collector_openapi/requirements.txt");
    let list = fs::read(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let digest: String = Sha256::digest(list).iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = cache().ok_or("HOME is not set")?.join(format!("schemathesis-{}", &digest[..12]));
    if !folder.is_dir() {
        return Err(format!("{} is not there: run `./test install`", folder.display()));
    }
    Ok(folder)
}

fn cache() -> Option<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")));
    set("WAFPASS_CACHE").or_else(|| Some(base()?.join("wafpass")))
}
