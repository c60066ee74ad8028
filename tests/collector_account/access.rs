//! Who is let in.

use std::sync::atomic::Ordering;

use axum::body::Body;
use axum::http::Request;
use wafpass::collector::catalogue::{Scope, Scopes, TokenRequest};

use crate::{MIDNIGHT_MS, Place, tenant, token};

/// Every endpoint of this part, with the scope that it takes.
const ENDPOINTS: [(&str, Scope); 9] = [
    ("GET /v1/keys", Scope::Read),
    ("PUT /v1/keys", Scope::Keys),
    ("POST /v1/keys/0123456789abcdef/challenge", Scope::Keys),
    ("PUT /v1/keys/0123456789abcdef/challenge", Scope::Keys),
    ("POST /v1/keys/0123456789abcdef/activate", Scope::Keys),
    ("POST /v1/keys/0123456789abcdef/retire", Scope::Keys),
    ("GET /v1/settings", Scope::Admin),
    ("PUT /v1/settings", Scope::Admin),
    ("GET /v1/usage", Scope::Read),
];

#[tokio::test]
async fn a_token_opens_what_its_scopes_say_and_nothing_else() {
    let place = Place::new();
    for scope in Scope::ALL {
        let token = token(&place.catalogue, "acme", &[scope]);
        for (line, needed) in ENDPOINTS {
            let answer = place.tell(&token, line, "{}").await;
            if scope == needed {
                assert!(![401, 403].contains(&answer.status), "{scope:?} {line}: {answer:?}");
            } else {
                assert_eq!(
                    (answer.status, answer.kind().as_str()),
                    (403, "urn:wafpass:forbidden"),
                    "{scope:?} {line}"
                );
            }
        }
    }
}

#[tokio::test]
async fn one_answer_for_every_credential_that_does_not_count() {
    let place = Place::new();
    let request = TokenRequest {
        name: "short".to_owned(),
        scopes: Scopes::of(&Scope::ALL),
        expires_ms: Some(MIDNIGHT_MS + 1),
    };
    let expired = place.catalogue.add_token(&tenant("acme"), &request).unwrap();
    let revoked = token(&place.catalogue, "acme", &Scope::ALL);
    place.catalogue.revoke_token(&revoked.id).unwrap();
    place.clock.0.fetch_add(1, Ordering::SeqCst);
    let good = format!("Bearer {}", place.acme.text.as_str());
    let unknown = format!("{}x", &good[..good.len() - 1]);
    let values: [&[&str]; 11] = [
        &[],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &["Basic d2FmcGFzczp4"],
        &[good.trim_start_matches("Bearer ")],
        &[&format!("{good} ")],
        &[&good, &good],
        &[&unknown],
        &[&format!("Bearer {}", expired.text.as_str())],
        &[&format!("Bearer {}", revoked.text.as_str())],
    ];
    for (line, _) in ENDPOINTS {
        let (method, target) = line.split_once(' ').unwrap();
        let mut texts = std::collections::BTreeSet::new();
        for headers in values {
            let request = Request::builder().method(method).uri(target);
            let request = headers
                .iter()
                .fold(request, |request, value| request.header("authorization", *value));
            let answer = place.send(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 401, "{line} {headers:?}");
            assert_eq!(answer.headers["www-authenticate"], "Bearer realm=\"wafpass\"");
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            assert_eq!(answer.headers["cache-control"], "no-store");
            texts.insert(answer.text);
        }
        assert_eq!(texts.len(), 1);
    }
}

#[tokio::test]
async fn the_scheme_is_in_any_case_and_no_other_header_counts() {
    let place = Place::new();
    let text = place.acme.text.as_str();
    let with = |name: &str, value: String| {
        Request::get("/v1/usage").header(name, value).body(Body::empty()).unwrap()
    };
    for scheme in ["Bearer", "bearer", "BEARER"] {
        assert_eq!(place.send(with("authorization", format!("{scheme} {text}"))).await.status, 200);
    }
    assert_eq!(place.send(with("x-amz-firehose-access-key", text.to_owned())).await.status, 401);
    assert_eq!(place.send(with("proxy-authorization", format!("Bearer {text}"))).await.status, 401);
    let in_query =
        Request::get(format!("/v1/usage?access_token={text}")).body(Body::empty()).unwrap();
    assert_eq!(place.send(in_query).await.status, 401);
}

#[tokio::test]
async fn a_parameter_that_is_not_known_is_refused() {
    let place = Place::new();
    for (line, _) in ENDPOINTS {
        let line = format!("{line}?tenant=globex");
        let body = r#"{"public_key":"x","answer":"x"}"#;
        let answer = place.tell(&place.acme, &line, body).await;
        assert!([400, 422].contains(&answer.status), "{line}: {answer:?}");
    }
    assert_eq!(place.ask(&place.acme, "GET /v1/usage?tenant=globex").await.status, 400);
}
