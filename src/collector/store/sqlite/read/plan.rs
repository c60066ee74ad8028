//! Which way through a segment: by the table, or by one of its indexes.
//!
//! An index is in the order of the table, so a page by a value reads as many entries as it has events, however
//! common the value is. Where other conditions thin them out, an index pays while its entries are few: each
//! costs a look-up of its row. How many they are is counted, up to the point where the table is cheaper.

use rusqlite::params_from_iter;
use rusqlite::types::Value;

use super::clause::{Clause, equals, ranges};
use super::pool::{Reading, prepare};
use super::scan::Scan;
use super::segment::{Segment, number};
use super::source::Access;
use crate::collector::query::{Condition, Sense, Test};
use crate::collector::store::StoreError;
use crate::collector::store::sqlite::schema::INDEXED;

/// One row in so many: rarer values go by the index. A look-up costs some five times a row in order.
const RARE: u64 = 8;
/// Values that are common, and yet go by the index: each is a way of its own.
const MAX_COMMON_VALUES: usize = 16;

/// The ways that lead to all rows that may pass.
pub(super) fn ways<'q>(
    reading: &Reading,
    segment: &Segment,
    scan: &Scan<'q>,
) -> Result<Vec<Access<'q>>, StoreError> {
    if !segment.is_sealed {
        return Ok(vec![Access::Table]);
    }
    let indexed = || scan.filter.conditions.iter().filter(|condition| has_index(condition));
    if let Some(only) = indexed().find(|condition| is_in_order(condition, scan)) {
        return Ok(by_index(only));
    }
    let many = segment.rows.div_ceil(RARE);
    let mut best: Option<(u64, &'q Condition)> = None;
    for condition in indexed() {
        let count = count(reading, segment, condition, many)?;
        if best.is_none_or(|(least, _)| count < least) {
            best = Some((count, condition));
        }
    }
    Ok(match best {
        Some((count, condition)) if count < many => by_index(condition),
        _ => vec![Access::Table],
    })
}

fn has_index(condition: &Condition) -> bool {
    let has_values = matches!(condition.test, Test::AnyOf(_)) || is_range(condition);
    INDEXED.contains(&condition.field) && condition.sense == Sense::Include && has_values
}

fn is_range(condition: &Condition) -> bool {
    matches!(condition.test, Test::Prefix(_) | Test::InNetworks(_))
}

/// Whether the index gives events in order and nothing else is asked of them: then it is as good as the
/// table, and better where the value is not as common as it seems.
fn is_in_order(condition: &Condition, scan: &Scan<'_>) -> bool {
    let filter = scan.filter;
    let is_all =
        filter.conditions.len() == 1 && filter.intakes.is_empty() && filter.matched_data.is_none();
    let few = matches!(&condition.test, Test::AnyOf(texts) if texts.len() <= MAX_COMMON_VALUES);
    is_all && few && !scan.counts_values()
}

fn by_index(condition: &Condition) -> Vec<Access<'_>> {
    let equals = equals(condition).into_iter().map(|value| Access::Equal(condition, value));
    let ranges = ranges(condition).into_iter().map(|range| Access::Range(condition, range));
    equals.chain(ranges).collect()
}

/// How many entries an index has for a condition; counted up to `many`.
fn count(
    reading: &Reading,
    segment: &Segment,
    condition: &Condition,
    many: u64,
) -> Result<u64, StoreError> {
    let column = condition.field.column();
    let table = format!("events_{0} INDEXED BY events_{0}_{column}", segment.number);
    let mut total = 0;
    for access in by_index(condition) {
        let (test, values) = match access {
            Access::Equal(_, value) => (format!("{column} = ?1"), vec![value]),
            Access::Range(_, range) => {
                let mut clause = Clause::default();
                clause.range(column, &range);
                (clause.sql, clause.values)
            }
            Access::Table => continue,
        };
        let left = Value::from(i64::try_from(many - total).unwrap_or(i64::MAX));
        let place = values.len() + 1;
        let sql =
            format!("SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {test} LIMIT ?{place})");
        let bound = params_from_iter(values.into_iter().chain([left]));
        let counted: u64 = reading
            .run(|connection| prepare(connection, &sql)?.query_row(bound, |row| number(row, 0)))?;
        total += counted;
        if total >= many {
            break;
        }
    }
    Ok(total)
}
