//! `wafpass keys export`: the edge's value, and where it may go.

use std::fs;

use http::Request;
use snapbox::str;
use wafpass::clock::now;
use wafpass::key_directory::KeyDirectory;
use wafpass::{Freshness, Key, MessageHead, RejectionKind, Secret, Signer, Verifier, WafEvidence};

use crate::common::{Place, stdout};
use crate::keys::{keys, moment, rotated, two_keys};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const WAF: &str = "0123456789abcdef0123456789abcdef";

/// `2026-11-a` of the key file signs.
fn imported() -> Place {
    let place = Place::new();
    keys(&place, "new --import keys.json --kid 2026-11-a").code(0);
    keys(&place, "promote 2026-11-a").code(0);
    place.secret("waf.txt", &format!("{WAF}\n"));
    place
}

#[test]
fn the_value_is_what_the_edge_takes() {
    let place = imported();
    let value = format!(
        "{{\"kid\":\"2026-11-a\",\"key\":\"{SECRET}\",\"aud\":\"shop\",\"waf_secrets\":[\"{WAF}\"]}}\n"
    );
    let export = "export cloudfront-kvs --aud shop --waf-secret-file waf.txt";
    assert_eq!(stdout(keys(&place, export).code(0).stderr_eq("")), value);
    let args = ["keys", "export", "worker", "--dir", "keys", "--aud", "shop"];
    let by_variable = place.wafpass(args).env("WAFPASS_WAF_SECRET", WAF).assert().code(0);
    assert_eq!(stdout(by_variable), value);
    let two = "export worker --aud shop --waf-secret-file waf.txt --waf-secret-file waf.txt";
    assert!(stdout(keys(&place, two).code(0)).contains(&format!("[\"{WAF}\",\"{WAF}\"]")));
    assert!(stdout(keys(&place, "export worker --aud shop --no-waf")).contains(":[]}"));
}

#[test]
fn what_the_edge_has_is_kept_but_the_key() {
    let place = imported();
    let rest = format!(
        "\"aud\":\"shop\",\"waf_secrets\":[\"{WAF}\"],\"without_waf\":\"sign-none\",\"query\":\"none\"}}"
    );
    place.secret("now.json", &format!("{{\"kid\":\"old\",\"key\":\"old\",{rest}"));
    let value = format!("{{\"kid\":\"2026-11-a\",\"key\":\"{SECRET}\",{rest}\n");
    let export = "export cloudfront-kvs --current";
    assert_eq!(stdout(keys(&place, &format!("{export} now.json")).code(0)), value);
    let piped = "$WAFPASS keys export worker --dir keys --current - < now.json";
    assert_eq!(stdout(place.bash(piped).assert().code(0)), value);

    keys(&place, &format!("{export} now.json --aud other")).code(2).stderr_eq(str![[r#"
error: now.json is for "shop", and --aud for "other"
try:   leave --aud out, or name the value of that edge

"#]]);
    place.secret("odd.json", "{\"kid\":\"old\",\"mode\":\"0123\"}");
    keys(&place, &format!("{export} odd.json")).code(2).stdout_eq("").stderr_eq(str![[r#"
error: odd.json: line 1, column 19: not the value of an edge
try:   it has kid, key, aud, waf_secrets and, optional, without_waf and query; see edge/cloudfront-function/README.md

"#]]);
}

#[test]
fn a_file_comes_with_the_commands_that_hand_it_over() {
    let place = imported();
    let export = "--aud shop --waf-secret-file waf.txt --out";
    let out = keys(&place, &format!("export cloudfront-kvs {export} next.json")).code(0);
    out.stderr_eq("").stdout_eq(str![[r##"
# The value for 2026-11-a is in next.json, mode 0600. Hand it to the edge:

ARN=arn:aws:cloudfront::ACCOUNT:key-value-store/STORE_ID
ETAG=$(aws cloudfront-keyvaluestore describe-key-value-store --kvs-arn "$ARN" --query ETag --output text)
aws cloudfront-keyvaluestore put-key --kvs-arn "$ARN" --key wafpass --value file://next.json --if-match "$ETAG"
rm next.json

# Then, until the key before is unused:
#   wafpass keys status --dir keys --metrics URL

"##]]);
    keys(&place, &format!("export worker {export} it's.json")).code(0).stdout_eq(str![[r#"
# The value for 2026-11-a is in 'it'/''s.json', mode 0600. Hand it to the edge:

npx wrangler secret put WAFPASS < 'it'/''s.json'
rm 'it'/''s.json'

# Then, until the key before is unused:
#   wafpass keys status --dir keys --metrics URL

"#]]);
    assert_eq!(place.mode("next.json"), 0o600);
    let text = fs::read_to_string(place.path().join("next.json")).unwrap();
    assert!(text.contains(SECRET));
    keys(&place, &format!("export worker {export} next.json")).code(2).stderr_eq(str![[r#"
error: next.json is there already, and may hold a key in use
try:   name another file, or move that one away

"#]]);
}

#[cfg(target_os = "linux")] // for the options of its `script`
#[test]
fn no_terminal_shows_a_secret_unasked() {
    let place = imported();
    let export = "$WAFPASS keys export worker --dir keys --aud shop --no-waf";
    let on_a_terminal = |command: &str| {
        let script = format!("script -qec \"{command}\" /dev/null < /dev/null");
        String::from_utf8(place.bash(&script).assert().get_output().stdout.clone()).unwrap()
    };
    let told = on_a_terminal(export);
    assert!(told.contains("the value holds a secret, and this is a terminal"), "{told}");
    assert!(!told.contains(SECRET));
    let to_file = on_a_terminal(&format!("{export} --out next.json"));
    assert!(to_file.contains("wrangler secret put") && !to_file.contains(SECRET), "{to_file}");
    assert!(on_a_terminal(&format!("{export} --out -")).contains(SECRET));
}

#[test]
fn what_makes_no_value_is_refused() {
    let place = imported();
    let fault = |line: &str| keys(&place, &format!("export worker {line}")).code(2).stdout_eq("");
    fault("--aud shop").stderr_eq(str![[r#"
error: it is not said what the WAF inserts
try:   --current FILE keeps those of the edge, --waf-secret-file FILE or WAFPASS_WAF_SECRET gives one, --no-waf none

"#]]);
    place.secret("short.txt", "0123");
    fault("--aud shop --waf-secret-file short.txt").stderr_eq(str![[r#"
error: the WAF's secrets are not up to two texts of at least 32 visible ASCII characters
try:   openssl rand -hex 24 makes one; the web ACL gets the same

"#]]);
    place.secret("long.txt", &"x".repeat(1_000));
    fault("--aud shop --waf-secret-file long.txt").stderr_eq(str![[r#"
error: the value has 1103 bytes, and edges take 1023
try:   make the WAF's secrets shorter

"#]]);
    fault("--aud a;b --no-waf").stderr_eq(str![[r#"
error: the audience "a;b" is not 1 to 64 of A-Z a-z 0-9 - _ .
try:   choose a plain label, such as shop or 2026-11-a

"#]]);
    fault("--aud shop --no-waf --day 20261122").stderr_eq(str![[r#"
error: the key 2026-11-a is no root: nothing is derived from it
try:   leave --day out, or make a root: wafpass keys new --derive daily

"#]]);
    fault("--aud shop --no-waf --day 2026-11-22").stderr_eq(str![[r#"
error: invalid value '2026-11-22' for '--day <DAY>': write the UTC day as YYYYMMDD

For more information, try '--help'.

"#]]);
}

#[test]
fn only_the_key_that_signs_is_exported() {
    let export = "export worker --aud shop --no-waf";
    assert!(stdout(keys(&two_keys(), export)).contains("\"kid\":\"a\""));
    assert!(stdout(keys(&rotated(), export)).contains("\"kid\":\"b\""));
    keys(&rotated(), &format!("{export} --kid b")).code(0);
    keys(&rotated(), &format!("{export} --kid a")).code(1);
}

#[test]
fn of_a_root_the_edge_gets_the_key_of_a_day() {
    let place = Place::new();
    keys(&place, "new --kid r --derive daily --overlap 3600").code(0);
    keys(&place, "promote r").code(0);
    let export = |line: &str| {
        let value = keys(&place, &format!("export worker --aud shop --no-waf {line}")).code(0);
        serde_json::from_str::<serde_json::Value>(&stdout(value)).unwrap()
    };
    let day = |secs| moment(secs)[..8].to_owned();
    let before = day(0);
    let (today, tomorrow) = (export(""), export(&format!("--day {}", day(86_400))));
    if before == day(0) {
        assert_eq!(today["kid"], format!("r.{before}"));
    }
    assert_eq!(tomorrow["kid"], format!("r.{}", day(86_400)));
    assert_ne!(today["key"], tomorrow["key"]);
    let root = fs::read_to_string(place.path().join("keys/r.json")).unwrap();
    assert!(!root.contains(today["key"].as_str().unwrap()));
    keys(&place, "export worker --aud shop --no-waf --day 20200101").code(1).stderr_eq(str![[r#"
refused: the key r.20200101 counts no more: its day is over
try:     leave --day out for today's, or name a day to come

"#]]);
}

#[test]
fn what_was_exported_signs_and_the_directory_accepts_it() {
    let place = Place::new();
    keys(&place, "new --kid r --derive daily").code(0);
    keys(&place, "promote r").code(0);
    let value = stdout(keys(&place, "export worker --aud shop --no-waf").code(0));
    let value: serde_json::Value = serde_json::from_str(&value).unwrap();
    let (kid, key) = (value["kid"].as_str().unwrap(), value["key"].as_str().unwrap());
    let key = Key::new(kid, &Secret::from_base64url(key).unwrap()).unwrap();
    let signer = Signer::builder("shop", key).build().unwrap();

    let mut request = Request::get("/").header("host", "shop.example").body(()).unwrap();
    let head = MessageHead::from_request(&request);
    let signature = signer.sign(&head, WafEvidence::Pass, "0123456789abcdef", now()).unwrap();
    signature.insert_into(request.headers_mut());
    let judge = |keyring| {
        let started = now().saturating_add(-5);
        let verifier = Verifier::builder("shop", keyring, Freshness::strict());
        let verifier = verifier.build_at(started).unwrap();
        verifier
            .check(&MessageHead::from_request(&request), now())
            .map(|_| ())
            .map_err(|no| no.kind)
    };
    let open = || KeyDirectory::open(place.path().join("keys")).unwrap().keyring().unwrap();
    assert_eq!(judge(open()), Ok(()));
    keys(&place, "retire r --compromised").code(0);
    assert_eq!(judge(open()), Err(RejectionKind::InactiveKey));
}
