//! Payloads of any generation, out of whatever text: no bytes make the reader panic, and what it read is
//! written and read again as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wafpass::matched_data::{Form, Payload};

fuzz_target!(|text: &[u8]| {
    let Ok(payload) = Payload::parse(text) else { return };
    if let Ok(json) = payload.to_json(Form::V4) {
        assert_eq!(Payload::parse(json.as_bytes()).as_ref(), Ok(&payload));
    }
    if let Ok(json) = payload.to_json(Form::V3) {
        let read = Payload::parse(json.as_bytes()).expect("what is written is read");
        assert_eq!(read.entries().len(), payload.entries().len());
    }
});
