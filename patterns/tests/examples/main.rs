//! The examples, run as a reader would run them.

#![cfg(unix)]

#[cfg(feature = "debug")]
mod debug_http;
mod process;
mod pubsub_redis;
mod pubsub_tcp;
mod redis;
#[path = "../common/servers.rs"]
mod servers;
mod text;
mod wordcount;
mod wordcount_redis;
