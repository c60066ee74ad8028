use std::io::Write;
use std::path::{Path, PathBuf};

use wafpass::vectors::VectorFile;

use crate::error::{Fault, shown};
use crate::style::{BAD, FAINT, GOOD};
use crate::{Verdict, input, style};

const AFTER: &str = "\
Each case that fails is shown with what was expected and what came. The last
line is always `N passed, N failed`.

A file that cannot be read, has an unknown field or reason, or has no case, is
an error; the other files still run.

Example:
  wafpass vectors tests/vectors/*.json

Exit codes: 0 all passed, 1 a case failed, 2 a file cannot be read";

/// Run vector files: the test cases that every signer and verifier shares.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// Vector files; `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let mut tally = Tally::default();
        let mut unreadable = None;
        for path in &self.files {
            match read(path) {
                Ok(file) => run(out, path, &file, &mut tally)?,
                Err(fault) => {
                    if let Some(earlier) = unreadable.replace(fault) {
                        earlier.print();
                    }
                }
            }
        }
        let Tally { passed, failed } = tally;
        let style = if failed == 0 && unreadable.is_none() { GOOD } else { BAD };
        writeln!(out, "{style}{passed} passed, {failed} failed{style:#}")?;
        match unreadable {
            Some(fault) => Err(fault),
            None if failed > 0 => Ok(Verdict::Bad),
            None => Ok(Verdict::Good),
        }
    }
}

fn read(path: &Path) -> Result<VectorFile, Fault> {
    let text = input::read(path)?;
    VectorFile::parse(&text).map_err(|error| Fault::from(error).within(&shown(path)))
}

fn run(
    out: &mut dyn Write,
    path: &Path,
    file: &VectorFile,
    tally: &mut Tally,
) -> Result<(), Fault> {
    for (name, verdict) in file.run() {
        let Err(failure) = verdict else {
            tally.passed += 1;
            continue;
        };
        tally.failed += 1;
        writeln!(out, "{BAD}FAILED{BAD:#} {}: {}", shown(path), name.escape_debug())?;
        for line in failure.to_string().lines() {
            writeln!(out, "  {FAINT}{line}{FAINT:#}")?;
        }
    }
    Ok(())
}
