//! Freshness: a preset, what the CDN's retries need, or a window of one's own.

use super::fault::Faults;
use super::schema::FreshnessTable;
use super::units::Seconds;
use crate::limits::{MAX_MAX_AGE_S, MAX_SKEW_S, MAX_USES};
use crate::policy::Freshness;

/// `CloudFront`'s own number of attempts for each origin.
const ATTEMPTS: u8 = 3;
/// `CloudFront`'s own timeouts, where a window is judged without being told others.
const CONNECTION_TIMEOUT: Seconds = Seconds(10);
const RESPONSE_TIMEOUT: Seconds = Seconds(30);
/// Skew of every preset.
const SKEW: Seconds = Seconds(5);

const CHOICES: &str =
    "choose one: preset; attempts with connection_timeout and response_timeout; max_age";

pub(super) fn freshness(table: &FreshnessTable, faults: &mut Faults<'_>) -> Option<Freshness> {
    match table {
        FreshnessTable { preset: Some(preset), .. } => {
            refuse(table, "preset", &PRESET_EXCLUDES, faults);
            Some(preset.freshness())
        }
        FreshnessTable { max_age: Some(max_age), .. } => {
            refuse(table, "max_age", &MAX_AGE_EXCLUDES, faults);
            custom(table, *max_age, faults)
        }
        FreshnessTable { attempts: None, origins: None, connection_timeout: None, .. }
            if table.response_timeout.is_none() =>
        {
            let fault = "how old may a signature be? There is no default";
            faults.add("freshness", fault, CHOICES);
            None
        }
        _ => {
            refuse(table, "attempts", &ATTEMPTS_EXCLUDES, faults);
            for_retries(table, faults)
        }
    }
}

const PRESET_EXCLUDES: [&str; 7] =
    ["max_age", "skew", "uses", "attempts", "origins", "connection_timeout", "response_timeout"];
const MAX_AGE_EXCLUDES: [&str; 2] = ["attempts", "origins"];
const ATTEMPTS_EXCLUDES: [&str; 2] = ["skew", "uses"];

/// Keys that do not go together with `chosen`.
fn refuse(table: &FreshnessTable, chosen: &str, excluded: &[&str], faults: &mut Faults<'_>) {
    let is_there = |key: &str| match key {
        "max_age" => table.max_age.is_some(),
        "skew" => table.skew.is_some(),
        "uses" => table.uses.is_some(),
        "attempts" => table.attempts.is_some(),
        "origins" => table.origins.is_some(),
        "connection_timeout" => table.connection_timeout.is_some(),
        _ => table.response_timeout.is_some(),
    };
    for key in excluded.iter().filter(|key| is_there(key)) {
        let fault = format!("`{key}` does not go together with `{chosen}`");
        faults.add(&format!("freshness.{key}"), fault, CHOICES);
    }
}

/// `max_age` and `uses` from the CDN's attempts (edge signature §3, Freshness presets).
fn for_retries(table: &FreshnessTable, faults: &mut Faults<'_>) -> Option<Freshness> {
    for (key, is_there) in [
        ("connection_timeout", table.connection_timeout.is_some()),
        ("response_timeout", table.response_timeout.is_some()),
    ] {
        if !is_there {
            let fault = format!("`{key}` is missing: the time between two attempts depends on it");
            let way_out = "write what the CDN is set to; CloudFront has 10s to connect and 30s to respond unless set";
            faults.add(&format!("freshness.{key}"), fault, way_out);
        }
    }
    let wait = table.connection_timeout?.0.saturating_add(table.response_timeout?.0);
    let attempts = table.attempts.unwrap_or(ATTEMPTS).saturating_mul(table.origins.unwrap_or(1));
    if !(1..=MAX_USES).contains(&attempts) {
        let at = if table.attempts.is_some() { "freshness.attempts" } else { "freshness.origins" };
        let fault =
            format!("`attempts` times `origins` is {attempts}, and that many uses are not granted");
        faults.add(at, fault, format!("keep it from 1 to {MAX_USES}"));
        return None;
    }
    let at = "freshness.response_timeout";
    faults.take(at, Freshness::for_retries(attempts, wait))
}

fn custom(table: &FreshnessTable, max_age: Seconds, faults: &mut Faults<'_>) -> Option<Freshness> {
    let (skew, uses) = (table.skew.unwrap_or(SKEW), table.uses.unwrap_or(1));
    if max_age.0 == 0 {
        let fault = "a `max_age` of 0 s would refuse what was signed a second ago";
        faults.add("freshness.max_age", fault, "allow for the way from the edge; 60s is strict");
        return None;
    }
    let at = if skew.0 > MAX_SKEW_S && max_age.0 <= MAX_MAX_AGE_S { "skew" } else { "max_age" };
    let window = faults.take(&format!("freshness.{at}"), Freshness::custom(max_age.0, skew.0))?;
    let window = faults.take("freshness.uses", window.with_uses(uses))?;
    refuse_short(table, max_age, skew, uses, faults);
    Some(window)
}

/// A use that comes too late to be accepted does not let a retry through.
fn refuse_short(
    table: &FreshnessTable,
    max_age: Seconds,
    skew: Seconds,
    uses: u8,
    faults: &mut Faults<'_>,
) {
    let connection = table.connection_timeout.unwrap_or(CONNECTION_TIMEOUT);
    let response = table.response_timeout.unwrap_or(RESPONSE_TIMEOUT);
    let waits = u32::from(uses.saturating_sub(1));
    let wait = connection.0.saturating_add(response.0).saturating_mul(waits);
    let needed = wait.saturating_add(skew.0);
    if uses > 1 && max_age.0 < needed {
        let fault = format!(
            "attempt {uses} can come {wait} s after the first, and `max_age` {max_age} refuses it"
        );
        let way_out = format!(
            "raise max_age to {} or more, lower uses, or write the CDN's connection_timeout and response_timeout (taken as {connection} and {response})",
            Seconds(needed)
        );
        faults.add("freshness.max_age", fault, way_out);
    }
}
