//! The answer of a replay store, now or later.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::Admission;

/// The answer of a [`ReplayStore`](super::ReplayStore): there already, or on its way.
///
/// A future of the answer. One that is dropped before it is ready leaves open whether the use was
/// taken, so the request must not pass.
#[must_use = "the answer decides whether the request passes"]
#[expect(clippy::exhaustive_enums, reason = "whoever matches has to handle both")]
pub enum Admitting {
    /// The answer.
    Now(Admission),
    /// The answer is on its way, in a time that the store bounds.
    Later(Pin<Box<dyn Future<Output = Admission> + Send>>),
}

impl Admitting {
    /// The answer, if it is there already; [`Admission::Unavailable`] for one that is on its way.
    #[must_use]
    pub fn now(self) -> Admission {
        match self {
            Self::Now(answer) => answer,
            Self::Later(_) => Admission::Unavailable,
        }
    }
}

impl From<Admission> for Admitting {
    fn from(answer: Admission) -> Self {
        Self::Now(answer)
    }
}

impl Future for Admitting {
    type Output = Admission;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Admission> {
        match self.get_mut() {
            Self::Now(answer) => Poll::Ready(*answer),
            Self::Later(answer) => answer.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Admitting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(answer) => f.debug_tuple("Now").field(answer).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}
