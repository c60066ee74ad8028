//! How many requests are remembered.

use crate::config::fault::Faults;
use crate::config::schema::Replay;
use crate::policy::Freshness;
use crate::replay::Capacity;

/// The room, from what is written or from the rate.
pub(super) fn capacity(
    replay: &Replay,
    freshness: Option<Freshness>,
    faults: &mut Faults<'_>,
) -> Option<Capacity> {
    let needed = match (replay.requests_per_second, freshness) {
        (Some(rate), Some(freshness)) => Some(rate.saturating_mul(kept_s(freshness))),
        _ => None,
    };
    let total = replay.capacity.or(needed).unwrap_or(Replay::default_capacity());
    if let Some(needed) = needed.filter(|needed| total < *needed) {
        let fault =
            format!("room for {total} requests is too little: {needed} can be there at once");
        let way_out = format!(
            "raise capacity to {needed} (requests_per_second x (max_age + 2 x skew + 1)), or leave it out"
        );
        faults.add("replay.capacity", fault, way_out);
    }
    let written = match (replay.capacity, needed) {
        (None, Some(_)) => "requests_per_second",
        _ => "capacity",
    };
    refuse_no_room(written, total, faults);
    if let Some(per_key) = replay.capacity_per_key {
        refuse_no_room("capacity_per_key", per_key, faults);
    }
    let per_key = replay.capacity_per_key.unwrap_or(total);
    if per_key > total {
        let fault = format!("a key cannot have more room ({per_key}) than all keys have ({total})");
        faults.add("replay.capacity_per_key", fault, "lower it, or raise capacity");
    }
    Some(Capacity { total: usize::try_from(total).ok()?, per_key: usize::try_from(per_key).ok()? })
}

fn refuse_no_room(key: &str, amount: u64, faults: &mut Faults<'_>) {
    let at = format!("replay.{key}");
    if amount == 0 {
        faults.add(&at, "room for 0 requests would refuse every request", ROOM);
    } else if usize::try_from(amount).is_err() {
        faults.add(&at, "that is more than this machine can count", ROOM);
    }
}

const ROOM: &str = "give it room: requests per second x (max_age + 2 x skew + 1)";

/// How many seconds of requests can be remembered at once: dates from `max_age` ago to `skew` ahead,
/// each kept for the skew after that.
fn kept_s(freshness: Freshness) -> u64 {
    let retention = freshness.retention();
    u64::from(retention.max_age_s) + 2 * u64::from(retention.skew_s) + 1
}
