//! The quoted string in every engine.

#![cfg(all(feature = "coroutine", feature = "generator", feature = "combinator"))]

#[path = "../common/mod.rs"]
pub mod common;

mod conformance;
mod cuts;
mod equality;
