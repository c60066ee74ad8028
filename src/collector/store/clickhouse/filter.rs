//! Conditions as SQL.

use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::sql::{Sql, Value};
use crate::collector::query::{Condition, Filter, Sense, Test};
use crate::collector::{Field, FieldKind, FieldValues};

/// Adds ` AND …` for each condition.
pub(super) fn push(sql: &mut Sql, filter: &Filter) {
    if !filter.intakes.is_empty() {
        let numbers = filter.intakes.iter().map(|intake| intake.number().into()).collect();
        sql.push(" AND intake IN ").bind(Value::Numbers(numbers));
    }
    match filter.matched_data {
        Some(true) => sql.push(" AND (blob IS NOT NULL OR blob_text IS NOT NULL)"),
        Some(false) => sql.push(" AND blob IS NULL AND blob_text IS NULL"),
        None => sql,
    };
    for Condition { field, test, sense } in &filter.conditions {
        // NULL is neither true nor false: an event without the field passes no test.
        sql.push(match sense {
            Sense::Include => " AND ifNull(",
            Sense::Exclude => " AND NOT ifNull(",
        });
        push_test(sql, *field, test);
        sql.push(", 0)");
    }
}

/// Whether an index finds what the filter asks for, so that no row has to be looked at in vain.
pub(super) fn is_indexed(filter: &Filter) -> bool {
    filter.conditions.iter().any(|condition| {
        let is_equal =
            matches!(condition.test, Test::AnyOf(_)) && condition.sense == Sense::Include;
        is_equal && matches!(condition.field, Field::RayId | Field::ClientIp)
    })
}

fn push_test(sql: &mut Sql, field: Field, test: &Test) {
    match (test, field.kind()) {
        (Test::AnyOf(values), _) => push_any_of(sql, field, values),
        (Test::Prefix(values), FieldKind::Text) => any(sql, values, |sql, value| {
            sql.push("startsWith(").push(&column(field)).push(", ");
            sql.bind(Value::Text(value.clone())).push(")");
        }),
        (Test::Wildcard(values), FieldKind::Text) => any(sql, values, |sql, value| {
            // `lower` knows ASCII only, which is what is asked for.
            sql.push("like(lower(").push(&column(field)).push("), ");
            sql.bind(Value::Text(pattern(value))).push(")");
        }),
        (Test::InNetworks(networks), FieldKind::Address) => {
            any(sql, networks, |sql, network| push_network(sql, field, *network));
        }
        (Test::Prefix(_) | Test::Wildcard(_) | Test::InNetworks(_), _) => {
            sql.push("0");
        }
    }
}

/// The tests of a list, of which one is enough.
fn any<T>(sql: &mut Sql, values: &[T], mut push: impl FnMut(&mut Sql, &T)) {
    if values.is_empty() {
        sql.push("0");
    }
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            sql.push(" OR ");
        }
        push(sql, value);
    }
}

fn push_any_of(sql: &mut Sql, field: Field, values: &[String]) {
    let valid = values.iter().filter(|value| FieldValues::is_valid(field, value));
    let value = match field.kind() {
        FieldKind::Text => Value::Texts(valid.cloned().collect()),
        FieldKind::Integer => {
            Value::Numbers(valid.filter_map(|value| value.parse().ok()).collect())
        }
        FieldKind::Address => Value::Addresses(valid.filter_map(|value| address(value)).collect()),
    };
    let is_empty = match &value {
        Value::Texts(list) => list.is_empty(),
        Value::Numbers(list) => list.is_empty(),
        Value::Addresses(list) => list.is_empty(),
        _ => false,
    };
    if is_empty {
        sql.push("0");
    } else {
        sql.push(&column(field)).push(" IN ").bind(value);
    }
}

fn address(text: &str) -> Option<Ipv6Addr> {
    Some(match text.parse().ok()? {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    })
}

/// `*` stands for any text, nothing else is special.
fn pattern(wildcard: &str) -> String {
    let mut pattern = String::with_capacity(wildcard.len() + 8);
    for letter in wildcard.chars() {
        match letter {
            '*' => pattern.push('%'),
            '%' | '_' | '\\' => pattern.extend(['\\', letter]),
            other => pattern.push(other.to_ascii_lowercase()),
        }
    }
    pattern
}

fn push_network(sql: &mut Sql, field: Field, network: IpNet) {
    let (first, last) = match network {
        IpNet::V4(network) => {
            (network.network().to_ipv6_mapped(), network.broadcast().to_ipv6_mapped())
        }
        IpNet::V6(network) => (network.network(), network.broadcast()),
    };
    sql.push("(").push(&column(field)).push(" BETWEEN ").bind(Value::Address(first));
    sql.push(" AND ").bind(Value::Address(last));
    if matches!(network, IpNet::V6(_)) {
        // A network holds addresses of its own kind alone.
        sql.push(" AND NOT (").push(&column(field)).push(" BETWEEN toIPv6('::ffff:0.0.0.0')");
        sql.push(" AND toIPv6('::ffff:255.255.255.255'))");
    }
    sql.push(")");
}

/// The column of a field, quoted: `ref` and `method` would pass as they are, others may not.
pub(super) fn column(field: Field) -> String {
    format!("`{}`", field.column())
}

/// The value of a field as the text that [`FieldValues`] has.
pub(super) fn text_of(field: Field) -> String {
    let column = column(field);
    match field.kind() {
        FieldKind::Text => format!("CAST({column} AS Nullable(String))"),
        FieldKind::Integer => format!("toString({column})"),
        // A mapped IPv4 address is written as such: `::ffff:192.0.2.1`.
        FieldKind::Address => {
            format!("replaceRegexpOne(toString({column}), '^::ffff:([0-9.]+)$', '\\\\1')")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_star_is_special() {
        assert_eq!(pattern("/Admin/*_%\\Ä"), r"/admin/%\_\%\\Ä");
    }
}
