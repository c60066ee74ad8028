use std::io::Write;

use wafpass::key_directory::{KeyDirectory, KeyState, Step, Unused};
use wafpass::limits::DEFAULT_UNUSED_FOR_S;
use wafpass::{KeyId, clock};

use super::origins::Origins;
use super::{Dir, explain, key_id};
use crate::error::Fault;
use crate::style;

const AFTER: &str = "\
Origins refuse the key once they have loaded this. So it has to be unused: by what
each origin says (--metrics), or because it gave way to another a day ago.

An emergency: --compromised retires it at once, from any state, and for good.

Examples:
  wafpass keys retire 2026-10-a --dir keys --metrics http://10.0.0.7:9090/metrics
  wafpass keys retire 2026-10-a --dir keys --compromised

Exit codes: 0 retired, 1 refused: not now, and why, 2 usage, or keys that cannot be read";

/// Have a key refused, once nothing signs with it any more.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
#[command(group = clap::ArgGroup::new("way").args(["compromised", "give_up", "undo"]))]
pub(super) struct Args {
    /// The key.
    #[arg(value_name = "KID", value_parser = key_id)]
    kid: KeyId,
    #[command(flatten)]
    dir: Dir,
    #[command(flatten)]
    origins: Origins,
    /// With --metrics: how old the last use has to be [default: 3600].
    #[arg(long, value_name = "SECONDS", requires = "metrics")]
    #[arg(value_parser = clap::value_parser!(u32).range(60..))]
    unused_for: Option<u32>,
    /// Somebody else may have it: at once, and for good.
    #[arg(long, conflicts_with = "metrics")]
    compromised: bool,
    /// The key has never signed, and is not wanted any more.
    #[arg(long, conflicts_with = "metrics")]
    give_up: bool,
    /// The key was retired too early: accept it again.
    #[arg(long, conflicts_with = "metrics")]
    undo: bool,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<(), Fault> {
        let reports = self.origins.ask(&self.kid)?;
        let mut writer = self.dir.lock()?;
        let before = writer.directory().get(&self.kid).map(|record| record.life().state);
        let unused_for_s = self.unused_for.unwrap_or(DEFAULT_UNUSED_FOR_S);
        let step = match (self.compromised, self.give_up, self.undo) {
            (true, ..) => Step::RetireCompromised,
            (_, true, _) => Step::GiveUp,
            (.., true) => Step::UndoRetire,
            _ if reports.is_empty() => Step::Retire(Unused::ByTime),
            _ => Step::Retire(Unused::Reports { reports: &reports, unused_for_s }),
        };
        writer.step(&self.kid, step, clock::now())?;

        let directory = writer.directory();
        let state = directory.get(&self.kid).map_or(KeyState::Retired, |now| now.life().state);
        writeln!(out, "{}  {state}", self.kid)?;
        let text = match before {
            _ if self.undo => "Next: let every origin load that (a reload, or a restart).".into(),
            Some(before) if self.compromised => self.emergency(before, directory),
            _ => self.routine(),
        };
        Ok(explain(out, &format!("\n{text}"))?)
    }

    fn routine(&self) -> String {
        let (kid, dir) = (&self.kid, &self.dir);
        format!(
            "Next: let every origin load that (a reload, or a restart). In a day:\n  wafpass keys remove {kid}{dir}\nThe way back, should an edge turn up that signs with it:\n  wafpass keys retire {kid}{dir} --undo"
        )
    }

    /// What breaks, and what to do: read at three in the morning.
    fn emergency(&self, before: KeyState, directory: &KeyDirectory) -> String {
        let dir = &self.dir;
        let breaks = match before {
            KeyState::Signing => {
                "What breaks: once origins load this, they refuse all that the edge signs, until the\nedge has another key."
            }
            KeyState::Retiring => {
                "What breaks: once origins load this, they refuse edges that have not gone on to the\nnext key."
            }
            _ => "What breaks: nothing, no edge signs with it.",
        };
        let mut steps = Vec::new();
        if before == KeyState::Signing {
            let ready = directory.records().iter().rev().find(|record| {
                matches!(record.life().state, KeyState::Accepted | KeyState::Retiring)
            });
            match ready {
                Some(next) => steps.push(format!(
                    "wafpass keys promote {}{dir} --origins-have-it   (wafpass keys status: have they?)",
                    next.id()
                )),
                None => {
                    steps.push(format!("wafpass keys new{dir}, and let every origin load it"));
                    steps.push(format!("wafpass keys promote KID{dir} --origins-have-it"));
                }
            }
            steps.push(format!(
                "wafpass keys export cloudfront-kvs{dir} --current CURRENT.json --out NEXT.json,\n     and hand it to the edge"
            ));
        }
        steps.push(
            "let every origin load this (a reload, or a restart): until then the key still counts"
                .into(),
        );
        steps.push(
            "find out how it leaked: whoever may read the edge's key store, or this directory"
                .into(),
        );
        let steps = steps.iter().zip(1..).map(|(step, n)| format!("\n  {n}. {step}"));
        format!("{breaks}\nNow:{}", steps.collect::<String>())
    }
}
