//! Why a batch is refused as a whole.

use axum::http::StatusCode;

use crate::collector::api::Problem;
use crate::collector::api::problem::LineFault;
use crate::collector::store::StoreError;

const NO_KEY: &str = "What these events hold in clear has to be sealed, and the tenant has no active key. Register one \
                      with PUT /v1/keys and open its challenge (wafpass collector keys), or have the clear text \
                      dropped by the tenant's policy. Nothing was stored; send it again after that.";

/// What ends a batch before its commit. Nothing of it is stored.
#[derive(Debug)]
pub(super) enum Fault {
    /// The sender went away; nobody gets this answer.
    Gone,
    /// The body broke off, or its framing is wrong.
    Cut,
    /// The sender is too slow.
    Slow,
    /// The body is not in the encoding that it says.
    Encoding,
    /// It inflates beyond any log.
    Bomb,
    /// It is longer than a batch may be.
    TooLong,
    /// It has more lines than a batch may have.
    TooManyLines,
    /// Lines are at fault: the first of them, and how many.
    Lines { listed: Vec<LineFault>, count: u64 },
    /// None of its lines could be read.
    NoLineRead,
    /// The body has not the form that this sender's bodies have.
    Form(&'static str),
    /// The same key came with another body before.
    OtherBody,
    /// A batch with the same key, or the same content, is under way.
    UnderWay,
    /// The tenant has no key to seal with.
    NoKey,
    /// What has to be sealed cannot be.
    NotSealed,
    /// The store.
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<std::io::Error> for Fault {
    /// What this module's readers wrapped; any other error comes from a decoder.
    fn from(error: std::io::Error) -> Self {
        error.downcast::<Wrapped>().map_or(Self::Encoding, |wrapped| wrapped.0)
    }
}

/// A fault on its way through [`std::io::Read`].
#[derive(Debug, thiserror::Error)]
#[error("the batch is refused")]
struct Wrapped(Fault);

impl Fault {
    pub(super) fn into_io(self) -> std::io::Error {
        std::io::Error::other(Wrapped(self))
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        let bad = StatusCode::BAD_REQUEST;
        let late = StatusCode::REQUEST_TIMEOUT;
        let large = StatusCode::PAYLOAD_TOO_LARGE;
        match fault {
            // RFC 9110 §15.5.9: the request did not come whole. Senders try again after 408, and drop after 400.
            Fault::Gone | Fault::Cut => Self::new(late, "cut", "the body broke off", "nothing was stored; send it again"),
            Fault::Slow => Self::new(
                late,
                "slow",
                "the body comes too slowly",
                "nothing was stored; send it again, in smaller batches if the line is slow",
            ),
            Fault::Encoding => Self::new(
                bad,
                "encoding",
                "the body cannot be inflated",
                "it is cut, or not what content-encoding says: send gzip, zstd (window up to 8 MiB) or identity",
            ),
            Fault::Bomb => Self::new(large, "bomb", "the body inflates too far", "no log does; send it uncompressed if it is one"),
            Fault::TooLong => Self::new(large, "too-long", "the batch is too long", "send at most 2 GiB at once, inflated"),
            Fault::TooManyLines => {
                Self::new(large, "too-many-lines", "the batch has too many lines", "send at most 2,000,000 at once")
            }
            Fault::Lines { listed, count } => Self::new(
                bad,
                "bad-lines",
                "some lines are no events",
                format!("nothing was stored; mend or leave out the {count} lines at fault, of which the first are listed"),
            )
            .with_lines(listed),
            Fault::NoLineRead => Self::new(
                bad,
                "no-line-read",
                "no line could be read",
                "nothing was stored; send this sender's log, one JSON object a line, as it was written: not within \
                 another object, and packed only as content-encoding says",
            ),
            Fault::Form(what) => Self::new(bad, "form", "the body has another form", what),
            Fault::OtherBody => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "other-body",
                "the key was used for another body",
                "give each batch a key of its own, and send the same body with the same key",
            ),
            Fault::UnderWay => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "under-way",
                "the same batch is under way",
                "send it again after a pause, to learn what became of it",
            )
            .retry_after(5),
            Fault::NoKey => Self::new(StatusCode::SERVICE_UNAVAILABLE, "no-active-key", "nothing can be sealed", NO_KEY)
                .retry_after(60),
            Fault::NotSealed => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "not-sealed",
                "what has to be sealed cannot be",
                "the operating system gave no random bytes; send it again after a pause",
            )
            .retry_after(5),
            Fault::Store(error) => error.into(),
        }
    }
}
