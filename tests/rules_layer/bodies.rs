use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use futures_util::stream::{self, StreamExt};
use http::{HeaderMap, Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::{BodyExt, Full, StreamBody};
use serde_json::json;
use tower::{Layer, Service, ServiceExt, service_fn};
use wafpass::layer::rules::{RulesBody, RulesLayer};
use wafpass::rules::RuleSet;

use crate::common::*;

const LIMIT: usize = 131_072;

type Frames = Vec<Result<Frame<Bytes>, &'static str>>;

/// Two rules over bodies, and one over what of them is not seen.
fn on_bodies() -> RuleSet {
    rules(
        r#"
        needle: block: http.request.body.raw contains "needle"
        partly: log: http.request.body.truncated
    "#,
    )
}

fn data(bytes: impl Into<Bytes>) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(bytes.into()))
}

/// What the application behind the layer gets: what is known ahead of the body, its frames, and which
/// rules matched.
async fn passed_on<B>(rules: RuleSet, body: B) -> Option<(SizeHint, Frames, String)>
where
    B: http_body::Body<Data = Bytes, Error = &'static str> + Send + 'static,
{
    let got = Arc::new(std::sync::Mutex::new(None));
    let seen = Arc::clone(&got);
    let inner = service_fn(move |request: Request<RulesBody<B>>| {
        let seen = Arc::clone(&seen);
        async move {
            let matched = request.extensions().get::<wafpass::layer::rules::RulesMatched>();
            let matched = matched.map(|matched| matched.rules.join(" ")).unwrap_or_default();
            let mut body = Box::pin(request.into_body());
            let (hint, mut frames) = (body.size_hint(), Vec::new());
            while let Some(frame) = body.frame().await {
                frames.push(frame);
            }
            // A stream of which rules did not see the end does not know its own.
            assert!(hint.upper().is_none() || body.is_end_stream());
            *seen.lock().unwrap() = Some((hint, frames, matched));
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let service = RulesLayer::new(rules).layer(inner);
    let request = Request::post("/").header("host", "shop.example").body(body).unwrap();
    service.oneshot(request).await.unwrap();
    got.lock().unwrap().take()
}

fn stream_of(
    frames: Frames,
) -> StreamBody<impl futures_util::Stream<Item = Result<Frame<Bytes>, &'static str>>> {
    StreamBody::new(stream::iter(frames))
}

fn bytes_of(frames: &Frames) -> Vec<u8> {
    let data = frames.iter().filter_map(|frame| frame.as_ref().ok()?.data_ref());
    data.flat_map(|data| data.to_vec()).collect()
}

fn noise(len: usize) -> Vec<u8> {
    (0..len).map(|number| u8::try_from(number * 7 % 251).unwrap()).collect()
}

#[tokio::test]
async fn a_body_is_passed_on_byte_for_byte() {
    for len in [0, 1, LIMIT - 1, LIMIT, LIMIT + 1, 3 * LIMIT + 17] {
        for piece in [len.max(1), 1_000, 65_536, LIMIT] {
            if len > 1_000 && piece < 1_000 {
                continue;
            }
            let whole = noise(len);
            let frames = whole.chunks(piece).map(|piece| data(piece.to_vec())).collect();
            let (hint, frames, matched) = passed_on(on_bodies(), stream_of(frames)).await.unwrap();
            assert!(bytes_of(&frames) == whole, "{len} in {piece}");
            let is_cut = len > LIMIT;
            assert_eq!(matched, if is_cut { "partly" } else { "" }, "{len} in {piece}");
            let expected = if is_cut { None } else { Some(u64::try_from(len).unwrap()) };
            assert_eq!(hint.exact(), expected, "{len} in {piece}");
        }
    }
}

#[tokio::test]
async fn a_length_that_is_known_stays_known() {
    for len in [0, LIMIT - 1, LIMIT, LIMIT + 1, 2 * LIMIT] {
        let body = Full::new(Bytes::from(noise(len))).map_err(|never| match never {});
        let (hint, frames, matched) = passed_on(on_bodies(), body).await.unwrap();
        assert_eq!(hint.exact(), Some(u64::try_from(len).unwrap()));
        assert!(bytes_of(&frames) == noise(len));
        assert_eq!(matched, if len > LIMIT { "partly" } else { "" });
    }
}

#[tokio::test]
async fn trailers_come_after_the_body() {
    let trailers: HeaderMap =
        [("x-sum".parse().unwrap(), "7".parse().unwrap())].into_iter().collect();
    for len in [0, 10, LIMIT, LIMIT + 1] {
        let frames = vec![data(noise(len)), Ok(Frame::trailers(trailers.clone()))];
        let (_, frames, _) = passed_on(on_bodies(), stream_of(frames)).await.unwrap();
        assert_eq!(frames.last().unwrap().as_ref().unwrap().trailers_ref(), Some(&trailers));
        assert!(bytes_of(&frames) == noise(len));
    }
}

#[tokio::test]
async fn trailers_survive_an_end_that_does_not_come() {
    let trailers: HeaderMap =
        [("x-sum".parse().unwrap(), "7".parse().unwrap())].into_iter().collect();
    let frames = vec![data("short"), Ok(Frame::trailers(trailers.clone()))];
    let body = StreamBody::new(stream::iter(frames).chain(stream::pending()));
    let layer = RulesLayer::builder(on_bodies()).body_wait(20 * MS).build().unwrap();
    let handle = layer.handle();
    let inner = service_fn(async |request: Request<RulesBody<_>>| {
        let body = request.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["x-sum"], "7");
        Ok::<_, Infallible>(Response::new(Full::new(body.to_bytes())))
    });
    let request = Request::post("/").header("host", "shop.example").body(body).unwrap();
    let response = layer.layer(inner).oneshot(request).await.unwrap();
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "short");
    assert_eq!(handle.truncated(), 0, "behind trailers nothing comes");
}

#[tokio::test]
async fn an_error_is_passed_on_where_it_was() {
    for len in [0, 10, LIMIT, LIMIT + 1] {
        let frames = vec![data(noise(len)), Err("broken off")];
        let (hint, frames, matched) = passed_on(on_bodies(), stream_of(frames)).await.unwrap();
        assert_eq!(frames.last().unwrap().as_ref().unwrap_err(), &"broken off");
        assert!(bytes_of(&frames) == noise(len));
        assert_eq!(hint.exact(), None, "a length would be a promise");
        assert_eq!(matched, "partly");
    }
    let frames = vec![data("a needle"), Err("broken off")];
    assert!(passed_on(on_bodies(), stream_of(frames)).await.is_none(), "what came was looked at");
}

#[tokio::test]
async fn what_matches_is_found_across_frames_and_up_to_the_limit() {
    let split = vec![data("a nee"), data(""), data("dle")];
    assert!(passed_on(on_bodies(), stream_of(split)).await.is_none());
    let at = |place: usize| {
        let mut body = noise(2 * LIMIT);
        body[place..place + 6].copy_from_slice(b"needle");
        passed_on(on_bodies(), stream_of(vec![data(body)]))
    };
    assert!(at(LIMIT - 6).await.is_none());
    let (_, frames, matched) = at(LIMIT - 5).await.unwrap();
    assert_eq!((bytes_of(&frames).len(), matched.as_str()), (2 * LIMIT, "partly"));
}

/// A body that must not be asked before the application does.
struct Untouched(Arc<AtomicBool>);

impl http_body::Body for Untouched {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        assert!(self.0.load(Ordering::SeqCst), "nobody asked for it");
        Poll::Ready(None)
    }
}

#[tokio::test]
async fn without_a_rule_over_bodies_none_is_held_up() {
    let (asked, is_asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let flag = Arc::clone(&is_asked);
    let inner = service_fn(move |request: Request<RulesBody<Untouched>>| {
        flag.store(true, Ordering::SeqCst);
        async move {
            let body = request.into_body().collect().await;
            Ok::<_, Infallible>(Response::new(body.unwrap().to_bytes().len().to_string()))
        }
    });
    drop(asked);
    let service = RulesLayer::new(rules("head: log: http.request.method eq \"POST\"")).layer(inner);
    let request = Request::post("/").body(Untouched(is_asked)).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().body(), "0");
}

#[tokio::test]
async fn a_stream_that_waits_for_an_answer_is_not_kept_waiting_for_ever() {
    let layer = RulesLayer::builder(on_bodies()).body_wait(50 * MS).build().unwrap();
    let handle = layer.handle();
    let app = app(layer);
    let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(4);
    sender.send_data("first".into()).await.unwrap();
    let waiting = tokio::spawn(async move { send(&app, post(Body::new(body))).await });
    tokio::time::sleep(200 * MS).await;
    assert_eq!(handle.evaluated(), 1, "after 50 ms");
    sender.send_data(" and second".into()).await.unwrap();
    drop(sender);
    let response = waiting.await.unwrap();
    assert_eq!(response.headers()["matched"], "partly");
    assert_eq!(text(response).await, "first and second");
    assert_eq!(handle.truncated(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing() {
    let layer = RulesLayer::new(on_bodies());
    let handle = layer.handle();
    let mut app = app(layer);
    let (mut sender, body) = http_body_util::channel::Channel::<Bytes>::new(4);
    sender.send_data("needle".into()).await.unwrap();
    {
        let call = Service::call(&mut app, post(Body::new(body)));
        assert!(tokio::time::timeout(20 * MS, call).await.is_err());
    }
    assert!(sender.send_data("more".into()).await.is_err(), "the body went with the request");
    assert_eq!(handle.evaluated(), 0);
}

#[tokio::test]
async fn the_limit_can_be_set_within_bounds() {
    let layer = RulesLayer::builder(on_bodies()).body_bytes(1_024).build().unwrap();
    let app = app(layer);
    let long = |place| format!("{}needle", "a".repeat(place));
    assert_eq!(status(&app, post(long(1_018))).await, 403);
    assert_eq!(status(&app, post(long(1_019))).await, 200);
    for bytes in [0, 1_023, 1_048_577] {
        let error = RulesLayer::builder(on_bodies()).body_bytes(bytes).build().unwrap_err();
        assert_eq!(error.to_string().lines().count(), 2);
    }
    assert!(RulesLayer::builder(on_bodies()).body_wait(61 * SECOND).build().is_err());
}

#[tokio::test]
async fn what_matched_in_a_form_is_logged_without_the_password() {
    let (owner, kept) = (owner(), Kept::default());
    let log = log_to(&owner, kept.clone()).build().unwrap();
    let rules =
        rules(r#"form: block: any(http.request.body.form.values[*] contains "union select")"#);
    let app = app(RulesLayer::builder(rules).log(log).build().unwrap());
    let mut request = post("user=1' union select&password=union select hunter2");
    let kind = "application/x-www-form-urlencoded".parse().unwrap();
    request.headers_mut().insert("content-type", kind);
    assert_eq!(status(&app, request).await, 403);
    let event = kept.only().await;
    let matched = opened(&event, &owner);
    let values = "http.request.body.form.values";
    assert_eq!(matched[format!("{values}[0]")][0]["content"], json!("union select"), "{matched:#}");
    assert!(matched[format!("{values}[1]")][0]["content"]["redacted"].is_u64(), "{matched:#}");
    assert!(!matched.to_string().contains("hunter2"));
}
