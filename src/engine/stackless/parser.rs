//! A task in a box.

use alloc::boxed::Box;
use core::fmt;
use core::pin::Pin;

use super::input::Input;
#[cfg(feature = "testing")]
use super::task::sealed::Sealed;
use super::task::{DynTask, Task};
use crate::error::Failure;
use crate::parser::{Events, PushParser, delegate};

/// A [`Task`] in a box: it can be moved, and costs one allocation.
pub struct Parser<R: ?Sized>(Pin<Box<R>>);

impl Parser<()> {
    /// Creates a parser at the start of its input.
    ///
    /// As with [`Task::new`], the type of the parser is inferred from the body.
    #[allow(clippy::new_ret_no_self, reason = "the returned type is inferred from the body")]
    pub fn new<B, E, T>(body: B) -> Parser<Task<B, impl Future<Output = Result<T, Failure>>, E, T>>
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
        E: Events,
    {
        Parser(Box::pin(Task::new(body)))
    }
}

impl<R: DynTask> Parser<R> {
    /// Erases the type of the body, so that the type of the parser can be named.
    ///
    /// ```
    /// use pushdown::engine::stackless::{DynTask, Input, Parser};
    /// use pushdown::PushParser;
    ///
    /// struct Answer(Parser<dyn DynTask<Events = (), Output = ()> + Send>);
    ///
    /// let parser = Parser::new(async |input: &mut Input<'_>| input.expect(b'y').await);
    /// let mut answer = Answer(parser.erase());
    /// assert_eq!(answer.0.feed(b"y").consumed, 1);
    /// ```
    pub fn erase<'b>(
        self,
    ) -> Parser<dyn DynTask<Events = R::Events, Output = R::Output> + Send + 'b>
    where
        R: Send + 'b,
    {
        Parser(self.0)
    }
}

impl<R: DynTask + ?Sized> Parser<R> {
    /// Takes the value's output; `Some` once after [`Status::Success`](crate::Status::Success).
    pub fn take_output(&mut self) -> Option<R::Output> {
        self.0.as_mut().take_output()
    }
}

impl<R: DynTask + ?Sized> PushParser for Parser<R> {
    type Events = R::Events;

    delegate!(self => self.0);
}

impl<R: DynTask + ?Sized> fmt::Debug for Parser<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").field("state", self.state()).finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<R: DynTask + ?Sized> crate::testing::Work for Parser<R> {
    fn work(&self) -> u64 {
        Sealed::work(&*self.0)
    }
}
