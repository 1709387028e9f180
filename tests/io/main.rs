//! The drivers of `pushdown::io`: where a value ends, and where a stream does.

#![cfg(feature = "tokio")]

mod framed;
