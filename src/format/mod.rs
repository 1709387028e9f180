//! The formats: one folder each, with the same grammar once for every engine.

mod parser;
pub mod quoted;

pub(crate) use parser::parser;
