//! Builds a [`RulesLayer`].

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request;

use super::judge::Shared;
use super::limits::{BODY_BYTES, DEFAULT_BODY_BYTES, DEFAULT_BODY_WAIT, MAX_BODY_WAIT};
use super::origin::{Country, FieldOf, Scheme};
use super::{ClientIp, EventLog, RayId, RulesLayer, RulesLayerError};
use crate::clock::{Clock, SystemClock};
use crate::route::Enforcement;
use crate::rules::request::UriScheme;
use crate::rules::{RuleSet, Value};

/// Whether rules see the bodies of gRPC calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrpcBodies {
    /// They are read as all others are. A call that streams both ways waits for as long as
    /// [`body_wait`](RulesLayerBuilder::body_wait), and then goes on.
    #[default]
    Seen,
    /// Calls pass as they stream, and no rule sees their bodies (Cloudflare does the same). **Whoever says
    /// that their request is gRPC gets any body past the rules**, so this is for a layer around gRPC services
    /// alone. `http.request.body.truncated` is true on them.
    Unseen,
}

/// Builds a [`RulesLayer`]. Everything has a default but the rules.
#[must_use = "no rule runs before RulesLayerBuilder::build"]
pub struct RulesLayerBuilder {
    rules: Arc<RuleSet>,
    options: Options,
}

/// What a layer goes by, whatever its rules.
pub(super) struct Options {
    pub(super) enforcement: Enforcement,
    pub(super) log: Option<EventLog>,
    pub(super) client: ClientIp,
    pub(super) ray_id: RayId,
    pub(super) country: Option<Country>,
    scheme: Option<Scheme>,
    pub(super) fields: Vec<(String, FieldOf)>,
    pub(super) body_bytes: usize,
    pub(super) body_wait: Duration,
    pub(super) grpc: GrpcBodies,
    pub(super) clock: Box<dyn Clock>,
}

impl Options {
    pub(super) fn scheme_of(&self, parts: &request::Parts) -> UriScheme {
        self.scheme.as_ref().map_or(UriScheme::Https, |scheme| scheme(parts))
    }
}

impl RulesLayerBuilder {
    pub(super) fn new(rules: Arc<RuleSet>) -> Self {
        let options = Options {
            enforcement: Enforcement::Enforce,
            log: None,
            client: ClientIp::default(),
            ray_id: RayId::default(),
            country: None,
            scheme: None,
            fields: Vec::new(),
            body_bytes: DEFAULT_BODY_BYTES,
            body_wait: DEFAULT_BODY_WAIT,
            grpc: GrpcBodies::default(),
            clock: Box::new(SystemClock),
        };
        Self { rules, options }
    }

    /// Seals what matched, and hands it on (nothing is logged but counts, unless set).
    pub fn log(mut self, log: EventLog) -> Self {
        self.options.log = Some(log);
        self
    }

    /// Whether rules stop requests ([`Enforcement::Enforce`]), or every request passes and rules only
    /// count and log ([`Enforcement::ReportOnly`]). [`Enforcement::Exempt`] runs no rule.
    pub const fn enforcement(mut self, enforcement: Enforcement) -> Self {
        self.options.enforcement = enforcement;
        self
    }

    /// Whose address `ip.src` is (the peer's).
    pub fn client_ip(mut self, client: ClientIp) -> Self {
        self.options.client = client;
        self
    }

    /// By which name events call a request (a random one).
    pub fn ray_id(mut self, ray_id: RayId) -> Self {
        self.options.ray_id = ray_id;
        self
    }

    /// Who knows the country of an address, for `ip.src.country`: asked where a rule wants it, and for
    /// events.
    pub fn country(
        mut self,
        country: impl Fn(IpAddr) -> Option<Cow<'static, str>> + Send + Sync + 'static,
    ) -> Self {
        self.options.country = Some(Arc::new(country));
        self
    }

    /// The scheme that viewers come by (https), for `ssl` and `http.request.full_uri`. Behind an edge
    /// that is not the scheme of the connection; believe a field only if a proxy in front sets it.
    pub fn scheme(
        mut self,
        scheme: impl Fn(&request::Parts) -> UriScheme + Send + Sync + 'static,
    ) -> Self {
        self.options.scheme = Some(Arc::new(scheme));
        self
    }

    /// The value of a field that was registered with the scheme of the rules, by its name. A value of
    /// another type counts as missing.
    pub fn field(
        mut self,
        name: &str,
        value: impl Fn(&request::Parts) -> Option<Value<'static>> + Send + Sync + 'static,
    ) -> Self {
        self.options.fields.push((name.into(), Arc::new(value)));
        self
    }

    /// Bytes of a body that rules look at: 1 KiB to 1 MiB, 128 KiB unless set. Beyond them
    /// `http.request.body.truncated` is true.
    pub const fn body_bytes(mut self, bytes: usize) -> Self {
        self.options.body_bytes = bytes;
        self
    }

    /// How long rules wait for a body: up to a minute, 10 seconds unless set. After that they look at
    /// what is there, and `http.request.body.truncated` is true.
    pub const fn body_wait(mut self, wait: Duration) -> Self {
        self.options.body_wait = wait;
        self
    }

    /// Whether rules see the bodies of gRPC calls (they do).
    pub const fn grpc(mut self, bodies: GrpcBodies) -> Self {
        self.options.grpc = bodies;
        self
    }

    /// Reads the time from `clock` instead of the operating system's.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.options.clock = Box::new(clock);
        self
    }

    /// The layer.
    ///
    /// # Errors
    ///
    /// [`RulesLayerError`] for a number out of bounds.
    pub fn build(self) -> Result<RulesLayer, RulesLayerError> {
        let Options { body_bytes, body_wait, .. } = &self.options;
        if !BODY_BYTES.contains(body_bytes) {
            return Err(RulesLayerError::BodyBytes { bytes: *body_bytes });
        }
        if *body_wait > MAX_BODY_WAIT {
            return Err(RulesLayerError::BodyWait { wait: *body_wait });
        }
        Ok(self.finish())
    }

    pub(super) fn finish(self) -> RulesLayer {
        RulesLayer { shared: Arc::new(Shared::new(self.rules, self.options)) }
    }
}

impl fmt::Debug for RulesLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RulesLayerBuilder")
            .field("enforcement", &self.options.enforcement)
            .field("log", &self.options.log)
            .field("client_ip", &self.options.client)
            .field("ray_id", &self.options.ray_id)
            .finish_non_exhaustive()
    }
}
