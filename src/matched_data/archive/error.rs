use std::io;

/// Why an archive could not be worked through. Two lines: the fault, the way out.
///
/// What came before the fault has been written by then, but for events of the block of 256 KiB that it was met
/// in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The archive cannot be read, or is not the gzip that it begins as.
    #[error(
        "the log cannot be read: {0}\nlook at where it comes from; if it is gzip, whether it is whole"
    )]
    Read(#[source] io::Error),
    /// The output cannot be written.
    #[error("the output cannot be written: {0}\nlook at where it goes")]
    Write(#[source] io::Error),
    /// An event is longer than it may be.
    #[error(
        "event {event} is longer than {limit} bytes\nname a log with one event a line, or an array of events"
    )]
    TooLong {
        /// Its number: of its line, or its place in the array, from 1.
        event: u64,
        /// The limit.
        limit: usize,
    },
    /// A document that is not JSON, or not only one.
    #[error(
        "byte {byte} is where the log stops being one JSON document\nname a whole one; a log with one event a line is of the format firewall-events-jsonl"
    )]
    NotJson {
        /// The first byte that cannot stand there, from 0.
        byte: u64,
    },
}
