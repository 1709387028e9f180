//! The future of a nested call.

use alloc::boxed::Box;
use core::fmt;
use core::marker::{PhantomData, PhantomPinned};
use core::mem;
use core::pin::Pin;
use core::task::{Context, Poll};

use super::call_stack::Handle;
use super::input::Input;
use super::port::Port;
use super::waker::is_own;
use crate::error::{ErrorKind, Failure};
use crate::parser::Events;

impl<'p, E: Events> Input<'p, E> {
    /// Calls a body one level deeper.
    ///
    /// # Errors
    /// [`ErrorKind::TooDeep`], or what the body returns.
    pub fn nested<'a, F, T>(
        &'a mut self,
        body: impl FnOnce(&'a mut Self) -> F,
    ) -> impl Future<Output = Result<T, Failure>>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let port = self.port;
        Nested::new(self, port, body)
    }
}

/// A nested call: what [`Input::nested`] returns, to be awaited where it is made.
pub(super) struct Nested<'a, 'p, E: Events, B, F: Future> {
    port: &'p Port<E>,
    call: Call<'a, 'p, E, B, F>,
    /// Set if it counts for the depth.
    counts: bool,
    /// It is recognised by its address (I9).
    _pinned: PhantomPinned,
}

enum Call<'a, 'p, E: Events, B, F: Future> {
    Made(&'a mut Input<'p, E>, B),
    /// The future lies in a frame, and this owns it.
    Frame(Handle, PhantomData<(F, F::Output)>),
    /// The future is polled by whatever polls this.
    Boxed(Pin<Box<F>>),
    Over,
}

// SAFETY: the future that it owns, in a frame, and what that returns are `Send`; so is everything
// else in it, the port by its own invariant (I6).
unsafe impl<'a, 'p, E: Events, B, F> Send for Nested<'a, 'p, E, B, F>
where
    &'a mut Input<'p, E>: Send,
    B: Send,
    F: Future<Output: Send> + Send,
{
}

// SAFETY: a shared reference to it has no use but `Debug`, which does not touch the future.
unsafe impl<E: Events, B, F: Future> Sync for Nested<'_, '_, E, B, F> {}

impl<'a, 'p, E: Events, B, F: Future> Nested<'a, 'p, E, B, F> {
    pub(super) fn new(input: &'a mut Input<'p, E>, port: &'p Port<E>, body: B) -> Self {
        Self { port, call: Call::Made(input, body), counts: false, _pinned: PhantomPinned }
    }

    /// The call is over: what is left of it is dropped, and it no longer counts.
    fn end(&mut self) {
        struct Exit<'a, E: Events>(Option<&'a Port<E>>);

        impl<E: Events> Drop for Exit<'_, E> {
            fn drop(&mut self) {
                if let Some(port) = self.0 {
                    port.calls().exit();
                }
            }
        }

        let _exit = Exit(mem::take(&mut self.counts).then_some(self.port));
        match mem::replace(&mut self.call, Call::Over) {
            Call::Frame(handle, _) => self.port.calls().drop_frame(handle),
            rest => drop(rest),
        }
    }
}

impl<'a, 'p, E, B, F, T> Future for Nested<'a, 'p, E, B, F>
where
    E: Events,
    B: FnOnce(&'a mut Input<'p, E>) -> F,
    F: Future<Output = Result<T, Failure>>,
{
    type Output = Result<T, Failure>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let address = (&raw const *self).addr();
        // SAFETY: no field of it is pinned: the future lies in a frame or in a box.
        let this = unsafe { self.get_unchecked_mut() };
        let port = this.port;
        port.count_poll();
        let poll = match &mut this.call {
            Call::Made(..) => {
                let Call::Made(input, body) = mem::replace(&mut this.call, Call::Over) else {
                    unreachable!("it was just seen")
                };
                let inline = is_own(cx.waker()) && port.is_inline(address);
                if !(inline || port.calls().may_poll_boxed()) || !port.enter_call() {
                    return Poll::Ready(Err(input.fail(ErrorKind::TooDeep)));
                }
                this.counts = true;
                let future = body(input);
                if inline {
                    // SAFETY: it is inline, and its destructor drops the frame.
                    let handle = unsafe { port.calls().push(future) };
                    this.call = Call::Frame(handle, PhantomData);
                    match port.calls().poll_in_place::<F>(handle, cx) {
                        Some(poll) => poll,
                        None => port.leave_to_driver(),
                    }
                } else {
                    let mut future = Box::pin(future);
                    let poll = port.calls().poll_boxed(|| future.as_mut().poll(cx));
                    this.call = Call::Boxed(future);
                    poll
                }
            }
            Call::Frame(handle, _) => {
                // SAFETY: the frame was pushed with this type.
                match unsafe { port.calls().take_output::<F>(*handle) } {
                    Some(output) => Poll::Ready(output),
                    None => Poll::Pending,
                }
            }
            Call::Boxed(future) => port.calls().poll_boxed(|| future.as_mut().poll(cx)),
            Call::Over => panic!("a nested call is polled after its end"),
        };
        if poll.is_ready() {
            this.end();
        }
        poll
    }
}

impl<E: Events, B, F: Future> Drop for Nested<'_, '_, E, B, F> {
    fn drop(&mut self) {
        self.end();
    }
}

impl<E: Events, B, F: Future> fmt::Debug for Nested<'_, '_, E, B, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nested").finish_non_exhaustive()
    }
}
