//! Publishing.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::super::error::PublishError;
use super::super::forward::Subscriber;
use super::super::line::{self, Waiter};
use super::super::proto::{Deferred, Full};
use super::{Inner, State};
use crate::seeded::{self, Bug};
use crate::wait::{Clock, Step};
use crate::waits::Why;

/// A publish under way. If it is dropped while it waits, its event reaches no subscriber.
pub(super) struct Publishing<'a, E: ?Sized> {
    inner: &'a Inner<E>,
    bytes: usize,
    stage: Stage<E>,
}

/// The event is in one place at a time: here, in the line with its waiter, or where the answer says.
enum Stage<E: ?Sized> {
    New(Arc<E>),
    /// In the line since then.
    Waiting(Arc<Waiter<E>>, Instant),
    Over,
}

impl<'a, E: ?Sized> Publishing<'a, E> {
    pub(super) fn new(inner: &'a Inner<E>, event: Arc<E>, bytes: usize) -> Self {
        Self { inner, bytes, stage: Stage::New(event) }
    }

    /// Publishes if no publisher is in line and there is room. Otherwise returns `None`, and
    /// [`poll`](Self::poll) goes on.
    ///
    /// Mostly this is all of it, and then costs less than a wait that is over at once.
    pub(super) fn publish_at_once(&mut self, clock: Clock) -> Option<Result<u64, PublishError<E>>> {
        let mut locked = self.inner.lock();
        let (state, deferred) = locked.split();
        if !state.line.is_empty() || state.registry.poll_room().is_err() {
            return None;
        }
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::New(event) => Some(self.publish(event, state, clock, deferred)),
            _ => unreachable!("it is the first attempt"),
        }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
        why: &mut Why,
    ) -> Step<Result<u64, PublishError<E>>> {
        let mut locked = self.inner.lock();
        let (state, deferred) = locked.split();
        if seeded::is(Bug::AnswersInLine)
            && let Some(error) = self.answer_in_line(state, clock)
        {
            return Step::Done(Err(error));
        }
        // A reader may have made room and not announced it yet.
        let full = self.inner.settle(state, || clock.now(), deferred);
        let (waiter, since) = match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Waiting(waiter, since) => (waiter, since),
            Stage::New(event) => {
                // Room is for the line first. The line is empty once there is enough for all.
                if full.is_none()
                    && (state.registry.is_closed() || state.registry.poll_room().is_ok())
                {
                    return Step::Done(self.publish(event, state, clock, deferred));
                }
                let (waiter, now) = (Waiter::new(event, self.bytes), clock.now());
                state.line.join(waiter.clone(), now);
                // Its limit may be over at once.
                self.inner.settle(state, || now, deferred);
                (waiter, now)
            }
            Stage::Over => unreachable!("a publish is not polled after its end"),
        };
        if let Poll::Ready(answer) = waiter.poll(cx, &mut deferred.wakers) {
            return Step::Done(answer);
        }
        // Each has a timer of its own, since others may not be polled. A subscriber that has room now
        // may have none when its shorter limit is over.
        let waited = clock.now().saturating_duration_since(since);
        let limit = state.registry.next_limit(waited);
        why.set_place(Some(self.inner.progress.place(0)));
        self.stage = Stage::Waiting(waiter, since);
        Step::Wait { until: limit.and_then(|limit| since.checked_add(limit)) }
    }

    /// Publishes without a line, unless the server is closed. Either way the event was never in it.
    fn publish(
        &self,
        event: Arc<E>,
        state: &mut State<E>,
        clock: Clock,
        deferred: &mut Deferred<Subscriber<E>>,
    ) -> Result<u64, PublishError<E>> {
        if state.registry.is_closed() {
            return Err(PublishError::Closed(event));
        }
        let (registry, readers) = (&mut state.registry, &self.inner.readers);
        Ok(line::publish(event, self.bytes, registry, readers, || clock.now(), deferred))
    }

    /// Answers while the event is in the line, which a reader may settle before the drop removes it.
    fn answer_in_line(&self, state: &mut State<E>, clock: Clock) -> Option<PublishError<E>> {
        let Stage::Waiting(waiter, since) = &self.stage else { return None };
        let Full { id: subscriber, limit, .. } = state.registry.poll_room().err()?;
        let is_over = clock.now().saturating_duration_since(*since) >= limit;
        let event = waiter.event().filter(|_| is_over)?;
        Some(PublishError::TimedOut { event, subscriber })
    }
}

impl<E: ?Sized> Drop for Publishing<'_, E> {
    fn drop(&mut self) {
        if let Stage::Waiting(waiter, _) = &self.stage
            && waiter.give_up()
        {
            self.inner.state.lock().line.handle_given_up(1);
        }
    }
}
