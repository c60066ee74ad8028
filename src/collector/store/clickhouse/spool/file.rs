//! One batch in a file: frames with a checksum each, so that a cut or changed one is known.
//!
//! ```text
//! file   magic, then frames
//! frame  length u32 | checksum u64 over what follows | kind u8 | content
//! kinds  1 head: tenant, fields   2 events   3 end: the number of events
//! ```

use std::fs::{File, OpenOptions};
use std::hash::Hasher;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use siphasher::sip::SipHasher24;

use super::codec::{self, Input};
use crate::collector::{Field, NewEvent, TenantId};

const MAGIC: &[u8] = b"wafpass spool 1\n";
const HEAD: u8 = 1;
const EVENTS: u8 = 2;
const END: u8 = 3;
/// Length and checksum.
const FRAME_HEAD_BYTES: usize = 12;
/// Beyond every chunk that is written: a length above it is damage.
const MAX_FRAME_BYTES: u32 = 1 << 30;

/// The beginning of a file.
pub(super) fn begin(tenant: &TenantId) -> Vec<u8> {
    let mut content = Vec::new();
    codec::put_bytes(&mut content, tenant.as_str().as_bytes());
    codec::put_fields(&mut content);
    [MAGIC.to_vec(), frame(HEAD, &content)].concat()
}

/// Some events.
pub(super) fn events(events: &[NewEvent]) -> Vec<u8> {
    let mut content = Vec::new();
    codec::put_events(&mut content, events);
    frame(EVENTS, &content)
}

/// The end of a file.
pub(super) fn end(count: u64) -> Vec<u8> {
    frame(END, &count.to_le_bytes())
}

fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(FRAME_HEAD_BYTES + 1 + content.len());
    codec::put_u32(&mut frame, content.len().saturating_add(1));
    frame.extend(checksum(kind, content).to_le_bytes());
    frame.push(kind);
    frame.extend(content);
    frame
}

/// It knows damage; it is no defence against who can write here.
fn checksum(kind: u8, content: &[u8]) -> u64 {
    let mut hasher = SipHasher24::new();
    hasher.write_u8(kind);
    hasher.write(content);
    hasher.finish()
}

/// Makes a file that only this user reads.
pub(super) fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes to the end of a file; what a failure left there is cut off again.
pub(super) fn append(file: &mut File, length: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all(bytes).inspect_err(|_| {
        use std::io::Seek;

        let _ = file.set_len(length).and_then(|()| file.seek(io::SeekFrom::End(0)));
    })
}

/// A file that is read from the front.
#[derive(Debug)]
pub(crate) struct Reader {
    file: BufReader<File>,
    tenant: TenantId,
    fields: Vec<Option<Field>>,
    events: u64,
}

/// What comes next in a file.
#[derive(Debug)]
pub(crate) enum Next {
    Events(Vec<NewEvent>),
    /// All was read, and it is whole.
    End,
    /// From here on, or at its end, it is not what was written.
    Damaged,
}

impl Reader {
    /// Opens a file; `None` when its beginning is damaged.
    pub(super) fn open(path: &Path) -> io::Result<Option<Self>> {
        let mut file = BufReader::new(File::open(path)?);
        let mut magic = [0; MAGIC.len()];
        if !filled(&mut file, &mut magic)? || magic != *MAGIC {
            return Ok(None);
        }
        let Some((HEAD, content)) = next_frame(&mut file)? else { return Ok(None) };
        let mut input = Input(&content);
        let tenant = input.text().and_then(TenantId::new);
        let (Some(tenant), Some(fields)) = (tenant, input.fields()) else { return Ok(None) };
        Ok(Some(Self { file, tenant, fields, events: 0 }))
    }

    pub(crate) const fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    /// Reads on.
    pub(crate) fn next(&mut self) -> io::Result<Next> {
        let Some((kind, content)) = next_frame(&mut self.file)? else { return Ok(Next::Damaged) };
        let mut input = Input(&content);
        Ok(match kind {
            EVENTS => match input.events(&self.fields) {
                Some(events) if input.0.is_empty() => {
                    self.events =
                        self.events.saturating_add(u64::try_from(events.len()).unwrap_or(0));
                    Next::Events(events)
                }
                _ => Next::Damaged,
            },
            END if input.array().map(u64::from_le_bytes) == Some(self.events) => Next::End,
            _ => Next::Damaged,
        })
    }
}

/// The next frame; `None` where it is cut or changed.
fn next_frame(file: &mut impl Read) -> io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; FRAME_HEAD_BYTES];
    if !filled(file, &mut head)? {
        return Ok(None);
    }
    let mut input = Input(&head);
    let (Some(length), Some(sum)) = (input.u32(), input.array().map(u64::from_le_bytes)) else {
        return Ok(None);
    };
    if length > MAX_FRAME_BYTES {
        return Ok(None);
    }
    // Read as it comes: a length that is damaged does not take memory.
    let mut body = Vec::new();
    file.take(length.into()).read_to_end(&mut body)?;
    let is_whole = u32::try_from(body.len()) == Ok(length);
    let Some((kind, content)) = body.split_first() else { return Ok(None) };
    let is_good = is_whole && checksum(*kind, content) == sum;
    Ok(is_good.then(|| (*kind, content.to_vec())))
}

fn filled(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{EventId, EventTime, Flags, Intake, SealedText};

    fn event() -> NewEvent {
        let mut event = NewEvent::new(EventTime(-5), EventId([7; 16]), Intake::AwsWaf);
        event.fields.set(Field::Host, "ü\0\n");
        event.fields.set(Field::ClientIp, "192.0.2.1");
        event.fields.set(Field::Path, "");
        event.rest = "{}".to_owned();
        event.blob = Some(SealedText::Blob(vec![0, 255]));
        event.sealed_request = Some(Vec::new());
        event.flags = Flags::CUT;
        event
    }

    fn read(bytes: &[u8]) -> Option<Vec<NewEvent>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("batch");
        std::fs::write(&path, bytes).unwrap();
        let (mut reader, mut all) = (Reader::open(&path).unwrap()?, Vec::new());
        loop {
            match reader.next().unwrap() {
                Next::Events(events) => all.extend(events),
                Next::End => return Some(all),
                Next::Damaged => return None,
            }
        }
    }

    #[test]
    fn a_file_is_read_as_written_and_any_damage_is_known() {
        let tenant = TenantId::new("acme").unwrap();
        let other = NewEvent { blob: Some(SealedText::Other("truncated".to_owned())), ..event() };
        let (first, second) = (vec![event(), other], vec![event()]);
        let whole = [begin(&tenant), events(&first), events(&second), end(3)].concat();
        assert_eq!(read(&whole), Some([first.clone(), second].concat()));
        for length in 0..whole.len() {
            assert_eq!(read(&whole[..length]), None, "cut at {length}");
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 0x41;
            assert_eq!(read(&changed), None, "changed at {place}");
        }
        assert_eq!(
            read(&[begin(&tenant), events(&first), end(3)].concat()),
            None,
            "a frame is missing"
        );
    }
}
