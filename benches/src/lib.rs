//! What the benchmarks share, here and in `peers`.

#![allow(
    missing_docs,
    missing_debug_implementations,
    reason = "for the benchmarks beside it alone"
)]

pub mod corpus;
pub mod settings;
