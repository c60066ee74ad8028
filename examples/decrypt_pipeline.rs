//! A log of firewall events comes in sealed, and its payloads go on to whoever looks at attacks: opened on
//! all cores, in order, with nothing on a disk in between.
//!
//! ```text
//! wafpass generate-key-pair --out matched.key > matched.pub.json
//! cargo run --release --example decrypt_pipeline --features archive -- matched.key < events.jsonl.gz
//! ```
//!
//! What goes on is one line for each field that matched: when, where from, which rule, and what. An event whose
//! blob does not open goes on as `sealed`, so that nobody takes its absence for silence.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::{env, fs};

use serde_json::Value;
use wafpass::matched_data::archive::{Archive, LogFormat, LogReader};
use wafpass::matched_data::{Opener, PrivateKey};
use zeroize::Zeroizing;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}"); // the fault, and the way out
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
    let keys: Vec<PrivateKey> =
        env::args().skip(1).map(|path| key(&path)).collect::<Result<_, _>>()?;
    let opener = Opener::new(keys)?;

    // Any reader does, such as the body of an object in a bucket; gzip or not, it tells by itself.
    let log = LogReader::new(io::stdin())?;
    let mut sink = Sink { lines: Vec::new(), out: io::stdout().lock() };
    let summary = Archive::new(LogFormat::Jsonl).open(log, &mut sink, &opener)?;
    sink.write_all(b"\n")?; // the last line may have no end

    eprintln!("{summary}");
    Ok(if summary.is_complete() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A key file as `wafpass generate-key-pair --out` writes it.
fn key(path: &str) -> Result<PrivateKey, Box<dyn Error>> {
    let mut text = Zeroizing::new(String::new());
    fs::File::open(path)?.read_to_string(&mut text)?;
    Ok(PrivateKey::from_text(&text)?)
}

/// Where opened events go. A real one would send them in batches; this one prints them.
struct Sink<W> {
    lines: Vec<u8>,
    out: W,
}

impl<W: Write> Sink<W> {
    fn take(&mut self, line: &[u8]) -> io::Result<()> {
        let Ok(event) = serde_json::from_slice::<Value>(line) else {
            return Ok(()); // counted as no JSON
        };
        let place = ["Datetime", "ClientIP", "RuleID"]
            .map(|name| shown(&event.get(name).unwrap_or(&Value::Null).to_string()))
            .join(" ");
        let fields = match member(&event, "matched_data") {
            Some(Value::Object(fields)) => fields,
            Some(text) => return writeln!(self.out, "{place} {}", shown(&text.to_string())),
            None => match member(&event, "matched_data_b64") {
                Some(bytes) => {
                    return writeln!(self.out, "{place} base64 {}", shown(&bytes.to_string()));
                }
                None if member(&event, "encrypted_matched_data").is_none() => return Ok(()),
                None => return writeln!(self.out, "{place} sealed"),
            },
        };
        fields.iter().try_for_each(|(field, matched)| {
            writeln!(self.out, "{place} {}", shown(&format!("{field} {matched}")))
        })
    }
}

/// A member of an event's metadata, in either of its forms.
fn member<'e>(event: &'e Value, name: &str) -> Option<&'e Value> {
    match event.get("Metadata").or_else(|| event.get("metadata"))? {
        Value::Array(pairs) => pairs.iter().find(|pair| pair["key"] == name)?.get("value"),
        metadata => metadata.get(name),
    }
}

/// Safe on a terminal: an attacker chose it.
fn shown(text: &str) -> String {
    let shown =
        |c| if matches!(c, ' '..='~') { format!("{c}") } else { c.escape_unicode().to_string() };
    text.chars().map(shown).collect()
}

impl<W: Write> Write for Sink<W> {
    /// Events arrive in pieces of any length, their lines in order.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines.extend_from_slice(bytes);
        let lines = std::mem::take(&mut self.lines);
        let (whole, rest) = match lines.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => lines.split_at(end + 1),
            None => (&[][..], &lines[..]),
        };
        self.lines = rest.to_vec();
        for line in whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
            self.take(line)?;
        }
        Ok(bytes.len())
    }

    /// Called whenever nothing more is at hand.
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
