//! What running origins say of themselves, by their metrics.

mod samples;
mod scrape;

pub(crate) use self::samples::{Sample, Samples};
pub(crate) use self::scrape::all as scrape;
