//! The list of servers: joining, leaving, and the attempts at a server that leaves.
//!
//! The list and its order change at once, under the lock. What then remains of a server that has left
//! are its running attempts. They are like those of a client that shuts down: the requests that are
//! parked are dropped from here, and a call or loser that is being polled finds out before it parks
//! again. So a departure does not depend on another poll of a call.

use std::mem;
use std::sync::Arc;
use std::task::Context;
use std::time::Instant;
use std::vec::Vec;

use super::attempt::Attempt;
use super::proto::ServerStats;
use super::report::EndKind;
use super::shared::{Key, SharedState};
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::trace::Event;
use crate::wait::{Clock, Step};
use crate::wakers::{AfterUnlock, WakerSlot};

/// An entry of a new list.
pub(super) enum Entry<S> {
    /// The server with this number stays.
    Stays(usize),
    Joins(Arc<S>),
}

/// A change of the list: the numbers of the servers that have joined, and the servers that have left.
pub(super) struct Change<S> {
    pub(super) joined: Vec<usize>,
    pub(super) left: Vec<(usize, Arc<S>)>,
}

impl<S, R, E> SharedState<S, R, E> {
    /// Returns the servers with their numbers, in list order, and the number of changes of the list.
    pub(super) fn list(&self) -> (Vec<(usize, Arc<S>)>, u64) {
        let number = |place| self.replicas.server(place);
        let list = self.servers.iter().enumerate();
        (list.map(|(place, server)| (number(place), server.clone())).collect(), self.changes)
    }

    /// Adds a server at the end of the list, unless the client is closed.
    pub(super) fn join(
        &mut self,
        server: Arc<S>,
        after: &mut AfterUnlock,
    ) -> Result<usize, Arc<S>> {
        if self.is_closed() {
            return Err(server);
        }
        self.servers.push(server);
        self.changes += 1;
        let number = self.replicas.handle_join();
        self.source.tell(after, || Event::MemberJoined { server: number });
        if !seeded::is(Bug::JoinIsNotAnnounced) {
            let waiting = self.parked.values_mut().filter(|parked| parked.is_out);
            waiting.for_each(|parked| parked.waker.wake(after));
        }
        Ok(number)
    }

    /// Removes a server from the list, whose departure is now [waited for](Departing).
    pub(super) fn leave(&mut self, number: usize, after: &mut AfterUnlock) -> Option<Arc<S>> {
        let place = self.replicas.handle_leave(number)?;
        self.source.tell(after, || Event::MemberLeft { server: number });
        self.changes += 1;
        self.departures.insert(number, WakerSlot::default());
        Some(self.servers.remove(place))
    }

    /// Replaces the list, unless the client is closed.
    ///
    /// # Panics
    /// If an entry that stays is not in the list.
    pub(super) fn replace(&mut self, entries: Vec<Entry<S>>, after: &mut AfterUnlock) -> Change<S> {
        let mut joined = Vec::new();
        let mut order = Vec::new();
        // Those who join do so first, so that the list is empty at no time.
        for entry in entries {
            order.push(match entry {
                Entry::Stays(number) => number,
                Entry::Joins(server) => {
                    let Ok(number) = self.join(server, after) else { unreachable!("it is open") };
                    joined.push(number);
                    number
                }
            });
        }
        let (list, _) = self.list();
        let mut stay = order.clone();
        stay.sort_unstable();
        let leave = list.iter().filter(|(number, _)| stay.binary_search(number).is_err());
        let left =
            leave.filter_map(|(number, _)| Some((*number, self.leave(*number, after)?))).collect();
        let place = |number: &usize| self.replicas.place(*number).expect("it is in the list");
        self.servers = order.iter().map(|number| self.servers[place(number)].clone()).collect();
        self.replicas.handle_order(&order);
        self.tell_changes(after);
        Change { joined, left }
    }
}

/// Drops the attempts at a server that leaves.
///
/// Those that are parked are dropped here. All that are being polled are dropped before they park again.
fn drop_attempts<S, R, E>(shared: &Mutex<SharedState<S, R, E>>, number: usize, now: Instant) {
    let mut dropped: Vec<(Key, Attempt<R, E>)> = Vec::new();
    {
        let mut state = shared.lock();
        state.replicas.handle_leave_abort(number);
        if seeded::is(Bug::LeaveNeedsAPoll) {
            return;
        }
        for (key, parked) in &mut state.parked {
            let Some(attempts) = &mut parked.attempts else { continue };
            let here = attempts.extract_if(.., |attempt| attempt.server == number);
            let before = dropped.len();
            dropped.extend(here.map(|attempt| (*key, attempt)));
            // A loser is over, and waits here to be counted. A call goes on with its other attempts.
            if key.loser.is_some() && dropped.len() > before {
                parked.attempts = None;
            }
        }
        state.dropping += dropped.len();
    }
    // Requests are dropped without the lock, and before they count as over.
    dropped.iter_mut().for_each(|(_, attempt)| attempt.cancel());
    let mut locked = shared.lock_with::<AfterUnlock>();
    let (state, after) = locked.split();
    state.dropping -= dropped.len();
    for (key, attempt) in &dropped {
        state.dropped(attempt, now);
        if let Some(parked) = state.parked.get_mut(key) {
            parked.waker.wake(after);
        }
        if key.loser.is_some() {
            state.end(*key, EndKind::Cancelled, after);
        }
    }
    state.wake(after);
    state.wake_shutdowns(after);
}

/// The wait for the last attempt at a server that has left.
pub(super) struct Departing<S, R, E> {
    shared: Arc<Mutex<SharedState<S, R, E>>>,
    number: usize,
    /// When the attempts are dropped. `None` once they are, or never.
    deadline: Option<Instant>,
    is_over: bool,
}

impl<S, R, E> Departing<S, R, E> {
    /// Drops the attempts at once if the deadline is over.
    pub(super) fn new(
        shared: &Arc<Mutex<SharedState<S, R, E>>>,
        number: usize,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Self {
        let shared = shared.clone();
        let mut departing = Self { shared, number, deadline, is_over: false };
        departing.drop_late(now);
        departing
    }

    fn drop_late(&mut self, now: Instant) {
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            self.deadline = None;
            drop_attempts(&self.shared, self.number, now);
        }
    }

    pub(super) fn step(&mut self, cx: &Context<'_>, clock: Clock) -> Step<ServerStats> {
        if self.deadline.is_some() {
            self.drop_late(clock.now());
        }
        let mut locked = self.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if let Some(stats) = state.replicas.poll_departed(self.number) {
            self.is_over = true;
            if let Some(mut waker) = state.departures.remove(&self.number) {
                waker.clear(after);
            }
            return Step::Done(stats);
        }
        if let Some(waker) = state.departures.get_mut(&self.number) {
            waker.register(cx, after);
        }
        Step::Wait { until: self.deadline }
    }
}

/// The server carries on to the end of its attempts, unannounced.
impl<S, R, E> Drop for Departing<S, R, E> {
    fn drop(&mut self) {
        if !mem::replace(&mut self.is_over, true) {
            let mut locked = self.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            state.replicas.forget(self.number);
            if let Some(mut waker) = state.departures.remove(&self.number) {
                waker.clear(after);
            }
        }
    }
}
