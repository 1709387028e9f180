//! The examples, run as a reader would run them.

#![cfg(unix)]

#[path = "../common/servers.rs"]
mod common;

#[cfg(feature = "debug")]
mod debug_http;
mod pubsub_tcp;
mod redis;
mod wordcount;
