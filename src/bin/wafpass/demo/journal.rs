//! What edge and origin log: the reasons that no peer is told, read in this process.

use http::{HeaderMap, Method, StatusCode};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// The field by which the tour finds the entries of its own requests. Not covered, not protected.
pub(super) const TOUR_FIELD: &str = "x-demo-step";

/// One request, as the edge or the origin saw it.
pub(super) struct Entry {
    pub(super) place: Place,
    pub(super) method: Method,
    /// Path and query as they arrived.
    pub(super) target: String,
    /// The fields as they arrived: at the origin, what a tap on the wire would capture.
    pub(super) headers: HeaderMap,
    pub(super) status: StatusCode,
    /// Why it was refused there, if it was.
    pub(super) reason: Option<String>,
}

/// Who logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Edge,
    Origin,
}

impl Entry {
    /// The step of the tour that this request belongs to.
    pub(super) fn step(&self) -> Option<&str> {
        self.headers.get(TOUR_FIELD)?.to_str().ok()
    }
}

/// Where edge and origin write.
#[derive(Clone)]
pub(super) struct Journal(UnboundedSender<Entry>);

impl Journal {
    pub(super) fn new() -> (Self, UnboundedReceiver<Entry>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }

    pub(super) fn write(&self, entry: Entry) {
        let _gone = self.0.send(entry); // nobody reads any more: the demo is ending
    }
}
