//! The event stream in every engine, and messages.

#![cfg(all(feature = "coroutine", feature = "generator", feature = "testing"))]

#[path = "../common/sse/mod.rs"]
pub mod common;

mod cases;
mod conformance;
mod cuts;
mod equality;
mod messages;
#[path = "../common/random.rs"]
mod random;
mod streams;
