//! What of a request an event says in clear: without the bytes that the deny list names.

use super::deny::{Denied, DenyList};
use crate::rules::request::{Places, RequestView};
use crate::rules::{Builtin, UriDecoding};

/// What stands in place of bytes that are not logged.
const REDACTED: &[u8] = b"[redacted]";

/// Texts of the request, without secrets.
pub(in crate::matched_data) struct Cleared {
    pub(in crate::matched_data) host: Vec<u8>,
    pub(in crate::matched_data) path: Vec<u8>,
    pub(in crate::matched_data) query: Vec<u8>,
    pub(in crate::matched_data) user_agent: Vec<u8>,
}

/// What of a request may stand in clear.
pub(in crate::matched_data) fn cleared(view: &RequestView<'_>, deny: &DenyList) -> Cleared {
    let denied = Denied::of(view, deny);
    let text = |field| text(view, field, &denied);
    Cleared {
        host: text(Builtin::Host),
        path: text(Builtin::Path),
        query: text(Builtin::Query),
        user_agent: text(Builtin::UserAgent),
    }
}

/// A field as it was sent, each stretch of it that is not logged replaced.
fn text(view: &RequestView<'_>, field: Builtin, denied: &Denied) -> Vec<u8> {
    let places = Places::of(view, field, UriDecoding::None);
    let Some(place) = places.as_ref().and_then(|places| places.at(&[])) else { return Vec::new() };
    if place.segments().is_empty() && place.len() == 1 {
        return b"/".to_vec(); // of an absolute-form target that has no path
    }
    let mut text = Vec::with_capacity(place.len());
    for segment in place.segments() {
        let own = view.part(segment.raw.part);
        let mut at = segment.raw.range.start;
        for secret in denied.stretches(segment.raw.part) {
            let start = secret.range.start.clamp(at, segment.raw.range.end);
            let end = secret.range.end.clamp(start, segment.raw.range.end);
            if start < end {
                text.extend_from_slice(own.get(at..start).unwrap_or_default());
                text.extend_from_slice(REDACTED);
                at = end;
            }
        }
        text.extend_from_slice(own.get(at..segment.raw.range.end).unwrap_or_default());
    }
    text
}
