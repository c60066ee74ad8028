//! Matched data: what a WAF rule matched, sealed for its owner. One module a verb, and what they share.

pub(crate) mod decrypt;
pub(crate) mod encrypt;
pub(crate) mod generate_key_pair;
pub(crate) mod inspect;
pub(crate) mod rewrap;

mod blobs;
mod event;
mod logs;
mod new_log;
mod passphrase;
pub(crate) mod pretty;
mod private_key;
mod public_key;
mod secret_file;
mod terminal;
