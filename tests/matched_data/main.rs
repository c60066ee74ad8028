//! Keys, blobs, opening and sealing, as their users have them. What blobs of each kind hold is in the
//! vector files; what others make of them, in tests/interop.
#![allow(missing_docs, reason = "tests are no API")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod keys;
mod lines;
mod opening;
mod properties;
mod sealing;

use wafpass::matched_data::{Binding, Opener, PrivateKey};

/// The key pair that `matched-data-cli` publishes with its blobs, and one of them of each version.
const PRIVATE: &str = "uBS5eBttHrqkdY41kbZPdvYnNz8Vj0TvKIUpjB1y/GA=";
const PUBLIC: &str = "Ycig/Zr/pZmklmFUN99nr+taURlYItL91g+NcHGYpB8=";
const PUBLISHED: [&str; 3] = [
    "AdfVn7odpamJGeFAGj0iW2oTtoXOjVnTFT2x4l+cHKJsEQAAAAAAAAB+zDygjV2aUI92FV4cHMkp+4u37JHnH4fUkRqasPYaCgk=",
    "Ah0Ax4UEtSQg/bVSJHcgIwbLoNNKGbcwpL2BdCPJEYx1EQAAAAAAAAAsrRpY63jVlKash1iJ2bYh6+TQtedI380nnmZAWYgZMIU=",
    "AzTY6FHajXYXuDMUte82wrd+1n5CEHPoydYiyd3FMg5IEQAAAAAAAAA0lOhGXBclw8pWU5jbbYuepSIJN5JohTtZekLliJBlVWk=",
];
const PUBLISHED_PLAINTEXT: &[u8] = b"test matched data";

fn published_key() -> PrivateKey {
    PrivateKey::from_text(PRIVATE).unwrap()
}

fn opener(keys: impl IntoIterator<Item = PrivateKey>) -> Opener {
    Opener::new(keys).unwrap()
}

fn event() -> Binding<'static> {
    Binding::new("acme", "7d0f3c1b2a9e4c55/0", "100173", 1_795_307_400_123).unwrap()
}
