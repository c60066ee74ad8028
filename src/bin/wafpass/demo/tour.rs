//! The tour: requests over real sockets, through the edge and around it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use http::header::HOST;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use http_body_util::BodyExt;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use wafpass::scheme::edge::{HOST as EDGE_HOST, RESERVED, VIEWER_IP as EDGE_VIEWER_IP};
use wafpass::{Key, MessageHead, Secret, Signer, WafEvidence};

use super::KEY_ID;
use super::edge::{Edge, Settings};
use super::journal::{Entry, Place, TOUR_FIELD};
use super::origin::{AUDIENCE, Facts, Origin, edge_fields};
use super::table::{Outcome, Report, Table};
use super::wire::{WireError, send};
use crate::error::Fault;

const VIEWER_HOST: &str = "shop.example";
const VIEWER_IP: &str = "127.0.0.1";

/// More than the 90 seconds of `Freshness::cloudfront`.
const STALE_S: i64 = 120;

/// No request of the tour takes a hundredth of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays the tour.
pub(super) struct Tour<'a> {
    pub(super) edge: &'a Edge,
    pub(super) origin: &'a Origin,
    pub(super) journal: &'a mut UnboundedReceiver<Entry>,
    table: Table<'a>,
    requests: u32,
    /// What peers saw of the origin's refusals.
    refusals: Vec<Seen>,
}

/// A request as it arrived at the origin, signature and all: what leaks from a log, or from a proxy
/// between the edge and the origin.
#[derive(Clone)]
pub(super) struct Captured {
    pub(super) method: Method,
    pub(super) target: String,
    pub(super) headers: HeaderMap,
}

/// Everything that a peer can tell two answers apart by; the date aside.
type Seen = (u16, BTreeSet<(String, Vec<u8>)>, Vec<u8>);

/// What came of one request.
struct Visit {
    outcome: Outcome,
    facts: Option<Facts>,
    captured: Option<Captured>,
}

impl Captured {
    fn target(&self, target: &str) -> Self {
        Self { target: target.to_owned(), ..self.clone() }
    }

    fn method(&self, method: Method) -> Self {
        Self { method, ..self.clone() }
    }

    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        self
    }
}

/// A request by a viewer who sends nothing unusual.
fn viewer(method: Method, target: &str) -> Captured {
    let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static(VIEWER_HOST))]);
    Captured { method, target: target.to_owned(), headers }
}

fn refused(reason: &str) -> Outcome {
    Outcome::new(403, reason)
}

fn passed(nth_use: u8) -> Outcome {
    Outcome::new(200, format!("passed, use {nth_use}"))
}

impl<'a> Tour<'a> {
    pub(super) fn new(
        edge: &'a Edge,
        origin: &'a Origin,
        journal: &'a mut UnboundedReceiver<Entry>,
        table: Table<'a>,
    ) -> Self {
        Self { edge, origin, journal, table, requests: 0, refusals: Vec::new() }
    }

    /// Plays it. Returns the report, and a POST whose one use is taken.
    pub(super) async fn play(mut self) -> Result<(Report, Captured), Fault> {
        let get = self.through_the_edge().await?;
        self.around_the_edge().await?;
        self.altered(&get).await?;
        let post = self.replayed(&get).await?;
        self.stale().await?;
        self.forged().await?;
        self.without_waf().await?;
        self.all_alike()?;
        Ok((self.table.into_report(), post))
    }

    async fn through_the_edge(&mut self) -> Result<Captured, Fault> {
        self.table.section("Through the edge", "the WAF looks, the CloudFront Function signs")?;
        let target = "/orders/7?view=full";
        let request = viewer(Method::GET, target);
        let visit = self.visit(self.edge.addr, &request).await?;
        // Where nothing reached the origin there is nothing to capture, and the tour goes badly.
        let captured = visit.captured.unwrap_or(request);
        self.table.add(&format!("GET {target}"), passed(1), visit.outcome)?;
        if let Some(facts) = visit.facts {
            let Facts { key_id, nonce, waf, .. } = &facts;
            self.table.note("what the application learns of it, from the signature:")?;
            self.table.note(format_args!("key_id={key_id} waf={waf} {}", facts.viewer()))?;
            self.table.note(format_args!("nonce={nonce}"))?;
        }
        let visit = self.visit(self.edge.addr, &viewer(Method::GET, "/?q=%3Cscript%3E")).await?;
        self.table.add("GET /?q=%3Cscript%3E", refused("blocked-by-waf"), visit.outcome)?;
        Ok(captured)
    }

    async fn around_the_edge(&mut self) -> Result<(), Fault> {
        self.table.section("Straight to the origin", "by someone who found its address")?;
        let unsigned = viewer(Method::GET, "/orders/7?view=full");
        self.expect("GET, unsigned", self.origin.addr, &unsigned, refused("missing-signature"))
            .await?;
        let forged = sign_with_a_key_of_ones_own(&unsigned)?;
        let title = format!("GET, signed by a stranger's \"{KEY_ID}\"");
        self.expect(&title, self.origin.addr, &forged, refused("signature-mismatch")).await
    }

    async fn altered(&mut self, get: &Captured) -> Result<(), Fault> {
        self.table
            .section("Captured and altered", "the fields of request 1, sent to the origin again")?;
        for (title, altered) in [
            ("other path: /orders/8?view=full", get.target("/orders/8?view=full")),
            ("other query: /orders/7?view=all", get.target("/orders/7?view=all")),
            ("other method: DELETE", get.method(Method::DELETE)),
            (
                "x-cloud-viewer-ip: 203.0.113.66",
                get.clone().header("x-cloud-viewer-ip", "203.0.113.66"),
            ),
        ] {
            self.expect(title, self.origin.addr, &altered, refused("signature-mismatch")).await?;
        }
        Ok(())
    }

    async fn replayed(&mut self, get: &Captured) -> Result<Captured, Fault> {
        self.table.section(
            "Captured and replayed",
            "POST has one use; GET three, for CloudFront's retries",
        )?;
        let request = viewer(Method::POST, "/orders");
        let visit = self.visit(self.edge.addr, &request).await?;
        let post = visit.captured.unwrap_or(request);
        self.table.add("POST /orders, through the edge", passed(1), visit.outcome)?;
        let origin = self.origin.addr;
        self.expect("that POST again", origin, &post, refused("replayed")).await?;
        self.expect("request 1 again", origin, get, passed(2)).await?;
        self.expect("request 1 a third time", origin, get, passed(3)).await?;
        self.expect("request 1 a fourth time", origin, get, refused("replayed")).await?;
        Ok(post)
    }

    async fn stale(&mut self) -> Result<(), Fault> {
        self.table.section("Stale", "a signature holds for 90 seconds")?;
        let past = wafpass::clock::now().saturating_add(-STALE_S).as_secs();
        self.edge.set(Settings { clock: Some(past), ..Settings::NORMAL });
        let title = format!("GET, signed {STALE_S} s ago");
        self.expect(&title, self.edge.addr, &viewer(Method::GET, "/"), refused("expired")).await?;
        self.table.note(format_args!(
            "nobody waited: for this request the function's Date was set back {STALE_S} s"
        ))?;
        self.edge.set(Settings::NORMAL);
        Ok(())
    }

    async fn forged(&mut self) -> Result<(), Fault> {
        self.table
            .section("Forged by the viewer", "the function deletes what only the edge may say")?;
        let forged = viewer(Method::GET, "/")
            .header("x-cloud-viewer-ip", "203.0.113.66")
            .header("x_cloud_viewer_ip", "203.0.113.66")
            .header("x.cloud.host", "evil.example")
            .header("x-cloud-date", "20261122T003000Z")
            .header("x-cloud-signature", "v1;kid=mine");
        let visit = self.visit(self.edge.addr, &forged).await?;
        self.table.add("GET with x-cloud-… and x_cloud_…", passed(1), visit.outcome)?;
        if let Some(facts) = visit.facts {
            self.table.note(format_args!(
                "sent 203.0.113.66 and evil.example; the application sees {}",
                facts.viewer()
            ))?;
        }
        Ok(())
    }

    async fn without_waf(&mut self) -> Result<(), Fault> {
        self.table.section("WAF detached", "the function misses the field that the WAF inserts")?;
        let no_waf = Settings { waf_attached: false, ..Settings::NORMAL };
        self.edge.set(no_waf.clone());
        let edge = self.edge.addr;
        let get = viewer(Method::GET, "/");
        self.expect("GET", edge, &get, refused("no-waf-evidence")).await?;
        let guess =
            get.clone().header("x-amzn-waf-wafpass", "a-guess-that-is-long-enough-to-be-one");
        self.expect("GET with a guessed WAF field", edge, &guess, refused("no-waf-evidence"))
            .await?;
        self.table.note("the function refuses at the edge, and its answer does name the reason")?;
        self.edge.set(Settings { without_waf: "sign-none", ..no_waf });
        self.expect("GET, signed as waf=none", edge, &get, refused("waf-not-evaluated")).await?;
        self.table.note("function set to \"without_waf\": \"sign-none\": the origin decides")?;
        self.edge.set(Settings::NORMAL);
        Ok(())
    }

    /// No peer can tell one refusal from another.
    fn all_alike(&mut self) -> Result<(), Fault> {
        self.table
            .section("What peers learn", "of the refusals by the origin, whatever the reason")?;
        let kinds: BTreeSet<&Seen> = self.refusals.iter().collect();
        let status = kinds.first().map_or(0, |(status, ..)| *status);
        let count = self.refusals.len();
        let expected = refused("all the same");
        let got = Outcome::new(
            status,
            match kinds.len() {
                0 => "none came".to_owned(),
                1 => "all the same".to_owned(),
                kinds => format!("{kinds} kinds"),
            },
        );
        self.table.add(&format!("all {count} refusals above, compared"), expected, got)?;
        self.table.note("but for the date: an empty body, and cache-control: no-store")?;
        Ok(())
    }

    async fn expect(
        &mut self,
        title: &str,
        to: SocketAddr,
        request: &Captured,
        expected: Outcome,
    ) -> Result<(), Fault> {
        let visit = self.visit(to, request).await?;
        self.table.add(title, expected, visit.outcome)?;
        Ok(())
    }

    /// Sends one request, and reads in the journal why it went as it did.
    async fn visit(&mut self, to: SocketAddr, request: &Captured) -> Result<Visit, Fault> {
        self.requests += 1;
        let step = self.requests.to_string();
        let mut message = Request::new(Body::empty());
        *message.method_mut() = request.method.clone();
        *message.uri_mut() = request.target.parse().map_err(http::Error::from)?;
        *message.headers_mut() = request.headers.clone();
        message.headers_mut().insert(TOUR_FIELD, HeaderValue::from(self.requests));

        let exchange = async {
            let (head, body) = send(to, message).await?.into_parts();
            Ok::<_, WireError>((head, body.collect().await?.to_bytes()))
        };
        let (head, body) = timeout(PATIENCE, exchange).await.map_err(|_| silence())??;
        // Both write to the journal before they answer, so what there is, is there.
        let entries = std::iter::from_fn(|| self.journal.try_recv().ok());
        let entries: Vec<Entry> = entries.filter(|entry| entry.step() == Some(&step)).collect();
        let at = |place| entries.iter().find(|entry| entry.place == place);

        let facts: Option<Facts> = serde_json::from_slice(&body).ok();
        let status = head.status.as_u16();
        let logged = at(Place::Origin).and_then(|entry| entry.reason.clone());
        if logged.is_some() {
            let fields = head.headers.iter().filter(|(name, _)| *name != http::header::DATE);
            let fields = fields.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
            self.refusals.push((status, fields.collect(), body.to_vec()));
        }
        let reason = logged
            .or_else(|| at(Place::Edge).and_then(|entry| entry.reason.clone()))
            .or_else(|| Some(facts.as_ref()?.verdict(&at(Place::Origin)?.headers)))
            .unwrap_or_else(|| "no reason logged".to_owned());
        let captured = at(Place::Origin).map(|entry| Captured {
            method: entry.method.clone(),
            target: entry.target.clone(),
            headers: entry.headers.clone(),
        });
        Ok(Visit { outcome: Outcome { status, reason }, facts, captured })
    }
}

fn silence() -> Fault {
    let way_out = "the machine may be overloaded: try again";
    Fault::new(
        format!("a request of the tour got no answer within {} s", PATIENCE.as_secs()),
        way_out,
    )
}

impl Facts {
    /// Whether the application was told the truth, and the origin no more than it has to know:
    /// `arrived` is what the edge sent.
    fn verdict(&self, arrived: &HeaderMap) -> String {
        let is_true = edge_fields(arrived) == RESERVED
            && self.key_id == KEY_ID
            && self.waf == WafEvidence::Pass.as_str()
            && self.viewer_ip.as_deref() == Some(VIEWER_IP)
            && self.viewer_host.as_deref() == Some(VIEWER_HOST)
            && self.edge_fields == [EDGE_HOST, EDGE_VIEWER_IP];
        if is_true { passed(self.nth_use).reason } else { "passed, false facts".to_owned() }
    }

    fn viewer(&self) -> String {
        let text = |part: &Option<String>| part.clone().unwrap_or_else(|| "none".to_owned());
        format!("ip={} host={}", text(&self.viewer_ip), text(&self.viewer_host))
    }
}

/// Someone who knows everything but the key: its name, the audience, the format.
fn sign_with_a_key_of_ones_own(request: &Captured) -> Result<Captured, Fault> {
    let key = Key::new(KEY_ID, &Secret::generate()?)?;
    let signer = Signer::builder(AUDIENCE, key).build()?;
    let mut forged = request.clone();
    let uri = forged.target.parse().map_err(http::Error::from)?;
    let head =
        MessageHead::from_parts(&forged.method, &uri, http::Version::HTTP_11, &request.headers);
    let nonce = wafpass::random_nonce()?;
    let signature = signer.sign(&head, WafEvidence::Pass, &nonce, wafpass::clock::now())?;
    signature.insert_into(&mut forged.headers);
    Ok(forged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            key_id: KEY_ID.into(),
            nonce: "nonce".into(),
            waf: "pass".into(),
            nth_use: 2,
            viewer_ip: Some(VIEWER_IP.into()),
            viewer_host: Some(VIEWER_HOST.into()),
            edge_fields: vec!["x-cloud-host".into(), "x-cloud-viewer-ip".into()],
        }
    }

    fn arrived(names: &[&'static str]) -> HeaderMap {
        let value = HeaderValue::from_static("");
        names.iter().map(|name| (HeaderName::from_static(name), value.clone())).collect()
    }

    #[test]
    fn a_pass_with_false_facts_is_no_pass() {
        let signed = arrived(&RESERVED);
        assert_eq!(facts().verdict(&signed), "passed, use 2");
        let alias = vec![EDGE_HOST.into(), EDGE_VIEWER_IP.into(), "x_cloud_viewer_ip".into()];
        for wrong in [
            Facts { key_id: "other".into(), ..facts() },
            Facts { waf: "none".into(), ..facts() },
            Facts { viewer_ip: Some("203.0.113.66".into()), ..facts() },
            Facts { viewer_ip: None, ..facts() },
            Facts { viewer_host: Some("evil.example".into()), ..facts() },
            Facts { edge_fields: alias, ..facts() },
        ] {
            assert_eq!(wrong.verdict(&signed), "passed, false facts", "{wrong:?}");
        }
    }

    #[test]
    fn what_the_edge_should_have_deleted_counts_even_if_the_origin_deletes_it() {
        for stray in ["x_cloud_viewer_ip", "x.cloud.host", "x-amzn-waf-wafpass"] {
            let mut arrived = arrived(&RESERVED);
            arrived.insert(HeaderName::from_static(stray), HeaderValue::from_static(""));
            assert_eq!(facts().verdict(&arrived), "passed, false facts", "{stray}");
        }
    }
}
