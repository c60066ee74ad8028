//! An opened blob, as it is written into its event.

use base64ct::{Base64, Encoding};

use super::super::{Binding, Opener, Plaintext, Refused};
use super::limits::MAX_OPENED_DEPTH;
use super::name::unescaped;
use super::rewrite::{Edit, Work};
use super::row;
use super::scan::{Scan, Span};
use super::site::Site;
use super::summary::{Left, Summary};
use super::{MovedBlobs, OpenedForm};
use crate::matched_data::Blob;

/// Opens every blob.
pub(super) struct Open<'a> {
    pub(super) opener: &'a Opener,
    pub(super) moved: MovedBlobs,
    pub(super) form: OpenedForm,
}

/// What the text of an event says about one of its blobs.
pub(super) struct Sealed {
    pub(super) blob: Blob,
    /// The `binding` beside it, as JSON.
    pub(super) binding: Option<serde_json::Value>,
}

impl Sealed {
    /// The blob at `site`; nothing where there is none.
    pub(super) fn at(site: &Site, text: &[u8]) -> Option<Result<Self, Left>> {
        if text.get(site.blob.clone()) == Some(b"null") {
            return None;
        }
        Some(Self::parse(site, text))
    }

    fn parse(site: &Site, text: &[u8]) -> Result<Self, Left> {
        if site.is_ambiguous {
            return Err(Left::DuplicateMember);
        }
        let quoted = text.get(site.blob.clone()).unwrap_or_default();
        let plain = quoted.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
        let blob = match plain {
            None => Err(Refused::NotBase64),
            // Some writers escape the `/` of base64.
            Some(plain) if plain.contains(&b'\\') => {
                unescaped(text, &site.blob).ok_or(Refused::NotBase64).and_then(Blob::parse)
            }
            Some(plain) => Blob::parse(plain),
        }?;
        let binding = site.binding.as_ref().and_then(|span| binding(text, span));
        Ok(Self { blob, binding })
    }

    pub(super) fn binding(&self) -> Option<Binding<'_>> {
        // One that is there and malformed is as good as none.
        self.binding.as_ref().and_then(|binding| Binding::from_json(binding).ok())
    }

    /// Whether it is bound to an event, as the versions before 4 are not.
    pub(super) fn is_bound(&self) -> bool {
        self.blob.key_id().is_some()
    }

    /// Whether it is bound to another event than its row's.
    pub(super) fn is_moved(&self, site: &Site, text: &[u8]) -> bool {
        self.is_bound()
            && self.binding().is_some_and(|binding| !row::is_of(&binding, &site.row, text))
    }
}

/// The binding, an object, or a text with one in it where the values of metadata are texts.
fn binding(text: &[u8], span: &Span) -> Option<serde_json::Value> {
    let value: serde_json::Value = serde_json::from_slice(text.get(span.clone())?).ok()?;
    match value.as_str() {
        Some(text) => serde_json::from_str(text).ok(),
        None => Some(value),
    }
}

impl Work for Open<'_> {
    type Tally = Summary;

    fn blob(&self, text: &[u8], site: &Site, tally: &mut Summary) -> Option<Edit> {
        match self.open(text, site, tally)? {
            Ok(edit) => Some(edit),
            Err(left) => {
                tally.leave(left);
                None
            }
        }
    }
}

impl Open<'_> {
    fn open(&self, text: &[u8], site: &Site, tally: &mut Summary) -> Option<Result<Edit, Left>> {
        let sealed = match Sealed::at(site, text)? {
            Ok(sealed) => sealed,
            Err(left) => return Some(Err(left)),
        };
        let plaintext = match self.opener.open_blob(&sealed.blob, sealed.binding().as_ref()) {
            Ok(plaintext) => plaintext,
            Err(refused) => return Some(Err(refused.into())),
        };
        let is_moved = sealed.is_moved(site, text);
        if is_moved && self.moved == MovedBlobs::LeaveSealed {
            return Some(Err(Left::Moved));
        }
        tally.opened += 1;
        tally.unbound += u64::from(!sealed.is_bound());
        tally.moved += u64::from(is_moved);
        Some(Ok(edit(&plaintext, is_moved, self.form)))
    }
}

/// The member that takes the place of a blob.
fn edit(plaintext: &Plaintext, is_moved: bool, form: OpenedForm) -> Edit {
    let named = |one, other| Some(if is_moved { other } else { one });
    let name = named("matched_data", "moved_matched_data");
    match (str::from_utf8(plaintext), form) {
        (Ok(text), OpenedForm::Json) if is_object(text) => {
            // In JSON a line end is white space: between tokens, and nowhere else.
            let one_line = |byte: &u8| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte };
            Edit { name, value: text.trim().bytes().map(|byte| one_line(&byte)).collect() }
        }
        (Ok(text), _) => Edit { name, value: quoted(text) },
        (Err(_), OpenedForm::Text) => {
            Edit { name, value: quoted(&String::from_utf8_lossy(plaintext)) }
        }
        (Err(_), OpenedForm::Json) => Edit {
            name: named("matched_data_b64", "moved_matched_data_b64"),
            value: quoted(&Base64::encode_string(plaintext)),
        },
    }
}

fn is_object(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{')
        && Scan::default().read(text, MAX_OPENED_DEPTH).is_ok()
}

fn quoted(text: &str) -> Vec<u8> {
    serde_json::Value::from(text).to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    fn written(plaintext: &[u8], form: OpenedForm) -> (&'static str, String) {
        let edit = edit(&Zeroizing::new(plaintext.to_vec()), false, form);
        (edit.name.unwrap(), String::from_utf8(edit.value).unwrap())
    }

    #[test]
    fn json_is_json_and_everything_else_a_text() {
        for (plaintext, value) in [
            ("{}", "{}"),
            (
                "{\"a\": 1e999, \"a\": 10000000000000000000000}",
                "{\"a\": 1e999, \"a\": 10000000000000000000000}",
            ),
            (" {\r\n \"a\": 1\n}\n", "{   \"a\": 1 }"),
            ("test matched data", "\"test matched data\""),
            ("12", "\"12\""),
            ("\"12\"", "\"\\\"12\\\"\""),
            ("{", "\"{\""),
            ("", "\"\""),
            ("\u{1b}[31m\n", "\"\\u001b[31m\\n\""),
        ] {
            let object = written(plaintext.as_bytes(), OpenedForm::Json);
            assert_eq!(object, ("matched_data", value.to_owned()), "{plaintext:?}");
            let text = written(plaintext.as_bytes(), OpenedForm::Text);
            assert_eq!(serde_json::from_str::<String>(&text.1).unwrap(), plaintext);
        }
        let deep = "{\"a\":".repeat(MAX_OPENED_DEPTH + 1) + "1" + &"}".repeat(MAX_OPENED_DEPTH + 1);
        assert!(written(deep.as_bytes(), OpenedForm::Json).1.starts_with('"'));
    }

    #[test]
    fn bytes_that_are_no_text_stay_exact() {
        let bytes = b"{\"a\": \"\xff\"}";
        let exact = ("matched_data_b64", "\"eyJhIjogIv8ifQ==\"".to_owned());
        assert_eq!(written(bytes, OpenedForm::Json), exact);
        let lossy = ("matched_data", "\"{\\\"a\\\": \\\"\u{fffd}\\\"}\"".to_owned());
        assert_eq!(written(bytes, OpenedForm::Text), lossy);
    }
}
