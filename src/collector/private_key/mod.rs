//! Never the private key: what looks like one is refused wherever it appears, and reaches no log.
//!
//! - **What is refused**: a text that names itself a private key (PEM, age, `xwing-private:`, the JSON member
//!   `private_key`), and 32 bytes in base64, base64url or hexadecimal whose public key is registered here.
//! - **What a refused request gets**: what to do, since the key has to be taken as exposed. Never the text.
//! - **What is not noticed**: a private key without a tag whose public key nobody has registered. Nothing
//!   tells it from any other 32 random bytes. In events, one behind so many texts of a key's length that they are
//!   not all tried: a stranger can write those, and must not be able to hide its line behind them.

mod guard;
mod registered;

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;
use axum::http::StatusCode;
use zeroize::Zeroizing;

pub use self::guard::guard;
pub use self::registered::{Found, RegisteredKeys};
use super::api::Problem;
use super::limits::MAX_KEY_CANDIDATES;
use crate::matched_data::KeyId;

/// A private key that says what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tagged {
    /// `-----BEGIN … PRIVATE KEY-----`, of any kind.
    Pem,
    /// `AGE-SECRET-KEY-…`.
    Age,
    /// The member `private_key` of JSON, as `wafpass generate-key-pair` prints it.
    Json,
    /// `xwing-private:…`.
    XWing,
}

/// How each begins or ends, also where it stands in JSON within JSON, or in a form.
const TAGS: [(&str, Tagged); 8] = [
    ("PRIVATE KEY-----", Tagged::Pem),
    ("PRIVATE+KEY-----", Tagged::Pem),
    ("PRIVATE KEY BLOCK-----", Tagged::Pem),
    ("PRIVATE+KEY+BLOCK-----", Tagged::Pem),
    ("AGE-SECRET-KEY-", Tagged::Age),
    ("\"private_key\"", Tagged::Json),
    ("\"private_key\\", Tagged::Json),
    ("xwing-private:", Tagged::XWing),
];

/// What a text was found to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suspect {
    /// A text that names itself a private key.
    Tagged(Tagged),
    /// The private key of this registered public key.
    Registered(KeyId),
    /// More texts of a key's length than are tried, [`MAX_KEY_CANDIDATES`].
    TooMany,
}

/// The first tag in a text, whatever its case.
#[must_use]
pub fn find_tagged(text: &[u8]) -> Option<Tagged> {
    static TAGGED: OnceLock<Option<AhoCorasick>> = OnceLock::new();
    let searcher = TAGGED.get_or_init(|| {
        let names = TAGS.iter().map(|(tag, _)| tag);
        AhoCorasick::builder().ascii_case_insensitive(true).build(names).ok()
    });
    match searcher {
        Some(searcher) => {
            let found = searcher.find(text)?.pattern().as_usize();
            TAGS.get(found).map(|(_, tagged)| *tagged)
        }
        // It builds, as the tests show. If it ever did not, everything would be suspect.
        None => Some(Tagged::Json),
    }
}

/// Whether a text holds what looks like a private key; also where it is percent-encoded once.
#[must_use]
pub fn suspect(text: &[u8], keys: &RegisteredKeys) -> Option<Suspect> {
    let mut tries = MAX_KEY_CANDIDATES;
    suspect_within(text, keys, &mut tries)
}

/// The same, trying no more texts of a key's length than `tries` says, which goes down by as many: who writes
/// many texts does not get as many derivations.
#[must_use]
pub fn suspect_within(text: &[u8], keys: &RegisteredKeys, tries: &mut usize) -> Option<Suspect> {
    plainly_suspect(text, keys, tries)
        .or_else(|| plainly_suspect(&percent_decoded(text)?, keys, tries))
}

fn plainly_suspect(text: &[u8], keys: &RegisteredKeys, tries: &mut usize) -> Option<Suspect> {
    if let Some(tagged) = find_tagged(text) {
        return Some(Suspect::Tagged(tagged));
    }
    match keys.find_within(text, tries) {
        Found::Nothing => None,
        Found::Key(id) => Some(Suspect::Registered(id)),
        Found::TooMany => Some(Suspect::TooMany),
    }
}

/// `None` where nothing is encoded. The copy is wiped: it may hold the very key.
fn percent_decoded(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    memchr::memchr(b'%', text)?;
    let digit = |byte: Option<&u8>| char::from(*byte?).to_digit(16);
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let [first, after @ ..] = rest {
        let pair = digit(after.first()).zip(digit(after.get(1)));
        let byte = pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        match byte {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    Some(decoded)
}

/// The answer to a request that holds a private key: what to do, and nothing of the key.
#[must_use]
pub fn problem(suspect: Suspect) -> Problem {
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let title = "the request holds what looks like a private key";
    let exposed = "Nothing of it was stored or logged. It travelled, so take the key as exposed: make a new key \
                   pair (wafpass generate-key-pair), register its public key with PUT /v1/keys, and retire \
                   the other. The collector needs public keys only.";
    match suspect {
        Suspect::Tagged(_) => Problem::new(status, "private-key", title, exposed),
        Suspect::Registered(id) => {
            let detail = format!("It is the private key of {id}. {exposed}");
            Problem::new(status, "private-key", title, detail)
        }
        Suspect::TooMany => {
            let detail = "It holds too many texts of a key's length to be sure that none is a private key. \
                          Nothing of it was stored. Send it in smaller parts.";
            Problem::new(status, "private-key", "the request may hold a private key", detail)
        }
    }
}
