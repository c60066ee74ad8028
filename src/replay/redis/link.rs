//! A connection to Redis: to one server, or to the nodes of a cluster.

use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo, SingleNodeRoutingInfo};
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, RedisError, ServerErrorKind, Value};

use super::error::ReplayRedisFault as Fault;

/// How long connecting may take, TLS and login included.
pub(super) const CONNECT: Duration = Duration::from_secs(2);

/// Commands that may wait for the connection to write them. More wait for room, within their
/// timeout.
const QUEUED: usize = 4_096;

/// How often a command goes to another node of a cluster: to the one that a slot has moved to, and
/// on to the one that it is moving to.
const REDIRECTS: usize = 3;

/// Where to connect to.
pub(super) enum Target {
    Server(Box<Client>),
    Cluster(Box<ClusterClient>),
}

/// A connection that any number of callers use at once.
#[derive(Clone)]
pub(super) enum Link {
    Server(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl Target {
    pub(super) async fn connect(&self, client_name: &str) -> Result<Link, Fault> {
        let connecting = async {
            match self {
                Self::Server(client) => {
                    let config = AsyncConnectionConfig::new()
                        .set_connection_timeout(None) // by the caller, for both kinds
                        .set_response_timeout(None)
                        .set_pipeline_buffer_size(QUEUED);
                    let connection =
                        client.get_multiplexed_async_connection_with_config(&config).await?;
                    Ok(Link::Server(connection))
                }
                Self::Cluster(client) => Ok(Link::Cluster(client.get_async_connection().await?)),
            }
        };
        let connected = tokio::time::timeout(CONNECT, connecting).await;
        let link = connected.map_err(|_| Fault::Timeout)?.map_err(|error| Fault::of(&error))?;
        link.name(client_name).await;
        Ok(link)
    }
}

impl Link {
    /// Tells the server who this is, for `CLIENT LIST`. A server that does not let it is used all
    /// the same.
    async fn name(&self, name: &str) {
        let mut command = redis::cmd("CLIENT");
        command.arg("SETNAME").arg(name);
        drop(tokio::time::timeout(CONNECT, self.ask_nodes(&command, Nodes::All)).await);
    }

    /// Sends a command for one key, once. It is sent again only where a node of a cluster has said
    /// that it did not run it, because the slot is elsewhere.
    pub(super) async fn ask(&self, command: &Cmd) -> Result<Value, Fault> {
        let answer = match self {
            Self::Server(connection) => command.query_async(&mut connection.clone()).await,
            Self::Cluster(connection) => ask_cluster(connection.clone(), command).await,
        };
        answer.map_err(|error| Fault::of(&error))
    }

    /// Sends a command to each node that holds keys of its own, and returns their answers.
    pub(super) async fn ask_each(&self, command: &Cmd) -> Result<Vec<Result<Value, Fault>>, Fault> {
        self.ask_nodes(command, Nodes::Primaries).await
    }

    async fn ask_nodes(
        &self,
        command: &Cmd,
        nodes: Nodes,
    ) -> Result<Vec<Result<Value, Fault>>, Fault> {
        let mut connection = match self {
            Self::Cluster(connection) => connection.clone(),
            Self::Server(_) => return Ok(vec![self.ask(command).await]),
        };
        let nodes = match nodes {
            Nodes::Primaries => MultipleNodeRoutingInfo::AllMasters,
            Nodes::All => MultipleNodeRoutingInfo::AllNodes,
        };
        let routing = RoutingInfo::MultiNode((nodes, None));
        let answer = connection.route_command(command.clone(), routing).await;
        match answer.map_err(|error| Fault::of(&error))? {
            Value::Map(answers) if !answers.is_empty() => Ok(answers
                .into_iter()
                .map(|(_, answer)| answer.extract_error().map_err(|error| Fault::of(&error)))
                .collect()),
            _ => Err(Fault::Answer),
        }
    }

    pub(super) const fn is_cluster(&self) -> bool {
        matches!(self, Self::Cluster(_))
    }
}

enum Nodes {
    Primaries,
    All,
}

/// The library's own retries are off: it would also send again what may have been run.
async fn ask_cluster(
    mut connection: ClusterConnection,
    command: &Cmd,
) -> Result<Value, RedisError> {
    let mut answer = command.query_async(&mut connection).await;
    for _ in 0..REDIRECTS {
        let Err(error) = &answer else {
            return answer;
        };
        answer = match error.kind() {
            // By now the library asks the cluster for its slots, and sends after that.
            ErrorKind::Server(
                ServerErrorKind::Moved | ServerErrorKind::TryAgain | ServerErrorKind::ReadOnly,
            ) => command.query_async(&mut connection).await,
            ErrorKind::Server(ServerErrorKind::Ask) => {
                match asking(&mut connection, error, command).await {
                    Some(answer) => answer,
                    None => return answer,
                }
            }
            _ => return answer,
        };
    }
    answer
}

/// Follows a key to the node that its slot is moving to.
async fn asking(
    connection: &mut ClusterConnection,
    error: &RedisError,
    command: &Cmd,
) -> Option<Result<Value, RedisError>> {
    let (host, port) = error.redirect_node()?.0.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let route = SingleNodeRoutingInfo::ByAddress { host, port: port.parse().ok()? };
    let mut pipeline = redis::pipe();
    pipeline.cmd("ASKING").add_command(command.clone());
    let answers = connection.route_pipeline(pipeline, 0, 2, route).await;
    Some(
        answers.and_then(|answers| {
            answers.into_iter().next_back().unwrap_or_default().extract_error()
        }),
    )
}
