//! Clear text on its way into a blob: gathered, sealed, wiped.

use std::collections::BTreeMap;
use std::mem;

use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

use crate::matched_data::limits::MAX_PLAINTEXT_BYTES;
use crate::matched_data::{Binding, Blob, PublicKey, SealError, seal_v4};

/// Members of a plaintext (matched data §2), which must not be stored as they are.
///
/// What it held is overwritten when it goes, as far as it is its own.
#[derive(Default)]
pub(super) struct Clear {
    members: BTreeMap<String, Member>,
}

#[derive(Default)]
struct Member {
    json: Zeroizing<Vec<u8>>,
    is_list: bool,
}

/// A plaintext that was not sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotSealed {
    /// It is too large: the word `truncated` stands in its place.
    TooLarge,
    /// Something failed that has nothing to do with it.
    Failed,
}

#[derive(Serialize)]
struct Found<'f> {
    content: &'f str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    rules: &'f [&'f str],
}

impl Clear {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// A member of an event, as it was.
    pub(super) fn member(&mut self, name: &str, text: &str) {
        let mut member = Member::default();
        push_json(&mut member.json, text);
        self.members.insert(name.to_owned(), member);
    }

    /// Something of the request, by where it stood; more of the same place goes into one list.
    pub(super) fn found(&mut self, place: &str, content: &str, rules: &[&str]) {
        let member = match self.members.get_mut(place) {
            Some(member) => member,
            None => self.members.entry(place.to_owned()).or_default(),
        };
        grow(&mut member.json, 1);
        if !member.json.is_empty() {
            member.json.push(b',');
        }
        member.is_list = true;
        push_json(&mut member.json, &Found { content, rules });
    }

    /// Everything as one JSON object.
    fn to_json(&self) -> Zeroizing<Vec<u8>> {
        let mut json = Zeroizing::new(Vec::new());
        let room = self.members.iter().map(|(name, member)| 6 * name.len() + member.json.len() + 8);
        grow(&mut json, room.sum::<usize>() + 2);
        json.push(b'{');
        for (at, (name, member)) in self.members.iter().enumerate() {
            if at > 0 {
                json.push(b',');
            }
            push_json(&mut json, name.as_str());
            json.push(b':');
            let (open, close): (&[u8], &[u8]) =
                if member.is_list { (b"[", b"]") } else { (b"", b"") };
            for part in [open, &member.json, close] {
                json.extend_from_slice(part);
            }
        }
        json.push(b'}');
        json
    }

    /// Seals it to a key, for the event of the binding: the bytes of a version 4 blob.
    pub(super) fn seal(
        &self,
        key: &PublicKey,
        binding: &Binding<'_>,
    ) -> Result<Vec<u8>, NotSealed> {
        let json = self.to_json();
        if json.len() > MAX_PLAINTEXT_BYTES {
            return Err(NotSealed::TooLarge);
        }
        let text = seal_v4(&json, key, binding).map_err(|error| match error {
            SealError::TooLarge { .. } => NotSealed::TooLarge,
            _ => NotSealed::Failed,
        })?;
        Blob::parse(text).map(Blob::into_bytes).map_err(|_| NotSealed::Failed)
    }
}

impl Drop for Clear {
    fn drop(&mut self) {
        for (mut name, _) in mem::take(&mut self.members) {
            name.zeroize();
        }
    }
}

/// Writes JSON without leaving a grown-out-of copy behind.
fn push_json(into: &mut Zeroizing<Vec<u8>>, value: &(impl Serialize + ?Sized)) {
    let mut measured = Measured(0);
    // Neither writer fails, nor does any text.
    let _ = serde_json::to_writer(&mut measured, value);
    grow(into, measured.0 + 1);
    let _ = serde_json::to_writer(&mut **into, value);
}

/// Counts what is written.
struct Measured(usize);

impl std::io::Write for Measured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Makes room; what was outgrown is wiped.
fn grow(json: &mut Zeroizing<Vec<u8>>, more: usize) {
    let needed = json.len() + more;
    if needed > json.capacity() {
        let mut grown = Zeroizing::new(Vec::with_capacity(needed.max(2 * json.capacity())));
        grown.extend_from_slice(json);
        *json = grown;
    }
}
