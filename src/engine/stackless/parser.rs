//! A task in a box.

use alloc::boxed::Box;
use core::fmt;
#[cfg(feature = "debug")]
use core::panic::Location;
use core::pin::Pin;

use super::dyn_task::DynTask;
#[cfg(feature = "testing")]
use super::dyn_task::sealed::Sealed;
use super::input::Input;
use super::options::Options;
use super::task::Task;
use crate::error::Failure;
use crate::parser::{Events, PushParser, delegate};

/// A [`Task`] in a box: it can be moved, and costs one allocation.
pub struct Parser<R: ?Sized>(Pin<Box<R>>);

/// A parser whose type names its events and its output, but not its body: what
/// [`Parser::erase`] returns.
///
/// ```
/// use pushdown::PushParser;
/// use pushdown::engine::stackless::{Boxed, Input, Parser};
///
/// /// A parser in the field of a struct.
/// struct Answer {
///     parser: Boxed<(), u8>,
/// }
///
/// let parser = Parser::new(async |input: &mut Input<'_>| Ok(input.next().await?));
/// let mut answer = Answer { parser: parser.erase() };
/// let _ = answer.parser.feed(b"y");
/// assert_eq!(answer.parser.take_output(), Some(b'y'));
/// ```
pub type Boxed<E = (), T = ()> = Parser<dyn DynTask<Events = E, Output = T> + Send>;

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
        Options::new().parser(body)
    }
}

impl Options {
    /// Creates a parser at the start of its input.
    pub fn parser<B, E, T>(
        self,
        body: B,
    ) -> Parser<Task<B, impl Future<Output = Result<T, Failure>>, E, T>>
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure>,
        E: Events,
    {
        Parser(Box::pin(self.task(body)))
    }
}

impl<R: DynTask> Parser<R> {
    /// Erases the type of the body, so that the type of the parser can be named: [`Boxed`], unless the
    /// body borrows.
    pub fn erase<'b>(
        self,
    ) -> Parser<dyn DynTask<Events = R::Events, Output = R::Output> + Send + 'b>
    where
        R: Send + 'b,
    {
        Parser(self.0)
    }
}

#[cfg(feature = "debug")]
impl<R: DynTask + ?Sized> Parser<R> {
    /// The line of the read that the body waits in, half-way through a value.
    pub fn waits_at(&self) -> Option<&'static Location<'static>> {
        self.0.waits_at()
    }
}

impl<R: DynTask + ?Sized> PushParser for Parser<R> {
    type Events = R::Events;
    type Output = R::Output;

    delegate!(self => self.0);
}

impl<R: DynTask + ?Sized> fmt::Debug for Parser<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parser = f.debug_struct("Parser");
        parser.field("state", self.state());
        #[cfg(feature = "debug")]
        crate::debug::add_field(&mut parser, self.waits_at());
        parser.finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<R: DynTask + ?Sized> crate::testing::Work for Parser<R> {
    fn work(&self) -> u64 {
        Sealed::work(&*self.0)
    }

    fn steps(&self) -> u64 {
        Sealed::steps(&*self.0)
    }
}
