//! `wafpass rules check`

use std::io::Write;
use std::path::PathBuf;

use wafpass::rules::RuleFile;

use super::lint::warnings;
use super::source::{Fields, compiled, read_file};
use crate::error::{Fault, shown};
use crate::style::{BAD, FAINT, GOOD};
use crate::{Verdict, style};

const AFTER: &str = "\
Every fault of every file is told with its place, the expression with a mark
under what is wrong, and what to do. Files that end in .json are JSON, others
TOML.

Warnings change no exit code: a rule that is not enabled, can never match, or
never has its turn behind one that ends the evaluation.

Examples:
  wafpass rules check rules.toml
  wafpass rules check --field app.tenant=Bytes rules/*.toml

Exit codes: 0 all rules can run, 1 some cannot, 2 usage, or a file that cannot
be read";

/// Check rule files, and tell every fault of them.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(super) struct Args {
    /// Rule files; `-` for standard input.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    fields: Fields,
}

impl Args {
    pub(super) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let scheme = self.fields.scheme()?;
        let (mut rules, mut errors, mut warned) = (0, 0, 0);
        for path in &self.files {
            match read_file(path, &scheme)? {
                Ok(file) => {
                    rules += file.rules().len();
                    warned += warn(out, path, &file)?;
                    compiled(file)?;
                }
                Err(faulty) => {
                    errors += faulty.number();
                    faulty.print(out)?;
                }
            }
        }
        print_sum(out, rules, errors, warned)?;
        Ok(if errors == 0 { Verdict::Good } else { Verdict::Bad })
    }
}

fn warn(out: &mut dyn Write, path: &std::path::Path, file: &RuleFile) -> Result<usize, Fault> {
    let warnings = warnings(file.rules(), file.scheme());
    for warning in &warnings {
        writeln!(out, "{FAINT}warning:{FAINT:#} {}, {warning}", shown(path))?;
    }
    Ok(warnings.len())
}

/// Of files with faults the rules are not counted: nobody knows what they would be.
fn print_sum(
    out: &mut dyn Write,
    rules: usize,
    errors: usize,
    warnings: usize,
) -> Result<(), Fault> {
    let style = if errors == 0 { GOOD } else { BAD };
    let sum = format!("{}, {}", number(rules, "rule"), number(errors, "error"));
    let more = match warnings {
        0 => String::new(),
        _ => format!(", {}", number(warnings, "warning")),
    };
    writeln!(out, "{style}{sum}{style:#}{more}")?;
    Ok(())
}

fn number(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
