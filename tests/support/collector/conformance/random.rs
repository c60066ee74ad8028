//! Any calls in any order: the store answers as the model does.

use std::collections::BTreeMap;
use std::fmt;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use wafpass::collector::query::{
    Budget, Condition, Filter, HistogramQuery, PageQuery, Sense, Snapshot, Test, TimeRange,
    TopQuery,
};
use wafpass::collector::store::{BatchId, Store, Written};
use wafpass::collector::{EventTime, Field, FieldKind, Intake, TenantId};

use super::Lab;
use crate::support::compare::{Cursors, Pair, ROOMY};
use crate::support::events::{
    ASKED, DAY, HOUR, MIDNIGHT, SECOND, Sketch, acme, any_event, globex, id, value,
};

/// A batch under way, by tenant and number: three each.
type Slot = (bool, u8);

#[derive(Clone, Debug)]
enum Step {
    Write(Slot, Vec<Sketch>),
    Commit(Slot),
    Abort(Slot),
    Delete {
        acme: bool,
        range: Span,
    },
    Expire {
        acme: bool,
        day: i64,
    },
    Maintain {
        day: i64,
    },
    Reopen,
    Crash,
    Page {
        acme: bool,
        range: Span,
        filter: Filter,
        limit: usize,
    },
    /// Goes on where a page ended, however long ago.
    Next {
        limit: usize,
    },
    Pages {
        acme: bool,
        filter: Filter,
        limit: usize,
        budget_rows: u64,
    },
    Histogram {
        acme: bool,
        range: Span,
        filter: Filter,
        interval_s: u64,
        group: Option<Field>,
        max_groups: usize,
    },
    Top {
        acme: bool,
        range: Span,
        filter: Filter,
        field: Field,
        limit: usize,
    },
    Since {
        acme: bool,
        filter: Filter,
        limit: usize,
    },
    Event {
        acme: bool,
        id: u128,
        after_ns: Option<i64>,
    },
    Usage {
        acme: bool,
    },
}

/// Nanoseconds after midnight, from and until.
#[derive(Clone, Copy)]
struct Span(i64, i64);

impl Span {
    fn range(self) -> TimeRange {
        TimeRange { from: EventTime(MIDNIGHT.0 + self.0), until: EventTime(MIDNIGHT.0 + self.1) }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+}ns..{:+}ns", self.0, self.1)
    }
}

fn tenant(is_acme: bool) -> TenantId {
    if is_acme { acme() } else { globex() }
}

fn any_span() -> impl Strategy<Value = Span> {
    let moment = || {
        prop_oneof![
            3 => (-50_i64..50).prop_map(|hours| hours * HOUR),
            2 => (-3_i64..4).prop_map(|seconds| seconds * SECOND),
            1 => (-90_i64..90).prop_map(|minutes| minutes * 60 * SECOND),
            1 => -3_i64..4,
        ]
    };
    prop_oneof![
        2 => Just(Span(-3 * DAY, 3 * DAY)),
        5 => (moment(), moment()).prop_map(|(one, other)| Span(one.min(other), one.max(other))),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let condition = proptest::sample::select(&ASKED).prop_flat_map(|field| {
        let values = proptest::collection::vec(value(field), 1..4);
        let sense = proptest::sample::select(vec![Sense::Include, Sense::Exclude]);
        (values, 0..4, sense).prop_map(move |(values, kind, sense)| {
            let test = match (field.kind(), kind) {
                (FieldKind::Text, 0) => Test::Prefix(values),
                (FieldKind::Text, 1) => Test::Wildcard(values),
                (FieldKind::Address, 0 | 1) => {
                    let networks = ["203.0.113.0/29", "0.0.0.0/0", "2001:db8::/32", "::/0"];
                    Test::InNetworks(
                        networks
                            .iter()
                            .take(values.len())
                            .map(|one| one.parse().unwrap())
                            .collect(),
                    )
                }
                _ => Test::AnyOf(values),
            };
            Condition { field, test, sense }
        })
    });
    let some = (
        proptest::collection::vec(condition, 0..3),
        prop_oneof![3 => Just(Vec::new()), 1 => proptest::sample::subsequence(&Intake::ALL, 1..3)],
        prop_oneof![3 => Just(None), 1 => any::<bool>().prop_map(Some)],
    );
    let some = some.prop_map(|(conditions, intakes, matched_data)| Filter {
        conditions,
        intakes,
        matched_data,
    });
    prop_oneof![1 => Just(Filter::default()), 2 => some]
}

fn any_step(is_durable: bool) -> impl Strategy<Value = Step> {
    let acme = || prop_oneof![3 => Just(true), 1 => Just(false)];
    let slot = || (acme(), 0_u8..3);
    let field = || proptest::sample::select(&Field::ALL[..]);
    let rows = prop_oneof![Just(1_u64), Just(2), Just(7), Just(1 << 40)];
    let write = (slot(), proptest::collection::vec(any_event(), 1..9))
        .prop_map(|(slot, events)| Step::Write(slot, events));
    let group = prop_oneof![
        1 => Just(None),
        3 => proptest::sample::select(&Field::ROLLED_UP[..]).prop_map(Some),
        3 => field().prop_map(Some),
    ];
    let interval_s = proptest::sample::select(vec![1_u64, 60, 90, 3_600, 7_200, 86_400]);
    let changes = prop_oneof![
        8 => write,
        6 => slot().prop_map(Step::Commit),
        2 => slot().prop_map(Step::Abort),
        1 => (acme(), any_span()).prop_map(|(acme, range)| Step::Delete { acme, range }),
        1 => (acme(), -3_i64..3).prop_map(|(acme, day)| Step::Expire { acme, day }),
        1 => (-1_i64..4).prop_map(|day| Step::Maintain { day }),
    ];
    let questions = prop_oneof![
        4 => (acme(), any_span(), any_filter(), 1..9_usize)
            .prop_map(|(acme, range, filter, limit)| Step::Page { acme, range, filter, limit }),
        3 => (1..9_usize).prop_map(|limit| Step::Next { limit }),
        2 => (acme(), any_filter(), 1..9_usize, rows)
            .prop_map(|(acme, filter, limit, budget_rows)| Step::Pages { acme, filter, limit, budget_rows }),
        4 => (acme(), any_span(), any_filter(), interval_s, group, 0..4_usize).prop_map(
            |(acme, range, filter, interval_s, group, max_groups)| {
                // So many buckets that both can count them.
                let least = u64::try_from((range.1 - range.0) / SECOND / 300).unwrap_or(0) + 1;
                let interval_s = interval_s.max(least);
                Step::Histogram { acme, range, filter, interval_s, group, max_groups }
            }
        ),
        2 => (acme(), any_span(), any_filter(), field(), 1..5_usize)
            .prop_map(|(acme, range, filter, field, limit)| Step::Top { acme, range, filter, field, limit }),
        2 => (acme(), any_filter(), 1..9_usize).prop_map(|(acme, filter, limit)| Step::Since { acme, filter, limit }),
        1 => (acme(), 0_u128..12, proptest::option::of((-2_i64..3).prop_map(|seconds| seconds * SECOND)))
            .prop_map(|(acme, id, after_ns)| Step::Event { acme, id, after_ns }),
        1 => acme().prop_map(|acme| Step::Usage { acme }),
    ];
    let openings = if is_durable { 1 } else { 0 };
    prop_oneof![
        12 => changes,
        10 => questions,
        openings => prop_oneof![Just(Step::Reopen), Just(Step::Crash)],
    ]
}

/// What a run remembers between its steps.
struct Run<L> {
    lab: Option<L>,
    pair: Pair,
    open: BTreeMap<Slot, (BatchId, Written)>,
    cursors: Vec<(bool, PageQuery, Cursors)>,
    since: BTreeMap<bool, (Snapshot, Snapshot)>,
}

impl<L: Lab> Run<L> {
    async fn step(&mut self, step: Step) {
        if let Step::Reopen | Step::Crash = step {
            return self.reopen(matches!(step, Step::Reopen)).await;
        }
        let store = self.lab.as_ref().expect("a lab").store();
        let store = &*store;
        match step {
            Step::Write(slot, events) => self.write(store, slot, &events).await,
            Step::Commit(slot) => {
                if let Some((batch, written)) = self.open.remove(&slot) {
                    self.pair.commit(store, &tenant(slot.0), batch, written).await;
                }
            }
            Step::Abort(slot) => {
                if let Some((batch, _)) = self.open.remove(&slot) {
                    self.pair.abort(store, batch).await;
                }
            }
            Step::Delete { acme, range } => {
                self.pair.same_deletion(store, &tenant(acme), range.range()).await;
            }
            // What becomes of batches under way in a day that expires is not defined.
            Step::Expire { acme, day } => {
                if self.open.is_empty() {
                    let before = EventTime(MIDNIGHT.0 + day * DAY);
                    self.pair.same_expiry(store, &tenant(acme), before).await;
                }
            }
            Step::Maintain { day } => {
                store
                    .maintain(EventTime(MIDNIGHT.0 + day * DAY + 3 * HOUR))
                    .await
                    .expect("maintained");
            }
            question => self.ask(store, question).await,
        }
    }

    async fn write(&mut self, store: &dyn Store, slot: Slot, events: &[Sketch]) {
        let (batch, sum) = match self.open.get(&slot) {
            Some(open) => *open,
            None => (self.pair.begin(store, &tenant(slot.0)), Written::default()),
        };
        let events = events.iter().map(Sketch::event).collect();
        match self.pair.write(store, batch, events).await {
            Some(Written { stored, repeated }) => {
                let sum =
                    Written { stored: sum.stored + stored, repeated: sum.repeated + repeated };
                self.open.insert(slot, (batch, sum));
            }
            None => {
                self.open.remove(&slot);
                self.pair.abort(store, batch).await;
            }
        }
    }

    async fn reopen(&mut self, is_orderly: bool) {
        let lab = self.lab.take().expect("a lab");
        self.lab = Some(if is_orderly { lab.reopen().await } else { lab.crash().await });
        for (_, (batch, _)) in std::mem::take(&mut self.open) {
            self.pair.lost(batch);
        }
        // What is new to a tail is told to those who listen, not to those who come back.
        self.since.clear();
    }

    async fn ask(&mut self, store: &dyn Store, question: Step) {
        let Self { pair, cursors, since, .. } = self;
        match question {
            Step::Page { acme, range, filter, limit } => {
                let query =
                    PageQuery { range: range.range(), filter, limit, after: None, budget: ROOMY };
                let next = pair.same_page(store, &tenant(acme), query.clone(), None).await;
                cursors.extend(next.map(|next| (acme, query, next)));
            }
            Step::Next { limit } => {
                if let Some((acme, query, after)) = cursors.pop() {
                    let query = PageQuery { limit, ..query };
                    let next =
                        pair.same_page(store, &tenant(acme), query.clone(), Some(after)).await;
                    // The oldest first: some pages are a long way apart.
                    if let Some(next) = next {
                        cursors.insert(0, (acme, query, next));
                    }
                }
            }
            Step::Pages { acme, filter, limit, budget_rows } => {
                let budget = Budget { rows: budget_rows, ..ROOMY };
                let range = Span(-3 * DAY, 3 * DAY).range();
                let query = PageQuery { range, filter, limit, after: None, budget };
                pair.same_pages(store, &tenant(acme), query).await;
            }
            Step::Histogram { acme, range, filter, interval_s, group, max_groups } => {
                let range = range.range();
                let query =
                    HistogramQuery { range, filter, interval_s, group, max_groups, budget: ROOMY };
                pair.same_histogram(store, &tenant(acme), query).await;
            }
            Step::Top { acme, range, filter, field, limit } => {
                let query = TopQuery { range: range.range(), filter, field, limit, budget: ROOMY };
                pair.same_top(store, &tenant(acme), query).await;
            }
            Step::Since { acme, filter, limit } => {
                let now = || (store.snapshot(), pair.model.snapshot());
                let before = since.get(&acme).cloned().unwrap_or_else(now);
                let next = pair.same_since(store, &tenant(acme), before, filter, limit).await;
                since.insert(acme, next);
            }
            Step::Event { acme, id: number, after_ns } => {
                let at = after_ns.map(|after| EventTime(MIDNIGHT.0 + after));
                pair.same_event(store, &tenant(acme), id(number), at).await;
            }
            Step::Usage { acme } => pair.same_usage(store, &tenant(acme)).await,
            other => unreachable!("{other:?} is no question"),
        }
    }
}

/// `PROPTEST_CASES` in the environment runs as many cases.
fn run<L: Lab>(cases: u32, is_durable: bool) {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(cases / L::FEWER_CASES);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let steps = proptest::collection::vec(any_step(is_durable), 1..40);
    let result = TestRunner::new(config).run(&steps, |steps| {
        runtime.block_on(async {
            let lab = Some(L::new().await);
            let (pair, open, cursors) = (Pair::new(), BTreeMap::new(), Vec::new());
            let mut run = Run { lab, pair, open, cursors, since: BTreeMap::new() };
            for step in steps {
                run.step(step).await;
            }
        });
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

pub(crate) async fn any_order_of_calls<L: Lab>() {
    tokio::task::spawn_blocking(|| run::<L>(48, false)).await.unwrap();
}

pub(crate) async fn any_order_of_calls_and_reopenings<L: Lab>() {
    tokio::task::spawn_blocking(|| run::<L>(32, true)).await.unwrap();
}
