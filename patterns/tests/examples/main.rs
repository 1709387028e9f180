//! The examples, run as a reader would run them.

#![cfg(unix)]

#[path = "../common/servers.rs"]
mod common;

#[cfg(feature = "debug")]
mod debug_http;
mod process;
mod pubsub_redis;
mod pubsub_tcp;
mod redis;
mod redis_server;
mod text;
mod wordcount;
mod wordcount_redis;
