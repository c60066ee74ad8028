use std::io::{self, BufRead, BufReader, Read};

use serde_json::json;
use wafpass::matched_data::limits::MAX_LINE_BYTES;
use wafpass::matched_data::{LineError, Refused, seal_v4};

use crate::{PUBLISHED, PUBLISHED_PLAINTEXT, event, opener, published_key};

/// A line in a word: its number and its plaintext, or why not.
fn read(reader: impl BufRead) -> Vec<String> {
    let opener = opener([published_key()]);
    let lines = opener.open_lines(reader).map(|line| match line {
        Ok(line) => match line.opened {
            Ok(plaintext) => format!("{} {}", line.number, str::from_utf8(&plaintext).unwrap()),
            Err(refused) => format!("{} {}", line.number, refused.code()),
        },
        Err(error @ LineError::TooLong { number }) => shown("long", number, &error),
        Err(error @ LineError::NoBlob { number }) => shown("no blob", number, &error),
        Err(ref error @ LineError::Read { number, .. }) => shown("unread", number, error),
        Err(error) => panic!("{error}"),
    });
    lines.collect()
}

fn shown(kind: &str, number: u64, error: &LineError) -> String {
    let text = error.to_string();
    assert!(text.lines().count() == 2 && text.starts_with(&format!("line {number} ")), "{text}");
    format!("{number} {kind}")
}

#[test]
fn each_line_is_opened_on_its_own() {
    let sealed = seal_v4(b"bound", published_key().public_key(), &event()).unwrap();
    let metadata = json!({"encrypted_matched_data": sealed, "binding": event().to_json()});
    let unbound = json!({"encrypted_matched_data": sealed, "type": "customer"});
    let malformed = json!({"encrypted_matched_data": sealed, "binding": {"tenant": 5}});
    let log = [
        PUBLISHED[0].to_owned(),
        String::new(),
        " \t\r".to_owned(),
        format!("{}\r", PUBLISHED[2]),
        metadata.to_string(),
        format!("  {metadata}  "),
        sealed.clone(),
        unbound.to_string(),
        malformed.to_string(),
        "truncated".to_owned(),
        "???".to_owned(),
        "{\"encrypted_matched_data\": 5}".to_owned(),
        "{\"binding\": {}}".to_owned(),
        "{\"encrypted_matched_data\": \"".to_owned(),
        PUBLISHED[1].to_owned(),
    ]
    .join("\n");
    let test = str::from_utf8(PUBLISHED_PLAINTEXT).unwrap();
    assert_eq!(
        read(log.as_bytes()),
        [
            &format!("1 {test}"),
            &format!("4 {test}"),
            "5 bound",
            "6 bound",
            "7 missing-binding",
            "8 missing-binding",
            "9 missing-binding",
            "10 truncated",
            "11 not-base64",
            "12 no blob",
            "13 no blob",
            "14 no blob",
            &format!("15 {test}"),
        ]
    );
    assert!(read(&b""[..]).is_empty());
    assert!(read(&b"\n\n"[..]).is_empty());
    assert_eq!(read(&b"\xff\xff\n"[..]), [format!("1 {}", Refused::NotBase64.code())]);
}

#[test]
fn a_line_without_an_end_fills_no_memory() {
    let long = "A".repeat(MAX_LINE_BYTES);
    let log = format!("{long}\n{long}A\r\n{}\n{long}AA\ntruncated\n{long}AAA", PUBLISHED[0]);
    // Read in pieces of an awkward size.
    let lines = read(BufReader::with_capacity(4_099, log.as_bytes()));
    let test = str::from_utf8(PUBLISHED_PLAINTEXT).unwrap();
    let opened = format!("3 {test}");
    // AAAA... is base64, and its version 0 is none.
    let expected = ["1 unsupported-version", "2 long", &opened, "4 long", "5 truncated", "6 long"];
    assert_eq!(lines, expected);

    let endless = BufReader::new(io::repeat(b'A').take(1 << 30)).take(1 << 26);
    assert_eq!(read(endless), ["1 long"]);
}

#[test]
fn a_failing_reader_ends_it() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("unplugged"))
        }
    }
    let log = "truncated\n".as_bytes().chain(BufReader::new(Broken));
    assert_eq!(read(log), ["1 truncated", "2 unread"]);
}

#[test]
fn the_debug_text_of_a_line_shows_no_plaintext() {
    let opener = opener([published_key()]);
    let log = format!("{}\ntruncated\n", PUBLISHED[0]);
    let shown: Vec<_> = opener.open_lines(log.as_bytes()).map(|line| format!("{line:?}")).collect();
    let bytes = PUBLISHED_PLAINTEXT.len();
    assert_eq!(
        shown,
        [
            format!("Ok(Line {{ number: 1, opened: Ok(\"{bytes} bytes\") }})"),
            "Ok(Line { number: 2, opened: Err(Truncated) })".to_owned(),
        ]
    );
}
