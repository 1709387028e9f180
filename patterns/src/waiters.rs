//! Who waits, and who is to be woken.

use std::collections::VecDeque;
use std::task::{Context, Waker};
use std::vec::Vec;

use crate::seeded::{self, Bug};
use crate::wakers::AfterUnlock;

/// A place in a line of waiters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket(u64);

/// A line of waiters. Whoever is first has the turn, and keeps it until it leaves.
///
/// Waking the first one takes nothing away from it, so a wake-up cannot be lost: if the one that was
/// woken leaves instead of taking its turn, the turn passes on with [`leave`](Self::leave).
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    line: VecDeque<(Ticket, Waker)>,
    next: u64,
}

#[allow(dead_code, reason = "both forms while the callers move from one to the other")]
impl Waiters {
    /// Whether it is the turn of whoever holds this ticket, or of a newcomer who holds none.
    pub(crate) fn has_turn(&self, ticket: Option<Ticket>) -> bool {
        self.line.front().map(|(first, _)| *first) == ticket || self.line.is_empty()
    }

    /// Joins the line at its end, or stays in it with another waker. What comes back is the old
    /// waker, to be dropped when no lock is held.
    #[must_use = "a waker is dropped when no lock is held"]
    pub(crate) fn wait(&mut self, ticket: &mut Option<Ticket>, waker: &Waker) -> Option<Waker> {
        if let Some(place) = ticket.and_then(|ticket| self.place(ticket)) {
            let old = &mut self.line[place].1;
            return (!old.will_wake(waker)).then(|| std::mem::replace(old, waker.clone()));
        }
        let joined = Ticket(self.next);
        self.next += 1;
        self.line.push_back((joined, waker.clone()));
        *ticket = Some(joined);
        None
    }

    /// Leaves the line. The waker of the leaver is to be dropped when no lock is held; the other one,
    /// if the turn has passed on, to be woken.
    pub(crate) fn leave(&mut self, ticket: Ticket) -> (Option<Waker>, Option<Waker>) {
        let Some(place) = self.place(ticket) else { return (None, None) };
        let left = self.line.remove(place).map(|(_, waker)| waker);
        let passes_on = place == 0 && !seeded::is(Bug::TurnIsLost);
        (left, if passes_on { self.first() } else { None })
    }

    /// Joins the line at its end, or stays in it with another waker.
    pub(crate) fn enqueue(
        &mut self,
        ticket: &mut Option<Ticket>,
        cx: &Context<'_>,
        after: &mut AfterUnlock,
    ) {
        let replaced = self.wait(ticket, cx.waker());
        after.discard(replaced);
    }

    /// Leaves the line, with or without a place in it. If the turn passes on, the next one is woken.
    pub(crate) fn remove(&mut self, ticket: Option<Ticket>, after: &mut AfterUnlock) {
        let Some(ticket) = ticket else { return };
        let (left, next) = self.leave(ticket);
        after.discard(left);
        after.wake(next);
    }

    /// The waker of the first in line.
    pub(crate) fn first(&self) -> Option<Waker> {
        self.line.front().map(|(_, waker)| waker.clone())
    }

    /// Everybody's waker.
    pub(crate) fn all(&self) -> Vec<Waker> {
        self.line.iter().map(|(_, waker)| waker.clone()).collect()
    }

    fn place(&self, ticket: Ticket) -> Option<usize> {
        self.line.binary_search_by_key(&ticket, |(ticket, _)| *ticket).ok()
    }
}
