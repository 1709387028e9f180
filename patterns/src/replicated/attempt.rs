//! One request to one server. Panics of the request are contained here.

use std::boxed::Box;
use std::future::Future;
use std::pin::Pin;
use std::string::String;
use std::task::{Context, Poll};
use std::time::Instant;

use super::proto::AttemptEnd;
use crate::panics::{contain, discard};

/// A request, as user code made it.
pub(super) type Request<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;

/// A request that is under way.
pub(super) struct Attempt<R, E> {
    pub(super) server: usize,
    pub(super) started: Instant,
    request: Option<Request<R, E>>,
}

/// The result of a request.
pub(super) enum Completion<R, E> {
    Reply(R),
    Error(E),
    Panicked(String),
}

impl<R, E> Attempt<R, E> {
    pub(super) fn new(server: usize, started: Instant, request: Request<R, E>) -> Self {
        Self { server, started, request: Some(request) }
    }

    /// Polls the request. Not to be called again after `Ready`.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Completion<R, E>> {
        let request = self.request.as_mut().expect("a request is not polled after its end");
        let completion = match contain(|| request.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(reply))) => Completion::Reply(reply),
            Ok(Poll::Ready(Err(error))) => Completion::Error(error),
            Err(message) => Completion::Panicked(message),
        };
        self.cancel();
        Poll::Ready(completion)
    }

    /// Drops the request.
    #[inline]
    pub(super) fn cancel(&mut self) {
        if let Some(request) = self.request.take() {
            discard(request);
        }
    }
}

impl<R, E> Drop for Attempt<R, E> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<R, E> Completion<R, E> {
    /// Discards the result, and returns how the attempt ended.
    pub(super) fn into_end(self) -> AttemptEnd {
        let end = match self {
            Self::Reply(_) => AttemptEnd::Succeeded,
            Self::Error(_) => AttemptEnd::Failed,
            Self::Panicked(_) => AttemptEnd::Panicked,
        };
        discard(self);
        end
    }
}
