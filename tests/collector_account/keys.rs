//! The way of a public key, as its owner goes it.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use wafpass::collector::catalogue::NewToken;
use wafpass::matched_data::{Binding, PrivateKey, Suite, open};

use crate::{Place, tenant};

fn pair(suite: Suite) -> PrivateKey {
    PrivateKey::generate(suite).unwrap()
}

fn proposal(key: &PrivateKey) -> String {
    json!({"public_key": key.public_key().to_text()}).to_string()
}

/// What the owner reads at home.
fn opened(challenge: &Value, key: &PrivateKey) -> String {
    let binding = Binding::from_json(&challenge["binding"]).unwrap();
    let blob = challenge["encrypted_matched_data"].as_str().unwrap();
    String::from_utf8(open(blob, key, Some(&binding)).unwrap().to_vec()).unwrap()
}

async fn proven(place: &Place, token: &NewToken, key: &PrivateKey) -> Value {
    assert_eq!(place.tell(token, "PUT /v1/keys", proposal(key)).await.status, 200);
    let path = format!("/v1/keys/{}/challenge", key.key_id());
    let challenge = place.ask(token, &format!("POST {path}")).await;
    assert_eq!(challenge.status, 200, "{challenge:?}");
    let answer = json!({"answer": opened(&challenge.json(), key)}).to_string();
    let answer = place.tell(token, &format!("PUT {path}"), answer).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[tokio::test]
async fn two_keys_one_after_the_other() {
    let place = Place::new();
    let (first, second) = (pair(Suite::X25519), pair(Suite::XWing));
    let active = proven(&place, &place.acme, &first).await;
    assert_eq!(active["state"], "active");
    assert_eq!(active["history"].as_array().unwrap().len(), 3);
    assert_eq!(active["history"][0]["by"], format!("token {}", place.acme.id));
    assert_eq!(active["history"][0]["at"], "2026-11-22T00:00:00.000000000Z");
    assert_eq!(active["fingerprint"]["words"].as_str().unwrap().split(' ').count(), 16);

    place.clock.0.fetch_add(1_000, Ordering::SeqCst); // the list is by time
    assert_eq!(proven(&place, &place.acme, &second).await["state"], "proven");
    let list = place.ask(&place.acme, "GET /v1/keys").await.json();
    assert_eq!(list["active"], first.key_id().to_string());
    let activate = format!("POST /v1/keys/{}/activate", second.key_id());
    assert_eq!(place.ask(&place.acme, &activate).await.json()["state"], "active");

    let retire =
        |key: &PrivateKey, query: &str| format!("POST /v1/keys/{}/retire{query}", key.key_id());
    assert_eq!(
        place.ask(&place.acme, &retire(&second, "")).await.kind(),
        "urn:wafpass:wrong-state"
    );
    assert_eq!(place.ask(&place.acme, &retire(&first, "")).await.json()["state"], "retired");
    assert_eq!(place.ask(&place.acme, &retire(&second, "?leave_none=maybe")).await.status, 400);
    assert_eq!(
        place.ask(&place.acme, &retire(&second, "?leave_none=true")).await.json()["state"],
        "retired"
    );
    let list = place.ask(&place.acme, "GET /v1/keys").await.json();
    assert_eq!((&list["active"], list["keys"].as_array().unwrap().len()), (&Value::Null, 2));
    assert_eq!(list["keys"][1]["public_key"], first.public_key().to_text());
}

#[tokio::test]
async fn no_endpoint_reaches_another_tenants_keys() {
    let place = Place::new();
    let key = pair(Suite::X25519);
    proven(&place, &place.acme, &key).await;
    let waiting = pair(Suite::X25519);
    place.tell(&place.acme, "PUT /v1/keys", proposal(&waiting)).await;
    let before = place.ask(&place.acme, "GET /v1/keys").await.text;
    for id in [key.key_id(), waiting.key_id()] {
        for (line, body) in [
            (format!("POST /v1/keys/{id}/challenge"), "{}"),
            (format!("PUT /v1/keys/{id}/challenge"), r#"{"answer":"x"}"#),
            (format!("POST /v1/keys/{id}/activate"), "{}"),
            (format!("POST /v1/keys/{id}/retire?leave_none=true"), "{}"),
        ] {
            let answer = place.tell(&place.globex, &line, body).await;
            assert_eq!(
                (answer.status, answer.kind().as_str()),
                (404, "urn:wafpass:no-such-key"),
                "{line}"
            );
            // The same for a key that nobody has.
            let nobody = place
                .tell(&place.globex, &line.replace(&id.to_string(), "0123456789abcdef"), body)
                .await;
            assert_eq!(nobody.text, answer.text.replace(&id.to_string(), "0123456789abcdef"));
        }
    }
    let theirs = place.ask(&place.globex, "GET /v1/keys").await.json();
    assert_eq!(theirs, json!({"active": null, "keys": []}));
    assert_eq!(place.ask(&place.acme, "GET /v1/keys").await.text, before);
    assert!(place.catalogue.active_keys(&tenant("globex")).sealing().is_none());
}

#[tokio::test]
async fn what_is_no_public_key_is_told_without_being_repeated() {
    let place = Place::new();
    for text in [
        "",
        "bm8ga2V5",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "xwing-public:AAAA",
        "no key at all",
    ] {
        let answer =
            place.tell(&place.acme, "PUT /v1/keys", json!({"public_key": text}).to_string()).await;
        assert_eq!(
            (answer.status, answer.kind().as_str()),
            (422, "urn:wafpass:no-public-key"),
            "{text}"
        );
        assert!(text.is_empty() || !answer.text.contains(text));
    }
    let wrong = [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        (r#"{"public_key": 17}"#, 400),
        (r#"{"public_key": "marmalade", "extra": 1}"#, 400),
        (r#"{"public_key": "marmalade", "public_key": "marmalade"}"#, 400),
        (r#"{"public_key": ["marmalade"]}"#, 400),
        (r#"{"public_kez": "marmalade"}"#, 400),
    ];
    for (body, status) in wrong {
        let answer = place.tell(&place.acme, "PUT /v1/keys", body).await;
        assert_eq!(
            (answer.status, answer.kind().as_str()),
            (status, "urn:wafpass:bad-body"),
            "{body}"
        );
        assert!(!answer.text.contains("marmalade") && !answer.text.contains("kez"), "{answer:?}");
    }
    let large = format!("{{\"public_key\": \"{}\"}}", "é".repeat(40_000));
    assert_eq!(place.tell(&place.acme, "PUT /v1/keys", large).await.status, 413);
}

#[tokio::test]
async fn a_wrong_answer_says_how_many_are_left() {
    let place = Place::new();
    let key = pair(Suite::X25519);
    place.tell(&place.acme, "PUT /v1/keys", proposal(&key)).await;
    let path = format!("/v1/keys/{}/challenge", key.key_id());
    let none = place.tell(&place.acme, &format!("PUT {path}"), r#"{"answer":"x"}"#).await;
    assert_eq!(none.kind(), "urn:wafpass:no-challenge");
    place.ask(&place.acme, &format!("POST {path}")).await;
    for left in (0..5).rev() {
        let wrong = place.tell(&place.acme, &format!("PUT {path}"), r#"{"answer":"x"}"#).await;
        assert_eq!(wrong.status, 422);
        assert!(
            wrong.json()["title"].as_str().unwrap().contains(&format!("({left} attempts left)"))
        );
    }
    let over = place.tell(&place.acme, &format!("PUT {path}"), r#"{"answer":"x"}"#).await;
    assert_eq!((over.status, over.kind().as_str()), (409, "urn:wafpass:no-challenge"));
    for id in ["0123456789ABCDEF", "0123", "..%2f..", "0123456789abcdefg"] {
        let answer = place.ask(&place.acme, &format!("POST /v1/keys/{id}/challenge")).await;
        assert_eq!(answer.status, 404, "{id}");
    }
}
