//! The command line of wafpass: one module a verb.

mod capture;
mod cli;
mod collector;
mod compare;
mod config;
mod demo;
mod error;
mod explain;
mod input;
mod key_file;
mod keygen;
mod keys;
mod matched_data;
mod metrics;
mod new_files;
mod policy;
mod report;
mod request;
mod rules;
mod sign;
mod style;
mod vectors;
mod verify;

use std::process::ExitCode;

use clap::Parser;

use self::error::Fault;
use self::style::{BAD, GOOD};

/// What came of a verb that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Good,
    Bad,
}

/// Exit code of a usage error and of input that cannot be read; clap has the same.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => return tell(&answer),
    };
    let mut out = anstream::stdout().lock();
    outcome(cli.command.run(&mut out))
}

/// Prints the help, the version, or what is wrong with the arguments.
fn tell(answer: &clap::Error) -> ExitCode {
    match answer.print() {
        Ok(()) => u8::try_from(answer.exit_code()).unwrap_or(UNUSABLE).into(),
        Err(error) => outcome(Err(error.into())),
    }
}

fn outcome(result: Result<Verdict, Fault>) -> ExitCode {
    match result {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::FAILURE,
        Err(Fault::ReaderGone) => ExitCode::SUCCESS,
        Err(fault @ Fault::Refused { .. }) => {
            fault.print();
            ExitCode::FAILURE
        }
        Err(fault) => {
            fault.print();
            UNUSABLE.into()
        }
    }
}
