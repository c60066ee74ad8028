//! Rules in the request path.
