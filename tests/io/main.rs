//! The drivers of `pushdown::io`: where a value ends, and where a stream does.
//!
//! `formats` is the table of streams, which `drivers` runs with every driver, over a `source` that cuts its
//! bytes anywhere, is not ready, and fails. A driver is one adapter and one line in `drivers`, a format one
//! row in `formats`.

#![cfg(all(feature = "tokio", feature = "codec", feature = "futures", feature = "serde"))]
#![cfg(all(feature = "coroutine", feature = "generator", feature = "combinator"))]

mod drivers;
mod formats;
mod parse;
mod parts;
mod source;
mod writer;
