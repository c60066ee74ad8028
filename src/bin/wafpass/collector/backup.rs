use std::io::Write;
use std::path::PathBuf;

use wafpass::collector::catalogue::{BackupReport, backup, restore};
use wafpass::collector::server::raise_file_limit;

use super::table::{bytes, moment};
use super::{Data, now_ms};
use crate::error::{Fault, shown};
use crate::style;

const AFTER: &str = "\
Works while the service runs: nothing that was acknowledged before the start is
missing, and no sender waits. The folder holds copies of the databases and
backup.json with their SHA-256. Events in ClickHouse, and what waits in the spool
for it, are not in it.

Keep it as safe as the data folder: it has the tokens' hashes and all metadata.

Example:
  wafpass collector backup --data wafpass-collector --out /backup/2026-11-22

Exit codes: 0 made, 2 usage, or it cannot be made; then there is no such folder";

const AFTER_RESTORE: &str = "\
Checks each file against backup.json, and each database by SQLite's own check. A
folder that holds anything is left alone. Then start the service on the new folder:
it deletes what was not yet acknowledged when the backup was made.

Example:
  wafpass collector restore --from /backup/2026-11-22 --data wafpass-collector

Exit codes: 0 restored, 2 usage, or it cannot be; then there is no such folder";

/// Copy the data folder, also while the service runs.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    /// The new folder for the backup.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    data: Data,
}

/// Make a data folder of a backup.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER_RESTORE)]
pub(super) struct RestoreArgs {
    /// The backup.
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    #[command(flatten)]
    data: Data,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        // It holds all days open for a moment.
        raise_file_limit();
        let report = backup(&self.data.folder()?, &self.out, now_ms())?;
        Ok(writeln!(out, "{} in {}", told(&report), shown(&self.out))?)
    }
}

impl RestoreArgs {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let data = self.data.folder()?;
        let report = restore(&self.from, &data)?;
        let made = moment(Some(report.made_ms));
        Ok(writeln!(out, "{} of {made} UTC in {}", told(&report), shown(&data))?)
    }
}

fn told(report: &BackupReport) -> String {
    let days =
        if report.partitions == 1 { "1 day" } else { &format!("{} days", report.partitions) };
    format!("the catalogue and {days} of events, {},", bytes(report.bytes))
}
