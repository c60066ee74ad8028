//! One event: its blobs found, worked on, and written back into its text.

use rayon::prelude::*;

use super::limits::{EVENTS_AT_A_TIME, MAX_DEPTH};
use super::name::Name;
use super::scan::{Scan, Span};
use super::site::{Site, sites};

/// What is done with each blob, and what is counted.
pub(super) trait Work: Sync {
    type Tally: Tally;

    /// What is to stand in place of a blob, if anything else than the blob.
    fn blob(&self, text: &[u8], site: &Site, tally: &mut Self::Tally) -> Option<Edit>;
}

/// What is counted, in parts that are added up.
pub(super) trait Tally: Default + Send {
    fn merge(&mut self, other: Self);
    fn events(&mut self, count: u64);
    fn not_json(&mut self, number: u64);
}

/// What stands in place of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// Instead of `encrypted_matched_data`.
    pub(super) name: Option<&'static str>,
    /// A JSON text of one line.
    pub(super) value: Vec<u8>,
}

/// Adds the text of an event to `out`, as it is to be; the place of the fault where it is not JSON.
pub(super) fn rewrite<W: Work>(
    work: &W,
    text: &[u8],
    scan: &mut Scan,
    out: &mut Vec<u8>,
    tally: &mut W::Tally,
) -> Result<(), usize> {
    let unicode = str::from_utf8(text).map_err(|error| error.valid_up_to())?;
    scan.read(unicode, MAX_DEPTH)?;
    let sites = sites(scan, text);
    let edits = if sites.len() <= EVENTS_AT_A_TIME {
        sites.iter().map(|site| work.blob(text, site, tally)).collect()
    } else {
        in_parallel(work, text, &sites, tally)
    };
    let mut changes: Vec<(Span, Vec<u8>)> = Vec::new();
    for (site, edit) in sites.into_iter().zip(edits) {
        let Some(Edit { name, value }) = edit else { continue };
        changes.extend(name.map(|name| (site.name, format!("\"{name}\"").into_bytes())));
        changes.push((site.blob, value));
    }
    changes.sort_by_key(|(span, _)| span.start);
    splice(text, &changes, out);
    Ok(())
}

/// Events in a document that is held whole: objects with metadata.
pub(super) fn events_within(scan: &Scan) -> u64 {
    let count = scan.notes.iter().filter(|note| note.name == Name::Metadata).count();
    super::feed::wide(count.max(1))
}

fn in_parallel<W: Work>(
    work: &W,
    text: &[u8],
    sites: &[Site],
    tally: &mut W::Tally,
) -> Vec<Option<Edit>> {
    let some = |sites: &[Site]| {
        let mut tally = W::Tally::default();
        let edits: Vec<_> = sites.iter().map(|site| work.blob(text, site, &mut tally)).collect();
        (edits, tally)
    };
    let parts: Vec<_> = sites.par_chunks(EVENTS_AT_A_TIME).map(some).collect();
    let mut edits = Vec::with_capacity(sites.len());
    for (part, counted) in parts {
        edits.extend(part);
        tally.merge(counted);
    }
    edits
}

/// Writes `text` with `changes`, which are in order and apart; every other byte as it is.
fn splice(text: &[u8], changes: &[(Span, Vec<u8>)], out: &mut Vec<u8>) {
    let mut from = 0;
    for (span, value) in changes {
        out.extend_from_slice(text.get(from..span.start).unwrap_or_default());
        out.extend_from_slice(value);
        from = span.end;
    }
    out.extend_from_slice(text.get(from..).unwrap_or_default());
}
