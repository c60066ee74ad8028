//! Did you mean …?

/// Most letters that may differ.
const MOST_DIFFERENT: usize = 3;

/// One letter in so many may differ, and one in any case.
const ONE_IN: usize = 5;

/// Longest name that is compared, in bytes: no known name is as long.
const MAX_COMPARED_BYTES: usize = 256;

/// Shortest name that is taken for the end of a longer one, such as `user_agent`.
const MIN_TAIL_BYTES: usize = 4;

/// The known name that is most like what was written.
pub(super) fn like<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if written.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let written = written.to_ascii_lowercase();
    let most = (written.len() / ONE_IN).clamp(1, MOST_DIFFERENT);
    let near = known.into_iter().map(|name| (distance(&written, name), name));
    near.filter(|(distance, _)| *distance <= most).min().map(|(_, name)| name)
}

fn distance(written: &str, name: &str) -> usize {
    let head = name.strip_suffix(written);
    match head {
        Some(head) if written.len() >= MIN_TAIL_BYTES && head.ends_with('.') => 1,
        _ => strsim::damerau_levenshtein(written, name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_not() {
        let known = ["http.host", "http.user_agent", "http.request.uri.path", "ip.src"];
        for (written, expected) in [
            ("http.hots", Some("http.host")),
            ("HTTP.HOST", Some("http.host")),
            ("user_agent", Some("http.user_agent")),
            ("http.request.uri.paht", Some("http.request.uri.path")),
            ("http.request.uri.foot", None),
            ("ip.sr", Some("ip.src")),
            ("ip.dst", None),
            ("x", None),
        ] {
            assert_eq!(like(written, known), expected, "{written}");
        }
    }
}
