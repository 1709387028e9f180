//! Publishing, and the line of those who wait for room.

use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;
use std::vec::Vec;

use super::super::PublishError;
use super::super::core::{Aftermath, Registry};
use super::super::forward::Seat;
use super::super::readers::Readers;
use super::Inner;
use crate::wait::{Clock, Step};
use crate::waits::Peer;

/// Publishers that wait for room.
///
/// Whoever makes room publishes for them, so a publisher that is not polled, or not dropped either,
/// keeps nobody waiting.
///
/// Invariant: if somebody waits, there was no room when the line was last looked at, and whoever makes
/// room or closes the server looks at it again.
pub(super) struct Line<E: ?Sized> {
    /// In the order of the tickets.
    waiting: VecDeque<Waiting<E>>,
    /// The numbers of events that were published, for those who have not asked since.
    published: BTreeMap<u64, u64>,
    next_ticket: u64,
    /// For how long the subscriber that they wait for lets them wait.
    limit: Duration,
}

struct Waiting<E: ?Sized> {
    ticket: u64,
    event: Arc<E>,
    bytes: usize,
    waker: Waker,
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

    pub(super) fn wakers(&self) -> Vec<Waker> {
        self.waiting.iter().map(|waiting| waiting.waker.clone()).collect()
    }

    /// Publishes what there is room for.
    pub(super) fn advance(
        &mut self,
        registry: &mut Registry<Seat<E>>,
        readers: &Readers,
        aftermath: &mut Aftermath<E>,
    ) {
        while !self.waiting.is_empty() && !registry.is_closed() {
            if let Err(full) = registry.room() {
                return self.wait_for(full.limit, aftermath);
            }
            let Some(first) = self.waiting.pop_front() else { return };
            let Waiting { ticket, event, bytes, waker } = first;
            let seq = registry.publish(event, bytes, || Clock::TOKIO.now(), aftermath);
            readers.publish(seq, &mut aftermath.wakers);
            self.published.insert(ticket, seq);
            aftermath.wakers.wake([waker]);
        }
    }

    /// Those who wait have set their alarms by the limit of another subscriber. If this one's is
    /// shorter, their time may be over.
    fn wait_for(&mut self, limit: Duration, aftermath: &mut Aftermath<E>) {
        if limit < self.limit {
            aftermath.wakers.wake(self.wakers());
        }
        self.limit = limit;
    }

    fn place(&self, ticket: u64) -> Option<usize> {
        self.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket).ok()
    }
}

/// An event on its way. Dropped while it waits, it has reached nobody.
pub(super) struct Publishing<'a, E: ?Sized> {
    inner: &'a Inner<E>,
    event: Arc<E>,
    bytes: usize,
    /// Its place in the line, and since when it waits.
    ticket: Option<u64>,
    since: Option<Instant>,
}

impl<'a, E: ?Sized> Publishing<'a, E> {
    pub(super) fn new(inner: &'a Inner<E>, event: Arc<E>) -> Self {
        Self { inner, bytes: (inner.size_of)(&event), event, ticket: None, since: None }
    }

    pub(super) fn ask(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
        peer: &mut Option<Peer>,
    ) -> Step<Result<u64, PublishError<E>>> {
        let mut aftermath = Aftermath::default();
        let mut _replaced = None;
        let mut state = self.inner.state.lock();
        let state = &mut *state;
        let full = loop {
            // A reader may have made room and not said so yet.
            state.advance(&self.inner.readers, &mut aftermath);
            if let Some(seq) = self.ticket.and_then(|ticket| state.line.published.remove(&ticket)) {
                self.ticket = None;
                return Step::Done(Ok(seq));
            }
            if state.registry.is_closed() {
                return Step::Done(Err(PublishError::Closed(self.event.clone())));
            }
            match state.registry.room() {
                Err(full) => break full,
                // Made just now: it is for those who wait, of whom this may be one.
                Ok(()) if !state.line.waiting.is_empty() => {}
                Ok(()) => {
                    let (event, now) = (self.event.clone(), || clock.now());
                    let seq = state.registry.publish(event, self.bytes, now, &mut aftermath);
                    self.inner.readers.publish(seq, &mut aftermath.wakers);
                    return Step::Done(Ok(seq));
                }
            }
        };
        let now = clock.now();
        let since = *self.since.get_or_insert(now);
        let waited = now.saturating_duration_since(since);
        if waited >= full.limit {
            let event = self.event.clone();
            return Step::Done(Err(PublishError::TimedOut { event, subscriber: full.id }));
        }
        state.line.limit = full.limit;
        _replaced = self.wait(&mut state.line, cx.waker());
        *peer = Some(Peer::Number(full.id.0));
        let limit = state.registry.next_limit(waited);
        Step::Wait { until: limit.and_then(|limit| since.checked_add(limit)) }
    }

    /// Joins the line, or stays in it with another waker. The old one comes back.
    fn wait(&mut self, line: &mut Line<E>, waker: &Waker) -> Option<Waker> {
        if let Some(place) = self.ticket.and_then(|ticket| line.place(ticket)) {
            let old = &mut line.waiting[place].waker;
            return (!old.will_wake(waker)).then(|| mem::replace(old, waker.clone()));
        }
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        self.ticket = Some(ticket);
        let (event, waker) = (self.event.clone(), waker.clone());
        line.waiting.push_back(Waiting { ticket, event, bytes: self.bytes, waker });
        None
    }
}

impl<E: ?Sized> Drop for Publishing<'_, E> {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket else { return };
        let mut state = self.inner.state.lock();
        let line = &mut state.line;
        line.published.remove(&ticket);
        let left = line.place(ticket).and_then(|place| line.waiting.remove(place));
        drop(state);
        drop(left);
    }
}
