//! The key directory on a disk: what is read, what is refused, and what a crash leaves.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use wafpass::key_directory::{
    Derivation, KeyDirectory, KeyDirectoryError, KeyRecord, KeyState, Learnt, Permissions, Step,
    StepRefusal,
};
use wafpass::{ConfigError, KeyId, Secret, UnixTime};

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const CREATED: UnixTime = UnixTime::from_secs(1_795_307_400);

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn keys(&self) -> PathBuf {
        self.0.path().join("keys")
    }

    /// With one key called `a`.
    fn with_key() -> Self {
        let place = Self::new();
        KeyDirectory::create(place.keys()).unwrap().add(record("a")).unwrap();
        place
    }

    /// Puts a file of mode 0600 into the directory.
    fn put(&self, name: &str, text: &str) {
        let path = self.keys().join(name);
        fs::write(&path, text).unwrap();
        set_mode(&path, 0o600);
    }

    fn fault(&self) -> KeyDirectoryError {
        KeyDirectory::open(self.keys()).err().unwrap()
    }

    fn states(&self) -> Vec<(String, KeyState)> {
        let directory = KeyDirectory::open(self.keys()).unwrap();
        let state = |record: &KeyRecord| (record.id().to_string(), record.life().state);
        directory.records().iter().map(state).collect()
    }
}

fn record(kid: &str) -> KeyRecord {
    KeyRecord::new(kid, Secret::from_base64url(SECRET).unwrap(), CREATED).unwrap()
}

fn id(kid: &str) -> KeyId {
    KeyId::new(kid).unwrap()
}

fn at(secs: i64) -> UnixTime {
    CREATED.saturating_add(secs)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn what_is_written_is_read() {
    let place = Place::new();
    let mut writer = KeyDirectory::create(place.keys()).unwrap();
    writer.add(record("b").with_not_before(at(0)).with_not_after(at(9))).unwrap();
    writer.add(record("a").with_derivation(Derivation::Daily { overlap_s: 60 })).unwrap();
    assert_eq!(mode(&place.keys()), 0o700);
    assert_eq!(mode(&place.keys().join("a.json")), 0o600);
    assert_eq!(mode(&place.keys().join(".lock")), 0o600);
    drop(writer);

    let directory = KeyDirectory::open(place.keys()).unwrap();
    let [a, b] = directory.records() else { panic!() };
    assert_eq!(a.derivation(), Derivation::Daily { overlap_s: 60 });
    assert_eq!((b.not_before(), b.not_after()), (Some(at(0)), Some(at(9))));
    assert_eq!(*b.secret().to_base64url(), SECRET);
    assert_eq!(b.life().created, CREATED);
    let keyring = directory.keyring().unwrap();
    assert!(keyring.get(&id("b")).unwrap().is_active(at(8)));
    assert!(!keyring.get(&id("b")).unwrap().is_active(at(9)));
    assert_eq!(keyring.roots().next().unwrap().overlap_s(), 60);
}

#[test]
fn the_file_is_the_documented_one() {
    let place = Place::with_key();
    let text = fs::read_to_string(place.keys().join("a.json")).unwrap();
    let expected = format!(
        "{{\n  \"kid\": \"a\",\n  \"key\": \"{SECRET}\",\n  \"state\": \"accepted\",\n  \"created\": \"20261122T003000Z\"\n}}\n"
    );
    assert_eq!(text, expected);
    place.put(
        "r.json",
        &format!(
            r#"{{"kid": "r", "key": "{SECRET}", "state": "retired", "created": "20261101T000000Z",
            "promoted": "20261102T000000Z", "retiring_since": "20261103T000000Z",
            "retired": "20261104T000000Z", "compromised": true, "derive": "daily"}}"#
        ),
    );
    let directory = KeyDirectory::open(place.keys()).unwrap();
    let r = directory.get(&id("r")).unwrap();
    assert_eq!(r.derivation(), Derivation::DAILY);
    assert!(r.life().compromised);
}

#[test]
fn origins_accept_all_but_the_retired() {
    let place = Place::new();
    let mut writer = KeyDirectory::create(place.keys()).unwrap();
    for kid in ["a", "b", "c", "d"] {
        writer.add(record(kid)).unwrap();
    }
    writer.step(&id("a"), Step::GiveUp, at(0)).unwrap();
    assert_eq!(writer.promote(&id("b"), Learnt::FirstKey, at(0)).unwrap(), []);
    assert_eq!(writer.promote(&id("c"), Learnt::Asserted, at(1)).unwrap(), [id("b")]);
    let keyring = writer.directory().keyring().unwrap();
    let active = keyring.iter().map(|key| key.is_active(at(0))).collect::<Vec<_>>();
    assert_eq!(active, [false, true, true, true]);
    use KeyState::{Accepted, Retired, Retiring, Signing};
    let expected = [("a", Retired), ("b", Retiring), ("c", Signing), ("d", Accepted)];
    assert_eq!(place.states(), expected.map(|(kid, state)| (kid.to_owned(), state)));
    let empty = KeyDirectory::create(place.0.path().join("empty")).unwrap();
    assert!(matches!(empty.directory().keyring(), Err(ConfigError::NoKeys)));
}

#[test]
fn what_others_can_read_is_refused() {
    let place = Place::with_key();
    let file = place.keys().join("a.json");
    for bad in [0o640, 0o604, 0o620, 0o601] {
        set_mode(&file, bad);
        let fault = place.fault();
        assert!(matches!(fault, KeyDirectoryError::OpenToOthers { mode, .. } if mode == bad));
        assert!(fault.to_string().contains("a.json is open to others (mode 06"), "{fault}");
        assert_eq!(fault.to_string().lines().count(), 2);
    }
    set_mode(&file, 0o400);
    assert!(KeyDirectory::open(place.keys()).is_ok());
    for bad in [0o750, 0o705, 0o720, 0o711] {
        set_mode(&place.keys(), bad);
        assert!(matches!(place.fault(), KeyDirectoryError::OpenToOthers { .. }), "{bad:o}");
    }
}

#[test]
fn a_secret_that_a_platform_mounts_is_read_on_request() {
    // As Kubernetes lays it out: ..data is a link to a folder, and each file a link through it.
    let place = Place::with_key();
    let data = place.keys().join("..2026_11_22");
    fs::create_dir(&data).unwrap();
    fs::rename(place.keys().join("a.json"), data.join("a.json")).unwrap();
    symlink("..2026_11_22", place.keys().join("..data")).unwrap();
    symlink("..data/a.json", place.keys().join("a.json")).unwrap();
    set_mode(&data.join("a.json"), 0o440);
    set_mode(&place.keys(), 0o777);

    let open = || KeyDirectory::open_with(place.keys(), Permissions::MountedForGroup);
    assert_eq!(open().unwrap().records().len(), 1);
    assert!(matches!(place.fault(), KeyDirectoryError::OpenToOthers { mode: 0o777, .. }));
    set_mode(&place.keys(), 0o700);
    assert!(matches!(place.fault(), KeyDirectoryError::OpenToOthers { mode: 0o440, .. }));
    for bad in [0o444, 0o460, 0o441] {
        set_mode(&data.join("a.json"), bad);
        let fault = open().err().unwrap();
        assert!(matches!(fault, KeyDirectoryError::OpenToOthers { .. }), "{bad:o}");
    }
}

#[test]
fn foreign_files_are_refused_and_hidden_ones_passed_over() {
    for name in [".swp", "..data", ".lock", ".a.json.unfinished", ".b.json"] {
        let place = Place::with_key();
        place.put(name, "not a key");
        assert_eq!(place.states().len(), 1, "{name}");
    }
    for name in ["a.json~", "README", "a.JSON", "b c.json", ".json.", "é.json"] {
        let place = Place::with_key();
        place.put(name, "not a key");
        match name.starts_with('.') {
            true => assert_eq!(place.states().len(), 1),
            false => assert!(matches!(place.fault(), KeyDirectoryError::Foreign { .. }), "{name}"),
        }
    }
    let place = Place::with_key();
    fs::create_dir(place.keys().join("b.json")).unwrap();
    assert!(matches!(place.fault(), KeyDirectoryError::Foreign { .. }));
    let place = Place::with_key();
    symlink("nowhere", place.keys().join("b.json")).unwrap();
    assert!(matches!(place.fault(), KeyDirectoryError::Read { .. }));
}

#[test]
fn a_pipe_is_not_waited_for() {
    let place = Place::with_key();
    let pipe = place.keys().join("b.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(matches!(place.fault(), KeyDirectoryError::Foreign { .. }));
}

#[test]
fn files_are_read_strictly_and_never_repeated() {
    let good = format!(
        r#""kid": "b", "key": "{SECRET}", "state": "accepted", "created": "20261122T003000Z""#
    );
    let with = |more: &str| format!("{{{good}, {more}}}");
    let cases = [
        (String::new(), "not JSON"),
        ("{".into(), "not JSON"),
        ("{}".into(), "missing field `kid`"),
        (with(r#""note": 1"#), "unknown field `note`"),
        (with(r#""kid": "b""#), "duplicate field `kid`"),
        (with(&format!(r#""promoted": "{SECRET}""#)), "a value that cannot stand there"),
        (with(r#""promoted": null"#), "a value that cannot stand there"),
        (with(r#""promoted": 1795307400"#), "a value that cannot stand there"),
        (with(r#""promoted": "20261122T003000Z""#), "accepted, but promoted"),
        (with(r#""retired": "20261122T003000Z""#), "`retired`, but in another state"),
        (with(r#""retiring_since": "20261122T003000Z""#), "`retiring_since`, but not retiring"),
        (with(r#""compromised": true"#), "compromised, but not retired"),
        (with(r#""overlap": 60"#), "`overlap`, but nothing is derived"),
        (with(r#""derive": "daily", "overlap": 43201"#), "an overlap of 43201 s"),
        (with(r#""derive": "hourly""#), "a value that cannot stand there"),
        (
            with(r#""not_before": "20261122T003000Z", "not_after": "20261122T003000Z""#),
            "could never count",
        ),
        (format!("{{{}}}", good.replace("accepted", "signing")), "signing, but never promoted"),
        (format!("{{{}}}", good.replace("accepted", "retiring")), "retiring, but without"),
        (format!("{{{}}}", good.replace("accepted", "retired")), "retired, but without"),
        (format!("{{{}}}", good.replace("accepted", "sleeping")), "a value that cannot stand"),
        (format!("{{{}}}", good.replace(r#""b""#, r#""c""#)), "its `kid` is not its name"),
        (format!("{{{}}}", good.replace(SECRET, "AAEC")), "a secret of 3 bytes"),
        (format!("{{{}}}", good.replace("8\"", "8=\"")), "not unpadded base64url"),
        (format!("{{{good}}}{}", " ".repeat(65_536)), "longer than 65536 bytes"),
    ];
    for (text, expected) in cases {
        let place = Place::with_key();
        place.put("b.json", &text);
        let told = place.fault().to_string();
        assert!(told.contains(expected) && told.contains("b.json"), "{expected}: {told}");
        assert!(!told.contains(SECRET) && told.lines().count() == 2, "{told}");
    }
    let place = Place::with_key();
    fs::write(place.keys().join("a.json"), [0xff]).unwrap();
    assert!(place.fault().to_string().contains("a.json cannot be read"));
}

#[test]
fn a_directory_has_to_be_one() {
    let place = Place::new();
    let told = place.fault().to_string();
    assert!(told.ends_with("make one with `wafpass keys new`, or name the right one"), "{told}");
    fs::write(place.keys(), "").unwrap();
    assert!(matches!(place.fault(), KeyDirectoryError::Read { .. }));
    let deep = KeyDirectory::create(place.keys().join("a/b"));
    assert!(matches!(deep, Err(KeyDirectoryError::Write { .. })));
}

#[test]
fn ids_are_used_once_and_mean_one_key() {
    let place = Place::with_key();
    let mut writer = KeyDirectory::lock(place.keys()).unwrap();
    let taken = writer.add(record("a"));
    assert!(matches!(taken, Err(KeyDirectoryError::KeyExists { .. })));
    let hidden = writer.add(record(".b"));
    assert!(matches!(hidden, Err(KeyDirectoryError::HiddenKeyId { .. })));
    writer.add(record("r").with_derivation(Derivation::DAILY)).unwrap();
    let ambiguous = writer.add(record("r.20261122"));
    assert!(matches!(ambiguous, Err(KeyDirectoryError::Config(_))));
    let never = writer.add(record("n").with_not_before(at(9)).with_not_after(at(9)));
    assert!(matches!(never, Err(KeyDirectoryError::Config(_))));
    let unknown = writer.promote(&id("x"), Learnt::Asserted, at(0));
    assert!(matches!(unknown, Err(KeyDirectoryError::NoSuchKey { .. })));
    assert_eq!(place.states().len(), 2);
}

#[test]
fn a_key_outside_its_window_does_not_sign() {
    let place = Place::new();
    let mut writer = KeyDirectory::create(place.keys()).unwrap();
    writer.add(record("a").with_not_before(at(10)).with_not_after(at(20))).unwrap();
    for now in [9, 20] {
        let refused = writer.promote(&id("a"), Learnt::FirstKey, at(now));
        let Err(KeyDirectoryError::Refused(StepRefusal::OutsideWindow { .. })) = refused else {
            panic!("{now}");
        };
    }
    writer.promote(&id("a"), Learnt::FirstKey, at(10)).unwrap();
}

#[test]
fn there_is_one_writer_at_a_time() {
    let place = Place::with_key();
    let writer = KeyDirectory::lock(place.keys()).unwrap();
    let fault = KeyDirectory::lock(place.keys()).err().unwrap();
    assert!(matches!(fault, KeyDirectoryError::Busy { .. }));
    assert_eq!(fault.to_string().lines().count(), 2);
    assert_eq!(place.states().len(), 1, "readers do not wait");
    drop(writer);
    KeyDirectory::lock(place.keys()).unwrap();
}

#[test]
fn many_writers_lose_no_key() {
    let place = Place::with_key();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let keys = place.keys();
            scope.spawn(move || {
                for n in 0..5 {
                    let mut writer = loop {
                        match KeyDirectory::lock(&keys) {
                            Ok(writer) => break writer,
                            Err(KeyDirectoryError::Busy { .. }) => std::thread::yield_now(),
                            Err(error) => panic!("{error}"),
                        }
                    };
                    writer.add(record(&format!("k{thread}-{n}"))).unwrap();
                }
            });
        }
    });
    assert_eq!(place.states().len(), 41);
}

#[test]
fn a_promotion_that_was_cut_off_is_finished_by_the_same_again() {
    let place = Place::with_key();
    let mut writer = KeyDirectory::lock(place.keys()).unwrap();
    writer.add(record("b")).unwrap();
    writer.promote(&id("a"), Learnt::FirstKey, at(0)).unwrap();
    writer.step(&id("b"), Step::Promote(Learnt::Asserted), at(1)).unwrap(); // and no further
    drop(writer);
    assert!(place.states().iter().all(|(_, state)| *state == KeyState::Signing));
    let mut writer = KeyDirectory::lock(place.keys()).unwrap();
    assert_eq!(writer.promote(&id("b"), Learnt::Asserted, at(2)).unwrap(), [id("a")]);
    assert_eq!(writer.directory().signing().count(), 1);
    let again = writer.promote(&id("b"), Learnt::Asserted, at(3));
    assert!(matches!(again, Err(KeyDirectoryError::Refused(StepRefusal::State { .. }))));
}

#[test]
fn what_a_killed_writer_left_is_swept_away() {
    let place = Place::with_key();
    let before = fs::read(place.keys().join("a.json")).unwrap();
    place.put(".a.unfinished", "{\"kid\": \"a\", \"key\": \"half");
    assert_eq!(place.states().len(), 1, "a reader passes it over");
    let mut writer = KeyDirectory::lock(place.keys()).unwrap();
    assert!(!place.keys().join(".a.unfinished").exists());
    assert_eq!(fs::read(place.keys().join("a.json")).unwrap(), before);
    writer.promote(&id("a"), Learnt::FirstKey, at(0)).unwrap();
}

#[test]
fn what_cannot_be_written_leaves_what_was() {
    let place = Place::with_key();
    let mut writer = KeyDirectory::lock(place.keys()).unwrap();
    let before = fs::read(place.keys().join("a.json")).unwrap();
    fs::create_dir(place.keys().join(".a.unfinished")).unwrap(); // in the way
    let fault = writer.promote(&id("a"), Learnt::FirstKey, at(0)).err().unwrap();
    assert!(matches!(fault, KeyDirectoryError::Write { .. }), "{fault}");
    assert_eq!(fs::read(place.keys().join("a.json")).unwrap(), before);
    assert_eq!(writer.directory().signing().count(), 0);
}

#[test]
fn a_removed_key_is_gone_and_no_other() {
    let place = Place::with_key();
    let mut writer = KeyDirectory::lock(place.keys()).unwrap();
    writer.add(record("b")).unwrap();
    writer.step(&id("a"), Step::RetireCompromised, at(0)).unwrap();
    assert!(writer.step(&id("a"), Step::Remove, at(86_399)).is_err());
    writer.step(&id("a"), Step::Remove, at(86_400)).unwrap();
    assert_eq!(place.states(), [("b".to_owned(), KeyState::Accepted)]);
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let place = Place::with_key();
    for secs in [i64::MIN, -62_135_596_801, 253_402_300_800, i64::MAX] {
        let moment = UnixTime::from_secs(secs);
        let mut writer = KeyDirectory::lock(place.keys()).unwrap();
        for record in [record("b").with_not_before(moment), record("b").with_not_after(moment)] {
            assert!(writer.add(record).is_err(), "{secs}");
        }
        let id = KeyId::new("a").unwrap();
        assert!(writer.promote(&id, Learnt::Asserted, moment).is_err(), "{secs}");
        drop(writer);
        let directory = KeyDirectory::open(place.keys()).unwrap();
        assert_eq!(directory.records().len(), 1);
        assert_eq!(directory.records()[0].life().state, KeyState::Accepted);
    }
}
