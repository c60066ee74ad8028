//! A reader, all cores, and a writer, in the order of the log.
//!
//! One thread reads ahead and unpacks, the cores work on what is there, the caller's thread writes. What
//! lies between them is bounded, so the slowest of them sets the pace. Nothing waits for more input than it
//! needs: what a pipe has delivered is written before the pipe delivers more.

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rayon::prelude::*;

use super::error::ArchiveError;
use super::feed::{Block, Event, Feed, Kind, wide};
use super::limits::{BATCH_BYTES, EVENTS_AT_A_TIME, QUEUED_BLOCKS};
use super::rewrite::{Tally, Work, events_within, rewrite};
use super::scan::Scan;

/// Batches that wait for the writer, each of one part for every few events.
const QUEUED_BATCHES: usize = 2;

/// What came of a few events that follow each other.
struct Part<T> {
    bytes: Vec<u8>,
    tally: T,
    /// What ends the log behind these bytes.
    fault: Option<ArchiveError>,
}

/// An event, and the bytes before it that belong to none; at the end of a block there are only these.
struct Segment<'b> {
    block: &'b Block,
    whole: Range<usize>,
    event: Option<&'b Event>,
}

/// Works the whole log off. What comes before a fault is written.
pub(super) fn run<W: Work>(
    feed: Feed<impl Read + Send>,
    work: &W,
    writer: &mut dyn Write,
) -> Result<W::Tally, ArchiveError> {
    let (to_work, blocks) = sync_channel(QUEUED_BLOCKS);
    let (to_writer, parts) = sync_channel(QUEUED_BATCHES);
    thread::scope(|scope| {
        scope.spawn(move || read(feed, &to_work));
        scope.spawn(move || work_off(work, &blocks, &to_writer));
        // Where this ends early it drops its end, and the two others find nobody to send to.
        write(parts, writer)
    })
}

fn read(feed: Feed<impl Read>, to_work: &SyncSender<Result<Block, ArchiveError>>) {
    for block in feed {
        if to_work.send(block).is_err() {
            return;
        }
    }
}

fn work_off<W: Work>(
    work: &W,
    blocks: &Receiver<Result<Block, ArchiveError>>,
    to_writer: &SyncSender<Vec<Part<W::Tally>>>,
) {
    while let Ok(first) = blocks.recv() {
        let (mut batch, mut bytes, mut fault) = (Vec::new(), 0, None);
        let mut next = Some(first);
        while let Some(block) = next.take() {
            match block {
                Ok(block) => {
                    bytes += block.bytes.len();
                    batch.push(block);
                    if bytes < BATCH_BYTES {
                        next = blocks.try_recv().ok();
                    }
                }
                Err(error) => fault = Some(error),
            }
        }
        let segments: Vec<Segment<'_>> = batch.iter().flat_map(segments).collect();
        let parts = segments.par_chunks(EVENTS_AT_A_TIME).map(|segments| part(work, segments));
        let mut parts: Vec<Part<W::Tally>> = parts.collect();
        parts.extend(fault.map(|fault| Part {
            bytes: Vec::new(),
            tally: W::Tally::default(),
            fault: Some(fault),
        }));
        if to_writer.send(parts).is_err() {
            return;
        }
    }
}

fn write<T: Tally>(
    batches: Receiver<Vec<Part<T>>>,
    writer: &mut dyn Write,
) -> Result<T, ArchiveError> {
    let mut tally = T::default();
    for parts in batches {
        for Part { bytes, tally: counted, fault } in parts {
            writer.write_all(&bytes).map_err(ArchiveError::Write)?;
            tally.merge(counted);
            if let Some(fault) = fault {
                writer.flush().map_err(ArchiveError::Write)?;
                return Err(fault);
            }
        }
        writer.flush().map_err(ArchiveError::Write)?;
    }
    Ok(tally)
}

/// The events of a block, with all its bytes between them.
fn segments(block: &Block) -> Vec<Segment<'_>> {
    let mut segments = Vec::with_capacity(block.events.len() + 1);
    let mut from = 0;
    for event in &block.events {
        segments.push(Segment { block, whole: from..event.place.end, event: Some(event) });
        from = event.place.end;
    }
    let end = block.bytes.len();
    if from < end {
        segments.push(Segment { block, whole: from..end, event: None });
    }
    segments
}

fn part<W: Work>(work: &W, segments: &[Segment<'_>]) -> Part<W::Tally> {
    let mut scan = Scan::default();
    let mut tally = W::Tally::default();
    let room = segments.iter().map(|segment| segment.whole.len()).sum();
    let mut out = Vec::with_capacity(room);
    for Segment { block, whole, event } in segments {
        let start = event.map_or(whole.end, |event| event.place.start);
        out.extend_from_slice(block.bytes.get(whole.start..start).unwrap_or_default());
        let Some(Event { place, number }) = event else { continue };
        let text = block.bytes.get(place.clone()).unwrap_or_default();
        let (mark, text) = byte_order_mark(text, *number);
        out.extend_from_slice(mark);
        match rewrite(work, text, &mut scan, &mut out, &mut tally) {
            Ok(()) => {
                tally.events(if block.kind == Kind::Whole { events_within(&scan) } else { 1 });
            }
            Err(_) if block.kind == Kind::Lines => {
                out.extend_from_slice(text);
                tally.not_json(*number);
            }
            Err(at) => {
                let byte = block.offset + wide(place.start) + wide(mark.len()) + wide(at);
                return Part { bytes: out, tally, fault: Some(ArchiveError::NotJson { byte }) };
            }
        }
    }
    Part { bytes: out, tally, fault: None }
}

/// The mark that some editors put before UTF-8, at the start of a log.
fn byte_order_mark(text: &[u8], number: u64) -> (&[u8], &[u8]) {
    const MARK: &[u8] = "\u{feff}".as_bytes();
    let has_mark = number == 1 && text.starts_with(MARK);
    text.split_at_checked(if has_mark { MARK.len() } else { 0 }).unwrap_or((&[], text))
}
