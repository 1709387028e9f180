//! State as code, on a stack: a plain function that is suspended where it stands.
//!
//! ```
//! use pushdown::engine::coroutine::{Input, Parser};
//! use pushdown::{ErrorKind, Failure, PushParser, Status};
//!
//! /// A decimal number and its full stop.
//! fn number(input: &mut Input<'_>) -> Result<u64, Failure> {
//!     let mut value = 0;
//!     loop {
//!         match input.next()? {
//!             digit @ b'0'..=b'9' => value = 10 * value + u64::from(digit - b'0'),
//!             b'.' => return Ok(value),
//!             _ => return Err(input.fail(ErrorKind::UnexpectedByte)),
//!         }
//!     }
//! }
//!
//! let mut parser = Parser::new(number);
//! assert_eq!(parser.feed(b"4").status, Status::NeedMoreInput);
//! assert_eq!(parser.feed(b"2.").status, Status::Success);
//! assert_eq!(parser.take_output(), Some(42));
//! ```
//!
//! # How a body ends
//! By returning. When the input is finished, or the parser is dropped or reset half-way, the pending
//! read returns an [`End`](crate::End). `?` propagates it, and destructors run in order. A body that
//! goes on reading gets the same answer [`READS_AFTER_END`](super::READS_AFTER_END) times and is then
//! unwound. A body that catches even that unwinding and reads on, or that cannot be unwound because
//! the build aborts on panics, is suspended for good: its stack is lost, and its parser answers
//! [`ErrorKind::Stalled`](crate::ErrorKind::Stalled) after a reset.
//!
//! # Stacks
//! The body and the sinks it calls run on a stack of [`DEFAULT_STACK_SIZE`] bytes, or of the size set
//! in [`Options`], with a guard page below: an overflow ends the process and corrupts nothing. Only
//! pages that a body touches take memory. Each thread keeps stacks and uses them again
//! ([`release_idle_stacks`]).
//!
//! On Linux 6.13 and later there can be as many parsers as memory holds, at about 4 KiB each.
//! Elsewhere a guard costs a mapping, and `try_new` fails at the system's limit of mappings: at about
//! 32,000 live parsers with Linux's default.
//!
//! # Thread-locals
//! A body must not wait for input inside [`LocalKey::with`](std::thread::LocalKey::with) if its
//! parser may itself be stored in a thread-local. The thread may destroy the borrowed thread-local
//! first, and the body then runs to its end with a dangling reference. No type can rule this out, for
//! this stack or for any other that is suspended.
//!
//! # Not `Send`
//! A stack may hold anything, so a parser stays on its thread. Use [`stackless`](super::stackless)
//! for parsers that move between threads.
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<pushdown::engine::coroutine::Parser>();
//! ```

mod frame;
mod input;
mod options;
mod parser;
mod port;
mod stack;

pub use input::Input;
pub use options::{DEFAULT_MAX_DEPTH, DEFAULT_STACK_SIZE, Options};
pub use parser::Parser;

/// Returns the memory of this thread's idle stacks to the system.
///
/// A thread keeps the stacks of some dropped parsers ready, with the memory they have touched. A
/// program that is short of memory, or that will not create parsers for a while, can release them;
/// each of the next parsers then takes a page fault more.
///
/// ```
/// drop(pushdown::quoted::Coroutine::new());
/// pushdown::engine::coroutine::release_idle_stacks();
/// ```
pub fn release_idle_stacks() {
    stack::release_idle();
}
