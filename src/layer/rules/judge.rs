//! What becomes of one request: evaluated, counted, logged, and passed on or not.

use std::sync::Arc;

use arc_swap::ArcSwap;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, TE};
use http::{Request, Version, request};
use http_body::Body;

use super::body::{Reach, Reading};
use super::builder::Options;
use super::head::{Head, Known, Seen};
use super::origin::FieldOf;
use super::record::{Record, Records};
use super::sealing::Job;
use super::{GrpcBodies, RulesBody, RulesMatched};
use crate::route::Enforcement;
use crate::rules::request::{BodyEnd, RequestFacts};
use crate::rules::{Builtin, FieldId, Knows, Matches, Rule, RuleSet, UriDecoding};
use crate::telemetry::instruments::Stopwatch;

/// What the layer, all its services and all handles share.
pub(super) struct Shared {
    pub(super) present: ArcSwap<Present>,
    pub(super) options: Options,
    pub(super) records: Records,
}

/// The rule set that holds now, with its counts.
pub(super) struct Present {
    pub(super) rules: Arc<RuleSet>,
    /// In the order of the rules.
    records: Vec<Arc<Record>>,
    wants_body: bool,
    /// Fields of the application that this rule set knows.
    fields: Vec<(FieldId, FieldOf)>,
}

/// Judges one request by the rule set that held when it arrived.
pub(super) struct Judge {
    shared: Arc<Shared>,
    present: Arc<Present>,
}

/// What is done with a request next.
pub(super) enum Next<B: Body> {
    Judged(Judged<B>),
    /// Its body is read first.
    Read(request::Parts, Reading<B>),
}

#[expect(
    clippy::large_enum_variant,
    reason = "moved once; a box would be allocated for each request"
)]
pub(super) enum Judged<B: Body> {
    /// The application gets it.
    Call(Request<RulesBody<B>>),
    /// It goes no further.
    Answer(RulesMatched),
}

impl Shared {
    pub(super) fn new(rules: Arc<RuleSet>, options: Options) -> Self {
        let records = Records::default();
        let present = ArcSwap::from_pointee(Present::new(rules, &options, &records));
        Self { present, options, records }
    }

    pub(super) fn replace(&self, rules: Arc<RuleSet>) {
        self.present.store(Arc::new(Present::new(rules, &self.options, &self.records)));
    }
}

impl Present {
    fn new(rules: Arc<RuleSet>, options: &Options, records: &Records) -> Self {
        let of_rule = |rule: &Rule| records.of(&rule.id, rule.action.name());
        let records = rules.rules().iter().map(of_rule).collect();
        let scheme = rules.scheme();
        let known = |(name, of): &(String, FieldOf)| {
            let (id, field) = scheme.field(name)?;
            (field.knows() == Knows::Application).then(|| (id, Arc::clone(of)))
        };
        let fields = options.fields.iter().filter_map(known).collect();
        let wants_body = wants_body(&rules);
        Self { rules, records, wants_body, fields }
    }
}

impl Judge {
    pub(super) fn of(shared: &Arc<Shared>) -> Self {
        Self { shared: Arc::clone(shared), present: shared.present.load_full() }
    }

    /// Judges a request of which rules need no more than the head; reads the body of another.
    pub(super) fn head<B: Body<Data = Bytes>>(&self, request: Request<B>) -> Next<B> {
        let options = &self.shared.options;
        let (parts, body) = request.into_parts();
        if options.enforcement == Enforcement::Exempt || self.present.records.is_empty() {
            let request = Request::from_parts(parts, RulesBody::arriving(body));
            return Next::Judged(Judged::Call(request));
        }
        let is_empty = body.is_end_stream() || !self.present.wants_body;
        if is_empty || is_unseen(&parts, options.grpc) {
            let size = body.size_hint().exact();
            let end = if is_empty { BodyEnd::Whole } else { BodyEnd::Truncated { size } };
            let seen = Seen { body: Bytes::new(), end };
            return Next::Judged(self.judge(parts, seen, RulesBody::arriving(body)));
        }
        let reach = Reach { bytes: options.body_bytes, wait: options.body_wait };
        Next::Read(parts, Reading::new(body, reach))
    }

    /// Judges a request whose body was read.
    pub(super) fn read<B: Body<Data = Bytes>>(
        &self,
        parts: request::Parts,
        reading: Reading<B>,
    ) -> Judged<B> {
        let (body, end, passed_on) = reading.finish();
        self.judge(parts, Seen { body, end }, passed_on)
    }

    fn judge<B: Body>(
        &self,
        mut parts: request::Parts,
        seen: Seen,
        body: RulesBody<B>,
    ) -> Judged<B> {
        let Shared { options, records, .. } = &*self.shared;
        let Present { rules, .. } = &*self.present;
        let stopwatch = Stopwatch::start();
        let known = self.known(&parts);
        let scheme = rules.scheme();
        let matches = Head::of(&parts).show(scheme, &known, &seen, |view| {
            let facts = RequestFacts::new(view, scheme, |decoding| rules.wants(decoding));
            rules.evaluate(&facts)
        });
        records.evaluated(seen.end != BodyEnd::Whole, stopwatch);

        let Some(matched) = self.matched(&matches, &parts) else {
            parts.extensions.remove::<RulesMatched>();
            return Judged::Call(Request::from_parts(parts, body));
        };
        let status = matched.status().filter(|_| options.enforcement == Enforcement::Enforce);
        self.log(&matches, &matched, status.map(|status| status.as_u16()), &parts, known, seen);
        if status.is_some() {
            return Judged::Answer(matched);
        }
        parts.extensions.insert(matched);
        Judged::Call(Request::from_parts(parts, body))
    }

    /// What is known beside the request.
    fn known(&self, parts: &request::Parts) -> Known {
        let options = &self.shared.options;
        let scheme = self.present.rules.scheme();
        let fields = self.present.fields.iter();
        let registered = fields.filter_map(|(id, of)| {
            let value = of(parts)?;
            let is_typed = scheme.field_at(*id).is_some_and(|field| value.is(field.ty()));
            if !is_typed {
                tracing::debug!(target: "wafpass::rules", field = ?id, "a value is not of its field's type, and left out");
            }
            is_typed.then_some((*id, value))
        });
        Known {
            scheme: options.scheme_of(parts),
            client: options.client.of(parts),
            country: options.country.clone(),
            timestamp_ms: options.clock.now_ms(),
            registered: registered.collect(),
        }
    }

    /// Counts the rules that matched, if any did.
    fn matched(&self, matches: &Matches, parts: &request::Parts) -> Option<RulesMatched> {
        let deciding = matches.deciding()?;
        let of = |index: &usize| self.present.records.get(*index);
        let enforcement = self.shared.options.enforcement;
        let records = || matches.rules().iter().filter_map(of);
        records().for_each(|record| record.matched(enforcement));
        Some(RulesMatched {
            rule_id: Arc::clone(&of(&deciding)?.id),
            action: matches.action()?,
            rules: records().map(|record| Arc::clone(&record.id)).collect(),
            ray_id: self.shared.options.ray_id.of(parts).into(),
        })
    }

    /// Gives the request to be sealed, if its rule is within its rate. Copied is what is admitted, and
    /// no more.
    fn log(
        &self,
        matches: &Matches,
        matched: &RulesMatched,
        status: Option<u16>,
        parts: &request::Parts,
        known: Known,
        seen: Seen,
    ) {
        let Options { enforcement, log, .. } = &self.shared.options;
        let deciding = matches.deciding().and_then(|index| self.present.records.get(index));
        let Some(record) = deciding else { return };
        record.log(*enforcement, &matched.ray_id);
        if let Some(log) = log.as_ref().filter(|log| log.admits(record)) {
            log.give(Job {
                rules: Arc::clone(&self.present.rules),
                matches: matches.clone(),
                matched: matched.clone(),
                record: Arc::clone(record),
                status,
                snapshot: Head::of(parts).snapshot(known, seen),
            });
        }
    }
}

/// Whether a rule looks at bodies.
fn wants_body(rules: &RuleSet) -> bool {
    let wanted: Vec<_> = [UriDecoding::None, UriDecoding::Url]
        .into_iter()
        .filter_map(|decoding| rules.wants(decoding))
        .collect();
    rules.scheme().fields().any(|(id, field)| {
        matches!(field.knows(), Knows::Request(builtin) if is_of_body(builtin))
            && wanted.iter().any(|wanted| wanted.contains(id))
    })
}

const fn is_of_body(builtin: Builtin) -> bool {
    use Builtin as B;

    matches!(
        builtin,
        B::BodyRaw
            | B::BodySize
            | B::BodyTruncated
            | B::BodyMime
            | B::Form
            | B::FormNames
            | B::FormValues
            | B::Multipart
            | B::MultipartNames
            | B::MultipartValues
            | B::MultipartFilenames
            | B::MultipartContentTypes
            | B::MultipartContentDispositions
            | B::MultipartContentTransferEncodings
    )
}

/// Whether a body passes unread, because it is of a gRPC call and somebody asked for that. A tunnel has
/// none: what is in it comes after the answer.
fn is_unseen(parts: &request::Parts, grpc: GrpcBodies) -> bool {
    let begins = |name, start: &[u8]| {
        let value = parts.headers.get(name).map(http::HeaderValue::as_bytes);
        value
            .and_then(|value| value.get(..start.len()))
            .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    // gRPC over HTTP/2, PROTOCOL-HTTP2.md: both fields are required.
    grpc == GrpcBodies::Unseen
        && parts.version == Version::HTTP_2
        && begins(CONTENT_TYPE, b"application/grpc")
        && begins(TE, b"trailers")
}
