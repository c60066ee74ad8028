//! Every vector file passes, and the Rust signer writes what each accepted case was signed with.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

use base64ct::{Base64, Encoding};
use serde_json::Value;
use wafpass::scheme::edge::{DATE, SIGNATURE, WafEvidence};
use wafpass::vectors::VectorFile;
use wafpass::{Key, MessageHead, QueryMode, RootKey, Secret, Signer, UnixTime};

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "json")).collect();
    assert!(!files.is_empty(), "tests/vectors holds no file: nothing would be tested");
    files
}

#[test]
fn every_case_of_every_file_passes() {
    for path in files() {
        let name = path.display();
        let file = VectorFile::parse(&fs::read(&path).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        for (case, verdict) in file.run() {
            if let Err(failure) = verdict {
                panic!("{name}: {case}\n{failure}");
            }
        }
    }
}

/// Read by hand, not by the library: what it reads is tested above.
#[test]
fn the_signer_writes_every_accepted_signature() {
    for path in files() {
        let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        if file["spec"] != "edge-signature version 1" {
            continue;
        }
        let cases = file["cases"].as_array().unwrap();
        let accepted: Vec<_> = cases.iter().filter(|case| case["expect"] == "accept").collect();
        assert!(!accepted.is_empty(), "{}: no case is accepted", path.display());
        for case in accepted {
            let headers: Vec<(&str, &str)> = case["request"]["headers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
                .collect();
            let field = |wanted: &str| {
                let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                found.unwrap().1.trim_matches([' ', '\t'])
            };
            let (date, value) = (field(DATE), field(SIGNATURE));
            let signature = sign(case, &headers, date, value);
            assert_eq!(
                signature,
                [(DATE, date.into()), (SIGNATURE, value.into())],
                "{}",
                case["name"]
            );
        }
    }
}

/// Signs the request of a case with the nonce, names, key, date and evidence of its signature.
fn sign(
    case: &Value,
    headers: &[(&str, &str)],
    date: &str,
    value: &str,
) -> [(&'static str, String); 2] {
    let claim = |name: &str| {
        let part = value.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        part.unwrap_or_else(|| panic!("{name} in {value}"))
    };
    let config = &case["config"];
    let moment = UnixTime::parse_date(date.as_bytes()).unwrap();
    let entry = |list: &str, kid: &str| {
        let entry = config[list].as_array()?.iter().find(|entry| entry["kid"] == kid)?;
        Some(secret(entry))
    };
    let key = entry("keys", claim("kid")).map(|secret| Key::new(claim("kid"), &secret).unwrap());
    let key = key.unwrap_or_else(|| {
        // With a key for all time: the verifier, not the signer, has to mind the hour.
        let (root_id, day) = claim("kid").rsplit_once('.').unwrap();
        let root = RootKey::new(root_id, &entry("roots", root_id).unwrap()).unwrap();
        let noon = UnixTime::parse_date(format!("{day}T120000Z").as_bytes()).unwrap();
        let derived = root.derive(noon, claim("aud")).unwrap();
        assert_eq!(derived.id().as_str(), claim("kid"));
        Key::new(claim("kid"), derived.secret()).unwrap()
    });

    let signer = Signer::builder(claim("aud"), key)
        .strip_prefix(config["strip_prefix"].as_str().unwrap_or_default())
        .query(if config["query"] == "none" { QueryMode::None } else { QueryMode::All });
    let names = claim("h").split(':').filter(|name| !name.is_empty());
    let signer = names.fold(signer, |signer, name| signer.cover(name)).build().unwrap();

    let request = &case["request"];
    let (method, target) =
        (request["method"].as_str().unwrap(), request["target"].as_str().unwrap());
    let lines: Vec<(&[u8], &[u8])> =
        headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let head = MessageHead::from_raw(method.as_bytes(), target.as_bytes(), &lines);
    let waf = if claim("waf") == "pass" { WafEvidence::Pass } else { WafEvidence::None };
    let signature = signer.sign(&head, waf, claim("nonce"), moment).unwrap();
    signature.fields().map(|(name, value)| (name, value.to_owned()))
}

fn secret(entry: &Value) -> Secret {
    Secret::new(Base64::decode_vec(entry["secret"].as_str().unwrap()).unwrap()).unwrap()
}

/// Read by hand, as above, and with every second of the day giving the same key.
#[test]
fn every_derived_key_is_the_one_in_the_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/derived-keys-1.json");
    let file: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let derivations = file["derivations"].as_array().unwrap();
    assert!(derivations.len() > 10, "only {} derivations", derivations.len());
    for entry in derivations {
        let [kid, aud, key] = ["kid", "aud", "key"].map(|name| entry[name].as_str().unwrap());
        let (root_id, day) = kid.rsplit_once('.').unwrap();
        let root = RootKey::new(root_id, &secret(entry)).unwrap();
        for time in ["T000000Z", "T235959Z"] {
            let moment = UnixTime::parse_date(format!("{day}{time}").as_bytes()).unwrap();
            let derived = root.derive(moment, aud).unwrap();
            assert_eq!(derived.id().as_str(), kid);
            assert_eq!(*derived.secret().to_base64url(), key, "{}", entry["name"]);
        }
    }
}
