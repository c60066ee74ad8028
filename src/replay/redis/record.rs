//! What the fleet agrees on: for how long entries are kept, and since when nothing was lost.
//!
//! One small record in Redis, that every origin reads when it connects and every few seconds after.

use std::fmt;
use std::str::FromStr;

use crate::replay::{Admission, Retention};
use crate::time::UnixTime;

/// After the record changes, no origin writes by what it said before for longer than this: it asks
/// nothing of Redis once what it read is older than 20 s ([`LEASE`](super::keeper::LEASE)), and
/// what it asked by then is on its way for 5 s at most ([`MAX_TIMEOUT`](super::MAX_TIMEOUT)).
pub(super) const SETTLED_AFTER_S: i64 = 30;

/// The record. Each member is a moment or a span, in seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// What is dated at this moment or before, or within the skew after it, is refused: Redis may
    /// have known it, and lost it.
    since: UnixTime,
    /// How long after its date an entry is kept.
    kept_s: i64,
    /// What is dated at this moment or before may have been written to be kept for `before_s` only.
    settled: UnixTime,
    before_s: i64,
    /// Which servers gave their word, as [`Survey`](super::survey::Survey) names them.
    servers: String,
}

/// What an origin found, and what it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Finding<'a> {
    pub(super) retention: Retention,
    pub(super) now: UnixTime,
    /// The servers that answer now; empty where they do not say.
    pub(super) servers: &'a str,
    pub(super) loss: Loss,
}

/// Whether entries are known to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Nothing says so.
    None,
    /// Part of the database is empty that was not.
    Found,
    /// Another server answers than before, which counts as a loss.
    IfOtherServers,
}

impl Record {
    /// The record of a database that has none: it may have begun now, or lost everything.
    fn begin(finding: &Finding<'_>) -> Self {
        let kept_s = finding.retention.kept_s();
        Self {
            since: finding.now,
            kept_s,
            settled: UnixTime::from_secs(i64::MIN),
            before_s: kept_s,
            servers: finding.servers.to_owned(),
        }
    }

    /// The record as it has to be from here on. Moments and spans in it only ever grow, so it does
    /// not matter in which order the origins of a fleet come to this.
    pub(super) fn revised(old: Option<&Self>, finding: &Finding<'_>) -> Self {
        let Some(old) = old else {
            return Self::begin(finding);
        };
        let mut new = old.clone();
        let other_servers = !finding.servers.is_empty()
            && !old.servers.is_empty()
            && finding.servers != old.servers;
        let lost = match finding.loss {
            Loss::None => false,
            Loss::Found => true,
            Loss::IfOtherServers => other_servers,
        };
        if lost {
            new.since = new.since.max(finding.now);
        }
        if !finding.servers.is_empty() {
            new.servers = finding.servers.to_owned();
        }
        new.raise(finding.retention, finding.now);
        new
    }

    fn raise(&mut self, retention: Retention, now: UnixTime) {
        if retention.kept_s() <= self.kept_s {
            return;
        }
        // A raise before this one counts for as long as what it is about could be accepted.
        let skew_s = 2 * i64::from(retention.skew_s);
        let is_past = now > self.settled.saturating_add(self.kept_s).saturating_add(skew_s);
        self.before_s = if is_past { self.kept_s } else { self.before_s.min(self.kept_s) };
        // Once for this clock, which may be behind, and once for the edges', which may be ahead.
        self.settled = self.settled.max(now.saturating_add(SETTLED_AFTER_S + skew_s));
        self.kept_s = retention.kept_s();
    }

    /// Whether Redis can say anything of a request signed at `date`.
    pub(super) fn judge(
        &self,
        date: UnixTime,
        now: UnixTime,
        skew_s: u32,
    ) -> Result<(), Admission> {
        let kept_s = if date <= self.settled { self.before_s } else { self.kept_s };
        // An entry is kept for the skew longer, since the clock that says `now` may be behind.
        let oldest_s = kept_s.saturating_sub(skew_s.into());
        if date <= self.began(skew_s) || now.seconds_since(date) > oldest_s {
            return Err(Admission::Expired);
        }
        Ok(())
    }

    /// The moment up to which dates are refused.
    pub(super) const fn began(&self, skew_s: u32) -> UnixTime {
        #[expect(clippy::as_conversions, reason = "widens; From is not const")]
        self.since.saturating_add(skew_s as i64)
    }

    pub(super) const fn since(&self) -> UnixTime {
        self.since
    }

    pub(super) const fn kept_s(&self) -> i64 {
        self.kept_s
    }
}

impl fmt::Display for Record {
    /// `1 SINCE KEPT SETTLED BEFORE SERVERS`; people who look into Redis can read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { since, kept_s, settled, before_s, servers } = self;
        let (since, settled) = (since.as_secs(), settled.as_secs());
        write!(f, "1 {since} {kept_s} {settled} {before_s} {servers}")
    }
}

/// What stands there is no record. Not taken for a missing one: nobody knows what it was.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotARecord;

impl FromStr for Record {
    type Err = NotARecord;

    fn from_str(text: &str) -> Result<Self, NotARecord> {
        let members: Vec<&str> = text.split(' ').collect();
        let ["1", since, kept, settled, before, servers] = members.as_slice() else {
            return Err(NotARecord);
        };
        let number = |text: &str| text.parse::<i64>().map_err(|_| NotARecord);
        Ok(Self {
            since: UnixTime::from_secs(number(since)?),
            kept_s: number(kept)?,
            settled: UnixTime::from_secs(number(settled)?),
            before_s: number(before)?,
            servers: (*servers).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: UnixTime = UnixTime::from_secs(1_795_307_400);

    fn at(seconds: i64) -> UnixTime {
        START.saturating_add(seconds)
    }

    fn finding(max_age_s: u32, now: UnixTime) -> Finding<'static> {
        let retention = Retention { max_age_s, skew_s: 5 };
        Finding { retention, now, servers: "a", loss: Loss::None }
    }

    #[test]
    fn it_reads_what_it_writes_and_nothing_else() {
        let mut record = Record::begin(&finding(60, START));
        record.raise(Retention { max_age_s: 600, skew_s: 5 }, at(100));
        assert_eq!(record.to_string().parse(), Ok(record.clone()));
        record.servers.clear();
        assert_eq!(record.to_string().parse(), Ok(record));
        for text in
            ["", "1", "2 1 2 3 4 a", "1 1 2 3 4", "1 1 2 3 x a", "1 1 2 3 4 a b", "1  1 2 3 4 a"]
        {
            assert_eq!(text.parse::<Record>(), Err(NotARecord), "{text:?}");
        }
    }

    #[test]
    fn a_database_without_a_record_vouches_for_nothing_before() {
        let record = Record::revised(None, &finding(60, START));
        let judge = |date, now| record.judge(date, now, 5);
        assert_eq!(judge(at(5), at(6)), Err(Admission::Expired));
        assert_eq!(judge(at(6), at(6)), Ok(()));
        assert_eq!(record.since(), START);
    }

    #[test]
    fn another_server_or_a_missing_part_is_a_new_beginning() {
        let record = Record::begin(&finding(60, START));
        let revise = |servers, loss, now| {
            let finding = Finding { servers, loss, ..finding(60, now) };
            Record::revised(Some(&record), &finding)
        };
        assert_eq!(revise("a", Loss::IfOtherServers, at(9)), record);
        assert_eq!(revise("", Loss::IfOtherServers, at(9)), record); // INFO is not allowed
        assert_eq!(revise("b", Loss::IfOtherServers, at(9)).since(), at(9));
        assert_eq!(revise("b", Loss::None, at(9)).since(), START); // trusted
        assert_eq!(revise("b", Loss::None, at(9)).servers, "b");
        assert_eq!(revise("a", Loss::Found, at(9)).since(), at(9));
        assert_eq!(revise("a", Loss::Found, at(-9)).since(), START); // a clock that is behind
    }

    /// An entry written by the old record is never asked for after it is gone.
    #[test]
    fn what_was_written_before_a_raise_is_judged_by_what_counted_before() {
        let old = Record::begin(&finding(60, at(-10_000)));
        let raised = Record::revised(Some(&old), &finding(600, START));
        assert_eq!((raised.kept_s, raised.before_s, raised.settled), (605, 65, at(40)));
        for date in (-700..=60).map(at) {
            for now in (0..900).map(at) {
                let accepted = raised.judge(date, now, 5).is_ok();
                // Until the fleet has settled, an origin may write by the old record.
                let may_be_old = date <= at(SETTLED_AFTER_S + 10);
                let kept_s = if may_be_old { old.kept_s } else { raised.kept_s };
                // By a clock that is behind by the skew, while the entry is kept by one ahead.
                assert!(!accepted || now.seconds_since(date) + 5 <= kept_s, "{date} at {now}");
                assert!(may_be_old || accepted == (now.seconds_since(date) <= 600));
            }
        }
    }

    #[test]
    fn raises_that_meet_are_judged_by_the_shortest() {
        let old = Record::begin(&finding(60, at(-10_000)));
        let once = Record::revised(Some(&old), &finding(600, START));
        let twice = Record::revised(Some(&once), &finding(900, at(100)));
        assert_eq!((twice.kept_s, twice.before_s, twice.settled), (905, 65, at(140)));
        // Once nothing of the first raise could be accepted any more, it counts no longer.
        let later = Record::revised(Some(&once), &finding(900, at(40 + 616)));
        assert_eq!((later.kept_s, later.before_s), (905, 605));
        assert_eq!(Record::revised(Some(&twice), &finding(60, at(200))), twice); // never shorter
    }
}
