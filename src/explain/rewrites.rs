//! What hops and signers are known to make of a path, a query and a covered value.

/// Its code, what it makes of a part, and what it says of the hop or the signer.
pub(super) type Rewrite = (&'static str, fn(&[u8]) -> Vec<u8>, &'static str);

/// What is made of paths.
pub(super) const PATH_REWRITES: [Rewrite; 9] = [
    ("path-dot-segments", without_dot_segments, "something resolves dot segments on one side"),
    ("path-slashes", single_slashes, "something merges double slashes on one side"),
    (
        "path-escapes-upper",
        |path| escapes(path, u8::to_ascii_uppercase),
        "something writes percent escapes in another case",
    ),
    (
        "path-escapes-lower",
        |path| escapes(path, u8::to_ascii_lowercase),
        "something writes percent escapes in another case",
    ),
    ("path-decoded", decoded, "the signer signs the decoded path; sign it raw"),
    ("path-encoded", |path| encoded(path, b"/"), "something decodes the path behind the signer"),
    (
        "path-slash-cut",
        |path| path.strip_suffix(b"/").unwrap_or(path).into(),
        "something adds a slash at the end",
    ),
    ("path-slash-added", |path| [path, b"/"].concat(), "something removes the slash at the end"),
    (
        "path-lower",
        <[u8]>::to_ascii_lowercase,
        "the signer signs the path in lower case; sign it raw",
    ),
];

/// What is made of queries.
pub(super) const QUERY_REWRITES: [Rewrite; 11] = [
    (
        "query-dropped",
        |_| Vec::new(),
        "the signer signs no query; sign it raw, or set query = none on both sides",
    ),
    (
        "query-plus",
        |query| replaced(query, b"%20", b"+"),
        "something writes spaces as %20 behind the signer",
    ),
    (
        "query-percent-20",
        |query| replaced(query, b"+", b"%20"),
        "something writes spaces as + behind the signer",
    ),
    (
        "query-escapes-upper",
        |query| escapes(query, u8::to_ascii_uppercase),
        "something writes percent escapes in another case",
    ),
    (
        "query-escapes-lower",
        |query| escapes(query, u8::to_ascii_lowercase),
        "something writes percent escapes in another case",
    ),
    ("query-decoded", decoded, "the signer signs the decoded query; sign it raw"),
    (
        "query-encoded",
        |query| encoded(query, b"&=+"),
        "something decodes the query behind the signer",
    ),
    ("query-sorted", sorted, "the signer sorts the parameters; sign them raw"),
    (
        "query-empty-values",
        with_empty_values,
        "something removes the = of empty parameters behind the signer",
    ),
    (
        "query-bare-names",
        without_empty_values,
        "something adds = to bare parameters behind the signer",
    ),
    (
        "query-mark",
        |query| [b"?", query].concat(),
        "the signer keeps the ? in the query; sign what follows it",
    ),
];

/// What is made of the values of covered fields.
pub(super) const COVERED_REWRITES: [Rewrite; 5] = [
    ("value-lower", <[u8]>::to_ascii_lowercase, "something changes the case of the value"),
    ("value-without-port", without_port, "the value has a port on one side only"),
    (
        "value-list-tight",
        |value| replaced(value, b", ", b","),
        "something puts spaces after commas",
    ),
    (
        "value-list-spaced",
        |value| replaced(value, b",", b", "),
        "something removes spaces after commas",
    ),
    (
        "value-space",
        |value| [b" ", value].concat(),
        "the signer puts a space after the colon; sign name:value",
    ),
];

/// RFC 3986 §5.2.4, for a path that starts with `/`.
pub(super) fn without_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut open = false; // the last segment was a dot segment, which leaves a slash behind
    for segment in path.split(|&byte| byte == b'/').skip(1) {
        open = matches!(segment, b"." | b"..");
        if segment == b".." {
            kept.pop();
        } else if segment != b"." {
            kept.push(segment);
        }
    }
    if open {
        kept.push(b"");
    }
    [b"/", kept.join(b"/".as_slice()).as_slice()].concat()
}

pub(super) fn single_slashes(path: &[u8]) -> Vec<u8> {
    let mut out = path.to_vec();
    out.dedup_by(|a, b| *a == b'/' && *b == b'/');
    out
}

/// The hexadecimal digits of each percent escape through `case`.
pub(super) fn escapes(text: &[u8], case: fn(&u8) -> u8) -> Vec<u8> {
    let mut out = text.to_vec();
    let mut rest = out.as_mut_slice();
    while let Some(place) = rest.iter().position(|&byte| byte == b'%') {
        let Some(([_, high, low], tail)) =
            rest.get_mut(place..).and_then(<[u8]>::split_first_chunk_mut::<3>)
        else {
            break;
        };
        (*high, *low) = (case(high), case(low));
        rest = tail;
    }
    out
}

pub(super) fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        let escaped = rest.first_chunk().and_then(escaped_byte);
        out.push(escaped.unwrap_or(*byte));
        rest = if escaped.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    out
}

fn escaped_byte(escape: &[u8; 3]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match *escape {
        [b'%', high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    }
}

/// Percent escapes for all but unreserved bytes, escapes that are there, and `kept`.
pub(super) fn encoded(text: &[u8], kept: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for &byte in text {
        if byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte) || kept.contains(&byte) {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    out
}

pub(super) fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, tail)) = rest.split_first() {
        rest = if let Some(tail) = rest.strip_prefix(from) {
            out.extend_from_slice(to);
            tail
        } else {
            out.push(*byte);
            tail
        };
    }
    out
}

fn parameters(query: &[u8], change: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    query.split(|&byte| byte == b'&').map(change).collect::<Vec<_>>().join(b"&".as_slice())
}

pub(super) fn sorted(query: &[u8]) -> Vec<u8> {
    let mut pairs: Vec<&[u8]> = query.split(|&byte| byte == b'&').collect();
    pairs.sort_unstable();
    pairs.join(b"&".as_slice())
}

pub(super) fn with_empty_values(query: &[u8]) -> Vec<u8> {
    parameters(query, |pair| {
        if pair.contains(&b'=') || pair.is_empty() { pair.into() } else { [pair, b"="].concat() }
    })
}

pub(super) fn without_empty_values(query: &[u8]) -> Vec<u8> {
    parameters(query, |pair| pair.strip_suffix(b"=").unwrap_or(pair).into())
}

/// `192.0.2.1:443` as `192.0.2.1`, `[2001:db8::1]:443` as `2001:db8::1`, `shop.example:443` alike.
pub(super) fn without_port(value: &[u8]) -> Vec<u8> {
    let (host, port) = match value
        .iter()
        .rposition(|&byte| byte == b':')
        .and_then(|colon| value.split_at_checked(colon))
    {
        Some((host, port)) => (host, port.get(1..).unwrap_or_default()),
        None => return value.into(),
    };
    let is_port = !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    let bracketed = |host: &[u8]| {
        host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).map(<[u8]>::to_vec)
    };
    match bracketed(host) {
        Some(address) if is_port => address,
        _ if is_port && !host.contains(&b':') => host.into(),
        _ => value.into(),
    }
}
