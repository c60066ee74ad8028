use http::header::{HeaderMap, HeaderName};

use crate::scheme::edge::{DATE, HOST, Lengths, RESERVED, SIGNATURE, VIEWER_IP, is_alias_of};
use crate::verified::Verified;

/// [`RESERVED`], parsed ahead.
static NAMES: [HeaderName; RESERVED.len()] = [
    HeaderName::from_static(DATE),
    HeaderName::from_static(HOST),
    HeaderName::from_static(SIGNATURE),
    HeaderName::from_static(VIEWER_IP),
];

/// Removes what only the edge may write: the reserved names and every alias of them or of a covered
/// name, but for the covered originals (edge signature §1).
///
/// An alias is the same name with `_` or `.` for `-`: a framework that maps both to one variable
/// would take the stranger's for the edge's. Any viewer can send one, so it is no reason to refuse.
pub(super) fn strip<'a>(headers: &mut HeaderMap, covered: impl Iterator<Item = &'a str> + Clone) {
    for reserved in &NAMES {
        if !covered.clone().any(|name| name == reserved.as_str()) {
            headers.remove(reserved);
        }
    }
    let guarded = || RESERVED.into_iter().chain(covered.clone()).map(str::as_bytes);
    let lengths = covered.clone().map(str::as_bytes).fold(Lengths::OF_RESERVED, Lengths::and);
    let is_alias = |name: &&HeaderName| {
        let name = name.as_str().as_bytes();
        lengths.may_have(name)
            && name.iter().any(|byte| b"_.".contains(byte))
            && guarded().any(|original| is_alias_of(name, original))
    };
    let aliases: Vec<HeaderName> = headers.keys().filter(is_alias).cloned().collect();
    for alias in aliases {
        headers.remove(alias);
    }
}

/// Removes the same from trailers, and what goes by the name of a covered field: nothing in a trailer
/// is signed, and a framework may take it for a header.
pub(super) fn strip_trailers(trailers: &mut HeaderMap, verified: Option<&Verified>) {
    let is_guarded = |name: &&HeaderName| {
        let covered = verified.into_iter().flat_map(Verified::covered_names);
        RESERVED
            .into_iter()
            .chain(covered)
            .any(|original| is_alias_of(name.as_str().as_bytes(), original.as_bytes()))
    };
    let guarded: Vec<HeaderName> = trailers.keys().filter(is_guarded).cloned().collect();
    for name in guarded {
        trailers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_the_reserved_ones() {
        assert_eq!(NAMES.each_ref().map(HeaderName::as_str), RESERVED);
    }

    #[test]
    fn leaves_the_covered_originals_and_what_is_not_ours() {
        let names = [
            "x-cloud-date",
            "x-cloud-signature",
            "x-cloud-host",
            "x-cloud-viewer-ip",
            "x_cloud_viewer_ip",
            "x-cloud.host",
            "x_cloud-date",
            "x-tenant",
            "x_tenant",
            "x.tenant",
            "x_other",
            "accept",
        ];
        let mut headers = HeaderMap::new();
        for name in names {
            headers.append(name, "1".parse().unwrap());
            headers.append(name, "2".parse().unwrap());
        }
        strip(&mut headers, ["x-cloud-viewer-ip", "x-tenant"].into_iter());
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "x-cloud-viewer-ip", "x-tenant", "x_other"]);
    }
}
