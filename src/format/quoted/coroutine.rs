//! State as code, on a stack.

use super::{CLOSING, Event, Quoted};
use crate::engine::coroutine::Input;
use crate::error::Failure;
use crate::format::parser;
use crate::parser::Events;

parser! {
    /// The quoted string as straight-line code on a stack of its own.
    pub struct Coroutine(coroutine, body) for Quoted;
}

/// Reads a quoted string, inside a body of the `coroutine` engine.
///
/// `event` makes one of the caller's events from each part of the content.
///
/// # Errors
/// [`UnexpectedByte`](crate::ErrorKind::UnexpectedByte) if there is no opening quote, or the end.
#[inline]
pub fn string<E: Events>(
    input: &mut Input<'_, E>,
    event: impl for<'t> Fn(Event<'t>) -> E::Event<'t>,
) -> Result<(), Failure> {
    input.expect(b'"')?;
    loop {
        match input.text_until(CLOSING, |text| event(Event::Text(text)))? {
            b'"' => return Ok(()),
            _backslash => {
                let escaped = input.next()?;
                input.emit(event(Event::Text(&[escaped])));
            }
        }
    }
}

/// A quoted string alone. Inlined into the first function of the stack: two instructions less for each
/// character that is fed alone.
#[inline]
fn body(input: &mut Input<'_, Quoted>) -> Result<(), Failure> {
    string(input, |event| event)
}
