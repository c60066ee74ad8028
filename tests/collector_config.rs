//! `[collector]` in `wafpass.toml`: what loads, and each reason why it does not, with its place and the way
//! out.
//!
//! `SNAPSHOTS=overwrite cargo test --all-features --test collector_config` writes what has changed.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]
#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use snapbox::data::Inline;
use snapbox::{IntoData, assert_data_eq, str};
use tempfile::TempDir;
use wafpass::config::{
    ClearHttp, CollectorConfig, CollectorSettings, Config, LogFormat, StoreSettings,
};

const ORIGIN: &str =
    "audience = \"shop\"\nkeys.file = \"keys.json\"\nfreshness.preset = \"strict\"\n";

fn settings(text: &str) -> CollectorSettings {
    CollectorConfig::parse(text, "etc/wafpass.toml").unwrap().settings().clone()
}

fn told(text: &str) -> String {
    let fault = CollectorConfig::parse(text, "wafpass.toml").expect_err("this must not load");
    let fault = fault.to_string();
    assert!(!fault.contains("hunter2"), "{fault}");
    assert!(fault.lines().count().is_multiple_of(2), "{fault}");
    fault
}

/// The faults of `[collector]` with these lines.
#[track_caller]
fn with(lines: &str, expected: Inline) {
    assert_data_eq!(told(&format!("[collector]\n{lines}")), expected.raw());
}

#[test]
fn an_empty_section_is_enough_and_safe() {
    let settings = settings("[collector]");
    assert_eq!(settings.listen, "127.0.0.1:8787".parse().unwrap());
    assert_eq!(settings.admin_listen, "127.0.0.1:8788".parse().unwrap());
    assert_eq!(settings.clear_http, ClearHttp::Loopback);
    assert_eq!(settings.data, Path::new("etc/wafpass-collector"));
    assert_eq!(settings.store, StoreSettings::Sqlite);
    assert_eq!(settings.log, LogFormat::Text);
    assert_eq!(settings.exposed(), None);
    let config = CollectorConfig::parse("[collector]", "wafpass.toml").unwrap();
    assert!(config.stands_alone() && config.perimeter().is_none());
    assert!(Config::parse("[collector]", "wafpass.toml").is_err(), "an origin needs more");
}

#[test]
fn all_that_can_be_said_arrives() {
    let settings = settings(
        "\
[collector]
listen = \"0.0.0.0:443\"
admin_listen = \"[::1]:9\"
data = \"/var/lib/c\"
store = \"clickhouse\"
min_free = \"1 GiB\"
shutdown = \"5s\"
log = \"json\"
[collector.tls]
certificate = \"c.pem\"
private_key = \"/k.pem\"
[collector.limits]
connections = 7
head = \"3s\"
write = \"4s\"
[collector.clickhouse]
url = \"http://10.0.0.7:8123\"
database = \"waf\"
user = \"writer\"
password_file = \"p\"
node = 3
timeout = \"1m\"
spool = 0
",
    );
    assert_eq!(settings.listen.port(), 443);
    assert_eq!(settings.admin_listen.to_string(), "[::1]:9");
    assert_eq!(settings.data, Path::new("/var/lib/c"));
    assert_eq!((settings.min_free_bytes, settings.shutdown_s), (1 << 30, 5));
    assert_eq!(settings.log, LogFormat::Json);
    assert_eq!(settings.exposed(), None, "TLS is what makes an open address good");
    let tls = settings.tls.unwrap();
    assert_eq!(tls.certificate, Path::new("etc/c.pem"));
    assert_eq!(tls.private_key, Path::new("/k.pem"));
    let limits = settings.limits;
    assert_eq!((limits.connections, limits.head_s, limits.write_s), (7, 3, 4));
    let StoreSettings::ClickHouse(clickhouse) = settings.store else { panic!("another store") };
    assert_eq!(clickhouse.url, "http://10.0.0.7:8123");
    assert_eq!((clickhouse.database.as_str(), clickhouse.user.as_str()), ("waf", "writer"));
    assert_eq!(clickhouse.password_file, Some(PathBuf::from("etc/p")));
    assert_eq!((clickhouse.node, clickhouse.timeout_s, clickhouse.spool_bytes), (3, 60, 0));
}

#[test]
fn clear_text_stays_on_the_machine_unless_it_is_said() {
    with(
        "listen = \"0.0.0.0:8787\"\nadmin_listen = \"[::]:8788\"",
        str![[r#"
wafpass.toml:2:1: the service would listen without TLS on an address that others reach: they read the tokens
write a table [collector.tls], or listen on 127.0.0.1 behind a proxy with TLS; insecure_http = true lets it be
wafpass.toml:3:1: metrics would be told without TLS and without a token on an address that others reach
listen on 127.0.0.1 (livez and readyz are on the service's address too); insecure_http = true lets it be
"#]],
    );
    let loose = settings("[collector]\nlisten = \"0.0.0.0:8787\"\ninsecure_http = true");
    assert_eq!(loose.clear_http, ClearHttp::InsecureAnywhere);
    // An option of the command line can name an address, too: the server asks again.
    let mut settings = settings("[collector]");
    settings.listen = "192.0.2.1:80".parse().unwrap();
    assert_eq!(settings.exposed(), Some(settings.listen));
    with(
        "store = \"clickhouse\"\nclickhouse.url = \"http://clickhouse.example:8123\"",
        str![[r#"
wafpass.toml:3:12: ClickHouse would be asked without TLS, on a host that is neither this one nor a private address
write https://, or a private IP address; insecure_plaintext = true lets it be, and whoever sits in between reads and changes events
"#]],
    );
    with(
        "store = \"clickhouse\"\nclickhouse.url = \"https://me:hunter2@clickhouse.example\"",
        str![[r#"
wafpass.toml:3:12: the URL of ClickHouse holds a user or a password
write them as user and password_file
"#]],
    );
}

#[test]
fn each_fault_has_its_place_and_a_way_out() {
    with(
        "listen = \"localhost\"\nshutdown = 0\nlogs = 1\nstore = \"mysql\"\nurl = \"hunter2\"",
        str![[r#"
wafpass.toml:2:1: `listen` is no address with a port
write an IP address and a port, such as "127.0.0.1:8787" or "[::]:8787"
wafpass.toml:3:1: `shutdown` = 0 is out of bounds
keep it within 1s to 1h; 30s is the default
wafpass.toml:4:1: there is no `collector.logs`
did you mean `log`?
wafpass.toml:5:1: `collector.store` cannot have this value
write one of: "sqlite", "clickhouse"
wafpass.toml:6:1: there is no `collector.url`
leave it out, or write one of: listen, admin_listen, insecure_http, data, store, perimeter, min_free, shutdown, log, permissions, tls, limits, clickhouse
"#]],
    );
    with(
        "listen = \"127.0.0.1:1\"\nadmin_listen = \"127.0.0.1:1\"\n[collector.tls]\nprivate_key = \"k\"",
        str![[r#"
wafpass.toml:3:1: `admin_listen` is the address of the service itself
choose another port: it asks for no token
wafpass.toml:4:12: [collector.tls] does not name its `certificate`
name a file in PEM
"#]],
    );
    with(
        "[collector.limits]\nconnections = 0\nhead = 0\nwrite = \"2h\"",
        str![[r#"
wafpass.toml:3:1: 0 connections are out of bounds
keep it from 1 to 65536; 1024 is the default
wafpass.toml:4:1: `head` = 0 is out of bounds
keep it within 1s to 1h; 30s is the default
wafpass.toml:5:1: `write` = 2h is out of bounds
keep it within 1s to 1h; 60s is the default
"#]],
    );
    with(
        "store = \"clickhouse\"",
        str![[r#"
wafpass.toml:2:1: `store = "clickhouse"`, and nothing says where ClickHouse is
write a table [collector.clickhouse] with url
"#]],
    );
    with(
        "[collector.clickhouse]\nurl = \"https://h\"",
        str![[r#"
wafpass.toml:2:12: there is a [collector.clickhouse], and another store
write store = "clickhouse" in [collector], or take it out
"#]],
    );
    with(
        "store = \"clickhouse\"\n[collector.clickhouse]\ndatabase = \"a`b\"\nnode = 256\ntimeout = \"1h\"",
        str![[r#"
wafpass.toml:3:12: nothing says where ClickHouse is
write https://HOST:PORT, of its HTTP interface
wafpass.toml:4:1: `database` is not up to 64 of A-Z a-z 0-9 _, a letter first
choose a plain name
wafpass.toml:5:1: `collector.clickhouse.node` cannot have this value
write a whole number from 0 to 255, without quotes
wafpass.toml:6:1: `timeout` = 1h is out of bounds
keep it within 1s to 10m; 30s is the default
"#]],
    );
    assert_data_eq!(
        told("[colector]"),
        str![[r#"
wafpass.toml:1:2: there is no `colector`
did you mean `collector`?
"#]]
        .raw()
    );
    assert_data_eq!(
        told(ORIGIN),
        str![[r#"
wafpass.toml:1:1: there is no [collector]
write [collector]; nothing has to stand in it, wafpass config example shows each key
"#]]
        .raw()
    );
}

#[test]
fn what_origins_are_asked_is_checked_where_it_stands() {
    let both = format!("{ORIGIN}[collector]\nperimeter = true\n");
    let config = CollectorConfig::parse(&both, "wafpass.toml").unwrap();
    assert_eq!(config.perimeter().unwrap().audience(), "shop");
    assert!(!config.stands_alone());
    let unguarded = both.replace("true", "false");
    let config = CollectorConfig::parse(&unguarded, "wafpass.toml").unwrap();
    assert!(config.perimeter().is_none(), "tokens are enough unless it is said");
    assert!(Config::parse(&unguarded, "wafpass.toml").is_ok(), "an origin reads the same file");
    with(
        "perimeter = true",
        str![[r#"
wafpass.toml:1:1: there is no `audience`, the name of this site or origin
write audience = "shop" in the first lines, as the edge has it
wafpass.toml:1:1: there are no keys
name where the keys are: directory = "keys" (wafpass keys new), or file, env, inline
wafpass.toml:1:1: how old may a signature be? There is no default
choose one: preset; attempts with connection_timeout and response_timeout; max_age
"#]],
    );
    assert_data_eq!(
        told("[collector]\n[waf]\nevidence = \"not-required\""),
        str![[r#"
wafpass.toml:1:1: there is no `audience`, the name of this site or origin
write audience = "shop" in the first lines, as the edge has it
wafpass.toml:1:1: there are no keys
name where the keys are: directory = "keys" (wafpass keys new), or file, env, inline
wafpass.toml:1:1: how old may a signature be? There is no default
choose one: preset; attempts with connection_timeout and response_timeout; max_age
"#]]
        .raw()
    );
    let wrong = format!("{ORIGIN}[collector]\nlisten = \"here\"");
    let fault = Config::parse(&wrong, "wafpass.toml").unwrap_err();
    assert_eq!(fault.faults()[0].line(), 5, "an origin tells it, too");
}

#[test]
fn files_with_secrets_are_closed_to_others() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str, mode| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    };
    let file = write(
        "wafpass.toml",
        "[collector]\nstore = \"clickhouse\"\n[collector.tls]\ncertificate = \"c\"\nprivate_key = \"k\"\n[collector.clickhouse]\nurl = \"https://h\"\npassword_file = \"p\"\n",
        0o644,
    );
    write("c", "-----BEGIN CERTIFICATE-----\n", 0o644);
    write("k", "-----BEGIN PRIVATE KEY-----\n", 0o640);
    write("p", "hunter2\r\n", 0o644);
    let told = || {
        let fault = CollectorConfig::load(&file).unwrap_err().to_string();
        assert!(!fault.contains("hunter2"), "{fault}");
        fault.replace(&folder.path().display().to_string(), "[FOLDER]")
    };
    assert_data_eq!(told(), str![[r#"
[FOLDER]/wafpass.toml:5:1: [FOLDER]/k is open to others (mode 0640)
chmod 600 it; where a platform mounts it for a group: permissions = "mounted-for-group" in [collector]
[FOLDER]/wafpass.toml:8:1: [FOLDER]/p is open to others (mode 0644)
chmod 600 it; where a platform mounts it for a group: permissions = "mounted-for-group" in [collector]
"#]].raw());
    write("k", "-----BEGIN PRIVATE KEY-----\n", 0o600);
    write("p", "hunter2\r\n", 0o600);
    let config = CollectorConfig::load(&file).unwrap();
    assert_eq!(config.clickhouse_password().unwrap().unwrap().as_str(), "hunter2");
    assert!(!format!("{config:?}{:?}", config.tls_pem()).contains("PRIVATE"));
    write("c", "hunter2", 0o644);
    write("k", "hunter2", 0o600);
    assert_data_eq!(
        told(),
        str![[r#"
[FOLDER]/wafpass.toml:4:1: the file holds no certificate in PEM
name a file with -----BEGIN CERTIFICATE----- in it
[FOLDER]/wafpass.toml:5:1: the file holds no private key in PEM
name a file with -----BEGIN PRIVATE KEY----- in it
"#]]
        .raw()
    );
    write("wafpass.toml", "[collector]\n", 0o646);
    assert_data_eq!(
        told(),
        str![[r#"
[FOLDER]/wafpass.toml:1:1: everybody on this machine can change this file (mode 0646)
chmod o-w it: who can change it can loosen everything
"#]]
        .raw()
    );
    assert!(CollectorConfig::load_if_any(write("o.toml", ORIGIN, 0o644)).unwrap().is_none());
}
