//! What the runners of one run share: the core under its lock, and who waits for it.

use std::collections::BTreeMap;
use std::task::{Context, Waker};
use std::time::Instant;

use super::core::{Core, Next, Outcome};
use super::progress::Snapshot;
use super::{Options, ServerId};
use crate::Shutdown;
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::wait::{Clock, Step};
use crate::wakers::AfterUnlock;

/// No value of the user's is in here, so what observes or controls a run has no type parameters.
#[derive(Debug)]
pub(super) struct Board {
    timed: bool,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    core: Core,
    /// What runs the servers that have not left.
    runners: BTreeMap<ServerId, Option<Waker>>,
    /// What lets servers in.
    door: Option<Waker>,
    /// What waits for the end.
    run: Option<Waker>,
    watchers: BTreeMap<u64, Waker>,
    next_watcher: u64,
}

impl Board {
    pub(super) fn new(tasks: usize, options: &Options, clock: Clock) -> Self {
        Self {
            timed: options.timed(),
            clock,
            state: Mutex::new(State {
                core: Core::new(tasks, options),
                runners: BTreeMap::new(),
                door: None,
                run: None,
                watchers: BTreeMap::new(),
                next_watcher: 0,
            }),
        }
    }

    /// Reads.
    pub(super) fn look<T>(&self, read: impl FnOnce(&Core) -> T) -> T {
        read(&self.state.lock().core)
    }

    /// Changes something, and wakes whom it concerns.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut later = AfterUnlock::default();
        let mut state = self.state.lock();
        let answer = change(&mut state.core);
        state.after_change(&mut later);
        answer
    }

    pub(super) fn join(&self) -> ServerId {
        let mut later = AfterUnlock::default();
        let mut state = self.state.lock();
        let server = state.core.join();
        state.runners.insert(server, None);
        state.after_change(&mut later);
        server
    }

    /// A runner is gone, and its waker with it: a run may outlive any number of servers.
    pub(super) fn leave(&self, server: ServerId) {
        let mut later = AfterUnlock::default();
        let mut _old = None;
        let mut state = self.state.lock();
        _old = state.runners.remove(&server);
        state.core.leave(server);
        state.after_change(&mut later);
    }

    /// The next task of a server, after what came of its last one. The first part of the answer is
    /// whether that counts.
    pub(super) fn next(
        &self,
        server: ServerId,
        ended: Option<Outcome>,
        cx: &mut Context<'_>,
    ) -> (bool, Step<Option<super::core::Attempt>>) {
        let mut later = AfterUnlock::default();
        let mut _old = None;
        let mut state = self.state.lock();
        // Under the lock, so that the core's time never goes back.
        let now = self.timed.then(|| self.clock.now());
        let counts = ended.is_some_and(|outcome| state.core.settle(server, outcome));
        let step = match state.core.take(server, now) {
            Next::Run(attempt) => Step::Done(Some(attempt)),
            Next::Leave => Step::Done(None),
            Next::Wait { until } => {
                _old = store(state.runners.entry(server).or_default(), cx);
                Step::Wait { until }
            }
        };
        state.after_change(&mut later);
        (counts, step)
    }

    /// Whether a server is to drop its call. Its waker is stored in case that it is later.
    pub(super) fn cancelled(&self, server: ServerId, cx: &mut Context<'_>) -> Step<()> {
        self.asked(server, cx, Core::cancelled)
    }

    /// Whether a server is not to wait for its lease to come back.
    pub(super) fn hurried(&self, server: ServerId, cx: &mut Context<'_>) -> Step<()> {
        self.asked(server, cx, |core, _| core.hurried())
    }

    fn asked(
        &self,
        server: ServerId,
        cx: &mut Context<'_>,
        question: impl FnOnce(&Core, ServerId) -> (bool, Option<Instant>),
    ) -> Step<()> {
        let mut _old = None;
        let mut state = self.state.lock();
        let (now, until) = question(&state.core, server);
        if now {
            return Step::Done(());
        }
        _old = store(state.runners.entry(server).or_default(), cx);
        drop(state);
        if until.is_some_and(|until| until <= self.clock.now()) {
            return Step::Done(());
        }
        Step::Wait { until }
    }

    /// Whether the run has ended, so that no server is let in any more.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Step<()> {
        let mut _old = None;
        let mut state = self.state.lock();
        if state.core.end().is_some() {
            return Step::Done(());
        }
        _old = store(&mut state.door, cx);
        Step::Wait { until: None }
    }

    /// Whether nothing of the run is left.
    pub(super) fn poll_over(&self, cx: &mut Context<'_>) -> Step<()> {
        let mut _old = None;
        let mut state = self.state.lock();
        if state.core.is_over() {
            return Step::Done(());
        }
        _old = store(&mut state.run, cx);
        Step::Wait { until: None }
    }

    pub(super) fn shutdown(&self, how: Shutdown) {
        match how {
            Shutdown::Abort => self.change(Core::abort),
            Shutdown::Drain { timeout } => {
                let deadline = self.clock.now().checked_add(timeout);
                self.change(|core| core.drain(deadline));
            }
        }
    }

    /// How things stand, if that is not what was seen already; `None` at the end.
    pub(super) fn poll_changed(
        &self,
        seen: Option<Snapshot>,
        watcher: &mut Option<u64>,
        cx: &mut Context<'_>,
    ) -> Step<Option<Snapshot>> {
        let mut _old = None;
        let mut state = self.state.lock();
        let snapshot = Snapshot::of(&state.core);
        if seen != Some(snapshot) {
            return Step::Done(Some(snapshot));
        }
        if state.core.is_over() {
            return Step::Done(None);
        }
        let id = *watcher.get_or_insert_with(|| {
            state.next_watcher += 1;
            state.next_watcher
        });
        _old = state.watchers.insert(id, cx.waker().clone());
        Step::Wait { until: None }
    }

    pub(super) fn forget_watcher(&self, watcher: u64) {
        let waker = self.state.lock().watchers.remove(&watcher);
        drop(waker);
    }
}

/// What comes back is to be dropped when the lock is not held.
fn store(slot: &mut Option<Waker>, cx: &mut Context<'_>) -> Option<Waker> {
    match slot {
        Some(waker) if waker.will_wake(cx.waker()) => None,
        _ => slot.replace(cx.waker().clone()),
    }
}

impl State {
    /// Everybody who is to look again, to be woken when the lock is no longer held.
    fn after_change(&mut self, later: &mut AfterUnlock) {
        if !self.watchers.is_empty() {
            later.wake(std::mem::take(&mut self.watchers).into_values());
        }
        let wakes = self.core.wakes();
        if wakes.idle || wakes.all {
            for (server, waker) in &mut self.runners {
                if wakes.all || self.core.is_idle(*server) {
                    later.wake(waker.take());
                }
            }
        }
        if let Some(server) = wakes.server {
            later.wake(self.runners.get_mut(&server).and_then(Option::take));
        }
        if wakes.all {
            later.wake(self.run.take());
            if !seeded::is(Bug::DoorNotTold) {
                later.wake(self.door.take());
            }
        }
    }
}
