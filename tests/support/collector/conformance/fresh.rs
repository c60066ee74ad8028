//! What became visible since a snapshot.

use wafpass::collector::Field;
use wafpass::collector::query::{Condition, Filter, Sense, Test};

use super::Lab;
use crate::support::compare::Pair;
use crate::support::events::{acme, event, globex, with};

fn both(
    pair: &Pair,
    store: &dyn wafpass::collector::store::Store,
) -> (wafpass::collector::query::Snapshot, wafpass::collector::query::Snapshot) {
    (store.snapshot(), wafpass::collector::store::Store::snapshot(&pair.model))
}

pub(crate) async fn what_came_in_since<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    pair.put(&*store, &acme, vec![event(0, 1)]).await;
    let start = both(&pair, &*store);
    let nothing = pair.same_since(&*store, &acme, start.clone(), Filter::default(), 10).await;
    pair.put(
        &*store,
        &acme,
        vec![event(9, 2), event(-90_000, 3), with(event(9, 4), Field::Action, "log")],
    )
    .await;
    pair.put(&*store, &globex(), vec![event(9, 2)]).await;
    pair.put(&*store, &acme, vec![event(1, 5), event(0, 1)]).await;
    let next = pair.same_since(&*store, &acme, nothing, Filter::default(), 10).await;
    pair.same_since(&*store, &acme, next, Filter::default(), 10).await;

    let is_log = Condition {
        field: Field::Action,
        test: Test::AnyOf(vec!["log".to_owned()]),
        sense: Sense::Include,
    };
    let filter = Filter { conditions: vec![is_log], ..Filter::default() };
    pair.same_since(&*store, &acme, start, filter, 10).await;
}

pub(crate) async fn batches_that_were_open_are_fresh_when_they_commit<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    let slow = pair.begin(&*store, &acme);
    let written = pair.write(&*store, slow, vec![event(0, 1), event(1, 2)]).await.unwrap();
    pair.put(&*store, &acme, vec![event(2, 3)]).await;
    let mut since = both(&pair, &*store);
    since = pair.same_since(&*store, &acme, since, Filter::default(), 10).await;
    pair.put(&*store, &acme, vec![event(3, 4)]).await;
    since = pair.same_since(&*store, &acme, since, Filter::default(), 10).await;
    pair.commit(&*store, &acme, slow, written).await;
    since = pair.same_since(&*store, &acme, since, Filter::default(), 10).await;
    pair.same_since(&*store, &acme, since, Filter::default(), 10).await;
}

pub(crate) async fn of_too_many_the_newest_are_given<L: Lab>() {
    let lab = L::new().await;
    let (store, acme) = (lab.store(), acme());
    let mut pair = Pair::new();
    let start = both(&pair, &*store);
    for batch in 0..4 {
        let events = (0..10).map(|n| event(n * 7 % 10, (batch * 10 + n) as u128));
        pair.put(&*store, &acme, events.collect()).await;
    }
    for limit in [1, 10, 15, 39, 40, 41] {
        pair.same_since(&*store, &acme, start.clone(), Filter::default(), limit).await;
    }
}
