use std::fs;

use snapbox::str;

use crate::common::{Place, stdout};

#[test]
fn prints_what_origin_and_edge_need() {
    let place = Place::new();
    let printed = place.wafpass(["keygen", "--aud", "shop", "--kid", "2026-12-a"]).assert().code(0);
    printed
        .stdout_eq(str![[r##"
# Key file of this command line (keep it at mode 0600). An origin takes its
# `key` with Secret::from_base64url and its `kid` with Key::new.
{
  "aud": "shop",
  "keys": [
    {
      "kid": "2026-12-a",
      "key": "[..]"
    }
  ]
}

# Edge: the value under `wafpass` in its key-value store
{"kid":"2026-12-a","key":"[..]","aud":"shop","waf_secrets":["[..]"]}

# Web ACL: every Allow inserts the header `wafpass` with the text in waf_secrets;
# [] for no WAF. When you rotate, keep the waf_secrets that you have.

"##]])
        .stderr_eq("");
}

#[test]
fn makes_another_key_each_time() {
    let place = Place::new();
    let make = || -> serde_json::Value {
        serde_json::from_str(&stdout(
            place.wafpass(["keygen", "--aud", "shop", "--json"]).assert().code(0),
        ))
        .unwrap()
    };
    let (first, second) = (make(), make());
    for made in [&first, &second] {
        let (key_file, edge) = (&made["key_file"]["keys"][0], &made["edge"]);
        assert_eq!(
            (&key_file["kid"], &key_file["key"], &made["key_file"]["aud"]),
            (&edge["kid"], &edge["key"], &edge["aud"])
        );
        assert_eq!(edge["key"].as_str().unwrap().len(), 43);
        assert_eq!(edge["waf_secrets"][0].as_str().unwrap().len(), 43);
        assert_ne!(edge["waf_secrets"][0], edge["key"]);
    }
    for secret in ["key", "kid"] {
        assert_ne!(first["edge"][secret], second["edge"][secret]);
    }
    assert_ne!(first["edge"]["waf_secrets"], second["edge"]["waf_secrets"]);
}

#[test]
fn writes_files_for_their_owner_and_overwrites_none() {
    let place = Place::new();
    let options = ["keygen", "--aud", "shop", "--out", "new.json", "--edge-out", "edge.json"];
    place.wafpass(options).assert().code(0).stdout_eq(str![[r#"
# Key file of this command line (keep it at mode 0600). An origin takes its
# `key` with Secret::from_base64url and its `kid` with Key::new.
written to new.json

# Edge: the value under `wafpass` in its key-value store
written to edge.json

# Web ACL: every Allow inserts the header `wafpass` with the text in waf_secrets;
# [] for no WAF. When you rotate, keep the waf_secrets that you have.

"#]]);
    assert_eq!((place.mode("new.json"), place.mode("edge.json")), (0o600, 0o600));
    let sign = ["sign", "--waf", "pass", "--key-file", "new.json", "http://shop.example/"];
    place.wafpass(sign).assert().code(0);

    let before = fs::read(place.path().join("edge.json")).unwrap();
    let again = ["keygen", "--aud", "shop", "--out", "other.json", "--edge-out", "edge.json"];
    let again = place.wafpass(again).assert();
    again.code(2).stdout_eq("").stderr_eq(str![[r#"
error: edge.json is there already, and may hold a key in use
try:   name another file, or move that one away

"#]]);
    assert_eq!(fs::read(place.path().join("edge.json")).unwrap(), before);
    assert!(!place.path().join("other.json").exists(), "one of two was written");
}

#[test]
fn both_are_made_or_neither() {
    let place = Place::new();
    let keygen = ["keygen", "--aud", "shop", "--out", "new.json"];
    let keygen = |edge_out| {
        let made = place.wafpass(keygen.into_iter().chain(["--edge-out", edge_out])).assert();
        assert!(!place.path().join("new.json").exists(), "one of two was written");
        made.code(2).stdout_eq("")
    };
    keygen("none/edge.json").stderr_eq(str![[r#"
error: none/edge.json cannot be written: No such file or directory (os error 2)
try:   name a new file in a directory of yours

"#]]);
    for same in ["new.json", "./new.json"] {
        keygen(same).stderr_eq(str![[r#"
error: [..]new.json cannot hold two things
try:   name two files

"#]]);
    }
}

#[cfg(target_os = "linux")] // for its /dev/full
#[test]
fn what_is_in_no_file_has_to_be_printed() {
    let place = Place::new();
    // The edge's value is lost, and the key file is of no use without it.
    let lost = "$WAFPASS keygen --aud shop --out new.json > /dev/full";
    place.bash(lost).assert().code(2).stderr_eq(str![[r#"
error: the part that is in no file cannot be written: No space left on device (os error 28)
try:   give both --out and --edge-out

"#]]);
    assert!(!place.path().join("new.json").exists());
    // Both are where they belong, and nobody looks at the report.
    let unread = "$WAFPASS keygen --aud shop --out new.json --edge-out edge.json > /dev/full";
    place.bash(unread).assert().code(2);
    assert!(place.path().join("new.json").exists() && place.path().join("edge.json").exists());
}

#[test]
fn an_edge_value_without_audience_is_not_made() {
    let place = Place::new();
    place.wafpass(["keygen"]).assert().code(2).stdout_eq("").stderr_eq(str![[r#"
error: the following required arguments were not provided:
  --aud <NAME>

Usage: wafpass keygen --aud <NAME>

For more information, try '--help'.

"#]]);
}
