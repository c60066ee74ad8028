use std::io::Write;
use std::path::PathBuf;

use wafpass::matched_data::archive::{
    Archive, ArchiveError, LogFormat, MovedBlobs, OpenedForm, Summary,
};
use wafpass::matched_data::{Opener, Plaintext};

use super::blobs::{Blobs, refusal};
use super::event::EventArgs;
use super::logs::{Escapes, InputFormat, Joined, Logs, is_shown, refuse_no_json, tell, write_to};
use super::pretty::pretty;
use super::private_key::PrivateKeys;
use crate::error::Fault;
use crate::{Verdict, style};

const AFTER: &str = "\
Input formats, plain or gzip:
  blob                    blobs as base64, one a line
  firewall-events-jsonl   a log with one event a line (also: jsonl)
  firewall-events-json    a JSON document: an array of events, or anything with
                          events in it

In a log, each encrypted_matched_data becomes matched_data, in place; everything
else stays as it is to the byte. What does not open stays too, and is counted on
standard error by its code. A payload that is a JSON object stands there as one,
with -o utf8-lossy always as a text; bytes that are no UTF-8 as matched_data_b64.

Output formats of a blob: utf8-lossy (text, then a line end), raw (the bytes), json
(checked and laid out). On a terminal, characters that it would obey or hide are
shown as \\uXXXX, but with raw.

Version 4 opens only with the binding of its event: in a log it stands beside the
blob and is compared with the row. A blob that was moved to another event stays
sealed; with --allow-moved it is opened as moved_matched_data.

A key file holds the key, or what generate-key-pair prints; its mode is 0600. Without
-k, WAFPASS_PRIVATE_KEY holds the key itself. The passphrase of a protected file is in
--passphrase-file or WAFPASS_PASSPHRASE, or is asked for. Version 4 names its key,
older ones are tried with each in turn.

Examples:
  wafpass decrypt -k matched.key blob.txt
  zcat -f *.log.gz | wafpass decrypt -k matched.key -i jsonl - > opened.jsonl
  wafpass decrypt -k 2026.key -k 2025.key -i jsonl --out opened.jsonl *.log.gz

Exit codes: 0 all opened, 1 some not, 2 usage, or input that cannot be read";

/// Open matched data: a blob, or every blob in a log.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    #[command(flatten)]
    keys: PrivateKeys,
    /// Payloads as utf8-lossy, raw or json.
    #[arg(short, long, value_name = "FORMAT", hide_possible_values = true)]
    output_format: Option<OutputFormat>,
    /// blob (the default), firewall-events-jsonl or -json.
    #[arg(short, long, value_name = "FORMAT", default_value = "blob")]
    #[arg(hide_possible_values = true, hide_default_value = true)]
    input_format: InputFormat,
    /// Write to a new file (mode 0600), which appears when whole.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Open what was moved to another event, under another name.
    #[arg(long)]
    allow_moved: bool,
    #[command(flatten)]
    event: EventArgs,
    /// What to open; `-` for standard input.
    #[arg(value_name = "FILE", default_value = "-", hide_default_value = true)]
    files: Vec<PathBuf>,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OutputFormat {
    Raw,
    Utf8Lossy,
    Json,
}

impl Args {
    pub(crate) fn run(&self, _: &mut dyn Write) -> Result<Verdict, Fault> {
        let others = self.files.iter().cloned().chain(self.event.file().map(PathBuf::from));
        let opener = self.keys.opener(&others.collect::<Vec<_>>())?;
        match self.input_format.log() {
            None => self.open_blobs(&opener),
            Some(format) => self.open_logs(format, &opener),
        }
    }

    fn open_logs(&self, format: LogFormat, opener: &Opener) -> Result<Verdict, Fault> {
        let form = match self.output_format {
            None | Some(OutputFormat::Json) => OpenedForm::Json,
            Some(OutputFormat::Utf8Lossy) => OpenedForm::Text,
            Some(OutputFormat::Raw) => {
                let fault = "raw bytes cannot stand in a log";
                return Err(Fault::new(fault, "-o json, or -o utf8-lossy"));
            }
        };
        if self.event.is_given() {
            let fault = "in a log, each event has a binding of its own";
            return Err(Fault::new(fault, "leave out --tenant and --event; they are for -i blob"));
        }
        let moved = if self.allow_moved { MovedBlobs::Mark } else { MovedBlobs::LeaveSealed };
        let archive = Archive::new(format).form(form).moved(moved);
        let logs = Logs::new(&self.files, is_shown(self.out.as_deref()));
        let (summary, not_json) = write_to(self.out.as_deref(), Escapes::OnTerminal, |out| {
            let (mut out, mut sum) = (Joined::new(out), Summary::default());
            let not_json = logs.each(|log| {
                out.next_log().map_err(ArchiveError::Write)?;
                let summary = archive.open(log, &mut out, opener)?;
                let not_json = summary.first_not_json;
                sum.merge(summary);
                Ok(not_json)
            })?;
            refuse_no_json(sum.events, sum.not_json)?;
            Ok((sum, not_json))
        })?;
        Ok(tell(&summary, not_json.as_ref()))
    }

    fn open_blobs(&self, opener: &Opener) -> Result<Verdict, Fault> {
        let given = self.event.load()?;
        let binding = given.as_ref().map(|given| given.binding()).transpose()?;
        let files = self.files.iter().map(|path| Blobs::read(path));
        let files = files.collect::<Result<Vec<_>, Fault>>()?;
        let blobs: Vec<_> = files.iter().flat_map(Blobs::each).collect();
        let is_raw = self.output_format == Some(OutputFormat::Raw);
        if is_raw && blobs.len() > 1 {
            let fault = format!("{} payloads would run into one another", blobs.len());
            return Err(Fault::new(fault, "-o utf8-lossy, or one blob at a time"));
        }
        let escapes = if is_raw { Escapes::Never } else { Escapes::OnTerminal };
        write_to(self.out.as_deref(), escapes, |out| {
            let mut refused: Option<Fault> = None;
            for (place, text) in &blobs {
                let opened = opener.open(text, binding.as_ref());
                let opened = opened.map_err(|error| refusal(place, error));
                let written = opened.and_then(|plaintext| self.write(out, place, &plaintext));
                match written {
                    Err(fault @ Fault::Refused { .. }) => {
                        if let Some(earlier) = refused.replace(fault) {
                            earlier.print();
                        }
                    }
                    written => written?,
                }
            }
            match refused {
                // With nothing opened there is no file to leave behind.
                Some(fault) if blobs.len() == 1 => Err(fault),
                Some(fault) => {
                    fault.print();
                    Ok(Verdict::Bad)
                }
                None => Ok(Verdict::Good),
            }
        })
    }

    fn write(&self, out: &mut dyn Write, place: &str, plaintext: &Plaintext) -> Result<(), Fault> {
        match self.output_format {
            Some(OutputFormat::Raw) => out.write_all(plaintext)?,
            None | Some(OutputFormat::Utf8Lossy) => {
                writeln!(out, "{}", String::from_utf8_lossy(plaintext))?;
            }
            Some(OutputFormat::Json) => {
                let text = str::from_utf8(plaintext).ok().and_then(pretty).ok_or_else(|| {
                    let fault = format!("{place}: it opens, and is not JSON");
                    Fault::refused(fault, "-o utf8-lossy, or -o raw")
                })?;
                writeln!(out, "{text}")?;
            }
        }
        Ok(())
    }
}
