//! What `verify` and `explain` start from: a captured request, and what to judge it by.

use std::path::PathBuf;

use wafpass::{UnixTime, Verifier};

use crate::error::Fault;
use crate::input;
use crate::key_file::KeyFile;
use crate::policy::Policy;
use crate::request::RawRequest;

/// The arguments.
#[derive(clap::Args)]
pub(crate) struct Capture {
    /// Raw HTTP request; `-` for standard input.
    #[arg(value_name = "REQUEST", default_value = "-", hide_default_value = true)]
    request: PathBuf,
    #[command(flatten)]
    policy: Policy,
}

/// All that was read.
pub(crate) struct Loaded {
    pub(crate) keys: KeyFile,
    pub(crate) verifier: Verifier,
    /// The moment to judge at.
    pub(crate) now: UnixTime,
    /// Whether it was given, and is not the clock's.
    pub(crate) is_now_given: bool,
    bytes: Vec<u8>,
}

impl Capture {
    pub(crate) fn load(&self) -> Result<Loaded, Fault> {
        let keys = self.policy.source.load(Some(&self.request))?;
        let verifier = self.policy.verifier(&keys)?;
        let bytes = input::read(&self.request)?;
        let now = self.policy.now(); // what is typed or piped in may be young
        Ok(Loaded { keys, verifier, now, is_now_given: self.policy.now.is_some(), bytes })
    }
}

impl Loaded {
    pub(crate) fn request(&self) -> Result<RawRequest<'_>, Fault> {
        RawRequest::parse(&self.bytes)
    }
}
