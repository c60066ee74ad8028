//! Records of explained refusals, out of whatever text: no bytes make the reader or the comparison panic,
//! and what is read is what stands there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wafpass::explain::{Comparer, ExplainRecord};
use wafpass::{Key, Keyring, MessageHead, Secret};

fuzz_target!(|input: (&[u8], &[u8], &[u8])| {
    let (text, target, value) = input;
    let key = Key::new("k", &Secret::new([7; 32]).expect("long enough")).expect("a label");
    let keys = Keyring::new([key]).expect("one key");
    let lines: [(&[u8], &[u8]); 2] = [(b"host", b"h"), (b"x-a", value)];
    let head = MessageHead::from_raw(b"GET", target, &lines);
    for record in ExplainRecord::all_in(text).into_iter().flatten() {
        let again = ExplainRecord::parse(record.to_string().as_bytes());
        assert_eq!(again.as_ref(), Ok(&record));
        if let Ok(comparison) = Comparer::new(&keys).compare(&record, &head) {
            assert!(comparison.parts.len() >= 10);
        }
    }
});
