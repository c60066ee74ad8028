//! Where each key of a file stands.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Where each key stands, and which could not be read.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    by_path: BTreeMap<String, (usize, usize)>,
    struck: Vec<String>,
}

/// One key of a table, or one element of a list.
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) key: Range<usize>,
    value: Range<usize>,
    /// Whether it can be struck out: an element of a list would move the others.
    is_key: bool,
}

impl Entry {
    /// Its last name.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or_default()
    }

    fn holds(&self, offset: usize) -> bool {
        self.key.contains(&offset) || self.value.contains(&offset)
    }
}

/// All keys and elements of a document.
pub(super) fn entries(document: &DeTable<'_>) -> Vec<Entry> {
    let mut found = Vec::new();
    add_table(document, "", &mut found);
    found
}

fn add_table(table: &DeTable<'_>, path: &str, found: &mut Vec<Entry>) {
    for (key, value) in table.iter() {
        let dot = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{dot}{}", key.get_ref());
        add_value(value, &path, found);
        found.push(Entry { path, key: key.span(), value: value.span(), is_key: true });
    }
}

fn add_value(value: &Spanned<DeValue<'_>>, path: &str, found: &mut Vec<Entry>) {
    match value.get_ref() {
        DeValue::Table(table) => add_table(table, path, found),
        DeValue::Array(array) => {
            for (place, element) in array.iter().enumerate() {
                let path = format!("{path}[{place}]");
                add_value(element, &path, found);
                let span = element.span();
                found.push(Entry { path, key: span.clone(), value: span, is_key: false });
            }
        }
        _ => {}
    }
}

/// The innermost key around `offset`.
pub(super) fn key_at(entries: &[Entry], offset: usize) -> Option<&Entry> {
    let around = entries.iter().filter(|entry| entry.is_key && entry.holds(offset));
    around.max_by_key(|entry| (entry.key.contains(&offset), entry.path.len()))
}

/// Takes the key that stands at `key` out of a document.
pub(super) fn strike(table: &mut DeTable<'_>, key: &Range<usize>) {
    let name = table.keys().find(|name| name.span() == *key).cloned();
    if let Some(name) = name {
        table.remove(&name);
    }
    for (_, value) in table.iter_mut() {
        strike_value(value.get_mut(), key);
    }
}

fn strike_value(value: &mut DeValue<'_>, key: &Range<usize>) {
    match value {
        DeValue::Table(table) => strike(table, key),
        DeValue::Array(array) => {
            array.iter_mut().for_each(|element| strike_value(element.get_mut(), key));
        }
        _ => {}
    }
}

impl Places {
    pub(super) fn new(entries: &[Entry], text: &str) -> Self {
        let lines = Lines::of(text);
        let place = |entry: &Entry| (entry.path.clone(), lines.place(entry.key.start));
        Self { by_path: entries.iter().map(place).collect(), struck: Vec::new() }
    }

    /// The line and column of the key at `path`, or of the nearest table around it.
    pub(super) fn of(&self, path: &str) -> (usize, usize) {
        let mut path = path;
        loop {
            if let Some(place) = self.by_path.get(path) {
                return *place;
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = path.get(..end).unwrap_or_default(),
                None => return (1, 1),
            }
        }
    }

    /// Whether there is a key at `path`.
    pub(super) fn has(&self, path: &str) -> bool {
        self.by_path.contains_key(path)
    }

    /// Whether the file holds the table `name`, and beside it nothing that is read.
    pub(super) fn stands_alone(&self, name: &str) -> bool {
        let is_other = |path: &&String| !is_within(path, name) && *path != "$schema";
        self.has(name) && !self.by_path.keys().any(|path| is_other(&path))
    }

    /// Notes that the key at `path` could not be read.
    pub(super) fn strike(&mut self, path: &str) {
        self.struck.push(path.into());
    }

    /// Whether what is at `path`, in it or around it could not be read.
    pub(super) fn is_struck(&self, path: &str) -> bool {
        self.struck.iter().any(|struck| is_within(struck, path) || is_within(path, struck))
    }
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Turns offsets into lines and columns.
pub(super) struct Lines<'t> {
    text: &'t str,
    /// Where each line starts.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let breaks = text.match_indices('\n').map(|(end, _)| end.saturating_add(1));
        Self { text, starts: std::iter::once(0).chain(breaks).collect() }
    }

    /// Line and column of a byte, from 1; the column counts characters.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.starts.get(line)).copied();
        let before = start.and_then(|start| self.text.get(start..offset.min(self.text.len())));
        (line.max(1), before.map_or(1, |before| before.chars().count().saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let lines = Lines::of("ab\né = 1\n");
        for (offset, expected) in
            [(0, (1, 1)), (2, (1, 3)), (3, (2, 1)), (5, (2, 2)), (10, (3, 1)), (99, (3, 1))]
        {
            assert_eq!(lines.place(offset), expected, "{offset}");
        }
        assert_eq!(Lines::of("").place(0), (1, 1));
    }

    #[test]
    fn what_is_not_there_is_where_it_would_stand() {
        let text = "a = 1\n[b]\nc = [1, {d = 2}]\n[[e]]\n[[e]]\nf = 1\n";
        let document = DeTable::parse(text).unwrap();
        let mut places = Places::new(&entries(document.get_ref()), text);
        for (path, expected) in [
            ("a", (1, 1)),
            ("b", (2, 2)),
            ("b.c", (3, 1)),
            ("b.x.y", (2, 2)),
            ("b.c[0]", (3, 6)),
            ("b.c[1].d", (3, 10)),
            ("e[1].f", (6, 1)),
            ("e[1].g", (5, 1)),
            ("x", (1, 1)),
        ] {
            assert_eq!(places.of(path), expected, "{path}");
        }
        places.strike("b.c");
        assert!(["b", "b.c", "b.c[0]"].iter().all(|path| places.is_struck(path)));
        assert!(["a", "b.cd", "b.d"].iter().all(|path| !places.is_struck(path)));
    }

    #[test]
    fn a_key_is_struck_out_alone() {
        let mut document =
            DeTable::parse("[[e]]\nf = 1\ng = 2\n[[e]]\nf = 3\n").unwrap().into_inner();
        let found = entries(&document);
        let second = found.iter().find(|entry| entry.path == "e[1].f").unwrap().key.clone();
        strike(&mut document, &second);
        let left: Vec<_> = entries(&document).into_iter().map(|entry| entry.path).collect();
        assert_eq!(left, ["e[0].f", "e[0].g", "e[0]", "e[1]", "e"]);
    }
}
