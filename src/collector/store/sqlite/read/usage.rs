//! What a tenant has stored.

use std::fs;
use std::path::{Path, PathBuf};

use super::Ask;
use super::budget::Looking;
use super::pool::Reading;
use super::scan::Visible;
use super::segment::{Segment, number};
use crate::collector::EventTime;
use crate::collector::query::{Snapshot, TimeRange};
use crate::collector::store::{StoreError, Usage};

const ALL_TIME: TimeRange = TimeRange { from: EventTime(i64::MIN), until: EventTime(i64::MAX) };

/// What can be seen of a tenant's events, and what they take on the disk.
pub(super) fn usage(ask: &Ask, mut looking: Looking) -> Result<Usage, StoreError> {
    let mut usage = Usage::default();
    let visible = Visible::now(ask.snapshot.clone());
    let (mut newest, mut last) = (None, None);
    for partition in &ask.partitions {
        looking.glance()?;
        let Some(reading) = ask.pool.read(partition)? else { continue };
        usage.partitions = usage.partitions.saturating_add(1);
        usage.bytes = usage.bytes.saturating_add(bytes(reading.path()));
        let segments = Segment::within(&reading, ALL_TIME)?;
        let rows = segments.iter().fold(0_u64, |sum, segment| sum.saturating_add(segment.rows));
        let events = rows.saturating_sub(hidden(&reading, &ask.snapshot, &mut looking)?);
        if events == 0 {
            continue;
        }
        usage.events = usage.events.saturating_add(events);
        // Partitions come newest first, and days do not overlap: the first and the last hold the edges.
        if newest.is_none() {
            newest = edge(&reading, &segments, &visible, Edge::Newest, &mut looking)?;
        }
        last = Some((reading, segments));
    }
    if let Some((reading, segments)) = last {
        let oldest = edge(&reading, &segments, &visible, Edge::Oldest, &mut looking)?;
        usage.span = oldest.zip(newest);
    }
    Ok(usage)
}

/// Rows that cannot be seen: of batches that are under way, or are being deleted.
fn hidden(
    reading: &Reading,
    snapshot: &Snapshot,
    looking: &mut Looking,
) -> Result<u64, StoreError> {
    let first = snapshot.pending.first().copied().unwrap_or(snapshot.last);
    let first = i64::try_from(first).unwrap_or(i64::MAX);
    let sql = "SELECT batch, rows FROM chunks WHERE batch >= ?1";
    reading.run(|connection| {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query([first])?;
        let mut sum = 0_u64;
        while let Some(row) = rows.next()? {
            if let Err(error) = looking.row() {
                return Ok(Err(error));
            }
            if !snapshot.contains(number(row, 0)?) {
                sum = sum.saturating_add(number(row, 1)?);
            }
        }
        Ok(Ok(sum))
    })?
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Oldest,
    Newest,
}

/// The time of the oldest or the newest event that can be seen.
fn edge(
    reading: &Reading,
    segments: &[Segment],
    visible: &Visible,
    edge: Edge,
    looking: &mut Looking,
) -> Result<Option<EventTime>, StoreError> {
    let mut best: Option<EventTime> = None;
    for segment in segments {
        let may_be_better = best.is_none_or(|best| match edge {
            Edge::Oldest => segment.min_at < best,
            Edge::Newest => segment.max_at > best,
        });
        if may_be_better {
            let found = edge_of(reading, segment, visible, edge, looking)?;
            best = match edge {
                Edge::Oldest => best.into_iter().chain(found).min(),
                Edge::Newest => best.into_iter().chain(found).max(),
            };
        }
    }
    Ok(best)
}

fn edge_of(
    reading: &Reading,
    segment: &Segment,
    visible: &Visible,
    edge: Edge,
    looking: &mut Looking,
) -> Result<Option<EventTime>, StoreError> {
    let order = if edge == Edge::Oldest { "ASC" } else { "DESC" };
    let sql = format!("SELECT at, batch FROM events_{} ORDER BY at {order}", segment.number);
    reading.run(|connection| {
        let mut statement = connection.prepare_cached(&sql)?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            // A batch under way may hide all rows of a segment.
            if let Err(error) = looking.row() {
                return Ok(Err(error));
            }
            if visible.contains(number(row, 1)?) {
                return Ok(Ok(Some(EventTime(row.get(0)?))));
            }
        }
        Ok(Ok(None))
    })?
}

/// The file, its journal and the journal's index, as far as they can be looked at.
pub(super) fn bytes(path: &Path) -> u64 {
    let beside = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let files = [path.to_owned(), beside("-wal"), beside("-shm")];
    let length = |path: &PathBuf| fs::metadata(path).map_or(0, |metadata| metadata.len());
    files.iter().map(length).fold(0, u64::saturating_add)
}
