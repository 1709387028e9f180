//! State as code, without a stack: an `async` body whose compiled future is the state.
//!
//! ```
//! use pushdown::engine::stackless::{Input, Parser};
//! use pushdown::{ErrorKind, Failure, PushParser, Status};
//!
//! /// A decimal number and its full stop.
//! async fn number(input: &mut Input<'_>) -> Result<u64, Failure> {
//!     let mut value = 0;
//!     loop {
//!         match input.next().await? {
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
//! [`Parser`] boxes the future, once; [`Parser::erase`] gives its type a name, for a struct field. A
//! [`Task`] allocates nothing: its owner pins it.
//!
//! # What a body may wait for
//! Its input, and nothing else. No chunk can wake a body that is pending for any other reason: it is
//! dropped inside that same `feed`, and the parser ends with
//! [`ErrorKind::Stalled`](crate::ErrorKind::Stalled). Awaiting a future that is ready at once is
//! fine, and so is joining or selecting futures as long as a read of the input is among the pending
//! ones. The read must be polled with the context that the body was polled with: under another
//! executor inside the body it returns [`End::Stalled`](crate::End::Stalled).
//!
//! # When a parser is `Send`
//! When the body is, and everything that it keeps across an `await`. A parser whose body keeps an
//! `Rc` there stays on its thread:
//!
//! ```compile_fail
//! use pushdown::engine::stackless::{Input, Parser};
//!
//! fn send<T: Send>(_: T) {}
//! send(Parser::new(async |input: &mut Input<'_>| {
//!     let shared = std::rc::Rc::new(1);
//!     input.next().await?;
//!     Ok::<_, pushdown::Failure>(*shared)
//! }));
//! ```

#[cfg(feature = "alloc")]
mod arena;
#[cfg(feature = "alloc")]
mod call_stack;
mod composed;
mod dyn_task;
mod input;
#[cfg(feature = "alloc")]
mod nested;
mod options;
#[cfg(feature = "alloc")]
mod parser;
mod port;
mod read;
mod run;
mod task;
mod waker;

pub use dyn_task::DynTask;
pub use input::{Input, Limited};
pub use options::Options;
#[cfg(feature = "alloc")]
pub use parser::{Boxed, Parser};
pub use run::Emit;
pub use task::Task;
