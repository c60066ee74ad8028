//! The HTTP interface: routes, problems, the OpenAPI description.

mod envelope;
mod filter;
mod json;
mod moments;
mod params;
pub mod problem;
mod seats;

pub use self::problem::Problem;
pub(crate) use self::seats::Seats;
