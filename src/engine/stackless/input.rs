//! The input of `async` bodies: a handle on the [`Port`]. The invariants (I1 to I7) are at the head of
//! `port/mod.rs`.

use core::fmt;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::task::Poll;

use super::port::{Port, ToSink};
use super::read::{read, read_at};
use crate::engine::limit::Limit;
use crate::engine::site::Site;
use crate::engine::window::Window;
use crate::error::{End, ErrorKind, Failure};
use crate::parser::Events;
#[cfg(feature = "alloc")]
use crate::scan::Delimiter;
use crate::scan::{Set, Stop};

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
    pub(super) port: &'p Port<E>,
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
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn next(&mut self) -> impl Future<Output = Result<u8, End>> {
        read(move |cx| match self.port.next() {
            Some(byte) => Poll::Ready(Ok(byte)),
            None => self.port.starve(cx),
        })
    }

    /// Returns the next byte without taking it.
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn peek(&mut self) -> impl Future<Output = Result<u8, End>> {
        self.peek_at(Site::caller())
    }

    #[inline]
    fn peek_at(&mut self, site: Site) -> impl Future<Output = Result<u8, End>> {
        read_at(site, move |cx| {
            let port = self.port;
            port.mark_seen();
            match port.byte() {
                Some(byte) => Poll::Ready(Ok(byte)),
                None => port.starve(cx),
            }
        })
    }

    /// Takes the next byte if it passes the test; otherwise leaves it and returns `None`.
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn next_if(
        &mut self,
        test: impl FnOnce(u8) -> bool,
    ) -> impl Future<Output = Result<Option<u8>, End>> {
        let mut test = Some(test);
        read(move |cx| {
            let port = self.port;
            port.mark_seen();
            let Some(byte) = port.byte() else {
                return port.starve(cx);
            };
            let passes = test.take().is_some_and(|test| test(byte));
            Poll::Ready(Ok(if passes { port.next() } else { None }))
        })
    }

    /// Takes the next byte if it is `byte`; otherwise fails with [`ErrorKind::UnexpectedByte`].
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn expect(&mut self, byte: u8) -> impl Future<Output = Result<(), Failure>> {
        read(move |cx| {
            let port = self.port;
            port.mark_seen();
            match port.byte() {
                Some(found) if found == byte => {
                    port.advance(1);
                    Poll::Ready(Ok(()))
                }
                Some(_) => Poll::Ready(Err(self.fail(ErrorKind::UnexpectedByte))),
                None => port.starve(cx).map_err(Failure::from),
            }
        })
    }

    /// Takes 1 to `n` bytes, all from this chunk.
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn take(&mut self, n: usize) -> impl Future<Output = Result<&[u8], End>> {
        self.take_at(Site::caller(), n)
    }

    pub(super) async fn take_at(&mut self, site: Site, n: usize) -> Result<&[u8], End> {
        if n > 0 {
            self.peek_at(site).await?;
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
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn take_text(
        &mut self,
        n: usize,
        event: impl for<'t> FnOnce(&'t [u8]) -> E::Event<'t>,
    ) -> impl Future<Output = Result<usize, End>> {
        let mut event = Some(event);
        read(move |cx| {
            let port = self.port;
            if n > 0 && port.len() == 0 {
                port.mark_seen();
                return port.starve(cx);
            }
            // SAFETY: I2: used before the next read.
            let rest = unsafe { port.rest() };
            let taken = &rest[..n.min(rest.len())];
            port.advance(taken.len());
            port.mark_seen();
            if !taken.is_empty()
                && let Some(event) = event.take()
            {
                port.emit(event(taken));
            }
            Poll::Ready(Ok(taken.len()))
        })
    }

    /// Skips everything before a stop byte, and takes the stop byte.
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn skip_until(&mut self, stop: impl Stop) -> impl Future<Output = Result<u8, End>> {
        read(move |cx| self.port.scan::<false>(cx, |rest| stop.skip(rest), |_| ()))
    }

    /// Like [`skip_until`](Self::skip_until), but passes what lies before the stop to `take`.
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn scan_until(
        &mut self,
        stop: impl Stop,
        mut take: impl FnMut(&[u8]),
    ) -> impl Future<Output = Result<u8, End>> {
        read(move |cx| self.port.scan::<false>(cx, |rest| stop.find(rest), &mut take))
    }

    /// Like [`skip_until`](Self::skip_until), but emits what lies before the stop.
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn text_until(
        &mut self,
        stop: impl Stop,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> impl Future<Output = Result<u8, End>> {
        read(move |cx| {
            let port = self.port;
            if port.has_sink() {
                port.scan::<false>(cx, |rest| stop.find(rest), |piece| port.emit(event(piece)))
            } else {
                port.scan::<false>(cx, |rest| stop.skip(rest), |_| ())
            }
        })
    }

    /// Emits bytes while they belong to the set, and returns the first that does not without taking it.
    #[inline]
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn text_while(
        &mut self,
        set: Set,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> impl Future<Output = Result<u8, End>> {
        read(move |cx| {
            let port = self.port;
            let emit = |piece: &[u8]| {
                if port.has_sink() {
                    port.emit(event(piece));
                }
            };
            port.scan::<true>(cx, |rest| set.not().find(rest), emit)
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

    /// Creates an error that blames the next byte, whatever has been read.
    pub(crate) fn fail_here(&mut self, kind: ErrorKind) -> Failure {
        self.port.mark_seen();
        Failure::new(kind)
    }

    /// Borrows the chunk for tokens that lie whole in it. [`seek`](Self::seek) takes what has been read.
    #[inline(always)]
    pub(crate) fn window(&mut self) -> Window<'_, ToSink<'_, E>> {
        let port = self.port;
        // SAFETY: I2: the window borrows `self`.
        let (chunk, at) = unsafe { port.visible() };
        Window::new(chunk, at, port.base(), ToSink(port))
    }

    /// Puts the cursor where a [`window`](Self::window) has ended. The next byte is then the one to blame.
    #[inline(always)]
    pub(crate) fn seek(&mut self, at: usize) {
        self.port.seek(at);
        self.port.mark_seen();
    }

    /// Creates an error that blames [this byte](crate::engine#which-byte-an-error-blames), and puts
    /// the cursor before it.
    pub fn fail(&mut self, kind: ErrorKind) -> Failure {
        self.port.blame();
        Failure::new(kind)
    }

    /// Like [`fail`](Self::fail), and tells where the part began that the error is about.
    pub fn fail_from(&mut self, start: u64, kind: ErrorKind) -> Failure {
        let failure = self.fail(kind);
        self.port.set_error_start(start);
        failure
    }

    /// Lends what there is to read of this chunk: one byte or more, which
    /// [`advance`](Self::advance) takes.
    ///
    /// # Errors
    /// [`End::Finished`].
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn chunk(&mut self) -> impl Future<Output = Result<&[u8], End>> {
        self.chunk_at(Site::caller())
    }

    pub(super) async fn chunk_at(&mut self, site: Site) -> Result<&[u8], End> {
        self.peek_at(site).await?;
        // SAFETY: I2: the slice borrows `self`.
        Ok(unsafe { self.port.rest() })
    }

    /// Takes bytes of the [`chunk`](Self::chunk).
    ///
    /// # Panics
    /// If there are fewer left of it.
    pub fn advance(&mut self, count: usize) {
        self.port.advance_past_pause(count);
        self.port.mark_seen();
    }

    /// Skips what lies between values, and returns the byte after it without taking it.
    ///
    /// # Errors
    /// [`End::Finished`].
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn skip_between(
        &mut self,
        test: impl Fn(u8) -> bool,
    ) -> impl Future<Output = Result<u8, End>> {
        let site = Site::caller();
        async move {
            loop {
                let start = self.offset();
                let rest = self.chunk_at(site).await?;
                let count = rest.iter().take_while(|byte| test(**byte)).count();
                let next = rest.get(count).copied();
                self.advance(count);
                self.port.skipped_between(start);
                if let Some(next) = next {
                    return Ok(next);
                }
            }
        }
    }

    /// Bounds what is read through the result to `count` bytes. A read beyond them is
    /// [`ErrorKind::TooLong`].
    pub fn at_most(&mut self, count: u64) -> Limited<'_, 'p, E> {
        let limit = self.port.limit();
        self.limited(limit.at_most(self.offset(), count))
    }

    /// The next `count` bytes as an input of their own, which ends after them.
    pub fn frame(&mut self, count: u64) -> Limited<'_, 'p, E> {
        let limit = self.port.limit();
        self.limited(limit.frame(self.offset(), count))
    }

    fn limited(&mut self, limit: Limit) -> Limited<'_, 'p, E> {
        let outer = self.port.limit();
        self.port.set_limit(limit);
        Limited { input: self, outer }
    }
}

/// The reads up to a [`Delimiter`]. A read that is dropped before it has ended loses what it withheld.
#[cfg(feature = "alloc")]
impl<E: Events> Input<'_, E> {
    /// Skips everything before the delimiter, and takes the delimiter.
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn skip_before(
        &mut self,
        delimiter: &mut Delimiter,
    ) -> impl Future<Output = Result<(), End>> {
        delimiter.reset();
        read(move |cx| self.port.scan_before(cx, delimiter, |_| false))
    }

    /// Like [`skip_before`](Self::skip_before), but passes what lies before the delimiter to `take`.
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn scan_before(
        &mut self,
        delimiter: &mut Delimiter,
        mut take: impl FnMut(&[u8]),
    ) -> impl Future<Output = Result<(), End>> {
        delimiter.reset();
        read(move |cx| {
            self.port.scan_before(cx, delimiter, |piece| {
                take(piece);
                false
            })
        })
    }

    /// Like [`skip_before`](Self::skip_before), but emits what lies before the delimiter.
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn text_before(
        &mut self,
        delimiter: &mut Delimiter,
        mut event: impl for<'t> FnMut(&'t [u8]) -> E::Event<'t>,
    ) -> impl Future<Output = Result<(), End>> {
        delimiter.reset();
        read(move |cx| {
            let port = self.port;
            port.scan_before(cx, delimiter, |piece| {
                if port.has_sink() {
                    port.emit(event(piece));
                }
                port.is_paused()
            })
        })
    }
}

/// An [`Input`] with a bound: what [`Input::at_most`] and [`Input::frame`] return. Dropping it lifts
/// the bound.
#[derive(Debug)]
pub struct Limited<'a, 'p, E: Events = ()> {
    input: &'a mut Input<'p, E>,
    outer: Limit,
}

impl<E: Events> Limited<'_, '_, E> {
    /// Bytes that may still be read.
    pub fn remaining(&self) -> u64 {
        self.input.port.limit().room(self.input.offset())
    }

    /// Skips what is left of a frame.
    ///
    /// # Errors
    /// [`ErrorKind::UnexpectedEnd`] if the frame is cut short, [`ErrorKind::TooLong`] if it is a
    /// bound and not a frame.
    #[cfg_attr(feature = "debug", track_caller)]
    pub fn skip_rest(&mut self) -> impl Future<Output = Result<(), Failure>> {
        let site = Site::caller();
        async move {
            loop {
                match self.input.chunk_at(site).await {
                    Ok(rest) => {
                        let count = rest.len();
                        self.input.advance(count);
                    }
                    Err(End::Finished) => return Ok(()),
                    Err(end) => return Err(end.into()),
                }
            }
        }
    }
}

impl<'p, E: Events> Deref for Limited<'_, 'p, E> {
    type Target = Input<'p, E>;

    fn deref(&self) -> &Self::Target {
        self.input
    }
}

impl<E: Events> DerefMut for Limited<'_, '_, E> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.input
    }
}

impl<E: Events> Drop for Limited<'_, '_, E> {
    fn drop(&mut self) {
        self.input.port.set_limit(self.outer);
    }
}

impl<E: Events> fmt::Debug for Input<'_, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("offset", &self.offset()).finish_non_exhaustive()
    }
}
