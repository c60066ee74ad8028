//! Whole logs: where they come from, where they go, and what is told about them.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use wafpass::matched_data::archive::{ArchiveError, Compression, LogFormat, LogReader, Summary};

use super::new_log::NewLog;
use super::terminal::Escaped;
use crate::error::Fault;
use crate::{Verdict, input};

const BAR: &str = "{bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
const SPINNER: &str = "{spinner} {bytes}  {bytes_per_sec}";

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum InputFormat {
    /// Blobs as base64, one a line.
    Blob,
    /// One JSON document: an array of events, a single one, or an answer of the GraphQL API.
    FirewallEventsJson,
    /// One event a line.
    #[value(alias = "jsonl")]
    FirewallEventsJsonl,
}

impl InputFormat {
    /// The format of a log; nothing for single blobs.
    pub(super) const fn log(self) -> Option<LogFormat> {
        match self {
            Self::Blob => None,
            Self::FirewallEventsJson => Some(LogFormat::Json),
            Self::FirewallEventsJsonl => Some(LogFormat::Jsonl),
        }
    }
}

/// A log as it is read.
pub(super) type Log = LogReader<Box<dyn Read + Send>>;

/// Logs that are read one after the other, with a bar on a terminal that shows how far.
pub(super) struct Logs<'a> {
    paths: &'a [PathBuf],
    bar: ProgressBar,
}

impl<'a> Logs<'a> {
    /// `is_shown` is whether they come out on the terminal themselves, where a bar would be in the way.
    pub(super) fn new(paths: &'a [PathBuf], is_shown: bool) -> Self {
        let sizes: Option<u64> = paths.iter().map(|path| size(path)).sum();
        // On no terminal, standard error shows no bar.
        let (bar, style) = match sizes {
            _ if is_shown => (ProgressBar::hidden(), SPINNER),
            Some(bytes) => (ProgressBar::new(bytes), BAR),
            None => (ProgressBar::new_spinner(), SPINNER),
        };
        bar.set_style(ProgressStyle::with_template(style).unwrap_or(ProgressStyle::default_bar()));
        Self { paths, bar }
    }

    /// Does `work` with each log, which says where its first line is that is no JSON. Says that of all of them.
    pub(super) fn each(
        &self,
        mut work: impl FnMut(Log) -> Result<Option<u64>, ArchiveError>,
    ) -> Result<Option<LinePlace>, Fault> {
        let mut first = None;
        let done = self.paths.iter().try_for_each(|path| {
            let log = self.open(path)?;
            let line = work(log).map_err(|error| Fault::archive(path, error))?;
            let is_one_of_many = self.paths.len() > 1;
            let place = |line| LinePlace { line, log: is_one_of_many.then(|| input::named(path)) };
            first = first.take().or_else(|| line.map(place));
            Ok(())
        });
        self.bar.finish_and_clear();
        done.map(|()| first)
    }

    fn open(&self, path: &Path) -> Result<Log, Fault> {
        let source: Box<dyn Read + Send> = if input::is_standard(path) {
            input::say_if_typed();
            Box::new(self.bar.wrap_read(io::stdin()))
        } else {
            let file = File::open(path).map_err(|error| Fault::reading(path, &error))?;
            Box::new(self.bar.wrap_read(file))
        };
        LogReader::new(source).map_err(|error| Fault::reading(path, &error))
    }
}

/// A line in one of the logs.
pub(super) struct LinePlace {
    line: u64,
    /// Which, where they are several.
    log: Option<String>,
}

impl fmt::Display for LinePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        self.log.as_ref().map_or(Ok(()), |log| write!(f, " of {log}"))
    }
}

/// The length of a file, if it has one.
fn size(path: &Path) -> Option<u64> {
    let metadata = fs::metadata(path).ok()?;
    metadata.is_file().then_some(metadata.len())
}

/// Whether standard output shows what is written to it.
pub(super) fn is_shown(out: Option<&Path>) -> bool {
    out.is_none() && io::stdout().is_terminal()
}

/// Where logs and payloads go: to a new file, or to standard output, where a terminal gets nothing that it
/// would obey.
pub(super) fn write_to<T>(
    out: Option<&Path>,
    escapes: Escapes,
    write: impl FnOnce(&mut dyn Write) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if let Some(path) = out {
        let mut file = NewLog::create(path, Compression::None)?;
        let done = write(&mut file)?;
        file.finish()?;
        return Ok(done);
    }
    // Not by `anstream`, which takes escape sequences out of what goes to a file: it is somebody's data.
    let mut stdout = io::stdout().lock();
    let done = match escapes {
        Escapes::OnTerminal if stdout.is_terminal() => write(&mut Escaped(&mut stdout)),
        _ => write(&mut stdout),
    }?;
    stdout.flush()?;
    Ok(done)
}

/// What becomes of characters that a terminal would obey.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    OnTerminal,
    Never,
}

/// Keeps logs that follow each other apart, where one does not end its last line.
pub(super) struct Joined<'w> {
    writer: &'w mut dyn Write,
    last: u8,
}

impl<'w> Joined<'w> {
    pub(super) fn new(writer: &'w mut dyn Write) -> Self {
        Self { writer, last: b'\n' }
    }

    pub(super) fn next_log(&mut self) -> io::Result<()> {
        if self.last == b'\n' { Ok(()) } else { self.write_all(b"\n") }
    }
}

impl Write for Joined<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        if let Some(last) = bytes.get(..written).and_then(<[u8]>::last) {
            self.last = *last;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Says on standard error what came of logs.
pub(super) fn tell(summary: &Summary, first_not_json: Option<&LinePlace>) -> Verdict {
    anstream::eprintln!("{summary}");
    match summary.unbound {
        0 => {}
        1 => anstream::eprintln!(
            "1 of version 3 or older: nothing shows that it belongs to the event it stands in"
        ),
        count => anstream::eprintln!(
            "{count} of version 3 or older: nothing shows that they belong to the events they stand in"
        ),
    }
    match summary.moved {
        0 => {}
        1 => anstream::eprintln!("1 belongs to another event than the one it stands in"),
        count => anstream::eprintln!("{count} belong to other events than those they stand in"),
    }
    tell_not_json(summary.not_json, first_not_json);
    if summary.is_complete() { Verdict::Good } else { Verdict::Bad }
}

/// Says how many lines are no JSON.
pub(super) fn tell_not_json(count: u64, first: Option<&LinePlace>) {
    let Some(first) = first else { return };
    let plural = if count == 1 { "line is" } else { "lines are" };
    anstream::eprintln!("{count} {plural} not JSON; the first is {first}");
}

/// Where no line is JSON, something else was named than a log.
pub(super) fn refuse_no_json(events: u64, not_json: u64) -> Result<(), Fault> {
    if events > 0 || not_json == 0 {
        return Ok(());
    }
    let fault = "no line is JSON";
    let way_out = "name a log with one event a line; -i blob for blobs alone, -i firewall-events-json for one document";
    Err(Fault::new(fault, way_out))
}

impl Fault {
    /// Names the log that a fault is of.
    fn archive(path: &Path, error: ArchiveError) -> Self {
        match error {
            ArchiveError::Write(error) => error.into(),
            error => Self::from(error).within(&input::named(path)),
        }
    }
}
