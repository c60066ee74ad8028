//! Tenants never mix.

use wafpass::collector::query::{Filter, HistogramQuery, Snapshot, TimeRange, TopQuery};
use wafpass::collector::store::{StoreError, Written};
use wafpass::collector::{Field, TenantId};

use super::Lab;
use crate::support::compare::{ALL_TIME, ROOMY, everything, page_of};
use crate::support::events::{MIDNIGHT, acme, at, event, globex, id, put, record, with, write};

pub(crate) async fn the_same_ids_are_different_events<L: Lab>() {
    let lab = L::new().await;
    let (store, acme, globex) = (lab.store(), acme(), globex());
    let of = |tenant: &TenantId| vec![with(event(0, 1), Field::Host, tenant.as_str()), event(1, 2)];
    // Not even batches under way conflict.
    let (first, written) = write(&*store, &acme, of(&acme)).await.unwrap();
    let (second, also_written) = write(&*store, &globex, of(&globex)).await.unwrap();
    assert_eq!(
        (written, also_written),
        (Written { stored: 2, repeated: 0 }, Written { stored: 2, repeated: 0 })
    );
    store.commit(first, record(&acme, written)).await.unwrap();
    assert_eq!(everything(&*store, &globex).await, []);
    store.commit(second, record(&globex, written)).await.unwrap();
    for (tenant, batch) in [(&acme, first), (&globex, second)] {
        let events = everything(&*store, tenant).await;
        assert_eq!(events.len(), 2);
        assert!(events.iter().all(|one| one.batch == batch.0));
        let found = store.event(tenant, id(1), Some(at(0))).await.unwrap().unwrap();
        assert_eq!(found.event.get(Field::Host), Some(tenant.as_str()));
    }
}

pub(crate) async fn no_answer_holds_anything_of_another<L: Lab>() {
    let lab = L::new().await;
    let (store, acme, globex) = (lab.store(), acme(), globex());
    let events =
        (0..20).map(|n| with(event(n * 9_000, n as u128), Field::Action, "block")).collect();
    put(&*store, &acme, events).await;
    let stranger = TenantId::new("stranger").unwrap();
    for tenant in [&globex, &stranger] {
        let page = store.page(tenant, page_of(10)).await.unwrap();
        assert!(page.events.is_empty() && page.next.is_none(), "{page:?}");
        // A cursor is a place in time, not a permission.
        let cursor = store.page(&acme, page_of(10)).await.unwrap().next;
        let query = wafpass::collector::query::PageQuery { after: cursor, ..page_of(10) };
        assert_eq!(store.page(tenant, query).await.unwrap().events, []);
        for at in [None, Some(at(9_000))] {
            assert_eq!(store.event(tenant, id(1), at).await.unwrap(), None);
        }
        let range = TimeRange { from: at(0), until: at(200_000) };
        for group in [None, Some(Field::Action), Some(Field::Path)] {
            let filter = Filter::default();
            let query = HistogramQuery {
                range,
                filter,
                interval_s: 3_600,
                group,
                max_groups: 9,
                budget: ROOMY,
            };
            let histogram = store.histogram(tenant, query).await.unwrap();
            assert!(histogram.series.iter().all(|one| one.counts.iter().all(|count| *count == 0)));
        }
        for field in [Field::Action, Field::Path] {
            let query =
                TopQuery { range, filter: Filter::default(), field, limit: 9, budget: ROOMY };
            assert_eq!(store.top(tenant, query).await.unwrap().values, []);
        }
        let fresh = store.since(tenant, Snapshot::default(), Filter::default(), 100).await.unwrap();
        assert_eq!((fresh.events, fresh.skipped), (Vec::new(), 0));
        let usage = store.usage(tenant).await.unwrap();
        assert_eq!((usage.events, usage.span), (0, None));
    }
}

pub(crate) async fn deletes_touch_no_other<L: Lab>() {
    let lab = L::new().await;
    let (store, acme, globex) = (lab.store(), acme(), globex());
    let events = || (0..20).map(|n| event(n * 9_000, n as u128)).collect();
    put(&*store, &acme, events()).await;
    put(&*store, &globex, events()).await;
    let (open, _) = write(&*store, &acme, vec![event(0, 100)]).await.unwrap();
    assert_eq!(store.delete(&globex, ALL_TIME).await.unwrap().events, 20);
    assert_eq!(everything(&*store, &acme).await.len(), 20);
    put(&*store, &globex, events()).await;
    store.expire(&globex, wafpass::collector::EventTime(MIDNIGHT.0 * 2)).await.unwrap();
    assert_eq!(everything(&*store, &acme).await.len(), 20);
    assert_eq!(everything(&*store, &globex).await.len(), 0);
    put(&*store, &globex, events()).await;
    store.delete_tenant(&globex).await.unwrap();
    assert_eq!(everything(&*store, &acme).await.len(), 20);
    let conflict = write(&*store, &acme, vec![event(0, 100)]).await;
    assert!(matches!(conflict, Err(StoreError::Conflict)), "the other's open batch is still there");
    store.abort(open);
}

pub(crate) async fn stored_bytes_are_each_tenants_own<L: Lab>() {
    let lab = L::new().await;
    let (store, acme, globex) = (lab.store(), acme(), globex());
    assert_eq!(store.stored_bytes(&acme).await.unwrap(), 0);
    let long = |number: u128| with(event(0, number), Field::Path, &"/some/longer/path".repeat(200));
    put(&*store, &acme, (0..20).map(long).collect()).await;
    let few = store.stored_bytes(&acme).await.unwrap();
    assert!(few >= 20 * 3_400, "{few} bytes for all of these events");
    put(&*store, &acme, (20..2_000).map(long).collect()).await;
    assert!(store.stored_bytes(&acme).await.unwrap() > few);
    assert_eq!(store.stored_bytes(&globex).await.unwrap(), 0);
    store.delete_tenant(&acme).await.unwrap();
    assert_eq!(store.stored_bytes(&acme).await.unwrap(), 0);
}
