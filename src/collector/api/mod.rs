//! The HTTP interface: routes, problems, the OpenAPI description.

pub mod problem;

pub use self::problem::Problem;
