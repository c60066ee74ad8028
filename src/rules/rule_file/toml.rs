//! TOML as nodes.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::node::{Lines, Member, Node, NodeValue, NotRead};

/// The document.
pub(super) fn node(text: &str) -> Result<Node, NotRead> {
    let table = DeTable::parse(text).map_err(|error| {
        let at = error.span().unwrap_or_default().start;
        let message = error.message().replace('\n', ", ");
        let way_out = match message.as_str() {
            "duplicate key" => {
                "write each key and each [table] once; each rule has its own [[rules]]"
            }
            _ => "mend the line; an expression stands well between single quotes: '…' or '''…'''",
        };
        let place = Lines::of(text).place(at);
        NotRead {
            place,
            fault: format!("not TOML: {}", message.escape_debug()),
            way_out: way_out.into(),
        }
    })?;
    let span = table.span();
    Ok(Node { span, value: NodeValue::Table(members(table.get_ref())) })
}

fn members(table: &DeTable<'_>) -> Vec<Member> {
    let member = |(name, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| Member {
        name: String::from(AsRef::<str>::as_ref(name.get_ref())),
        at: name.span().start,
        node: value_of(value),
    };
    table.iter().map(member).collect()
}

fn value_of(value: &Spanned<DeValue<'_>>) -> Node {
    let node = match value.get_ref() {
        DeValue::String(text) => NodeValue::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(NodeValue::Other("a number that is too large"), NodeValue::Int),
        DeValue::Boolean(truth) => NodeValue::Bool(*truth),
        DeValue::Array(elements) => NodeValue::List(elements.iter().map(value_of).collect()),
        DeValue::Table(table) => NodeValue::Table(members(table)),
        DeValue::Float(_) => NodeValue::Other("a number with a fraction"),
        DeValue::Datetime(_) => NodeValue::Other("a date"),
    };
    Node { span: value.span(), value: node }
}
