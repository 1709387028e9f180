//! State as code, in a future.

#[cfg(feature = "alloc")]
use super::Quoted;
use super::{CLOSING, Event};
use crate::engine::stackless::Input;
use crate::error::Failure;
#[cfg(feature = "alloc")]
use crate::format::parser;
use crate::parser::Events;

#[cfg(feature = "alloc")]
parser! {
    /// The quoted string as straight-line `async` code.
    pub struct Stackless(stackless, body) for Quoted;
}

/// Reads a quoted string, inside a body of the `stackless` or the `generator` engine.
///
/// `event` makes one of the caller's events from each part of the content.
///
/// # Errors
/// [`UnexpectedByte`](crate::ErrorKind::UnexpectedByte) if there is no opening quote, or the end.
#[inline]
pub async fn string_async<E: Events>(
    input: &mut Input<'_, E>,
    event: impl for<'t> Fn(Event<'t>) -> E::Event<'t>,
) -> Result<(), Failure> {
    input.expect(b'"').await?;
    loop {
        match input.text_until(CLOSING, |text| event(Event::Text(text))).await? {
            b'"' => return Ok(()),
            _backslash => {
                let escaped = input.next().await?;
                input.emit(event(Event::Text(&[escaped])));
            }
        }
    }
}

/// A quoted string alone. It returns the future of [`string_async`] instead of awaiting it, which
/// would be one more state to pass through on the way to each byte.
#[cfg(feature = "alloc")]
pub(super) fn body(input: &mut Input<'_, Quoted>) -> impl Future<Output = Result<(), Failure>> {
    string_async(input, |event| event)
}
