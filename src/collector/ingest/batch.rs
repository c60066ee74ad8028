//! One batch, from its body to its commit: in a thread of its own.

use std::io::Read;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::Accepted;
use super::admission::{Claim, ClaimName, Place, Reception};
use super::body::BodyReader;
use super::fault::Fault;
use super::firehose;
use super::id::BodyHash;
use super::inflate::{Coding, Inflated};
use super::logpush;
use super::records::{Commas, Record, Records};
use super::rules::{Rules, Unread};
use crate::collector::api::problem::LineFault;
use crate::collector::catalogue::{
    BatchCounts, BatchKey, BatchRecord, Catalogue, QuarantineCode, Quarantined, RecordedBatch,
};
use crate::collector::limits::{
    CHUNK_EVENTS, CONTENT_KEY_MS, MAX_BATCH_LINES, MAX_LISTED_FAULTS, MAX_QUARANTINED_PER_BATCH,
    MIN_CHUNK_EVENTS,
};
use crate::collector::store::{BatchId, Store, StoreError, Written};
use crate::collector::{Flags, Intake, NewEvent, telemetry};

/// How the records of a body stand in it.
#[derive(Clone, Debug)]
pub(super) enum Form {
    /// Lines, or a JSON array.
    Records(Commas),
    /// Firehose's object, which has to name the same request.
    Firehose { request_id: String },
}

/// By what a repeat of the batch is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// What the sender calls it.
    Given(String),
    /// Its content.
    Content,
    /// Nothing: only its events are.
    None,
}

/// What becomes of a line that is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadLines {
    /// The batch is refused, and its sender mends it.
    Refuse,
    /// They are set aside without their content: the sender could not mend them.
    SetAside,
}

/// All that one batch needs. It owns its place: as long as it works, it counts.
pub(super) struct Job {
    pub(super) store: Arc<dyn Store>,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) reception: Arc<Reception>,
    pub(super) _place: Place,
    pub(super) rules: Rules,
    pub(super) coding: Coding,
    pub(super) form: Form,
    pub(super) name: Name,
    pub(super) bad_lines: BadLines,
    pub(super) received_ms: i64,
    pub(super) runtime: Handle,
}

impl Job {
    /// Takes the batch in. Blocks.
    pub(super) fn run(self, mut body: BodyReader) -> Result<Accepted, Fault> {
        let claimed = match &self.name {
            Name::Given(key) => Some(self.claim(ClaimName::Key(key.clone()))?),
            Name::Content | Name::None => None,
        };
        let known = match &self.name {
            Name::Given(key) => {
                self.catalogue.by_given_key(self.rules.tenant(), self.rules.intake(), key)?
            }
            Name::Content | Name::None => None,
        };
        // What holds nothing needs no key.
        if known.is_none() && self.rules.lacks_key() && !body.peek(1)?.is_empty() {
            return Err(Fault::NoKey);
        }
        let body = Inflated::new(body, self.coding)?;
        let accepted = match known {
            Some(known) => self.repeat(body, known),
            None => self.first(body),
        };
        drop(claimed);
        accepted
    }

    /// A batch whose key is known: its body has to be the same.
    fn repeat(&self, body: Inflated, known: RecordedBatch) -> Result<Accepted, Fault> {
        let mut taking = Taking::new(self, None);
        let (hash, _) = taking.read(body)?;
        if hash == known.body_hash { Ok(Accepted::repeat(&known)) } else { Err(Fault::OtherBody) }
    }

    fn first(&self, body: Inflated) -> Result<Accepted, Fault> {
        let batch = self.store.begin(self.rules.tenant(), self.rules.intake())?;
        let open = Open { store: &self.store, batch, is_over: false };
        let mut taking = Taking::new(self, Some(open));
        let (hash, bytes) = taking.read(body)?;
        taking.flush()?;
        taking.wait()?;
        taking.refuse_bad_lines()?;
        taking.refuse_unreadable()?;
        let mut claimed = None;
        if self.name == Name::Content {
            claimed = Some(self.claim(ClaimName::Body(hash))?);
            let since_ms = self.received_ms.saturating_sub(CONTENT_KEY_MS);
            let (tenant, intake) = (self.rules.tenant(), self.rules.intake());
            if let Some(known) = self.catalogue.by_content(tenant, intake, &hash, since_ms)? {
                return Ok(Accepted::repeat(&known));
            }
        }
        let accepted = taking.commit(hash, bytes);
        drop(claimed);
        accepted
    }

    fn claim(&self, name: ClaimName) -> Result<super::admission::Claimed, Fault> {
        let claim =
            Claim { tenant: self.rules.tenant().clone(), intake: self.rules.intake(), name };
        self.reception.claim(claim).ok_or(Fault::UnderWay)
    }
}

/// A batch that the store has begun: given up when it is dropped before its commit.
struct Open<'j> {
    store: &'j Arc<dyn Store>,
    batch: BatchId,
    is_over: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.store.abort(self.batch);
        }
    }
}

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
    fn new(job: &'j Job, open: Option<Open<'j>>) -> Self {
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
    fn read(&mut self, body: Inflated) -> Result<([u8; 32], u64), Fault> {
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
    fn flush(&mut self) -> Result<(), Fault> {
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

    fn wait(&mut self) -> Result<(), Fault> {
        let Some(writing) = self.writing.take() else { return Ok(()) };
        let written = self.job.runtime.block_on(writing).map_err(|_| StoreError::Closed)??;
        self.counts.stored += written.stored;
        self.counts.repeated += written.repeated;
        Ok(())
    }

    fn refuse_bad_lines(&mut self) -> Result<(), Fault> {
        if self.faults == 0 || self.job.bad_lines == BadLines::SetAside {
            return Ok(());
        }
        self.alarm();
        Err(Fault::Lines { listed: std::mem::take(&mut self.listed), count: self.faults })
    }

    /// A batch in clear of which nothing could be read comes in another form than its sender means to send: that
    /// is for somebody to mend, and the sender keeps it meanwhile. Logpush would drop it.
    fn refuse_unreadable(&mut self) -> Result<(), Fault> {
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
    fn commit(&mut self, body_hash: [u8; 32], bytes: u64) -> Result<Accepted, Fault> {
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
