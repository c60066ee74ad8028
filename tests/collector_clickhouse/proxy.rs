//! A proxy between a store and its engine, which does to a connection what a test says.

use std::sync::Arc;
use std::sync::Mutex;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It goes through.
    Through,
    /// It is not passed on, and the connection ends.
    Refused,
    /// It is answered by an error that is not ClickHouse's.
    BadGateway,
    /// It is answered by one of ClickHouse's errors.
    TooManyParts,
    /// It is passed on, and its answer is lost.
    AnswerLost,
}

/// Says what becomes of a request, by the text of its address or its body.
type Judge = Box<dyn FnMut(&str) -> Fate + Send>;

pub(crate) struct Proxy {
    pub(crate) url: String,
    judge: Arc<Mutex<Judge>>,
    task: JoinHandle<()>,
}

impl Proxy {
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let judge: Arc<Mutex<Judge>> = Arc::new(Mutex::new(Box::new(|_| Fate::Through)));
        let task = tokio::spawn(serve(listener, port, judge.clone()));
        Self { url, judge, task }
    }

    /// From now on requests fare so.
    pub(crate) fn judge(&self, judge: impl FnMut(&str) -> Fate + Send + 'static) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }

    pub(crate) fn all(&self, fate: Fate) {
        self.judge(move |_| fate);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, port: u16, judge: Arc<Mutex<Judge>>) {
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let (client, judge) = (client.clone(), judge.clone());
        let service = service_fn(move |request| pass(client.clone(), port, judge.clone(), request));
        tokio::spawn(async move {
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn pass(
    client: Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
    port: u16,
    judge: Arc<Mutex<Judge>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, String> {
    let (mut head, body) = request.into_parts();
    let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
    let text = format!("{}\n{}", head.uri, String::from_utf8_lossy(&body));
    let fate = (judge.lock().unwrap())(&text);
    let answer = |status, text: &'static str| {
        Ok(Response::builder().status(status).body(Full::from(text)).unwrap())
    };
    match fate {
        Fate::Refused => Err("refused".to_owned()),
        Fate::BadGateway => answer(StatusCode::BAD_GATEWAY, "<html>bad gateway"),
        Fate::TooManyParts => {
            answer(StatusCode::INTERNAL_SERVER_ERROR, "Code: 252. DB::Exception: Too many parts")
        }
        Fate::Through | Fate::AnswerLost => {
            let path = head.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
            head.uri = format!("http://127.0.0.1:{port}{path}").parse().unwrap();
            head.headers.remove("transfer-encoding");
            let request = Request::from_parts(head, Full::new(body));
            let response = client.request(request).await.map_err(|error| error.to_string())?;
            let (head, body) = response.into_parts();
            let body = body.collect().await.map_err(|error| error.to_string())?.to_bytes();
            if fate == Fate::AnswerLost {
                return Err("lost".to_owned());
            }
            Ok(Response::from_parts(head, Full::new(body)))
        }
    }
}
