//! Whole logs of matched data. `tests/vectors/archive/sealed.jsonl` and `opened.jsonl` were written by an
//! implementation in Python that shares no code with this project.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::io::{self, Read, Write};
use std::panic;
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use serde_json::{Value, json};
use wafpass::matched_data::archive::{
    Archive, ArchiveError, Compression, Left, LogFormat, LogReader, MovedBlobs, OpenedForm,
    Summary, UnboundBlobs,
};
use wafpass::matched_data::{
    Binding, Blob, Opener, PrivateKey, PublicKey, Refused, Suite, open, seal_v3, seal_v4,
};

const SEALED: &str = include_str!("vectors/archive/sealed.jsonl");
const OPENED: &str = include_str!("vectors/archive/opened.jsonl");

const KEY: &str = "uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=";
const OLD_KEY: &str = "W65/xjYlBpgAXrXlS8unRtUF93evubhqcjOYSIOrmgQ=";

fn key(text: &str) -> PrivateKey {
    PrivateKey::from_text(text).unwrap()
}

fn opener() -> &'static Opener {
    static OPENER: LazyLock<Opener> =
        LazyLock::new(|| Opener::new([key(KEY), key(OLD_KEY)]).unwrap());
    &OPENER
}

fn run(archive: Archive, log: &[u8]) -> (Vec<u8>, Result<Summary, ArchiveError>) {
    let mut out = Vec::new();
    let summary = archive.open(LogReader::new(log).unwrap(), &mut out, opener());
    (out, summary)
}

fn opened(archive: Archive, log: &str) -> (String, Summary) {
    let (out, summary) = run(archive, log.as_bytes());
    (String::from_utf8(out).unwrap(), summary.unwrap())
}

fn lines() -> Archive {
    Archive::new(LogFormat::Jsonl)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn a_log_that_somebody_else_sealed() {
    let (out, summary) = opened(lines(), SEALED);
    for (number, (line, expected)) in out.split('\n').zip(OPENED.split('\n')).enumerate() {
        assert_eq!(line, expected, "line {}", number + 1);
    }
    assert_eq!(out, OPENED);
    assert_eq!(
        summary.to_string(),
        "44 events, 24 opened, 19 left as they were (not-base64 3, length-mismatch 3, \
         duplicate-member 3, truncated 2, open-failed 2, moved 2, too-short 1, \
         unsupported-version 1, wrong-key 1, missing-binding 1)"
    );
    assert_eq!((summary.not_json, summary.first_not_json), (3, Some(46)));
    assert_eq!((summary.unbound, summary.moved), (20, 0));
    assert!(!summary.is_complete());
}

#[test]
fn gzip_is_told_by_its_first_bytes() {
    let (first, second) = SEALED.as_bytes().split_at(5_000);
    let members = [gzip(first), gzip(b""), gzip(second)].concat();
    assert_eq!(LogReader::new(&*members).unwrap().compression(), Compression::Gzip);
    assert_eq!(LogReader::new(SEALED.as_bytes()).unwrap().compression(), Compression::None);
    assert_eq!(String::from_utf8(run(lines(), &members).0).unwrap(), OPENED);

    // What can be unpacked is written, and then the fault is told.
    let many = SEALED.repeat(100);
    let packed = gzip(many.as_bytes());
    let (out, fault) = run(lines(), &packed[..packed.len() - 9]);
    assert!(out.len() > 10_000);
    let fault = fault.unwrap_err().to_string();
    assert!(fault.starts_with("the log cannot be read: "), "{fault}");
    let trailing = [packed.as_slice(), b"trailing"].concat();
    assert!(matches!(run(lines(), &trailing).1, Err(ArchiveError::Read(_))));
}

#[test]
fn empty_logs_are_logs() {
    for log in ["", "\n", "\r\n\n \n"] {
        let (out, summary) = opened(lines(), log);
        assert_eq!((out.as_str(), summary), (log, Summary::default()));
    }
}

#[test]
fn one_document() {
    let blob = |plaintext: &str| seal_v3(plaintext.as_bytes(), key(KEY).public_key()).unwrap();
    let document = Archive::new(LogFormat::Json);
    let event = |name: &str, value: &str| {
        format!("{{\n  \"metadata\": [\n    {{\"key\": \"{name}\", \"value\": {value}}}\n  ]\n}}")
    };
    let sealed = format!("\"{}\"", blob("{\"a\":1}"));
    for (lead, trail) in [("[", "]"), ("\u{feff} [\n", "\n]\n"), ("", ""), ("{\"events\": [", "]}")]
    {
        let of = |event: String| format!("{lead}{event}{trail}");
        let (out, summary) = opened(document, &of(event("encrypted_matched_data", &sealed)));
        assert_eq!(out, of(event("matched_data", "{\"a\":1}")));
        assert_eq!((summary.events, summary.opened), (1, 1));
    }
    // As one that is held whole, with its events in parallel.
    let many =
        |event: &str| format!("{{\"events\": [{}{event}]}}", format!("{event},\n").repeat(99));
    let (out, summary) = opened(document, &many(&event("encrypted_matched_data", &sealed)));
    assert_eq!(out, many(&event("matched_data", "{\"a\":1}")));
    assert_eq!((summary.events, summary.opened), (100, 100));
}

#[test]
fn a_broken_document_is_a_fault_behind_what_came_before() {
    let blob = seal_v3(b"{}", key(KEY).public_key()).unwrap();
    let sealed = format!("{{\"encrypted_matched_data\":\"{blob}\"}}");
    for (end, at) in [(",{]}]", 3), (",{\"a\":1 2}]", 8), (",", 1), (" {}]", 1), ("] []", 2)] {
        let log = format!("[{sealed}{end}");
        let (out, fault) = run(Archive::new(LogFormat::Json), log.as_bytes());
        let Err(ArchiveError::NotJson { byte }) = fault else { panic!("{end}") };
        assert_eq!(byte, u64::try_from(1 + sealed.len() + at).unwrap(), "{end}");
        let is_what_came_before =
            out.starts_with(b"[{\"matched_data\":{}}") || b"[".starts_with(&out);
        assert!(is_what_came_before, "{end}");
    }
    for log in ["", " \n", "{} {}", "nonsense", "{\"a\":"] {
        let (out, fault) = run(Archive::new(LogFormat::Json), log.as_bytes());
        assert!(matches!(fault, Err(ArchiveError::NotJson { .. })) && out.is_empty(), "{log}");
    }
}

#[test]
fn moved_blobs_are_marked_where_that_is_asked_for() {
    let binding = Binding::new("acme", "7d0f/0", "100173", 1_795_307_400_123).unwrap();
    let blob = seal_v4(b"{}", key(KEY).public_key(), &binding).unwrap();
    let line = |ray: &str, name: &str, value: Value| {
        format!(
            "{{\"RayID\":\"{ray}\",\"Metadata\":{{\"binding\":{},\"{name}\":{value}}}}}\n",
            binding.to_json()
        )
    };
    let moved = line("7d10", "encrypted_matched_data", json!(blob));
    let (out, summary) = opened(lines(), &moved);
    assert_eq!(
        (out, summary.to_string().as_str()),
        (moved.clone(), "1 event, 0 opened, 1 left as it was (moved 1)")
    );

    let (out, summary) = opened(lines().moved(MovedBlobs::Mark), &moved);
    assert_eq!(out, line("7d10", "moved_matched_data", json!({})));
    assert_eq!((summary.opened, summary.moved, summary.is_complete()), (1, 1, true));

    // A row's word nearer by does not hide the row.
    let hidden = moved.replace("\"binding\"", "\"RayID\":\"7d0f\",\"timestamp\":1,\"binding\"");
    assert_eq!(opened(lines(), &hidden).1.left_count(), 1);

    // A binding that is changed to fit the row opens nothing.
    let (_, summary) = opened(lines(), &moved.replace("7d0f/0", "7d10/0"));
    assert_eq!(summary.to_string(), "1 event, 0 opened, 1 left as it was (open-failed 1)");
}

#[test]
fn texts_as_other_tools_write_them() {
    let blob = |plaintext: &[u8]| seal_v3(plaintext, key(KEY).public_key()).unwrap();
    let line = |name: &str, value: &str| format!("{{\"{name}\":{value}}}\n");
    for (plaintext, text) in
        [(&b"{\"a\":1}"[..], r#""{\"a\":1}""#), (b"\xff", "\"\u{fffd}\""), (b"a\n", r#""a\n""#)]
    {
        let sealed = line("encrypted_matched_data", &format!("\"{}\"", blob(plaintext)));
        let (out, _) = opened(lines().form(OpenedForm::Text), &sealed);
        assert_eq!(out, line("matched_data", text));
    }
}

#[test]
fn an_event_has_a_limit() {
    let short = format!("{{\"a\":\"{}\"}}\n", "x".repeat(1_000));
    let log = format!("{short}{short}{{\"a\":\"{}\"}}\n{short}", "x".repeat(1_001));
    let archive = lines().max_event_bytes(1_008);
    let (out, fault) = run(archive, log.as_bytes());
    assert!(matches!(fault, Err(ArchiveError::TooLong { event: 3, limit: 1_008 })));
    assert!(out.is_empty(), "it was met in the first block");
    let (out, summary) = run(archive.max_event_bytes(1_009), log.as_bytes());
    assert_eq!((out, summary.unwrap().events), (log.into_bytes(), 4));

    // A log without line ends is given up long before it fills the memory.
    let endless = io::repeat(b'{');
    let fault = lines().inspect(LogReader::new(endless).unwrap());
    assert!(matches!(fault, Err(ArchiveError::TooLong { event: 1, .. })));
}

#[test]
fn order_is_kept_and_nothing_lost() {
    let public = key(KEY).public_key().clone();
    let sealed: Vec<String> =
        (0..32).map(|n| seal_v3(format!("{{\"n\":{n}}}").as_bytes(), &public).unwrap()).collect();
    let (mut log, mut expected) = (String::new(), String::new());
    for n in 0..5_000 {
        let pad = "x".repeat(n % 700);
        let line =
            |name: &str, value: &str| format!("{{\"i\":{n},\"{pad}\":{{\"{name}\":{value}}}}}\n");
        let (name, plaintext) = ("encrypted_matched_data", format!("{{\"n\":{}}}", n % 32));
        log += &line(name, &format!("\"{}\"", sealed[n % 32]));
        expected += &line("matched_data", &plaintext);
    }
    for log in [log.as_bytes(), &gzip(log.as_bytes())] {
        let (out, summary) = run(lines(), log);
        assert_eq!(out, expected.as_bytes());
        assert_eq!(summary.unwrap().opened, 5_000);
    }
}

/// What comes through a pipe that stays open is written before more of it comes.
#[test]
fn a_pipe_that_pauses_holds_nothing_back() {
    struct Pipe(mpsc::Receiver<Vec<u8>>);

    impl Read for Pipe {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let Ok(bytes) = self.0.recv() else { return Ok(0) };
            buffer[..bytes.len()].copy_from_slice(&bytes);
            Ok(bytes.len())
        }
    }

    struct Out(mpsc::Sender<Vec<u8>>);

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).unwrap();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let ((to_pipe, pipe), (to_out, out)) = (mpsc::channel(), mpsc::channel());
    // Two bytes tell gzip from what is plain.
    to_pipe.send(b"{}".to_vec()).unwrap();
    let working = thread::spawn(move || {
        lines().open(LogReader::new(Pipe(pipe)).unwrap(), Out(to_out), opener())
    });
    to_pipe.send(b"\n{\"a\":".to_vec()).unwrap();
    assert_eq!(out.recv().unwrap(), b"{}\n");
    to_pipe.send(b"1}\n".to_vec()).unwrap();
    let next: Vec<u8> = out.recv().unwrap();
    assert_eq!(next, b"{\"a\":1}\n");
    drop(to_pipe);
    assert_eq!(working.join().unwrap().unwrap().events, 2);
}

#[test]
fn a_writer_that_fails_ends_it() {
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    // Longer than all queues hold, so that each thread is waiting for the next when it comes.
    let log = io::repeat(b'\n').take(32 << 20);
    let fault = lines().open(LogReader::new(log).unwrap(), Full, opener());
    assert!(matches!(fault, Err(ArchiveError::Write(_))));
}

/// A thread that panics ends the others: none waits for it for ever.
#[test]
fn a_reader_that_panics_ends_it() {
    struct Panics(usize);

    impl Read for Panics {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            assert!(self.0 < 100, "the reader panics");
            buffer.fill(b'\n');
            Ok(buffer.len())
        }
    }

    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        let outcome = panic::catch_unwind(|| {
            let log = LogReader::new(Panics(0)).unwrap();
            lines().open(log, io::sink(), opener()).is_ok()
        });
        done.send(outcome.is_err()).unwrap();
    });
    assert!(is_done.recv_timeout(Duration::from_secs(60)).unwrap());
}

fn rewrapped(archive: Archive, log: &str, key: &PublicKey) -> (String, Summary) {
    let mut out = Vec::new();
    let log = LogReader::new(log.as_bytes()).unwrap();
    let summary = archive.rewrap(log, &mut out, opener(), key).unwrap();
    (String::from_utf8(out).unwrap(), summary)
}

/// Every blob in a line, with the binding beside it.
fn blobs(line: &str) -> Vec<(String, Option<Value>)> {
    fn within(value: &Value, found: &mut Vec<(String, Option<Value>)>) {
        if let Some(blob) = value["encrypted_matched_data"].as_str() {
            found.push((blob.into(), value.get("binding").cloned()));
        }
        match value {
            Value::Array(values) => values.iter().for_each(|value| within(value, found)),
            Value::Object(members) => members.values().for_each(|value| within(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    serde_json::from_str(line).into_iter().for_each(|value| within(&value, &mut found));
    found
}

#[test]
fn rewrapping_loses_no_event() {
    let new = PrivateKey::generate(Suite::X25519).unwrap();
    let (out, summary) = rewrapped(lines(), SEALED, new.public_key());
    // The two that were moved are still of the events that they are bound to.
    assert_eq!((summary.resealed, summary.moved, summary.left_count()), (26, 2, 17));

    // The new key opens what the old ones did, and finds the same.
    let both = Opener::new([new]).unwrap();
    let mut again = Vec::new();
    let log = LogReader::new(out.as_bytes()).unwrap();
    let second = lines().open(log, &mut again, &both).unwrap();
    assert_eq!((second.opened, second.unbound), (24, 20));
    let again = String::from_utf8(again).unwrap();
    let (mut opened, mut left) = (0, 0);
    for ((after, before), (wrapped, sealed)) in
        again.split('\n').zip(OPENED.split('\n')).zip(out.split('\n').zip(SEALED.split('\n')))
    {
        if before != sealed {
            assert_eq!(after, before);
            opened += 1;
        } else if wrapped == sealed {
            left += 1;
        }
    }
    assert_eq!((opened, left), (24, 49 - 26));
}

/// Whoever can write to a log can put a binding beside a blob: by itself it becomes no proof.
#[test]
fn what_was_not_bound_is_bound_only_where_that_is_asked_for() {
    let binding = Binding::new("acme", "7d0f/0", "100173", 1_795_307_400_123).unwrap();
    let old = key(KEY);
    let v3 = seal_v3(b"{}", old.public_key()).unwrap();
    let v3_spaced = seal_v3(b"{} ", old.public_key()).unwrap();
    let v4 = seal_v4(b"{}", old.public_key(), &binding).unwrap();
    let line = |ray: &str, blob: &str, binding: Option<Value>| {
        json!({"RayID": ray, "Metadata": {"encrypted_matched_data": blob, "binding": binding}})
            .to_string()
    };
    let bound = Some(binding.to_json());
    let (x25519, xwing) =
        (PrivateKey::generate(Suite::X25519).unwrap(), PrivateKey::generate(Suite::XWing).unwrap());
    // Both kinds of key by default, then both where the rows are trusted.
    for (log, versions) in [
        (line("7d0f", &v3, None), [Some(3), None, Some(3), None]),
        (line("7d0f", &v3, bound.clone()), [Some(3), None, Some(4), Some(4)]),
        // Another event's binding; and no version 4 ends in a space.
        (line("7d10", &v3, bound.clone()), [Some(3), None, Some(3), None]),
        (line("7d0f", &v3_spaced, bound.clone()), [Some(3), None, Some(3), None]),
        (line("7d0f", &v4, bound.clone()), [Some(4); 4]),
        (line("7d10", &v4, bound), [Some(4); 4]),
        (line("7d0f", &v4, None), [None; 4]),
    ] {
        let trusting = lines().unbound(UnboundBlobs::BindToRow);
        let ways = [(lines(), &x25519), (lines(), &xwing), (trusting, &x25519), (trusting, &xwing)];
        for ((archive, key), version) in ways.into_iter().zip(versions) {
            let (out, summary) = rewrapped(archive, &log, key.public_key());
            let [(blob, beside)] = &blobs(&out)[..] else { panic!("{out}") };
            match version {
                Some(version) => {
                    assert_eq!(Blob::parse(blob).unwrap().version(), version, "{log}");
                    let beside = beside.as_ref().and_then(|value| Binding::from_json(value).ok());
                    assert!(open(blob, key, beside.as_ref()).is_ok(), "{log}");
                    assert_eq!(summary.unbound, u64::from(version == 3));
                }
                None => {
                    let missing = (Left::Refused(Refused::MissingBinding), 1);
                    assert_eq!(out, log);
                    assert!(summary.left().eq([missing]), "{summary}");
                }
            }
        }
    }
    // A second time there is nothing left to do.
    let log = line("7d0f", &v4, Some(binding.to_json()));
    let (once, _) = rewrapped(lines(), &log, xwing.public_key());
    let (twice, summary) = rewrapped(lines(), &once, xwing.public_key());
    assert_eq!((twice, summary.sealed_already, summary.is_complete()), (once, 1, true));
}

#[test]
fn an_inventory_needs_no_key() {
    let inventory = lines().inspect(LogReader::new(SEALED.as_bytes()).unwrap()).unwrap();
    let kinds: Vec<_> = inventory
        .kinds()
        .map(|(kind, amount)| {
            let id = kind.key_id.map(|id| id.to_string());
            (kind.version, kind.suite, id.unwrap_or_default(), amount.blobs, amount.without_binding)
        })
        .collect();
    let id = |text| key(text).key_id().to_string();
    let mut version_4 = vec![(id(KEY), 7, 1), (id(OLD_KEY), 1, 0)];
    let other = "csQx1VbttvLc3pNs2h5fu9m7p9vtPmQj77VfTpfQAyQ=";
    version_4.push((id(other), 1, 0));
    version_4.sort();
    let mut expected = vec![
        (1, Suite::X25519, String::new(), 1, 0),
        (2, Suite::X25519, String::new(), 1, 0),
        (3, Suite::X25519, String::new(), 19, 0),
    ];
    expected.extend(
        version_4.into_iter().map(|(id, blobs, unbound)| (4, Suite::X25519, id, blobs, unbound)),
    );
    assert_eq!(kinds, expected);
    let refused: u64 = inventory.refused().map(|(_, count)| count).sum();
    assert_eq!((inventory.events, inventory.not_json, refused), (44, 3, 13));
}

/// Lines, how many blobs in each of them open, and how many there are.
const LINES: [(&str, u64, u64); 12] = [
    ("{}", 0, 0),
    (r#"{"encrypted_matched_data": null}"#, 0, 0),
    (r#"{"encrypted_matched_data": 7}"#, 0, 1),
    (r#"{"encrypted\u005fmatched_data": {"encrypted_matched_data": ["A"]}}"#, 0, 2),
    (r#"{"encrypted_matched_data": "truncated", "encrypted_matched_data": "A"}"#, 0, 2),
    (r#"[{"key": "encrypted\u005fmatched_data", "value": "A"}]"#, 0, 1),
    (
        r#"{"encrypted_matched_data":"AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk="}"#,
        1,
        1,
    ),
    (
        r#"[{"encrypted\u005fmatched\u005fdata":"AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk="}, {"encrypted_matched_data":"B"}]"#,
        1,
        2,
    ),
    (
        r#"{"encrypted_matched_data":"AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=","matched_data":1}"#,
        0,
        1,
    ),
    ("no {\"encrypted_matched_data\": \"A\"}", 0, 0),
    ("no \0", 0, 0),
    ("no \u{feff}{}", 0, 0),
];

proptest! {
    // Each case opens blobs, three times.
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every line is counted once, and so is every blob, whatever stands around them.
    #[test]
    fn the_counts_add_up(
        picks in proptest::collection::vec((0..LINES.len(), 0..3_usize), 0..30),
        is_packed: bool,
    ) {
        let ends = ["\n", "\r\n", "\n\n"];
        let log: String =
            picks.iter().map(|(line, end)| format!("{}{}", LINES[*line].0, ends[*end])).collect();
        let sum = |of: fn(&(&str, u64, u64)) -> u64| {
            picks.iter().map(|(line, _)| of(&LINES[*line])).sum::<u64>()
        };
        let (opened, blobs) = (sum(|line| line.1), sum(|line| line.2));
        let not_json = sum(|line| u64::from(line.0.starts_with("no ")));
        let bytes = if is_packed { gzip(log.as_bytes()) } else { log.clone().into_bytes() };
        let (out, summary) = run(lines(), &bytes);
        let summary = summary.unwrap();
        prop_assert_eq!(out.split(|&byte| byte == b'\n').count(), log.split('\n').count());
        prop_assert_eq!(summary.opened, opened);
        prop_assert_eq!(summary.opened + summary.left_count(), blobs);
        prop_assert_eq!(summary.not_json, not_json);
        let met = u64::try_from(picks.len()).unwrap();
        prop_assert_eq!(summary.events + summary.not_json, met);
        let first = log.lines().zip(1..).find(|(line, _)| line.starts_with("no "));
        prop_assert_eq!(summary.first_not_json, first.map(|(_, number)| number));

        // So do they when the same log is moved to a new key, or only looked at.
        let (_, moved) = rewrapped(lines(), &log, key(OLD_KEY).public_key());
        prop_assert_eq!(moved.resealed + moved.sealed_already + moved.left_count(), blobs);
        let inventory = lines().inspect(LogReader::new(&*bytes).unwrap()).unwrap();
        let seen: u64 = inventory.kinds().map(|(_, amount)| amount.blobs).sum();
        let refused: u64 = inventory.refused().map(|(_, count)| count).sum();
        prop_assert_eq!((seen + refused, inventory.events), (blobs, summary.events));
    }
}

proptest! {
    /// Whatever a log holds: no panic, and what is no blob comes out as it went in.
    #[test]
    fn any_bytes_pass_as_they_are(log in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (out, summary) = run(lines(), &log);
        if log.starts_with(&[0x1f, 0x8b]) {
            return Ok(());
        }
        prop_assert_eq!(out, log);
        prop_assert_eq!(summary.unwrap().opened, 0);
    }

    /// Text that is near JSON: read as `serde_json` reads it, and never changed.
    #[test]
    fn near_json_is_taken_as_others_take_it(log in r#"[\[\]{}",:0-9a-z\\ eE.+-]{0,40}"#) {
        let is_json = serde_json::from_str::<Value>(&log).is_ok();
        let (out, summary) = run(lines(), log.as_bytes());
        prop_assert_eq!(&out, log.as_bytes());
        // A number beyond any `f64` is JSON, and no number of serde_json's.
        let has_exponent = log.contains(['e', 'E']);
        let expected = u64::from(!is_json && !log.trim().is_empty());
        prop_assert!(summary.unwrap().not_json == expected || has_exponent);
        let _fault = run(Archive::new(LogFormat::Json), log.as_bytes());
    }
}
