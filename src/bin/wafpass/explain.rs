use std::io::Write;

use wafpass::config::LoadedKey;
use wafpass::explain::{Explainer, Explanation, Outcome, Visible};
use wafpass::{Key, RejectionKind, Secret, Verifier};

use crate::capture::Capture;
use crate::error::Fault;
use crate::key_file::Keys;
use crate::style::{BAD, FAINT, GOOD, HEADING};
use crate::{Verdict, compare, style};

const AFTER: &str = "\
Shows each check in its order, the signature base line by line, and what would
have matched: a query that something dropped or wrote anew, an origin path
prefix, another method, another key, a clock. Bytes that are not visible ASCII
are shown as \\t and \\xNN. The expected signature is never shown.

A request file is the request as it went over the wire: the request line, a
line for each field, an empty line, the body. Lines end with LF or CR LF.

With --record the request is the signer's, as it was signed, and is compared
part by part with what the origin saw. The origin logs a record for a key while
an operator has switched that on. Of the policy, --strip-prefix and --query
count then, and the key is the one that signed.

Examples:
  wafpass explain --key-file keys.json --freshness cloudfront request.http
  wafpass explain --key-file keys.json --now 20261122T003010Z < request.http
  wafpass explain --key-file keys.json --record origin.log request.http

Exit codes: 0 nothing speaks against it, or nothing differs; 1 refused, or
something differs; 2 usage or unreadable input";

/// Show step by step why a request is refused.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// What the origin saw: its log line, a file of such lines, or `-`.
    #[arg(long, value_name = "TEXT|FILE")]
    record: Option<String>,
    #[command(flatten)]
    capture: Capture,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        if let Some(record) = &self.record {
            return compare::run(&self.capture, record, suspects, out);
        }
        let loaded = self.capture.load()?;
        let request = loaded.request()?;
        let explainer = explainer(&loaded.verifier, &loaded.keys)?;
        let explanation = explainer.explain(&request.head(), request.body()?, loaded.now);

        print_verdict(out, &explanation)?;
        writeln!(out, "judged at {}", loaded.now)?;
        print_steps(out, &explanation)?;
        print_base(out, &explanation)?;
        print_hints(out, &explanation)?;
        if !loaded.is_now_given {
            print_way_back(out, &explanation)?;
        }
        Ok(if explanation.rejection.is_none() { Verdict::Good } else { Verdict::Bad })
    }
}

/// Also suspects the mistake that is made most with keys in text.
fn explainer<'v>(verifier: &'v Verifier, keys: &Keys) -> Result<Explainer<'v>, Fault> {
    let explainer = Explainer::new(verifier);
    let suspects = suspects(keys)?.into_iter();
    Ok(suspects.fold(explainer, |explainer, (what, key)| explainer.suspect(&what, key)))
}

fn suspects(keys: &Keys) -> Result<Vec<(String, Key)>, Fault> {
    let suspect = |key: &LoadedKey| {
        let text = Secret::new(key.secret().to_base64url().as_bytes())?;
        let what = format!(
            "the text of {}, not the bytes that it encodes: decode the base64url",
            key.id()
        );
        Ok((what, Key::new(key.id().as_str(), &text)?))
    };
    keys.keys.iter().map(suspect).collect()
}

fn print_verdict(out: &mut dyn Write, explanation: &Explanation) -> Result<(), Fault> {
    match &explanation.rejection {
        Some(rejection) => {
            writeln!(out, "{BAD}refused: {}{BAD:#}", rejection.code())?;
            writeln!(out, "{}", rejection.kind.explanation())?;
        }
        None if explanation
            .steps
            .iter()
            .any(|step| step.row == 18 && step.outcome == Outcome::NotRun) =>
        {
            writeln!(out, "{GOOD}the head is good{GOOD:#}; the covered body is not here")?;
        }
        None => writeln!(out, "{GOOD}nothing speaks against it{GOOD:#}")?,
    }
    Ok(())
}

fn print_steps(out: &mut dyn Write, explanation: &Explanation) -> Result<(), Fault> {
    writeln!(out, "\n{HEADING}Checks{HEADING:#}")?;
    for step in &explanation.steps {
        let (style, word) = match step.outcome {
            Outcome::Passed => (GOOD, "ok"),
            Outcome::Failed => (BAD, "FAILED"),
            Outcome::NotReached => (FAINT, "not reached"),
            Outcome::NotAsked => (FAINT, "not asked"),
            Outcome::NotCovered => (FAINT, "not covered"),
            Outcome::NotRun if step.row == 18 => (FAINT, "no body here"),
            _ => (FAINT, "origin only"), // only a running origin can tell
        };
        writeln!(out, "  {:2}  {style}{word:<12}{style:#}  {}", step.row, step.check)?;
    }
    Ok(())
}

fn print_base(out: &mut dyn Write, explanation: &Explanation) -> Result<(), Fault> {
    writeln!(out, "\n{HEADING}Signature base{HEADING:#}")?;
    if explanation.base.is_empty() {
        writeln!(out, "  none: the request fails before there is one")?;
    }
    for (number, line) in (1..).zip(&explanation.base) {
        let shown = Visible(&line.bytes).to_string();
        let text = if shown.is_empty() { format!("{FAINT}(empty){FAINT:#}") } else { shown };
        writeln!(out, "  {number:2}  {FAINT}{:<8}{FAINT:#}  {text}", line.label)?;
    }
    Ok(())
}

fn print_hints(out: &mut dyn Write, explanation: &Explanation) -> Result<(), Fault> {
    if explanation.hints.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}Hints{HEADING:#}")?;
    for hint in &explanation.hints {
        writeln!(out, "  {}: {}", hint.code, hint.text)?;
    }
    Ok(())
}

/// An old capture has expired by now, whatever it was refused for when it arrived.
fn print_way_back(out: &mut dyn Write, explanation: &Explanation) -> Result<(), Fault> {
    if explanation.rejection.is_some_and(|rejection| rejection.kind == RejectionKind::Expired) {
        writeln!(
            out,
            "  now: to judge it as it was judged then: `--now` with the time it arrived, \
             YYYYMMDDTHHMMSSZ (the log line's time)"
        )?;
    }
    Ok(())
}
