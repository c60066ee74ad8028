//! Private keys, wherever in a request they stand.

use std::io;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;
use wafpass::matched_data::{PrivateKey, Suite};

use crate::{Place, tenant};

/// All that is logged meanwhile.
#[derive(Clone, Default)]
struct Journal(Arc<Mutex<Vec<u8>>>);

impl io::Write for Journal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Journal {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Journal {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[tokio::test]
async fn it_is_refused_told_and_logged_nowhere() {
    let journal = Journal::default();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(journal.clone())
        .with_max_level(tracing::Level::TRACE)
        .finish();
    let _logged = tracing::subscriber::set_default(subscriber);

    let place = Place::new();
    let key = PrivateKey::generate(Suite::X25519).unwrap();
    place.catalogue.propose_key(&tenant("globex"), key.public_key(), "test").unwrap();
    let secret = key.to_text().as_str().to_owned();
    let tagged = "AGE-SECRET-KEY-1QQQSYQCYQ5RQWZQFPG9SCRGWPUGPZYSNZS23V9CCRYDPK8QARC0SWRJEPQ";
    let bearer = format!("Bearer {}", place.acme.text.as_str());
    let percent = secret.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    for (spelt, in_target) in [(secret.as_str(), percent.as_str()), (tagged, tagged)] {
        let requests = [
            Request::get(format!("/v1/keys?key={in_target}"))
                .header("authorization", &bearer)
                .body(Body::empty()),
            Request::get(format!("/v1/keys/{in_target}"))
                .header("authorization", &bearer)
                .body(Body::empty()),
            Request::get("/v1/keys")
                .header("authorization", format!("Bearer {spelt}"))
                .body(Body::empty()),
            Request::get("/v1/keys")
                .header("x-anything", spelt)
                .header("authorization", &bearer)
                .body(Body::empty()),
            Request::put("/v1/keys")
                .header("authorization", &bearer)
                .header("content-type", "application/json")
                .body(Body::from(json!({"public_key": spelt}).to_string())),
            // Even where nobody would read it.
            Request::get("/v1/keys")
                .header("authorization", &bearer)
                .body(Body::from(spelt.to_owned())),
            Request::post("/nowhere").body(Body::from(spelt.to_owned())),
            Request::post(format!("/v1/events?key={in_target}"))
                .header("authorization", &bearer)
                .body(Body::empty()),
        ];
        for (number, request) in requests.into_iter().enumerate() {
            let answer = place.send(request.unwrap()).await;
            assert_eq!(
                (answer.status, answer.kind().as_str()),
                (422, "urn:wafpass:private-key"),
                "{number} {answer:?}"
            );
            assert!(!answer.text.contains(spelt) && !answer.text.contains(in_target));
            assert!(answer.text.contains("take the key as exposed"));
        }
    }
    // The pair as it is printed, in one piece.
    let pair =
        json!({"private_key": "hidden", "public_key": key.public_key().to_text()}).to_string();
    assert_eq!(
        place.tell(&place.acme, "PUT /v1/keys", pair).await.kind(),
        "urn:wafpass:private-key"
    );

    assert_eq!(place.catalogue.key_records(&tenant("acme")).unwrap(), []);
    let journal = journal.text();
    assert!(journal.contains(&key.key_id().to_string()), "{journal}");
    for secret in
        [secret.as_str(), percent.as_str(), tagged, "hidden", &secret[..20], &tagged[..30]]
    {
        assert!(!journal.contains(secret), "{journal}");
    }
    assert!(!journal.contains(&place.acme.text[21..]));
}

#[tokio::test]
async fn a_private_key_that_was_handed_in_is_taken_back_with_its_public_key() {
    let place = Place::new();
    let key = PrivateKey::generate(Suite::X25519).unwrap();
    let secret = key.to_text().as_str().to_owned();
    let hand_in = |text: &str| json!({"public_key": text}).to_string();
    assert_eq!(place.tell(&place.acme, "PUT /v1/keys", hand_in(&secret)).await.status, 200);
    let refused =
        place.tell(&place.acme, "PUT /v1/keys", hand_in(&key.public_key().to_text())).await;
    assert_eq!((refused.status, refused.kind().as_str()), (422, "urn:wafpass:private-key"));
    let list = place.ask(&place.acme, "GET /v1/keys").await;
    assert_eq!(list.json()["keys"][0]["state"], "retired");
    assert_eq!(list.json()["keys"][0]["public_key"], json!(null));
    assert!(!list.text.contains(&secret));
}
