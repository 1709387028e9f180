//! The work scheduler, in paused time: what it promises, the slips of the lecture, and the bugs of
//! others.

use std::num::NonZeroU32;

use pushdown_patterns::schedule::{Finished, Options};
use tokio::runtime::Handle;

#[path = "../common/servers.rs"]
mod common;

mod backups;
mod failures;
mod joining;
mod lecture;
mod model;
mod servers;
mod shutdown;
mod threads;
mod watch;

/// How many tasks the runtime has, besides the test itself.
fn alive() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn attempts(limit: u32) -> Options {
    Options::default().attempts(NonZeroU32::new(limit).unwrap())
}

/// The results of a run that has done everything.
fn results<S, R, E: std::fmt::Debug>(finished: Finished<S, usize, R, E>) -> Vec<R> {
    finished.unwrap().into_results().unwrap()
}
