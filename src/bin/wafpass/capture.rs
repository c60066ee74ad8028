//! What `verify` and `explain` start from: a captured request, and what to judge it by.

use std::path::{Path, PathBuf};

use wafpass::explain::Comparer;
use wafpass::{Keyring, UnixTime, Verifier};

use crate::error::Fault;
use crate::input;
use crate::key_file::Keys;
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
    pub(crate) keys: Keys,
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

    /// The keys and the request, without a policy to judge by; `other` is read as well.
    pub(crate) fn load_with(&self, other: Option<&Path>) -> Result<(Keys, Vec<u8>), Fault> {
        let other = other.filter(|other| input::is_standard(other));
        if other.is_some() && input::is_standard(&self.request) {
            let fault =
                "two things cannot both come from standard input, the request and the record";
            return Err(Fault::new(fault, "name a file for one of them"));
        }
        let keys = self.policy.source.load(other.or(Some(&self.request)))?;
        Ok((keys, input::read(&self.request)?))
    }

    /// Compares what the signer signed with what the origin saw.
    pub(crate) fn comparer<'k>(
        &self,
        keys: &Keys,
        keyring: &'k Keyring,
    ) -> Result<Comparer<'k>, Fault> {
        self.policy.comparer(keys, keyring)
    }
}

impl Loaded {
    pub(crate) fn request(&self) -> Result<RawRequest<'_>, Fault> {
        RawRequest::parse(&self.bytes)
    }
}
