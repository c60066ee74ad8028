use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wafpass::clock;
use wafpass::config::{KeyEntry, KeyFile};
use wafpass::{Secret, random_nonce};
use zeroize::Zeroizing;

use crate::error::{Fault, shown};
use crate::key_file::PresetName;
use crate::new_files::NewFiles;
use crate::style::FAINT;
use crate::{Verdict, style};

const AFTER: &str = "\
The key file is of this command line: --key-file of sign, verify and explain. An
origin takes its `key` with Secret::from_base64url and its `kid` with Key::new.
  {
    \"aud\": \"shop\",                 the name of this site or origin
    \"freshness\": \"cloudfront\",     or strict, cloudfront-origin-group, or
                                   \"max_age\": 90, \"skew\": 5 (seconds)
    \"keys\": [
      {
        \"kid\": \"2026-11-a\",        the name of the key
        \"key\": \"...\",              the secret: base64url without =
        \"not_before\": 1795307400,  optional: the key counts from here on,
        \"not_after\": \"20270101T000000Z\",             and until just before
        \"revoked\": true            optional: known, and refused
      }
    ]
  }

The edge's value: {\"kid\": ..., \"key\": ..., \"aud\": ..., \"waf_secrets\": [...]},
one line, stored under the key `wafpass` of its key-value store.

For keys that are rotated: `wafpass keys`, a directory of them that walks through it.
`wafpass keys new --import keys.json` takes a key from here.

Examples:
  wafpass keygen --aud shop
  wafpass keygen --aud shop --out keys.json --edge-out edge.json
  wafpass keygen --aud shop --json | jq .edge

Exit codes: 0 written, 2 usage, or a file that cannot be written";

const KEY_FILE_HEADING: &str = "\
Key file of this command line (keep it at mode 0600). An origin takes its
`key` with Secret::from_base64url and its `kid` with Key::new.";

const EDGE_HEADING: &str = "Edge: the value under `wafpass` in its key-value store";

const WEB_ACL: &str = "\
Web ACL: every Allow inserts the header `wafpass` with the text in waf_secrets;
[] for no WAF. When you rotate, keep the waf_secrets that you have.";

/// Make a key: what the origin needs, and what the edge needs.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// The key's name [default: today's date and four random characters].
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
    /// The name of the site or origin that the key is for.
    #[arg(long, value_name = "NAME")]
    aud: String,
    /// For the key file: strict, cloudfront or cloudfront-origin-group.
    #[arg(long, value_name = "PRESET", hide_possible_values = true)]
    freshness: Option<PresetName>,
    /// Write the key file here (mode 0600).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the edge's value here (mode 0600).
    #[arg(long, value_name = "FILE")]
    edge_out: Option<PathBuf>,
    /// Print both as one JSON object, {"key_file": ..., "edge": ...}.
    #[arg(long, conflicts_with_all = ["out", "edge_out"])]
    json: bool,
}

/// The value in the edge's key-value store.
#[derive(Serialize)]
struct EdgeValue<'a> {
    kid: &'a str,
    key: &'a str,
    aud: &'a str,
    waf_secrets: [&'a str; 1],
}

#[derive(Serialize)]
struct Both<'a> {
    key_file: &'a KeyFile,
    edge: &'a EdgeValue<'a>,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let kid = self.kid.clone().map_or_else(dated_kid, Ok)?;
        let key = Secret::generate()?.to_base64url();
        let waf_secret = Secret::generate()?.to_base64url();
        let mut key_file = KeyFile::new(vec![KeyEntry::new(kid.clone(), key.clone())]);
        key_file.audience = Some(self.aud.clone());
        key_file.freshness = self.freshness.map(Into::into);
        key_file.check()?;
        let edge = EdgeValue { kid: &kid, key: &key, aud: &self.aud, waf_secrets: [&waf_secret] };
        if self.json {
            writeln!(out, "{}", *pretty(&Both { key_file: &key_file, edge: &edge })?)?;
            return Ok(Verdict::Good);
        }
        let key_file = pretty(&key_file)?;
        let edge = Zeroizing::new(serde_json::to_string(&edge).map_err(io::Error::from)?);
        let parts = [
            Part { heading: KEY_FILE_HEADING, text: &key_file, path: self.out.as_deref() },
            Part { heading: EDGE_HEADING, text: &edge, path: self.edge_out.as_deref() },
        ];
        hand_over(out, &parts)?;
        Ok(Verdict::Good)
    }
}

/// What goes to a file, or else to the output.
struct Part<'a> {
    heading: &'static str,
    text: &'a str,
    path: Option<&'a Path>,
}

/// Hands over all parts, or none: half of a pair is of no use, and in the way of the next try.
fn hand_over(out: &mut dyn Write, parts: &[Part<'_>]) -> Result<(), Fault> {
    let mut files = NewFiles::default();
    for part in parts {
        part.path.map_or(Ok(()), |path| files.open(path, part.text))?;
    }
    files.write()?;
    match print(out, parts) {
        Err(error) if parts.iter().all(|part| part.path.is_none()) => return Err(error.into()),
        Err(error) if parts.iter().any(|part| part.path.is_none()) => {
            let fault = format!("the part that is in no file cannot be written: {error}");
            return Err(Fault::new(fault, "give both --out and --edge-out"));
        }
        printed => {
            files.keep(); // the secrets are where they belong, whatever becomes of the report
            printed?;
        }
    }
    Ok(())
}

fn print(out: &mut dyn Write, parts: &[Part<'_>]) -> io::Result<()> {
    for Part { heading, text, path } in parts {
        for line in heading.lines() {
            writeln!(out, "{FAINT}# {line}{FAINT:#}")?;
        }
        match path {
            Some(path) => writeln!(out, "written to {}\n", shown(path))?,
            None => writeln!(out, "{text}\n")?,
        }
    }
    WEB_ACL.lines().try_for_each(|line| writeln!(out, "{FAINT}# {line}{FAINT:#}"))
}

/// A name that sorts by date, such as `2026-11-22-9fQ2`. It owes nothing to the secret.
pub(crate) fn dated_kid() -> Result<String, Fault> {
    let date = clock::now().to_string();
    let (year, month, day) = (date.get(..4), date.get(4..6), date.get(6..8));
    let nonce = random_nonce()?;
    let random: String = nonce.chars().filter(char::is_ascii_alphanumeric).take(4).collect();
    let [year, month, day] = [year, month, day].map(Option::unwrap_or_default);
    Ok(format!("{year}-{month}-{day}-{random}"))
}

fn pretty(value: &impl Serialize) -> Result<Zeroizing<String>, Fault> {
    Ok(Zeroizing::new(serde_json::to_string_pretty(value).map_err(io::Error::from)?))
}
