//! Listening: addresses, sockets, how many connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::ServeError;
use super::connection::{self, Shared};
use super::limits::{ACCEPT_PAUSE, KEEPALIVE, KEEPALIVE_PROBES};
use crate::collector::telemetry;

/// Connections that the operating system holds until they are accepted.
const BACKLOG: u32 = 1_024;

pub(super) fn bind(address: SocketAddr) -> Result<TcpListener, ServeError> {
    let listen = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        #[cfg(unix)]
        socket.set_reuseaddr(true)?; // a restart need not wait for the connections of the last run
        socket.bind(address)?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error| ServeError::Listen { address, error })
}

/// Accepts connections, `most` at once, until it is told to stop. What is beyond waits in the operating
/// system's queue.
pub(super) async fn accept(listener: TcpListener, most: usize, shared: Shared) {
    let places = Arc::new(Semaphore::new(most));
    let stop = shared.end.stop.clone();
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let Some((Ok(place), accepted)) = stop.run_until_cancelled(next).await else { return };
        match accepted {
            Ok((tcp, peer)) => {
                let serving = connection::serve(prepare(tcp), peer, shared.clone());
                telemetry::connection();
                shared.end.tasks.spawn(async move {
                    serving.await;
                    drop(place);
                });
            }
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                // Out of file descriptors or memory: that passes, and a busy loop would not help.
                telemetry::alarm("accept");
                tracing::error!(%error, "no connection can be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Sees to it that a peer that has gone without a word is noticed.
fn prepare(tcp: TcpStream) -> TcpStream {
    let _set = tcp.set_nodelay(true);
    #[cfg(unix)]
    let _probed = probe(&tcp); // without it, a connection is given up later
    tcp
}

#[cfg(unix)]
fn probe(tcp: &TcpStream) -> io::Result<()> {
    use rustix::net::sockopt;

    sockopt::set_socket_keepalive(tcp, true)?;
    sockopt::set_tcp_keepidle(tcp, KEEPALIVE)?;
    sockopt::set_tcp_keepintvl(tcp, KEEPALIVE)?;
    sockopt::set_tcp_keepcnt(tcp, KEEPALIVE_PROBES)?;
    Ok(())
}
