//! SIGHUP, where there is one.

#[cfg(unix)]
pub(super) use self::unix::{Hangups, hangups};

#[cfg(unix)]
mod unix {
    use std::future;
    use std::io;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    pub(in crate::reload) struct Hangups(Signal);

    /// SIGHUP, which would end the process otherwise.
    pub(in crate::reload) fn hangups() -> io::Result<Hangups> {
        signal(SignalKind::hangup()).map(Hangups)
    }

    impl Hangups {
        pub(in crate::reload) async fn next(&mut self) {
            if self.0.recv().await.is_none() {
                future::pending().await
            }
        }
    }
}

#[cfg(not(unix))]
pub(super) use self::other::{Hangups, hangups};

#[cfg(not(unix))]
mod other {
    use std::future;
    use std::io;

    pub(in crate::reload) struct Hangups;

    #[expect(clippy::unnecessary_wraps, reason = "as on Unix")]
    pub(in crate::reload) fn hangups() -> io::Result<Hangups> {
        Ok(Hangups)
    }

    impl Hangups {
        pub(in crate::reload) async fn next(&mut self) {
            future::pending().await
        }
    }
}
