//! JSON as nodes. A value is kept as its text first, which is a part of the file's: so its place is known.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::node::{Member, Node, NodeValue, NotRead};

/// The levels that a rule file has: what is deeper is not looked at.
const LEVELS: usize = 6;

/// The document.
pub(super) fn node(text: &str) -> Result<Node, NotRead> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
        let whole = error.to_string();
        let message = whole.rsplit_once(" at line ").map_or(whole.as_str(), |(message, _)| message);
        NotRead {
            place: (error.line().max(1), error.column().max(1)),
            fault: format!("not JSON: {}", message.escape_debug()),
            way_out: "mend the line; a quote within an expression is written as \\\"".into(),
        }
    })?;
    Ok(value_of(text, raw.get(), LEVELS))
}

fn value_of(text: &str, raw: &str, levels: usize) -> Node {
    let at = offset(text, raw);
    let read = match raw.bytes().next() {
        _ if levels == 0 => None,
        Some(b'"') => serde_json::from_str(raw).ok().map(NodeValue::Text),
        Some(b't' | b'f') => serde_json::from_str(raw).ok().map(NodeValue::Bool),
        Some(b'[') => serde_json::from_str::<Vec<&RawValue>>(raw).ok().map(|elements| {
            let node = |element: &RawValue| value_of(text, element.get(), levels - 1);
            NodeValue::List(elements.into_iter().map(node).collect())
        }),
        Some(b'{') => serde_json::from_str::<Members<'_>>(raw).ok().map(|Members(members)| {
            let member = |(name, value): (String, &RawValue)| {
                let node = value_of(text, value.get(), levels - 1);
                Member { name, at: node.span.start, node }
            };
            NodeValue::Table(members.into_iter().map(member).collect())
        }),
        Some(b'n') => Some(NodeValue::Other("null")),
        _ => raw.parse().ok().map(NodeValue::Int),
    };
    let value = read.unwrap_or(NodeValue::Other("a value of another kind"));
    Node { span: at..at + raw.len(), value }
}

/// Where a part of the text starts.
fn offset(text: &str, part: &str) -> usize {
    part.as_ptr().addr().saturating_sub(text.as_ptr().addr()).min(text.len())
}

/// Names and values in order, also those that are there twice.
struct Members<'j>(Vec<(String, &'j RawValue)>);

impl<'j> Deserialize<'j> for Members<'j> {
    fn deserialize<D: Deserializer<'j>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'j> Visitor<'j> for InOrder {
    type Value = Members<'j>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'j>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
