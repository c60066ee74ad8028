//! Senders: from bytes to events.
