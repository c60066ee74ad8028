use std::io::{self, Write};

use serde::Serialize;
use wafpass::key_directory::{Derivation, KeyDirectory, KeyRecord, KeyState, OriginReport};
use wafpass::limits::{DEFAULT_SETTLE_S, MIN_RETIRED_S, MIN_RETIRING_S};
use wafpass::{UnixTime, clock};

use super::ages::age;
use super::list::remarks;
use super::origins::{Answer, Origins};
use super::{Dir, explain};
use crate::error::Fault;
use crate::style::{self, HEADING};

const AFTER: &str = "\
Examples:
  wafpass keys status --dir keys
  wafpass keys status --dir keys --metrics http://10.0.0.7:9090/metrics --json

Exit codes: 0 shown, 2 usage, or keys that cannot be read";

/// Show each key, its last use, and what to do next.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    #[command(flatten)]
    dir: Dir,
    #[command(flatten)]
    origins: Origins,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Status<'a> {
    keys: Vec<KeyStatus<'a>>,
    next: Vec<String>,
}

#[derive(Serialize)]
struct KeyStatus<'a> {
    kid: &'a str,
    state: &'static str,
    since: String,
    age_s: i64,
    derive: Option<&'static str>,
    compromised: bool,
    not_before: Option<String>,
    not_after: Option<String>,
    origins: Vec<OriginStatus>,
}

#[derive(Serialize)]
struct OriginStatus {
    origin: String,
    loaded: bool,
    last_used: Option<String>,
    started: Option<String>,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let directory = self.dir.open()?;
        let answers = self.origins.answers()?;
        let now = clock::now();
        let next = next_steps(&directory, &self.dir.to_string(), now);
        if self.json {
            let keys = directory.records().iter().map(|key| key_status(key, &answers, now));
            let status = Status { keys: keys.collect(), next };
            let text = serde_json::to_string_pretty(&status).map_err(io::Error::from)?;
            return Ok(writeln!(out, "{text}")?);
        }
        table(out, &directory, &answers, now)?;
        Ok(explain(out, &format!("\nNext:\n  {}", next.join("\n  ")))?)
    }
}

fn key_status<'a>(record: &'a KeyRecord, answers: &[Answer], now: UnixTime) -> KeyStatus<'a> {
    let life = record.life();
    let text = |moment: UnixTime| moment.to_string();
    let origins = answers.iter().map(|answer| {
        let OriginReport { origin, is_loaded, last_used, started } = answer.about(record.id());
        let (last_used, started) = (last_used.map(text), started.map(text));
        OriginStatus { origin, loaded: is_loaded, last_used, started }
    });
    KeyStatus {
        kid: record.id().as_str(),
        state: life.state.as_str(),
        since: life.since().to_string(),
        age_s: now.seconds_since(life.since()),
        derive: match record.derivation() {
            Derivation::Daily { .. } => Some("daily"),
            _ => None,
        },
        compromised: life.compromised,
        not_before: record.not_before().map(text),
        not_after: record.not_after().map(text),
        origins: origins.collect(),
    }
}

fn table(
    out: &mut dyn Write,
    directory: &KeyDirectory,
    answers: &[Answer],
    now: UnixTime,
) -> io::Result<()> {
    let ids = directory.records().iter().map(|record| record.id().as_str().len());
    let widest = ids.max().unwrap_or_default().max("KID".len());
    let heading = format!("{:<widest$}  STATE     SINCE             AGE   ", "KID");
    let heading = if answers.is_empty() { heading } else { heading + "  LAST USED" };
    writeln!(out, "{HEADING}{}{HEADING:#}", heading.trim_end())?;
    for record in directory.records() {
        let life = record.life();
        let since_s = age(now.seconds_since(life.since()));
        let (id, state, since) = (record.id(), life.state, life.since());
        let mut line =
            format!("{id:<widest$}  {state:<8}  {since}  {since_s:<6}{}", remarks(record));
        let uses: Vec<String> =
            answers.iter().map(|answer| last_use(&answer.about(id), now)).collect();
        if !uses.is_empty() {
            line.push_str(&format!("  {}", uses.join(", ")));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn last_use(report: &OriginReport, now: UnixTime) -> String {
    let used = match report.last_used {
        Some(used) => format!("{} ago", age(now.seconds_since(used))),
        None => "never".into(),
    };
    let loaded = if report.is_loaded { "" } else { " (not loaded)" };
    format!("{used} at {}{loaded}", report.origin)
}

/// What to do now, most urgent first.
fn next_steps(directory: &KeyDirectory, dir: &str, now: UnixTime) -> Vec<String> {
    let in_state =
        |state| directory.records().iter().filter(move |record| record.life().state == state);
    let mut steps = Vec::new();
    let signing: Vec<&KeyRecord> = directory.signing().collect();
    let newest = signing.iter().max_by_key(|record| record.life().promoted);
    match (signing.as_slice(), newest) {
        ([_, _, ..], Some(newest)) => steps.push(format!(
            "a promotion was cut off; finish it: wafpass keys promote {}{dir}",
            newest.id()
        )),
        ([], _) if in_state(KeyState::Accepted).next().is_none() => {
            let again = in_state(KeyState::Retiring).next_back().map_or_else(String::new, |key| {
                format!(", or back to the one before: wafpass keys promote {}{dir}", key.id())
            });
            steps.push(format!("no key signs, and none is ready: wafpass keys new{dir}{again}"));
        }
        _ => {}
    }
    if let Some(end) = signing.iter().find_map(|record| record.not_after()) {
        steps.push(format!(
            "the key that signs counts until {end}: have the next one signing before"
        ));
    }
    for record in in_state(KeyState::Accepted) {
        let ready = record.life().created.saturating_add(DEFAULT_SETTLE_S.into());
        let when = match now.seconds_since(ready) {
            ..0 if directory.has_ever_signed() => format!("from {ready} on"),
            _ => "once every origin has loaded it".into(),
        };
        steps.push(format!("{when}: wafpass keys promote {}{dir}", record.id()));
    }
    // While no key signs, it may be needed again.
    for record in in_state(KeyState::Retiring).filter(|_| !signing.is_empty()) {
        let ready = record.life().since().saturating_add(MIN_RETIRING_S);
        let when = match now.seconds_since(ready) {
            ..0 => format!("once it is unused (--metrics), or from {ready} on"),
            _ => "now".into(),
        };
        steps.push(format!("{when}: wafpass keys retire {}{dir}", record.id()));
    }
    for record in in_state(KeyState::Retired) {
        let ready = record.life().since().saturating_add(MIN_RETIRED_S);
        let when = if ready <= now { "now".into() } else { format!("from {ready} on") };
        steps.push(format!("{when}: wafpass keys remove {}{dir}", record.id()));
    }
    if steps.is_empty() {
        steps.push(format!("nothing; when it is time for another key: wafpass keys new{dir}"));
    }
    steps
}
