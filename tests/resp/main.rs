//! RESP in every engine.

#![cfg(all(feature = "coroutine", feature = "generator", feature = "testing"))]

#[path = "../common/resp/mod.rs"]
pub mod common;

mod cases;
mod conformance;
mod cuts;
#[path = "../common/cuttings.rs"]
mod cuttings;
mod depth;
mod equality;
mod events;
mod requests;
mod values;
