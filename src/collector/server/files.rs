//! File descriptors: connections and partition files each take one.

/// Raises the soft limit of open files to the hard one; the usual soft one of 1,024 is for programs that call
/// `select`. What the system does not allow is left.
#[cfg(unix)]
pub fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};

    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

/// There is no such limit here.
#[cfg(not(unix))]
pub const fn raise_file_limit() {}
