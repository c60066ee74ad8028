//! Why a step is not taken.

use super::life::KeyState;
use crate::key::KeyId;
use crate::time::UnixTime;

/// Why a step is not taken. Two lines: the fault, the way out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StepRefusal {
    /// The key is in a state that the step does not start from.
    #[error("the key {key_id} is {state}: it cannot be {step}\n{way_out}")]
    State {
        /// The key.
        key_id: KeyId,
        /// Where it is.
        state: KeyState,
        /// The step, as a participle.
        step: &'static str,
        /// What to do instead.
        way_out: &'static str,
    },
    /// Origins may not have learnt the key yet.
    #[error(
        "the key {key_id} was made {age_s} s ago, and origins get {settle_s} s to load it\nwait {} s, or ask the origins: --metrics http://ORIGIN/metrics", settle_s - age_s
    )]
    Unsettled {
        /// The key.
        key_id: KeyId,
        /// Its age in seconds.
        age_s: i64,
        /// What it has to be.
        settle_s: i64,
    },
    /// An origin says that it has not loaded the key.
    #[error(
        "the origin {origin} has not loaded the key {key_id}: requests signed with it would be refused there\nlet it load the key (a reload, or a restart), then again"
    )]
    NotLoaded {
        /// The key.
        key_id: KeyId,
        /// The origin.
        origin: String,
    },
    /// There was nobody to ask.
    #[error(
        "no origin was asked about the key {key_id}\n--metrics http://ORIGIN/metrics, for each"
    )]
    NoReport {
        /// The key.
        key_id: KeyId,
    },
    /// The key has not been out of service for long enough.
    #[error(
        "the key {key_id} gave way {since_s} s ago, and an edge may go on with it for {needed_s} s\n{way_out}"
    )]
    JustSuperseded {
        /// The key.
        key_id: KeyId,
        /// Seconds since another took its place.
        since_s: i64,
        /// What it has to be.
        needed_s: i64,
        /// What to do now.
        way_out: &'static str,
    },
    /// An origin has accepted a request with the key a short while ago.
    #[error(
        "the key {key_id} was used {ago_s} s ago at {origin}: an edge still signs with it\nlook at what that edge holds (wafpass keys export), and wait until it is unused for {unused_for_s} s"
    )]
    StillUsed {
        /// The key.
        key_id: KeyId,
        /// The origin.
        origin: String,
        /// Seconds since the last use.
        ago_s: i64,
        /// What it has to be.
        unused_for_s: i64,
    },
    /// An origin that has no use to report has not run for long enough to know.
    #[error(
        "the origin {origin} knows of no use of the key {key_id}, but does not say that it has run for {unused_for_s} s\nask again once it has; --unused-for sets how long"
    )]
    YoungOrigin {
        /// The key.
        key_id: KeyId,
        /// The origin.
        origin: String,
        /// How long it has to have run.
        unused_for_s: i64,
    },
    /// The key has not been retired for long enough.
    #[error(
        "the key {key_id} was retired {since_s} s ago, and stays on record for {needed_s} s: until then its use shows as inactive-key\nwait {} s", needed_s - since_s
    )]
    JustRetired {
        /// The key.
        key_id: KeyId,
        /// Seconds since then.
        since_s: i64,
        /// What it has to be.
        needed_s: i64,
    },
    /// A key that somebody else may have is to come back.
    #[error(
        "the key {key_id} was retired as compromised: it does not come back\nmake another: wafpass keys new"
    )]
    Compromised {
        /// The key.
        key_id: KeyId,
    },
    /// The key's own window does not hold now.
    #[error(
        "the key {key_id} does not count now: its window is from {} until {}\npromote one that counts: wafpass keys list", moment(.not_before), moment(.not_after)
    )]
    OutsideWindow {
        /// The key.
        key_id: KeyId,
        /// When its window begins.
        not_before: Option<UnixTime>,
        /// When it ends.
        not_after: Option<UnixTime>,
    },
}

fn moment(moment: &Option<UnixTime>) -> String {
    moment.map_or_else(|| "ever".into(), |moment| moment.to_string())
}
