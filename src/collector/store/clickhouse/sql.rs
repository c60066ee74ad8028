//! Statements with their parameters: no value ever becomes part of the text.

use std::fmt::Write;
use std::net::Ipv6Addr;

use clickhouse::Client;
use clickhouse::query::Query;
use serde::{Serialize, Serializer};

use crate::collector::{EventId, EventTime};

/// A value, and with it the type that its placeholder names.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Texts(Vec<String>),
    Unsigned(u64),
    Signed(i64),
    Numbers(Vec<u64>),
    Address(Ipv6Addr),
    Addresses(Vec<Ipv6Addr>),
}

impl Value {
    const fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "String",
            Self::Texts(_) => "Array(String)",
            Self::Unsigned(_) => "UInt64",
            Self::Signed(_) => "Int64",
            Self::Numbers(_) => "Array(UInt64)",
            Self::Address(_) => "IPv6",
            Self::Addresses(_) => "Array(IPv6)",
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Texts(texts) => texts.serialize(serializer),
            Self::Unsigned(number) => serializer.serialize_u64(*number),
            Self::Signed(number) => serializer.serialize_i64(*number),
            Self::Numbers(numbers) => numbers.serialize(serializer),
            Self::Address(address) => serializer.serialize_str(&mapped(*address)),
            Self::Addresses(addresses) => {
                serializer.collect_seq(addresses.iter().map(|address| mapped(*address)))
            }
        }
    }
}

/// IPv4 addresses stand in the column as they are mapped into IPv6; so do they here.
fn mapped(address: Ipv6Addr) -> String {
    address.to_string()
}

/// A statement in the making.
#[derive(Clone, Debug, Default)]
pub(super) struct Sql {
    text: String,
    values: Vec<Value>,
}

impl Sql {
    pub(super) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds words of ours.
    pub(super) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a placeholder for a value.
    pub(super) fn bind(&mut self, value: Value) -> &mut Self {
        let (number, type_name) = (self.values.len(), value.type_name());
        let _ = write!(self.text, "{{p{number}:{type_name}}}"); // writing to a String does not fail
        self.values.push(value);
        self
    }

    /// Adds the moment `at` as the column has it.
    pub(super) fn time(&mut self, at: EventTime) -> &mut Self {
        self.push("fromUnixTimestamp64Nano(").bind(Value::Signed(storable(at).0)).push(")")
    }

    /// Adds an id.
    pub(super) fn id(&mut self, id: EventId) -> &mut Self {
        self.push("toFixedString(unhex(").bind(Value::Text(id.to_string())).push("), 16)")
    }

    /// The query, with its values as parameters.
    pub(super) fn on(&self, client: &Client) -> Query {
        let query = client.query_raw(&self.text);
        self.values
            .iter()
            .enumerate()
            .fold(query, |query, (number, value)| query.param(&format!("p{number}"), value))
    }
}

/// The years that `DateTime64(9)` holds: from 1900 to April 2262.
const STORABLE: std::ops::RangeInclusive<i64> =
    -2_208_988_800_000_000_000..=9_223_372_036_000_000_000;

/// The moment, or the nearest one that the column can hold.
pub(super) fn storable(at: EventTime) -> EventTime {
    EventTime(at.0.clamp(*STORABLE.start(), *STORABLE.end()))
}
