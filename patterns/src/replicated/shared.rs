//! The state that calls, losers and shutdowns share under one lock.

use std::collections::BTreeMap;
use std::task::{Context, Poll};
use std::time::Instant;
use std::vec::Vec;

use super::attempt::Attempt;
use super::options::CallOptions;
use super::proto::{AttemptEnd, Call, Replicas};
use super::report::{EndCounts, EndKind};
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::trace::{Event, Source};
use crate::waiters::Waiters;
use crate::wakers::{AfterUnlock, WakerSlot};

pub(super) struct SharedState<R, E> {
    pub(super) source: Source,
    /// The preferred server of which the last event told.
    told_server: usize,
    /// Set from the event that the budget is empty to the one that it has recovered.
    is_short: bool,
    pub(super) replicas: Replicas,
    phase: Phase,
    /// Running calls.
    pub(super) calls: usize,
    /// Running losers.
    pub(super) losers: usize,
    /// Calls and losers that wait, with their attempts.
    parked: BTreeMap<Key, Parked<R, E>>,
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
struct Parked<R, E> {
    waker: WakerSlot,
    /// `None` while they are polled, and while an abort drops them.
    attempts: Option<Vec<Attempt<R, E>>>,
}

/// The client is shutting down and does not wait for its calls.
pub(super) struct Aborted {
    pub(super) since: Instant,
}

impl<R, E> SharedState<R, E> {
    pub(super) fn new(replicas: Replicas, source: Source) -> Self {
        Self {
            source,
            told_server: replicas.preferred(),
            is_short: false,
            replicas,
            phase: Phase::Open,
            calls: 0,
            losers: 0,
            parked: BTreeMap::new(),
            shutdowns: Waiters::default(),
            calls_ended: EndCounts::default(),
            losers_ended: EndCounts::default(),
        }
    }

    /// Begins a call, unless the client is closed.
    pub(super) fn begin(
        &mut self,
        options: CallOptions,
        now: Instant,
        after: &mut AfterUnlock,
    ) -> Option<Call> {
        if self.phase > Phase::Open {
            return None;
        }
        self.calls += 1;
        let call = Call::new(&mut self.replicas, options, now);
        self.wake_line(after);
        Some(call)
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
        cx: &Context<'_>,
        after: &mut AfterUnlock,
    ) {
        let new = || Parked { waker: WakerSlot::default(), attempts: None };
        let parked = self.parked.entry(key).or_insert_with(new);
        parked.waker.register(cx, after);
        parked.attempts = Some(attempts);
    }

    /// Takes the attempts out again, unless an abort was faster.
    ///
    /// An abort answers last: while it drops the requests, this is pending, and `Aborted` comes once the
    /// call or loser has been counted and its entry is gone.
    pub(super) fn unpark(
        &mut self,
        key: Key,
        cx: &Context<'_>,
        after: &mut AfterUnlock,
    ) -> Poll<Result<Vec<Attempt<R, E>>, Aborted>> {
        let Some(parked) = self.parked.get_mut(&key) else {
            return Poll::Ready(Err(self.aborted().expect_err("attempts are taken by an abort")));
        };
        match parked.attempts.take() {
            Some(attempts) => Poll::Ready(Ok(attempts)),
            None => {
                parked.waker.register(cx, after);
                Poll::Pending
            }
        }
    }

    /// Turns attempts of a call into parked losers, the oldest first, as far as there are slots.
    pub(super) fn keep(
        &mut self,
        call: &Call,
        attempts: &mut Vec<Attempt<R, E>>,
        at_most: usize,
    ) -> Vec<Key> {
        let room = if self.aborted().is_err() { 0 } else { at_most.saturating_sub(self.losers) };
        let kept = attempts.drain(..room.min(attempts.len())).map(|attempt| {
            let key = Key { call: call.number(), loser: Some(attempt.server) };
            let attempts = Some(Vec::from([attempt]));
            self.parked.insert(key, Parked { waker: WakerSlot::default(), attempts });
            key
        });
        let kept: Vec<Key> = kept.collect();
        self.losers += kept.len();
        kept
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
        if self.is_idle() {
            after.wake(self.shutdowns.all());
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.calls == 0 && self.losers == 0
    }

    /// Tells that a call waits for the budget, unless that is known.
    pub(super) fn tell_short(&mut self, after: &mut AfterUnlock) {
        if !std::mem::replace(&mut self.is_short, true) {
            self.source.tell(after, || Event::BudgetEmpty {});
        }
    }

    /// Wakes the calls whose turn has come to ask another server. Each change of the replicas may have
    /// brought one.
    pub(super) fn wake_line(&mut self, after: &mut AfterUnlock) {
        let server = self.replicas.preferred();
        let before = std::mem::replace(&mut self.told_server, server);
        if server != before {
            self.source.tell(after, || Event::PreferenceChanged { server, before });
        }
        if self.is_short && self.replicas.is_half_full() {
            self.is_short = false;
            self.source.tell(after, || Event::BudgetRecovered {});
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
pub(super) fn abort<R, E>(shared: &Mutex<SharedState<R, E>>, now: Instant) {
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
        for Attempt { server, started, .. } in &attempts {
            let took = now.saturating_duration_since(*started);
            state.replicas.handle_end(*server, AttemptEnd::Cancelled, took);
        }
        if let Some(parked) = state.parked.get_mut(&key)
            && !seeded::is(Bug::AbortIsNotAnnounced)
        {
            parked.waker.wake(after);
        }
        state.end(key, EndKind::Aborted, after);
    }
}
