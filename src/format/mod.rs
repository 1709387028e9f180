//! The formats, one folder each. In a folder, every file but `mod.rs` is the same grammar in the
//! same order, written for one engine.

pub mod json;
mod parser;
pub mod quoted;
pub mod resp;
pub mod sse;

pub(crate) use parser::parser;
