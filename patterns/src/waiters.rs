//! Queues of waiters.

use std::collections::VecDeque;
use std::mem;
use std::task::{Context, Waker};
use std::vec::Vec;

use crate::seeded::{self, Bug};
use crate::wakers::AfterUnlock;

/// The number of a waiter in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// A queue of waiters. The first one has the turn, and keeps it until it is removed.
///
/// Waking the first waiter takes nothing from it, so a wake-up cannot be lost: if the waiter leaves
/// instead of taking its turn, [`remove`](Self::remove) passes the turn on.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    queue: VecDeque<(Ticket, Waker)>,
    next: u64,
}

impl Waiters {
    /// Returns whether the waiter with this ticket, or a newcomer without one, has the turn.
    pub(crate) fn has_turn(&self, ticket: Option<Ticket>) -> bool {
        self.queue.front().map(|(first, _)| *first) == ticket || self.queue.is_empty()
    }

    /// Adds a waiter at the end, or updates the waker of one that is queued.
    pub(crate) fn enqueue(
        &mut self,
        ticket: &mut Option<Ticket>,
        cx: &Context<'_>,
        after: &mut AfterUnlock,
    ) {
        if let Some(index) = ticket.and_then(|ticket| self.index(ticket)) {
            let waker = &mut self.queue[index].1;
            if !waker.will_wake(cx.waker()) {
                after.discard([mem::replace(waker, cx.waker().clone())]);
            }
            return;
        }
        let joined = Ticket(self.next);
        self.next += 1;
        self.queue.push_back((joined, cx.waker().clone()));
        *ticket = Some(joined);
    }

    /// Removes a waiter, if it is queued. If it had the turn, wakes the next one.
    pub(crate) fn remove(&mut self, ticket: Option<Ticket>, after: &mut AfterUnlock) {
        let had_turn = ticket.is_some() && self.queue.front().map(|(first, _)| *first) == ticket;
        self.forget(ticket, after);
        if had_turn && !seeded::is(Bug::TurnIsLost) {
            after.wake(self.first());
        }
    }

    /// Removes a waiter, if it is queued, and wakes no other. For waiters that take no turns: all of
    /// them are woken at once.
    pub(crate) fn forget(&mut self, ticket: Option<Ticket>, after: &mut AfterUnlock) {
        if let Some(index) = ticket.and_then(|ticket| self.index(ticket)) {
            after.discard(self.queue.remove(index).map(|(_, waker)| waker));
        }
    }

    /// Returns the waker of the first waiter.
    pub(crate) fn first(&self) -> Option<Waker> {
        self.queue.front().map(|(_, waker)| waker.clone())
    }

    /// Returns the wakers of all waiters.
    pub(crate) fn all(&self) -> Vec<Waker> {
        self.queue.iter().map(|(_, waker)| waker.clone()).collect()
    }

    /// Removes all waiters, and returns their wakers. A waiter that joins again has a new ticket.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = Waker> {
        self.queue.drain(..).map(|(_, waker)| waker)
    }

    /// Returns whether there are no waiters.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    fn index(&self, ticket: Ticket) -> Option<usize> {
        self.queue.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()
    }
}
