//! Keys: the way of a public key to be sealed with, and private keys that are refused.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "in a test, a panic is the report"
)]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64ct::{Base64, Base64UrlUnpadded, Encoding};
use tempfile::TempDir;
use wafpass::UnixTime;
use wafpass::clock::Clock;
use wafpass::collector::TenantId;
use wafpass::collector::catalogue::{
    Catalogue, CatalogueError, Challenge, Fingerprint, KeyState, LeftWithout, TenantSettings,
};
use wafpass::collector::private_key::{
    Found, RegisteredKeys, Suspect, Tagged, find_tagged, problem, suspect,
};
use wafpass::matched_data::{Binding, KeyId, PrivateKey, PublicKey, Refused, Suite, open};

const ME: &str = "token 0123456789abcdef";
const HOUR_MS: u64 = 3_600_000;

struct Hands(AtomicU64);

impl Clock for Hands {
    fn now(&self) -> UnixTime {
        UnixTime::from_secs(i64::try_from(self.now_ms() / 1_000).unwrap())
    }

    fn now_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Place {
    dir: TempDir,
    clock: Arc<Hands>,
    catalogue: Catalogue,
}

fn place() -> Place {
    let dir = TempDir::new().unwrap();
    let clock = Arc::new(Hands(AtomicU64::new(1_795_305_600_000)));
    let hands: Arc<dyn Clock> = clock.clone();
    let catalogue = Catalogue::open(dir.path(), hands).unwrap();
    for tenant in [acme(), globex()] {
        catalogue.add_tenant(&tenant, &TenantSettings::default()).unwrap();
    }
    Place { dir, clock, catalogue }
}

fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

fn globex() -> TenantId {
    TenantId::new("globex").unwrap()
}

fn pair(suite: Suite) -> PrivateKey {
    PrivateKey::generate(suite).unwrap()
}

/// As the owner does, at home.
fn opened(challenge: &Challenge, key: &PrivateKey) -> Result<String, Refused> {
    let binding = challenge.binding();
    let binding = Binding::from_json(&binding).unwrap();
    let text = open(&challenge.blob, key, Some(&binding))?;
    Ok(String::from_utf8(text.to_vec()).unwrap())
}

impl Place {
    fn state(&self, tenant: &TenantId, id: KeyId) -> KeyState {
        let records = self.catalogue.key_records(tenant).unwrap();
        records.iter().find(|record| record.id == id).unwrap().state
    }

    fn prove(&self, tenant: &TenantId, key: &PrivateKey) -> KeyState {
        self.catalogue.propose_key(tenant, key.public_key(), ME).unwrap();
        let challenge = self.catalogue.challenge_key(tenant, key.key_id(), ME).unwrap();
        let answer = opened(&challenge, key).unwrap();
        self.catalogue.answer_challenge(tenant, key.key_id(), &answer, ME).unwrap().state
    }

    fn sealing(&self, tenant: &TenantId) -> Option<KeyId> {
        self.catalogue.active_keys(tenant).sealing().map(PublicKey::key_id)
    }
}

#[test]
fn a_first_key_is_active_once_its_owner_has_opened_the_challenge() {
    for suite in [Suite::X25519, Suite::XWing] {
        let place = place();
        let key = pair(suite);
        let id = key.key_id();
        let record = place.catalogue.propose_key(&acme(), key.public_key(), ME).unwrap();
        assert_eq!(
            (record.state, record.suite, record.public_key.as_ref()),
            (KeyState::Proposed, suite, Some(key.public_key()))
        );
        assert_eq!(place.sealing(&acme()), None);
        assert!(!place.catalogue.active_keys(&acme()).knows(id));

        let challenge = place.catalogue.challenge_key(&acme(), id, ME).unwrap();
        assert_eq!(place.sealing(&acme()), None);
        let answer = opened(&challenge, &key).unwrap();
        assert_eq!(answer.len(), 43);
        let record =
            place.catalogue.answer_challenge(&acme(), id, &format!(" {answer}\n"), ME).unwrap();
        assert_eq!(record.state, KeyState::Active);
        let states: Vec<_> =
            record.steps.iter().map(|step| (step.state, step.actor.as_str())).collect();
        assert_eq!(
            states,
            [(KeyState::Proposed, ME), (KeyState::Challenged, ME), (KeyState::Active, ME)]
        );
        assert_eq!(place.sealing(&acme()), Some(id));
        assert!(place.catalogue.active_keys(&acme()).knows(id));
        // It is acme's alone.
        assert_eq!(place.sealing(&globex()), None);
        assert!(!place.catalogue.active_keys(&globex()).knows(id));
    }
}

#[test]
fn a_second_key_takes_the_place_of_the_first_in_two_steps() {
    let place = place();
    let (first, second) = (pair(Suite::X25519), pair(Suite::XWing));
    assert_eq!(place.prove(&acme(), &first), KeyState::Active);
    place.catalogue.propose_key(&acme(), second.public_key(), ME).unwrap();
    let too_early = place.catalogue.activate_key(&acme(), second.key_id(), ME);
    assert!(matches!(too_early, Err(CatalogueError::WrongState { found: KeyState::Proposed, .. })));
    assert_eq!(place.prove(&acme(), &second), KeyState::Proven);
    assert_eq!(place.sealing(&acme()), Some(first.key_id()));

    place.catalogue.activate_key(&acme(), second.key_id(), ME).unwrap();
    assert_eq!(place.sealing(&acme()), Some(second.key_id()));
    assert_eq!(place.state(&acme(), first.key_id()), KeyState::Superseded);
    // What was sealed with the first keeps arriving.
    assert!(place.catalogue.active_keys(&acme()).knows(first.key_id()));

    // The way back, and then for good.
    place.catalogue.activate_key(&acme(), first.key_id(), ME).unwrap();
    assert_eq!(place.sealing(&acme()), Some(first.key_id()));
    place.catalogue.activate_key(&acme(), second.key_id(), ME).unwrap();
    place.catalogue.retire_key(&acme(), first.key_id(), LeftWithout::Refused, ME).unwrap();
    assert!(!place.catalogue.active_keys(&acme()).knows(first.key_id()));
    let retired = place.catalogue.activate_key(&acme(), first.key_id(), ME);
    assert!(matches!(retired, Err(CatalogueError::WrongState { found: KeyState::Retired, .. })));
    let again = place.catalogue.propose_key(&acme(), first.public_key(), ME);
    assert!(matches!(again, Err(CatalogueError::WrongState { found: KeyState::Retired, .. })));
}

#[test]
fn the_active_key_is_retired_only_in_so_many_words() {
    let place = place();
    let key = pair(Suite::X25519);
    place.prove(&acme(), &key);
    let refused = place.catalogue.retire_key(&acme(), key.key_id(), LeftWithout::Refused, ME);
    assert!(matches!(refused, Err(CatalogueError::WrongState { found: KeyState::Active, .. })));
    place.catalogue.retire_key(&acme(), key.key_id(), LeftWithout::Accepted, ME).unwrap();
    assert_eq!(place.sealing(&acme()), None);
}

#[test]
fn a_challenge_takes_five_answers_within_an_hour() {
    let place = place();
    let key = pair(Suite::X25519);
    let id = key.key_id();
    let none_open = place
        .catalogue
        .propose_key(&acme(), key.public_key(), ME)
        .and_then(|_| place.catalogue.answer_challenge(&acme(), id, "x", ME));
    assert!(matches!(none_open, Err(CatalogueError::NoChallenge(_))));

    let challenge = place.catalogue.challenge_key(&acme(), id, ME).unwrap();
    let answer = opened(&challenge, &key).unwrap();
    for left in (0..5).rev() {
        let wrong = place.catalogue.answer_challenge(&acme(), id, "", ME);
        assert!(matches!(wrong, Err(CatalogueError::WrongAnswer { left: told }) if told == left));
    }
    let too_many = place.catalogue.answer_challenge(&acme(), id, &answer, ME);
    assert!(matches!(too_many, Err(CatalogueError::NoChallenge(_))));

    let challenge = place.catalogue.challenge_key(&acme(), id, ME).unwrap();
    // The answer to an earlier one is none to this.
    let earlier = place.catalogue.answer_challenge(&acme(), id, &answer, ME);
    assert!(matches!(earlier, Err(CatalogueError::WrongAnswer { left: 4 })));
    let answer = opened(&challenge, &key).unwrap();
    place.clock.0.fetch_add(HOUR_MS, Ordering::SeqCst);
    let too_late = place.catalogue.answer_challenge(&acme(), id, &answer, ME);
    assert!(matches!(too_late, Err(CatalogueError::NoChallenge(_))));
    let challenge = place.catalogue.challenge_key(&acme(), id, ME).unwrap();
    let answer = opened(&challenge, &key).unwrap();
    place.clock.0.fetch_add(HOUR_MS - 1, Ordering::SeqCst);
    place.catalogue.answer_challenge(&acme(), id, &answer, ME).unwrap();
    let used = place.catalogue.answer_challenge(&acme(), id, &answer, ME);
    assert!(matches!(used, Err(CatalogueError::NoChallenge(_))));
}

#[test]
fn a_challenge_is_for_one_key_of_one_tenant() {
    let place = place();
    let (key, other) = (pair(Suite::X25519), pair(Suite::X25519));
    for tenant in [acme(), globex()] {
        place.catalogue.propose_key(&tenant, key.public_key(), ME).unwrap();
    }
    let challenge = place.catalogue.challenge_key(&acme(), key.key_id(), ME).unwrap();
    assert_eq!(opened(&challenge, &other), Err(Refused::WrongKey));
    let mut moved = challenge.clone();
    moved.tenant = globex();
    assert_eq!(opened(&moved, &key), Err(Refused::OpenFailed));

    // Neither its answer nor its key is of use to another tenant.
    let answer = opened(&challenge, &key).unwrap();
    let theirs = place.catalogue.answer_challenge(&globex(), key.key_id(), &answer, ME);
    assert!(matches!(theirs, Err(CatalogueError::NoChallenge(_))));
    let unknown = place.catalogue.challenge_key(&globex(), other.key_id(), ME);
    assert!(matches!(unknown, Err(CatalogueError::NoSuchKey(id)) if id == other.key_id()));
    place.catalogue.propose_key(&acme(), other.public_key(), ME).unwrap();
    for refused in [
        place.catalogue.activate_key(&globex(), other.key_id(), ME),
        place.catalogue.retire_key(&globex(), other.key_id(), LeftWithout::Accepted, ME),
        place.catalogue.answer_challenge(&globex(), other.key_id(), &answer, ME),
    ] {
        assert!(matches!(refused, Err(CatalogueError::NoSuchKey(_))));
    }
    assert_eq!(place.catalogue.key_records(&globex()).unwrap().len(), 1);
}

#[test]
fn the_history_is_never_changed() {
    let place = place();
    place.prove(&acme(), &pair(Suite::X25519));
    let file = rusqlite::Connection::open(place.dir.path().join("catalogue.sqlite3")).unwrap();
    for sql in ["DELETE FROM key_steps", "UPDATE key_steps SET actor = 'nobody'"] {
        let refused = file.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("the history of keys is never"), "{refused}");
    }
}

/// The likeliest mistake: the private key is handed in as the public one, then the right one.
#[test]
fn a_private_key_that_was_handed_in_is_wiped_when_its_public_key_comes() {
    let place = place();
    let key = pair(Suite::X25519);
    let text = key.to_text();
    // Nothing tells the two halves apart; a private key is a canonical public key as often as not.
    let mistaken = PublicKey::from_text(&text).unwrap();
    place.catalogue.propose_key(&acme(), &mistaken, ME).unwrap();
    let refused = place.catalogue.propose_key(&acme(), key.public_key(), ME);
    assert!(matches!(refused, Err(CatalogueError::PrivateKey)));
    let records = place.catalogue.key_records(&acme()).unwrap();
    assert_eq!(
        (records.len(), records[0].state, records[0].public_key.is_none()),
        (1, KeyState::Retired, true)
    );
    let secret = Base64::decode_vec(&text).unwrap();
    for entry in std::fs::read_dir(place.dir.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension != "sqlite3-shm") {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(32).any(|window| window == secret), "{path:?}");
        }
    }
}

#[test]
fn the_private_key_of_a_registered_one_is_refused_as_a_key() {
    let place = place();
    let key = pair(Suite::X25519);
    place.catalogue.propose_key(&globex(), key.public_key(), ME).unwrap();
    let mistaken = PublicKey::from_text(&key.to_text()).unwrap();
    let refused = place.catalogue.propose_key(&acme(), &mistaken, ME);
    assert!(matches!(refused, Err(CatalogueError::PrivateKey)));
    assert_eq!(place.catalogue.key_records(&acme()).unwrap(), []);
}

/// A public key is known to many. Whoever takes one for a private key and hands in what follows from it must
/// not harm whose key it is.
#[test]
fn nobody_can_have_another_tenants_key_wiped() {
    let place = place();
    let key = pair(Suite::X25519);
    place.prove(&acme(), &key);
    let bytes: [u8; 32] = key.public_key().as_bytes().try_into().unwrap();
    let malicious = PrivateKey::from_bytes(Suite::X25519, &bytes).unwrap();
    for tenant in [globex(), acme()] {
        let refused = place.catalogue.propose_key(&tenant, malicious.public_key(), ME);
        assert!(matches!(refused, Err(CatalogueError::PrivateKey)));
        assert_eq!(place.sealing(&acme()), Some(key.key_id()));
    }
    // And the key's own text is still no private key to anybody.
    let text = key.public_key().to_text();
    assert_eq!(suspect(text.as_bytes(), &place.catalogue.registered_keys()), None);
}

#[test]
fn a_tenant_has_so_many_keys() {
    let place = place();
    // Those that were retired count, too.
    let file = rusqlite::Connection::open(place.dir.path().join("catalogue.sqlite3")).unwrap();
    for number in 0..63_u64 {
        let sql = "INSERT INTO keys (tenant, key_id, suite, state, proposed_ms) VALUES ('acme', ?1, 1, 6, 0)";
        file.execute(sql, [number.to_be_bytes()]).unwrap();
    }
    place.catalogue.propose_key(&acme(), pair(Suite::X25519).public_key(), ME).unwrap();
    let refused = place.catalogue.propose_key(&acme(), pair(Suite::X25519).public_key(), ME);
    assert!(matches!(refused, Err(CatalogueError::TooManyKeys)));
    place.catalogue.propose_key(&globex(), pair(Suite::X25519).public_key(), ME).unwrap();
}

#[test]
fn fingerprints_are_of_the_kind_and_the_key() {
    let key = PublicKey::from_text("Ycig/Zr/pZmklmFUN99nr+taURlYItL91g+NcHGYpB8=").unwrap();
    let print = Fingerprint::of(&key);
    // printf '\1' | cat - <(base64 -d <<< Ycig/Zr/pZmklmFUN99nr+taURlYItL91g+NcHGYpB8=) | sha256sum
    assert_eq!(
        print.to_string(),
        "96e7e73cc0260ff95371b2bb8321961a08b4e67e302dedf5a204e40d9aa0ed02"
    );
    assert_eq!(
        print.words(),
        "jungle ribbon ribbon clover nutmeg brick atlas velvet dragon fox meteor nectar hazel blanket jungle barrel"
    );
    let prints: BTreeSet<String> =
        (0..20).map(|_| Fingerprint::of(pair(Suite::XWing).public_key()).words()).collect();
    assert_eq!(prints.len(), 20);
}

fn registered(keys: &[&PrivateKey]) -> RegisteredKeys {
    let mut registered = RegisteredKeys::default();
    keys.iter().for_each(|key| registered.insert(key.public_key()));
    registered
}

/// 32 bytes of a private key in every spelling.
fn spellings(key: &PrivateKey) -> Vec<String> {
    let text = key.to_text();
    let base64 = text.rsplit(':').next().unwrap();
    let bytes = Base64::decode_vec(base64).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![
        base64.to_owned(),
        base64.trim_end_matches('=').to_owned(),
        Base64UrlUnpadded::encode_string(&bytes),
        format!("{}=", Base64UrlUnpadded::encode_string(&bytes)),
        base64.replace('/', "\\/"),
        hex.to_uppercase(),
        hex,
    ]
}

#[test]
fn a_private_key_is_found_in_every_spelling_and_place() {
    for (suite, rounds) in [(Suite::X25519, 4), (Suite::XWing, 2)] {
        for _ in 0..rounds {
            let (key, other) = (pair(suite), pair(Suite::X25519));
            let keys = registered(&[&key, &other]);
            for spelling in spellings(&key) {
                let places = [
                    spelling.clone(),
                    format!("{{\"public_key\":\"{spelling}\"}}"),
                    format!("?key={spelling}&x=1"),
                    format!("  {spelling}\n"),
                    format!("a:b {spelling}, and more"),
                ];
                for place in places {
                    assert_eq!(
                        suspect(place.as_bytes(), &keys),
                        Some(Suspect::Registered(key.key_id())),
                        "{suite} {place}"
                    );
                }
                let encoded = spelling.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D");
                assert_eq!(
                    suspect(encoded.as_bytes(), &keys),
                    Some(Suspect::Registered(key.key_id()))
                );
            }
            // A path before a padded key is of the same alphabet.
            let glued = format!("/v1/somewhere/{}", spellings(&key)[0]);
            assert_eq!(suspect(glued.as_bytes(), &keys), Some(Suspect::Registered(key.key_id())));
        }
    }
}

#[test]
fn what_is_no_registered_private_key_passes() {
    let (key, stranger, xwing) = (pair(Suite::X25519), pair(Suite::X25519), pair(Suite::XWing));
    let keys = registered(&[&key, &xwing]);
    for text in spellings(&stranger).into_iter().chain([
        key.public_key().to_text(),
        xwing.public_key().to_text(),
        String::new(),
        "=".repeat(99),
        "%".repeat(99),
        "%2".to_owned(),
        "A".repeat(42),
        "A".repeat(44),
        "0".repeat(64),
        format!("{}A", spellings(&key)[1]),
    ]) {
        assert_eq!(suspect(text.as_bytes(), &keys), None, "{text}");
    }
    assert_eq!(suspect(key.to_text().as_bytes(), &RegisteredKeys::default()), None);
    assert_eq!(keys.matches(&[0; 32]), None);
}

#[test]
fn a_flood_of_candidates_is_bounded() {
    let keys = registered(&[&pair(Suite::X25519)]);
    let few = format!("{} ", "A".repeat(43)).repeat(64);
    assert_eq!(keys.find(few.as_bytes()), Found::Nothing);
    let many = format!("{} ", "A".repeat(43)).repeat(65);
    assert_eq!(keys.find(many.as_bytes()), Found::TooMany);
    assert_eq!(suspect(many.as_bytes(), &keys), Some(Suspect::TooMany));
}

#[test]
fn tagged_private_keys_are_found_whoever_they_belong_to() {
    let json = r#"{"private_key": "x"}"#;
    let cases = [
        ("-----BEGIN PRIVATE KEY-----", Tagged::Pem),
        ("-----BEGIN RSA PRIVATE KEY-----\\nMII", Tagged::Pem),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", Tagged::Pem),
        ("-----begin ec private key-----", Tagged::Pem),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", Tagged::Pem),
        ("k=-----BEGIN+PRIVATE+KEY-----", Tagged::Pem),
        ("AGE-SECRET-KEY-1QQQQ", Tagged::Age),
        ("age-secret-key-1qqqq", Tagged::Age),
        ("AGE-SECRET-KEY-PQ-1QQQQ", Tagged::Age),
        (json, Tagged::Json),
        (r#"{\"private_key\":\"x\"}"#, Tagged::Json),
        ("xwing-private:AAAA", Tagged::XWing),
    ];
    for (text, tagged) in cases {
        assert_eq!(find_tagged(text.as_bytes()), Some(tagged), "{text}");
        assert_eq!(
            suspect(text.as_bytes(), &RegisteredKeys::default()),
            Some(Suspect::Tagged(tagged))
        );
    }
    let none = RegisteredKeys::default();
    assert_eq!(
        suspect(b"-----BEGIN%20PRIVATE%20KEY-----", &none),
        Some(Suspect::Tagged(Tagged::Pem))
    );
    assert_eq!(suspect(b"xwing-private%3AAAAA", &none), Some(Suspect::Tagged(Tagged::XWing)));
    for text in [
        "-----BEGIN PUBLIC KEY-----",
        "xwing-public:AAAA",
        "age1qqqq",
        r#"{"public_key":"x"}"#,
        "/private_key",
        "private key",
    ] {
        assert_eq!(find_tagged(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn the_answer_says_what_to_do_and_nothing_of_the_key() {
    let key = pair(Suite::X25519);
    for suspect in [Suspect::Tagged(Tagged::Pem), Suspect::Registered(key.key_id())] {
        let problem = problem(suspect);
        assert_eq!((problem.status, problem.kind.as_str()), (422, "urn:wafpass:private-key"));
        assert!(problem.detail.contains("take the key as exposed: make a new key pair"));
        assert!(!format!("{problem:?}").contains(key.to_text().as_str()));
    }
    assert_eq!(problem(Suspect::TooMany).status, 422);
}

proptest::proptest! {
    /// No bytes panic, and none is taken for a key that is not there.
    #[test]
    fn any_bytes_pass(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..400)) {
        let keys = registered(&[&PrivateKey::from_bytes(Suite::X25519, &[7; 32]).unwrap()]);
        proptest::prop_assert_eq!(keys.find(&bytes), Found::Nothing);
        let _ = suspect(&bytes, &keys);
    }

}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(16))]

    #[test]
    fn a_key_is_found_between_any_other_characters(
        before in "[ \"',:;.?&(){}\\[\\]|<>!\n\t]{0,9}", after in "[ \"',:;.?&(){}\\[\\]|<>!\n\t]{0,9}",
        seed in proptest::array::uniform32(0_u8..)
    ) {
        let key = PrivateKey::from_bytes(Suite::X25519, &seed).unwrap();
        let keys = registered(&[&key]);
        for spelling in spellings(&key) {
            let text = format!("{before}{spelling}{after}");
            proptest::prop_assert_eq!(keys.find(text.as_bytes()), Found::Key(key.key_id()));
        }
    }
}
