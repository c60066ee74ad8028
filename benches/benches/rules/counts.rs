//! TBD
use std::process::ExitCode;
use wafpass_benches::Gate;
pub(crate) fn is_child() -> bool { false }
pub(crate) fn child() -> ExitCode { ExitCode::SUCCESS }
pub(crate) fn compare(_gate: &mut Gate) {}
