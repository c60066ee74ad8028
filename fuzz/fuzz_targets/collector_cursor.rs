//! Cursors, out of whatever text or bytes: none makes the reader panic, and each has one text.
#![no_main]

use base64ct::{Base64UrlUnpadded, Encoding};
use libfuzzer_sys::fuzz_target;
use wafpass::collector::limits::MAX_OPEN_BATCHES;
use wafpass::collector::query::Cursor;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = str::from_utf8(bytes) {
        check(text);
    }
    check(&Base64UrlUnpadded::encode_string(bytes));
});

fn check(text: &str) {
    let Some(cursor) = Cursor::from_text(text) else { return };
    assert_eq!(cursor.to_text(), text);
    assert!(text.len() <= Cursor::MAX_TEXT_BYTES);
    let pending = &cursor.snapshot.pending;
    assert!(pending.len() <= MAX_OPEN_BATCHES);
    assert!(pending.is_sorted_by(|left, right| left < right));
    assert!(pending.iter().all(|batch| *batch <= cursor.snapshot.last));
}
