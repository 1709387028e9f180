//! The formats, one folder each. Every file of a folder but `mod.rs` is the same grammar in the same
//! order, written for one engine.

pub mod quoted;
