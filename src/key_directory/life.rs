//! The life of a key: its states, and what may be known when a step is asked for.
//!
//! ```text
//!             promote                superseded               retire
//!  accepted ──────────▶ signing ─────────────────▶ retiring ──────────▶ retired ──▶ removed
//!                          ◀──────────────────────── promote     ◀────── undo
//! ```

use std::fmt;

use crate::time::UnixTime;

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyState {
    /// Origins accept it; no edge signs with it yet.
    Accepted,
    /// The edge signs with it.
    Signing,
    /// The edge has gone on to the next one; still accepted.
    Retiring,
    /// Refused, and kept on record, so that its use shows as `inactive-key`.
    Retired,
}

impl KeyState {
    /// The name, as files and commands have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Signing => "signing",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A key's state, and the moments at which it came there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Life {
    /// Where it is now.
    pub state: KeyState,
    /// When it was made.
    pub created: UnixTime,
    /// When an edge was last told to sign with it; `None` when none ever was.
    pub promoted: Option<UnixTime>,
    /// When another key took its place at the edge.
    pub retiring_since: Option<UnixTime>,
    /// When it was retired.
    pub retired: Option<UnixTime>,
    /// Whether it was retired because somebody else may have it: it never comes back.
    pub compromised: bool,
}

/// A step that somebody wants to take with one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Step<'a> {
    /// The edge is to sign with it.
    Promote(Learnt<'a>),
    /// Another key takes its place at the edge.
    Supersede,
    /// It is to be refused from now on.
    Retire(Unused<'a>),
    /// It never signed, and is not wanted any more.
    GiveUp,
    /// Somebody else may have it: it is to be refused at once, whatever breaks.
    RetireCompromised,
    /// It was retired too early.
    UndoRetire,
    /// It is to be forgotten.
    Remove,
}

/// Why it may be taken that the origins accept a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Learnt<'a> {
    /// No key of the directory has ever signed: there is nothing to interrupt.
    FirstKey,
    /// They had this many seconds since the key was made.
    Within {
        /// Seconds.
        settle_s: u32,
    },
    /// They were asked.
    Reports(&'a [OriginReport]),
    /// The operator says so.
    Asserted,
}

/// Why it may be taken that nobody signs with a key any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unused<'a> {
    /// Another key took its place at least [`MIN_RETIRING_S`](crate::limits::MIN_RETIRING_S) ago.
    ByTime,
    /// The origins were asked when it was last used.
    Reports {
        /// What each said; none is no evidence.
        reports: &'a [OriginReport],
        /// How long the last use has to be over, in seconds.
        unused_for_s: u32,
    },
}

/// What one origin says of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginReport {
    /// Where it was asked, for messages.
    pub origin: String,
    /// Whether it has loaded the key as active.
    pub is_loaded: bool,
    /// The last request that it accepted with this key.
    pub last_used: Option<UnixTime>,
    /// When the origin started, if it says so.
    pub started: Option<UnixTime>,
}

/// What becomes of a key by a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Next {
    /// It lives on like this.
    Becomes(Life),
    /// It goes.
    Gone,
}

impl Life {
    /// The life of a key made at `now`: accepted, and nothing else yet.
    #[must_use]
    pub const fn begun(now: UnixTime) -> Self {
        Self {
            state: KeyState::Accepted,
            created: now,
            promoted: None,
            retiring_since: None,
            retired: None,
            compromised: false,
        }
    }

    /// Since when the key is in its state.
    #[must_use]
    pub fn since(&self) -> UnixTime {
        let moment = match self.state {
            KeyState::Accepted => None,
            KeyState::Signing => self.promoted,
            KeyState::Retiring => self.retiring_since,
            KeyState::Retired => self.retired,
        };
        moment.unwrap_or(self.created)
    }
}
