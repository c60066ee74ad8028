//! From the frames of an HTTP body to a reader in another thread.

use std::io::{self, BufRead, Read};
use std::time::Duration;

use axum::body::Body;
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use tokio::sync::mpsc;

use super::fault::Fault;
use crate::clock;
use crate::collector::limits::{BODY_FRAMES, BODY_IDLE_S, MAX_BODY_WAIT_S, MIN_BODY_BYTES_PER_S};

/// What a sender may take its time with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Longest silence.
    pub(super) idle: Duration,
    /// Least speed, once `idle` was spent on waiting.
    pub(super) bytes_per_s: u64,
    /// Longest wait in all.
    pub(super) in_all: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(BODY_IDLE_S),
            bytes_per_s: MIN_BODY_BYTES_PER_S,
            in_all: Duration::from_secs(MAX_BODY_WAIT_S),
        }
    }
}

impl Patience {
    /// Whether a sender that has been waited for so long, and has sent so much, is too slow.
    fn is_over(&self, waited: Duration, bytes: u64) -> bool {
        let least = self.bytes_per_s.saturating_mul(waited.as_secs());
        (waited > self.idle && bytes < least) || waited > self.in_all
    }
}

enum Piece {
    Data(Bytes),
    End,
    Failed(Fault),
}

/// The two ends of a body on its way: [`Pump::run`] is to be polled until the reader is done.
pub(super) fn channel(body: Body, patience: Patience) -> (Pump, BodyReader) {
    let (pieces, received) = mpsc::channel(BODY_FRAMES);
    (
        Pump { body, patience, pieces },
        BodyReader { received, current: Bytes::new(), taken: 0, is_over: false },
    )
}

/// Takes frames in. A pump that is dropped before the end of the body fails the reader: the sender has gone.
pub(super) struct Pump {
    body: Body,
    patience: Patience,
    pieces: mpsc::Sender<Piece>,
}

impl Pump {
    /// Passes the body on, until it is over or nobody reads it any more.
    pub(super) async fn run(mut self) {
        let (mut waited, mut bytes) = (Duration::ZERO, 0_u64);
        loop {
            let began = clock::monotonic();
            let frame = tokio::select! {
                frame = tokio::time::timeout(self.patience.idle, self.body.frame()) => frame,
                () = self.pieces.closed() => return,
            };
            let piece = match frame {
                Err(_) => Piece::Failed(Fault::Slow),
                Ok(None) => Piece::End,
                Ok(Some(Err(_))) => Piece::Failed(Fault::Cut),
                Ok(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => Piece::Data(data),
                    Err(_trailers) => continue,
                },
            };
            // The wait for the sender counts, the wait for the disk does not.
            waited += clock::monotonic().saturating_duration_since(began);
            if let Piece::Data(data) = &piece {
                bytes = bytes.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
            }
            let piece = match piece {
                Piece::Data(_) if self.patience.is_over(waited, bytes) => {
                    Piece::Failed(Fault::Slow)
                }
                piece => piece,
            };
            let is_last = !matches!(piece, Piece::Data(_));
            if self.pieces.send(piece).await.is_err() || is_last {
                return;
            }
        }
    }
}

/// Reads what the pump passes on. It blocks: for a thread of its own.
pub(super) struct BodyReader {
    received: mpsc::Receiver<Piece>,
    current: Bytes,
    taken: u64,
    is_over: bool,
}

impl BodyReader {
    /// Bytes that were read, as they came over the wire.
    pub(super) const fn taken(&self) -> u64 {
        self.taken
    }

    /// The next bytes, without taking them: `bytes` or more, fewer only at the end, however they are framed.
    pub(super) fn peek(&mut self, bytes: usize) -> io::Result<&[u8]> {
        while self.current.len() < bytes && !self.is_over {
            let held = std::mem::take(&mut self.current);
            let next = self.fill_buf()?;
            self.current = if held.is_empty() {
                Bytes::copy_from_slice(next)
            } else {
                [&held, next].concat().into()
            };
        }
        Ok(&self.current)
    }
}

impl BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() && !self.is_over {
            match self.received.blocking_recv() {
                Some(Piece::Data(data)) => self.current = data,
                Some(Piece::End) => self.is_over = true,
                Some(Piece::Failed(fault)) => return Err(fault.into_io()),
                None => return Err(Fault::Gone.into_io()),
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, bytes: usize) {
        let bytes = bytes.min(self.current.len());
        self.current.advance(bytes);
        self.taken = self.taken.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}

impl Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_too_slow_by_its_speed_or_in_all() {
        let patience = Patience::default();
        let is_over = |seconds, bytes| patience.is_over(Duration::from_secs(seconds), bytes);
        assert!(!is_over(BODY_IDLE_S, 1), "the first silence is its own");
        assert!(is_over(BODY_IDLE_S + 1, MIN_BODY_BYTES_PER_S));
        assert!(!is_over(MAX_BODY_WAIT_S, u64::MAX));
        // One byte a second more than the least: in 2 GiB that would be a place for 24 days.
        let steady = (MIN_BODY_BYTES_PER_S + 1) * (MAX_BODY_WAIT_S + 1);
        assert!(is_over(MAX_BODY_WAIT_S + 1, steady));
    }
}
