//! Blobs that stand alone, one a line.

use std::io::Read;
use std::path::Path;

use wafpass::matched_data::Refused;
use wafpass::matched_data::archive::LogReader;
use wafpass::matched_data::archive::limits::MAX_DOCUMENT_BYTES;

use crate::error::Fault;
use crate::input;

/// The blobs in a file, as text.
pub(super) struct Blobs {
    name: String,
    bytes: Vec<u8>,
}

impl Blobs {
    /// Reads a file whole, unpacked if it is gzip.
    pub(super) fn read(path: &Path) -> Result<Self, Fault> {
        let packed = input::read(path)?;
        let mut bytes = Vec::new();
        let most = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX);
        LogReader::new(packed.as_slice())
            .and_then(|reader| reader.take(most + 1).read_to_end(&mut bytes))
            .map_err(|error| Fault::reading(path, &error))?;
        if bytes.len() > MAX_DOCUMENT_BYTES {
            let fault = format!("{} is longer than {most} bytes", input::named(path));
            return Err(Fault::new(fault, "name a file with blobs, one a line"));
        }
        let name = input::named(path);
        if let [b'{' | b'[', ..] = bytes.trim_ascii_start() {
            let fault = format!("{name} holds JSON, and no blobs alone");
            let way_out = "a log is read with -i firewall-events-jsonl or -i firewall-events-json";
            return Err(Fault::new(fault, way_out));
        }
        Ok(Self { name, bytes })
    }

    /// Each blob with its place. A file without any has one that is empty.
    pub(super) fn each(&self) -> Vec<(String, &[u8])> {
        let lines = self.bytes.split(|&byte| byte == b'\n');
        let lines = (1..).zip(lines.map(<[u8]>::trim_ascii));
        let lines: Vec<(u64, &[u8])> = lines.filter(|(_, line)| !line.is_empty()).collect();
        match lines.as_slice() {
            [] => vec![(self.name.clone(), &[])],
            [(_, line)] => vec![(self.name.clone(), line)],
            lines => {
                let at = |number| format!("{}, line {number}", self.name);
                lines.iter().map(|(number, line)| (at(number), *line)).collect()
            }
        }
    }
}

/// Why a blob is not opened, with its code.
pub(super) fn refusal(place: &str, refused: Refused) -> Fault {
    let told = refused.to_string();
    let (fault, way_out) = told.split_once('\n').unwrap_or((&told, "wafpass inspect"));
    Fault::refused(format!("{place}: {}: {fault}", refused.code()), way_out)
}
