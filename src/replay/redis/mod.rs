//! A replay store that a fleet of origins shares, on Redis or Valkey.
//!
//! One round trip decides: `SET key 1 NX PX ttl`, one atomic step of the server, tells one caller
//! of any number that it is the first. Everything else in here is about the times when that is not
//! enough: Redis does not answer, has forgotten, is about to forget, or is told to forget.

mod builder;
mod core;
mod error;
mod journal;
mod keeper;
mod link;
mod record;
mod status;
mod survey;
mod wire;

pub use self::builder::ReplayRedisBuilder;
pub use self::error::{ReplayRedisError, ReplayRedisFault};
pub use self::status::{ReplayRedisState, ReplayRedisStatus};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use self::builder::Topology;
use self::core::Core;
use super::{Admission, Admitting, Capacity, Health, ReplayStore, Retention, Use};
use crate::time::UnixTime;

/// Longest time that a request waits for Redis.
const MAX_TIMEOUT: Duration = Duration::from_secs(5);

/// Longest time between two looks at the fleet's record.
const MAX_CHECK: Duration = Duration::from_secs(10);

/// How much longer than the fleet agreed on an entry is kept, beside the skew: [`MAX_TIMEOUT`], in
/// which a request may be on its way that was timely when it was sent, and the second that clocks
/// round down.
const MARGIN_S: i64 = 6;

/// Remembers uses in Redis or Valkey, for all origins that share one.
///
/// A request that any origin of the fleet let through is refused by all of them. It keeps the
/// promises of [`ReplayStore`]; `docs/fleet.md` tells how to set Redis up, and what happens when it
/// fails.
///
/// # One round trip, and nothing is sent twice
///
/// A request with one use is `SET key 1 NX PX ttl`. One with more is a script of three lines, by
/// `EVAL`: it takes a use if one is left. A transaction of `SET NX` and `INCR` would not do: it
/// counts refused attempts, too, and on servers before Redis 7 the key may expire between the two,
/// and come back without an expiry. A script is one command, which a cluster runs on one node or
/// not at all.
///
/// A command whose answer is lost is not sent again. It may have been run: then the use is gone,
/// and the request that it was for was refused. In a cluster a command goes on to another node
/// where the first one says that the slot is not there, and so has not run it.
///
/// An error is never taken for an answer. `nil` means used before, and nothing else does.
///
/// # A key is 128 bits of a hash
///
/// `wafpass:` and 22 characters of base64url: 16 bytes of the SHA-256 of the signature's identity.
/// Redis never holds a signature, and a look into it is no help in making one. A false refusal
/// needs two requests with the same 128 bits: with 10⁹ remembered, one request in 10²⁹.
///
/// An entry takes 113 bytes in Redis 7.0, with its part of the tables (a million of them, by `INFO
/// memory`); plan for 150.
///
/// # How long an entry lives
///
/// Until `date + max_age + 2 × skew + 6 s`. An origin whose clock is ahead by the skew writes the
/// entry, so that it goes that much early; one whose clock is behind by the skew takes the date
/// that much late. The retention has the skew once, hence the other. It asks within its timeout, of
/// at most 5 s, and counts in whole seconds: that makes the 6 s. So while any origin asks, the
/// entry is there.
///
/// A command may lie in the socket of a server that stands still, and run when it goes on, minutes
/// later. Its time to live starts then, so the entry lives longer, not shorter. The origin had
/// given up: the request was refused, and whoever sends it again is told that it was used.
///
/// This holds while the clocks of the origins are within the skew of the edge's, and while the
/// clock of the *server* is not set forward: Redis keeps expiry by wall clock. Let its clock be
/// slewed.
///
/// # A window in front, which may only refuse
///
/// Each origin keeps a [`ReplayWindow`](super::ReplayWindow) of what it has asked for. What that
/// refuses (used, full, expired, ahead) is refused at once; everything else asks Redis. The
/// window's horizon makes time move forward only, for Redis too: a clock set back revives nothing.
///
/// Its `capacity` is for the requests of this origin. A request that Redis did not answer for keeps
/// its place, and its use: sent again to this origin, it is refused as used.
///
/// # What Redis has forgotten
///
/// A record beside the entries says since when nothing was lost. Where it is missing, because the
/// database is new, was flushed, or came back without its data, the origin that notices writes a
/// new one that begins now, and every origin refuses what was signed up to then, and for the skew
/// after it. [`started`](ReplayStore::started) tells that moment. Origins look when they connect,
/// and every 10 s: a `FLUSHALL` under a connection that holds goes unnoticed for that long as a rule, and
/// for 20 s at most, since nothing is asked on an older look. Each origin still refuses what it has let
/// through itself. A connection that breaks makes them look at once.
///
/// The record also names the servers by their run ids. When another one answers (a restart, a
/// fail-over), entries of the last moments may be missing although the record is there, so that is
/// a new beginning, too: a few seconds of refusals. [`NewServer::Trust`] does without. In a
/// cluster, marks in every 128th slot tell when one node has come back empty.
///
/// # When `max_age` grows
///
/// The record holds the longest retention that any origin asked for, and all write by that. When it
/// grows, there are entries that go too early for it, and the other origins write such entries
/// until they look again. So the one that raises it notes when that will be over: 30 s and twice
/// the skew from now (every origin looks within 10 s, and asks nothing by a record read 20 s ago).
/// What is signed before then is judged by the retention before: it is refused where an entry of
/// that length could be gone. It never shrinks; delete the record to begin anew.
///
/// # When Redis does not answer
///
/// A request waits for its timeout at most (50 ms). After 5 unanswered ones in a row the breaker
/// opens: Redis is not asked, and every request is answered at once, until a connection made in the
/// background works again. [`OnFailure`] says what becomes of the requests meanwhile.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use wafpass::replay::{Capacity, ReplayRedis};
/// use wafpass::{Freshness, Keyring, Verifier, clock};
///
/// # async fn example(keys: Keyring) -> Result<(), Box<dyn std::error::Error>> {
/// let freshness = Freshness::cloudfront();
/// let url = std::env::var("WAFPASS_REDIS_URL")?; // rediss://origin:password@redis.internal:6379
/// let store = ReplayRedis::builder(&url)?.build(
///     freshness.retention(),
///     Capacity::default(),
///     clock::now(),
/// )?;
/// let verifier =
///     Verifier::builder("shop", keys, freshness).replay_store(Arc::new(store)).build()?;
/// # Ok(())
/// # }
/// ```
pub struct ReplayRedis {
    core: Arc<Core>,
    /// Where requests are waited for: not every runtime that polls them has a timer.
    handle: Handle,
    keeper: AbortHandle,
}

/// What happens to a request that Redis does not answer for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever matches has to handle both")]
pub enum OnFailure {
    /// It is refused, as [`Admission::Unavailable`].
    #[default]
    FailClosed,
    /// The window of this origin decides alone.
    ///
    /// **A hole, while it lasts**: each origin of the fleet takes the same signature once. An
    /// origin that was started meanwhile refuses what was signed before that, and for the skew
    /// after it. What was let through is kept and written to Redis before that counts as back, so
    /// that the others refuse it from then on; what had come to an end by then, or was kept by a
    /// process that ended, is not.
    ///
    /// Not for a server that answers and must not be used: one that evicts, or is out of memory.
    LocalOnly,
}

impl OnFailure {
    /// A short stable name.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::FailClosed => "fail-closed",
            Self::LocalOnly => "local-only",
        }
    }
}

/// How it is known that the server does not evict. An entry that is evicted can be replayed, so
/// nothing but `maxmemory-policy noeviction` will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever matches has to handle both")]
pub enum Eviction {
    /// By `INFO memory`, from every server. One that does not say is not used.
    #[default]
    Probe,
    /// The operator says so, for a server that does not let `INFO` be asked. One that says
    /// otherwise is not used all the same.
    AssertNoEviction,
}

/// What it means when another server answers than before: after a restart, or a fail-over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever matches has to handle both")]
pub enum NewServer {
    /// That it does not know all that the one before knew: what was signed up to now is refused.
    #[default]
    Barrier,
    /// Nothing. For servers that lose nothing (`appendfsync always`, `WAIT`), and for proxies
    /// behind which another one answers each time.
    Trust,
}

impl ReplayRedis {
    /// Begins a store on the server at `url`: `redis://USER:PASSWORD@HOST:PORT/DATABASE`,
    /// `rediss://` for TLS, or `unix:///PATH`.
    ///
    /// # Errors
    ///
    /// [`ReplayRedisError::Url`], which does not repeat it.
    pub fn builder(url: &str) -> Result<ReplayRedisBuilder, ReplayRedisError> {
        ReplayRedisBuilder::new([url], Topology::Server)
    }

    /// Begins a store on the cluster that the nodes at `urls` belong to, of which one has to be up.
    /// All nodes take the same user and password, and all or none TLS.
    ///
    /// # Errors
    ///
    /// [`ReplayRedisError::Url`], which does not repeat them.
    pub fn cluster<'a>(
        urls: impl IntoIterator<Item = &'a str>,
    ) -> Result<ReplayRedisBuilder, ReplayRedisError> {
        ReplayRedisBuilder::new(urls, Topology::Cluster)
    }

    /// How the store is doing. Cheap: reads some counters.
    #[must_use]
    pub fn status(&self) -> ReplayRedisStatus {
        let Core { counters, journal, state, on_failure, .. } = &*self.core;
        let (shown, unwritten) = (self.core.shown(), journal.len());
        let is_alone = match shown {
            ReplayRedisState::Ready => false,
            ReplayRedisState::Connecting => true,
            ReplayRedisState::Open(fault) | ReplayRedisState::Refused(fault) => !fault.is_refusal(),
        };
        ReplayRedisStatus {
            state: shown,
            degraded: *on_failure == OnFailure::LocalOnly && (is_alone || unwritten > 0),
            asked: counters.asked.get(),
            failed: counters.failed.get(),
            opened: counters.opened.get(),
            decided_locally: counters.decided_locally.get(),
            written_back: counters.written_back.get(),
            unwritten,
            since: state.borrow().record.as_ref().map(record::Record::since),
        }
    }
}

impl ReplayStore for ReplayRedis {
    fn admit(&self, claim: &Use<'_>, now: UnixTime) -> Admitting {
        let claim = match self.core.begin(claim, now) {
            Ok(claim) => claim,
            Err(refusal) => return refusal.into(),
        };
        if let Some(answer) = self.core.decide_at_once(claim) {
            return answer.into();
        }
        // A task of its own goes on when the request is given up: the breaker learns how it ended.
        let deciding = self.handle.spawn(Arc::clone(&self.core).decide(claim));
        Admitting::Later(Box::pin(async { deciding.await.unwrap_or(Admission::Unavailable) }))
    }

    /// How long this origin's window remembers. Redis does so for the longest time in the fleet.
    fn retention(&self) -> Retention {
        self.core.window.retention()
    }

    /// Until the fleet's record is raised, a moment later, dates are judged by what counted before.
    fn extend(&self, retention: Retention) -> Retention {
        let extended = self.core.window.extend(retention);
        self.core.wake.notify_one();
        extended
    }

    /// The end of the second up to which Redis may have lost entries, and the skew; the same for
    /// the whole fleet. Later when entries are lost. `None` until Redis was asked.
    fn started(&self) -> Option<UnixTime> {
        self.core.began()
    }

    /// Requests that this origin has asked for, and still remembers.
    fn live(&self) -> usize {
        self.core.window.live()
    }

    fn health(&self) -> Option<Health> {
        let status = self.status();
        Some(Health {
            is_connected: status.state == ReplayRedisState::Ready,
            is_degraded: status.degraded,
            asked: status.asked,
            failed: status.failed,
            opened: status.opened,
            decided_locally: status.decided_locally,
            written_back: status.written_back,
            unwritten: u64::try_from(status.unwritten).unwrap_or(u64::MAX),
        })
    }

    /// That of this origin's window.
    fn capacity(&self) -> Option<Capacity> {
        self.core.window.capacity()
    }
}

impl Drop for ReplayRedis {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

impl fmt::Debug for ReplayRedis {
    /// The state in numbers; no URL.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayRedis")
            .field("prefix", &self.core.prefix)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}
