#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(doctest)]
mod attacks;
mod error;
mod input;
mod parser;

pub mod engine;
#[cfg(feature = "std")]
pub mod io;
#[cfg(feature = "pattern")]
pub mod pattern;
pub mod quoted;
pub mod scan;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{End, Error, ErrorKind, Failure};
pub use parser::{Events, Progress, PushParser, SendSink, Sink, Status};
