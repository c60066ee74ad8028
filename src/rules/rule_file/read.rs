//! From nodes to rules: each fault is taken down, and what follows is read all the same.

use std::collections::HashMap;

use super::fault::{Faults, RuleFileFault};
use super::node::{Node, NodeValue, NotRead};
use super::table::Table;
use super::{Action, DEFAULT_STATUS, Rule, RuleFile};
use crate::rules::ast::Expr;
use crate::rules::error::ParseError;
use crate::rules::lexer::cut;
use crate::rules::limits::{
    MAX_DESCRIPTION_BYTES, MAX_REGEX_TOTAL_BYTES, MAX_RULE_FILE_BYTES, MAX_RULE_ID_BYTES, MAX_RULES,
};
use crate::rules::parser::{self, Parsed};
use crate::rules::scheme::Scheme;
use crate::rules::uri_decoding::UriDecoding;

const FILE: &[&str] = &["uri_decoding", "lists", "rules"];
const RULE: &[&str] =
    &["id", "description", "expression", "action", "status", "enabled", "uri_decoding"];

const URI_DECODINGS: &[(&str, UriDecoding)] =
    &[("none", UriDecoding::None), ("url", UriDecoding::Url)];

/// The statuses that refuse a request.
const STATUSES: std::ops::RangeInclusive<u16> = 400..=599;

/// Reads a file that `parse` makes a node of.
pub(super) fn read(
    text: &str,
    parse: impl Fn(&str) -> Result<Node, NotRead>,
    scheme: &Scheme,
) -> Result<RuleFile, RuleFileFault> {
    let mut reader = Reader {
        text,
        faults: Faults::new(text),
        scheme: scheme.clone(),
        uri_decoding: UriDecoding::default(),
        regex_bytes: 0,
        ids: HashMap::new(),
    };
    let mut rules = Vec::new();
    if text.len() > MAX_RULE_FILE_BYTES {
        let fault =
            format!("the file has {} bytes, and {MAX_RULE_FILE_BYTES} are the most", text.len());
        reader.faults.add(0, fault, "make two files of it");
    } else {
        match parse(text) {
            Ok(node) => rules = reader.file(node),
            Err(NotRead { place, fault, way_out }) => {
                reader.faults.add_at(place, fault, way_out, None)
            }
        }
    }
    reader.faults.done()?;
    Ok(RuleFile { scheme: reader.scheme, rules })
}

/// Reads one file.
pub(super) struct Reader<'t> {
    text: &'t str,
    pub(super) faults: Faults<'t>,
    pub(super) scheme: Scheme,
    /// For rules that do not say.
    uri_decoding: UriDecoding,
    /// What the regular expressions and wildcards so far take, compiled.
    regex_bytes: usize,
    /// The ids so far, with their lines.
    ids: HashMap<String, usize>,
}

impl Reader<'_> {
    fn file(&mut self, node: Node) -> Vec<Rule> {
        let Some(mut file) = Table::of(node, FILE, "a rule file", &mut self.faults) else {
            return Vec::new();
        };
        let uri_decoding = file.word("uri_decoding", URI_DECODINGS, &mut self.faults);
        self.uri_decoding = uri_decoding.unwrap_or_default();
        if let Some(lists) = file.take("lists") {
            self.lists(lists);
        }
        let rules = file.take("rules").map_or_else(Vec::new, |rules| self.rules(rules));
        file.done(&mut self.faults);
        rules
    }

    fn rules(&mut self, node: Node) -> Vec<Rule> {
        let NodeValue::List(elements) = node.value else {
            let fault = format!("`rules` is a list of tables, and this is {}", node.value.kind());
            self.faults.add(
                node.span.start,
                fault,
                "write [[rules]] in TOML, \"rules\": [{…}] in JSON",
            );
            return Vec::new();
        };
        if elements.len() > MAX_RULES {
            let fault =
                format!("the file has {} rules, and {MAX_RULES} are the most", elements.len());
            self.faults.add(
                node.span.start,
                fault,
                "drop what never matches, or join rules by lists",
            );
            return Vec::new();
        }
        elements.into_iter().filter_map(|element| self.rule(element)).collect()
    }

    fn rule(&mut self, node: Node) -> Option<Rule> {
        self.faults.in_rule(None);
        let mut table = Table::of(node, RULE, "a rule", &mut self.faults)?;
        let line = self.faults.line(table.place("id"));
        let id = self.id(&mut table);
        self.faults.in_rule(id.clone());
        let description = self.description(&mut table);
        let expression = self.expression(&mut table);
        let action = self.action(&mut table);
        let enabled = table.truth("enabled", &mut self.faults).unwrap_or(true);
        let uri_decoding = table
            .word("uri_decoding", URI_DECODINGS, &mut self.faults)
            .unwrap_or(self.uri_decoding);
        table.done(&mut self.faults);
        self.faults.in_rule(None);
        let (expression, text) = expression?;
        Some(Rule {
            id: id?,
            description,
            action: action?,
            enabled,
            uri_decoding,
            expression,
            text,
            line,
        })
    }

    fn id(&mut self, table: &mut Table) -> Option<String> {
        let at = table.place("id");
        let (id, _) =
            self.required(table, "id", "give it a name, such as id = \"path-traversal\"")?;
        if !is_rule_id(&id) {
            let way_out = format!(
                "use letters, digits, `-`, `_` and `.`, {MAX_RULE_ID_BYTES} at most, a letter or digit first"
            );
            self.faults.add(at, format!("{} is no id", cut(&id)), way_out);
            return None;
        }
        let line = self.faults.line(at);
        if let Some(other) = self.ids.insert(id.clone(), line) {
            self.faults.add(
                at,
                format!("the id {id} is that of the rule of line {other} too"),
                "give each rule an id of its own",
            );
        }
        Some(id)
    }

    fn description(&mut self, table: &mut Table) -> Option<String> {
        let (text, node) = table.text("description", &mut self.faults)?;
        if text.len() > MAX_DESCRIPTION_BYTES {
            let fault = format!(
                "the description has {} bytes, and {MAX_DESCRIPTION_BYTES} are the most",
                text.len()
            );
            self.faults.add(node.span.start, fault, "say it shorter");
        }
        Some(text)
    }

    fn expression(&mut self, table: &mut Table) -> Option<(Expr, String)> {
        let (text, node) = self.required(
            table,
            "expression",
            "say what it matches, such as expression = 'http.host eq \"…\"'",
        )?;
        // Nothing more would be told of it, and each regular expression takes its time.
        if self.faults.is_full() || self.regex_bytes > MAX_REGEX_TOTAL_BYTES {
            return None;
        }
        match parser::parse_measured(&text, &self.scheme) {
            Ok(Parsed { expression, regex_bytes }) => {
                self.count_regex(node.span.start, regex_bytes);
                Some((expression, text))
            }
            Err(error) => {
                self.faults.add_parse_error(self.place_in_file(&node, &text, &error), error);
                None
            }
        }
    }

    /// Where the fault stands in the file: where the text has escapes, the start of the text.
    fn place_in_file(&self, node: &Node, text: &str, error: &ParseError) -> usize {
        let written = self.text.get(node.span.clone()).unwrap_or_default();
        match written.find(text) {
            Some(start) if !text.is_empty() => node.span.start + start + error.span().start,
            _ => node.span.start,
        }
    }

    fn count_regex(&mut self, at: usize, bytes: usize) {
        let before = self.regex_bytes;
        self.regex_bytes = before.saturating_add(bytes);
        if before <= MAX_REGEX_TOTAL_BYTES && self.regex_bytes > MAX_REGEX_TOTAL_BYTES {
            let fault = format!(
                "the regular expressions and wildcards up to here take more than {MAX_REGEX_TOTAL_BYTES} bytes, compiled"
            );
            self.faults.add(at, fault, "count less, such as .{0,64} for .{0,500}, or use contains");
        }
    }

    fn action(&mut self, table: &mut Table) -> Option<Action> {
        #[derive(Clone, Copy)]
        enum Word {
            Log,
            Block,
            Challenge,
            Skip,
        }
        const WORDS: &[(&str, Word)] = &[
            ("log", Word::Log),
            ("block", Word::Block),
            ("challenge", Word::Challenge),
            ("skip", Word::Skip),
        ];

        let status_at = table.place("status");
        let status = self.status(table);
        if !table.has("action") {
            self.faults.add(
                table.at,
                "the rule has no `action`",
                "write log, block, challenge or skip",
            );
            return None;
        }
        let word = table.word("action", WORDS, &mut self.faults)?;
        let given = status.is_some();
        let status = status.flatten().unwrap_or(DEFAULT_STATUS);
        match word {
            Word::Block => Some(Action::Block { status }),
            Word::Challenge => Some(Action::Challenge { status }),
            Word::Log | Word::Skip if given => {
                self.faults.add(
                    status_at,
                    "`status` goes with block and challenge",
                    "leave it out: the request goes on",
                );
                None
            }
            Word::Log => Some(Action::Log),
            Word::Skip => Some(Action::Skip),
        }
    }

    /// The status: none, one that is none, or one.
    fn status(&mut self, table: &mut Table) -> Option<Option<u16>> {
        let node = table.take("status")?;
        let status = match node.value {
            NodeValue::Int(status) => {
                u16::try_from(status).ok().filter(|status| STATUSES.contains(status))
            }
            _ => None,
        };
        if status.is_none() {
            let way_out = format!(
                "write a number from {} to {}, without quotes",
                STATUSES.start(),
                STATUSES.end()
            );
            self.faults.add(node.span.start, "this status refuses nothing", way_out);
        }
        Some(status)
    }

    fn required(&mut self, table: &mut Table, name: &str, way_out: &str) -> Option<(String, Node)> {
        if !table.has(name) {
            self.faults.add(table.at, format!("the rule has no `{name}`"), way_out);
        }
        table.text(name, &mut self.faults)
    }
}

/// Ids go into events, metrics and file names: no character there means anything.
fn is_rule_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    id.len() <= MAX_RULE_ID_BYTES
        && id.starts_with(|first: char| first.is_ascii_alphanumeric())
        && id.bytes().all(plain)
}
