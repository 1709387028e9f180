//! The five ways to hold a parser's state. Each has a `Parser` that turns a body you write into a
//! [`PushParser`](crate::PushParser).
//!
//! | engine | a body is | state lives in |
//! |---|---|---|
//! | [`machine`] | a [`Machine`](machine::Machine): a step over an explicit state | the state, an enum for instance |
//! | [`coroutine`] | a plain function | a call stack of its own |
//! | [`generator`] | an `async` function | a boxed future inside a genawaiter generator |
//! | [`stackless`] | the same `async` function | a future, boxed or pinned by its owner |
//! | [`combinator`] | a nom parser | a copy of the input so far, parsed again |
//!
//! # The reads
//! A body reads through the `Input` of its engine. The inputs have the same methods; those that wait
//! are awaited in `stackless` and `generator`, and return
//! [`End::InputEmpty`](crate::End::InputEmpty) in a machine.
//!
//! | method | |
//! |---|---|
//! | `next()` | Takes the next byte. |
//! | `peek()` | Returns the next byte without taking it. |
//! | `next_if(test)` | Takes the next byte if it passes the test; otherwise leaves it and returns `None`. |
//! | `expect(byte)` | Takes this byte; any other fails with [`UnexpectedByte`](crate::ErrorKind::UnexpectedByte) and is blamed. |
//! | `take(n)` | Takes 1 to `n` bytes as a slice: as many as this chunk has. If `n` is zero, the slice is empty and the read does not wait. |
//! | `take_text(n, event)` | Like `take`, but emits the bytes (unless empty) and returns their count. |
//! | `skip_until(stop)` | Skips everything before a [stop](crate::scan::Stop), takes the stop byte and returns it. |
//! | `scan_until(stop, take)` | Like `skip_until`, but passes what lies before the stop to a closure, in pieces that are never empty. |
//! | `text_until(stop, event)` | Like `skip_until`, but emits what lies before the stop, one event per piece. Without a sink it may [skip](crate::scan::Stop::skip) stops. |
//! | `chunk()`, `advance(n)` | Lends the rest of the chunk, at least one byte; takes bytes of it. |
//! | `skip_between(test)` | Skips bytes between values, and returns the next byte without taking it. A value has not [begun](crate::PushParser::has_begun) with them. |
//! | `at_most(n)`, `frame(n)` | [Bounds](#bounds) what is read. |
//! | `emit(event)` | Reports an event. |
//! | `wants_events()` | Returns true if there is a sink. A body may skip building events without one. |
//! | `offset()` | The offset of the next byte. |
//! | `fail(kind)` | Creates the error for bad input, and puts the cursor before the byte to blame. |
//! | `fail_from(start, kind)` | Like `fail`, and records where the part began that the error is about. |
//!
//! A read that takes no byte returns an [`End`](crate::End): the input is finished, or the body has
//! to stop. Propagate it with `?`. After the end every further read returns the same, up to
//! [`READS_AFTER_END`] times.
//!
//! # Which byte an error blames
//! `fail` blames the byte last consumed by `next` or a scan; after `peek`, the peeked byte; after
//! `take`, the next one. A body cannot point further back, because an earlier byte may have come in a
//! chunk that is gone. It can name the start of a token with `fail_from`. Another
//! read after `next` therefore loses the chance to blame that byte: use `peek`, `next_if` or `expect`
//! where the decision needs two bytes. A second `fail` blames the same byte again. At a bound, as at
//! the end of the input, the next byte is blamed.
//!
//! # Bounds
//! `at_most(n)` bounds what is read from here on: a read beyond `n` bytes returns
//! [`End::TooLong`](crate::End::TooLong), and no more than `n` bytes reach the sink. `frame(n)` makes
//! the next `n` bytes an input of their own, whose end is [`End::Finished`](crate::End::Finished). A
//! read at a bound answers at once, so the error has the same offset for every cut.
//!
//! A bound inside another cannot be wider: the one that comes first holds. A frame that goes past the
//! frame around it, or that the end of the input cuts short, ends with
//! [`End::Truncated`](crate::End::Truncated), which a body that accepts `Finished` does not accept.
//!
//! In the straight-line engines the bound is a guard, through which the part is read, and dropping it
//! lifts the bound. In a machine it is data: `at_most` and `frame` return the [`Limit`] before, which
//! the machine keeps, and gives to `set_limit` at the end of the part.

#[cfg(feature = "combinator")]
pub mod combinator;
#[cfg(feature = "coroutine")]
#[allow(unsafe_code, reason = "switches stacks, and reads what the other side of the switch wrote")]
pub mod coroutine;
mod error_start;
#[cfg(feature = "generator")]
#[allow(unsafe_code, reason = "passes a call through the generator, which takes no borrows")]
pub mod generator;
mod limit;
pub mod machine;
pub(crate) mod overshoot;
#[allow(unsafe_code, reason = "pins a future beside what it borrows")]
pub mod stackless;

pub use limit::Limit;

/// How many reads of a body answer [`End`](crate::End) after the input has ended.
///
/// A loop like `while let Ok(byte) = input.next()`, and the `?` of the code after it, must both
/// work. A body that goes on reading after that many never ends: it is dropped where it stands, or
/// unwound if it has a stack.
pub const READS_AFTER_END: u8 = 64;

/// How many levels deep the `nested` bodies of every straight-line engine may go, unless its options
/// say otherwise.
pub const DEFAULT_MAX_DEPTH: u32 = 128;
