use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use wafpass::clock;
use wafpass::{Secret, random_nonce};
use zeroize::Zeroizing;

use crate::error::{Fault, shown};
use crate::keys::{KeyEntry, KeyFile, Preset, show_moment};
use crate::style::{FAINT, HEADING};
use crate::{Verdict, style};

const AFTER: &str = "\
The key file, for the origin and for this command line:
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

To rotate: add the new key to the origin's file, then change `kid` and `key` at
the edge and leave `waf_secrets` alone, then remove the old key.

Examples:
  wafpass keygen --aud shop
  wafpass keygen --aud shop --out keys.json --edge-out edge.json
  wafpass keygen --aud shop --json | jq .edge

Exit codes: 0 written, 2 usage, or a file that cannot be written";

/// Make a key: what the origin needs, and what the edge needs.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// The key's name [default: today's date and four random characters].
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
    /// The name of the site or origin that the key is for.
    #[arg(long, value_name = "NAME")]
    aud: Option<String>,
    /// Freshness to put in the key file: strict, cloudfront, cloudfront-origin-group.
    #[arg(long, value_name = "PRESET", hide_possible_values = true)]
    freshness: Option<Preset>,
    /// Write the origin's key file here (mode 0600).
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the edge's value here (mode 0600).
    #[arg(long, value_name = "FILE")]
    edge_out: Option<PathBuf>,
    /// Print both as one JSON object, {"origin": ..., "edge": ...}.
    #[arg(long, conflicts_with_all = ["out", "edge_out"])]
    json: bool,
}

/// The value in the edge's key-value store.
#[derive(Serialize)]
struct EdgeValue<'a> {
    kid: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    waf_secrets: [&'a str; 1],
}

#[derive(Serialize)]
struct Both<'a> {
    origin: &'a KeyFile,
    edge: &'a EdgeValue<'a>,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        for path in [&self.out, &self.edge_out].into_iter().flatten() {
            refuse_existing(path)?; // before one of two is written
        }
        let kid = self.kid.clone().map_or_else(dated_kid, Ok)?;
        let key = Secret::generate()?.to_base64url();
        let waf_secret = Secret::generate()?.to_base64url();
        let origin = KeyFile {
            aud: self.aud.clone(),
            freshness: self.freshness,
            max_age: None,
            skew: None,
            keys: vec![KeyEntry::new(kid.clone(), key.clone())],
        };
        origin.check()?;
        let edge = EdgeValue {
            kid: &kid,
            key: &key,
            aud: self.aud.as_deref(),
            waf_secrets: [&waf_secret],
        };
        if self.json {
            writeln!(out, "{}", *pretty(&Both { origin: &origin, edge: &edge })?)?;
            return Ok(Verdict::Good);
        }
        let origin = pretty(&origin)?;
        let edge = Zeroizing::new(serde_json::to_string(&edge).map_err(io::Error::from)?);
        hand_over(
            out,
            "Origin: the key file (keep it at mode 0600)",
            &origin,
            self.out.as_deref(),
        )?;
        writeln!(out)?;
        let heading = "Edge: the value under `wafpass` in its key-value store";
        hand_over(out, heading, &edge, self.edge_out.as_deref())?;
        writeln!(out)?;
        writeln!(
            out,
            "{FAINT}# Web ACL: every Allow inserts the header `wafpass` with the text in waf_secrets;{FAINT:#}"
        )?;
        writeln!(
            out,
            "{FAINT}# [] for no WAF. When you rotate, keep the waf_secrets that you have.{FAINT:#}"
        )?;
        if self.aud.is_none() {
            writeln!(
                out,
                "{HEADING}# Both still lack \"aud\", the name of the site or origin: add it, or use --aud.{HEADING:#}"
            )?;
        }
        Ok(Verdict::Good)
    }
}

/// Writes to `path`, or to `out`.
fn hand_over(
    out: &mut dyn Write,
    heading: &str,
    text: &str,
    path: Option<&Path>,
) -> Result<(), Fault> {
    match path {
        None => writeln!(out, "{FAINT}# {heading}{FAINT:#}\n{text}")?,
        Some(path) => {
            write_secret(path, text)?;
            writeln!(out, "{FAINT}# {heading}{FAINT:#}\nwritten to {}", shown(path))?;
        }
    }
    Ok(())
}

/// Makes a new file that its owner alone can read. One that is there stays as it is.
fn write_secret(path: &Path, text: &str) -> Result<(), Fault> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| writeln!(file, "{text}"));
    written.map_err(|error| {
        Fault::new(
            format!("{} cannot be written: {error}", shown(path)),
            "name a new file in a directory of yours",
        )
    })
}

fn refuse_existing(path: &Path) -> Result<(), Fault> {
    if path.symlink_metadata().is_ok() {
        let fault = format!("{} is there already, and may hold a key in use", shown(path));
        return Err(Fault::new(fault, "name another file, or move that one away"));
    }
    Ok(())
}

/// A name that sorts by date, such as `2026-11-22-9fQ2`. It owes nothing to the secret.
fn dated_kid() -> Result<String, Fault> {
    let date = show_moment(clock::now());
    let (year, month, day) = (date.get(..4), date.get(4..6), date.get(6..8));
    let nonce = random_nonce()?;
    let random: String = nonce.chars().filter(char::is_ascii_alphanumeric).take(4).collect();
    let [year, month, day] = [year, month, day].map(Option::unwrap_or_default);
    Ok(format!("{year}-{month}-{day}-{random}"))
}

fn pretty(value: &impl Serialize) -> Result<Zeroizing<String>, Fault> {
    Ok(Zeroizing::new(serde_json::to_string_pretty(value).map_err(io::Error::from)?))
}
