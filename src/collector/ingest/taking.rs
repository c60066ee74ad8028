//! A batch under way: its lines become chunks, and those are written while the next one is read.

use std::io::Read;
use std::sync::Arc;

use tokio::task::JoinHandle;

use super::Accepted;
use super::batch::{BadLines, Form, Job, Name, Open};
use super::fault::Fault;
use super::firehose;
use super::id::BodyHash;
use super::inflate::Inflated;
use super::logpush;
use super::records::{Commas, Record, Records};
use super::rules::Unread;
use crate::collector::api::problem::LineFault;
use crate::collector::catalogue::{
    BatchCounts, BatchKey, BatchRecord, QuarantineCode, Quarantined,
};
use crate::collector::limits::{
    CHUNK_EVENTS, MAX_BATCH_LINES, MAX_LISTED_FAULTS, MAX_QUARANTINED_PER_BATCH, MIN_CHUNK_EVENTS,
};
use crate::collector::store::{StoreError, Written};
use crate::collector::{Flags, Intake, NewEvent, telemetry};

/// A batch under way.
pub(super) struct Taking<'j> {
    job: &'j Job,
    /// `None` where only the hash of the body is asked for.
    open: Option<Open<'j>>,
    chunk: Vec<NewEvent>,
    chunk_bytes: usize,
    /// The chunk before, while this one is filled.
    writing: Option<JoinHandle<Result<Written, StoreError>>>,
    counts: BatchCounts,
    records: u64,
    faults: u64,
    listed: Vec<LineFault>,
    quarantined: Vec<Quarantined>,
    by_code: [u64; QuarantineCode::ALL.len()],
    flags: Flags,
}

impl<'j> Taking<'j> {
    pub(super) fn new(job: &'j Job, open: Option<Open<'j>>) -> Self {
        Self {
            job,
            open,
            chunk: Vec::new(),
            chunk_bytes: 0,
            writing: None,
            counts: BatchCounts::default(),
            records: 0,
            faults: 0,
            listed: Vec::new(),
            quarantined: Vec::new(),
            by_code: [0; QuarantineCode::ALL.len()],
            flags: Flags::default(),
        }
    }

    /// Reads the body to its end: its hash, and its inflated length.
    pub(super) fn read(&mut self, body: Inflated) -> Result<([u8; 32], u64), Fault> {
        let hash = self.job.rules.body_hash();
        match &self.job.form {
            Form::Firehose { request_id } => firehose::read(body, request_id, hash, self),
            Form::Records(commas) => self.read_records(body, *commas, hash),
        }
    }

    fn read_records(
        &mut self,
        body: Inflated,
        commas: Commas,
        hash: BodyHash,
    ) -> Result<([u8; 32], u64), Fault> {
        let mut records = Records::new(Hashed { body, hash }, commas);
        while let Some((number, record)) = records.next()? {
            match record {
                Record::Text(line) => self.line(number, line)?,
                Record::TooLong(bytes) => self.fault(number, QuarantineCode::TooLong, bytes)?,
                Record::Broken(bytes) => self.fault(number, QuarantineCode::NotJson, bytes)?,
            }
        }
        let Hashed { body, hash } = records.into_source();
        Ok((hash.finish(), body.inflated()))
    }

    /// Takes one line.
    pub(super) fn line(&mut self, number: u64, line: &[u8]) -> Result<(), Fault> {
        if self.open.is_none() {
            return Ok(());
        }
        match self.job.rules.read(line) {
            Ok(event) => self.event(event),
            Err(Unread::Line(code)) if self.job.rules.intake() == Intake::Logpush => {
                logpush::odd_line(self, number, line, code)
            }
            Err(unread) => self.unread(number, unread, line.len()),
        }
    }

    /// What a line was read as, that was looked at before.
    pub(super) fn read_again(&mut self, number: u64, line: &[u8]) -> Result<(), Fault> {
        match self.job.rules.read(line) {
            Ok(event) => self.event(event),
            Err(unread) => self.unread(number, unread, line.len()),
        }
    }

    pub(super) fn unread(
        &mut self,
        number: u64,
        unread: Unread,
        bytes: usize,
    ) -> Result<(), Fault> {
        match unread {
            Unread::Line(code) => {
                self.fault(number, code, u64::try_from(bytes).unwrap_or(u64::MAX))
            }
            Unread::NotSealed => Err(Fault::NotSealed),
        }
    }

    fn count(&mut self) -> Result<(), Fault> {
        self.records += 1;
        if self.records > MAX_BATCH_LINES { Err(Fault::TooManyLines) } else { Ok(()) }
    }

    fn event(&mut self, event: NewEvent) -> Result<(), Fault> {
        self.count()?;
        self.flags.insert(event.flags);
        // A batch that will be refused is only read for its other faults.
        if self.faults > 0 && self.job.bad_lines == BadLines::Refuse {
            return Ok(());
        }
        self.chunk_bytes += event.bytes() + size_of::<NewEvent>();
        self.chunk.push(event);
        if self.is_chunk_due() { self.flush() } else { Ok(()) }
    }

    /// Whether the chunk is full, or worth writing while nothing else of the batch is written.
    fn is_chunk_due(&self) -> bool {
        let is_full = self.chunk.len() >= CHUNK_EVENTS
            || self.chunk_bytes >= self.job.reception.chunk_bytes();
        let is_idle = || self.writing.as_ref().is_none_or(JoinHandle::is_finished);
        is_full || (self.chunk.len() >= MIN_CHUNK_EVENTS && is_idle())
    }

    fn fault(&mut self, number: u64, code: QuarantineCode, bytes: u64) -> Result<(), Fault> {
        self.count()?;
        self.faults += 1;
        let place = QuarantineCode::ALL.iter().position(|known| *known == code);
        if let Some(count) = place.and_then(|at| self.by_code.get_mut(at)) {
            *count += 1;
        }
        match self.job.bad_lines {
            BadLines::Refuse if self.listed.len() < MAX_LISTED_FAULTS => {
                self.listed.push(LineFault { line: number, code: code.code() });
            }
            BadLines::SetAside if self.quarantined.len() < MAX_QUARANTINED_PER_BATCH => {
                self.quarantined.push(Quarantined { line: number, code, bytes });
            }
            BadLines::Refuse | BadLines::SetAside => {}
        }
        Ok(())
    }

    /// Hands the chunk to the store, once the chunk before is written: the store sets the pace.
    pub(super) fn flush(&mut self) -> Result<(), Fault> {
        self.wait()?;
        let (Some(open), false) = (&self.open, self.chunk.is_empty()) else { return Ok(()) };
        let events = std::mem::take(&mut self.chunk);
        self.chunk.reserve(events.len());
        self.chunk_bytes = 0;
        self.job.reception.charge(self.job.rules.tenant(), events.len());
        let (store, batch) = (Arc::clone(&self.job.store), open.batch);
        self.writing =
            Some(self.job.runtime.spawn(async move { store.write(batch, events).await }));
        Ok(())
    }

    pub(super) fn wait(&mut self) -> Result<(), Fault> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let written = self.job.runtime.block_on(writing).map_err(|_| StoreError::Closed)??;
        self.counts.stored += written.stored;
        self.counts.repeated += written.repeated;
        Ok(())
    }

    pub(super) fn refuse_bad_lines(&mut self) -> Result<(), Fault> {
        if self.faults == 0 || self.job.bad_lines == BadLines::SetAside {
            return Ok(());
        }
        self.alarm();
        Err(Fault::Lines { listed: std::mem::take(&mut self.listed), count: self.faults })
    }

    /// A batch in clear of which nothing could be read comes in another form than its sender means to send: that
    /// is for somebody to mend, and the sender keeps it meanwhile. Logpush would drop it.
    pub(super) fn refuse_unreadable(&mut self) -> Result<(), Fault> {
        use QuarantineCode::{NoTime, NotJson, WrongType};
        let is_in_clear = matches!(self.job.rules.intake(), Intake::AwsWaf | Intake::ModSecurity);
        let codes = QuarantineCode::ALL.into_iter().zip(self.by_code);
        let unread = codes.filter(|(code, _)| matches!(code, NotJson | NoTime | WrongType));
        let unread: u64 = unread.map(|(_, count)| count).sum();
        if !is_in_clear || unread == 0 || unread < self.records {
            return Ok(());
        }
        self.alarm();
        Err(Fault::NoLineRead)
    }

    /// Makes the batch durable; one that brought nothing leaves nothing.
    pub(super) fn commit(&mut self, body_hash: [u8; 32], bytes: u64) -> Result<Accepted, Fault> {
        let Some(mut open) = self.open.take() else { return Err(StoreError::NoSuchBatch.into()) };
        self.counts.bytes = bytes;
        self.counts.quarantined = self.faults;
        if self.records == 0 {
            return Ok(Accepted::default());
        }
        let rules = &self.job.rules;
        let key = match &self.job.name {
            Name::Given(key) => BatchKey::Given(key.clone()),
            Name::Content | Name::None => BatchKey::Content,
        };
        let record = BatchRecord {
            tenant: rules.tenant().clone(),
            intake: rules.intake(),
            key,
            body_hash,
            received_ms: self.job.received_ms,
            counts: self.counts,
            quarantined: std::mem::take(&mut self.quarantined),
        };
        self.job.runtime.block_on(self.job.store.commit(open.batch, record))?;
        open.is_over = true;
        self.alarm();
        let intake = rules.intake();
        telemetry::events(intake, "stored", self.counts.stored);
        telemetry::events(intake, "repeated", self.counts.repeated);
        telemetry::events(intake, "quarantined", self.counts.quarantined);
        Ok(Accepted::new(open.batch, &self.counts))
    }

    /// Says what a human has to look at: once for a batch, and no text of it.
    fn alarm(&self) {
        let (tenant, intake) = (self.job.rules.tenant(), self.job.rules.intake().name());
        for (code, count) in
            QuarantineCode::ALL.into_iter().zip(self.by_code).filter(|(_, count)| *count > 0)
        {
            telemetry::quarantined(code, count);
            let kind =
                if code == QuarantineCode::PrivateKey { "private-key" } else { "quarantine" };
            telemetry::alarm(kind);
            tracing::warn!(%tenant, intake, code = code.code(), count, "lines are no events");
        }
        for (flag, kind) in
            [(Flags::UNKNOWN_KEY, "unknown-key"), (Flags::PRIVATE_KEY_REMOVED, "private-key")]
        {
            if self.flags.contains(flag) {
                telemetry::alarm(kind);
                tracing::warn!(%tenant, intake, kind, "events of a batch are suspect");
            }
        }
        let untried = self.job.rules.untried();
        if untried > 0 {
            telemetry::untried(untried);
            tracing::warn!(%tenant, intake, untried, "texts hold too much that may be a private key");
        }
    }
}

impl Drop for Taking<'_> {
    /// A write that is under way ends before its batch is given up.
    fn drop(&mut self) {
        if let Some(writing) = self.writing.take() {
            drop(self.job.runtime.block_on(writing));
        }
    }
}

/// A body that is hashed as it is read.
struct Hashed {
    body: Inflated,
    hash: BodyHash,
}

impl Read for Hashed {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let read = self.body.read(into)?;
        self.hash.update(into.get(..read).unwrap_or_default());
        Ok(read)
    }
}
