//! Colours, which `anstream` takes off where there is no terminal, or where `NO_COLOR` is set.

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;

pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const HEADING: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();

pub(crate) const HELP: Styles = Styles::styled()
    .header(HEADING)
    .usage(HEADING)
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(FAINT)
    .error(BAD)
    .valid(GOOD)
    .invalid(BAD);
