//! What the collector counts. All names begin with `wafpass_collector_`.

use metrics::{counter, gauge, histogram};

use super::Intake;
use super::catalogue::QuarantineCode;

/// Events of a batch that was acknowledged, by what became of them.
pub(crate) fn events(intake: Intake, outcome: &'static str, count: u64) {
    counter!("wafpass_collector_events_total", "intake" => intake.name(), "outcome" => outcome)
        .increment(count);
}

/// A batch, by how it was answered: `stored`, `repeated`, or a problem's code.
pub(crate) fn batch(intake: Intake, outcome: &'static str) {
    counter!("wafpass_collector_batches_total", "intake" => intake.name(), "outcome" => outcome)
        .increment(1);
}

/// Lines that were set aside.
pub(crate) fn quarantined(code: QuarantineCode, count: u64) {
    counter!("wafpass_collector_quarantined_total", "code" => code.code()).increment(count);
}

/// Something that a human has to look at: `unknown-key`, `private-key`, `quarantine`, `spool` ….
pub(crate) fn alarm(kind: &'static str) {
    counter!("wafpass_collector_alarms_total", "kind" => kind).increment(1);
}

/// How long a query took.
pub(crate) fn query(name: &'static str, seconds: f64) {
    histogram!("wafpass_collector_query_seconds", "query" => name).record(seconds);
}

/// How long a durable commit took.
pub(crate) fn commit(seconds: f64) {
    histogram!("wafpass_collector_commit_seconds").record(seconds);
}

/// Chunks that wait for the writer.
pub(crate) fn writer_queue(chunks: usize) {
    gauge!("wafpass_collector_writer_queue").set(u32::try_from(chunks).unwrap_or(u32::MAX));
}
