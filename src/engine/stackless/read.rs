//! The future of a read.

use core::pin::Pin;
use core::task::{Context, Poll};

/// Polls a closure, as [`core::future::PollFn`] does, but always inlined: a body then has no call for
/// each read, and keeps what the reads look at in registers.
pub(super) struct Read<F>(F);

pub(super) fn read<F, T>(poll: F) -> Read<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T>,
{
    Read(poll)
}

/// The closure is never pinned.
impl<F> Unpin for Read<F> {}

impl<F, T> Future for Read<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T>,
{
    type Output = T;

    #[inline(always)]
    #[allow(clippy::inline_always, reason = "the reason for this type")]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        (self.0)(cx)
    }
}
