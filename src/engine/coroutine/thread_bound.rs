//! The reason that the compiler gives for refusing to send a coroutine to another thread.

use core::marker::PhantomData;

use super::emit::Emit;
use super::input::Input;
use super::parser::Parser;
use crate::parser::Events;

/// Implemented for nothing. It is public, and out of reach, because the implementations of `Send` below
/// name it.
#[diagnostic::on_unimplemented(
    message = "a parser of the `coroutine` engine stays on the thread that made it",
    label = "here it would have to be `Send`",
    note = "`pushdown::engine::stackless` runs the same lines as an `async` body, and its parsers are `Send`",
    note = "to keep the coroutine, stay on its thread: `tokio::task::LocalSet`, or a thread of its own"
)]
pub trait LeavesItsThread {}

/// The stack of a coroutine. It has a parameter because a bound without one is an error.
#[derive(Debug)]
pub struct CoroutineStack<E>(PhantomData<E>);

// SAFETY: never applies (I6). It replaces what the fields forbid, so that the compiler names the reason
// and not a field.
unsafe impl<E: Events, T> Send for Parser<E, T> where CoroutineStack<E>: LeavesItsThread {}

// SAFETY: as above.
unsafe impl<E: Events> Send for Emit<'_, E> where CoroutineStack<E>: LeavesItsThread {}

// SAFETY: as above.
unsafe impl<E: Events> Send for Input<'_, E> where CoroutineStack<E>: LeavesItsThread {}
