//! Multipart bodies and the JSON in them, with whatever boundaries: nothing panics, each value is where its
//! place says, and what matched can be written and read.
#![no_main]

#[path = "support/request.rs"]
mod request;

use libfuzzer_sys::fuzz_target;
use wafpass::rules::request::{BodyEnd, RequestView};

fuzz_target!(|input: (&[u8], &[u8])| {
    let (parameters, body) = input;
    let content_type = [b"multipart/form-data; boundary=x; ", parameters].concat();
    let lines: [(&[u8], &[u8]); 1] = [(b"content-type", &content_type)];
    let end = BodyEnd::Truncated { size: None };
    request::check(&RequestView::new(b"POST", b"/", &lines).body(body, end));
});
