//! Why a collector does not start, or ends.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::collector::store::StoreError;
use crate::config::ConfigFault;

/// Why a collector does not start, or ends.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Another process has the data folder.
    #[error(
        "another collector runs in {}\nend it first, or name another folder: data in [collector], or --data", shown(.path)
    )]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// The data folder cannot be made or opened.
    #[error("the folder {} cannot be used: {error}\nname one that this user may write to: data in [collector], or --data", shown(.path))]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// Others can write to the data folder, or read it.
    #[error("the folder {} is open to others (mode {mode:04o})\nchmod 700 it: it holds hashes of tokens, and who can write to it can change events", shown(.path))]
    OpenToOthers {
        /// The folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// An address cannot be listened on.
    #[error(
        "{address} cannot be listened on: {error}\nend what listens there, or name another address: listen and admin_listen in [collector]"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What happened.
        error: io::Error,
    },
    /// Tokens would go over a network in clear.
    #[error(
        "{address} would be listened on without TLS, and others reach it: they read the tokens\nwrite a table [collector.tls], or listen on 127.0.0.1; insecure_http = true lets it be"
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
    /// The certificate and its private key do not make a server.
    #[error(
        "the certificate cannot be used: {reason}\nname a chain in PEM, its own certificate first, and the private key of that one"
    )]
    Certificate {
        /// What is wrong; nothing of the key.
        reason: String,
    },
    /// A file that the configuration names has a fault.
    #[error(transparent)]
    Config(#[from] ConfigFault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system refused something else.
    #[error("{what} failed: {error}\nsee the system's log")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// What happened.
        error: io::Error,
    },
}

/// A path, safe on a terminal.
fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
