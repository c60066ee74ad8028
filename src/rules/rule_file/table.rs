//! Tables whose members are known by name.

use std::collections::HashSet;

use super::fault::Faults;
use super::node::{Member, Node, NodeValue};
use crate::rules::lexer::cut;
use crate::rules::suggest;

/// A table, of which what has been taken is gone.
pub(super) struct Table {
    /// Where it starts.
    pub(super) at: usize,
    members: Vec<Member>,
    known: &'static [&'static str],
}

impl Table {
    /// The members of a node, which has to be a table. A name that comes again counts once.
    pub(super) fn of(
        node: Node,
        known: &'static [&'static str],
        what: &str,
        faults: &mut Faults<'_>,
    ) -> Option<Self> {
        let NodeValue::Table(found) = node.value else {
            let fault = format!("{what} is a table, and this is {}", node.value.kind());
            faults.add(node.span.start, fault, format!("its members are {}", known.join(", ")));
            return None;
        };
        let mut names = HashSet::new();
        let mut members = Vec::new();
        for member in found {
            if names.insert(member.name.clone()) {
                members.push(member);
            } else {
                faults.add(
                    member.at,
                    format!("{} is there twice", cut(&member.name)),
                    "write it once",
                );
            }
        }
        Some(Self { at: node.span.start, members, known })
    }

    /// Where a member starts, or else the table.
    pub(super) fn place(&self, name: &str) -> usize {
        self.members.iter().find(|member| member.name == name).map_or(self.at, |member| member.at)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Node> {
        let place = self.members.iter().position(|member| member.name == name)?;
        Some(self.members.remove(place).node)
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str, faults: &mut Faults<'_>) -> Option<(String, Node)> {
        let mut node = self.take(name)?;
        match std::mem::replace(&mut node.value, NodeValue::Other("")) {
            NodeValue::Text(text) => Some((text, node)),
            other => {
                faults.add(
                    node.span.start,
                    format!("`{name}` is a text, and this is {}", other.kind()),
                    "write it in quotes",
                );
                None
            }
        }
    }

    /// True or false.
    pub(super) fn truth(&mut self, name: &str, faults: &mut Faults<'_>) -> Option<bool> {
        let node = self.take(name)?;
        match node.value {
            NodeValue::Bool(truth) => Some(truth),
            other => {
                let fault = format!("`{name}` is true or false, and this is {}", other.kind());
                faults.add(node.span.start, fault, "write true or false, without quotes");
                None
            }
        }
    }

    /// One word of several.
    pub(super) fn word<T: Copy>(
        &mut self,
        name: &str,
        words: &[(&'static str, T)],
        faults: &mut Faults<'_>,
    ) -> Option<T> {
        let (word, node) = self.text(name, faults)?;
        let found = words.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let names: Vec<_> = words.iter().map(|(known, _)| *known).collect();
            let way_out = suggest::like(&word, names.iter().copied()).map_or_else(
                || format!("write one of {}", names.join(", ")),
                |like| format!("did you mean {like}?"),
            );
            faults.add(node.span.start, format!("{} is no {name}", cut(&word)), way_out);
        }
        found
    }

    /// What is left has no place here.
    pub(super) fn done(self, faults: &mut Faults<'_>) {
        for member in self.members {
            if faults.is_full() {
                return;
            }
            let like = suggest::like(&member.name, self.known.iter().copied());
            let way_out = like.map_or_else(
                || format!("leave it out, or write one of {}", self.known.join(", ")),
                |like| format!("did you mean {like}?"),
            );
            faults.add(member.at, format!("there is no member {}", cut(&member.name)), way_out);
        }
    }
}
