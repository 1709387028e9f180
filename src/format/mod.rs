//! The formats: one folder each, with the same grammar once for every engine.

pub mod quoted;
