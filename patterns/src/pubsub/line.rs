//! The line of publishers that wait for room, the same in both shapes.
//!
//! A [`Waiter`] carries its event. Its publisher holds one end of it, the [`Line`] the other. There is
//! one way out of the line that answers, [`Line::settle`], and it takes the event out of the waiter in
//! the same step in which it answers. So when a publisher learns that it has timed out, or that the
//! server is closed, the server no longer has its event, and no later call can publish it.

use core::mem;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::error::PublishError;
use super::forward::Subscriber;
use super::proto::{Deferred, Full, Payload, Registry};
use super::readers::Readers;
use super::report::Counts;
use crate::panics::discard;
use crate::sync::Mutex;
use crate::wakers::{AfterUnlock, WakerSlot};

/// A publisher that waits, with its event.
///
/// Lock order: after the lock of the server, before that of a queue.
pub(super) struct Waiter<E: ?Sized>(Mutex<State<E>>);

enum State<E: ?Sized> {
    Waiting {
        event: Payload<E>,
        bytes: usize,
        publisher: WakerSlot,
    },
    Answered(Result<u64, PublishError<E>>),
    /// The publisher has taken the answer, or has gone.
    Over,
}

impl<E: ?Sized> Waiter<E> {
    pub(super) fn new(event: Arc<E>, bytes: usize) -> Arc<Self> {
        let (event, publisher) = (Payload::new(event), WakerSlot::default());
        Arc::new(Self(Mutex::new(State::Waiting { event, bytes, publisher })))
    }

    /// Takes the answer.
    pub(super) fn poll(
        &self,
        cx: &Context<'_>,
        after: &mut AfterUnlock,
    ) -> Poll<Result<u64, PublishError<E>>> {
        let mut state = self.0.lock();
        if let State::Waiting { publisher, .. } = &mut *state {
            publisher.register(cx, after);
            return Poll::Pending;
        }
        match mem::replace(&mut *state, State::Over) {
            State::Answered(answer) => Poll::Ready(answer),
            _ => unreachable!("a publisher takes its answer once"),
        }
    }

    /// Wakes the publisher, to set its timer again.
    fn wake(&self, after: &mut AfterUnlock) {
        if let State::Waiting { publisher, .. } = &mut *self.0.lock() {
            publisher.wake(after);
        }
    }

    /// Handles that the publisher goes without an answer: its event is dropped at once. Returns whether
    /// it leaves a vacant place in the line.
    pub(super) fn give_up(&self) -> bool {
        let state = mem::replace(&mut *self.0.lock(), State::Over);
        let was_waiting = matches!(state, State::Waiting { .. });
        // User code, so the lock is not held here.
        discard(state);
        was_waiting
    }

    /// Returns whether the publisher waits.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(*self.0.lock(), State::Waiting { .. })
    }

    /// Answers a publisher without a line: the server has ended.
    pub(super) fn refuse(&self) {
        let mut locked = self.0.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        state.answer(|event, _| Err(PublishError::Closed(event))).wake(after);
    }

    /// Returns the event of a publisher that waits, for a bug that answers too early.
    pub(super) fn event(&self) -> Option<Arc<E>> {
        match &*self.0.lock() {
            State::Waiting { event, .. } => Some(event.get().clone()),
            _ => None,
        }
    }
}

impl<E: ?Sized> State<E> {
    /// Answers a publisher that waits, and returns its waker. `answer` takes the event, so it is either
    /// in the log or in the answer.
    fn answer(
        &mut self,
        answer: impl FnOnce(Arc<E>, usize) -> Result<u64, PublishError<E>>,
    ) -> WakerSlot {
        match mem::replace(self, Self::Over) {
            Self::Waiting { event, bytes, publisher } => {
                *self = Self::Answered(answer(event.into_inner(), bytes));
                publisher
            }
            other => {
                *self = other;
                WakerSlot::default()
            }
        }
    }
}

/// Publishers that wait for room, in the order in which they asked.
///
/// The call that makes room publishes their events, so a publisher that is neither polled nor dropped
/// holds up no other.
///
/// Invariant: while a publisher waits, there was no room when the line was last settled, and every call
/// that makes room or closes the server settles it again.
pub(super) struct Line<E: ?Sized> {
    /// All by one clock, so those that have waited longest come first.
    places: VecDeque<(Instant, Arc<Waiter<E>>)>,
    /// At least the number of places whose publisher has gone. When they may be half of all, they are
    /// removed, so a place costs constant time, however many publishers wait.
    vacant: usize,
    /// The number of publishers that were told that their time is over.
    timed_out: u64,
    /// The number of places that were looked at.
    #[cfg(test)]
    pub(super) visits: usize,
}

impl<E: ?Sized> Line<E> {
    pub(super) fn new() -> Self {
        Self {
            places: VecDeque::new(),
            vacant: 0,
            timed_out: 0,
            #[cfg(test)]
            visits: 0,
        }
    }

    /// Returns whether no publisher is in line.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Adds a publisher at the end.
    pub(super) fn join(&mut self, waiter: Arc<Waiter<E>>, now: Instant) {
        self.places.push_back((now, waiter));
    }

    /// Handles that this many publishers may have left places vacant.
    pub(super) fn handle_given_up(&mut self, count: usize) {
        self.vacant += count;
        if 2 * self.vacant > self.places.len() {
            #[cfg(test)]
            (self.visits += self.places.len());
            self.places.retain(|(_, waiter)| waiter.is_waiting());
            self.vacant = 0;
        }
    }

    pub(super) fn wake_all(&self, after: &mut AfterUnlock) {
        self.places.iter().for_each(|(_, waiter)| waiter.wake(after));
    }

    /// Answers all publishers that can be answered: publishes their events as long as there is room,
    /// and fails those that have waited for too long. Returns the subscriber for which the others wait,
    /// and the time at which the first of them gives up.
    ///
    /// Those behind the first need not be looked at. They wait for the same room, and for less long.
    pub(super) fn settle(
        &mut self,
        registry: &mut Registry<Subscriber<E>>,
        readers: &Readers,
        now: impl Fn() -> Instant,
        deferred: &mut Deferred<Subscriber<E>>,
    ) -> Option<(Full, Option<Instant>)> {
        while let Some((since, waiter)) = self.places.front() {
            #[cfg(test)]
            (self.visits += 1);
            let mut state = waiter.0.lock();
            if let State::Waiting { .. } = &*state {
                let full = if registry.is_closed() { None } else { registry.poll_room().err() };
                if let Some(full) = full
                    && now().saturating_duration_since(*since) < full.limit
                {
                    return Some((full, since.checked_add(full.limit)));
                }
                let mut publisher = state.answer(|event, bytes| match full {
                    // The event leaves with the answer: nothing here has it any more.
                    Some(full) => Err(PublishError::TimedOut { event, subscriber: full.id }),
                    None if registry.is_closed() => Err(PublishError::Closed(event)),
                    None => Ok(publish(event, bytes, registry, readers, &now, deferred)),
                });
                publisher.wake(&mut deferred.wakers);
                if let Some(full) = full {
                    self.timed_out += 1;
                    registry.tell_timed_out(full.id, &mut deferred.wakers);
                }
            }
            drop(state);
            // It is answered or gone, so this drops no event: its publisher leaves nothing behind.
            self.places.pop_front();
        }
        self.vacant = 0;
        None
    }

    /// Adds its counts to those of the registry.
    pub(super) fn count(&self, registry: &Registry<Subscriber<E>>, readers: &Readers) -> Counts {
        let (publishers, timed_out) = (self.places.len(), self.timed_out);
        Counts { publishers, timed_out, missed: readers.missed(), ..registry.counts() }
    }

    /// Answers all publishers: the server has ended.
    pub(super) fn refuse_all(&mut self) {
        self.places.drain(..).for_each(|(_, waiter)| waiter.refuse());
    }
}

/// Publishes an event for which there is room, and returns its number.
pub(super) fn publish<E: ?Sized>(
    event: Arc<E>,
    bytes: usize,
    registry: &mut Registry<Subscriber<E>>,
    readers: &Readers,
    now: impl Fn() -> Instant,
    deferred: &mut Deferred<Subscriber<E>>,
) -> u64 {
    let seq = registry.publish(event, bytes, now, deferred);
    readers.publish(registry.published(), &mut deferred.wakers);
    seq
}
