//! What TOML and JSON have in common: values, each with its place in the file.

use std::ops::Range;

/// A value and its place, in bytes of the file.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) value: NodeValue,
}

/// A value.
#[derive(Debug)]
pub(super) enum NodeValue {
    Text(String),
    Int(i64),
    Bool(bool),
    List(Vec<Node>),
    Table(Vec<Member>),
    /// What no rule file needs, in words.
    Other(&'static str),
}

/// A member of a table.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) name: String,
    /// Where it starts: its name, or its value.
    pub(super) at: usize,
    pub(super) node: Node,
}

/// Why a text is no TOML or JSON: the place, what, and the way out.
#[derive(Debug)]
pub(super) struct NotRead {
    pub(super) place: (usize, usize),
    pub(super) fault: String,
    pub(super) way_out: String,
}

impl NodeValue {
    /// What it is, in words.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Int(_) => "a number",
            Self::Bool(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Turns offsets into lines and columns.
#[derive(Debug)]
pub(super) struct Lines<'t> {
    text: &'t str,
    /// Where each line starts.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(end, _)| end + 1);
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// The line of a byte, from 1.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at).max(1)
    }

    /// Line and column of a byte, from 1; the column counts characters, all of a line's before it.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let before = self.text.get(start..at.min(self.text.len())).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}
