//! From a request that matched to an event: traced, extracted, sealed, on the thread of the log.

use std::sync::Arc;

use bytes::Bytes;

use super::head::Snapshot;
use super::record::Record;
use super::{BlobVersion, EventSink, RulesMatched};
use crate::matched_data::{
    ClearText, DenyList, Event, EventParts, PublicKey, Refused, SealError, Traced, extract,
};
use crate::rules::request::{RequestFacts, RequestView};
use crate::rules::{Action, Matches, RuleSet};

/// What a log seals with, and for whom.
pub(super) struct Sealing {
    pub(super) tenant: Box<str>,
    pub(super) key: PublicKey,
    pub(super) sink: Box<dyn EventSink>,
    pub(super) version: BlobVersion,
    pub(super) clear: ClearText,
    pub(super) deny: DenyList,
}

/// A request that waits to be sealed, and what matched it.
pub(super) struct Job {
    pub(super) rules: Arc<RuleSet>,
    pub(super) matches: Matches,
    pub(super) matched: RulesMatched,
    /// Of the rule that decided.
    pub(super) record: Arc<Record>,
    /// The status of the answer, where the layer gave it.
    pub(super) status: Option<u16>,
    pub(super) snapshot: Snapshot,
}

impl Job {
    /// What was done: in report-only a rule that would have stopped the request has only logged it.
    fn done(&self) -> &'static str {
        let action = self.matched.action;
        let is_let_pass = self.matched.status().is_some() && self.status.is_none();
        if is_let_pass { Action::Log.name() } else { action.name() }
    }
}

/// Why a request was not sealed.
pub(super) enum NotSealed {
    Seal,
    /// An id is longer than a binding may hold.
    Binding,
}

impl From<SealError> for NotSealed {
    fn from(_: SealError) -> Self {
        Self::Seal
    }
}

impl From<Refused> for NotSealed {
    fn from(_: Refused) -> Self {
        Self::Binding
    }
}

impl Sealing {
    /// The event of a request, as one line.
    pub(super) fn seal(&self, job: &Job) -> Result<Bytes, NotSealed> {
        let scheme = job.rules.scheme();
        let event = job.snapshot.show(scheme, |view| self.seal_view(job, view))?;
        Ok(event.to_line().into())
    }

    fn seal_view(&self, job: &Job, view: &RequestView<'_>) -> Result<Event, NotSealed> {
        let Self { key, version, deny, .. } = self;
        let (rules, scheme) = (&job.rules, job.rules.scheme());
        let facts = RequestFacts::new(view, scheme, |decoding| rules.wants(decoding));
        let numbers = job.matches.rules().iter();
        let matched: Vec<_> = numbers
            .filter_map(|number| Some((rules.rule(*number)?, rules.trace(*number, &facts))))
            .collect();
        let traced: Vec<_> = matched
            .iter()
            .map(|(rule, trace)| Traced { rule: &rule.id, decoding: rule.uri_decoding, trace })
            .collect();
        let payload = extract(view, scheme, &traced, deny);
        let event = self.event(job, view)?;
        Ok(match version {
            BlobVersion::V3 => event.seal_v3(&payload, key)?,
            BlobVersion::V4 => event.seal_v4(&payload, key)?,
        })
    }

    fn event(&self, job: &Job, view: &RequestView<'_>) -> Result<Event, Refused> {
        let matched = &job.matched;
        let rule = job.matches.deciding().and_then(|number| job.rules.rule(number));
        let others: Vec<&str> =
            matched.rules.iter().map(|id| &**id).filter(|id| *id != &*matched.rule_id).collect();
        let parts = EventParts {
            tenant: &self.tenant,
            ray_id: &matched.ray_id,
            match_index: 0, // one event stands for all rules
            rule_id: &matched.rule_id,
            description: rule.and_then(|rule| rule.description.as_deref()).unwrap_or_default(),
            action: job.done(),
            other_rules: &others,
            status: job.status,
            asn: None,
            uri: self.clear,
        };
        Event::new(view, &parts, &self.deny)
    }
}
