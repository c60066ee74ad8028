//! The command line of wafpass: one module a verb.

mod cli;
mod demo;
mod error;
mod explain;
mod input;
mod keygen;
mod keys;
mod policy;
mod request;
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
    let mut out = anstream::stdout().lock();
    match cli::Cli::parse().command.run(&mut out) {
        Ok(Verdict::Good) => ExitCode::SUCCESS,
        Ok(Verdict::Bad) => ExitCode::FAILURE,
        Err(Fault::ReaderGone) => ExitCode::SUCCESS,
        Err(fault) => {
            fault.print();
            UNUSABLE.into()
        }
    }
}
