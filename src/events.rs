//! The events of everyday parsers: markers for those that need no marker of their own.
//!
//! ```
//! use pushdown::engine::coroutine::{Input, Parser};
//! use pushdown::events::Of;
//! use pushdown::{Failure, PushParser};
//!
//! /// Reports the length of each line up to an empty one.
//! fn lengths(input: &mut Input<'_, Of<u64>>) -> Result<(), Failure> {
//!     loop {
//!         let start = input.offset();
//!         input.skip_until(b'\n')?;
//!         match input.offset() - start {
//!             1 => return Ok(()),
//!             length => input.emit(length),
//!         }
//!     }
//! }
//!
//! let mut found = Vec::new();
//! let _ = Parser::new(lengths).feed_with(b"two\nlines\n\n", |length| found.push(length));
//! assert_eq!(found, [4, 6]);
//! ```

use core::marker::PhantomData;

use crate::parser::Events;

/// Events that are pieces of text, borrowed from the chunk or from the body.
#[derive(Debug)]
pub enum Bytes {}

impl Events for Bytes {
    type Event<'a> = &'a [u8];
}

/// Events of a type that borrows nothing.
#[derive(Debug)]
pub struct Of<T>(PhantomData<fn() -> T>);

impl<T: 'static> Events for Of<T> {
    type Event<'a> = T;
}
