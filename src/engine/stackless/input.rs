//! The input of `async` bodies: a handle on the [`Port`]. The invariants (I1 to I7) are at the head of
//! `port.rs`.

use core::fmt;
use core::future::poll_fn;
use core::marker::PhantomData;
use core::task::Poll;

use super::port::Port;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
use crate::scan::Stop;

/// The input of an `async` body.
///
/// Its methods are [the reads](crate::engine#the-reads) of every engine. Each read is awaited, and
/// waits for the next chunk when this one is used up. A slice that a read lends is gone before the
/// next read:
///
/// ```compile_fail,E0499
/// use pushdown::engine::stackless::{Input, Task};
/// use pushdown::Failure;
///
/// async fn body(input: &mut Input<'_>) -> Result<u8, Failure> {
///     let slice = input.take(4).await?;
///     let next = input.next().await?; // the chunk of `slice` may be gone now
///     Ok(slice[0] + next)
/// }
/// ```
pub struct Input<'p, E: Events = ()> {
    port: &'p Port<E>,
    /// Makes `'p` invariant (I4).
    brand: PhantomData<fn(&'p ()) -> &'p ()>,
}

// The futures of the reads hold the `&mut Input` (I3) and the caller's arguments, and no more: each
// future is moved into the state of the body before it is polled.
#[allow(clippy::should_implement_trait, reason = "awaited, and the same name in every input")]
impl<'p, E: Events> Input<'p, E> {
    pub(super) fn new(port: &'p Port<E>) -> Self {
        Self { port, brand: PhantomData }
    }

    /// Takes the next byte.
    #[inline]
    pub fn next(&mut self) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| match self.port.next() {
            Some(byte) => Poll::Ready(Ok(byte)),
            None => self.port.starve(cx),
        })
    }

    /// Returns the next byte without taking it.
    #[inline]
    pub fn peek(&mut self) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| {
            let port = self.port;
            port.mark_seen();
            match port.byte() {
                Some(byte) => Poll::Ready(Ok(byte)),
                None => port.starve(cx),
            }
        })
    }

    /// Takes the next byte if it passes the test; otherwise leaves it and returns `None`.
    pub async fn next_if(&mut self, test: impl FnOnce(u8) -> bool) -> Result<Option<u8>, End> {
        let byte = self.peek().await?;
        Ok(if test(byte) { self.port.next() } else { None })
    }

    /// Takes the next byte if it is `byte`; otherwise fails with [`ErrorKind::UnexpectedByte`].
    pub async fn expect(&mut self, byte: u8) -> Result<(), Failure> {
        match self.next_if(|found| found == byte).await? {
            Some(_) => Ok(()),
            None => Err(self.fail(ErrorKind::UnexpectedByte)),
        }
    }

    /// Takes 1 to `n` bytes, all from this chunk.
    pub async fn take(&mut self, n: usize) -> Result<&[u8], End> {
        if n > 0 {
            self.peek().await?;
        }
        let port = self.port;
        // SAFETY: I2: the slice borrows `self`.
        let rest = unsafe { port.rest() };
        let taken = &rest[..n.min(rest.len())];
        port.advance(taken.len());
        port.mark_seen();
        Ok(taken)
    }

    /// Like [`take`](Self::take), but emits the bytes (unless empty) and returns their count.
    pub async fn take_text(
        &mut self,
        n: usize,
        event: impl for<'t> FnOnce(&'t [u8]) -> E::Event<'t>,
    ) -> Result<usize, End> {
        let port = self.port;
        let taken = self.take(n).await?;
        if !taken.is_empty() {
            port.emit(event(taken));
        }
        Ok(taken.len())
    }

    /// Skips everything before a stop byte, and takes the stop byte.
    #[inline]
    pub fn skip_until(&mut self, stop: impl Stop) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| self.port.scan(cx, |rest| stop.skip(rest), |_| ()))
    }

    /// Like [`skip_until`](Self::skip_until), but passes what lies before the stop to `take`.
    #[inline]
    pub fn scan_until(
        &mut self,
        stop: impl Stop,
        mut take: impl FnMut(&[u8]),
    ) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| self.port.scan(cx, |rest| stop.find(rest), &mut take))
    }

    /// Like [`skip_until`](Self::skip_until), but emits what lies before the stop.
    #[inline]
    pub fn text_until(
        &mut self,
        stop: impl Stop,
        event: impl for<'t> Fn(&'t [u8]) -> E::Event<'t>,
    ) -> impl Future<Output = Result<u8, End>> {
        poll_fn(move |cx| {
            let port = self.port;
            if port.has_sink() {
                port.scan(cx, |rest| stop.find(rest), |piece| port.emit(event(piece)))
            } else {
                port.scan(cx, |rest| stop.skip(rest), |_| ())
            }
        })
    }

    /// Reports an event.
    #[inline]
    pub fn emit(&mut self, event: E::Event<'_>) {
        self.port.emit(event);
    }

    /// Returns true if there is a sink. A body may skip building events without one.
    pub fn wants_events(&self) -> bool {
        self.port.has_sink()
    }

    /// The offset of the next byte.
    pub fn offset(&self) -> u64 {
        self.port.offset()
    }

    /// Creates an error that blames [this byte](crate::engine#which-byte-an-error-blames), and puts
    /// the cursor before it.
    pub fn fail(&mut self, kind: ErrorKind) -> Failure {
        self.port.blame();
        Failure::new(kind)
    }
}

impl<E: Events> fmt::Debug for Input<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("offset", &self.offset()).finish_non_exhaustive()
    }
}
