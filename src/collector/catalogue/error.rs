//! Why the catalogue does not do what was asked.

use thiserror::Error;

use super::KeyState;
use crate::collector::limits::{MAX_KEYS_PER_TENANT, MAX_TENANTS, MAX_TOKENS_PER_TENANT};
use crate::collector::store::StoreError;
use crate::matched_data::KeyId;

/// Why the catalogue does not do what was asked. Two lines: the fault, the way out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// The file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such tenant.
    #[error("there is no such tenant\nwafpass collector tenants list")]
    NoSuchTenant,
    /// The id is taken, perhaps by a tenant that has gone: blobs are bound to it for ever.
    #[error(
        "the tenant is there already, or was\ntake another id: one is never given to somebody else"
    )]
    TenantTaken,
    /// The node has as many tenants as it may.
    #[error("there are {MAX_TENANTS} tenants already\nremove one, or start a second collector")]
    TooManyTenants,
    /// The tenant has as many tokens as it may.
    #[error("the tenant has {MAX_TOKENS_PER_TENANT} tokens already\nrevoke one that is not used")]
    TooManyTokens,
    /// There is no such token.
    #[error("there is no such token\nwafpass collector tokens list")]
    NoSuchToken,
    /// A token without scopes, with a long name, or that is over when it begins.
    #[error(
        "a token needs a scope, a name of 1 to 64 printable characters, and an expiry to come\nwafpass collector tokens new --help"
    )]
    UnusableToken,
    /// A setting is out of its bounds.
    #[error("{member} {fault}\nsend the settings with another value")]
    Settings {
        /// Which one.
        member: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// A limit that protects the node from its tenants was to be changed by one of them.
    #[error(
        "{member} is set by whoever runs the collector\nsend it as GET /v1/settings gives it; `wafpass collector tenants set` changes it"
    )]
    OperatorsSetting {
        /// Which one.
        member: &'static str,
    },
    /// The tenant has as many keys as it may; those that were retired count too.
    #[error(
        "the tenant has {MAX_KEYS_PER_TENANT} keys already, which is all that a reader can open with\nmove its events to a new tenant"
    )]
    TooManyKeys,
    /// There is no such key.
    #[error("the tenant has no key {0}\nGET /v1/keys lists them")]
    NoSuchKey(KeyId),
    /// The key is in a state in which this cannot be done.
    #[error("the key is {}, and that takes one that is {}\nGET /v1/keys says where each key stands", .found.name(), .needed)]
    WrongState {
        /// Its state.
        found: KeyState,
        /// What it would have to be.
        needed: &'static str,
    },
    /// The challenge is over, was answered, or was never made.
    #[error("there is no challenge open for the key\nask for one: POST /v1/keys/{0}/challenge")]
    NoChallenge(KeyId),
    /// The answer is not what the challenge holds.
    #[error(
        "that is not what the challenge holds ({left} attempts left)\nopen it with the private key of this very key, and send the text it holds"
    )]
    WrongAnswer {
        /// How many more answers it takes.
        left: u32,
    },
    /// Its private key was seen here, or it is one itself.
    #[error(
        "the private key of a registered key was given to the collector: it has to be taken as exposed\nmake a new key pair, register its public key, and retire the other"
    )]
    PrivateKey,
    /// The challenge could not be sealed.
    #[error("the challenge could not be sealed\nask for one again")]
    Unsealed,
}
