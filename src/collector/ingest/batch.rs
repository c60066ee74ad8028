//! One batch, from its body to its commit: in a thread of its own.

use std::sync::Arc;

use tokio::runtime::Handle;

use super::Accepted;
use super::admission::{Claim, ClaimName, Claimed, Place, Reception};
use super::body::BodyReader;
use super::fault::Fault;
use super::inflate::{Coding, Inflated};
use super::records::Commas;
use super::rules::Rules;
use super::taking::Taking;
use crate::collector::catalogue::{Catalogue, RecordedBatch};
use crate::collector::limits::CONTENT_KEY_MS;
use crate::collector::store::{BatchId, Store};

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

    fn claim(&self, name: ClaimName) -> Result<Claimed, Fault> {
        let claim =
            Claim { tenant: self.rules.tenant().clone(), intake: self.rules.intake(), name };
        self.reception.claim(claim).ok_or(Fault::UnderWay)
    }
}

/// A batch that the store has begun: given up when it is dropped before its commit.
pub(super) struct Open<'j> {
    store: &'j Arc<dyn Store>,
    pub(super) batch: BatchId,
    pub(super) is_over: bool,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.store.abort(self.batch);
        }
    }
}
