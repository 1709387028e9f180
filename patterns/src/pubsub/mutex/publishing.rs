//! Publishing, and the line of publishers that wait for room.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::task::Context;

use super::super::error::PublishError;
use super::super::forward::Subscriber;
use super::super::proto::{Deferred, Patience, Registry, TimedOut};
use super::super::readers::Readers;
use super::Inner;
use crate::wait::{Clock, Step};
use crate::waits::Peer;
use crate::wakers::{AfterUnlock, WakerSlot};

/// Publishers that wait for room.
///
/// The call that makes room publishes their events, so a publisher that is neither polled nor dropped
/// holds up no other.
///
/// Invariant: while a publisher waits, there was no room when the line last advanced, and every call
/// that makes room or closes the server advances it again.
pub(super) struct Line<E: ?Sized> {
    /// In the order of the tickets.
    waiting: VecDeque<Waiting<E>>,
    /// The numbers of the events that were published from the line, by ticket, until their publishers
    /// ask.
    published: BTreeMap<u64, u64>,
    next_ticket: u64,
    /// The limit of the subscriber that the line waits for.
    limit: Duration,
}

struct Waiting<E: ?Sized> {
    ticket: u64,
    event: Arc<E>,
    bytes: usize,
    waker: WakerSlot,
}

impl<E: ?Sized> Line<E> {
    pub(super) fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            published: BTreeMap::new(),
            next_ticket: 0,
            limit: Duration::MAX,
        }
    }

    pub(super) fn wake_all(&mut self, after: &mut AfterUnlock) {
        for waiting in &mut self.waiting {
            waiting.waker.wake(after);
        }
    }

    /// Publishes the events for which there is room.
    pub(super) fn advance(
        &mut self,
        registry: &mut Registry<Subscriber<E>>,
        readers: &Readers,
        deferred: &mut Deferred<Subscriber<E>>,
    ) {
        while !self.waiting.is_empty() && !registry.is_closed() {
            if let Err(full) = registry.poll_room() {
                return self.wait_for(full.limit, &mut deferred.wakers);
            }
            let Some(first) = self.waiting.pop_front() else { return };
            let Waiting { ticket, event, bytes, mut waker } = first;
            let seq = registry.publish(event, bytes, || Clock::TOKIO.now(), deferred);
            readers.publish(seq, &mut deferred.wakers);
            self.published.insert(ticket, seq);
            waker.wake(&mut deferred.wakers);
        }
    }

    /// Notes the limit that counts. If it has become shorter, some of those who wait may be out of
    /// time, but have set their timers by the old limit.
    fn wait_for(&mut self, limit: Duration, after: &mut AfterUnlock) {
        if limit < self.limit {
            self.wake_all(after);
        }
        self.limit = limit;
    }

    fn index(&self, ticket: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket).ok()
    }
}

/// A publish under way. If it is dropped while it waits, its event reaches no subscriber.
pub(super) struct Publishing<'a, E: ?Sized> {
    inner: &'a Inner<E>,
    event: Arc<E>,
    bytes: usize,
    /// Its ticket in the line.
    ticket: Option<u64>,
    patience: Patience,
}

impl<'a, E: ?Sized> Publishing<'a, E> {
    pub(super) fn new(inner: &'a Inner<E>, event: Arc<E>, bytes: usize) -> Self {
        Self { inner, bytes, event, ticket: None, patience: Patience::default() }
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
        peer: &mut Option<Peer>,
    ) -> Step<Result<u64, PublishError<E>>> {
        let mut locked = self.inner.lock();
        let (state, deferred) = locked.split();
        let full = loop {
            // A reader may have made room and not announced it yet.
            state.advance(&self.inner.readers, deferred);
            if let Some(seq) = self.ticket.and_then(|ticket| state.line.published.remove(&ticket)) {
                self.ticket = None;
                return Step::Done(Ok(seq));
            }
            if state.registry.is_closed() {
                return Step::Done(Err(PublishError::Closed(self.event.clone())));
            }
            match state.registry.poll_room() {
                Err(full) => break full,
                // Room that was made just now is for the line, which may include this publisher.
                Ok(()) if !state.line.waiting.is_empty() => {}
                Ok(()) => {
                    let (event, now) = (self.event.clone(), || clock.now());
                    let seq = state.registry.publish(event, self.bytes, now, deferred);
                    self.inner.readers.publish(seq, &mut deferred.wakers);
                    return Step::Done(Ok(seq));
                }
            }
        };
        match self.patience.poll_timeout(&state.registry, full, clock.now()) {
            Err(TimedOut { subscriber }) => {
                Step::Done(Err(PublishError::TimedOut { event: self.event.clone(), subscriber }))
            }
            Ok(until) => {
                state.line.limit = full.limit;
                self.enqueue(&mut state.line, cx, &mut deferred.wakers);
                *peer = Some(Peer::Number(full.id.0));
                Step::Wait { until }
            }
        }
    }

    /// Joins the end of the line, or stays in it with another waker.
    fn enqueue(&mut self, line: &mut Line<E>, cx: &Context<'_>, after: &mut AfterUnlock) {
        if let Some(index) = self.ticket.and_then(|ticket| line.index(ticket)) {
            return line.waiting[index].waker.register(cx, after);
        }
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        self.ticket = Some(ticket);
        let mut waker = WakerSlot::default();
        waker.register(cx, after);
        let event = self.event.clone();
        line.waiting.push_back(Waiting { ticket, event, bytes: self.bytes, waker });
    }
}

impl<E: ?Sized> Drop for Publishing<'_, E> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut locked = self.inner.lock();
        let (state, deferred) = locked.split();
        let line = &mut state.line;
        line.published.remove(&ticket);
        if let Some(Waiting { event, mut waker, .. }) =
            line.index(ticket).and_then(|index| line.waiting.remove(index))
        {
            waker.clear(&mut deferred.wakers);
            deferred.discard_event(event);
        }
    }
}
