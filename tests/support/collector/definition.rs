//! What queries mean: plain loops over all events. Nothing here is clever, so that it can be compared with
//! the text of `query.rs` by reading.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use wafpass::collector::query::{
    Condition, Cursor, Exactness, Filter, Histogram, HistogramQuery, Page, PageQuery, Sense,
    Series, Snapshot, Test, TimeRange, Top, TopQuery,
};
use wafpass::collector::{EventTime, Field, FieldKind, FieldValues, NewEvent, StoredEvent};

const NS_PER_S: i64 = 1_000_000_000;

/// Whether an event fulfils a filter.
pub(crate) fn fulfils(filter: &Filter, event: &NewEvent) -> bool {
    let intake = filter.intakes.is_empty() || filter.intakes.contains(&event.intake);
    let matched_data = filter.matched_data.is_none_or(|wanted| wanted == event.blob.is_some());
    intake && matched_data && filter.conditions.iter().all(|one| holds(one, event))
}

fn holds(condition: &Condition, event: &NewEvent) -> bool {
    let value = event.get(condition.field);
    let passes = value.is_some_and(|value| passes(condition.field, &condition.test, value));
    match condition.sense {
        Sense::Include => passes,
        Sense::Exclude => !passes,
        other => panic!("a sense without a definition: {other:?}"),
    }
}

fn passes(field: Field, test: &Test, value: &str) -> bool {
    let is_text = field.kind() == FieldKind::Text;
    match test {
        Test::AnyOf(texts) => {
            texts.iter().any(|text| FieldValues::is_valid(field, text) && text == value)
        }
        Test::Prefix(texts) => is_text && texts.iter().any(|text| value.starts_with(text.as_str())),
        Test::Wildcard(patterns) => {
            is_text && patterns.iter().any(|pattern| is_like(pattern.as_bytes(), value.as_bytes()))
        }
        Test::InNetworks(networks) => {
            let address =
                value.parse::<IpAddr>().ok().filter(|_| field.kind() == FieldKind::Address);
            address.is_some_and(|address| networks.iter().any(|network| network.contains(&address)))
        }
        other => panic!("a test without a definition: {other:?}"),
    }
}

/// `*` is any text. By recursion: patterns of tests are short.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((b'*', pattern)), _) => (0..=text.len()).any(|skip| is_like(pattern, &text[skip..])),
        (Some((one, pattern)), Some((other, text))) => {
            one.eq_ignore_ascii_case(other) && is_like(pattern, text)
        }
        _ => false,
    }
}

/// A page of a tenant's events, of which the caller has left out what is not visible at all.
pub(crate) fn page(visible: &[StoredEvent], query: &PageQuery, now: Snapshot) -> Page {
    let snapshot = query.after.as_ref().map_or(now, |cursor| cursor.snapshot.clone());
    let mut ahead: Vec<&StoredEvent> = visible
        .iter()
        .filter(|one| query.range.contains(one.event.at) && snapshot.contains(one.batch))
        .filter(|one| query.after.as_ref().is_none_or(|cursor| place(one) < (cursor.at, cursor.id)))
        .collect();
    ahead.sort_by_key(|one| std::cmp::Reverse(place(one)));

    let mut answer = Page { events: Vec::new(), next: None, scanned_until: None, snapshot };
    for (looked_at, one) in ahead.iter().enumerate() {
        if fulfils(&query.filter, &one.event) {
            answer.events.push((*one).clone());
        }
        let here = Cursor { at: one.event.at, id: one.event.id, snapshot: answer.snapshot.clone() };
        let is_full = answer.events.len() == query.limit;
        let is_spent = looked_at as u64 + 1 >= query.budget.rows;
        if !is_full && !is_spent {
            continue;
        }
        let is_left = |one: &&StoredEvent| fulfils(&query.filter, &one.event);
        if is_full && ahead[looked_at + 1..].iter().any(is_left) {
            answer.next = Some(here);
        } else if !is_full && looked_at + 1 < ahead.len() {
            answer.next = Some(here);
            // Others of the same moment may not have been looked at.
            answer.scanned_until = Some(EventTime(one.event.at.0 + 1));
        }
        break;
    }
    answer
}

fn place(one: &StoredEvent) -> (EventTime, wafpass::collector::EventId) {
    (one.event.at, one.event.id)
}

/// The newest events that a budget of so many rows reaches, and whether those are all.
fn within_budget(
    visible: &[StoredEvent],
    range: TimeRange,
    rows: u64,
) -> (Vec<&NewEvent>, Exactness) {
    let mut events: Vec<&NewEvent> =
        visible.iter().map(|one| &one.event).filter(|event| range.contains(event.at)).collect();
    events.sort_by_key(|event| std::cmp::Reverse((event.at, event.id)));
    let reached = usize::try_from(rows.max(1)).unwrap_or(usize::MAX);
    if events.len() <= reached {
        return (events, Exactness::Exact);
    }
    // A moment is counted whole or not at all.
    let scanned_until = EventTime(events[reached].at.0 + 1);
    events.retain(|event| event.at >= scanned_until);
    (events, Exactness::Partial { scanned_until })
}

/// Counts by interval.
pub(crate) fn histogram(visible: &[StoredEvent], query: &HistogramQuery) -> Histogram {
    let (events, exactness) = within_budget(visible, query.range, query.budget.rows);
    let events: Vec<_> = events.into_iter().filter(|event| fulfils(&query.filter, event)).collect();

    let interval = i64::try_from(query.interval_s).unwrap() * NS_PER_S;
    let mut buckets = Vec::new();
    let mut start = query.range.from.0.div_euclid(interval) * interval;
    while !query.range.is_empty() && start < query.range.until.0 {
        buckets.push(EventTime(start));
        start += interval;
    }

    let value =
        |event: &NewEvent| query.group.and_then(|field| event.get(field).map(str::to_owned));
    let mut values: BTreeSet<Option<String>> = events.iter().map(|event| value(event)).collect();
    if query.group.is_none() {
        values = BTreeSet::from([None]);
    }
    let count = |wanted: &Option<String>, bucket: &EventTime| {
        let in_bucket = |event: &&&NewEvent| event.at.0.div_euclid(interval) * interval == bucket.0;
        events.iter().filter(in_bucket).filter(|event| value(event) == *wanted).count() as u64
    };
    let mut series: Vec<Series> = values
        .into_iter()
        .map(|value| Series {
            counts: buckets.iter().map(|one| count(&value, one)).collect(),
            value,
        })
        .collect();
    let total = |one: &Series| one.counts.iter().sum::<u64>();
    series.sort_by(|a, b| total(b).cmp(&total(a)).then_with(|| a.value.cmp(&b.value)));

    let mut other = None;
    if query.group.is_some() && series.len() > query.max_groups {
        let rest = series.split_off(query.max_groups);
        let sum = |bucket: usize| rest.iter().map(|one| one.counts[bucket]).sum();
        other = Some((0..buckets.len()).map(sum).collect());
    }
    Histogram { buckets, series, other, exactness }
}

/// The most frequent values.
pub(crate) fn top(visible: &[StoredEvent], query: &TopQuery) -> Top {
    let (events, exactness) = within_budget(visible, query.range, query.budget.rows);
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for event in events.into_iter().filter(|event| fulfils(&query.filter, event)) {
        if let Some(value) = event.get(query.field) {
            *counts.entry(value.to_owned()).or_default() += 1;
        }
    }
    let mut values: Vec<(String, u64)> = counts.into_iter().collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(query.limit);
    Top { values, exactness }
}
