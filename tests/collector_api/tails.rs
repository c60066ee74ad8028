//! Live tails, read piece by piece.

use std::time::Duration;

use axum::body::Body;
use axum::http::Method;
use http_body_util::BodyExt;
use wafpass::collector::Field;
use wafpass::collector::catalogue::Scope;
use wafpass::collector::limits::{MAX_TAILS_PER_TENANT, TAIL_EVENTS};
use wafpass::collector::store::StoreError;

use crate::harness::{Service, request};
use crate::support::events::{acme, event, globex, with};

/// A tail that is open.
struct Tail(Body);

impl Tail {
    async fn open(service: &Service, query: &str, last_id: Option<&str>) -> Self {
        let token = service.token(&acme(), Scope::Read);
        let mut request = request(Method::GET, &format!("/v1/tail{query}"), &token);
        if let Some(id) = last_id {
            request.headers_mut().insert("last-event-id", id.parse().unwrap());
        }
        let answer = service.open(request).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self(answer.into_body())
    }

    /// The next piece of the stream; none at its end.
    async fn next(&mut self) -> Option<String> {
        let frame = self.0.frame().await?.unwrap();
        Some(String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap())
    }
}

fn last_id(chunk: &str) -> String {
    let line = chunk.lines().rev().find_map(|line| line.strip_prefix("id: "));
    line.unwrap_or_else(|| panic!("{chunk:?} has no id")).to_owned()
}

fn events_in(chunk: &str) -> Vec<String> {
    let data = chunk.lines().filter_map(|line| line.strip_prefix("data: {\"Datetime"));
    data.map(|rest| {
        let json: serde_json::Value = serde_json::from_str(&format!("{{\"Datetime{rest}")).unwrap();
        json["_wafpass"]["id"].as_str().unwrap().trim_start_matches('0').to_owned()
    })
    .collect()
}

#[tokio::test]
async fn what_comes_in_is_sent_and_what_was_there_is_not() {
    let service = Service::new();
    service.put(&acme(), vec![event(0, 1)]).await;
    let mut tail = Tail::open(&service, "?action=block", None).await;
    assert!(tail.next().await.unwrap().starts_with("retry: 3000\nid: "));
    service.put(&globex(), vec![with(event(0, 2), Field::Action, "block")]).await;
    service
        .put(
            &acme(),
            vec![
                with(event(0, 3), Field::Action, "log"),
                with(event(0, 4), Field::Action, "block"),
            ],
        )
        .await;
    let chunk = tail.next().await.unwrap();
    assert_eq!(events_in(&chunk), ["4"]);
    assert!(chunk.starts_with("event: event\ndata: {"), "{chunk}");
}

#[tokio::test]
async fn a_tail_goes_on_where_it_was_cut() {
    let service = Service::new();
    let mut tail = Tail::open(&service, "", None).await;
    let begin = last_id(&tail.next().await.unwrap());
    service.put(&acme(), vec![event(0, 1)]).await;
    let seen = last_id(&tail.next().await.unwrap());
    drop(tail);
    service.put(&acme(), vec![event(0, 2)]).await;
    for (from, expected) in [(begin, vec!["1", "2"]), (seen, vec!["2"])] {
        let mut tail = Tail::open(&service, "", Some(&from)).await;
        tail.next().await;
        assert_eq!(events_in(&tail.next().await.unwrap()), expected);
    }
    let token = service.token(&acme(), Scope::Read);
    let mut wrong = request(Method::GET, "/v1/tail", &token);
    wrong.headers_mut().insert("last-event-id", "12".parse().unwrap());
    assert_eq!(service.send(wrong).await.problem(400).0, "bad-parameter");
}

#[tokio::test]
async fn a_slow_client_is_told_how_much_it_missed() {
    let service = Service::new();
    let mut tail = Tail::open(&service, "", None).await;
    tail.next().await;
    let many = TAIL_EVENTS as u128 + 3;
    service.put(&acme(), (1..=many).map(|n| event(0, n)).collect()).await;
    let chunk = tail.next().await.unwrap();
    assert!(chunk.starts_with("event: skipped\ndata: {\"count\":3}\n\n"), "{}", &chunk[..80]);
    assert_eq!(events_in(&chunk).len(), TAIL_EVENTS);
}

#[tokio::test]
async fn tails_are_counted_by_tenant_and_end_with_the_collector() {
    let service = Service::new();
    let mut tails = Vec::new();
    for _ in 0..MAX_TAILS_PER_TENANT {
        tails.push(Tail::open(&service, "", None).await);
    }
    let ours = service.token(&acme(), Scope::Read);
    let refused = service.send(request(Method::GET, "/v1/tail", &ours)).await;
    assert_eq!(refused.problem(429).0, "too-many-streams");
    assert_eq!(refused.header("retry-after"), "5");
    let theirs = service.token(&globex(), Scope::Read);
    assert_eq!(service.open(request(Method::GET, "/v1/tail", &theirs)).await.status(), 200);
    tails.pop();
    tails.push(Tail::open(&service, "", None).await);

    service.collector.stopping.cancel();
    for tail in &mut tails {
        tail.next().await.unwrap();
        assert_eq!(tail.next().await, None, "it ends");
    }
    drop(tails);
    let refused = service.send(request(Method::GET, "/v1/tail", &ours)).await;
    assert_eq!(refused.problem(503).0, "closing");
}

#[tokio::test]
async fn a_fault_is_told_before_the_stream_ends() {
    let service = Service::new();
    let mut tail = Tail::open(&service, "", None).await;
    tail.next().await;
    service.store.fail_with(Some(|| StoreError::Unavailable { reason: "away".to_owned() }));
    let chunk = tail.next().await.unwrap();
    assert!(
        chunk.starts_with("event: error\ndata: {\"type\":\"urn:wafpass:unavailable\""),
        "{chunk}"
    );
    assert_eq!(tail.next().await, None);
}

#[tokio::test]
async fn a_busy_store_is_asked_again() {
    let service = Service::new();
    let mut tail = Tail::open(&service, "", None).await;
    tail.next().await;
    service.store.fail_with(Some(|| StoreError::Busy));
    let later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        service.store.fail_with(None);
        service.put(&acme(), vec![event(0, 1)]).await;
    };
    let (chunk, ()) = tokio::join!(tail.next(), later);
    assert_eq!(events_in(&chunk.unwrap()), ["1"]);

    service.store.fail_with(Some(|| StoreError::Busy));
    let mut other = Tail::open(&service, "", None).await;
    other.next().await;
    service.collector.stopping.cancel();
    assert_eq!(other.next().await, None, "it ends with the collector");
}

#[tokio::test]
async fn a_tail_ends_with_its_token() {
    let service = Service::new();
    let token = service.token(&acme(), Scope::Read);
    let answer = service.open(request(Method::GET, "/v1/tail", &token)).await;
    let mut tail = Tail(answer.into_body());
    assert!(tail.next().await.unwrap().starts_with("retry: "));
    let id = token.split('_').nth(1).unwrap();
    service.collector.catalogue.revoke_token(id).unwrap();
    service.put(&acme(), vec![event(0, 1)]).await;
    assert_eq!(tail.next().await, None);
}
