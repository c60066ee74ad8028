//! `wafpass collector`: tenants, tokens, keys, stats, backups. What the service does has its own tests.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use snapbox::cmd::OutputAssert;
use snapbox::str;
use wafpass::clock::SystemClock;
use wafpass::collector::catalogue::{AuthFault, Catalogue, Scope};

use crate::MAX_COLUMNS;
use crate::common::{Place, stdout};

/// `wafpass collector … --data data`.
fn collector(place: &Place, line: &str) -> OutputAssert {
    let words = ["collector"].into_iter().chain(line.split_whitespace()).chain(["--data", "data"]);
    place.wafpass(words).assert()
}

/// As a service that runs has it open.
fn service(place: &Place) -> Catalogue {
    Catalogue::open(&place.path().join("data"), Arc::new(SystemClock)).unwrap()
}

fn new_token(place: &Place, line: &str) -> String {
    stdout(collector(place, &format!("tokens new {line}")).code(0).stderr_eq(""))
        .trim_end()
        .to_owned()
}

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/{name}.txt"))
}

#[test]
fn help_pages() {
    let place = Place::new();
    let pages: [&[&str]; 7] =
        [&[], &["tenants"], &["tokens"], &["keys"], &["stats"], &["backup"], &["restore"]];
    for verbs in pages {
        let name = ["collector"].iter().chain(verbs).copied().collect::<Vec<_>>().join("-");
        let expected = snapbox::Data::read_from(&page(&name), None);
        let words = || ["collector"].into_iter().chain(verbs.iter().copied()).chain(["--help"]);
        let help = stdout(place.wafpass(words()).assert().code(0));
        let widest = help.lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(MAX_COLUMNS), "{name}: {widest:?}");
        place.wafpass(words()).assert().stdout_eq(expected.raw());
    }
}

#[test]
fn tenants_come_change_and_go() {
    let place = Place::new();
    collector(&place, "tenants list").code(0).stderr_eq("").stdout_eq(str![[r#"
tenant  since  retention  events/s  quota  tokens  state

"#]]);
    collector(&place, "tenants add acme --retention-days 14").code(0).stdout_eq("acme added\n");
    collector(&place, "tenants add globex --quota-bytes 1610612736 --max-events-per-s 500").code(0);
    collector(&place, "tenants set acme --retention-days 7").code(0).stdout_eq("acme changed\n");
    collector(&place, "tenants set globex --max-events-per-s 0").code(0);
    new_token(&place, "acme");
    collector(&place, "tenants list").code(0).stdout_eq(str![[r#"
tenant  since             retention  events/s  quota    tokens  state
acme    [..]  7 d        -         -        1       in force
globex  [..]  30 d       -         1.5 GiB  0       in force

"#]]);
    collector(&place, "tenants add acme").code(2).stdout_eq("").stderr_eq(str![[r#"
error: the tenant is there already, or was
try:   take another id: one is never given to somebody else

"#]]);
    collector(&place, "tenants set acme --retention-days 0").code(2).stderr_eq(str![[r#"
error: retention_days is not from 1 to 3660
try:   send the settings with another value

"#]]);
    collector(&place, "tenants set initech --retention-days 3").code(2).stderr_eq(str![[r#"
error: there is no such tenant
try:   wafpass collector tenants list

"#]]);
    for id in ["Acme", "../x", "-a", "a.b"] {
        collector(&place, &format!("tenants add -- {id}")).code(2);
    }
    collector(&place, "tenants remove acme").code(2); // not by a slip of the hand
    collector(&place, "tenants remove acme --delete-all-its-events").code(0).stdout_eq(str![[r#"
acme locked out; the service deletes its events within minutes

"#]]);
    let list = stdout(collector(&place, "tenants list").code(0));
    assert!(list.contains("being deleted"));
}

/// What the command line does counts in a service that runs.
#[test]
fn tokens_are_made_shown_once_and_revoked() {
    let place = Place::new();
    collector(&place, "tenants add acme").code(0);
    let running = service(&place);
    let text = new_token(&place, "acme --name edge --scope ingest");
    let scopes = |text: &str| -> Result<Vec<Scope>, AuthFault> {
        // A service looks each second; a new one looks at once.
        Ok(service(&place).authenticate(text)?.scopes.iter().collect())
    };
    assert_eq!(scopes(&text), Ok(vec![Scope::Ingest]));
    let other = new_token(&place, "acme --never-expires --scope read --scope keys");
    assert_eq!(scopes(&other), Ok(vec![Scope::Read, Scope::Keys]));
    assert_eq!(scopes(&new_token(&place, "acme")), Ok(vec![Scope::Ingest, Scope::Read]));

    collector(&place, "tokens list").code(0).stdout_eq(str![[r#"
id                tenant  name     scopes       state     expires           last used
[..]  acme    edge     ingest       in force  [..]  never
[..]  acme    unnamed  read,keys    in force  never             never
[..]  acme    unnamed  ingest,read  in force  [..]  never

"#]]);
    let list = stdout(collector(&place, "tokens list --tenant acme"));
    assert!(!list.contains(&text[21..]) && list.contains(&text[4..20]));

    let id = &text[4..20];
    collector(&place, &format!("tokens revoke {id}")).code(0).stdout_eq(format!("{id} revoked\n"));
    assert_eq!(scopes(&text), Err(AuthFault::Revoked));
    collector(&place, "tokens revoke 0123456789abcdef").code(2).stderr_eq(str![[r#"
error: there is no such token
try:   wafpass collector tokens list

"#]]);
    collector(&place, "tokens new initech").code(2);
    collector(&place, "tokens new acme --expires-days 0").code(2);
    collector(&place, "tokens new acme --scope write").code(2);
    drop(running);
}

#[test]
fn a_token_goes_to_a_file_of_its_owners() {
    let place = Place::new();
    collector(&place, "tenants add acme").code(0);
    let told = stdout(collector(&place, "tokens new acme --out edge.token").code(0));
    assert_eq!(place.mode("edge.token"), 0o600);
    let text = std::fs::read_to_string(place.path().join("edge.token")).unwrap();
    assert!(service(&place).authenticate(text.trim_end()).is_ok());
    assert_eq!(told, format!("{} in edge.token\n", &text[4..20]));
    // One that is there is left alone.
    collector(&place, "tokens new acme --out edge.token").code(2);
    assert_eq!(std::fs::read_to_string(place.path().join("edge.token")).unwrap(), text);
}

/// From the making of the pair to the active key, with the commands of the help page.
#[test]
fn a_key_becomes_active() {
    let place = Place::new();
    collector(&place, "tenants add acme").code(0);
    let made =
        stdout(place.wafpass(["generate-key-pair", "--out", "matched.key"]).assert().code(0));
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let (key, id) = (made["public_key"].as_str().unwrap(), made["key_id"].as_str().unwrap());
    let proposed = stdout(collector(&place, &format!("keys propose acme {key}")).code(0));
    assert!(proposed.starts_with(&format!("{id}  X25519  proposed\n")), "{proposed}");
    assert_eq!(proposed.lines().count(), 5);
    collector(&place, &format!("keys activate acme {id}")).code(1).stderr_eq(str![[r#"
refused: the key is proposed, and that takes one that is proven
try:     GET /v1/keys says where each key stands

"#]]);

    let challenge = stdout(collector(&place, &format!("keys challenge acme {id}")).code(0));
    place.file("c.json", &challenge);
    let challenge: serde_json::Value = serde_json::from_str(&challenge).unwrap();
    place.file("blob.txt", challenge["encrypted_matched_data"].as_str().unwrap());
    let decrypt = ["decrypt", "-k", "matched.key", "--event", "c.json", "blob.txt"];
    let answer = stdout(place.wafpass(decrypt).assert().code(0));

    collector(&place, &format!("keys answer acme {id} nonsense")).code(1).stderr_eq(str![[r#"
refused: that is not what the challenge holds (4 attempts left)
try:     open it with the private key of this very key, and send the text it holds

"#]]);
    let active = stdout(collector(&place, &format!("keys answer acme {id} {answer}")).code(0));
    assert!(active.starts_with(&format!("{id}  X25519  active\n")), "{active}");
    collector(&place, "keys list acme").code(0).stdout_eq(active);
    collector(&place, &format!("keys retire acme {id}")).code(1);
    let retired = stdout(collector(&place, &format!("keys retire acme {id} --leave-none")).code(0));
    assert!(retired.contains("retired     command line\n"), "{retired}");

    // The private key has no place here.
    let text = std::fs::read_to_string(place.path().join("matched.key")).unwrap();
    let refused = collector(&place, &format!("keys propose acme {}", text.trim())).code(1);
    let stderr = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
    assert!(stderr.contains("taken as exposed") && !stderr.contains(text.trim()), "{stderr}");
    collector(&place, "keys challenge acme 0123456789abcdef").code(2);
    collector(&place, "keys challenge acme 0123").code(2);
}

#[test]
fn stats_and_backups_beside_a_running_service() {
    let place = Place::new();
    place.wafpass(["collector", "stats", "--data", "nowhere"]).assert().code(2).stderr_eq(str![[
        r#"
error: nowhere has no catalogue
try:   name the collector's data folder

"#
    ]]);
    assert!(!place.path().join("nowhere").exists());
    collector(&place, "tenants add acme").code(0);
    let token = new_token(&place, "acme --scope read");
    let running = service(&place);
    collector(&place, "stats").code(0).stderr_eq("").stdout_eq(str![[r#"
tenant  events  bytes  days  oldest  newest  batches  set aside  tokens
acme    0       0 B    0     -       -       0        0          1

"#]]);
    collector(&place, "backup --out copy").code(0).stdout_eq(str![[r#"
the catalogue and 0 days of events, [..] KiB, in copy

"#]]);
    assert_eq!(place.mode("copy"), 0o700);
    assert_eq!(place.mode("copy/catalogue.sqlite3"), 0o600);
    collector(&place, "backup --out copy").code(2).stderr_eq(str![[r#"
error: copy is there already
try:   name a new folder: nothing is ever overwritten

"#]]);
    let restore = ["collector", "restore", "--from", "copy", "--data"];
    place.wafpass(restore.into_iter().chain(["data"])).assert().code(2);
    place.wafpass(restore.into_iter().chain(["again"])).assert().code(0).stdout_eq(str![[r#"
the catalogue and 0 days of events, [..] KiB, of [..] UTC in again

"#]]);
    let restored = Catalogue::open(&place.path().join("again"), Arc::new(SystemClock)).unwrap();
    assert!(restored.authenticate(&token).is_ok());
    drop(running);
}

#[test]
fn the_folder_is_the_configurations() {
    let place = Place::new();
    place.secret("wafpass.toml", "[collector]\ndata = \"somewhere\"\n");
    place
        .wafpass(["collector", "tenants", "add", "acme", "--config", "wafpass.toml"])
        .assert()
        .code(0);
    assert!(place.path().join("somewhere/catalogue.sqlite3").exists());
    place.wafpass(["collector", "tenants", "add", "globex"]).assert().code(0);
    assert!(place.path().join("wafpass-collector/catalogue.sqlite3").exists());
    let both = ["collector", "tenants", "list", "--config", "wafpass.toml", "--data", "data"];
    place.wafpass(both).assert().code(2);
}
