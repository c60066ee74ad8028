//! The text of cursors.

use proptest::prelude::*;
use wafpass::collector::limits::MAX_OPEN_BATCHES;
use wafpass::collector::query::{Cursor, Snapshot};
use wafpass::collector::{EventId, EventTime};

fn any_cursor() -> impl Strategy<Value = Cursor> {
    let pending = proptest::collection::btree_set(any::<u64>(), 0..=MAX_OPEN_BATCHES);
    (any::<i64>(), any::<[u8; 16]>(), any::<u64>(), pending).prop_map(|(at, id, last, pending)| {
        let pending = pending.into_iter().filter(|batch| *batch <= last).collect();
        Cursor { at: EventTime(at), id: EventId(id), snapshot: Snapshot { last, pending } }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(cursor in any_cursor()) {
        let text = cursor.to_text();
        prop_assert!(text.len() <= Cursor::MAX_TEXT_BYTES);
        prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
        prop_assert_eq!(Cursor::from_text(&text), Some(cursor));
    }

    /// One text for each cursor: whatever else is read would be written otherwise.
    #[test]
    fn a_changed_text_is_another_cursor_or_none(
        cursor in any_cursor(), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut text = cursor.to_text().into_bytes();
        let place = place.index(text.len());
        prop_assume!(text[place] != byte);
        text[place] = byte;
        let text = String::from_utf8_lossy(&text).into_owned();
        if let Some(read) = Cursor::from_text(&text) {
            prop_assert_ne!(&read, &cursor);
            prop_assert_eq!(read.to_text(), text);
        }
    }

    #[test]
    fn a_cut_or_longer_text_is_none(cursor in any_cursor(), cut in any::<prop::sample::Index>()) {
        let text = cursor.to_text();
        prop_assert_eq!(Cursor::from_text(&text[..cut.index(text.len())]), None);
        prop_assert_eq!(Cursor::from_text(&format!("{text}A")), None);
        prop_assert_eq!(Cursor::from_text(&format!("{text}AAAAAAAAAAAA")), None);
        prop_assert_eq!(Cursor::from_text(&format!("{text}=")), None);
        prop_assert_eq!(Cursor::from_text(&format!(" {text}")), None);
    }

    #[test]
    fn any_text_is_no_panic(text in ".{0,900}") {
        if let Some(cursor) = Cursor::from_text(&text) {
            prop_assert_eq!(cursor.to_text(), text);
        }
    }
}

/// The bytes of a cursor with two pending batches, to change one thing at a time.
fn bytes(version: u8, count: u8, pending: [u64; 2]) -> Vec<u8> {
    let mut bytes = vec![version];
    bytes.extend(5_i64.to_be_bytes());
    bytes.extend([7; 16]);
    bytes.extend(9_u64.to_be_bytes());
    bytes.push(count);
    bytes.extend(pending.iter().flat_map(|batch| batch.to_be_bytes()));
    bytes
}

#[test]
fn another_version_or_order_is_none() {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let read = |bytes: Vec<u8>| Cursor::from_text(&Base64UrlUnpadded::encode_string(&bytes));
    assert!(read(bytes(1, 2, [3, 4])).is_some());
    for (what, wrong) in [
        ("version", bytes(2, 2, [3, 4])),
        ("too few", bytes(1, 3, [3, 4])),
        ("too many", bytes(1, 1, [3, 4])),
        ("descending", bytes(1, 2, [4, 3])),
        ("twice", bytes(1, 2, [4, 4])),
        ("after the last", bytes(1, 2, [3, 10])),
    ] {
        assert_eq!(read(wrong), None, "{what}");
    }
}

#[test]
fn of_more_pending_batches_than_can_be_under_way_the_latest_are_kept() {
    let most = MAX_OPEN_BATCHES as u64;
    let cursor = |pending: std::ops::RangeInclusive<u64>| {
        let snapshot = Snapshot { last: 1_000, pending: pending.collect() };
        Cursor { at: EventTime(0), id: EventId([0; 16]), snapshot }
    };
    let read = |cursor: Cursor| Cursor::from_text(&cursor.to_text());
    assert_eq!(read(cursor(1..=most)), Some(cursor(1..=most)));
    assert_eq!(read(cursor(1..=most + 300)), Some(cursor(301..=most + 300)));
}

#[test]
fn a_text_with_more_pending_batches_than_can_be_under_way_is_none() {
    use base64ct::{Base64UrlUnpadded, Encoding};
    let text = |count: u64| {
        let mut bytes = vec![1];
        bytes.extend([0; 24]);
        bytes.extend(1_000_u64.to_be_bytes());
        bytes.push(u8::try_from(count).unwrap());
        bytes.extend((1..=count).flat_map(u64::to_be_bytes));
        Base64UrlUnpadded::encode_string(&bytes)
    };
    assert!(Cursor::from_text(&text(MAX_OPEN_BATCHES as u64)).is_some());
    assert_eq!(Cursor::from_text(&text(MAX_OPEN_BATCHES as u64 + 1)), None);
}
