//! The examples, run as a reader would run them.

#![cfg(unix)]

#[cfg(feature = "debug")]
mod debug_http;
mod pubsub_tcp;
mod wordcount;
