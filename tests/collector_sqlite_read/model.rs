//! Everything against plain loops, over segments of a few rows, with indexes and without.

use proptest::prelude::*;
use wafpass::collector::query::{
    Budget, Exactness, Filter, HistogramQuery, PageQuery, Snapshot, TopQuery,
};
use wafpass::collector::store::Store;
use wafpass::collector::{Field, Intake, StoredEvent};

use crate::lab::{Lab, events};
use crate::random::{ASKED, ROOMY, Random};
use crate::support::definition;
use crate::support::events::{acme, record};

/// A store with random events in batches, some of them not committed, and what can be seen of it.
async fn filled(random: &mut Random) -> (Lab, Vec<StoredEvent>) {
    let lab = Lab::new(1 + usize::try_from(random.below(40)).unwrap());
    let mut visible = Vec::new();
    let mut number = 0;
    for _ in 0..1 + random.below(8) {
        let batch = lab.store.begin(&acme(), Intake::Native).unwrap();
        let new: Vec<_> = (0..random.below(60))
            .map(|_| {
                number += 1;
                random.event(number)
            })
            .collect();
        let written = lab.store.write(batch, new.clone()).await.unwrap();
        assert_eq!(written.stored, new.len() as u64);
        if !random.one_in(4) {
            lab.store.commit(batch, record(&acme(), written)).await.unwrap();
            visible.extend(new.into_iter().map(|event| StoredEvent::new(event, batch.0)));
        }
    }
    if random.one_in(2) {
        lab.close_days().await;
    }
    (lab, visible)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn answers_as_plain_loops_do(seed in any::<u64>()) {
        run(async {
            let mut random = Random::new(seed);
            let (lab, visible) = filled(&mut random).await;
            for _ in 0..12 {
                pages(&lab, &visible, &mut random).await;
                histograms(&lab, &visible, &mut random).await;
                tops(&lab, &visible, &mut random).await;
                fresh(&lab, &visible, &mut random).await;
            }
            single_events(&lab, &visible).await;
        });
    }
}

async fn pages(lab: &Lab, visible: &[StoredEvent], random: &mut Random) {
    let rows = if random.one_in(3) { random.below(20) } else { ROOMY.rows };
    let query = PageQuery {
        range: random.range(),
        filter: random.filter(),
        limit: 1 + usize::try_from(random.below(30)).unwrap(),
        after: None,
        budget: Budget { rows, ..ROOMY },
    };
    let whole = PageQuery { limit: usize::MAX, budget: ROOMY, ..query.clone() };
    let wanted = definition::page(visible, &whole, lab.store.snapshot()).events;
    let pages = lab.follow(&query).await;
    assert_eq!(events(&pages), wanted, "{query:?}");
    for (number, page) in pages.iter().enumerate() {
        let Some(scanned_until) = page.scanned_until else { continue };
        let given = events(&pages[..=number]).len();
        let due = wanted.iter().filter(|one| one.event.at >= scanned_until).count();
        assert!(given >= due, "{scanned_until:?} was not reached: {query:?}");
    }
}

async fn histograms(lab: &Lab, visible: &[StoredEvent], random: &mut Random) {
    let mut filter = random.filter();
    if random.one_in(2) {
        // What roll-ups can answer.
        filter = Filter { intakes: Vec::new(), matched_data: None, ..filter };
        filter.conditions.retain(|one| one.field.is_rolled_up());
    }
    let query = HistogramQuery {
        range: random.range(),
        filter,
        interval_s: random.pick(&[60, 77, 90, 300, 1_800, 3_600, 7_200, 86_400, 400_000]),
        group: if random.one_in(3) { None } else { Some(random.pick(&ASKED)) },
        max_groups: usize::try_from(random.below(6)).unwrap(),
        budget: ROOMY,
    };
    let length_s = (query.range.until.0 - query.range.from.0) / 1_000_000_000;
    if length_s.cast_unsigned() / query.interval_s > 1_900 {
        return;
    }
    let got = lab.store.histogram(&acme(), query.clone()).await.unwrap();
    assert_eq!(got, definition::histogram(visible, &query), "{query:?}");

    let small = HistogramQuery { budget: small_budget(random), ..query };
    let got = lab.store.histogram(&acme(), small.clone()).await.unwrap();
    let from = match got.exactness {
        Exactness::Exact => small.range.from,
        Exactness::Partial { scanned_until } => scanned_until,
        other => panic!("a histogram is never {other:?}"),
    };
    let counted: Vec<_> = visible.iter().filter(|one| one.event.at >= from).cloned().collect();
    let roomy = HistogramQuery { budget: ROOMY, ..small.clone() };
    let wanted = definition::histogram(&counted, &roomy);
    assert_eq!((got.series, got.other), (wanted.series, wanted.other), "from {from:?}: {small:?}");
}

async fn tops(lab: &Lab, visible: &[StoredEvent], random: &mut Random) {
    let query = TopQuery {
        range: random.range(),
        filter: if random.one_in(2) { random.filter() } else { Filter::default() },
        field: random.pick(&ASKED),
        limit: 1 + usize::try_from(random.below(5)).unwrap(),
        budget: ROOMY,
    };
    let got = lab.store.top(&acme(), query.clone()).await.unwrap();
    assert_eq!(got, definition::top(visible, &query), "{query:?}");

    let small = TopQuery { budget: small_budget(random), ..query };
    let got = lab.store.top(&acme(), small.clone()).await.unwrap();
    let from = match got.exactness {
        Exactness::Exact => small.range.from,
        Exactness::Partial { scanned_until } => scanned_until,
        other => panic!("lists of so few values name them all: {other:?}"),
    };
    let counted: Vec<_> = visible.iter().filter(|one| one.event.at >= from).cloned().collect();
    let wanted = definition::top(&counted, &TopQuery { budget: ROOMY, ..small.clone() });
    assert_eq!(got.values, wanted.values, "from {from:?}: {small:?}");
}

/// A few rows, or hardly any time.
fn small_budget(random: &mut Random) -> Budget {
    Budget { rows: random.below(40), ms: random.pick(&[0, ROOMY.ms]) }
}

async fn fresh(lab: &Lab, visible: &[StoredEvent], random: &mut Random) {
    let now = lab.store.snapshot();
    let since = Snapshot { last: random.below(now.last + 1), pending: Vec::new() };
    let filter = random.filter();
    let limit = 1 + usize::try_from(random.below(50)).unwrap();
    let fresh = lab.store.since(&acme(), since.clone(), filter.clone(), limit).await.unwrap();
    let is_wanted =
        |one: &&StoredEvent| !since.contains(one.batch) && definition::fulfils(&filter, &one.event);
    let mut wanted: Vec<_> = visible.iter().filter(is_wanted).cloned().collect();
    wanted.sort_by_key(|one| (one.batch, one.event.at, one.event.id));
    let skipped = wanted.len().saturating_sub(limit);
    assert_eq!(fresh.events, wanted[skipped..], "{since:?} {filter:?}");
    assert_eq!((fresh.skipped, fresh.snapshot), (skipped as u64, now));
}

async fn single_events(lab: &Lab, visible: &[StoredEvent]) {
    for one in visible {
        let (id, at) = (one.event.id, one.event.at);
        for at in [None, Some(at)] {
            let got = lab.store.event(&acme(), id, at).await.unwrap();
            assert_eq!(got.as_ref(), Some(one), "{id} at {at:?}");
        }
    }
    let usage = lab.store.usage(&acme()).await.unwrap();
    let times = visible.iter().map(|one| one.event.at);
    assert_eq!(usage.events, visible.len() as u64);
    assert_eq!(usage.span, times.clone().min().zip(times.max()));
}

#[test]
fn every_field_with_counts_is_asked() {
    assert!(Field::ROLLED_UP.iter().all(|field| ASKED.contains(field)));
}
