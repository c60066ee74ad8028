use snapbox::str;

use crate::common::{NOW, Place, stdout};

#[test]
fn key_files_are_read_strictly_and_never_repeated() {
    let place = Place::new();
    let secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let read = |text: &str| {
        place.secret("k.json", text);
        let fault = place.wafpass(["verify", "--key-file", "k.json"]).assert().code(2);
        let told = String::from_utf8(fault.get_output().stderr.clone()).unwrap();
        assert!(!told.contains(secret) && told.lines().count() == 2, "{told}");
        fault
    };
    read("").stderr_eq(str![[r#"
error: k.json: line 1, column 0: not JSON
try:   a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help

"#]]);
    read(r#"{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "aud": "shop", "waf_secrets": []}"#).stderr_eq(str![[r#"
error: k.json: line 1, column 6: unknown field `kid`, expected one of `aud`, `freshness`, `max_age`, `skew`, `keys`
try:   this looks like the edge's value; a key file is {"aud": …, "keys": [{"kid": …, "key": …}]}

"#]]);
    read(r#"{"keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "revoked": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#).stderr_eq(str![[r#"
error: k.json: line 1, column 133: a value that cannot stand there
try:   a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help

"#]]);
    read(r#"{"keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}]}"#)
        .stderr_eq(str![[r#"
error: k.json: key "a": the secret is not unpadded base64url
try:   use A-Z a-z 0-9 - _ without = at the end, as `wafpass keygen` prints it

"#]]);
    read(r#"{"keys": [{"kid": "a", "key": "AAEC"}]}"#).stderr_eq(str![[r#"
error: k.json: key "a": a secret of 3 bytes is shorter than 32
try:   make one with `wafpass keygen`

"#]]);
    let freshness = r#"{"freshness": "strict", "skew": 5, "keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#;
    read(freshness).stderr_eq(str![[r#"
error: k.json: freshness, max_age and skew do not go together
try:   give freshness alone, or max_age with or without skew

"#]]);
    read(r#"{"keys": []}"#).stderr_eq(str![[r#"
error: k.json: there is no key
try:   give the keyring at least one

"#]]);
    read(r#"{"keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "nbf": 1}]}"#).stderr_eq(str![[r#"
error: k.json: line 1, column 82: unknown field `nbf`, expected one of `kid`, `key`, `not_before`, `not_after`, `revoked`, `derive`, `overlap`
try:   a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help

"#]]);
    read(r#"{"aud": "a b", "keys": [{"kid": "a", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"}]}"#).stderr_eq(str![[r#"
error: k.json: the audience "a b" is not 1 to 64 of A-Z a-z 0-9 - _ .
try:   choose a plain label, such as shop or 2026-11-a

"#]]);
    place.bash("WAFPASS_KEYS='{' $WAFPASS verify").assert().code(2).stderr_eq(str![[r#"
error: WAFPASS_KEYS: line 1, column 1: not JSON
try:   a key file is {"aud": …, "freshness": …, "keys": [{"kid": …, "key": …}]}; see wafpass keygen --help

"#]]);
    place.wafpass(["verify"]).assert().code(2).stderr_eq(str![[r#"
error: there are no keys
try:   --key-file FILE, --config wafpass.toml, or the text of a key file in WAFPASS_KEYS

"#]]);
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let place = Place::new();
    for mode in [0o640, 0o604, 0o660, 0o644] {
        place.set_mode("keys.json", mode);
        place.judge("verify", &[]).code(2);
    }
    place.judge("verify", &[]).code(2).stdout_eq("").stderr_eq(str![[r#"
error: the key file keys.json is open to others (mode 0644)
try:   chmod 600 the file; where it cannot be, as in a mounted secret: --key-file - < FILE

"#]]);
    place.set_mode("keys.json", 0o400);
    let missing =
        place.wafpass(["verify"].into_iter().chain(NOW)).stdin("GET / HTTP/1.1\nHost: a\n");
    missing.assert().code(1);
}

#[test]
fn what_is_no_text_is_no_key_file() {
    let place = Place::new();
    place.file("raw.key", [0xff; 32]);
    place.set_mode("raw.key", 0o600);
    place.wafpass(["verify", "--key-file", "raw.key"]).assert().code(2).stderr_eq(str![[r#"
error: raw.key cannot be read: stream did not contain valid UTF-8
try:   a key file is JSON text; see wafpass keygen --help

"#]]);
    place.wafpass(["verify", "--key-file", "."]).assert().code(2).stderr_eq(str![[r#"
error: . cannot be read: Is a directory (os error 21)
try:   name a file

"#]]);
}

#[test]
fn a_root_in_a_key_file_signs_by_its_key_of_the_day() {
    let place = Place::new();
    let root = r#"{"aud": "shop", "freshness": "strict", "keys": [
        {"kid": "shop-root", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "derive": "daily", "overlap": 60}
    ]}"#;
    place.secret("keys.json", root);
    let text = place.request("request.http", "GET /a?x=1", &[], "");
    assert!(text.contains("kid=shop-root.20261122;"), "{text}");
    let verified = stdout(place.judge("verify", &["request.http"]).code(0));
    assert!(verified.starts_with("accepted\n"), "{verified}");
    let explained = stdout(place.judge("explain", &["request.http"]).code(0));
    assert!(explained.starts_with("nothing speaks against it\n"), "{explained}");

    // The text of the file does as well, and a root that is revoked does not.
    place.file("root.json", root);
    let script =
        "WAFPASS_KEYS=$(cat root.json) $WAFPASS verify --now 20261122T003010Z request.http";
    place.bash(script).assert().code(0);
    place.secret("keys.json", &root.replace("60", "60, \"revoked\": true"));
    let refused = stdout(place.judge("verify", &["request.http"]).code(1));
    assert!(refused.starts_with("refused: inactive-key\n"), "{refused}");
}
