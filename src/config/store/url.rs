//! Whether a way to Redis is one on which nobody else could answer.

use std::net::IpAddr;

use crate::config::fault::Faults;

/// Refuses a way to Redis on which somebody else could answer. Repeats nothing of a URL.
pub(super) fn judge_urls(at: &str, text: &str, takes_plaintext: bool, faults: &mut Faults<'_>) {
    if text.split_ascii_whitespace().next().is_none() {
        faults.add(
            at,
            "the URL of Redis is empty",
            "write rediss://USER:PASSWORD@HOST:PORT/DATABASE",
        );
    }
    for url in text.split_ascii_whitespace() {
        let scheme =
            url.split_once("://").map(|(scheme, rest)| (scheme.to_ascii_lowercase(), rest));
        match scheme.as_ref().map(|(scheme, rest)| (scheme.as_str(), *rest)) {
            Some(("rediss" | "valkeys" | "unix" | "redis+unix" | "valkey+unix", _)) => {}
            Some(("redis" | "valkey", rest)) if takes_plaintext || is_near(host_of(rest)) => {}
            Some(("redis" | "valkey", _)) => {
                let fault = "Redis would be asked without TLS, on a host that is neither this one nor a private address";
                let way_out = "write rediss://, or a private IP address; insecure_plaintext = true lets it be, and whoever sits in between can let a replay through";
                faults.add(at, fault, way_out);
            }
            _ => {
                let fault = "the URL of Redis has no scheme that is known";
                faults.add(at, fault, "write rediss://USER:PASSWORD@HOST:PORT/DATABASE");
            }
        }
    }
}

/// The host of what stands behind a scheme.
pub(in crate::config) fn host_of(rest: &str) -> &str {
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// Whether a host is this machine, or an address that no stranger routes to. A name could be anywhere.
pub(in crate::config) fn is_near(host: &str) -> bool {
    match host.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || address.is_unique_local(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_cannot_be_far_is_near() {
        for near in [
            "127.0.0.1",
            "10.1.2.3:6379",
            "192.168.0.9/0",
            "user:p@ss@172.16.0.1:1",
            "[::1]:6379",
            "[fd00::1]",
            "localhost",
            "LocalHost:6379",
        ] {
            assert!(is_near(host_of(near)), "{near}");
        }
        for far in [
            "",
            "redis",
            "8.8.8.8",
            "redis.internal:6379",
            "localhost.example",
            "172.32.0.1",
            "[2001:db8::1]:1",
            "169.254.169.254",
            "127.0.0.1@evil.example",
            "evil.example#@127.0.0.1",
            "evil.example?@127.0.0.1",
        ] {
            assert!(!is_near(host_of(far)), "{far}");
        }
    }
}
