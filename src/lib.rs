#![doc = include_str!("../README.md")]
#![no_std]

#[cfg(feature = "alloc")]
extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(doctest)]
mod compile_fail;
mod error;
mod format;
mod parser;
mod state;

pub mod engine;
#[cfg(feature = "std")]
pub mod io;
pub mod scan;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::{End, Error, ErrorKind, Failure};
pub use format::quoted;
pub use parser::{EventSink, Events, LocalSink, PushParser};
pub use state::{Progress, State, Status};
