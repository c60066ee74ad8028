//! Bodies taken apart, against plain readers that hold all of them.

use std::io::{self, Read};

use base64ct::{Base64, Encoding};
use proptest::prelude::*;
use wafpass::collector::api::Problem;
use wafpass::collector::ingest::{Commas, Record, firehose, records};
use wafpass::collector::limits::{MAX_BATCH_LINES, MAX_FIREHOSE_RECORD_BYTES, MAX_LINE_BYTES};

#[derive(Clone, Debug, PartialEq, Eq)]
enum Found {
    Text(Vec<u8>),
    TooLong(usize),
    Broken(usize),
}

impl From<Record<'_>> for Found {
    fn from(record: Record<'_>) -> Self {
        let length = |bytes| usize::try_from(bytes).unwrap();
        match record {
            Record::Text(text) => Self::Text(text.to_owned()),
            Record::TooLong(bytes) => Self::TooLong(length(bytes)),
            Record::Broken(bytes) => Self::Broken(length(bytes)),
            other => panic!("{other:?}"),
        }
    }
}

type Taken = (Result<(), Problem>, Vec<(u64, Found)>);

fn split(body: impl Read, commas: Commas) -> Taken {
    let mut all = Vec::new();
    let answer = records(body, commas, |number, record| all.push((number, record.into())));
    (answer, all)
}

fn unpack(body: impl Read) -> Taken {
    let mut all = Vec::new();
    let answer = firehose(body, "r", |number, line| all.push((number, line.into())));
    (answer, all)
}

/// A body that comes in pieces: no read gives more than the next of the sizes, which go round.
struct Pieces<'b> {
    body: &'b [u8],
    sizes: std::iter::Cycle<std::slice::Iter<'b, usize>>,
}

impl<'b> Pieces<'b> {
    fn new(body: &'b [u8], sizes: &'b [usize]) -> Self {
        Self { body, sizes: sizes.iter().cycle() }
    }
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let most = into.len().min(*self.sizes.next().unwrap());
        let now = self.body.split_off(..most.min(self.body.len())).unwrap();
        into[..now.len()].copy_from_slice(now);
        Ok(now.len())
    }
}

fn sizes() -> impl Strategy<Value = Vec<usize>> {
    let size = prop_oneof![1_usize..300, 300_usize..100_000];
    proptest::collection::vec(size, 1..6)
}

fn found(text: &[u8], bytes: usize) -> Found {
    if bytes > MAX_LINE_BYTES { Found::TooLong(bytes) } else { Found::Text(text.to_owned()) }
}

/// Runs of a byte about as long as a line may be, and short ones.
fn run(byte: u8) -> impl Strategy<Value = Vec<u8>> {
    let bytes = prop_oneof![4 => 1_usize..300, 1 => MAX_LINE_BYTES - 3..MAX_LINE_BYTES + 3, 1 => Just(300_000)];
    bytes.prop_map(move |bytes| vec![byte; bytes])
}

/// Lines of whatever bytes, none of which make the body an array.
fn lines() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"\n".to_vec()),
        Just(b"\r\n".to_vec()),
        Just(b"{\"a\":\"]}\"}".to_vec()),
        run(b' '),
        run(b'x'),
        proptest::collection::vec(any::<u8>(), 0..20),
    ];
    let all = proptest::collection::vec(piece, 0..12);
    let is_lines =
        |body: &Vec<u8>| !body.trim_ascii_start().starts_with(b"[") && !body.starts_with(b"\xef");
    // Of a Firehose record's length, at most.
    let body = all.prop_map(|pieces| pieces.concat()).prop_map(|mut body| {
        body.truncate(600_000);
        body
    });
    body.prop_filter("an array", is_lines)
}

/// Objects and arrays, as text.
fn element() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => "\\PC{0,20}".prop_map(|text| serde_json::json!({ "a": text, "b": [{}] }).to_string().into_bytes()),
        1 => Just(b"[ [\"]\\\\\"] ]".to_vec()),
        1 => run(b'y').prop_map(|text| [b"{\"a\":\"".to_vec(), text, b"\"}".to_vec()].concat()),
    ]
}

fn blank() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => Just(Vec::new()),
        1 => "[ \\t\\r\\n]{1,300}".prop_map(String::into_bytes),
        1 => run(b' '),
    ]
}

fn commas() -> impl Strategy<Value = Commas> {
    prop::sample::select(vec![Commas::Strict, Commas::Any])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn lines_are_those_of_an_editor(body in lines(), sizes in sizes(), commas in commas()) {
        let all = (1..).zip(body.split(|byte| *byte == b'\n'));
        let mut all = all.filter(|(_, line)| !line.trim_ascii().is_empty());
        // What is blank before the first record is passed over, and counts for none.
        let first = all.next().map(|(number, line)| (number, line.trim_ascii_start()));
        let all = first.into_iter().chain(all);
        let all = all.map(|(number, line)| (number, found(line.trim_ascii(), line.len()))).collect();
        prop_assert!(split(Pieces::new(&body, &sizes), commas) == (Ok(()), all));
    }

    #[test]
    fn elements_are_those_of_the_array(
        all in proptest::collection::vec((blank(), element(), blank()), 0..6),
        (before, after) in (blank(), blank()),
        is_wrapped in any::<bool>(),
        sizes in sizes(),
        commas in commas(),
    ) {
        let inner: Vec<Vec<u8>> = all.iter().map(|(before, text, after)| [&**before, text, after].concat()).collect();
        let (open, close) = if is_wrapped { ("{ \"events\" : [", "] }") } else { ("[", "]") };
        let body = [&*before, open.as_bytes(), &inner.join(&b','), close.as_bytes(), &after].concat();
        let all = (1..).zip(all.iter().map(|(_, text, _)| found(text, text.len()))).collect();
        prop_assert!(split(Pieces::new(&body, &sizes), commas) == (Ok(()), all));
    }

    #[test]
    fn pieces_make_no_difference(
        parts in proptest::collection::vec(prop_oneof![
            4 => prop::sample::select(vec!["[", "{\"events\"", ":", "{", "]", "}", ",", "\n", "\"", "\\", "\u{feff}", "{\"a\":1}"])
                .prop_map(|part| part.as_bytes().to_vec()),
            1 => run(b' '),
            1 => run(b'x'),
        ], 0..12),
        sizes in sizes(),
        commas in commas(),
    ) {
        let body = parts.concat();
        let whole = split(&*body, commas);
        prop_assert!(split(Pieces::new(&body, &sizes), commas) == whole);
        let bytes = whole.1.iter().map(|(_, found)| match found {
            Found::Text(text) => text.len(),
            Found::TooLong(bytes) | Found::Broken(bytes) => *bytes,
        });
        prop_assert!(bytes.sum::<usize>() <= body.len());
        prop_assert!(whole.1.is_sorted_by(|(left, _), (right, _)| left < right));
    }

    #[test]
    fn a_firehose_holds_the_lines_of_its_records(
        all in proptest::collection::vec(lines(), 0..3),
        other in prop::sample::select(vec!["", "\"timestamp\":1,", "\"x\":[[{\"records\":[]}]],", "\"x\":\"\\ud800\","]),
        is_id_last in any::<bool>(),
        sizes in sizes(),
    ) {
        let data = all.iter().map(|data| format!("{{\"y\":null,\"data\":\"{}\"}}", Base64::encode_string(data)));
        let list = format!("\"records\" : [{}]", data.collect::<Vec<_>>().join(" , "));
        let body = if is_id_last {
            format!("{{{other}{list},\"requestId\":\"r\"}} ")
        } else {
            format!("{{\"requestId\":\"r\",{other}{list}}}")
        };
        let lines = all.iter().flat_map(|data| data.split(|byte| *byte == b'\n')).map(<[u8]>::trim_ascii);
        let lines = lines.filter(|line| !line.is_empty()).map(|line| found(line, line.len()));
        let lines = (1..).zip(lines).collect();
        prop_assert!(unpack(Pieces::new(body.as_bytes(), &sizes)) == (Ok(()), lines));
    }

    #[test]
    fn a_broken_firehose_is_refused_alike_in_any_pieces(
        text in "(\\{|\\}|\\[|\\]|,|:|\"|requestId|records|data|YQ==|r| ){0,30}",
        place in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        sizes in sizes(),
    ) {
        let whole = "{\"requestId\":\"r\",\"records\":[{\"data\":\"YQo=\"},{\"data\":\"YgpjCg==\"}]}";
        prop_assert!(unpack(whole.as_bytes()).0.is_ok());
        let place = place.index(whole.len());
        let cut_body = &whole[..cut.index(whole.len())];
        let changed = format!("{}{text}{}", &whole[..place], &whole[place..]);
        for body in [&text, cut_body, &changed] {
            let (answer, lines) = unpack(body.as_bytes());
            prop_assert!(lines.len() <= 3);
            if let Err(problem) = &answer {
                prop_assert_eq!(&*problem.kind, "urn:wafpass:form");
            }
            prop_assert_eq!(unpack(Pieces::new(body.as_bytes(), &sizes)), (answer, lines));
        }
        prop_assert!(unpack(cut_body.as_bytes()).0.is_err());
    }
}

/// A body of one element that never ends is thrown away as it comes: all of it counts.
#[test]
fn a_record_without_an_end_is_as_long_as_what_is_left() {
    let body = [b"[{}, {\"a\":\"".as_slice(), &vec![b'x'; 700_000]].concat();
    let left = body.len() - 5;
    let expected = vec![(1, Found::Text(b"{}".to_vec())), (2, Found::Broken(left))];
    for sizes in [[usize::MAX], [1_000], [262_145]] {
        let all = split(Pieces::new(&body, &sizes), Commas::Strict);
        assert_eq!(all, (Ok(()), expected.clone()), "{sizes:?}");
    }
}

/// `{"events":[` stands within the first 256 bytes, whether more came with them or not.
#[test]
fn an_opening_is_as_long_as_it_may_be() {
    for (blanks, is_array) in [(245, true), (246, false), (100_000, false)] {
        let body = format!("\n{{{}\"events\":[{{}}]}}", " ".repeat(blanks));
        let expected = if is_array {
            (1, Found::Text(b"{}".to_vec()))
        } else {
            (2, Found::Text(body.trim().as_bytes().to_vec()))
        };
        for sizes in [[usize::MAX], [1], [256]] {
            let all = split(Pieces::new(body.as_bytes(), &sizes), Commas::Strict);
            assert_eq!(all, (Ok(()), vec![expected.clone()]), "{blanks} {sizes:?}");
        }
    }
}

/// Give or take a buffer, and for one body always the same.
#[test]
fn a_firehose_record_is_as_long_as_it_may_be() {
    const BUFFER_BYTES: usize = 8_192;
    let most = usize::try_from(MAX_FIREHOSE_RECORD_BYTES).unwrap();
    let first = "{\"requestId\":\"r\",\"records\":[{\"data\":\"YQ==\"}";
    let take = |bytes: usize, sizes: &[usize]| {
        let padding = "y".repeat(bytes - ",{\"x\":\"\",\"data\":\"Yg==\"}".len());
        let body = format!("{first},{{\"x\":\"{padding}\",\"data\":\"Yg==\"}}]}}");
        let (answer, lines) = unpack(Pieces::new(body.as_bytes(), sizes));
        (answer.map_err(|problem| problem.kind), lines.len())
    };
    let long = (Err("urn:wafpass:form".to_owned()), 1);
    for bytes in (most - BUFFER_BYTES..=most + BUFFER_BYTES).step_by(BUFFER_BYTES / 2) {
        let whole = take(bytes, &[usize::MAX]);
        assert!(bytes > most - BUFFER_BYTES || whole == (Ok(()), 2));
        assert!(bytes < most + BUFFER_BYTES || whole == long);
        for sizes in [[1], [BUFFER_BYTES - 1], [first.len()]] {
            assert_eq!(take(bytes, &sizes), whole, "{bytes} {sizes:?}");
        }
    }
}

#[test]
fn a_batch_has_so_many_lines() {
    let most = usize::try_from(MAX_BATCH_LINES).unwrap();
    let count = |lines| {
        let mut all = 0;
        (records("1\n".repeat(lines).as_bytes(), Commas::Strict, |_, _| all += 1), all)
    };
    assert_eq!(count(most), (Ok(()), most));
    let (answer, all) = count(most + 1);
    assert_eq!((answer.unwrap_err().kind.as_str(), all), ("urn:wafpass:too-many-lines", most));
}

#[test]
fn what_cannot_be_read_is_no_end() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::InvalidData.into())
        }
    }
    let lines = split(b"{}\n".chain(Failing), Commas::Strict);
    assert_eq!((lines.0.unwrap_err().kind.as_str(), lines.1), ("urn:wafpass:encoding", vec![]));
    let lines = unpack(b"{\"requestId\":\"r\",\"records\":[]}".chain(Failing));
    assert_eq!((lines.0.unwrap_err().kind.as_str(), lines.1), ("urn:wafpass:encoding", vec![]));
}
