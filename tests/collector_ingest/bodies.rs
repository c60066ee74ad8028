use axum::body::Body;
use axum::http::StatusCode;
use serde_json::json;

use super::common::{Lab, code, framed, gzip};

fn gzip_best(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const LINE: &str = r#"{"Datetime":1795307399,"RayID":"a","RuleID":"r","MatchIndex":0}"#;

async fn packed(lab: &Lab, encoding: &str, body: impl Into<Body>) -> (StatusCode, String, u64) {
    let request = lab.request("/v1/events").header("content-encoding", encoding);
    let (status, answer) = lab.send(request.body(body.into()).unwrap()).await;
    (status, code(&answer).to_owned(), answer["stored"].as_u64().unwrap_or_default())
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd_with(bytes, None)
}

fn zstd_with(bytes: &[u8], window_log: Option<u32>) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    if let Some(window_log) = window_log {
        encoder.window_log(window_log).unwrap();
    }
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn every_packing_is_read_to_its_end() {
    let lab = Lab::new();
    let line = format!("{LINE}\n").into_bytes();
    let two_members = [gzip(&line), gzip(&line)].concat();
    let two_frames = [zstd(&line), zstd(&line)].concat();
    let skippable = [b"\x50\x2a\x4d\x18\x02\x00\x00\x00xx".to_vec(), zstd(&line)].concat();
    for (encoding, body, expected) in [
        ("gzip", gzip(&line), (StatusCode::OK, "", 1)),
        ("x-gzip", two_members.clone(), (StatusCode::OK, "", 2)),
        ("ZSTD", zstd(&line), (StatusCode::OK, "", 1)),
        ("zstd", two_frames, (StatusCode::OK, "", 2)),
        ("zstd", skippable, (StatusCode::OK, "", 1)),
        ("identity", line.clone(), (StatusCode::OK, "", 1)),
        (
            "gzip",
            two_members[..two_members.len() - 1].to_vec(),
            (StatusCode::BAD_REQUEST, "encoding", 0),
        ),
        ("gzip", gzip(&line)[..20].to_vec(), (StatusCode::BAD_REQUEST, "encoding", 0)),
        (
            "gzip",
            [gzip(&line), b"garbage".to_vec()].concat(),
            (StatusCode::BAD_REQUEST, "encoding", 0),
        ),
        ("gzip", line.clone(), (StatusCode::BAD_REQUEST, "encoding", 0)),
        ("gzip", Vec::new(), (StatusCode::BAD_REQUEST, "encoding", 0)),
        ("zstd", zstd(&line)[..20].to_vec(), (StatusCode::BAD_REQUEST, "encoding", 0)),
        (
            "zstd",
            [zstd(&line), b"garbage".to_vec()].concat(),
            (StatusCode::BAD_REQUEST, "encoding", 0),
        ),
        (
            "zstd",
            zstd_with(&line.repeat(400_000), Some(24)),
            (StatusCode::BAD_REQUEST, "encoding", 0),
        ),
        ("br", line.clone(), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-encoding", 0)),
        ("gzip, gzip", line.clone(), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-encoding", 0)),
    ] {
        let (status, code, stored) = packed(&lab, encoding, body).await;
        assert_eq!((status, code.as_str(), stored), expected, "{encoding}");
    }
    assert!(lab.is_settled());
}

#[tokio::test]
async fn bombs_end_early() {
    let lab = Lab::new();
    for (what, bomb) in [("blanks", b" ".repeat(8 << 20)), ("breaks", b"\n".repeat(8 << 20))] {
        let (status, code, stored) = packed(&lab, "zstd", zstd(&bomb)).await;
        let early = (StatusCode::PAYLOAD_TOO_LARGE, "bomb", 0);
        assert_eq!((status, code.as_str(), stored), early, "{what}");
        // Gzip packs the log of a flood as well as these: it is read to its end, and holds nothing.
        let (status, code, stored) = packed(&lab, "gzip", gzip_best(&bomb)).await;
        assert!(!status.is_server_error() && stored == 0, "{what}: {status} {code}");
    }
    let flood = format!("{LINE}\n").repeat(20_000);
    assert_eq!(packed(&lab, "gzip", gzip_best(flood.as_bytes())).await.0, StatusCode::OK);
    assert!(lab.is_settled());
}

#[tokio::test]
async fn members_that_say_nothing_do_not_hold_a_place() {
    let lab = Lab::new();
    for (encoding, member) in [("gzip", gzip(b"")), ("zstd", zstd(b""))] {
        let members = bytes::Bytes::from(member.repeat(10_000));
        // Nobody sends so many, so it is not their end that ends it.
        let endless = futures_util::stream::iter(std::iter::repeat_n(members, 1_000));
        let body =
            Body::from_stream(futures_util::StreamExt::map(endless, Ok::<_, std::io::Error>));
        let (status, code, _) = packed(&lab, encoding, body).await;
        assert_eq!((status, code.as_str()), (StatusCode::BAD_REQUEST, "encoding"), "{encoding}");
    }
    // One line a member is a log still.
    let lines = gzip(format!("{LINE}\n").as_bytes()).repeat(20_000);
    assert_eq!(packed(&lab, "gzip", lines).await, (StatusCode::OK, String::new(), 20_000));
    assert!(lab.is_settled());
}

#[tokio::test]
async fn what_never_ends_is_thrown_away_as_it_comes() {
    let lab = Lab::new();
    let megabyte = bytes::Bytes::from(vec![b'x'; 1 << 20]);
    let endless = |count: usize, piece: bytes::Bytes| {
        let pieces = std::iter::repeat_n(piece, count).map(Ok::<_, std::io::Error>);
        Body::from_stream(futures_util::stream::iter(pieces))
    };
    let (status, problem) = lab.post("/v1/events", endless(8, megabyte)).await;
    assert_eq!(
        (status, &problem["lines"]),
        (StatusCode::BAD_REQUEST, &json!([{"line": 1, "code": "too-long"}]))
    );
    // Blanks without end are an empty body.
    for blank in [" ", "\n"] {
        let piece = bytes::Bytes::from(blank.repeat(1 << 20));
        let (status, answer) = lab.post("/v1/events", endless(8, piece)).await;
        assert_eq!((status, &answer["stored"]), (StatusCode::OK, &json!(0)));
    }
    for open in ["[", "{\"a\":", "{\"events\":[[", "[{\"a\":\""] {
        let piece = bytes::Bytes::from(open.repeat((1 << 20) / open.len()));
        for door in ["/v1/events", "/v1/logpush", "/v1/aws-waf", "/v1/modsecurity"] {
            let (status, _) = lab.post(door, endless(3, piece.clone())).await;
            // A line that is too long was read; an array that never ends was not.
            let is_line = open.starts_with("{\"a");
            let expected = match door {
                "/v1/logpush" => StatusCode::OK,
                "/v1/aws-waf" | "/v1/modsecurity" if is_line => StatusCode::OK,
                _ => StatusCode::BAD_REQUEST,
            };
            assert_eq!(status, expected, "{door} {open}");
        }
        let request = lab.request("/v1/firehose").header("x-amz-firehose-request-id", "x");
        let (status, _) = lab.send(request.body(endless(3, piece)).unwrap()).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{open}");
    }
    assert!(lab.events().is_empty() && lab.is_settled());
}

#[tokio::test]
async fn a_sender_that_goes_away_leaves_nothing() {
    let lab = Lab::new();
    let pieces = [Ok(bytes::Bytes::from(format!("{LINE}\n"))), Err(std::io::Error::other("gone"))];
    let (status, problem) =
        lab.post("/v1/events", Body::from_stream(futures_util::stream::iter(pieces))).await;
    assert_eq!((status, code(&problem)), (StatusCode::REQUEST_TIMEOUT, "cut"));
    assert!(lab.events().is_empty() && lab.is_settled());
    // A handler that is dropped in the middle of a body.
    let (frames, body) = http_body_util::channel::Channel::<bytes::Bytes, std::io::Error>::new(1);
    let mut frames = frames;
    let router = lab.router.clone();
    let request = lab.request("/v1/events").body(Body::new(body)).unwrap();
    let handler = tokio::spawn(async move { tower::ServiceExt::oneshot(router, request).await });
    for _ in 0..3 {
        frames.send_data(bytes::Bytes::from(format!("{LINE}\n"))).await.unwrap();
    }
    handler.abort();
    assert!(handler.await.unwrap_err().is_cancelled());
    while !lab.is_settled() {
        tokio::task::yield_now().await;
    }
    assert!(lab.events().is_empty());
}

#[tokio::test]
async fn arrays_are_read_strictly() {
    let lab = Lab::new();
    for (body, stored) in [
        ("[]".to_owned(), Some(0)),
        (" [ ] ".to_owned(), Some(0)),
        ("{\"events\":[]}".to_owned(), Some(0)),
        (format!("[{LINE}]"), Some(1)),
        (format!("[{LINE} , {LINE}]"), Some(2)),
        (format!("[{LINE},]"), None),
        (format!("[,{LINE}]"), None),
        (format!("[{LINE} {LINE}]"), None),
        (format!("[{LINE}"), None),
        (format!("[{LINE}]]"), None),
        (format!("[{LINE}] {LINE}"), None),
        (format!("{{\"events\":[{LINE}]"), None),
        (format!("{{\"events\":[{LINE}],\"more\":1}}"), None),
        (format!("[{LINE},5]"), None),
        (format!("[{LINE},null]"), None),
        ("[5".to_owned(), None),
        ("[\"".to_owned(), None),
        ("[}".to_owned(), None),
    ] {
        let (status, answer) = lab.post("/v1/events", body.clone()).await;
        assert_eq!(status == StatusCode::OK, stored.is_some(), "{body}: {answer}");
        assert_eq!(answer["stored"].as_u64(), stored, "{body}");
    }
}

#[tokio::test]
async fn frames_of_one_byte_are_as_good() {
    let lab = Lab::new();
    for packed in
        [format!("{LINE}\n{LINE}").into_bytes(), gzip(LINE.as_bytes()), zstd(LINE.as_bytes())]
    {
        let frames = packed.iter().map(|byte| vec![*byte]).collect();
        let (status, answer) = lab.post("/v1/logpush", framed(frames)).await;
        assert_eq!(status, StatusCode::OK);
        assert!(
            answer["stored"].as_u64().unwrap() > 0 && answer["quarantined"] == json!(0),
            "{answer}"
        );
    }
}
