//! Which rules of many can match at all.
//!
//! Most rules can hold only where certain bytes stand in certain values: those that they compare with, or that
//! their regular expressions cannot match without. One automaton for each value finds, in one pass, the bytes
//! that all rules wait for; a rule that misses some is not run. Case is not told apart, so that the same pass
//! serves `lower()`, `wildcard` and `(?i)`: what is found is a necessary condition, never the answer.

mod literals;
mod need;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use self::need::{Hay, Needle, clauses};
use super::ast::Expr;
use super::eval::element;
use super::facts::Facts;
use super::functions::url_decode;
use super::scheme::Scheme;
use super::uri_decoding::UriDecoding;
use super::value::Value;

/// Most clauses that a rule waits for: the most telling ones.
const MAX_CLAUSES: usize = 4;

/// Up to this many bytes of literals, an automaton is a table (a few hundred bytes for each byte of a literal),
/// and twice as fast.
const MAX_TABLE_BYTES: usize = 4_096;

/// Collects what rules wait for.
#[derive(Debug)]
pub(super) struct PrefilterBuilder<'s> {
    scheme: &'s Scheme,
    rules: Vec<Box<[u32]>>,
    /// What several rules wait for is one clause.
    clauses: HashMap<Vec<(UriDecoding, Needle)>, u32>,
    /// Of each value, its literals and the clauses that each of them is in.
    hays: BTreeMap<(UriDecoding, Hay), BTreeMap<Vec<u8>, Vec<u32>>>,
}

impl<'s> PrefilterBuilder<'s> {
    pub(super) fn new(scheme: &'s Scheme) -> Self {
        Self { scheme, rules: Vec::new(), clauses: HashMap::new(), hays: BTreeMap::new() }
    }

    /// Adds the next rule.
    pub(super) fn add(&mut self, expression: &Expr, decoding: UriDecoding) {
        let mut found = clauses(expression, self.scheme);
        found.truncate(MAX_CLAUSES);
        let numbers = found.into_iter().map(|clause| {
            self.clause(clause.needles.into_iter().map(|needle| (decoding, needle)).collect())
        });
        let numbers = numbers.collect();
        self.rules.push(numbers);
    }

    fn clause(&mut self, mut needles: Vec<(UriDecoding, Needle)>) -> u32 {
        needles.sort();
        needles.dedup();
        if let Some(number) = self.clauses.get(&needles) {
            return *number;
        }
        // There are at most as many as rules times MAX_CLAUSES.
        let number = u32::try_from(self.clauses.len()).unwrap_or(u32::MAX);
        for (decoding, needle) in &needles {
            let literals = self.hays.entry((*decoding, needle.hay.clone())).or_default();
            literals.entry(needle.literal.clone()).or_default().push(number);
        }
        self.clauses.insert(needles, number);
        number
    }

    /// Builds the automata. Where one cannot be built, for want of room, its clauses count as found.
    pub(super) fn build(self) -> Prefilter {
        let mut always = Found::none(self.clauses.len());
        let mut scans = Vec::with_capacity(self.hays.len());
        for ((decoding, hay), literals) in self.hays {
            let bytes: usize = literals.keys().map(Vec::len).sum();
            let kind = (bytes <= MAX_TABLE_BYTES).then_some(AhoCorasickKind::DFA);
            let automaton = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(kind)
                .build(literals.keys());
            let clauses = literals.into_values().map(Into::into);
            match automaton {
                Ok(automaton) => {
                    scans.push(Scan { decoding, hay, automaton, clauses: clauses.collect() });
                }
                Err(_) => clauses.for_each(|clauses: Box<[u32]>| always.add(&clauses)),
            }
        }
        Prefilter { rules: self.rules, scans, always }
    }
}

/// What rules wait for, ready to be looked for.
#[derive(Debug)]
pub(super) struct Prefilter {
    /// Of each rule, the clauses that all have to be found.
    rules: Vec<Box<[u32]>>,
    scans: Vec<Scan>,
    always: Found,
}

/// The literals that rules wait for in one value.
#[derive(Debug)]
struct Scan {
    decoding: UriDecoding,
    hay: Hay,
    automaton: AhoCorasick,
    /// Of each literal, the clauses that it is in.
    clauses: Box<[Box<[u32]>]>,
}

/// The clauses that were found in a request.
#[derive(Clone, Debug)]
pub(super) struct Found(Box<[u64]>);

impl Found {
    fn none(clauses: usize) -> Self {
        Self(vec![0; clauses.div_ceil(64)].into())
    }

    fn add(&mut self, clauses: &[u32]) {
        for clause in clauses {
            let (word, bit) = place(*clause);
            if let Some(word) = self.0.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn has(&self, clause: u32) -> bool {
        let (word, bit) = place(clause);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }
}

fn place(clause: u32) -> (usize, u64) {
    (usize::try_from(clause / 64).unwrap_or(usize::MAX), 1 << (clause % 64))
}

impl Prefilter {
    /// Looks through a request once.
    pub(super) fn scan<'f>(&self, facts: impl Fn(UriDecoding) -> &'f Facts<'f>) -> Found {
        let mut found = self.always.clone();
        for scan in &self.scans {
            scan.run(facts(scan.decoding), &mut found);
        }
        found
    }

    /// Whether a rule, by its number in the order of adding, can hold after what was found.
    #[inline]
    pub(super) fn may_hold(&self, rule: usize, found: &Found) -> bool {
        self.rules.get(rule).is_none_or(|clauses| clauses.iter().all(|clause| found.has(*clause)))
    }
}

impl Scan {
    fn run(&self, facts: &Facts<'_>, found: &mut Found) {
        let value = self.hay.path.iter().fold(facts.get(self.hay.field), element);
        if let Some(value) = value {
            self.leaves(value, found);
        }
    }

    /// All bytes in a value. Types are a few levels deep at most.
    fn leaves(&self, value: &Value<'_>, found: &mut Found) {
        match value {
            Value::Bytes(bytes) => match self.hay.decoded {
                None => self.bytes(bytes, found),
                // Once for all rules that look at it so.
                Some(options) => {
                    self.bytes(&url_decode(Cow::Borrowed(bytes), options, &mut ()), found);
                }
            },
            Value::Array(values) => values.iter().for_each(|value| self.leaves(value, found)),
            Value::Map(map) => map.iter().for_each(|(_, value)| self.leaves(value, found)),
            Value::Bool(_) | Value::Int(_) | Value::Ip(_) => {}
        }
    }

    fn bytes(&self, bytes: &[u8], found: &mut Found) {
        for matched in self.automaton.find_overlapping_iter(bytes) {
            let clauses = self.clauses.get(matched.pattern().as_usize());
            found.add(clauses.map_or(&[], |clauses| clauses));
        }
    }
}
