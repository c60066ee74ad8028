//! The names of the metrics. `docs/operating.md` says what to make of each.

/// Counter: requests, by `verdict` (`accepted`, `refused`, `reported`, `exempt`), `reason` (empty
/// unless refused or reported), `route` and `key_id`.
pub const REQUESTS: &str = "wafpass_requests_total";
/// Histogram: seconds from the head's arrival to the verdict on it, without the body, by `route`.
pub const VERIFY_SECONDS: &str = "wafpass_verify_seconds";
/// Histogram: age of signatures with a right MAC in seconds, by `key_id`; below 0 where the edge's
/// clock is ahead.
pub const SIGNATURE_AGE: &str = "wafpass_signature_age_seconds";
/// Gauge: median age of the signatures of the last minute in seconds, by `key_id`.
pub const SIGNATURE_AGE_MEDIAN: &str = "wafpass_signature_age_median_seconds";
/// Counter: requests accepted as the second use of a signature or a later one, by `key_id`.
pub const RETRIES: &str = "wafpass_retries_total";
/// Gauge: 1 for each key that is loaded and counts now or later, 0 for one that is revoked or gone, by
/// `key_id`.
pub const KEY_LOADED: &str = "wafpass_key_loaded";
/// Gauge: Unix time at which this key signed the first request that came, by `key_id`; absent before it.
pub const KEY_FIRST_USED: &str = "wafpass_key_first_used_timestamp_seconds";
/// Gauge: Unix time at which this key signed the newest request that came, by `key_id`; absent before the
/// first. Who sends an old one again does not move it.
pub const KEY_LAST_USED: &str = "wafpass_key_last_used_timestamp_seconds";
/// Gauge: requests that the replay store of this process remembers.
pub const REPLAY_ENTRIES: &str = "wafpass_replay_entries";
/// Gauge: requests that it may remember before it refuses new ones.
pub const REPLAY_CAPACITY: &str = "wafpass_replay_capacity";
/// Gauge: 1 while the replay store that the fleet shares is being asked; absent where there is none.
pub const SHARED_CONNECTED: &str = "wafpass_replay_shared_connected";
/// Gauge: 1 while requests may have passed that the shared store does not know of.
pub const SHARED_DEGRADED: &str = "wafpass_replay_shared_degraded";
/// Gauge: requests decided by this origin alone that the shared store does not know of yet.
pub const SHARED_UNWRITTEN: &str = "wafpass_replay_shared_unwritten";
/// Counter: requests that the shared store was asked about.
pub const SHARED_ASKED: &str = "wafpass_replay_shared_asked_total";
/// Counter: those of them that it did not answer, or with an error.
pub const SHARED_FAILED: &str = "wafpass_replay_shared_failed_total";
/// Counter: how often the shared store was given up for a while.
pub const SHARED_OPENED: &str = "wafpass_replay_shared_opened_total";
/// Counter: requests that this origin decided alone, while the shared store did not answer.
pub const SHARED_DECIDED_LOCALLY: &str = "wafpass_replay_shared_decided_locally_total";
/// Counter: those of them that the shared store was told of since.
pub const SHARED_WRITTEN_BACK: &str = "wafpass_replay_shared_written_back_total";
/// Counter: attempts to reload the configuration, by `result` (`replaced`, `refused`).
pub const RELOADS: &str = "wafpass_config_reloads_total";
/// Gauge: Unix time since which the present configuration holds.
pub const CONFIG_LOADED: &str = "wafpass_config_loaded_timestamp_seconds";
/// Gauge: 1 while the newest configuration is a broken one and an older one holds.
pub const CONFIG_REFUSED: &str = "wafpass_config_refused";
/// Counter: log events of refused requests that were left out, since there were too many.
pub const LOG_SUPPRESSED: &str = "wafpass_log_suppressed_total";
/// Gauge: Unix time at which this process began to count.
pub const STARTED: &str = "wafpass_started_timestamp_seconds";
/// Counter: requests that rules have looked at.
pub const RULES_EVALUATED: &str = "wafpass_rules_evaluated_total";
/// Histogram: seconds that rules take for one request, the body's arrival not counted.
pub const RULES_SECONDS: &str = "wafpass_rules_evaluate_seconds";
/// Counter: requests whose body rules did not see to its end.
pub const RULES_TRUNCATED: &str = "wafpass_rules_bodies_truncated_total";
/// Counter: matches, by `rule_id`, `action` (`log`, `block`, `challenge`, `skip`) and `enforcement`
/// (`enforce`, `report-only`).
pub const RULES_MATCHES: &str = "wafpass_rules_matches_total";
/// Counter: events that were sealed and that the sink took, by `rule_id` of the rule that decided.
pub const RULES_EVENTS: &str = "wafpass_rules_events_total";
/// Counter: events that are lost, by `rule_id` and `reason` (`rule-rate`, `total-rate`, `queue-full`,
/// `not-sealed`, `not-taken`, `closed`).
pub const RULES_EVENTS_LOST: &str = "wafpass_rules_events_lost_total";
/// Gauge: requests that wait to be sealed.
pub const RULES_EVENTS_WAITING: &str = "wafpass_rules_events_waiting";
/// Counter: sealed events that a shipper took.
pub const SHIP_EVENTS: &str = "wafpass_ship_events_total";
/// Counter: those of them that the collector has.
pub const SHIP_SENT: &str = "wafpass_ship_sent_total";
/// Counter: events that are lost, by `reason` (`queue-full`, `malformed`, `closed`, `spool-full`,
/// `spool-failed`, `refused`, `shutdown`).
pub const SHIP_DROPPED: &str = "wafpass_ship_dropped_total";
/// Counter: events that were set aside in a folder of the spool, by `reason` (`refused`, `corrupt`).
pub const SHIP_SET_ASIDE: &str = "wafpass_ship_set_aside_total";
/// Counter: requests to the collector, by `result` (`accepted`, `later`, `refused`).
pub const SHIP_ATTEMPTS: &str = "wafpass_ship_attempts_total";
/// Gauge: 1 while the collector takes no events.
pub const SHIP_AWAY: &str = "wafpass_ship_collector_away";
/// Gauge: events that wait in memory.
pub const SHIP_WAITING: &str = "wafpass_ship_waiting_events";
/// Gauge: events that wait on the disk.
pub const SHIP_SPOOL_EVENTS: &str = "wafpass_ship_spool_events";
/// Gauge: bytes of the spool folder.
pub const SHIP_SPOOL_BYTES: &str = "wafpass_ship_spool_bytes";
/// Gauge: bytes that it may hold before events are lost.
pub const SHIP_SPOOL_CAPACITY: &str = "wafpass_ship_spool_capacity_bytes";

/// Every name.
pub const ALL: &[&str] = &[
    REQUESTS,
    VERIFY_SECONDS,
    SIGNATURE_AGE,
    SIGNATURE_AGE_MEDIAN,
    RETRIES,
    KEY_LOADED,
    KEY_FIRST_USED,
    KEY_LAST_USED,
    REPLAY_ENTRIES,
    REPLAY_CAPACITY,
    SHARED_CONNECTED,
    SHARED_DEGRADED,
    SHARED_UNWRITTEN,
    SHARED_ASKED,
    SHARED_FAILED,
    SHARED_OPENED,
    SHARED_DECIDED_LOCALLY,
    SHARED_WRITTEN_BACK,
    RELOADS,
    CONFIG_LOADED,
    CONFIG_REFUSED,
    LOG_SUPPRESSED,
    STARTED,
    RULES_EVALUATED,
    RULES_SECONDS,
    RULES_TRUNCATED,
    RULES_MATCHES,
    RULES_EVENTS,
    RULES_EVENTS_LOST,
    RULES_EVENTS_WAITING,
    SHIP_EVENTS,
    SHIP_SENT,
    SHIP_DROPPED,
    SHIP_SET_ASIDE,
    SHIP_ATTEMPTS,
    SHIP_AWAY,
    SHIP_WAITING,
    SHIP_SPOOL_EVENTS,
    SHIP_SPOOL_BYTES,
    SHIP_SPOOL_CAPACITY,
];
