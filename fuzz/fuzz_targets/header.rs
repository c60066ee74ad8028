//! `x-cloud-signature` and `x-cloud-date`: no bytes make the parser panic, and what it reads is what
//! stands there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wafpass::{Freshness, Key, Keyring, MessageHead, Secret, UnixTime, Verifier};

fuzz_target!(|fields: (&[u8], &[u8])| {
    let (signature, date) = fields;
    if let Some(moment) = UnixTime::parse_date(date) {
        assert_eq!(moment.to_date().expect("a date that was read").as_slice(), date);
    }
    let lines: [(&[u8], &[u8]); 3] =
        [(b"host", b"h"), (b"x-cloud-signature", signature), (b"x-cloud-date", date)];
    let head = MessageHead::from_raw(b"GET", b"/", &lines);
    let key = Key::new("k", &Secret::new([7; 32]).expect("long enough")).expect("a label");
    let keys = Keyring::new([key]).expect("one key");
    let verifier = Verifier::builder("shop", keys, Freshness::strict())
        .build_at(UnixTime::from_secs(0))
        .expect("a whole configuration");
    if let Ok(base) = verifier.signature_base(&head) {
        assert!(base.starts_with(b"WAFPASS1-HMAC-SHA256\n"));
        assert!(base.is_ascii());
    }
    assert!(verifier.check(&head, UnixTime::from_secs(1_795_307_400)).is_err(), "forged");
});
