//! One HTTP/1.1 request over a socket of its own, with exactly the fields it was given.

use std::io;
use std::net::SocketAddr;

use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// A request that got no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("no connection: {0}")]
    Connect(#[from] io::Error),
    #[error("no answer: {0}")]
    Http(#[from] hyper::Error),
}

/// Sends `request`, whose URI is path and query, to `to`. The bodies of both are streamed.
pub(super) async fn send(
    to: SocketAddr,
    request: Request<Body>,
) -> Result<Response<Incoming>, WireError> {
    let stream = TcpStream::connect(to).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection); // ends with the exchange, and an error shows in the response
    Ok(sender.send_request(request).await?)
}
