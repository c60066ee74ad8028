//! A whole request head: no bytes make the verifier panic, and none pass without the key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wafpass::{
    Freshness, HostBinding, Key, Keyring, MessageHead, QueryMode, Secret, UnixTime, Verifier,
};

type Fields<'a> = Vec<(&'a [u8], &'a [u8])>;

fuzz_target!(|input: (&[u8], &[u8], Fields<'_>, i64, bool)| {
    let (method, target, fields, now, bound) = input;
    let key = Key::new("k", &Secret::new([7; 32]).expect("long enough")).expect("a label");
    let keys = Keyring::new([key]).expect("one key");
    let mut builder = Verifier::builder("shop", keys, Freshness::cloudfront());
    if bound {
        let builder_bound = builder.bind_host(HostBinding::Bound).query(QueryMode::None);
        builder = builder_bound.strip_prefix("/p").require_header("x-cloud-viewer-ip");
    }
    let verifier = builder.build_at(UnixTime::from_secs(0)).expect("a whole configuration");
    let head = MessageHead::from_raw(method, target, &fields);
    assert!(verifier.check(&head, UnixTime::from_secs(now)).is_err(), "forged");
});
