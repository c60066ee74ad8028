//! Targets, cookies, languages and forms out of whatever bytes: nothing panics, each value is where its
//! place says, and what matched can be written and read.
#![no_main]

#[path = "support/request.rs"]
mod request;

use libfuzzer_sys::fuzz_target;
use wafpass::rules::request::{BodyEnd, RequestView};

fuzz_target!(|input: (&[u8], &[u8], &[u8], &[u8])| {
    let (target, cookie, other, body) = input;
    let lines: [(&[u8], &[u8]); 4] = [
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"Cookie", cookie),
        (b"Accept-Language", other),
        (b"Referer", other),
    ];
    request::check(&RequestView::new(b"POST", target, &lines).body(body, BodyEnd::Whole));
});
