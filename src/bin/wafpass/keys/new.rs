use std::io::Write;
use std::path::{Path, PathBuf};

use wafpass::config::LoadedKey;
use wafpass::key_directory::{Derivation, KeyDirectory, KeyRecord};
use wafpass::limits::DEFAULT_SETTLE_S;
use wafpass::{Secret, UnixTime, clock};

use super::ages::age;
use super::{Dir, explain};
use crate::error::{Fault, shown};
use crate::key_file::{KeySource, parse_moment};
use crate::keygen::dated_kid;
use crate::style;

const AFTER: &str = "\
Nothing signs with the key yet, so nothing can break: origins only learn to
accept it. The directory is made, mode 0700, where it is not there.

With --derive daily the key is a root: edges sign with keys that are derived from
it, one for each UTC day, and the root itself never leaves the origins.

Examples:
  wafpass keys new --dir keys
  wafpass keys new --dir keys --kid shop-root --derive daily
  wafpass keys new --dir keys --import keys.json     # a key of wafpass keygen

Exit codes: 0 made, 2 usage, or a directory that cannot be written";

/// Make a key that origins accept, and that nothing signs with yet.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    #[command(flatten)]
    dir: Dir,
    /// The key's name [default: today's date and four random characters].
    #[arg(long, value_name = "ID")]
    kid: Option<String>,
    /// The key counts from here on: Unix seconds, or YYYYMMDDTHHMMSSZ.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    not_before: Option<UnixTime>,
    /// The key counts until just before this moment.
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    not_after: Option<UnixTime>,
    /// Make a root, from which the edge's key of each day is derived.
    #[arg(long, value_name = "daily", hide_possible_values = true)]
    derive: Option<Derive>,
    /// With --derive: how far a day's key counts beyond it [default: 3600].
    #[arg(long, value_name = "SECONDS", requires = "derive")]
    overlap: Option<u32>,
    /// Take a key, and what bounds it, from a key file; --kid says which.
    #[arg(long, value_name = "FILE")]
    import: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Derive {
    Daily,
}

/// A moment that a key's file can hold.
fn moment(text: &str) -> Result<UnixTime, String> {
    let moment = Some(parse_moment(text)?).filter(|moment| moment.to_date().is_some());
    moment.ok_or_else(|| "keep it within the years 0001 to 9999".into())
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let (path, now) = (self.dir.path()?, clock::now());
        let record = match &self.import {
            Some(file) => self.imported(file, now)?,
            None => {
                let kid = self.kid.clone().map_or_else(dated_kid, Ok)?;
                KeyRecord::new(&kid, Secret::generate()?, now)?
            }
        };
        let record = self.derivation().into_iter().fold(record, KeyRecord::with_derivation);
        let record = self.not_before.into_iter().fold(record, KeyRecord::with_not_before);
        let record = self.not_after.into_iter().fold(record, KeyRecord::with_not_after);
        let kid = *record.id();

        let mut writer = KeyDirectory::create(&path)?;
        let is_first = !writer.directory().has_ever_signed();
        writer.add(record)?;
        writeln!(out, "{kid}  accepted  {}\n", shown(&path.join(format!("{kid}.json"))))?;
        let settle = age(DEFAULT_SETTLE_S.into());
        let wait = if is_first { String::new() } else { format!(", {settle} from now on") };
        let text = format!(
            "Next: let every origin load it (a reload, or a restart). Then{wait}:\n  wafpass keys promote {kid}{}",
            self.dir
        );
        Ok(explain(out, &text)?)
    }

    /// As the options say it, if they do.
    fn derivation(&self) -> Option<Derivation> {
        self.derive.map(|Derive::Daily| match self.overlap {
            None => Derivation::DAILY,
            Some(overlap_s) => Derivation::Daily { overlap_s },
        })
    }

    /// The key that is meant, with its window and what is derived from it: nothing that bounds it is lost
    /// on the way.
    fn imported(&self, file: &Path, now: UnixTime) -> Result<KeyRecord, Fault> {
        let keys = KeySource::file(file.into()).load(None)?.keys;
        let is_wanted =
            |key: &&LoadedKey| self.kid.as_ref().is_none_or(|kid| kid == key.id().as_str());
        let mut wanted = keys.iter().filter(is_wanted);
        let (Some(key), None) = (wanted.next(), wanted.next()) else {
            let fault = format!("{} does not say which key is meant", shown(file));
            return Err(Fault::new(fault, "--kid ID, one of those in the file"));
        };
        if key.is_revoked() {
            let fault = format!("the key {} is revoked, and would be accepted again", key.id());
            return Err(Fault::new(fault, "leave it behind, or make a new one without --import"));
        }
        let record = KeyRecord::new(key.id().as_str(), key.secret().clone(), now)?;
        let record = record.with_derivation(key.derivation());
        let record = key.not_before().into_iter().fold(record, KeyRecord::with_not_before);
        Ok(key.not_after().into_iter().fold(record, KeyRecord::with_not_after))
    }
}
