//! The state that calls, losers and shutdowns share under one lock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use std::vec::Vec;

use super::attempt::Attempt;
use super::proto::{Action, AttemptEnd, Call, Outcome, Replicas};
use super::report::{EndCounts, EndKind};
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::trace::{Event, Source};
use crate::waiters::Waiters;
use crate::wakers::{AfterUnlock, WakerSlot};

pub(super) struct SharedState<S, R, E> {
    pub(super) source: Source,
    /// The preferred server of which the last event told.
    told_server: Option<usize>,
    /// Set from the event that the budget is empty to the one that it has recovered.
    is_short: bool,
    pub(super) replicas: Replicas,
    /// The servers, in list order.
    pub(super) servers: Vec<Arc<S>>,
    /// Changes of the list.
    pub(super) changes: u64,
    phase: Phase,
    /// Running calls.
    pub(super) calls: usize,
    /// Running losers.
    pub(super) losers: usize,
    /// Calls and losers that wait, with their attempts.
    pub(super) parked: BTreeMap<Key, Parked<R, E>>,
    /// Attempts that were parked at a server that leaves, and are being dropped.
    pub(super) dropping: usize,
    /// Departures that wait, by the number of their server.
    pub(super) departures: BTreeMap<usize, WakerSlot>,
    /// Shutdowns that wait.
    pub(super) shutdowns: Waiters,
    /// Ends of calls and losers since the client was closed.
    pub(super) calls_ended: EndCounts,
    pub(super) losers_ended: EndCounts,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Open,
    Draining,
    Aborting { since: Instant },
}

/// Names a call by its number, and a loser by that of its call and its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    call: u64,
    pub(super) loser: Option<usize>,
}

impl Key {
    pub(super) fn call(call: &Call) -> Self {
        Self { call: call.number(), loser: None }
    }
}

/// A call or loser between two polls. Its attempts are here, so that an abort does not depend on
/// another poll, which may never come.
pub(super) struct Parked<R, E> {
    pub(super) waker: WakerSlot,
    /// `None` while they are polled, and while an abort drops them.
    pub(super) attempts: Option<Vec<Attempt<R, E>>>,
    /// Set for a call that asks the next server that joins.
    pub(super) is_out: bool,
}

impl<R, E> Parked<R, E> {
    fn new(attempts: Option<Vec<Attempt<R, E>>>) -> Self {
        Self { waker: WakerSlot::default(), attempts, is_out: false }
    }
}

/// The next thing to do for a call.
pub(super) enum Next<S> {
    Start(usize, Arc<S>),
    /// Drop the attempts at this server, which leaves.
    Drop(usize),
    Finish(Outcome),
}

/// The client is shutting down and does not wait for its calls.
pub(super) struct Aborted {
    pub(super) since: Instant,
}

impl<S, R, E> SharedState<S, R, E> {
    pub(super) fn new(replicas: Replicas, servers: Vec<Arc<S>>, source: Source) -> Self {
        Self {
            source,
            told_server: replicas.preferred(),
            is_short: false,
            replicas,
            servers,
            changes: 0,
            phase: Phase::Open,
            calls: 0,
            losers: 0,
            parked: BTreeMap::new(),
            dropping: 0,
            departures: BTreeMap::new(),
            shutdowns: Waiters::default(),
            calls_ended: EndCounts::default(),
            losers_ended: EndCounts::default(),
        }
    }

    /// Returns the next thing to do for a call with these attempts.
    pub(super) fn poll_action(
        &mut self,
        call: &mut Call,
        attempts: &[Attempt<R, E>],
        now: Instant,
        after: &mut AfterUnlock,
    ) -> Result<Option<Next<S>>, Aborted> {
        self.aborted()?;
        let mut asked = attempts.iter().map(|attempt| attempt.server);
        if let Some(server) = asked.find(|&server| self.replicas.is_aborted(server)) {
            return Ok(Some(Next::Drop(server)));
        }
        let action = call.poll_action(&mut self.replicas, now);
        self.wake(after);
        Ok(action.map(|action| match action {
            Action::Finish(outcome) => Next::Finish(outcome),
            Action::Start(server) => {
                let place = self.replicas.place(server).expect("a server of the list");
                Next::Start(server, self.servers[place].clone())
            }
        }))
    }

    pub(super) fn is_closed(&self) -> bool {
        self.phase > Phase::Open
    }

    /// Accepts no more calls.
    pub(super) fn close(&mut self) {
        self.phase = self.phase.max(Phase::Draining);
    }

    pub(super) fn aborted(&self) -> Result<(), Aborted> {
        match self.phase {
            Phase::Aborting { since } => Err(Aborted { since }),
            _ => Ok(()),
        }
    }

    /// Leaves the attempts of a call or loser here until it is polled again.
    pub(super) fn park(
        &mut self,
        key: Key,
        attempts: Vec<Attempt<R, E>>,
        is_out: bool,
        cx: &Context<'_>,
        after: &mut AfterUnlock,
    ) {
        let parked = self.parked.entry(key).or_insert_with(|| Parked::new(None));
        parked.waker.register(cx, after);
        (parked.attempts, parked.is_out) = (Some(attempts), is_out);
    }

    /// Takes the attempts out again, as far as they have not been dropped with their server. `None` if an
    /// abort was faster, or if the one attempt of a loser has been dropped with its server.
    ///
    /// The answer comes after the end that an abort or a departure makes: while it drops the requests, this is
    /// pending, and `None` comes once the call or loser has been counted and its entry is gone.
    pub(super) fn unpark(
        &mut self,
        key: Key,
        cx: &Context<'_>,
        after: &mut AfterUnlock,
    ) -> Poll<Option<Vec<Attempt<R, E>>>> {
        let Some(parked) = self.parked.get_mut(&key) else {
            return Poll::Ready(None);
        };
        match parked.attempts.take() {
            Some(attempts) => Poll::Ready(Some(attempts)),
            None => {
                parked.waker.register(cx, after);
                Poll::Pending
            }
        }
    }

    /// Turns attempts of a call into parked losers, the oldest first, as far as there are slots and their
    /// requests need not be dropped with their servers.
    pub(super) fn keep(
        &mut self,
        call: &Call,
        attempts: &mut Vec<Attempt<R, E>>,
        at_most: usize,
    ) -> Vec<Key> {
        let room = if self.aborted().is_err() { 0 } else { at_most.saturating_sub(self.losers) };
        let may_stay = |attempt: &mut Attempt<R, E>| !self.replicas.is_aborted(attempt.server);
        let kept: Vec<_> = attempts.extract_if(.., may_stay).take(room).collect();
        self.losers += kept.len();
        let park = |attempt: Attempt<R, E>| {
            let key = Key { call: call.number(), loser: Some(attempt.server) };
            self.parked.insert(key, Parked::new(Some(Vec::from([attempt]))));
            key
        };
        kept.into_iter().map(park).collect()
    }

    /// Counts the end of a call or loser, whose attempts have ended before.
    pub(super) fn end(&mut self, key: Key, end: EndKind, after: &mut AfterUnlock) {
        if let Some(mut parked) = self.parked.remove(&key) {
            parked.waker.clear(after);
        }
        let (running, ends) = match key.loser {
            None => {
                self.replicas.ended().add(end);
                (&mut self.calls, &mut self.calls_ended)
            }
            Some(_) => (&mut self.losers, &mut self.losers_ended),
        };
        *running -= 1;
        if self.phase > Phase::Open {
            ends.add(end);
        }
        self.wake_shutdowns(after);
    }

    pub(super) fn wake_shutdowns(&self, after: &mut AfterUnlock) {
        if self.is_idle() && !self.shutdowns.is_empty() {
            after.wake(self.shutdowns.all());
        }
    }

    /// Counts an attempt that was dropped without its call or loser.
    pub(super) fn dropped(&mut self, attempt: &Attempt<R, E>, now: Instant) {
        let took = now.saturating_duration_since(attempt.started);
        self.replicas.handle_end(attempt.server, AttemptEnd::Cancelled, took);
    }

    pub(super) fn is_idle(&self) -> bool {
        self.calls == 0 && self.losers == 0 && self.dropping == 0
    }

    /// Tells that a call waits for the budget, unless that is known.
    pub(super) fn tell_short(&mut self, after: &mut AfterUnlock) {
        if !std::mem::replace(&mut self.is_short, true) {
            self.source.tell(after, || Event::BudgetEmpty {});
        }
    }

    /// Tells of another preferred server, and of a budget that has recovered.
    #[inline]
    pub(super) fn tell_changes(&mut self, after: &mut AfterUnlock) {
        let server = self.replicas.preferred();
        let before = std::mem::replace(&mut self.told_server, server);
        if let (Some(server), Some(before)) = (server, before)
            && server != before
        {
            self.source.tell(after, || Event::PreferenceChanged { server, before });
        }
        if self.is_short && self.replicas.is_half_full() {
            self.is_short = false;
            self.source.tell(after, || Event::BudgetRecovered {});
        }
    }

    /// Wakes the calls whose turn has come to ask another server, and who waits for a server that has
    /// left and whose last attempt has ended. Each change of the replicas may have brought one.
    #[inline]
    pub(super) fn wake(&mut self, after: &mut AfterUnlock) {
        self.tell_changes(after);
        if self.replicas.has_wakes() {
            self.wake_all(after);
        }
    }

    fn wake_all(&mut self, after: &mut AfterUnlock) {
        while let Some(server) = self.replicas.poll_gone() {
            if let Some(waker) = self.departures.get_mut(&server)
                && !seeded::is(Bug::LastAttemptIsNotAnnounced)
            {
                waker.wake(after);
            }
        }
        while let Some(call) = self.replicas.poll_wake() {
            if let Some(parked) = self.parked.get_mut(&Key { call, loser: None })
                && !seeded::is(Bug::LineIsNotWoken)
            {
                parked.waker.wake(after);
            }
        }
    }
}

/// Ends everything that is running.
///
/// Ends all that is parked. All that is being polled finds out before it parks again.
pub(super) fn abort<S, R, E>(shared: &Mutex<SharedState<S, R, E>>, now: Instant) {
    let mut parked: Vec<(Key, Vec<Attempt<R, E>>)> = {
        let mut state = shared.lock();
        if state.aborted().is_err() {
            return;
        }
        state.phase = Phase::Aborting { since: now };
        if seeded::is(Bug::AbortNeedsAPoll) {
            return;
        }
        let take = |(key, parked): (&Key, &mut Parked<R, E>)| Some((*key, parked.attempts.take()?));
        state.parked.iter_mut().filter_map(take).collect()
    };
    // Requests are dropped without the lock, and before their calls count as over.
    parked.iter_mut().flat_map(|(_, attempts)| attempts).for_each(Attempt::cancel);
    let mut locked = shared.lock_with::<AfterUnlock>();
    let (state, after) = locked.split();
    for (key, attempts) in parked {
        for attempt in &attempts {
            state.dropped(attempt, now);
        }
        if let Some(parked) = state.parked.get_mut(&key)
            && !seeded::is(Bug::AbortIsNotAnnounced)
        {
            parked.waker.wake(after);
        }
        state.end(key, EndKind::Aborted, after);
    }
    state.wake(after);
}
