//! Runs again when a file changes or an expression is typed.

use std::fs;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::error::{Fault, shown};
use crate::style::FAINT;

/// How often files are looked at: sooner than a hand gets from the editor to the terminal.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What is run: the rules, or an expression that was typed.
type Once<'o> = &'o mut dyn FnMut(Option<&str>, &mut dyn Write) -> Result<(), Fault>;

/// Runs until standard input ends, or nobody reads the output.
pub(super) fn run(files: Vec<PathBuf>, out: &mut dyn Write, once: Once<'_>) -> Result<(), Fault> {
    let (typed, lines) = mpsc::channel();
    thread::spawn(move || {
        // An error is an end, too.
        let lines = io::stdin().lock().split(b'\n').map_while(Result::ok);
        lines.map(String::from_utf8).take_while(|line| typed.send(line.clone()).is_ok()).count();
    });
    let look = || files.iter().map(|path| fs::read(path).ok()).collect::<Vec<_>>();
    let mut expression: Option<String> = None;
    let mut seen = look();
    attempt(expression.as_deref(), out, once)?;
    loop {
        match lines.recv_timeout(LOOK_EVERY) {
            Ok(Ok(line)) => {
                expression = Some(line).filter(|line| !line.trim().is_empty());
                attempt(expression.as_deref(), out, once)?;
            }
            Ok(Err(_)) => {
                let fault = Fault::new("what was typed is no UTF-8", "write other bytes as \\xHH");
                writeln!(out, "{fault}")?;
                out.flush()?;
            }
            Err(RecvTimeoutError::Timeout) => {
                let found = look();
                let changed =
                    files.iter().zip(&found).zip(&seen).find(|((_, new), old)| new != old);
                if let Some(((path, _), _)) = changed {
                    writeln!(out, "\n{FAINT}--- {} has changed{FAINT:#}", shown(path))?;
                    attempt(expression.as_deref(), out, once)?;
                    seen = found;
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// What does not work is told, and tried again with the next change.
fn attempt(expression: Option<&str>, out: &mut dyn Write, once: Once<'_>) -> Result<(), Fault> {
    match once(expression, out) {
        Ok(()) => {}
        Err(Fault::ReaderGone) => return Err(Fault::ReaderGone),
        Err(fault) => writeln!(out, "{fault}")?,
    }
    out.flush()?;
    Ok(())
}
