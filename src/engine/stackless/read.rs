//! The future of a read.

use core::pin::Pin;
use core::task::{Context, Poll};

use crate::engine::site::Site;

/// Polls a closure, as [`core::future::PollFn`] does, but always inlined: a body then has no call for
/// each read, and keeps what the reads look at in registers.
pub(super) struct Read<F>(F, Site);

#[cfg_attr(feature = "debug", track_caller)]
pub(super) fn read<F, T>(poll: F) -> Read<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T>,
{
    read_at(Site::caller(), poll)
}

/// Like [`read`], for a line of the body that is known.
pub(super) fn read_at<F, T>(site: Site, poll: F) -> Read<F>
where
    F: FnMut(&mut Context<'_>) -> Poll<T>,
{
    Read(poll, site)
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
        let poll = (self.0)(cx);
        if poll.is_pending() {
            self.1.note();
        }
        poll
    }
}
