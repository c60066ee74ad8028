//! The lists of a rule file.

use std::net::IpAddr;

use super::node::{Node, NodeValue};
use super::read::Reader;
use super::table::Table;
use crate::rules::error::Fault;
use crate::rules::lexer::cut;
use crate::rules::limits::MAX_STRING_BYTES;
use crate::rules::lists::{self, List};

const LIST: &[&str] = &["ips", "ints", "bytes"];

impl Reader<'_> {
    /// Adds the lists to the scheme.
    pub(super) fn lists(&mut self, node: Node) {
        let NodeValue::Table(members) = node.value else {
            let fault = format!("`lists` is a table, and this is {}", node.value.kind());
            self.faults.add(
                node.span.start,
                fault,
                "write [lists.name] in TOML, \"lists\": {\"name\": {…}} in JSON",
            );
            return;
        };
        for member in members {
            let Some(mut table) = Table::of(member.node, LIST, "a list", &mut self.faults) else {
                continue;
            };
            let given: Vec<&str> = LIST.iter().copied().filter(|kind| table.has(kind)).collect();
            let list = match given.as_slice() {
                [kind] => self.list(kind, &mut table),
                _ => {
                    let fault = format!(
                        "the list {} has {} of its members",
                        cut(&member.name),
                        given.len()
                    );
                    self.faults.add(member.at, fault, "write one of ips, ints and bytes");
                    for kind in LIST {
                        table.take(kind);
                    }
                    None
                }
            };
            table.done(&mut self.faults);
            // A list that could not be read is there all the same: rules that name it are not at fault.
            let list = list.unwrap_or_else(|| empty(given.first().copied()));
            if let Err(error) = self.scheme.add_list(&member.name, list) {
                self.faults.add_error(member.at, &error);
            }
        }
    }

    fn list(&mut self, kind: &str, table: &mut Table) -> Option<List> {
        let node = table.take(kind)?;
        let NodeValue::List(elements) = node.value else {
            let fault = format!("`{kind}` is a list, and this is {}", node.value.kind());
            self.faults.add(node.span.start, fault, format!("write {kind} = […]"));
            return None;
        };
        Some(match kind {
            "ips" => List::Ips(self.elements(elements, ip)),
            "ints" => List::Ints(self.elements(elements, int)),
            _ => List::Bytes(self.elements(elements, bytes)),
        })
    }

    fn elements<T>(
        &mut self,
        elements: Vec<Node>,
        read: impl Fn(NodeValue) -> Result<T, (String, String)>,
    ) -> Vec<T> {
        let mut members = Vec::new();
        for element in elements {
            if self.faults.is_full() {
                break;
            }
            match read(element.value) {
                Ok(member) => members.push(member),
                Err((fault, way_out)) => self.faults.add(element.span.start, fault, way_out),
            }
        }
        members
    }
}

fn empty(kind: Option<&str>) -> List {
    match kind {
        Some("ints") => List::Ints(Vec::new()),
        Some("bytes") => List::Bytes(Vec::new()),
        _ => List::Ips(Vec::new()),
    }
}

fn ip(value: NodeValue) -> Result<(IpAddr, IpAddr), (String, String)> {
    match value {
        NodeValue::Text(text) => lists::address_range(&text).map_err(Fault::into_lines),
        other => Err(not_of_list(&other, "an address in quotes", "\"192.0.2.0/24\"")),
    }
}

fn int(value: NodeValue) -> Result<(i64, i64), (String, String)> {
    match value {
        NodeValue::Int(number) => Ok((number, number)),
        NodeValue::Text(text) => lists::int_range(&text).map_err(Fault::into_lines),
        other => Err(not_of_list(&other, "a number, or a range in quotes", "5 or \"5..9\"")),
    }
}

fn bytes(value: NodeValue) -> Result<Vec<u8>, (String, String)> {
    match value {
        NodeValue::Text(text) if text.len() > MAX_STRING_BYTES => {
            let fault = format!(
                "the element has {} bytes, and {MAX_STRING_BYTES} are the most",
                text.len()
            );
            Err((fault, "look for a part of it that is as telling".into()))
        }
        NodeValue::Text(text) => Ok(text.into_bytes()),
        other => Err(not_of_list(&other, "a text in quotes", "\"a\"")),
    }
}

fn not_of_list(value: &NodeValue, expected: &str, example: &str) -> (String, String) {
    (format!("the element is {expected}, and this is {}", value.kind()), format!("write {example}"))
}
