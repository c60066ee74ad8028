//! What can be wrong with the settings. No text tells a URL or a token.

use std::io;
use std::time::Duration;

use super::limits::{
    BATCH_AGES, BATCH_BYTES, BATCH_EVENTS, MAX_QUEUE_EVENTS, MIN_SPOOL_BYTES, PAUSES, TIMEOUTS,
};

/// Why a shipper was not built. Two lines: the fault, the way out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShipError {
    /// The URL is none, or asks for what is not offered. The text does not repeat it.
    #[error(
        "the collector's URL cannot be used: {reason}\nwrite https://HOST/PATH, and give the token by ShipperBuilder::bearer"
    )]
    Url {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Events would go over a network in clear.
    #[error(
        "the collector's URL is http, and not on loopback: the token and the events' metadata could be read on the way\nuse https, or with_insecure_http where the network itself is encrypted"
    )]
    Insecure,
    /// The token is none.
    #[error(
        "the token is not 1 to 8192 of A-Z a-z 0-9 - . _ ~ + / with = at its end\ngive the token alone, without `Bearer`"
    )]
    Token,
    /// A certificate authority that cannot be read.
    #[error(
        "the collector's certificate authority is not PEM\ngive the bytes of a file with -----BEGIN CERTIFICATE----- in it, and use https"
    )]
    Ca,
    /// Without certificates of the operating system, or with a TLS library that does not go together
    /// with ours.
    #[error(
        "TLS cannot be set up\ninstall the operating system's CA certificates (ca-certificates on Debian), or give the collector's by ca_pem"
    )]
    Tls,
    /// A number out of bounds.
    #[error("{what} of {number} is out of bounds\nkeep it within {least} to {most}")]
    Bounds {
        /// What of.
        what: &'static str,
        /// What was asked for.
        number: u64,
        /// The least.
        least: u64,
        /// The most.
        most: u64,
    },
    /// Built outside of a tokio runtime.
    #[error(
        "a shipper needs a tokio runtime\nbuild it inside of one, such as in #[tokio::main], or enter its handle first"
    )]
    NoRuntime,
    /// The spool folder cannot be used.
    #[error("the spool folder cannot be used: {reason}\n{way_out}")]
    Spool {
        /// What is wrong with it.
        reason: String,
        /// What to do.
        way_out: &'static str,
    },
}

impl ShipError {
    pub(super) fn spool(error: &io::Error) -> Self {
        let way_out = match error.kind() {
            io::ErrorKind::WouldBlock => {
                "another shipper writes there: name a folder for each process"
            }
            io::ErrorKind::PermissionDenied => {
                "name a folder of this user's with mode 0700, or one that is not there yet: it is made"
            }
            _ => "name a folder on a disk that this user may write to",
        };
        Self::Spool { reason: error.to_string(), way_out }
    }
}

/// The numbers that a builder was given.
pub(super) struct Bounds;

impl Bounds {
    pub(super) fn batch_events(number: u32) -> Result<(), ShipError> {
        let (least, most) = (*BATCH_EVENTS.start(), *BATCH_EVENTS.end());
        within("a batch's number of events", number.into(), least.into(), most.into())
    }

    pub(super) fn batch_bytes(number: usize) -> Result<(), ShipError> {
        let (least, most) = (*BATCH_BYTES.start(), *BATCH_BYTES.end());
        within("a batch's number of bytes", in_u64(number), in_u64(least), in_u64(most))
    }

    pub(super) fn batch_age(time: Duration) -> Result<(), ShipError> {
        times("a batch's age in ms", time, *BATCH_AGES.start(), *BATCH_AGES.end())
    }

    pub(super) fn queue(number: usize) -> Result<(), ShipError> {
        within("a queue's number of events", in_u64(number), 1, in_u64(MAX_QUEUE_EVENTS))
    }

    pub(super) fn timeout(time: Duration) -> Result<(), ShipError> {
        times("a timeout in ms", time, *TIMEOUTS.start(), *TIMEOUTS.end())
    }

    pub(super) fn pauses(first: Duration, longest: Duration) -> Result<(), ShipError> {
        times("a first pause in ms", first, *PAUSES.start(), *PAUSES.end())?;
        times("a longest pause in ms", longest, first, *PAUSES.end())
    }

    /// At least one batch has to fit.
    pub(super) fn spool(bytes: u64, batch_bytes: usize) -> Result<(), ShipError> {
        let least = in_u64(batch_bytes).max(MIN_SPOOL_BYTES);
        within("a spool's number of bytes", bytes, least, u64::MAX / 2)
    }
}

fn times(
    what: &'static str,
    time: Duration,
    least: Duration,
    most: Duration,
) -> Result<(), ShipError> {
    if (least..=most).contains(&time) {
        return Ok(());
    }
    let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Err(ShipError::Bounds { what, number: ms(time), least: ms(least), most: ms(most) })
}

fn within(what: &'static str, number: u64, least: u64, most: u64) -> Result<(), ShipError> {
    if (least..=most).contains(&number) {
        return Ok(());
    }
    Err(ShipError::Bounds { what, number, least, most })
}

fn in_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
