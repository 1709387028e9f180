//! The five ways to hold a parser's state. Each has a `Parser` that makes a
//! [`PushParser`](crate::PushParser) of a body of yours.
//!
//! | engine | a body is | state lives in |
//! |---|---|---|
//! | [`machine`] | a [`Machine`](machine::Machine): a step over an explicit state | the state, an enum for instance |
//! | [`coroutine`] | a plain function | a call stack of its own |
//! | [`generator`] | an `async` function | a boxed future inside a genawaiter generator |
//! | [`stackless`] | the same `async` function | a future, boxed or pinned by its owner |
//! | [`combinator`] | a nom parser | a copy of the input so far, parsed again |
//!
//! Bodies read through the `Input` of their engine. The three have the same methods; those of
//! `stackless` (and `generator`) are awaited.
//!
//! | to read | |
//! |---|---|
//! | `next()` | one byte |
//! | `peek()` | one byte, and leave it |
//! | `next_if(test)`, `expect(byte)` | one byte, if it is the right one |
//! | `take(n)` | 1 to `n` bytes of this chunk, as a slice |
//! | `take_text(n, event)` | the same, and emit it |
//! | `skip_until(stop)` | everything up to a [stop](crate::scan::Stop) |
//! | `scan_until(stop, f)` | the same, and hand the pieces to a closure |
//! | `text_until(stop, event)` | the same, and emit the pieces as events |
//!
//! Besides, `emit(event)` reports, `wants_events()` tells whether anybody listens, `offset()` is the
//! position in the input, and `fail(kind)` makes the error.
//!
//! # Which byte an error blames
//! `fail` blames the byte last taken by `next` or as the stop of a scan; but after a `peek` the byte
//! seen, and after a `take` the byte that follows. A body cannot point further back, because an
//! earlier byte may have come in a chunk that is gone; it reports the start of a token by an event
//! or in its error code. A read after `next` therefore ends the chance to blame that byte: look with
//! `peek`, `next_if` or `expect` where the decision needs two bytes. A second `fail` blames the same
//! byte again.

#[cfg(feature = "combinator")]
pub mod combinator;
#[cfg(feature = "coroutine")]
#[allow(unsafe_code, reason = "switches stacks, and reads what the other side of the switch wrote")]
pub mod coroutine;
#[cfg(feature = "generator")]
#[allow(unsafe_code, reason = "hands an order through the generator, which takes no borrows")]
pub mod generator;
pub mod machine;
pub(crate) mod overshoot;
#[allow(unsafe_code, reason = "pins a future beside what it borrows")]
pub mod stackless;
