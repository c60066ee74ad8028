//! Tables on a terminal, and how their cells are written.

use std::io::{self, Write};

use time::OffsetDateTime;

use crate::style::HEADING;

/// Rows under headings, each column as wide as its widest cell.
pub(super) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// A row; what would move a terminal's cursor is shown as an escape.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let heading: Vec<String> = self.headings.iter().map(|&text| text.to_owned()).collect();
        let line = self.line(&heading);
        writeln!(out, "{HEADING}{line}{HEADING:#}")?;
        self.rows.iter().try_for_each(|row| writeln!(out, "{}", self.line(row)))
    }

    fn line(&self, cells: &[String]) -> String {
        let padded = cells.iter().enumerate().map(|(column, cell)| {
            let width = self.width(column);
            format!("{cell:<width$}")
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }

    fn width(&self, column: usize) -> usize {
        let heading = self.headings.get(column).map_or(0, |text| text.chars().count());
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).fold(heading, usize::max)
    }
}

fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| if c.is_control() { c.escape_unicode().collect() } else { vec![c] })
        .collect()
}

/// A moment to the minute, in UTC; `-` for none.
pub(super) fn moment(ms: Option<u64>) -> String {
    let seconds = ms.and_then(|ms| i64::try_from(ms / 1_000).ok());
    let moment = seconds.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    moment.map_or_else(
        || "-".to_owned(),
        |at| {
            let month = u8::from(at.month());
            format!(
                "{:04}-{month:02}-{:02} {:02}:{:02}",
                at.year(),
                at.day(),
                at.hour(),
                at.minute()
            )
        },
    )
}

/// Bytes in the largest unit that leaves a whole number before the point.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u32); 4] = [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = UNITS.into_iter().find(|(_, shift)| bytes >> shift > 0);
    unit.map_or_else(
        || format!("{bytes} B"),
        |(name, shift)| {
            let tenths = (u128::from(bytes) * 10) >> shift;
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        },
    )
}
