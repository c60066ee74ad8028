//! Where the blobs of an event stand, and what stands with them.

use super::limits::MAX_ROW_MEMBERS;
use super::name::{Column, Name, named};
use super::scan::{Kind, Note, Scan, Span};

/// A blob in the text of an event.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// What names the blob: a key, or in a pair the value of `key`. With its quotes.
    pub(super) name: Span,
    /// The blob, with its quotes if it is a text.
    pub(super) blob: Span,
    /// The value of `binding` beside it.
    pub(super) binding: Option<Span>,
    /// The members by which the row says which event it is.
    pub(super) row: Vec<Note>,
    /// Members are there more than once: two readers could take them for different things.
    pub(super) is_ambiguous: bool,
}

/// A member of metadata, in either of its forms.
struct Entry {
    /// The object or array that is the metadata.
    holder: usize,
    what: Name,
    name: Span,
    value: Span,
    is_ambiguous: bool,
}

/// What is known of the objects that hold metadata.
struct Surroundings<'s> {
    scan: &'s Scan,
    /// The members of rows, those of one object together.
    columns: Vec<&'s Note>,
    /// Objects with more than one `Metadata`.
    doubled: Vec<usize>,
}

/// All blobs of an event, in the order in which they stand. In time linear in its length, but for a
/// logarithm, whatever is in it.
pub(super) fn sites(scan: &Scan, text: &[u8]) -> Vec<Site> {
    if !scan.has_blob {
        return Vec::new();
    }
    let (around, mut entries) = Surroundings::of(scan, text);
    entries.sort_by_key(|entry| entry.holder);
    let mut sites = Vec::new();
    for group in entries.chunk_by(|one, other| one.holder == other.holder) {
        let count = |what| group.iter().filter(|entry| entry.what == what).count();
        let opened = count(Name::Blob) + count(Name::Opened);
        let is_ambiguous = opened > 1
            || count(Name::Binding) > 1
            || group.iter().any(|entry| entry.is_ambiguous || around.is_doubled(entry.holder));
        let binding = group.iter().find(|entry| entry.what == Name::Binding);
        for entry in group.iter().filter(|entry| entry.what == Name::Blob) {
            // Of several only the first is asked for its row: none of them will be opened.
            let row = if is_ambiguous { Some(Vec::new()) } else { around.row(entry.holder) };
            sites.push(Site {
                name: entry.name.clone(),
                blob: entry.value.clone(),
                binding: binding.map(|entry| entry.value.clone()),
                is_ambiguous: is_ambiguous || row.is_none(),
                row: row.unwrap_or_default(),
            });
        }
    }
    sites.sort_by_key(|site| site.blob.start);
    sites
}

impl<'s> Surroundings<'s> {
    fn of(scan: &'s Scan, text: &[u8]) -> (Self, Vec<Entry>) {
        let mut by_node: Vec<&Note> = scan.notes.iter().collect();
        by_node.sort_by_key(|note| note.node);
        let (mut doubled, mut entries) = (Vec::new(), Vec::new());
        for group in by_node.chunk_by(|one, other| one.node == other.node) {
            let named = |name| group.iter().filter(move |note| note.name == name);
            if let Some(again) = named(Name::Metadata).nth(1) {
                doubled.push(again.node);
            }
            entries.extend(group.iter().filter_map(|note| member(note)));
            let (mut keys, mut values) = (named(Name::Key), named(Name::Value));
            if let (Some(key), Some(value)) = (keys.next(), values.next()) {
                let is_ambiguous = keys.next().is_some() || values.next().is_some();
                entries.extend(pair(scan, text, key, value, is_ambiguous));
            }
        }
        by_node.retain(|note| matches!(note.name, Name::Row(_)));
        (Self { scan, columns: by_node, doubled }, entries)
    }

    /// Whether the metadata stands in an object that has it twice.
    fn is_doubled(&self, holder: usize) -> bool {
        let node = self.scan.nodes.get(holder);
        let parent =
            node.filter(|node| node.name == Some(Name::Metadata)).and_then(|node| node.parent);
        parent.is_some_and(|parent| self.doubled.binary_search(&parent).is_ok())
    }

    /// The members of the row that metadata belongs to: of every object around it, so that none nearer by
    /// hides what the row says. A time alone, elsewhere than in the event itself, is that of an envelope.
    /// `None` when they are more than rows have.
    fn row(&self, holder: usize) -> Option<Vec<Note>> {
        let mut row = Vec::new();
        let (mut node, event) = (Some(holder), self.event(holder));
        while let Some(at) = node {
            let first = self.columns.partition_point(|note| note.node < at);
            let columns = self.columns.iter().skip(first).take_while(|note| note.node == at);
            let columns: Vec<&&Note> = columns.take(MAX_ROW_MEMBERS + 1).collect();
            let is_time =
                |note: &&&Note| matches!(note.name, Name::Row(Column::Time | Column::AwsTime));
            if at == event || !columns.iter().all(is_time) {
                row.extend(columns.into_iter().map(|&note| note.clone()));
            }
            if row.len() > MAX_ROW_MEMBERS {
                return None;
            }
            node = self.parent(at);
        }
        Some(row)
    }

    /// The object that metadata is of.
    fn event(&self, holder: usize) -> usize {
        let node = self.scan.nodes.get(holder);
        let is_metadata =
            node.is_some_and(|node| node.name == Some(Name::Metadata) || node.kind == Kind::Array);
        if is_metadata { self.parent(holder).unwrap_or(holder) } else { holder }
    }

    fn parent(&self, node: usize) -> Option<usize> {
        self.scan.nodes.get(node)?.parent
    }
}

/// `"encrypted_matched_data": "…"`
fn member(note: &Note) -> Option<Entry> {
    let is_one = matches!(note.name, Name::Blob | Name::Opened | Name::Binding);
    is_one.then(|| Entry {
        holder: note.node,
        what: note.name,
        name: note.key.clone(),
        value: note.value.clone(),
        is_ambiguous: false,
    })
}

/// `{"key": "encrypted_matched_data", "value": "…"}`
fn pair(scan: &Scan, text: &[u8], key: &Note, value: &Note, is_ambiguous: bool) -> Option<Entry> {
    let what = named(text, &key.value);
    let what = what.filter(|what| matches!(what, Name::Blob | Name::Opened | Name::Binding))?;
    let is_array =
        |parent: &usize| scan.nodes.get(*parent).is_some_and(|parent| parent.kind == Kind::Array);
    let parent = scan.nodes.get(key.node).and_then(|node| node.parent).filter(is_array);
    Some(Entry {
        holder: parent.unwrap_or(key.node),
        what,
        name: key.value.clone(),
        value: value.value.clone(),
        is_ambiguous,
    })
}

#[cfg(test)]
mod tests {
    use super::super::limits::MAX_DEPTH;
    use super::*;

    fn found(text: &str) -> Vec<(String, bool, usize)> {
        let mut scan = Scan::default();
        scan.read(text, MAX_DEPTH).unwrap();
        let shown = |site: Site| {
            assert!(!text[site.name].is_empty());
            (text[site.blob].to_owned(), site.is_ambiguous, site.row.len())
        };
        sites(&scan, text.as_bytes()).into_iter().map(shown).collect()
    }

    #[test]
    fn wherever_they_stand() {
        for (text, blobs) in [
            (
                r#"{"RayID": "a", "Metadata": {"encrypted_matched_data": "A"}}"#,
                vec![("\"A\"", false, 1)],
            ),
            (
                r#"{"metadata": [{"key": "x", "value": "y"}, {"value": "A", "key": "encrypted_matched_data"}], "rayName": 1, "ruleId": 2}"#,
                vec![("\"A\"", false, 2)],
            ),
            (r#"{"encrypted_matched_data": "A", "RuleID": 1}"#, vec![("\"A\"", false, 1)]),
            (
                r#"[{"a": {"RayID": 1, "Metadata": {"encrypted_matched_data": "A"}}}, {"Metadata": {"encrypted_matched_data": "B"}}]"#,
                vec![("\"A\"", false, 1), ("\"B\"", false, 0)],
            ),
            (
                r#"{"RayID": 0, "e": {"RuleID": 1, "Metadata": {"encrypted_matched_data": null}}}"#,
                vec![("null", false, 2)],
            ),
            // Metadata does not hide the row, and the time of an envelope is not the row's.
            (
                r#"{"RayID": 0, "Datetime": 1, "Metadata": {"RuleID": 1, "encrypted_matched_data": "A"}}"#,
                vec![("\"A\"", false, 3)],
            ),
            (
                r#"{"Datetime": 0, "e": {"Datetime": 1, "Metadata": {"encrypted_matched_data": "A"}}}"#,
                vec![("\"A\"", false, 1)],
            ),
            (r#"{"key": "encrypted_matched_data", "value": "A"}"#, vec![("\"A\"", false, 0)]),
            (r#"{"matched_data": "encrypted_matched_data"}"#, vec![]),
            (r#"{"key": "encrypted_matched_data"}"#, vec![]),
        ] {
            let blobs: Vec<_> =
                blobs.into_iter().map(|(blob, twice, row)| (blob.to_owned(), twice, row)).collect();
            assert_eq!(found(text), blobs, "{text}");
        }
    }

    #[test]
    fn what_is_there_twice_is_ambiguous() {
        for text in [
            r#"{"Metadata": {"encrypted_matched_data": "A", "encrypted_matched_data": "A"}}"#,
            r#"{"Metadata": {"encrypted_matched_data": "A", "matched\u005fdata": 1}}"#,
            r#"{"Metadata": {"encrypted_matched_data": "A", "moved_matched_data_b64": 1}}"#,
            r#"{"Metadata": {"encrypted_matched_data": "A", "binding": 1, "binding": 2}}"#,
            r#"{"Metadata": {"encrypted_matched_data": "A"}, "Metadata": {}}"#,
            r#"{"Metadata": {"encrypted_matched_data": "A"}, "metadata": []}"#,
            r#"{"Metadata": [{"key": "encrypted_matched_data", "value": "A", "value": "B"}]}"#,
            r#"{"Metadata": [{"key": "encrypted_matched_data", "key": "b", "value": "B"}]}"#,
            r#"{"Metadata": [{"key": "encrypted_matched_data", "value": "A"}, {"key": "matched_data", "value": "B"}]}"#,
        ] {
            assert!(found(text).iter().all(|(_, is_ambiguous, _)| *is_ambiguous), "{text}");
            assert!(!found(text).is_empty(), "{text}");
        }
        let two_events = r#"[{"Metadata": {"encrypted_matched_data": "A"}}, {"Metadata": {"encrypted_matched_data": "A"}}]"#;
        assert!(found(two_events).iter().all(|(_, is_ambiguous, _)| !is_ambiguous));
        let flood = format!(r#"{{{} "encrypted_matched_data": "A"}}"#, r#""RayID": 1,"#.repeat(17));
        assert_eq!(found(&flood), [("\"A\"".to_owned(), true, 0)]);
    }
}
