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
use support::events::{acme, full_event, put};
use support::model::ModelStore;
use tokio::net::TcpListener;
use wafpass::UnixTime;
use wafpass::clock::Clock;
use wafpass::collector::catalogue::{Catalogue, Scope, Scopes, TenantSettings, TokenRequest};
use wafpass::collector::{Collector, api};

/// Requests for each operation, in each of the phases that make them up at random.
const EXAMPLES: &str = "25";
/// The same requests in each run.
const SEED: &str = "20261122";

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
    // Without operations there would be nothing to fail.
    assert!(said.contains("passed"), "{said}\n{errors}");
}

async fn served(data: &Path) -> (String, String) {
    let catalogue = Arc::new(Catalogue::open(data, Arc::new(AtOne)).unwrap());
    catalogue.add_tenant(&acme(), &TenantSettings::default()).unwrap();
    let request = TokenRequest {
        name: "schemathesis".to_owned(),
        scopes: Scopes::of(&Scope::ALL),
        expires_ms: None,
    };
    let token = catalogue.add_token(&acme(), &request).unwrap().text.to_string();
    let store = Arc::new(ModelStore::on(catalogue.clone()));
    put(&*store, &acme(), (0..150).map(|n| full_event(n, n as u128)).collect()).await;
    let collector = Collector::new(store, catalogue, Arc::new(AtOne));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, api::router(collector, |routes| routes)).await });
    (address, token)
}

fn schemathesis(
    packages: &Path,
    work: &Path,
    address: &str,
    token: &str,
) -> std::io::Result<Output> {
    Command::new("python3")
        .args(["-m", "schemathesis.cli", "run", &format!("{address}/v1/openapi.json")])
        .args(["--header", &format!("authorization: Bearer {token}")])
        .args(["--header", &format!("x-amz-firehose-access-key: {token}")])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", EXAMPLES, "--seed", SEED])
        // A tail has no end that one could wait for.
        .args(["--exclude-path", "/v1/tail"])
        // That `from` is before `until` is nothing that a schema can say. A header that is given here stands in
        // the requests without a credential as well: tests/collector_api sends those.
        .args(["--checks", "all", "--exclude-checks", "positive_data_acceptance,ignored_auth"])
        .args([
            "--generation-database",
            "none",
            "--request-timeout",
            "30",
            "--request-retries",
            "2",
            "--no-color",
        ])
        .current_dir(work)
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
