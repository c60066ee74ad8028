//! Moments, out of whatever text: none makes the reader panic, and what is read lies within the store's time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wafpass::collector::ingest::datetime;

fuzz_target!(|text: &str| {
    for raw in [text.to_owned(), format!("\"{text}\"")] {
        if let Some(at) = datetime(&raw) {
            assert!(at.0 >= 0);
        }
    }
});
