//! What each fuzz target asserts.

pub mod cut;
pub mod mux;
pub mod parsers;
