//! Small events by hand, and random ones.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;
use wafpass::collector::catalogue::{BatchCounts, BatchKey, BatchRecord};
use wafpass::collector::store::{BatchId, Store, StoreError, Written};
use wafpass::collector::{
    EventId, EventTime, Field, FieldValues, Flags, Intake, NewEvent, SealedText, StoredEvent,
    TenantId,
};

/// 2026-11-22T00:00:00Z: a day begins.
pub(crate) const MIDNIGHT: EventTime = EventTime(1_795_305_600_000_000_000);
pub(crate) const SECOND: i64 = 1_000_000_000;
pub(crate) const HOUR: i64 = 3_600 * SECOND;
pub(crate) const DAY: i64 = 24 * HOUR;

pub(crate) fn acme() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(crate) fn globex() -> TenantId {
    TenantId::new("globex").unwrap()
}

/// A moment so many seconds after [`MIDNIGHT`].
pub(crate) fn at(seconds: i64) -> EventTime {
    EventTime(MIDNIGHT.0 + seconds * SECOND)
}

pub(crate) fn id(number: u128) -> EventId {
    EventId(number.to_be_bytes())
}

/// An event so many seconds after midnight.
pub(crate) fn event(seconds: i64, number: u128) -> NewEvent {
    NewEvent::new(at(seconds), id(number), Intake::Native)
}

/// The same event with a field.
pub(crate) fn with(mut event: NewEvent, field: Field, value: &str) -> NewEvent {
    assert!(FieldValues::is_valid(field, value), "{value:?} is no value of {field:?}");
    event.fields.set(field, value);
    event
}

/// An event with all that an event can have.
pub(crate) fn full_event(seconds: i64, number: u128) -> NewEvent {
    let mut event = event(seconds, number);
    for field in Field::ALL {
        let value = match field {
            Field::ClientIp => "2001:db8::7".to_owned(),
            Field::MatchIndex => "0".to_owned(),
            Field::ClientAsn => u32::MAX.to_string(),
            Field::EdgeResponseStatus => "403".to_owned(),
            Field::OriginResponseStatus => "200".to_owned(),
            other => format!("{} of {number}: ü % _ \\ ' \" \u{0} \n 末", other.column()),
        };
        event.fields.set(field, &value);
    }
    event.intake = Intake::AwsWaf;
    event.datetime = r#""2026-11-22T00:00:00.000000001+00:00""#.to_owned();
    event.rest = r#"{"FraudUserID":"","ContentScanObjTypes":["a","b"]}"#.to_owned();
    event.metadata = r#"{"version":"81","nested":{"a":[1,2.50,null]}}"#.to_owned();
    event.blob = Some(SealedText::Blob((0..=255).collect()));
    event.sealed_request = Some(vec![0, 1, 2, 255]);
    event.flags = Flags(0x7f);
    event
}

/// No two batches of a test have the same body.
static BODIES: AtomicU64 = AtomicU64::new(1);

/// What becomes durable with a batch that stored so much.
pub(crate) fn record(tenant: &TenantId, written: Written) -> BatchRecord {
    let counts = BatchCounts {
        stored: written.stored,
        repeated: written.repeated,
        ..BatchCounts::default()
    };
    BatchRecord {
        tenant: tenant.clone(),
        intake: Intake::Native,
        key: BatchKey::Content,
        body_hash: BODIES
            .fetch_add(1, Ordering::Relaxed)
            .to_be_bytes()
            .repeat(4)
            .try_into()
            .unwrap(),
        received_ms: MIDNIGHT.as_ms(),
        counts,
        quarantined: Vec::new(),
    }
}

/// Begins a batch with these events, and leaves it open.
pub(crate) async fn write(
    store: &dyn Store,
    tenant: &TenantId,
    events: Vec<NewEvent>,
) -> Result<(BatchId, Written), StoreError> {
    let batch = store.begin(tenant, Intake::Native)?;
    let written = store.write(batch, events).await;
    if written.is_err() {
        store.abort(batch);
    }
    Ok((batch, written?))
}

/// Stores events as one batch.
pub(crate) async fn put(store: &dyn Store, tenant: &TenantId, events: Vec<NewEvent>) -> BatchId {
    let (batch, written) = write(store, tenant, events).await.expect("written");
    store.commit(batch, record(tenant, written)).await.expect("committed");
    batch
}

/// A value of a field: few different ones, so that conditions and repeats hit, and the odd ones that
/// SQL and text functions stumble over.
pub(crate) fn value(field: Field) -> BoxedStrategy<String> {
    let of =
        |values: &'static [&'static str]| proptest::sample::select(values).prop_map(str::to_owned);
    match field {
        Field::ClientIp => of(&[
            "203.0.113.7",
            "203.0.113.8",
            "10.0.0.1",
            "2001:db8::7",
            "2001:db8:1::",
            "::",
            "::1",
        ])
        .boxed(),
        Field::MatchIndex
        | Field::ClientAsn
        | Field::EdgeResponseStatus
        | Field::OriginResponseStatus => of(&["0", "7", "403", "4294967295"]).boxed(),
        _ => of(&[
            "", "a", "A", "ab", "aB%", "a_b", "a\\b", "a*b", "/admin/x", "/ADMIN/", "ä", "Ä", "末",
            "a\0b", "[a]", "?",
        ])
        .boxed(),
    }
}

/// The fields that random events have and random conditions ask for: one of each kind and index.
pub(crate) const ASKED: [Field; 8] = [
    Field::Action,
    Field::RuleId,
    Field::Host,
    Field::Path,
    Field::ClientIp,
    Field::ClientAsn,
    Field::RayId,
    Field::ClientCountry,
];

/// A random event, short to read where a test prints it.
#[derive(Clone, PartialEq)]
pub(crate) struct Sketch {
    /// Nanoseconds after [`MIDNIGHT`].
    after_ns: i64,
    id: u128,
    intake: Intake,
    fields: Vec<(Field, String)>,
    blob: Option<SealedText>,
}

impl Sketch {
    pub(crate) fn event(&self) -> NewEvent {
        let mut event =
            NewEvent::new(EventTime(MIDNIGHT.0 + self.after_ns), id(self.id), self.intake);
        for (field, value) in &self.fields {
            event.fields.set(*field, value);
        }
        event.blob = self.blob.clone();
        event.datetime = event.at.0.to_string();
        event
    }
}

impl fmt::Debug for Sketch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{:+}ns {}", self.id, self.after_ns, self.intake.name())?;
        self.fields
            .iter()
            .try_for_each(|(field, value)| write!(f, " {}={value:?}", field.column()))?;
        match &self.blob {
            Some(blob) => write!(f, " {blob:?}"),
            None => Ok(()),
        }
    }
}

/// Events of three days around [`MIDNIGHT`], with few ids and few moments: many are repeats.
pub(crate) fn any_event() -> impl Strategy<Value = Sketch> {
    let after_ns = prop_oneof![
        4 => (-2_i64..3).prop_map(|seconds| seconds * SECOND),
        2 => (-30_i64..30).prop_map(|hours| hours * HOUR),
        1 => -2_i64..3,
    ];
    let fields = ASKED.map(|field| proptest::option::weighted(0.6, value(field)));
    let intake = proptest::sample::select(&Intake::ALL);
    let blob = proptest::sample::select(vec![
        None,
        Some(SealedText::Blob(vec![3, 0, 255])),
        Some(SealedText::Other("truncated".to_owned())),
    ]);
    (after_ns, 0_u128..12, fields, intake, blob).prop_map(|(after_ns, id, fields, intake, blob)| {
        let fields = ASKED.into_iter().zip(fields);
        let fields = fields.filter_map(|(field, value)| Some((field, value?))).collect();
        Sketch { after_ns, id, intake, fields, blob }
    })
}

/// What a test prints of an event.
pub(crate) fn brief(one: &StoredEvent) -> String {
    let number = u128::from_be_bytes(one.event.id.0);
    format!("{number}@{:+}ns", one.event.at.0 - MIDNIGHT.0)
}
