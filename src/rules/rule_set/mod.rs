//! Rules that run together: which of them match a request, and what happens to it.
//!
//! All enabled rules are looked at in order, until one matches whose action ends it: `block`, `challenge`,
//! `skip`. `log` goes on. A rule that matched can be run once more with a record of what it looked at.
//!
//! ```
//! use wafpass::rules::{Action, Facts, RuleFile, RuleSet, Scheme};
//!
//! let text = r#"
//! [[rules]]
//! id = "step-up"
//! expression = 'http.request.uri.path contains "../"'
//! action = "block"
//! "#;
//! let rules = RuleSet::compile(RuleFile::from_toml(text, &Scheme::default())?)?;
//!
//! let (path, _) = rules.scheme().field("http.request.uri.path").unwrap();
//! let mut facts = Facts::unknown(rules.scheme());
//! facts.set(rules.scheme(), path, "/a/../etc/passwd")?;
//! let matches = rules.evaluate(&facts);
//! assert_eq!(matches.action(), Some(Action::Block { status: 403 }));
//!
//! facts.set(rules.scheme(), path, "/a/b")?;
//! assert!(rules.evaluate(&facts).is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::compile::{CompileError, Compiler};
use super::facts::{Facts, FieldSet};
use super::prefilter::{Prefilter, PrefilterBuilder};
use super::program::Program;
use super::request::RequestFacts;
use super::rule_file::{Action, Rule, RuleFile};
use super::scheme::Scheme;
use super::trace::Trace;
use super::uri_decoding::UriDecoding;

/// Compiled rules. To share them between threads, put them into an `Arc`.
#[derive(Debug)]
pub struct RuleSet {
    scheme: Scheme,
    rules: Vec<Rule>,
    /// The rules that are enabled, in order.
    running: Vec<Running>,
    prefilter: Prefilter,
    wants: [Option<FieldSet>; 2],
}

/// A rule that runs.
#[derive(Debug)]
struct Running {
    rule: usize,
    action: Action,
    decoding: UriDecoding,
    program: Program,
}

/// Who knows a request's facts, for each reading of the URI.
pub trait KnownFacts {
    /// The facts as a rule with this reading sees them.
    fn facts(&self, decoding: UriDecoding) -> &Facts<'_>;
}

/// The same facts, whatever the reading.
impl KnownFacts for Facts<'_> {
    fn facts(&self, _decoding: UriDecoding) -> &Facts<'_> {
        self
    }
}

impl KnownFacts for RequestFacts<'_> {
    fn facts(&self, decoding: UriDecoding) -> &Facts<'_> {
        Self::facts(self, decoding)
    }
}

impl RuleSet {
    /// Compiles the rules of a file. Rules that are not enabled are kept, and do not run.
    ///
    /// # Errors
    ///
    /// [`CompileError`], which nothing gives that [`RuleFile`] read.
    pub fn compile(file: RuleFile) -> Result<Self, CompileError> {
        let (scheme, rules) = file.into_parts();
        let mut compiler = Compiler::new(&scheme);
        let mut prefilter = PrefilterBuilder::new(&scheme);
        let mut running = Vec::new();
        let mut wants = [None, None];
        for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.enabled) {
            let program = compiler.compile(&rule.expression)?;
            let [none, url] = &mut wants;
            let wanted = match rule.uri_decoding {
                UriDecoding::None => none,
                UriDecoding::Url => url,
            };
            wanted.get_or_insert_with(FieldSet::default).extend(program.fields());
            prefilter.add(&rule.expression, rule.uri_decoding);
            let (action, decoding) = (rule.action, rule.uri_decoding);
            running.push(Running { rule: number, action, decoding, program });
        }
        let prefilter = prefilter.build();
        Ok(Self { scheme, rules, running, prefilter, wants })
    }

    /// The fields that rules with this reading of the URI look at; `None` where there is no such rule.
    #[must_use]
    pub const fn wants(&self, decoding: UriDecoding) -> Option<&FieldSet> {
        let [none, url] = &self.wants;
        match decoding {
            UriDecoding::None => none.as_ref(),
            UriDecoding::Url => url.as_ref(),
        }
    }

    /// The rules that match, in order, up to the one that ends it. Nothing is recorded.
    #[must_use]
    pub fn evaluate(&self, facts: &impl KnownFacts) -> Matches {
        let found = self.prefilter.scan(|decoding| facts.facts(decoding));
        let mut matches = Matches::default();
        for (number, running) in self.running.iter().enumerate() {
            if !self.prefilter.may_hold(number, &found) {
                continue;
            }
            if running.program.holds(facts.facts(running.decoding)) {
                matches.add(running.rule, running.action);
                if running.action.ends() {
                    break;
                }
            }
        }
        matches
    }

    /// Runs a rule once more, and records what it looks at and what made it what it is. Of a rule that is
    /// not enabled, or not there, nothing.
    #[must_use]
    pub fn trace<'v>(&'v self, rule: usize, facts: &'v impl KnownFacts) -> Trace<'v> {
        let running = self.running.iter().find(|running| running.rule == rule);
        running
            .map(|running| running.program.trace(facts.facts(running.decoding)).1)
            .unwrap_or_default()
    }

    /// The rule with this number.
    #[must_use]
    pub fn rule(&self, number: usize) -> Option<&Rule> {
        self.rules.get(number)
    }

    /// All rules, in order, the ones that do not run included.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The fields and lists that the rules were parsed with.
    #[must_use]
    pub const fn scheme(&self) -> &Scheme {
        &self.scheme
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// The rules that matched a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Matches {
    rules: Vec<usize>,
    /// The rule that counts, and its action.
    deciding: Option<(usize, Action)>,
}

impl Matches {
    fn add(&mut self, rule: usize, action: Action) {
        self.rules.push(rule);
        if self.deciding.is_none() || action.ends() {
            self.deciding = Some((rule, action));
        }
    }

    /// Their numbers, in order, up to the one that ended it.
    #[must_use]
    pub fn rules(&self) -> &[usize] {
        &self.rules
    }

    /// The number of the rule that an event is about: the one that ended it, else the first that matched.
    #[must_use]
    pub fn deciding(&self) -> Option<usize> {
        self.deciding.map(|(rule, _)| rule)
    }

    /// What happens to the request: the action of the deciding rule. `None` where no rule matched.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        self.deciding.map(|(_, action)| action)
    }

    /// Whether no rule matched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}
