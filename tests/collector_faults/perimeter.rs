//! `perimeter = true`: the doors ask for an edge signature beside the token.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use wafpass::{Key, MessageHead, Secret, Signer, WafEvidence, clock};

use crate::load::{lines, stored};
use crate::place::{Place, Running};
use crate::wire;

const SECRET: &str = "KioqKioqKioqKioqKioqKioqKioqKioqKioqKioqKio";

fn guarded() -> Place {
    let place = Place::new("perimeter = true");
    let keys = place.path().join("keys.json");
    fs::write(&keys, format!("{{\"keys\":[{{\"kid\":\"2026-11-a\",\"key\":\"{SECRET}\"}}]}}"))
        .unwrap();
    fs::set_permissions(&keys, fs::Permissions::from_mode(0o600)).unwrap();
    let collector = fs::read_to_string(place.config()).unwrap();
    let origin =
        "audience = \"collector\"\nkeys.file = \"keys.json\"\nfreshness.preset = \"strict\"\n";
    fs::write(place.config(), format!("{origin}{collector}")).unwrap();
    place
}

/// The fields of a signature for a POST to this door.
fn signed(door: &str, audience: &str, nonce: &str) -> String {
    let key = Key::new("2026-11-a", &Secret::new([42; 32]).unwrap()).unwrap();
    let signer = Signer::builder(audience, key).build().unwrap();
    let host: &[(&[u8], &[u8])] = &[(b"host", b"collector")];
    let head = MessageHead::from_raw(b"POST", door.as_bytes(), host);
    let signature = signer.sign(&head, WafEvidence::Pass, nonce, clock::now()).unwrap();
    signature.fields().map(|(name, value)| format!("{name}: {value}\r\n")).concat()
}

fn post(running: &Running, token: &str, signature: &str, name: &str) -> wire::Answer {
    let lines = lines(name, 3);
    wire::ask(running.service, "POST", "/v1/events", token, signature, lines.as_bytes()).unwrap()
}

/// What was signed up to the verifier's first second is refused, as it may have been used before the start.
fn until_ready(running: &Running) {
    loop {
        let answer = running.admin("/readyz");
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.body, "the edge signature's verifier is not ready\n");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_token_alone_is_refused_and_a_signed_request_passes() {
    let place = guarded();
    let running = place.start();
    let token = &place.token;
    until_ready(&running);
    let none = post(&running, token, "", "unsigned");
    assert_eq!(none.status, 403, "{}", none.body);
    let other = signed("/v1/events", "shop", "7d0f0000000000000000000000000001");
    assert_eq!(post(&running, token, &other, "elsewhere").status, 403);
    let other = signed("/v1/logpush", "collector", "7d0f0000000000000000000000000002");
    assert_eq!(post(&running, token, &other, "otherdoor").status, 403);
    let good = signed("/v1/events", "collector", "7d0f0000000000000000000000000003");
    let taken = post(&running, token, &good, "signed");
    assert_eq!(taken.status, 200, "{}", taken.body);
    assert_eq!(post(&running, token, &good, "replayed").status, 403);
    let good = signed("/v1/events", "collector", "7d0f0000000000000000000000000004");
    assert_eq!(post(&running, "hunter2", &good, "nobody").status, 401, "a signature is no token");
    for door in ["/v1/logpush", "/v1/firehose", "/v1/aws-waf", "/v1/modsecurity"] {
        let refused = wire::ask(running.service, "POST", door, token, "", b"{}\n").unwrap();
        assert_eq!(refused.status, 403, "{door}: {}", refused.body);
    }
    assert_eq!(running.get("/v1/usage").status, 200, "who reads has no edge");
    assert_eq!(stored(&running).into_keys().collect::<Vec<_>>(), ["signed"]);
    let (status, log) = running.stop();
    assert!(status.success(), "{log}");
    assert!(!log.contains(SECRET) && !log.contains(token.as_str()), "{log}");
}
