//! State as code, in a future.

#[cfg(feature = "alloc")]
use super::Quoted;
use super::{CLOSING, Event};
use crate::engine::stackless::Input;
#[cfg(feature = "alloc")]
use crate::engine::stackless::{DynTask, Parser};
use crate::error::Failure;
use crate::parser::Events;
#[cfg(feature = "alloc")]
use crate::parser::{PushParser, delegate};

/// The quoted string as straight-line `async` code.
#[cfg(feature = "alloc")]
#[derive(Debug)]
pub struct Stackless(Parser<dyn DynTask<Events = Quoted, Output = ()> + Send>);

/// Reads a quoted string: a body, for bodies of the `stackless` and `generator` engines to await.
///
/// `event` makes one of the caller's events of each part of the content.
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

#[cfg(feature = "alloc")]
impl Stackless {
    /// A parser before the opening quote.
    pub fn new() -> Self {
        Self(Parser::new(body).erase())
    }
}

/// A quoted string by itself. It returns the future of [`string_async`] instead of awaiting it, which
/// would be one more state to pass through on the way to each byte.
#[cfg(feature = "alloc")]
pub(super) fn body(input: &mut Input<'_, Quoted>) -> impl Future<Output = Result<(), Failure>> {
    string_async(input, |event| event)
}

#[cfg(feature = "alloc")]
impl Default for Stackless {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "alloc")]
impl PushParser for Stackless {
    type Events = Quoted;
    delegate!(self => self.0);
}

#[cfg(feature = "testing")]
crate::testing::delegate_work!(Stackless);
