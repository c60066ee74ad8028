//! Logins, permissions and TLS.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use wafpass::replay::{Admission, Eviction, ReplayRedis, ReplayRedisFault, ReplayRedisState};

use crate::common::*;

/// As in docs/fleet.md.
pub(crate) const RULES: &str = "on >hunter2 ~wafpass:* +set +get +eval +info +client|setname";
pub(crate) const CLUSTER_RULES: &str = "+exists +mset +ping +asking +cluster|slots";

/// What is logged by this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

fn url(server: &Server, login: &str) -> String {
    format!("redis://{login}@127.0.0.1:{}/", server.port)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_permissions_are_enough() {
    let server = old_server();
    let _: String = server.run(&format!("ACL SETUSER origin {RULES}"));
    let origin = build(builder(&url(&server, "origin:hunter2")).client_name("origin-7"));
    assert_eq!(admit(&origin, 1).await, FIRST);
    assert_eq!(admit_at(&origin, 2, 3, START, START).await, FIRST);
    assert_eq!(admit_at(&origin, 2, 3, START, START).await, nth(2));
    assert!(server.run::<String>("CLIENT LIST").contains("name=origin-7 "));
    let text = std::fs::read_to_string("docs/fleet.md").unwrap();
    let rules = format!("ACL SETUSER wafpass {}", RULES.replace("hunter2", "PASSWORD"));
    assert!(text.contains(&format!("{rules}\n")), "{rules}");
    assert!(text.contains(&format!("{rules} {CLUSTER_RULES}\n")), "{rules} {CLUSTER_RULES}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_told_without_it() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
    let server = old_server();
    let _: String = server.run(&format!("ACL SETUSER origin {RULES}"));
    for login in ["origin:hunter3", "other:hunter2", ":hunter3"] {
        let origin = build(builder(&url(&server, login)));
        until_open(&origin).await;
        assert_eq!(origin.status().state, ReplayRedisState::Open(ReplayRedisFault::Login));
        assert_eq!(admit(&origin, 1).await, Admission::Unavailable);
        assert!(!format!("{origin:?}").contains("hunter"));
    }
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("wafpass::replay") && log.contains("fault=\"login\""), "{log}");
    assert!(!log.contains("hunter") && !log.contains(&server.port.to_string()), "{log}");
    assert!(log.lines().count() < 20, "{log}"); // changes, not requests
    let server = Server::with(&["--requirepass", "hunter2"]);
    let origin = build(builder(&server.url()));
    until_open(&origin).await;
    assert_eq!(origin.status().state, ReplayRedisState::Open(ReplayRedisFault::Login));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_tell_its_policy_needs_somebody_s_word() {
    let server = old_server();
    let _: String = server.run(&format!("ACL SETUSER origin {RULES} -info"));
    let origin = build(builder(&url(&server, "origin:hunter2")));
    let refused = ReplayRedisState::Refused(ReplayRedisFault::EvictionUnknown);
    until(&origin, |origin| origin.status().state == refused).await;
    assert_eq!(admit(&origin, 1).await, Admission::Unavailable);
    let asserted = builder(&url(&server, "origin:hunter2")).eviction(Eviction::AssertNoEviction);
    let origin = build(asserted);
    assert_eq!(admit(&origin, 1).await, FIRST);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_is_not_allowed_is_no_answer() {
    let server = old_server();
    let _: String = server.run(&format!("ACL SETUSER origin {RULES}"));
    let origin = build(builder(&url(&server, "origin:hunter2")));
    until_ready(&origin).await;
    let _: String = server.run("ACL SETUSER origin -set");
    assert_eq!(admit(&origin, 1).await, Admission::Unavailable);
    assert_eq!(admit_at(&origin, 2, 3, START, START).await, Admission::Unavailable);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_needs_a_certificate_that_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    certificates(dir.path());
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let server = Server::with(&[
        "--port",
        "0",
        "--tls-port",
        "PORT",
        "--tls-auth-clients",
        "no",
        "--tls-cert-file",
        &path("server.pem"),
        "--tls-key-file",
        &path("server.key"),
        "--tls-ca-cert-file",
        &path("ca.pem"),
    ]);
    let ca = std::fs::read(dir.path().join("ca.pem")).unwrap();
    let secure = |host: &str| {
        tuned(ReplayRedis::builder(&format!("rediss://{host}:{}/", server.port)).unwrap())
    };
    let origin = build(secure("localhost").ca_pem(&ca));
    until_ready(&origin).await;
    assert_eq!(admit_at(&origin, 1, 1, at(6), at(6)).await, FIRST);

    // Not one of the operating system's authorities; and another name than the certificate's.
    for builder in [secure("localhost"), secure("127.0.0.1").ca_pem(&ca)] {
        let origin = build(builder);
        until_open(&origin).await;
        assert_eq!(origin.status().state, ReplayRedisState::Open(ReplayRedisFault::Tls));
    }
    // Without TLS the server does not understand a word.
    let origin = build(builder(&format!("redis://127.0.0.1:{}/", server.port)));
    until_open(&origin).await;
    assert_eq!(admit_at(&origin, 2, 1, at(6), at(6)).await, Admission::Unavailable);
}

/// An authority, and a server's certificate for the name localhost.
fn certificates(dir: &Path) {
    std::fs::write(dir.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    let key = "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    for command in [
        format!("{key} -x509 -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem"),
        format!("{key} -subj /CN=localhost -keyout server.key -out server.csr"),
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.pem".into(),
    ] {
        let mut openssl = Command::new("openssl");
        openssl.args(command.split(' ')).current_dir(dir).stdin(Stdio::null());
        let output = openssl.output().expect("openssl is there: tools/setup installs it");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_its_own_needs_one_more_permission() {
    let server = old_server();
    let url = format!("{}3", url(&server, "origin:hunter2"));
    let _: String = server.run(&format!("ACL SETUSER origin {RULES}"));
    let origin = build(builder(&url));
    until_open(&origin).await;
    let _: String = server.run("ACL SETUSER origin +select");
    until_ready(&origin).await;
    let text = include_str!("../../docs/fleet.md");
    assert!(text.contains("`+select`"));
}
