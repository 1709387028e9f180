//! One request to one server, with panics contained: all code of the user's runs in here.

use std::boxed::Box;
use std::future::Future;
use std::pin::Pin;
use std::string::String;
use std::task::{Context, Poll};
use std::time::Instant;

use super::core::End;
use crate::panics::contain;

/// A request as the user's function made it.
pub(super) type Request<R, E> = Pin<Box<dyn Future<Output = Result<R, E>> + Send>>;

/// A request that is under way.
pub(super) struct Attempt<R, E> {
    pub(super) server: usize,
    pub(super) started: Instant,
    request: Option<Request<R, E>>,
}

/// What came of a request.
pub(super) enum Answer<R, E> {
    Reply(R),
    Error(E),
    Panicked(String),
}

impl<R, E> Attempt<R, E> {
    pub(super) fn new(server: usize, started: Instant, request: Request<R, E>) -> Self {
        Self { server, started, request: Some(request) }
    }

    /// Polled until it is ready once.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Answer<R, E>> {
        let request = self.request.as_mut().expect("a request is not polled after its end");
        let answer = match contain(|| request.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(Ok(reply))) => Answer::Reply(reply),
            Ok(Poll::Ready(Err(error))) => Answer::Error(error),
            Err(message) => Answer::Panicked(message),
        };
        self.cancel();
        Poll::Ready(answer)
    }

    /// Drops the request.
    pub(super) fn cancel(&mut self) {
        let request = self.request.take();
        // Nothing is lost: the panic hook has reported it, and the request is over either way.
        let _ = contain(|| drop(request));
    }
}

impl<R, E> Drop for Attempt<R, E> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<R, E> Answer<R, E> {
    /// How the attempt ended, when nobody wants to know more.
    pub(super) fn end(self) -> End {
        let end = match self {
            Self::Reply(_) => End::Succeeded,
            Self::Error(_) => End::Failed,
            Self::Panicked(_) => End::Panicked,
        };
        let _ = contain(|| drop(self));
        end
    }
}
