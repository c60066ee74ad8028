use std::io::Write;

use wafpass::collector::catalogue::stats;

use super::table::{Table, bytes, moment};
use super::{Data, now_ms};
use crate::error::Fault;
use crate::style;

const AFTER: &str = "\
Reads the files beside a running service, and writes nothing. Rows of batches under
way are counted, events in ClickHouse are not. Batches are those of the last 7 days,
lines set aside those of all time.

Exit codes: 0 told, 2 usage, or files that cannot be read";

/// Show what each tenant has stored.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    #[command(flatten)]
    data: Data,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let headings = [
            "tenant",
            "events",
            "bytes",
            "days",
            "oldest",
            "newest",
            "batches",
            "set aside",
            "tokens",
        ];
        let mut table = Table::new(&headings);
        for stats in stats(&self.data.folder()?, now_ms())? {
            let ends = |at: wafpass::collector::EventTime| moment(u64::try_from(at.as_ms()).ok());
            table.row([
                stats.record.tenant.to_string(),
                stats.rows.to_string(),
                bytes(stats.bytes),
                stats.partitions.to_string(),
                stats.span.map_or_else(|| "-".to_owned(), |(oldest, _)| ends(oldest)),
                stats.span.map_or_else(|| "-".to_owned(), |(_, newest)| ends(newest)),
                stats.record.batches.to_string(),
                stats.record.quarantined.to_string(),
                stats.record.tokens.to_string(),
            ]);
        }
        Ok(table.print(out)?)
    }
}
