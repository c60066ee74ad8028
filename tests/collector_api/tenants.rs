//! No answer holds anything of another tenant, whatever is asked for.

use axum::http::Method;
use wafpass::collector::catalogue::{BatchCounts, QuarantineCode, Quarantined, Scope};
use wafpass::collector::store::Store;
use wafpass::collector::{Field, Intake};

use crate::harness::Service;
use crate::support::events::{acme, event, globex, record, with};

/// Stands in every text of acme's, and in no answer to globex.
const MARK: &str = "only-acme";

async fn marked() -> Service {
    let service = Service::new();
    let own = with(with(event(1, 7), Field::RuleId, MARK), Field::RayId, MARK);
    let batch = service.store.begin(&acme(), Intake::Native).unwrap();
    let written = service.store.write(batch, vec![own]).await.unwrap();
    let mut record = record(&acme(), written);
    record.key = wafpass::collector::catalogue::BatchKey::Given(MARK.to_owned());
    record.counts = BatchCounts { quarantined: 1, ..record.counts };
    record.quarantined =
        vec![Quarantined { line: 1, code: QuarantineCode::NotJson, bytes: 77_777 }];
    service.store.commit(batch, record).await.unwrap();
    service
}

#[tokio::test]
async fn reading_answers_hold_nothing_of_another_tenant() {
    let service = marked().await;
    let (ours, theirs) =
        (service.token(&acme(), Scope::Read), service.token(&globex(), Scope::Read));
    for target in [
        "/v1/events",
        "/v1/events?rule_id=only-acme",
        "/v1/events?ray_id_prefix=only",
        "/v1/events/00000000000000000000000000000007",
        "/v1/events/00000000000000000000000000000007?at=2026-11-22T00:00:01Z",
        "/v1/top?field=rule_id",
        "/v1/histogram?group=rule_id",
        "/v1/export",
        "/v1/export?format=csv",
        "/v1/export?format=ocsf",
        "/v1/export?format=ecs",
        "/v1/batches",
    ] {
        let answer = service.ask(Method::GET, target, &ours).await;
        assert!(
            answer.text().contains(MARK),
            "{target} is of no use to this test: {}",
            answer.text()
        );
        let answer = service.ask(Method::GET, target, &theirs).await;
        assert!(!answer.text().contains(MARK), "{target}: {}", answer.text());
    }
    let target = "/v1/quarantine";
    assert!(service.ask(Method::GET, target, &ours).await.text().contains("77777"));
    assert!(!service.ask(Method::GET, target, &theirs).await.text().contains("not-json"));
}

#[tokio::test]
async fn a_cursor_of_another_tenant_opens_nothing() {
    let service = marked().await;
    service.put(&acme(), vec![with(event(0, 8), Field::RuleId, MARK)]).await;
    let (ours, theirs) =
        (service.token(&acme(), Scope::Read), service.token(&globex(), Scope::Read));
    let page = service.ask(Method::GET, "/v1/events?limit=1", &ours).await.json();
    let target = format!("/v1/events?cursor={}", page["next"].as_str().unwrap());
    assert!(service.ask(Method::GET, &target, &ours).await.text().contains(MARK));
    assert!(!service.ask(Method::GET, &target, &theirs).await.text().contains(MARK));
}

#[tokio::test]
async fn deletion_takes_nothing_of_another_tenant() {
    let service = marked().await;
    let (ours, theirs) =
        (service.token(&acme(), Scope::Read), service.token(&globex(), Scope::Admin));
    let target = "/v1/events?from=0&until=4000000000";
    let deleted = service.ask(Method::DELETE, target, &theirs).await.json();
    assert_eq!(deleted["events"], 0);
    assert!(service.ask(Method::GET, "/v1/events", &ours).await.text().contains(MARK));
}

#[tokio::test]
async fn each_operation_asks_for_its_own_scope() {
    let service = marked().await;
    for (method, target, needed) in [
        (Method::GET, "/v1/events", Scope::Read),
        (Method::GET, "/v1/events/00000000000000000000000000000007", Scope::Read),
        (Method::GET, "/v1/histogram", Scope::Read),
        (Method::GET, "/v1/top?field=action", Scope::Read),
        (Method::GET, "/v1/export", Scope::Read),
        (Method::GET, "/v1/batches", Scope::Read),
        (Method::GET, "/v1/quarantine", Scope::Read),
        (Method::DELETE, "/v1/events?from=0&until=1", Scope::Admin),
    ] {
        for scope in Scope::ALL {
            let token = service.token(&acme(), scope);
            let status = service.ask(method.clone(), target, &token).await.status;
            let expected = if scope == needed { 200 } else { 403 };
            assert_eq!(status.as_u16(), expected, "{method} {target} with {}", scope.name());
        }
    }
    for scope in [Scope::Ingest, Scope::Admin, Scope::Keys] {
        let token = service.token(&acme(), scope);
        assert_eq!(service.ask(Method::GET, "/v1/tail", &token).await.status.as_u16(), 403);
    }
}
