//! `wafpass keys`: the life of a key, and each step out of its order.

use std::fs;
use std::path::{Path, PathBuf};

use snapbox::cmd::OutputAssert;
use snapbox::str;
use wafpass::UnixTime;
use wafpass::clock::now;
use wafpass::key_directory::{Derivation, KeyDirectory};

use crate::MAX_COLUMNS;
use crate::common::{Place, stdout};

pub(crate) const VERBS: [&str; 7] =
    ["new", "list", "promote", "retire", "status", "remove", "export"];

/// `wafpass keys … --dir keys`.
pub(crate) fn keys(place: &Place, line: &str) -> OutputAssert {
    let words = ["keys"].into_iter().chain(line.split_whitespace()).chain(["--dir", "keys"]);
    place.wafpass(words).assert()
}

/// Moves a moment of a key's file into the past: tests do not wait.
pub(crate) fn backdate(place: &Place, kid: &str, member: &str, ago_s: i64) {
    let path = place.path().join(format!("keys/{kid}.json"));
    let mut file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    file[member] = moment(-ago_s).into();
    fs::write(&path, file.to_string()).unwrap();
}

pub(crate) fn moment(secs: i64) -> String {
    UnixTime::from_secs(now().as_secs() + secs).to_string()
}

/// `a` signs, and `b` is accepted.
pub(crate) fn two_keys() -> Place {
    let place = Place::new();
    for line in ["new --kid a", "promote a", "new --kid b"] {
        keys(&place, line).code(0);
    }
    place
}

/// `b` signs, and `a` is retiring since a moment ago.
pub(crate) fn rotated() -> Place {
    let place = two_keys();
    keys(&place, "promote b --origins-have-it").code(0);
    place
}

fn page(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/cli/{name}.txt"))
}

#[test]
fn help_pages() {
    let place = Place::new();
    let expected = snapbox::Data::read_from(&page("keys"), None);
    place.wafpass(["keys", "--help"]).assert().code(0).stdout_eq(expected.raw());
    for verb in VERBS {
        let expected = snapbox::Data::read_from(&page(&format!("keys-{verb}")), None);
        let help = place.wafpass(["keys", verb, "--help"]).assert().code(0);
        let widest = stdout(help).lines().map(|line| line.chars().count()).max();
        assert!(widest <= Some(MAX_COLUMNS), "{verb}: {widest:?}");
        place.wafpass(["keys", verb, "--help"]).assert().stdout_eq(expected.raw());
    }
}

#[test]
fn a_key_lives() {
    let place = Place::new();
    keys(&place, "new --kid a").code(0).stderr_eq("").stdout_eq(str![[r#"
a  accepted  keys/a.json

# Next: let every origin load it (a reload, or a restart). Then:
#   wafpass keys promote a --dir keys

"#]]);
    keys(&place, "promote a").code(0).stderr_eq("").stdout_eq(str![[r#"
a  signing

# The first key: it takes no other's place, so there was nothing to wait for. Origins
# have to load it before the edge does.
# Next: hand it to the edge.
#   wafpass keys export cloudfront-kvs --dir keys --current CURRENT.json --out NEXT.json

"#]]);
    keys(&place, "new --kid b").code(0).stdout_eq(str![[r#"
b  accepted  keys/b.json

# Next: let every origin load it (a reload, or a restart). Then, 5 min from now on:
#   wafpass keys promote b --dir keys

"#]]);
    backdate(&place, "b", "created", 300);
    keys(&place, "promote b").code(0).stdout_eq(str![[r#"
b  signing
a  retiring

# Next: hand it to the edge.
#   wafpass keys export cloudfront-kvs --dir keys --current CURRENT.json --out NEXT.json
# The way back: wafpass keys promote a --dir keys, and export again.

"#]]);
    keys(&place, "list").code(0).stdout_eq(str![[r#"
a  retiring  [..]
b  signing   [..]

"#]]);
    backdate(&place, "a", "retiring_since", 86_400);
    keys(&place, "retire a").code(0).stdout_eq(str![[r#"
a  retired

# Next: let every origin load that (a reload, or a restart). In a day:
#   wafpass keys remove a --dir keys
# The way back, should an edge turn up that signs with it:
#   wafpass keys retire a --dir keys --undo

"#]]);
    let keyring = KeyDirectory::open(place.path().join("keys")).unwrap().keyring().unwrap();
    let active: Vec<bool> = keyring.iter().map(|key| key.is_active(now())).collect();
    assert_eq!(active, [false, true]);
    backdate(&place, "a", "retired", 86_400);
    keys(&place, "remove a").code(0).stdout_eq(str![[r#"
a  removed

# Next: nothing; origins forget it when they next load the directory.

"#]]);
    keys(&place, "list").code(0).stdout_eq(str![[r#"
b  signing   [..]

"#]]);
}

#[test]
fn status_says_what_to_do_next() {
    let place = Place::new();
    let status = || keys(&place, "status").code(0).stderr_eq("");
    fs::create_dir(place.path().join("keys")).unwrap();
    place.set_mode("keys", 0o700);
    status().stdout_eq(str![[r#"
KID  STATE     SINCE             AGE

# Next:
#   no key signs, and none is ready: wafpass keys new --dir keys

"#]]);
    keys(&place, "new --kid a").code(0);
    status().stdout_eq(str![[r#"
KID  STATE     SINCE             AGE
a    accepted  [..]  [..] s

# Next:
#   once every origin has loaded it: wafpass keys promote a --dir keys

"#]]);
    keys(&place, "promote a").code(0);
    status().stdout_eq(str![[r#"
KID  STATE     SINCE             AGE
a    signing   [..]  [..] s

# Next:
#   nothing; when it is time for another key: wafpass keys new --dir keys

"#]]);
    keys(&place, "new --kid b --derive daily").code(0);
    status().stdout_eq(str![[r#"
KID  STATE     SINCE             AGE
a    signing   [..]  [..] s
b    accepted  [..]  [..] s     daily

# Next:
#   from [..] on: wafpass keys promote b --dir keys

"#]]);
    keys(&place, "promote b --settle 0 --origins-have-it").code(0);
    status().stdout_eq(str![[r#"
KID  STATE     SINCE             AGE
a    retiring  [..]  [..] s
b    signing   [..]  [..] s     daily

# Next:
#   once it is unused (--metrics), or from [..] on: wafpass keys retire a --dir keys

"#]]);
    backdate(&place, "a", "retiring_since", 90_000);
    status().stdout_eq(str![[r#"
KID  STATE     SINCE             AGE
a    retiring  [..]  1 d
b    signing   [..]  [..] s     daily

# Next:
#   now: wafpass keys retire a --dir keys

"#]]);
    keys(&place, "retire a").code(0);
    status().stdout_eq(str![[r#"
KID  STATE     SINCE             AGE
a    retired   [..]  [..] s
b    signing   [..]  [..] s     daily

# Next:
#   from [..] on: wafpass keys remove a --dir keys

"#]]);
    keys(&place, "retire b --compromised").code(0);
    status().stdout_eq(str![[r#"
KID  STATE     SINCE             AGE
a    retired   [..]  [..] s
b    retired   [..]  [..] s     daily  compromised

# Next:
#   no key signs, and none is ready: wafpass keys new --dir keys
#   from [..] on: wafpass keys remove a --dir keys
#   from [..] on: wafpass keys remove b --dir keys

"#]]);
    keys(&place, "status --json").code(0).stdout_eq(str![[r#"
{
  "keys": [
    {
      "kid": "a",
      "state": "retired",
      "since": "[..]",
      "age_s": [..],
      "derive": null,
      "compromised": false,
      "not_before": null,
      "not_after": null,
      "origins": []
    },
    {
      "kid": "b",
      "state": "retired",
      "since": "[..]",
      "age_s": [..],
      "derive": "daily",
      "compromised": true,
      "not_before": null,
      "not_after": null,
      "origins": []
    }
  ],
  "next": [
    "no key signs, and none is ready: wafpass keys new --dir keys",
    "from [..] on: wafpass keys remove a --dir keys",
    "from [..] on: wafpass keys remove b --dir keys"
  ]
}

"#]]);
}

#[test]
fn steps_out_of_order_are_refused() {
    let place = two_keys();
    let refused = |line: &str| keys(&place, line).code(1).stdout_eq("");
    refused("promote b").stderr_eq(str![[r#"
refused: the key b was made [..] s ago, and origins get 300 s to load it
try:     wait [..] s, or ask the origins: --metrics http://ORIGIN/metrics

"#]]);
    refused("promote a").stderr_eq(str![[r#"
refused: the key a is signing: it cannot be promoted
try:     hand it to the edge: wafpass keys export

"#]]);
    refused("retire a").stderr_eq(str![[r#"
refused: the key a is signing: it cannot be retired
try:     promote its successor first (wafpass keys new, then promote); if somebody else may have it: wafpass keys retire --compromised

"#]]);
    refused("retire b").stderr_eq(str![[r#"
refused: the key b is accepted: it cannot be retired
try:     it has never signed; if it is not wanted any more: wafpass keys retire --give-up

"#]]);
    refused("retire a --give-up").stderr_eq(str![[r#"
refused: the key a is signing: it cannot be given up
try:     only a key that has never signed can be given up

"#]]);
    refused("retire a --undo").stderr_eq(str![[r#"
refused: the key a is signing: it cannot be taken back
try:     only a retired key can be taken back

"#]]);
    refused("remove a").stderr_eq(str![[r#"
refused: the key a is signing: it cannot be removed
try:     retire it first: wafpass keys retire

"#]]);
    refused("export worker --aud shop --no-waf --kid b").stderr_eq(str![[r#"
refused: the key b is not the one that signs: that is a
try:     wafpass keys promote b --dir keys first, or leave --kid out

"#]]);
    keys(&place, "promote b --origins-have-it").code(0);
    refused("retire a").stderr_eq(str![[r#"
refused: the key a gave way [..] s ago, and an edge may go on with it for 86400 s
try:     wait, or ask the origins when it was last used: --metrics http://ORIGIN/metrics

"#]]);
    backdate(&place, "a", "retiring_since", 86_400);
    keys(&place, "retire a").code(0);
    refused("remove a").stderr_eq(str![[r#"
refused: the key a was retired [..] s ago, and stays on record for 86400 s: until then its use shows as inactive-key
try:     wait [..] s

"#]]);
    refused("retire a").stderr_eq(str![[r#"
refused: the key a is retired: it cannot be retired
try:     forget it, once it is a day old: wafpass keys remove

"#]]);
    refused("promote a").stderr_eq(str![[r#"
refused: the key a is retired: it cannot be promoted
try:     make another (wafpass keys new), or take its retirement back: wafpass keys retire --undo

"#]]);
    keys(&place, "retire b --compromised").code(0);
    refused("promote b").stderr_eq(str![[r#"
refused: the key b was retired as compromised: it does not come back
try:     make another: wafpass keys new

"#]]);
    refused("retire b --undo").stderr_eq(str![[r#"
refused: the key b was retired as compromised: it does not come back
try:     make another: wafpass keys new

"#]]);
    refused("retire b --compromised").stderr_eq(str![[r#"
refused: the key b is retired: it cannot be retired
try:     it is refused already, and never comes back

"#]]);
    refused("export worker --aud shop --no-waf").stderr_eq(str![[r#"
refused: no key signs: origins may not have loaded any of them
try:     wafpass keys promote KID --dir keys; wafpass keys status --dir keys shows which

"#]]);
}

#[test]
fn each_step_has_a_way_back() {
    let place = rotated();
    keys(&place, "promote a").code(0).stdout_eq(str![[r#"
a  signing
b  retiring

# Next: hand it to the edge.
#   wafpass keys export cloudfront-kvs --dir keys --current CURRENT.json --out NEXT.json
# The way back: wafpass keys promote b --dir keys, and export again.

"#]]);
    keys(&place, "promote b").code(0);
    backdate(&place, "a", "retiring_since", 86_400);
    keys(&place, "retire a").code(0);
    keys(&place, "retire a --undo").code(0).stdout_eq(str![[r#"
a  retiring

# Next: let every origin load that (a reload, or a restart).

"#]]);
    keys(&place, "new --kid c").code(0);
    keys(&place, "retire c --give-up").code(0);
    keys(&place, "list").stdout_eq(str![[r#"
a  retiring  [..]
b  signing   [..]
c  retired   [..]

"#]]);
}

#[test]
fn an_emergency_waits_for_nothing() {
    let place = two_keys();
    keys(&place, "retire a --compromised").code(0).stderr_eq("").stdout_eq(str![[r#"
a  retired

# What breaks: once origins load this, they refuse all that the edge signs, until the
# edge has another key.
# Now:
#   1. wafpass keys promote b --dir keys --origins-have-it   (wafpass keys status: have they?)
#   2. wafpass keys export cloudfront-kvs --dir keys --current CURRENT.json --out NEXT.json,
#      and hand it to the edge
#   3. let every origin load this (a reload, or a restart): until then the key still counts
#   4. find out how it leaked: whoever may read the edge's key store, or this directory

"#]]);
    keys(&place, "promote b --origins-have-it").code(0);
    keys(&place, "retire b --compromised").code(0).stdout_eq(str![[r#"
b  retired

# What breaks: once origins load this, they refuse all that the edge signs, until the
# edge has another key.
# Now:
#   1. wafpass keys new --dir keys, and let every origin load it
#   2. wafpass keys promote KID --dir keys --origins-have-it
#   3. wafpass keys export cloudfront-kvs --dir keys --current CURRENT.json --out NEXT.json,
#      and hand it to the edge
#   4. let every origin load this (a reload, or a restart): until then the key still counts
#   5. find out how it leaked: whoever may read the edge's key store, or this directory

"#]]);
    let place = rotated();
    keys(&place, "retire a --compromised").code(0).stdout_eq(str![[r#"
a  retired

# What breaks: once origins load this, they refuse edges that have not gone on to the
# next key.
# Now:
#   1. let every origin load this (a reload, or a restart): until then the key still counts
#   2. find out how it leaked: whoever may read the edge's key store, or this directory

"#]]);
    keys(&place, "new --kid c").code(0);
    keys(&place, "retire c --compromised").code(0).stdout_eq(str![[r#"
c  retired

# What breaks: nothing, no edge signs with it.
# Now:
#   1. let every origin load this (a reload, or a restart): until then the key still counts
#   2. find out how it leaked: whoever may read the edge's key store, or this directory

"#]]);
}

#[test]
fn no_time_for_the_origins_has_to_be_said_twice() {
    let place = two_keys();
    keys(&place, "promote b --settle 0").code(2).stdout_eq("").stderr_eq(str![[r#"
error: --settle 0 leaves origins no time to load the key
try:   say that they have: --origins-have-it

"#]]);
    backdate(&place, "b", "created", 20);
    keys(&place, "promote b --settle 60").code(1);
    keys(&place, "promote b --settle 20").code(0);
}

#[test]
fn a_promotion_that_was_cut_off_is_seen_and_finished() {
    let place = rotated();
    // As it is between the two files: the new one signs, and the old one still does.
    let path = place.path().join("keys/a.json");
    let mut file: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    file["state"] = "signing".into();
    file["promoted"] = moment(-9).into();
    file.as_object_mut().unwrap().remove("retiring_since");
    fs::write(&path, file.to_string()).unwrap();

    keys(&place, "status").code(0).stdout_eq(str![[r#"
KID  STATE     SINCE             AGE
a    signing   [..]  [..] s
b    signing   [..]  [..] s

# Next:
#   a promotion was cut off; finish it: wafpass keys promote b --dir keys

"#]]);
    let export = keys(&place, "export worker --aud shop --no-waf").code(1);
    export.stdout_eq("").stderr_eq(str![[r#"
refused: two keys sign: a promotion was cut off
try:     finish it: wafpass keys status --dir keys says how

"#]]);
    keys(&place, "promote b").code(0).stdout_eq(str![[r#"
b  signing
a  retiring

# Next: hand it to the edge.
#   wafpass keys export cloudfront-kvs --dir keys --current CURRENT.json --out NEXT.json
# The way back: wafpass keys promote a --dir keys, and export again.

"#]]);
}

#[test]
fn operators_do_not_get_in_each_others_way() {
    let place = two_keys();
    let held = KeyDirectory::lock(place.path().join("keys")).unwrap();
    for line in ["new", "promote b --origins-have-it", "retire a --compromised", "remove a"] {
        keys(&place, line).code(2).stdout_eq("").stderr_eq(str![[r#"
error: somebody else is changing keys right now
try:   ask who; when they are done, look at what they did (wafpass keys status), then again

"#]]);
    }
    keys(&place, "list").code(0);
    keys(&place, "status").code(0);
    drop(held);
    // All at once: each that was not turned away has made its key.
    let script = "for n in 1 2 3 4 5 6 7 8; do
        $WAFPASS keys new --dir keys --kid k$n > made.$n 2> told.$n || rm made.$n &
    done; wait";
    place.bash(script).assert().code(0);
    let made = |n: &i32| place.path().join(format!("made.{n}")).exists();
    let made = (1..=8).filter(made).count();
    let listed = stdout(keys(&place, "list").code(0)).lines().count();
    assert!(made >= 1 && listed == made + 2, "{made} made, {listed} listed");
    keys(&place, "new --kid after").code(0);
}

#[test]
fn a_writer_that_is_killed_does_no_harm() {
    let place = two_keys();
    place.secret("keys/.b.unfinished", "{\"kid\": \"b\", \"ke");
    keys(&place, "list").code(0).stdout_eq(str![[r#"
a  signing   [..]
b  accepted  [..]

"#]]);
    // Killed again and again, at any moment: the directory is whole each time.
    let script = "for n in $(seq 40); do
        $WAFPASS keys new --dir keys --kid n$n > /dev/null 2>&1 & one=$!
        sleep 0.00$((n % 10)); kill -9 $one 2> /dev/null || true; wait $one 2> /dev/null || true
        $WAFPASS keys list --dir keys > /dev/null
    done; $WAFPASS keys promote b --dir keys --origins-have-it";
    place.bash(script).assert().code(0).stderr_eq("");
    assert!(!place.path().join("keys/.b.unfinished").exists());
}

#[test]
fn keys_that_others_can_read_are_refused() {
    let place = two_keys();
    place.set_mode("keys/a.json", 0o644);
    keys(&place, "list").code(2).stdout_eq("").stderr_eq(str![[r#"
error: keys/a.json is open to others (mode 0644)
try:   chmod 600 it; if somebody may have read the key: wafpass keys retire --compromised

"#]]);
    place.set_mode("keys/a.json", 0o600);
    place.set_mode("keys", 0o755);
    keys(&place, "new").code(2).stdout_eq("").stderr_eq(str![[r#"
error: keys is open to others (mode 0755)
try:   chmod 700 it; where a platform mounts it: permissions = "mounted-for-group"

"#]]);
    place.set_mode("keys", 0o700);
    place.file("keys/notes.txt", "");
    keys(&place, "status").code(2).stdout_eq("").stderr_eq(str![[r#"
error: keys/notes.txt does not belong into a key directory
try:   move it away; a key's file is called KID.json, and hidden files are passed over

"#]]);
}

#[test]
fn what_is_not_there_is_said() {
    let place = Place::new();
    keys(&place, "list").code(2).stderr_eq(str![[r#"
error: keys cannot be read: No such file or directory (os error 2)
try:   make one with `wafpass keys new`, or name the right one

"#]]);
    place.wafpass(["keys", "list"]).assert().code(2).stderr_eq(str![[r#"
error: there is no key directory
try:   --dir DIR, or WAFPASS_KEY_DIR=DIR

"#]]);
    keys(&place, "new --kid a").code(0);
    assert_eq!((place.mode("keys"), place.mode("keys/a.json")), (0o700, 0o600));
    keys(&place, "new --kid a").code(2).stdout_eq("").stderr_eq(str![[r#"
error: keys has a key a already
try:   give the new one an id of its own; an id is never used twice

"#]]);
    keys(&place, "promote b").code(2).stderr_eq(str![[r#"
error: keys has no key b
try:   wafpass keys list shows what there is

"#]]);
    keys(&place, "promote a;b").code(2).stderr_eq(str![[r#"
error: invalid value 'a;b' for '<KID>': the key id "a;b" is not 1 to 64 of A-Z a-z 0-9 - _ .; choose a plain label, such as shop or 2026-11-a

For more information, try '--help'.

"#]]);
    keys(&place, "new --kid .a").code(2).stderr_eq(str![[r#"
error: the key id .a begins with a dot
try:   choose one that does not, such as 2026-11-a

"#]]);
    keys(&place, "new --overlap 60").code(2);
    let by_variable = place.wafpass(["keys", "list"]).env("WAFPASS_KEY_DIR", "keys");
    by_variable.assert().code(0);
}

#[test]
fn a_key_of_keygen_moves_in() {
    let place = Place::new();
    keys(&place, "new --import keys.json").code(2).stderr_eq(str![[r#"
error: keys.json does not say which key is meant
try:   --kid ID, one of those in the file

"#]]);
    keys(&place, "new --import keys.json --kid 2026-11-a").code(0);
    let directory = KeyDirectory::open(place.path().join("keys")).unwrap();
    let secret = directory.records()[0].secret().to_base64url();
    assert_eq!(*secret, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
}

/// What bounds a key is not lost when it moves in; options override it.
#[test]
fn a_root_moves_in_with_its_derivation_and_its_window() {
    let place = Place::new();
    place.secret(
        "roots.json",
        r#"{"keys": [
            {"kid": "root", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "derive": "daily", "overlap": 7200,
             "not_before": "20261122T000000Z", "not_after": "20271122T000000Z"},
            {"kid": "other", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "derive": "daily", "overlap": 7200},
            {"kid": "key", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"},
            {"kid": "gone", "key": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "revoked": true}
        ]}"#,
    );
    for options in ["root", "other --derive daily --overlap 60", "key --not-after 20270101T000000Z"]
    {
        keys(&place, &format!("new --import roots.json --kid {options}")).code(0);
    }
    keys(&place, "new --import roots.json --kid gone").code(2).stderr_eq(str![[r#"
error: the key gone is revoked, and would be accepted again
try:   leave it behind, or make a new one without --import

"#]]);
    let directory = KeyDirectory::open(place.path().join("keys")).unwrap();
    let moment = |moment: Option<UnixTime>| moment.map(|moment| moment.to_string());
    let mut told: Vec<_> = directory
        .records()
        .iter()
        .map(|record| {
            let window = (moment(record.not_before()), moment(record.not_after()));
            (record.id().to_string(), record.derivation(), window)
        })
        .collect();
    told.sort_by(|one, other| one.0.cmp(&other.0));
    let date = |text: &str| Some(text.to_owned());
    let expected = [
        ("key".to_owned(), Derivation::None, (None, date("20270101T000000Z"))),
        ("other".to_owned(), Derivation::Daily { overlap_s: 60 }, (None, None)),
        (
            "root".to_owned(),
            Derivation::Daily { overlap_s: 7_200 },
            (date("20261122T000000Z"), date("20271122T000000Z")),
        ),
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_moment_that_no_file_can_hold_is_refused() {
    let place = Place::new();
    for moment in ["--not-before 999999999999", "--not-after 253402300800"] {
        keys(&place, &format!("new --kid a {moment}")).code(2);
    }
    keys(&place, "new --kid a --not-after 253402300799").code(0);
    keys(&place, "list").code(0);
}
