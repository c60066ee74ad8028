//! `wafpass explain --record`: the signer's request beside what the origin saw of it.

use std::io::Write;
use std::path::Path;

use wafpass::explain::{
    ComparedPart, Comparison, ExplainRecord, Finding, LocalSignature, Seen, Visible,
};
use wafpass::{Key, MessageHead};

use crate::capture::Capture;
use crate::error::Fault;
use crate::request::RawRequest;
use crate::style::{BAD, FAINT, GOOD, HEADING};
use crate::{Verdict, input};

/// What stands in every record, so that it can be told from the name of a file.
const MARKERS: [&str; 2] = ["wafpass-explain-", "salt="];

/// Compares the request with the record in `record`: text, a file, or standard input.
pub(crate) fn run(
    capture: &Capture,
    record: &str,
    suspects: impl FnOnce(&crate::key_file::Keys) -> Result<Vec<(String, Key)>, Fault>,
    out: &mut dyn Write,
) -> Result<Verdict, Fault> {
    let is_text = MARKERS.iter().all(|marker| record.contains(marker));
    let file = (!is_text).then(|| Path::new(record));
    let (keys, bytes) = capture.load_with(file)?;
    let text = match file {
        Some(file) => input::read(file)?,
        None => record.as_bytes().to_vec(),
    };
    let request = RawRequest::parse(&bytes)?;
    let record = pick(&text, &request.head())?;
    let keyring = keys.keyring()?;
    let comparer = capture.comparer(&keys, &keyring)?;
    let comparer = suspects(&keys)?
        .into_iter()
        .fold(comparer, |comparer, (what, key)| comparer.suspect(&what, key));
    let comparison = comparer.compare(&record, &request.head())?;

    print_verdict(out, &record, &comparison)?;
    print_parts(out, &record, &comparison)?;
    print_hints(out, &comparison)?;
    let is_good = !comparison.differs() && comparison.signature != LocalSignature::Wrong;
    Ok(if is_good { Verdict::Good } else { Verdict::Bad })
}

/// The record of this request: the last one with its nonce, or the only one.
fn pick(text: &[u8], head: &MessageHead<'_>) -> Result<ExplainRecord, Fault> {
    let mut records = Vec::new();
    let mut fault = None;
    for found in ExplainRecord::all_in(text) {
        match found {
            Ok(record) => records.push(record),
            Err(error) => fault = fault.or(Some(error)),
        }
    }
    if let Some(record) = records.iter().rfind(|record| record.is_of(head)) {
        return Ok(record.clone());
    }
    match (fault, records.as_slice()) {
        (Some(error), _) => Err(error.into()),
        (None, [record]) => Ok(record.clone()),
        (None, []) => Err(wafpass::explain::RecordError::Missing.into()),
        (None, several) => Err(Fault::new(
            format!("{} records are here, and none has the nonce of the request", several.len()),
            "give the request the x-cloud-signature that it was sent with, or one record only",
        )),
    }
}

fn print_verdict(
    out: &mut dyn Write,
    record: &ExplainRecord,
    comparison: &Comparison,
) -> Result<(), Fault> {
    let labels: Vec<&str> = comparison.differing().map(|part| part.label.as_str()).collect();
    match labels.as_slice() {
        [] if comparison.signature == LocalSignature::Wrong => {
            writeln!(out, "{BAD}nothing differs, and the signature is wrong at both ends{BAD:#}")?;
        }
        [] => writeln!(out, "{GOOD}nothing differs{GOOD:#}")?,
        [label] => writeln!(out, "{BAD}{label} differs{BAD:#}")?,
        [labels @ .., last] => {
            writeln!(out, "{BAD}{} and {last} differ{BAD:#}", labels.join(", "))?;
        }
    }
    writeln!(out, "refused by the origin at {} as {}", record.now(), record.reason())?;
    let signature = match comparison.signature {
        LocalSignature::Right => "right",
        LocalSignature::Wrong => "not right",
        _ => "not there, or not all that it covers",
    };
    writeln!(out, "the signature in this request, over its own parts: {signature}")?;
    Ok(())
}

fn print_parts(
    out: &mut dyn Write,
    record: &ExplainRecord,
    comparison: &Comparison,
) -> Result<(), Fault> {
    let parts = &comparison.parts;
    let width = parts.iter().map(|part| part.label.len()).max().unwrap_or_default();
    let findings = parts.iter().map(|part| part.finding.to_string().len());
    let of_findings = findings.max().unwrap_or_default();
    writeln!(out, "\n{HEADING}Parts{HEADING:#}")?;
    for part in parts {
        let style = match part.finding {
            Finding::Same => GOOD,
            Finding::Differs | Finding::NotInRecord => BAD,
            _ => FAINT,
        };
        let (finding, label, text) = (part.finding, &part.label, told(part, record));
        let line = format!("  {style}{finding:<of_findings$}{style:#}  {label:<width$}  {text}");
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// What both ends have.
fn told(part: &ComparedPart, record: &ExplainRecord) -> String {
    let shown = |bytes: &[u8]| match bytes {
        [] => "(empty)".into(),
        bytes => Visible(bytes).to_string(),
    };
    match (&part.signed, &part.seen, part.finding) {
        (None, Seen::Nothing, Finding::Same) => format!("the secret of {}", record.key_id()),
        (None, Seen::Nothing, _) => format!("the secret of {} is another one", record.key_id()),
        (None, Seen::Bytes(bytes), _) => format!("(the origin saw {bytes} bytes)"),
        (None, Seen::Text(seen), _) => shown(seen.as_bytes()),
        (Some(signed), Seen::Text(seen), Finding::Differs) => {
            format!("{} (the origin saw {})", shown(signed), shown(seen.as_bytes()))
        }
        (Some(signed), Seen::Bytes(bytes), Finding::Differs) => {
            format!("{} ({} bytes; the origin saw {bytes})", shown(signed), signed.len())
        }
        (Some(signed), ..) => shown(signed),
        _ => String::new(),
    }
}

fn print_hints(out: &mut dyn Write, comparison: &Comparison) -> Result<(), Fault> {
    if comparison.hints.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{HEADING}Hints{HEADING:#}")?;
    for hint in &comparison.hints {
        writeln!(out, "  {}: {}", hint.code, hint.text)?;
    }
    Ok(())
}
