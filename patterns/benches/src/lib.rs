//! Workloads and servers of the patterns' benchmarks, here and in `benches/peers`.

#![allow(
    missing_docs,
    missing_debug_implementations,
    reason = "used by the benchmarks beside it alone"
)]

pub mod callers;
pub mod echo;
pub mod fan_out;
pub mod memcached;
pub mod ours;
pub mod pipeline;
pub mod redis;
#[path = "../../tests/common/servers.rs"]
pub mod servers;

pub use pushdown_benches::settings;
