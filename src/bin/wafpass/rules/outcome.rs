//! What rules make of a request, and how it is told.

use std::io::{self, Write};

use serde_json::{Value, json};
use wafpass::matched_data::{
    DenyList, Event, EventParts, Form, Payload, PublicKey, TRUNCATED, Traced, extract,
};
use wafpass::rules::request::{RequestFacts, RequestView};
use wafpass::rules::trace::Trace;
use wafpass::rules::{Action, Matches, Rule, RuleSet};

use super::looked_at::{self, places};
use super::source::{EXPRESSION, action};
use crate::error::Fault;
use crate::matched_data::pretty::pretty;
use crate::style::{BAD, FAINT, GOOD, HEADING};

/// What events of the command line are sealed for.
const TENANT: &str = "local";
const RAY_ID: &str = "wafpass-rules-eval";

/// A rule set that was run on a request.
pub(super) struct Outcome<'o> {
    pub(super) rules: &'o RuleSet,
    pub(super) matches: Matches,
    facts: &'o RequestFacts<'o>,
    payload: Option<Payload>,
    event: Option<String>,
}

impl<'o> Outcome<'o> {
    pub(super) fn of(
        rules: &'o RuleSet,
        view: &RequestView<'_>,
        facts: &'o RequestFacts<'o>,
        key: Option<&PublicKey>,
    ) -> Result<Self, Fault> {
        let matches = rules.evaluate(facts);
        let mut outcome = Self { rules, matches, facts, payload: None, event: None };
        if !outcome.matches.is_empty() {
            let payload = outcome.extracted(view);
            outcome.event = key.map(|key| outcome.sealed(view, &payload, key)).transpose()?;
            outcome.payload = Some(payload);
        }
        Ok(outcome)
    }

    /// The rules to show: the one expression, or those that matched.
    fn shown(&self) -> Vec<(&'o Rule, Trace<'o>)> {
        let matched = self.matches.rules().iter().copied();
        let is_alone = self.rules.rules().iter().all(|rule| rule.id == EXPRESSION);
        let numbers: Vec<usize> = if is_alone { vec![0] } else { matched.collect() };
        let numbers = numbers.into_iter();
        numbers
            .filter_map(|number| {
                Some((self.rules.rule(number)?, self.rules.trace(number, self.facts)))
            })
            .collect()
    }

    fn extracted(&self, view: &RequestView<'_>) -> Payload {
        let shown = self.shown();
        let traced: Vec<_> = shown
            .iter()
            .map(|(rule, trace)| Traced { rule: &rule.id, decoding: rule.uri_decoding, trace })
            .collect();
        extract(view, self.rules.scheme(), &traced, &DenyList::default())
    }

    /// The event as a shipper would send it.
    fn sealed(
        &self,
        view: &RequestView<'_>,
        payload: &Payload,
        key: &PublicKey,
    ) -> Result<String, Fault> {
        let deciding = self.matches.deciding().and_then(|number| self.rules.rule(number));
        let Some(rule) = deciding else { return Ok(String::new()) };
        let matched = self.matches.rules().iter().filter_map(|number| self.rules.rule(*number));
        let others: Vec<_> =
            matched.map(|other| other.id.as_str()).filter(|id| *id != rule.id).collect();
        let parts = EventParts {
            tenant: TENANT,
            ray_id: RAY_ID,
            match_index: 0,
            rule_id: &rule.id,
            description: rule.description.as_deref().unwrap_or_default(),
            action: rule.action.name(),
            other_rules: &others,
            status: status(rule.action),
            asn: None,
            uri: wafpass::matched_data::ClearText::default(),
        };
        let event = Event::new(view, &parts, &DenyList::default());
        let event = event.map_err(|_| {
            Fault::new("the rule's id is too long for an event", "choose a shorter id")
        })?;
        Ok(event.seal_v4(payload, key)?.to_line())
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> Result<(), Fault> {
        self.print_verdict(out)?;
        for (rule, trace) in self.shown() {
            let (id, does) = (rule.id.escape_debug(), action(rule));
            match rule.id.as_str() {
                EXPRESSION => writeln!(out, "\n{HEADING}Looked at{HEADING:#}")?,
                _ => writeln!(out, "\n{HEADING}Rule {id}{HEADING:#}: {does}")?,
            }
            let places = places(&rule.expression, &trace);
            let facts = self.facts.facts(rule.uri_decoding);
            looked_at::print(out, &rule.text, &places, facts, self.rules.scheme())?;
        }
        if let Some(payload) = &self.payload {
            writeln!(out, "\n{HEADING}Logged, sealed{HEADING:#}")?;
            print_json(
                out,
                &payload.to_json(Form::V4).unwrap_or_else(|_| format!("\"{TRUNCATED}\"")),
            )?;
        }
        if let Some(event) = &self.event {
            writeln!(out, "\n{HEADING}Event{HEADING:#}")?;
            print_json(out, event)?;
        }
        Ok(())
    }

    fn print_verdict(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let deciding = self.matches.deciding().and_then(|number| self.rules.rule(number));
        match deciding {
            None => writeln!(out, "{FAINT}no match{FAINT:#}")?,
            Some(rule) if rule.id == EXPRESSION => writeln!(out, "{GOOD}match{GOOD:#}")?,
            Some(rule) => {
                let style = if status(rule.action).is_some() { BAD } else { GOOD };
                let (does, id) = (action(rule), rule.id.escape_debug());
                writeln!(out, "{style}{does}{style:#} by rule {id}")?;
            }
        }
        Ok(())
    }

    /// As JSON. The members are stable.
    pub(super) fn print_json(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let deciding = self.matches.deciding().and_then(|number| self.rules.rule(number));
        let rules: Vec<_> = self.shown().iter().map(|(rule, trace)| told(rule, trace)).collect();
        let json = |text: &str| serde_json::from_str::<Value>(text).map_err(io::Error::from);
        let payload = self.payload.as_ref().map(|payload| payload.to_json(Form::V4));
        let payload = match payload {
            Some(Ok(text)) => json(&text)?,
            Some(Err(_)) => TRUNCATED.into(),
            None => Value::Null,
        };
        let whole = json!({
            "matches": !self.matches.is_empty(),
            "action": deciding.map(|rule| rule.action.name()),
            "status": deciding.and_then(|rule| status(rule.action)),
            "rule": deciding.map(|rule| &rule.id),
            "rules": rules,
            "payload": payload,
            "event": self.event.as_deref().map(json).transpose()?,
        });
        // As escaped as in text: JSON of a stranger's bytes goes to terminals, too.
        print_json(out, &whole.to_string())
    }
}

fn told(rule: &Rule, trace: &Trace<'_>) -> Value {
    let places = places(&rule.expression, trace);
    let of = |is_looked_at: bool| -> Vec<Value> {
        let places = places.iter().filter(|place| place.is_looked_at == is_looked_at);
        places
            .map(|place| {
                let (field, line, column) = place.at(&rule.text);
                json!({"field": field, "line": line, "column": column})
            })
            .collect()
    };
    json!({
        "id": rule.id,
        "action": rule.action.name(),
        "looked_at": of(true),
        "not_looked_at": of(false),
    })
}

const fn status(action: Action) -> Option<u16> {
    match action {
        Action::Block { status } | Action::Challenge { status } => Some(status),
        _ => None,
    }
}

fn print_json(out: &mut dyn Write, text: &str) -> Result<(), Fault> {
    writeln!(out, "{}", pretty(text).unwrap_or_default())?;
    Ok(())
}
