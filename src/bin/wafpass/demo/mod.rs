//! `wafpass demo`: an edge and an origin on loopback, and a tour of what passes and what does not.
//!
//! The edge runs the published CloudFront Function in an embedded JavaScript engine; the origin is an
//! axum application behind `VerifyLayer`. Nothing is switched off or sped up: the tour waits until
//! the origin reports ready, as a load balancer would.

mod edge;
mod engine;
mod journal;
mod origin;
mod table;
mod tour;
mod wire;

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use wafpass::{Key, Secret};

use self::edge::{Edge, Secrets};
use self::journal::{Entry, Journal, Place};
use self::table::Table;
use self::tour::{Captured, Tour};
use crate::error::Fault;
use crate::style::{FAINT, HEADING};
use crate::{Verdict, style};

const KEY_ID: &str = "demo";

const AFTER: &str = "\
The edge runs edge/cloudfront-function/index.js, the file that is published to
CloudFront, in an embedded JavaScript engine. Key and WAF secret are made for
each run. After the tour both go on serving, for requests of yours.

Examples:
  wafpass demo
  wafpass demo --once --json | jq '.steps[] | select(.as_expected | not)'

Exit codes: 0 all as expected, 1 not, 2 usage, or a port that is taken";

/// Play an edge and an origin on loopback: what passes, what does not.
#[derive(clap::Args)]
#[command(styles = style::HELP, after_help = AFTER)]
pub(crate) struct Args {
    /// Exit after the tour.
    #[arg(long)]
    once: bool,
    /// Print the tour as JSON.
    #[arg(long, requires = "once")]
    json: bool,
    /// Port of the edge on 127.0.0.1; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    edge_port: u16,
    /// Port of the origin on 127.0.0.1; 0 for a free one.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    origin_port: u16,
}

impl Args {
    pub(crate) fn run(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let runtime = tokio::runtime::Runtime::new().map_err(|error| not_started(&error))?;
        runtime.block_on(self.play(out))
    }

    async fn play(&self, out: &mut dyn Write) -> Result<Verdict, Fault> {
        let (journal, mut entries) = Journal::new();
        let (key, waf) = (Secret::generate()?, Secret::generate()?);
        let origin_listener = listen("--origin-port", self.origin_port).await?;
        let edge_listener = listen("--edge-port", self.edge_port).await?;
        let origin = origin::start(origin_listener, Key::new(KEY_ID, &key)?, journal.clone());
        let origin = origin.map_err(|error| not_started(&error))?;
        let secrets = Secrets { key_id: KEY_ID, key: &key, waf: &waf };
        let edge = Edge::start(edge_listener, origin.addr, &secrets, journal);
        let edge = edge.map_err(|error| not_started(&error))?;

        if !self.json {
            introduce(out, edge.addr, origin.addr)?;
        }
        while wafpass::clock::now() < origin.ready_at {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let shown: Option<&mut dyn Write> = if self.json { None } else { Some(&mut *out) };
        let tour = Tour::new(&edge, &origin, &mut entries, Table::new(shown)?);
        let (report, captured) = tour.play().await?;
        if self.json {
            let json = serde_json::to_string_pretty(&report).map_err(io::Error::from)?;
            writeln!(out, "{json}")?;
        } else {
            writeln!(out, "\n{}", report.summary())?;
        }
        if !self.once {
            invite(out, edge.addr, origin.addr, &captured)?;
            stay(out, &mut entries).await?;
        }
        Ok(if report.is_as_expected() { Verdict::Good } else { Verdict::Bad })
    }
}

async fn listen(option: &str, port: u16) -> Result<TcpListener, Fault> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
    listener.map_err(|error| {
        let fault = format!("port {port} of 127.0.0.1 cannot be had: {error}");
        Fault::new(fault, format!("another with {option}, or 0 for a free one"))
    })
}

fn not_started(error: &dyn std::error::Error) -> Fault {
    Fault::new(format!("the demo could not start: {error}"), "again; if it stays, please report it")
}

impl From<wire::WireError> for Fault {
    fn from(error: wire::WireError) -> Self {
        Self::new(
            format!("a request of the tour failed: {error}"),
            "again; if it stays, please report it",
        )
    }
}

impl From<http::Error> for Fault {
    fn from(error: http::Error) -> Self {
        Self::new(format!("a request of the tour could not be made: {error}"), "please report it")
    }
}

fn introduce(out: &mut dyn Write, edge: SocketAddr, origin: SocketAddr) -> io::Result<()> {
    let edge = edge.to_string();
    writeln!(
        out,
        "
  {HEADING}wafpass demo{HEADING:#}  all in this process, on loopback; its secrets were made for this run

    viewer ──▶ {HEADING}edge{HEADING:#} {edge:<21} ──▶ {HEADING}origin{HEADING:#} {origin}
               {FAINT}a WAF, then the CloudFront     axum behind VerifyLayer,{FAINT:#}
               {FAINT}Function, index.js as it is    Freshness::cloudfront(){FAINT:#}

  {FAINT}Waiting until the origin reports ready, two seconds after its start. What was signed{FAINT:#}
  {FAINT}before that start is refused, since it may have been used already.{FAINT:#}"
    )
}

fn invite(
    out: &mut dyn Write,
    edge: SocketAddr,
    origin: SocketAddr,
    captured: &Captured,
) -> io::Result<()> {
    let replay = curl(origin, captured);
    writeln!(
        out,
        "
  {HEADING}Your turn{HEADING:#}{FAINT}: both stay up until Ctrl-C, and say below what came and why it was refused{FAINT:#}

  {FAINT}# through the edge: 200{FAINT:#}
  curl -i 'http://{edge}/orders/7?view=full'

  {FAINT}# straight to the origin: 403{FAINT:#}
  curl -i 'http://{origin}/orders/7?view=full'

  {FAINT}# the POST captured above: 403, replayed, and after 90 s expired{FAINT:#}
  {replay}
"
    )
}

/// Serves on, and shows what arrives, until Ctrl-C.
async fn stay(out: &mut dyn Write, entries: &mut UnboundedReceiver<Entry>) -> Result<(), Fault> {
    loop {
        tokio::select! {
            stopped = tokio::signal::ctrl_c() => return stopped.map_err(|error| not_started(&error)),
            entry = entries.recv() => match entry {
                Some(entry) => show(out, &entry)?,
                None => return Ok(()),
            },
        }
    }
}

/// A command line that sends the signed fields again.
fn curl(to: SocketAddr, captured: &Captured) -> String {
    let Captured { method, target, headers } = captured;
    let mut command = format!("curl -i -X {method} 'http://{to}{target}'");
    let signed = |name: &str| name == "host" || name.starts_with("x-cloud-");
    for (name, value) in headers.iter().filter(|(name, _)| signed(name.as_str())) {
        let value = value.to_str().unwrap_or_default();
        command.push_str(&format!(" \\\n    -H '{name}: {value}'"));
    }
    command
}

/// One line for what arrived. What the edge handed on shows when it arrives at the origin.
fn show(out: &mut dyn Write, entry: &Entry) -> io::Result<()> {
    let Entry { place, method, target, status, reason, .. } = entry;
    let place = match (place, reason) {
        (Place::Edge, None) => return Ok(()),
        (Place::Edge, Some(_)) => "edge",
        (Place::Origin, _) => "origin",
    };
    let reason = reason.as_deref().unwrap_or("passed").escape_debug();
    let (status, target) = (status.as_u16(), target.escape_debug());
    writeln!(out, "  {place:<6}  {status} {reason}  {FAINT}{method} {target}{FAINT:#}")
}
