//! Corpora and settings of the benchmarks, here and in `peers`.

#![allow(
    missing_docs,
    missing_debug_implementations,
    reason = "used by the benchmarks beside it alone"
)]

pub mod corpus;
pub mod resp;
pub mod settings;
pub mod streams;
pub mod text;
