//! The request that rules run on.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::PathBuf;

use wafpass::UnixTime;
use wafpass::clock::{Clock, SystemClock};
use wafpass::rules::request::{BodyEnd, RequestView, UriScheme};

use crate::error::Fault;
use crate::input;
use crate::key_file::parse_moment;
use crate::request::RawRequest;

/// The arguments.
#[derive(clap::Args)]
pub(super) struct Incoming {
    /// Raw HTTP request; `-` for standard input.
    #[arg(value_name = "REQUEST", default_value = "-", hide_default_value = true)]
    pub(super) request: PathBuf,
    /// Address of the client: ip.src.
    #[arg(long, value_name = "IP")]
    client: Option<IpAddr>,
    /// Country of the client: ip.src.country.
    #[arg(long, value_name = "CC")]
    country: Option<String>,
    /// The client came by http, not https.
    #[arg(long)]
    http: bool,
    /// When it came: Unix seconds or YYYYMMDDTHHMMSSZ [default: now].
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    now: Option<UnixTime>,
}

impl Incoming {
    pub(super) fn read(&self) -> Result<Vec<u8>, Fault> {
        input::read(&self.request)
    }

    /// Shows the request in `bytes` to `look`.
    pub(super) fn show<T>(
        &self,
        bytes: &[u8],
        look: impl FnOnce(&RequestView<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let raw = RawRequest::parse(bytes)?;
        let lines: Vec<_> =
            raw.fields().iter().map(|(name, value)| (*name, value.trim_ascii())).collect();
        let (body, end) = match raw.body()? {
            Some(body) => (body, BodyEnd::Whole),
            None => (&[][..], BodyEnd::Truncated { size: None }),
        };
        let ms =
            |moment: UnixTime| u64::try_from(moment.as_secs()).unwrap_or(0).saturating_mul(1_000);
        let country = |_| self.country.clone().map(Cow::Owned);
        let mut view = RequestView::new(raw.method(), raw.target(), &lines)
            .version(raw.version())
            .scheme(if self.http { UriScheme::Http } else { UriScheme::Https })
            .body(body, end)
            .timestamp_ms(self.now.map_or_else(|| SystemClock.now_ms(), ms))
            .country_of(&country);
        // A country is one of an address; without one any will do.
        let of_country = || self.country.as_ref().map(|_| IpAddr::from([0, 0, 0, 0]));
        if let Some(client) = self.client.or_else(of_country) {
            view = view.client(client);
        }
        look(&view)
    }
}
