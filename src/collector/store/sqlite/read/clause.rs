//! A filter as an expression of SQL. Values never stand in its text: they are bound.

use std::fmt::Write as _;

use rusqlite::types::Value;

use super::text::{after_prefix, spans};
use crate::collector::query::{Condition, Filter, Sense, Test};
use crate::collector::{FieldKind, FieldValues};

/// Parts of a statement, with the values that are bound to `?1`, `?2` … in turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Clause {
    pub(super) sql: String,
    pub(super) values: Vec<Value>,
}

/// The name of the SQL function that compares with a pattern. SQLite's own LIKE ends texts at a NUL.
pub(super) const WILDCARD: &str = "wafpass_like";

impl Clause {
    /// No text yet; the first values are bound each time that the statement runs.
    pub(super) fn with_bounds(count: usize) -> Self {
        Self { sql: String::new(), values: vec![Value::Null; count] }
    }

    /// Adds what a row has to fulfil: 1 or 0, never NULL. `but` is left out, as an index has seen to it.
    pub(super) fn filter(&mut self, filter: &Filter, but: Option<&Condition>) {
        self.push("1");
        let is_left = |one: &&Condition| but.is_none_or(|but| !std::ptr::eq(*one, but));
        for condition in filter.conditions.iter().filter(is_left) {
            self.push(" AND ");
            self.condition(condition);
        }
        if !filter.intakes.is_empty() {
            let numbers = filter.intakes.iter().map(|intake| i64::from(intake.number()).into());
            self.push(" AND intake IN (");
            self.list(numbers.collect());
            self.push(")");
        }
        if let Some(wanted) = filter.matched_data {
            self.push(if wanted { " AND has_blob = 1" } else { " AND has_blob = 0" });
        }
    }

    /// Adds text.
    pub(super) fn push(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// Adds the place of a value.
    pub(super) fn bind(&mut self, value: impl Into<Value>) {
        self.values.push(value.into());
        let _ = write!(self.sql, "?{}", self.values.len());
    }

    fn list(&mut self, values: Vec<Value>) {
        for (place, value) in values.into_iter().enumerate() {
            self.push(if place == 0 { "" } else { ", " });
            self.bind(value);
        }
    }

    fn condition(&mut self, condition: &Condition) {
        let column = condition.field.column();
        match condition.sense {
            Sense::Include => self.push(&format!("({column} IS NOT NULL AND (")),
            Sense::Exclude => self.push(&format!("({column} IS NULL OR NOT (")),
        }
        self.test(condition);
        self.push("))");
    }

    fn test(&mut self, condition: &Condition) {
        let column = condition.field.column();
        let ranges = ranges(condition);
        match &condition.test {
            Test::AnyOf(_) => {
                self.push(&format!("{column} IN ("));
                self.list(equals(condition));
                self.push(")");
            }
            Test::Wildcard(patterns) if condition.field.kind() == FieldKind::Text => {
                self.any(patterns, |clause, pattern| {
                    clause.push(&format!("{WILDCARD}("));
                    clause.bind(pattern.clone());
                    clause.push(&format!(", {column})"));
                });
            }
            _ => self.any(&ranges, |clause, range| clause.range(column, range)),
        }
    }

    fn any<T>(&mut self, all: &[T], mut add: impl FnMut(&mut Self, &T)) {
        if all.is_empty() {
            return self.push("0");
        }
        for (place, one) in all.iter().enumerate() {
            self.push(if place == 0 { "" } else { " OR " });
            add(self, one);
        }
    }

    /// Adds a range of a column.
    pub(super) fn range(&mut self, column: &str, range: &Range) {
        self.push(&format!("({column} >= "));
        self.bind(range.first.clone());
        match &range.end {
            End::Open => {}
            End::Before(value) => {
                self.push(&format!(" AND {column} < "));
                self.bind(value.clone());
            }
            End::At(value) => {
                self.push(&format!(" AND {column} <= "));
                self.bind(value.clone());
            }
        }
        self.push(")");
    }
}

/// A range of a column's values.
#[derive(Clone, Debug)]
pub(super) struct Range {
    pub(super) first: Value,
    pub(super) end: End,
}

/// Where a range ends.
#[derive(Clone, Debug)]
pub(super) enum End {
    Open,
    Before(Value),
    At(Value),
}

/// The values that a condition compares with, as they are stored; each once.
pub(super) fn equals(condition: &Condition) -> Vec<Value> {
    let Test::AnyOf(texts) = &condition.test else { return Vec::new() };
    let mut texts: Vec<&String> = texts.iter().collect();
    texts.sort_unstable();
    texts.dedup();
    texts.into_iter().filter_map(|text| stored(condition, text)).collect()
}

fn stored(condition: &Condition, text: &str) -> Option<Value> {
    let field = condition.field;
    if !FieldValues::is_valid(field, text) {
        return None;
    }
    let mut values = FieldValues::default();
    values.set(field, text);
    match field.kind() {
        FieldKind::Text => Some(Value::Text(text.to_owned())),
        FieldKind::Integer => values.integer(field).map(|number| Value::Integer(number.into())),
        FieldKind::Address => values.address(field).map(|octets| Value::Blob(octets.to_vec())),
    }
}

/// The ranges of prefixes, of texts, and of networks, of addresses.
pub(super) fn ranges(condition: &Condition) -> Vec<Range> {
    match (&condition.test, condition.field.kind()) {
        (Test::Prefix(prefixes), FieldKind::Text) => {
            prefixes.iter().map(|one| of_prefix(one)).collect()
        }
        (Test::InNetworks(networks), FieldKind::Address) => {
            let blob = |octets: [u8; 16]| Value::Blob(octets.to_vec());
            let of_span = |(first, last)| Range { first: blob(first), end: End::At(blob(last)) };
            networks.iter().flat_map(spans).map(of_span).collect()
        }
        _ => Vec::new(),
    }
}

fn of_prefix(prefix: &str) -> Range {
    let end = after_prefix(prefix).map_or(End::Open, |end| End::Before(Value::Text(end)));
    Range { first: Value::Text(prefix.to_owned()), end }
}
