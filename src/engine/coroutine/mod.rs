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
//! unwound, without a message. Reads in destructors return [`End::Abandoned`](crate::End::Abandoned)
//! meanwhile, and stack and parser live on.
//!
//! A body that catches that unwinding and reads on is unwound again, as many times. If it catches them
//! all, or if the build aborts on panics, it is suspended for good: its stack is lost with all that is
//! on it, some 10 KiB of memory at the least, and its parser answers
//! [`ErrorKind::Stalled`](crate::ErrorKind::Stalled) after a reset.
//!
//! # Panics
//! A panic of the body, or of a sink that it calls, unwinds the body's stack and reaches the caller of
//! the `feed` that it happened in. No read waits meanwhile: those of destructors return
//! [`End::Abandoned`](crate::End::Abandoned). A destructor that reads until a read succeeds never ends.
//!
//! One thing cannot be told apart: a parser that is fed by a destructor while its thread unwinds, and
//! whose own body panics there. A read of that body's destructors waits.
//!
//! # Stacks
//! The body **and the sinks it calls** run on a stack of [`DEFAULT_STACK_SIZE`] bytes, or of the size set
//! in [`Options`], with 16 guard pages below: an overflow ends the process and corrupts nothing, also if
//! it happens in C code with a large frame. It is a plain `SIGSEGV`, without a message, unless the
//! program has called [`report_overflow`]. The captures of the body and its output do not count. Only
//! pages that a body touches take memory. Each thread keeps stacks and uses them again
//! ([`release_idle_stacks`]).
//!
//! On Linux 6.13 and later there can be as many parsers as memory holds, at about 4 KiB each.
//! Elsewhere a guard costs a mapping, and `try_new` fails at the system's limit of mappings: at about
//! 32,000 live parsers with Linux's default.
//!
//! # Safety of code that ties data to a call
//! **A body must not wait for input inside a call that lends data until it returns, if that data may go
//! before the parser does.** This is a condition on safe code, and no type can rule it out, for this
//! stack or for any other that is suspended: the borrow checker takes a function that was entered as one
//! that is left before its caller's data goes. Here the parser may be dropped, or its thread may end,
//! in between.
//!
//! It concerns data of the *thread*, because everything that a body captures is `'static`:
//!
//! * [`LocalKey::with`](std::thread::LocalKey::with) and all that is built on it, if the parser is itself
//!   stored in a thread-local. The thread may destroy the borrowed one first; the body then runs to its
//!   end with a dangling reference.
//! * Every interface that sets a pointer of the thread for the time of a closure and restores the one
//!   before, in the way of the crate `scoped-tls`. Two bodies that wait inside restore each other's
//!   pointers, and the one that ends last restores a pointer to what is gone.
//! * Scopes and guards of the thread in general: spans entered by a guard, runtimes entered by a guard,
//!   a lock that must be released by the thread in the order of a stack. Those of safe interfaces go
//!   wrong without undefined behaviour, but they go wrong.
//!
//! Take what you need out of such a call, and wait for input outside it.
//!
//! # Not `Send`
//! A stack may hold anything, so a parser stays on its thread. Use [`stackless`](super::stackless)
//! for parsers that move between threads.
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<pushdown::engine::coroutine::Parser>();
//! ```

mod bounds;
mod composed;
mod emit;
mod frame;
mod input;
mod options;
mod parser;
mod port;
mod run;
mod stack;
#[cfg(feature = "debug")]
mod suspended;
mod thread_bound;
mod wait;

pub use crate::engine::DEFAULT_MAX_DEPTH;
pub use bounds::Limited;
pub use emit::Emit;
pub use input::Input;
pub use options::{DEFAULT_STACK_SIZE, Options};
pub use parser::Parser;
#[cfg(feature = "debug")]
pub(crate) use suspended::Suspended;

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

/// Makes the process say so, on the standard error, when a body or its sink overflows the parser's stack.
///
/// It installs a handler of the signals that an access to a guard page raises, once for the process.
/// Faults elsewhere go to the handler that was installed before: the standard library's own report of a
/// thread's overflow stays as it is. An overflow then ends the process by `abort`.
///
/// The handler runs on the thread's alternate signal stack, which threads of the standard library have.
/// On a thread that something else has started, an overflow ends the process without a word. So it does
/// on systems other than Unix, where this function does nothing.
///
/// ```
/// pushdown::engine::coroutine::report_overflow();
/// ```
pub fn report_overflow() {
    stack::report_overflow();
}
