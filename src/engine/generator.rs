//! State as code, in a genawaiter generator: the `async` bodies of [`stackless`], driven by the
//! generator crate that people know.
//!
//! The generator yields after each chunk and is resumed with the next; inside it a
//! [`Task`] does what it does without it. So the two engines differ in
//! cost and in nothing else.
//!
//! ```
//! use pushdown::engine::generator::{Input, Parser};
//! use pushdown::{PushParser, Status};
//!
//! let mut parser = Parser::new(async |input: &mut Input<'_>| {
//!     input.expect(b'o').await?;
//!     input.expect(b'k').await
//! });
//! assert_eq!(parser.feed(b"o").status, Status::NeedMoreInput);
//! assert_eq!(parser.feed(b"k").status, Status::Success);
//! ```
//!
//! genawaiter's generators stay on their thread, and so do these parsers:
//!
//! ```compile_fail,E0277
//! fn send<T: Send>() {}
//! send::<pushdown::engine::generator::Parser>();
//! ```
//!
//! [`stackless`]: super::stackless

use core::any::Any;
use core::fmt;
use core::mem;
use core::panic::AssertUnwindSafe;
use core::pin::{Pin, pin};
use core::ptr::NonNull;
use std::boxed::Box;
use std::panic::{catch_unwind, resume_unwind};

use genawaiter::rc::{Co, Gen};

pub use super::stackless::Input;
use super::stackless::{DynTask, Task};
use crate::engine::overshoot::Overshoot;
use crate::error::{Error, Failure};
use crate::parser::{EventSink, Events, Progress, PushParser, Standing, Status};

/// An `async` body in a generator, as a push parser.
pub struct Parser<E: Events = (), T: 'static = ()> {
    resume: Box<dyn FnMut(Lease<E, T>)>,
    /// A copy of the task's, which is out of reach inside the generator.
    standing: Standing,
    /// Likewise.
    overshoot: Overshoot,
    /// Where the task is to be reset to before it does anything else.
    restart: Option<u64>,
}

/// A call of the task, and what came of it.
struct Order<'a, E: Events, T> {
    restart: Option<u64>,
    errand: Errand<'a, E>,
    consumed: usize,
    /// How the task stands after it, unless it has just gone on.
    standing: Option<Standing>,
    overshoot: Overshoot,
    output: Option<T>,
    panic: Option<Box<dyn Any + Send>>,
}

enum Errand<'a, E: Events> {
    Feed(&'a [u8], Option<&'a mut EventSink<'a, E>>),
    Finish(Option<&'a mut EventSink<'a, E>>),
    Reset,
    TakeOutput,
}

/// An [`Order`] on its way through the generator, whose argument may not borrow.
///
/// The order stays borrowed by [`Parser::send`] until the generator has yielded again, and the
/// generator is done with it by then.
struct Lease<E: Events, T: 'static>(NonNull<Order<'static, E, T>>);

impl<E: Events, T: 'static> Parser<E, T> {
    /// A parser at the start of its input.
    pub fn new<B>(body: B) -> Self
    where
        B: AsyncFnMut(&mut Input<'_, E>) -> Result<T, Failure> + 'static,
    {
        let mut generator = Gen::new(async |co: Co<(), Lease<E, T>>| {
            let mut task = pin!(Task::new(body));
            loop {
                let Lease(mut order) = co.yield_(()).await;
                // SAFETY: by the invariant of `Lease`.
                carry_out(task.as_mut(), unsafe { order.as_mut() });
            }
        });
        // The argument of the first resume reaches nobody.
        generator.resume_with(Lease(NonNull::dangling()));
        Self {
            resume: Box::new(move |lease| {
                generator.resume_with(lease);
            }),
            standing: Standing::at(0),
            overshoot: Overshoot::NONE,
            restart: None,
        }
    }

    /// The value's output, once, after [`Status::Success`].
    pub fn take_output(&mut self) -> Option<T> {
        self.send(Errand::TakeOutput).output
    }

    /// Has the task carry out an errand.
    #[inline]
    fn send<'a>(&mut self, errand: Errand<'a, E>) -> Order<'a, E, T> {
        let mut order = Order {
            restart: self.restart.take(),
            errand,
            consumed: 0,
            standing: None,
            overshoot: self.overshoot,
            output: None,
            panic: None,
        };
        (self.resume)(Lease(NonNull::from(&mut order).cast()));
        self.overshoot = order.overshoot;
        if let Some(standing) = order.standing {
            self.standing = standing;
        }
        if let Some(payload) = order.panic {
            resume_unwind(payload);
        }
        order
    }

    #[inline]
    fn parse(&mut self, chunk: &[u8], sink: Option<&mut EventSink<'_, E>>) -> Progress {
        if let Some(answer) = self.standing.refuses(chunk) {
            return answer;
        }
        let order =
            self.send(Errand::Feed(chunk, sink.map(|sink| -> &mut EventSink<'_, E> { sink })));
        match order.standing {
            None => self.standing.need_more(order.consumed),
            Some(standing) => Progress { consumed: order.consumed, status: standing.status() },
        }
    }

    fn close(&mut self, sink: Option<&mut EventSink<'_, E>>) -> Result<(), Error> {
        if self.standing.status() == Status::NeedMoreInput {
            self.send(Errand::Finish(sink.map(|sink| -> &mut EventSink<'_, E> { sink })));
        }
        self.standing.verdict()
    }
}

/// The other end of [`Parser::send`], inside the generator.
#[inline]
fn carry_out<B, F, E, T>(mut task: Pin<&mut Task<B, F, E, T>>, order: &mut Order<'_, E, T>)
where
    F: Future<Output = Result<T, Failure>>,
    E: Events,
{
    // A panic must not unwind the generator, which could not be resumed after it.
    let done = catch_unwind(AssertUnwindSafe(|| {
        if let Some(offset) = order.restart {
            task.as_mut().reset_at(offset);
        }
        match &mut order.errand {
            Errand::Feed(chunk, sink) => {
                let progress = task.as_mut().feed(chunk, sink.take());
                order.consumed = progress.consumed;
                return progress.status == Status::NeedMoreInput;
            }
            Errand::Finish(sink) => drop(task.as_mut().finish(sink.take())),
            Errand::Reset => {}
            Errand::TakeOutput => order.output = task.as_mut().take_output(),
        }
        false
    }));
    order.overshoot = task.overshoot();
    if !matches!(done, Ok(true)) {
        order.standing = Some(task.standing());
        order.panic = done.err();
    }
}

impl<E: Events, T: 'static> PushParser for Parser<E, T> {
    type Events = E;

    #[inline]
    fn feed(&mut self, chunk: &[u8]) -> Progress {
        self.parse(chunk, None)
    }

    fn feed_dyn(&mut self, chunk: &[u8], sink: &mut EventSink<'_, E>) -> Progress {
        self.parse(chunk, Some(sink))
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.close(None)
    }

    fn finish_dyn(&mut self, sink: &mut EventSink<'_, E>) -> Result<(), Error> {
        self.close(Some(sink))
    }

    fn status(&self) -> Status {
        self.standing.status()
    }

    fn error(&self) -> Option<&Error> {
        self.standing.error()
    }

    fn offset(&self) -> u64 {
        self.standing.offset()
    }

    fn reset_at(&mut self, offset: u64) {
        let half_way = self.standing.status() == Status::NeedMoreInput;
        self.standing = Standing::at(offset);
        self.restart = Some(offset);
        self.overshoot = Overshoot::NONE;
        // A body that has ended can wait, unless it left an output: the next errand tells the task.
        if half_way || mem::needs_drop::<T>() {
            self.send(Errand::Reset);
        }
    }
}

impl<E: Events, T: 'static> fmt::Debug for Parser<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parser").field("standing", &self.standing).finish_non_exhaustive()
    }
}

#[cfg(feature = "testing")]
impl<E: Events, T: 'static> crate::testing::Work for Parser<E, T> {
    fn work(&self) -> u64 {
        self.standing.offset() + self.overshoot.bytes()
    }
}
