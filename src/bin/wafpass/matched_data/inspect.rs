use std::io::Write;
use std::path::PathBuf;

use serde::Serialize;
use wafpass::matched_data::Blob;
use wafpass::matched_data::archive::{Archive, BlobKind, Inventory, LogFormat};

use super::blobs::{Blobs, refusal};
use super::logs::{InputFormat, Logs, refuse_no_json, tell_not_json};
use crate::error::Fault;
use crate::style::FAINT;
use crate::{Verdict, style};

const AFTER: &str = "\
No key is needed, and nothing is opened: this is what a blob says of itself, and
anybody could have written it. Version 4 names its key and hides the payload's
length up to 256 bytes; older ones name no key and show it.

Examples:
  wafpass inspect blob.txt
  wafpass inspect -i jsonl *.log.gz

Exit codes: 0 all are blobs, 1 some are not, 2 usage, or input that cannot be read";

/// Show what blobs say of themselves: version, suite, key id, sizes.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// blob (the default), firewall-events-jsonl or -json.
    #[arg(short, long, value_name = "FORMAT", default_value = "blob")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    input_format: InputFormat,
    /// Print one JSON object for each blob; for logs, one for all.
    #[arg(long)]
    json: bool,
    /// What to look at; `-` for standard input.
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    files: Vec<PathBuf>,
}

/// A blob.
#[derive(Serialize)]
struct Seen {
    version: u8,
    suite: String,
    key_id: Option<String>,
    blob_bytes: usize,
    /// Of version 4 with padding.
    payload_bytes: usize,
}

/// Blobs of one kind in a log.
#[derive(Serialize)]
struct Kind {
    version: u8,
    suite: String,
    key_id: Option<String>,
    blobs: u64,
    bytes: u64,
    without_binding: u64,
}

/// What a log holds.
#[derive(Serialize)]
struct Report {
    events: u64,
    kinds: Vec<Kind>,
    refused: serde_json::Map<String, serde_json::Value>,
    lines_not_json: u64,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        match self.input_format.log() {
            None => self.blobs(out),
            Some(format) => self.logs(format, out),
        }
    }

    fn blobs(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let mut refused: Option<Fault> = None;
        let mut separator = "";
        for path in &self.files {
            let blobs = Blobs::read(path)?;
            for (place, text) in blobs.each() {
                match Blob::parse(text) {
                    Ok(blob) if self.json => {
                        let seen = Seen::of(&blob);
                        let json = serde_json::to_string(&seen).map_err(std::io::Error::from)?;
                        writeln!(out, "{json}")?;
                    }
                    Ok(blob) => {
                        write!(out, "{separator}")?;
                        separator = "\n";
                        print(out, &blob)?;
                    }
                    Err(error) => {
                        if let Some(earlier) = refused.replace(refusal(&place, error)) {
                            earlier.print();
                        }
                    }
                }
            }
        }
        refused.map_or(Ok(Verdict::Good), Err)
    }

    fn logs(&self, format: LogFormat, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let (archive, mut inventory) = (Archive::new(format), Inventory::default());
        let not_json = Logs::new(&self.files, false).each(|log| {
            let seen = archive.inspect(log)?;
            let not_json = seen.first_not_json;
            inventory.merge(seen);
            Ok(not_json)
        })?;
        refuse_no_json(inventory.events, inventory.not_json)?;
        if self.json {
            let report = Report::of(&inventory);
            let json = serde_json::to_string_pretty(&report).map_err(std::io::Error::from)?;
            writeln!(out, "{json}")?;
        } else {
            table(out, &inventory)?;
        }
        tell_not_json(inventory.not_json, not_json.as_ref());
        let is_good = inventory.not_json == 0 && inventory.refused().next().is_none();
        Ok(if is_good { Verdict::Good } else { Verdict::Bad })
    }
}

impl Seen {
    fn of(blob: &Blob) -> Self {
        Self {
            version: blob.version(),
            suite: blob.suite().to_string(),
            key_id: blob.key_id().map(|id| id.to_string()),
            blob_bytes: blob.len(),
            payload_bytes: blob.ciphertext_len(),
        }
    }
}

impl Report {
    fn of(inventory: &Inventory) -> Self {
        let kinds = inventory.kinds().map(|(kind, amount)| Kind {
            version: kind.version,
            suite: kind.suite.to_string(),
            key_id: kind.key_id.map(|id| id.to_string()),
            blobs: amount.blobs,
            bytes: amount.bytes,
            without_binding: amount.without_binding,
        });
        let refused =
            inventory.refused().map(|(left, count)| (left.code().to_owned(), count.into()));
        Self {
            events: inventory.events,
            kinds: kinds.collect(),
            refused: refused.collect(),
            lines_not_json: inventory.not_json,
        }
    }
}

fn print(out: &mut dyn Write, blob: &Blob) -> Result<(), Fault> {
    let Seen { version, suite, key_id, blob_bytes, payload_bytes } = Seen::of(blob);
    let (binds, hides) = match key_id {
        Some(_) => ("bound to its event", ", with padding"),
        None => ("nothing shows which event it belongs to", ""),
    };
    let key_id = key_id.unwrap_or_else(|| "none; older than version 4".into());
    writeln!(out, "version  {version}  {FAINT}# {binds}{FAINT:#}")?;
    writeln!(out, "suite    {suite}\nkey id   {key_id}")?;
    writeln!(out, "blob     {blob_bytes} bytes\npayload  {payload_bytes} bytes{hides}")?;
    Ok(())
}

fn table(out: &mut dyn Write, inventory: &Inventory) -> Result<(), Fault> {
    let kinds: Vec<_> = inventory.kinds().collect();
    let blobs: u64 = kinds.iter().map(|(_, amount)| amount.blobs).sum();
    let plural = |count| if count == 1 { "" } else { "s" };
    let events = inventory.events;
    writeln!(out, "{events} event{}, {blobs} blob{}\n", plural(events), plural(blobs))?;
    writeln!(
        out,
        "{FAINT}{:>10}  {:>12}  {:<7}  {:<6}  KEY_ID{FAINT:#}",
        "BLOBS", "BYTES", "VERSION", "SUITE"
    )?;
    for (BlobKind { version, suite, key_id, .. }, amount) in kinds {
        let key_id = key_id.map_or_else(|| "-".into(), |id| id.to_string());
        let lacking = match amount.without_binding {
            0 => String::new(),
            count => format!("  ({count} without a binding)"),
        };
        writeln!(
            out,
            "{:>10}  {:>12}  {version:<7}  {suite:<6}  {key_id}{lacking}",
            amount.blobs, amount.bytes
        )?;
    }
    for (left, count) in inventory.refused() {
        writeln!(out, "{count:>10}  {:>12}  {}", "-", left.code())?;
    }
    Ok(())
}
