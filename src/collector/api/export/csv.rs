//! CSV for spreadsheets: RFC 4180, and no cell that a spreadsheet takes for a formula.

use std::borrow::Cow;

use csv::{QuoteStyle, Terminator, WriterBuilder};

use crate::collector::api::{json, moments};
use crate::collector::{Field, StoredEvent};

/// What a spreadsheet takes for the beginning of a formula, or drops to find one behind it (OWASP, "CSV
/// Injection"): the last four are the full-width forms.
const DANGEROUS: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// The header row.
pub(super) fn head() -> Vec<u8> {
    let mut out = Vec::new();
    let own = ["id", "at", "batch", "intake", "flags", "datetime"];
    let fields = Field::ALL.map(Field::column);
    let last = ["encrypted_matched_data", "encrypted_request", "metadata", "rest"];
    row(&mut out, own.into_iter().chain(fields).chain(last).map(Cow::Borrowed));
    out
}

/// The row of an event.
pub(super) fn write(out: &mut Vec<u8>, stored: &StoredEvent) {
    let event = &stored.event;
    let own = [
        event.id.to_string(),
        moments::text_of(event.at),
        stored.batch.to_string(),
        event.intake.name().to_owned(),
        event.flags.names().collect::<Vec<_>>().join(" "),
        event.datetime.trim_matches('"').to_owned(),
    ];
    let fields = Field::ALL.map(|field| Cow::Borrowed(event.get(field).unwrap_or_default()));
    let last = [
        Cow::Owned(json::blob_text(stored).unwrap_or_default()),
        Cow::Owned(json::sealed_request_text(stored).unwrap_or_default()),
        Cow::Borrowed(event.metadata.as_str()),
        Cow::Borrowed(event.rest.as_str()),
    ];
    row(out, own.map(Cow::Owned).into_iter().chain(fields).chain(last));
}

fn row<'c>(out: &mut Vec<u8>, cells: impl Iterator<Item = Cow<'c, str>>) {
    let mut writer = WriterBuilder::new()
        .terminator(Terminator::CRLF)
        .quote_style(QuoteStyle::Necessary)
        .from_writer(out);
    let cells = cells.map(|cell| harmless(cell).into_owned());
    // A Vec takes all that it is given.
    let _ = writer.write_record(cells).and_then(|()| Ok(writer.flush()?));
}

// An apostrophe in front makes a text of it.
fn harmless(cell: Cow<'_, str>) -> Cow<'_, str> {
    if cell.starts_with(DANGEROUS) { Cow::Owned(format!("'{cell}")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{EventId, EventTime, Intake, NewEvent, SealedText};

    fn cells(event: NewEvent) -> Vec<String> {
        let mut text = head();
        write(&mut text, &StoredEvent::new(event, 1));
        let mut reader = csv::Reader::from_reader(text.as_slice());
        reader.records().next().unwrap().unwrap().iter().map(str::to_owned).collect()
    }

    fn event() -> NewEvent {
        NewEvent::new(EventTime(0), EventId([1; 16]), Intake::Native)
    }

    #[test]
    fn a_formula_becomes_a_text() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            let mut event = event();
            event.fields.set(Field::UserAgent, formula);
            event.fields.set(Field::Path, "/=not one");
            event.blob = Some(SealedText::Other(formula.to_owned()));
            let cells = cells(event);
            assert_eq!(
                cells.iter().filter(|cell| **cell == format!("'{formula}")).count(),
                2,
                "{formula:?}"
            );
            assert!(cells.contains(&"/=not one".to_owned()));
        }
    }

    #[test]
    fn quotes_commas_and_line_breaks_come_back_as_they_were() {
        let mut event = event();
        let text = "a,\"b\"\r\nc;'d'";
        event.fields.set(Field::Description, text);
        assert!(cells(event).contains(&text.to_owned()));
    }

    #[test]
    fn the_header_names_every_column_once() {
        let head = String::from_utf8(head()).unwrap();
        let mut names: Vec<_> = head.trim_end().split(',').collect();
        assert!(head.ends_with("\r\n"));
        assert_eq!(names.len(), Field::ALL.len() + 10);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Field::ALL.len() + 10);
    }
}
