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

/// Texts that were stored though not all was tried that may be a private key.
pub(crate) fn untried(texts: u64) {
    counter!("wafpass_collector_untried_texts_total").increment(texts);
}

/// A connection that was accepted.
pub(crate) fn connection() {
    counter!("wafpass_collector_connections_total").increment(1);
}

/// Free bytes where the data folder is.
pub(crate) fn free_bytes(bytes: u64) {
    // Whole MiB, so that they fit: 4 EiB.
    let mib = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
    gauge!("wafpass_collector_free_bytes").set(f64::from(mib) * 1_048_576.0);
}

/// How long a query took.
pub(crate) fn query(name: &'static str, seconds: f64) {
    histogram!("wafpass_collector_query_seconds", "query" => name).record(seconds);
}

/// Waits for a query's answer and records how long it took.
pub(crate) async fn timed<T>(name: &'static str, answer: impl Future<Output = T>) -> T {
    let begun = crate::clock::monotonic();
    let answered = answer.await;
    query(name, crate::clock::monotonic().duration_since(begun).as_secs_f64());
    answered
}

/// How long a durable commit took.
pub(crate) fn commit(seconds: f64) {
    histogram!("wafpass_collector_commit_seconds").record(seconds);
}

/// Chunks that wait for the writer.
pub(crate) fn writer_queue(chunks: usize) {
    gauge!("wafpass_collector_writer_queue").set(u32::try_from(chunks).unwrap_or(u32::MAX));
}

/// A request that was not let in, by reason.
pub(crate) fn auth_failed(reason: &'static str) {
    counter!("wafpass_collector_auth_failures_total", "reason" => reason).increment(1);
}

/// What waits on the disk while ClickHouse is away: batches, and bytes of the folder.
#[cfg(feature = "clickhouse")]
pub(crate) fn spool(batches: u64, bytes: u64) {
    gauge!("wafpass_collector_spool_batches").set(approximately(batches));
    gauge!("wafpass_collector_spool_bytes").set(approximately(bytes));
}

/// A gauge is a float.
#[cfg(feature = "clickhouse")]
fn approximately(number: u64) -> f64 {
    let half = |bits: u64| u32::try_from(bits).map_or(f64::MAX, f64::from);
    half(number >> 32) * 4_294_967_296.0 + half(number & 0xffff_ffff)
}
