use std::io::Write;

use wafpass::key_directory::{Derivation, KeyRecord};

use super::Dir;
use crate::error::Fault;
use crate::style;

/// List the keys and their states.
#[derive(clap::Args)]
#[command(styles = style::HELP)]
pub(super) struct Args {
    #[command(flatten)]
    dir: Dir,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let directory = self.dir.open()?;
        let records = directory.records();
        let widest = records.iter().map(|record| record.id().as_str().len()).max();
        let widest = widest.unwrap_or_default();
        for record in records {
            let life = record.life();
            let (id, state, since) = (record.id(), life.state, life.since());
            writeln!(out, "{id:<widest$}  {state:<8}  {since}{}", remarks(record))?;
        }
        Ok(())
    }
}

/// What is unusual about a key.
pub(super) fn remarks(record: &KeyRecord) -> String {
    let mut text = String::new();
    if let Derivation::Daily { .. } = record.derivation() {
        text.push_str("  daily");
    }
    if record.life().compromised {
        text.push_str("  compromised");
    }
    for (name, moment) in [("from", record.not_before()), ("until", record.not_after())] {
        moment.into_iter().for_each(|moment| text.push_str(&format!("  {name} {moment}")));
    }
    text
}
