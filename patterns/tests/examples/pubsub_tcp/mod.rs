//! `pubsub_tcp`, run as its readers would run it.

mod commands;
mod leaving;
mod server;
mod session;
mod slow;
mod stopping;

use std::time::Duration;

/// A deadline that only turns a hang into a failure.
const HANG: Duration = Duration::from_secs(60);
