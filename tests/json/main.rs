//! JSON in every engine.

#![cfg(all(feature = "coroutine", feature = "generator", feature = "testing"))]

#[path = "../common/json/mod.rs"]
pub mod common;
#[path = "../common/json/peer.rs"]
pub mod peer;

mod cases;
mod conformance;
mod consumers;
mod cuts;
#[path = "../common/cuttings.rs"]
mod cuttings;
mod depth;
mod embedded;
mod equality;
mod events;
mod sums;
mod tape;
