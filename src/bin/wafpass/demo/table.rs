//! What was expected at each step of the tour, what came back, and how that is shown.

use std::fmt::{self, Display};
use std::io::{self, Write};

use serde::Serialize;

use crate::style::{BAD, FAINT, GOOD, HEADING};

const TITLE_COLUMNS: usize = 36;
const OUTCOME_COLUMNS: usize = 22;
const COLUMNS: usize = 2 + 2 + 2 + TITLE_COLUMNS + 2 + OUTCOME_COLUMNS + 2 + OUTCOME_COLUMNS + 2;

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Outcome {
    /// All that the peer gets to see.
    pub(super) status: u16,
    /// What the log in this process says.
    pub(super) reason: String,
}

impl Outcome {
    pub(super) fn new(status: u16, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }
}

impl Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{} {}", self.status, self.reason))
    }
}

/// One step of the tour.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    section: &'static str,
    title: String,
    expected: Outcome,
    got: Outcome,
    as_expected: bool,
}

/// All steps.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    steps: Vec<Step>,
}

impl Report {
    /// Whether all went as expected. A tour without a step proves nothing, so it did not.
    pub(super) fn is_as_expected(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.as_expected)
    }

    /// The last line.
    pub(super) fn summary(&self) -> String {
        let good = self.steps.iter().filter(|step| step.as_expected).count();
        let style = if self.is_as_expected() { GOOD } else { BAD };
        format!("  {style}{good} of {} as expected.{style:#}", self.steps.len())
    }
}

/// A report that shows while it is made, where there is something to show it on.
pub(super) struct Table<'a> {
    report: Report,
    section: &'static str,
    out: Option<&'a mut dyn Write>,
}

impl<'a> Table<'a> {
    pub(super) fn new(out: Option<&'a mut dyn Write>) -> io::Result<Self> {
        let mut table = Self { report: Report::default(), section: "", out };
        table.print(&headings())?;
        Ok(table)
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &'static str, about: &str) -> io::Result<()> {
        self.section = title;
        self.print(&format!("\n  {HEADING}{title}{HEADING:#}{FAINT}: {about}{FAINT:#}"))
    }

    /// Adds a step.
    pub(super) fn add(&mut self, title: &str, expected: Outcome, got: Outcome) -> io::Result<()> {
        let as_expected = expected == got;
        let step =
            Step { section: self.section, title: title.to_owned(), expected, got, as_expected };
        self.print(&row(self.report.steps.len() + 1, &step))?;
        self.report.steps.push(step);
        Ok(())
    }

    /// Says more about the step before.
    pub(super) fn note(&mut self, text: impl Display) -> io::Result<()> {
        self.print(&format!("      {FAINT}{text}{FAINT:#}"))
    }

    pub(super) fn into_report(self) -> Report {
        self.report
    }

    fn print(&mut self, line: &str) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), |out| writeln!(out, "{line}"))
    }
}

fn headings() -> String {
    let rule = "─".repeat(COLUMNS - 2);
    format!(
        "\n  {FAINT}A peer sees the number alone; the words beside it come from the logs in this process.{FAINT:#}\n\n  \
         {HEADING}    {:<TITLE_COLUMNS$}  {:<OUTCOME_COLUMNS$}  got{HEADING:#}\n  {FAINT}{rule}{FAINT:#}",
        "request", "expected",
    )
}

fn row(number: usize, step: &Step) -> String {
    let Step { title, expected, got, as_expected, .. } = step;
    let (style, mark) = if *as_expected { (GOOD, "✓") } else { (BAD, "✗") };
    format!(
        "  {number:>2}  {title:<TITLE_COLUMNS$}  {FAINT}{expected:<OUTCOME_COLUMNS$}{FAINT:#}  \
         {style}{got:<OUTCOME_COLUMNS$} {mark}{style:#}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(steps: &[(Outcome, Outcome)]) -> Report {
        let mut table = Table::new(None).unwrap();
        for (expected, got) in steps {
            table.add("step", expected.clone(), got.clone()).unwrap();
        }
        table.into_report()
    }

    #[test]
    fn one_surprise_fails_the_tour() {
        let refused = || Outcome::new(403, "replayed");
        let good = || (refused(), refused());
        assert!(report(&[good(), good()]).is_as_expected());
        for surprise in [
            Outcome::new(200, "passed, use 1"),
            Outcome::new(200, "replayed"),
            Outcome::new(403, "expired"),
            Outcome::new(403, ""),
        ] {
            let report = report(&[good(), (refused(), surprise), good()]);
            assert!(!report.is_as_expected());
            assert!(report.summary().contains("2 of 3 as expected"));
        }
    }

    #[test]
    fn a_tour_without_steps_fails() {
        assert!(!report(&[]).is_as_expected());
    }

    #[test]
    fn a_surprise_shows_both_and_stands_out() {
        let (expected, got) = (Outcome::new(403, "replayed"), Outcome::new(200, "passed, use 2"));
        let report = report(&[(expected, got)]);
        let row = row(1, report.steps.first().unwrap());
        let row = anstream::adapter::strip_str(&row).to_string();
        assert!(row.contains("403 replayed ") && row.contains("200 passed, use 2 "), "{row}");
        assert!(row.ends_with('✗'), "{row}");
        assert_eq!(row.chars().count(), COLUMNS);
    }
}
