//! What is wrong with a rule file: where, what, and the way out.

use std::fmt;

use super::node::Lines;
use crate::rules::error::ParseError;

/// Faults that are told of one file: enough for one sitting.
const MOST_FAULTS: usize = 100;

/// Why a rule file does not load. Names every fault that was found, in the order of the lines.
///
/// `{}` prints two lines for each: the place with the fault, and the way out. `{:#}` shows the line of the
/// expression between them, with a mark under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFileFault {
    faults: Vec<RuleFault>,
}

/// One fault of a rule file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFault {
    line: usize,
    column: usize,
    rule: Option<String>,
    fault: String,
    way_out: String,
    in_expression: Option<ParseError>,
}

impl RuleFileFault {
    /// Each fault. At least one.
    #[must_use]
    pub fn faults(&self) -> &[RuleFault] {
        &self.faults
    }
}

impl RuleFault {
    /// The line of the file, from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The column, from 1, in characters.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// The id of the rule, where it is about one that has an id.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.rule.as_deref()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn fault(&self) -> &str {
        &self.fault
    }

    /// What to do, in one line.
    #[must_use]
    pub fn way_out(&self) -> &str {
        &self.way_out
    }

    /// The fault within the expression, where it is in one.
    #[must_use]
    pub const fn in_expression(&self) -> Option<&ParseError> {
        self.in_expression.as_ref()
    }
}

impl fmt::Display for RuleFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.line, self.column)?;
        if let Some(rule) = &self.rule {
            write!(f, "rule {rule}: ")?;
        }
        writeln!(f, "{}", self.fault)?;
        if let Some(error) = self.in_expression.as_ref().filter(|_| f.alternate()) {
            writeln!(f, "{}", error.excerpt())?;
        }
        f.write_str(&self.way_out)
    }
}

impl fmt::Display for RuleFileFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, fault) in self.faults.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            fault.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for RuleFileFault {}

/// Takes down the faults of one file.
#[derive(Debug)]
pub(super) struct Faults<'t> {
    lines: Lines<'t>,
    /// The rule that is being read.
    rule: Option<String>,
    found: Vec<RuleFault>,
}

impl<'t> Faults<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { lines: Lines::of(text), rule: None, found: Vec::new() }
    }

    /// From here on, faults are this rule's.
    pub(super) fn in_rule(&mut self, rule: Option<String>) {
        self.rule = rule;
    }

    /// The line of an offset.
    pub(super) fn line(&self, at: usize) -> usize {
        self.lines.line(at)
    }

    /// Adds the fault of what stands at an offset.
    pub(super) fn add(&mut self, at: usize, fault: impl Into<String>, way_out: impl Into<String>) {
        if !self.is_full() {
            self.add_at(self.lines.place(at), fault.into(), way_out.into(), None);
        }
    }

    /// Adds the two lines of another error.
    pub(super) fn add_error(&mut self, at: usize, error: &impl fmt::Display) {
        let text = error.to_string();
        let (fault, way_out) = text.split_once('\n').unwrap_or((&text, "look at what it names"));
        self.add(at, fault, way_out);
    }

    /// Adds a fault within an expression, which stands at an offset: exactly, or somewhere behind it.
    pub(super) fn add_parse_error(&mut self, at: usize, error: ParseError) {
        let (fault, way_out) = (error.fault().to_owned(), error.way_out().to_owned());
        self.add_at(self.lines.place(at), fault, way_out, Some(error));
    }

    /// Adds a fault at a line and column.
    pub(super) fn add_at(
        &mut self,
        (line, column): (usize, usize),
        fault: String,
        way_out: String,
        in_expression: Option<ParseError>,
    ) {
        if !self.is_full() {
            let rule = self.rule.clone();
            self.found.push(RuleFault { line, column, rule, fault, way_out, in_expression });
        }
    }

    /// Whether nothing more is told.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= MOST_FAULTS
    }

    /// All that was found, in the order of the lines.
    pub(super) fn done(mut self) -> Result<(), RuleFileFault> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|fault| (fault.line, fault.column));
        Err(RuleFileFault { faults: self.found })
    }
}
