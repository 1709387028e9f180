//! The assertion of each fuzz target, shared with the tests that replay seeds and past failures.

pub mod bodies;
pub mod cut;
pub mod json;
pub mod mux;
pub mod parsers;
pub mod resp;
pub mod sse;
pub mod text;
