//! The work scheduler, in paused time.

use std::num::NonZeroU32;
use std::time::Duration;

use pushdown_patterns::schedule::{CallFailure, Finished, Lease, Options};
use tokio::runtime::Handle;
use tokio::time::sleep;

#[path = "../common/servers.rs"]
mod common;

mod backups;
mod counted;
mod drops;
mod failures;
mod fairness;
mod joining;
mod leaks;
mod leases;
mod lecture;
mod limits;
mod model;
mod others;
mod panics;
mod proto;
mod redis;
mod shutdown;
mod streams;
mod threads;
mod truth;
mod watch;

const SECOND: Duration = Duration::from_secs(1);

/// A call that takes a second.
async fn a_second(_: Lease<usize>, task: usize) -> Result<usize, CallFailure<()>> {
    sleep(SECOND).await;
    Ok(task)
}

/// The number of runtime tasks, besides the test itself.
fn alive() -> usize {
    Handle::current().metrics().num_alive_tasks()
}

fn attempts(limit: u32) -> Options {
    Options::default().attempts(NonZeroU32::new(limit).unwrap())
}

/// The results of a run that must have done every task.
fn results<S, R, E: std::fmt::Debug>(finished: Finished<S, usize, R, E>) -> Vec<R> {
    finished.unwrap().into_results().unwrap()
}
