//! The counts, for people and programs.

use std::fmt;

use crate::rejection::RejectionKind;

/// What came of requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// Verified, and passed on as such.
    Accepted,
    /// Refused.
    Refused(RejectionKind),
    /// Passed on without a [`Verified`](crate::Verified), since the route is in report-only: it would
    /// have been refused.
    Reported(RejectionKind),
    /// Not verified, since the route is exempt.
    Exempt,
}

impl Verdict {
    /// The verdicts, each with every reason.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let reasons = || RejectionKind::ALL.iter().copied();
        [Self::Accepted, Self::Exempt]
            .into_iter()
            .chain(reasons().map(Self::Refused))
            .chain(reasons().map(Self::Reported))
    }

    /// The place among [`all`](Self::all).
    pub(super) fn index(self) -> usize {
        match self {
            Self::Accepted => 0,
            Self::Exempt => 1,
            Self::Refused(kind) => 2 + kind.index(),
            Self::Reported(kind) => 2 + RejectionKind::ALL.len() + kind.index(),
        }
    }

    /// The word in metrics: `accepted`, `refused`, `reported` or `exempt`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Refused(_) => "refused",
            Self::Reported(_) => "reported",
            Self::Exempt => "exempt",
        }
    }

    /// The reason, of those that have one.
    #[must_use]
    pub const fn reason(self) -> Option<RejectionKind> {
        match self {
            Self::Refused(kind) | Self::Reported(kind) => Some(kind),
            Self::Accepted | Self::Exempt => None,
        }
    }
}

/// One line of a [`Summary`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SummaryRow {
    /// What came of the requests.
    pub verdict: Verdict,
    /// Their route as it is written, such as `GET /health`; `*` for the rest.
    pub route: Box<str>,
    /// The key that they named, where it is one of the configuration; else empty.
    pub key_id: Box<str>,
    /// How many there were.
    pub requests: u64,
}

/// What a perimeter has counted since it began, by verdict, reason, route and key.
///
/// Prints as a table, the most frequent first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The counts that are not 0, the most frequent first.
    pub rows: Vec<SummaryRow>,
}

impl Summary {
    pub(super) fn new(mut rows: Vec<SummaryRow>) -> Self {
        rows.sort_by(|a, b| {
            let place = |row: &SummaryRow| (row.verdict, row.route.clone(), row.key_id.clone());
            b.requests.cmp(&a.requests).then_with(|| place(a).cmp(&place(b)))
        });
        Self { rows }
    }

    /// How many requests have a verdict like `verdict`, whatever its reason.
    #[must_use]
    pub fn requests(&self, verdict: &str) -> u64 {
        let alike = self.rows.iter().filter(|row| row.verdict.code() == verdict);
        alike.map(|row| row.requests).sum()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |text: fn(&SummaryRow) -> &str, least: usize| {
            self.rows.iter().map(|row| text(row).len()).max().unwrap_or(0).max(least)
        };
        let (route, key) = (width(|row| &row.route, 5), width(|row| &row.key_id, 6));
        writeln!(
            f,
            "{:>10}  {:<8}  {:<22}  {:<route$}  {:<key$}",
            "requests", "verdict", "reason", "route", "key_id"
        )?;
        for row in &self.rows {
            let SummaryRow { verdict, route: path, key_id, requests } = row;
            let reason = verdict.reason().map_or("-", RejectionKind::code);
            let key_id = if key_id.is_empty() { "-" } else { key_id };
            writeln!(
                f,
                "{requests:>10}  {:<8}  {reason:<22}  {path:<route$}  {key_id:<key$}",
                verdict.code()
            )?;
        }
        Ok(())
    }
}
