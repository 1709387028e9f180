//! The shared state of a run: the state machine under its lock, and the wakers of those that wait for it.

use std::collections::BTreeMap;
use std::task::Context;
use std::time::Instant;

use super::proto::{Action, Outcome, Room, Scheduler, Verdict};
use super::snapshot::Snapshot;
use super::{Options, ServerId};
use crate::Shutdown;
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::trace::{self, Event, Source};
use crate::wait::{Clock, Step};
use crate::waiters::{Ticket, Waiters};
use crate::waits::Peer;
use crate::wakers::{AfterUnlock, WakerSlot};

/// Holds no user values, so that [`Watch`](super::Watch) and [`Control`](super::Control) need no type
/// parameters.
#[derive(Debug)]
pub(super) struct Shared {
    /// The name or number of the run.
    pub(super) name: Peer,
    pub(super) source: Source,
    timed: bool,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    source: Source,
    scheduler: Scheduler,
    /// The workers that have not left.
    workers: BTreeMap<ServerId, WakerSlot>,
    acceptor: WakerSlot,
    feeder: WakerSlot,
    run: WakerSlot,
    watchers: Waiters,
}

impl Shared {
    pub(super) fn new(scheduler: Scheduler, options: &Options, clock: Clock) -> Self {
        let name = Peer::unique(options.name.clone());
        let source = Source::of(&name);
        Self {
            name,
            source: source.clone(),
            timed: options.timed(),
            clock,
            state: Mutex::new(State {
                source,
                scheduler,
                workers: BTreeMap::new(),
                acceptor: WakerSlot::default(),
                feeder: WakerSlot::default(),
                run: WakerSlot::default(),
                watchers: Waiters::default(),
            }),
        }
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Scheduler) -> T) -> T {
        read(&self.state.lock().scheduler)
    }

    /// Changes the state, and wakes all that have to look again.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Scheduler) -> T) -> T {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        let answer = change(&mut state.scheduler);
        state.wake(after);
        answer
    }

    pub(super) fn join(&self) -> ServerId {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        let server = state.scheduler.handle_join();
        state.workers.insert(server, WakerSlot::default());
        state.wake(after);
        server
    }

    /// Returns the time, if anything depends on it. Read under the lock, so that time never goes back for
    /// the state machine.
    fn now(&self) -> Option<Instant> {
        self.timed.then(|| self.clock.now())
    }

    /// Records the outcome of a server's last call.
    pub(super) fn record(&self, server: ServerId, outcome: Outcome) -> Verdict {
        self.change(|scheduler| scheduler.handle_outcome(server, outcome, self.now()))
    }

    /// Records that a worker is going, and the failure of its call if it makes one.
    pub(super) fn lose(&self, server: ServerId) -> Option<Verdict> {
        self.change(|scheduler| scheduler.handle_lost(server, self.now()))
    }

    /// Removes a worker and its waker: a run may outlive any number of servers.
    pub(super) fn leave(&self, server: ServerId) {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        if let Some(mut waker) = state.workers.remove(&server) {
            waker.clear(after);
        }
        state.scheduler.handle_leave(server, self.now());
        state.wake(after);
    }

    /// Records the outcome of a server's last call, if given, and returns the server's next action. If it
    /// has to wait, the task is woken when it is to ask again.
    pub(super) fn poll_next(
        &self,
        server: ServerId,
        outcome: Option<Outcome>,
        cx: &mut Context<'_>,
    ) -> (Option<Verdict>, Action) {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        let now = self.now();
        let verdict = outcome.map(|it| state.scheduler.handle_outcome(server, it, now));
        let action = state.scheduler.poll_action(server, now);
        if let Action::Wait { .. } = action {
            state.workers.entry(server).or_default().register(cx, after);
        }
        state.wake(after);
        (verdict, action)
    }

    /// Returns how many tasks the source may add. It is woken when it is to ask again.
    pub(super) fn poll_room(&self, cx: &mut Context<'_>) -> Room {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        let room = state.scheduler.poll_room();
        if room != Room::Closed {
            state.feeder.register(cx, after);
        }
        room
    }

    /// Completes when a server must drop its call.
    pub(super) fn poll_cancelled(&self, server: ServerId, cx: &mut Context<'_>) -> Step<()> {
        self.poll_flag(server, cx, |scheduler| scheduler.is_cancelled(server))
    }

    /// Completes when a server must leave without waiting for its lease.
    pub(super) fn poll_force_close(&self, server: ServerId, cx: &mut Context<'_>) -> Step<()> {
        self.poll_flag(server, cx, Scheduler::force_close)
    }

    /// Completes once a flag is set, or the deadline of a drain has passed.
    fn poll_flag(
        &self,
        server: ServerId,
        cx: &mut Context<'_>,
        flag: impl FnOnce(&Scheduler) -> bool,
    ) -> Step<()> {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        if flag(&state.scheduler) {
            return Step::Done(());
        }
        state.workers.entry(server).or_default().register(cx, after);
        let until = state.scheduler.drain_deadline();
        drop(locked);
        if until.is_some_and(|until| until <= self.clock.now()) {
            return Step::Done(());
        }
        Step::Wait { until }
    }

    /// The same as [`poll_cancelled`](Self::poll_cancelled), without waiting.
    pub(super) fn is_cancelled(&self, server: ServerId) -> bool {
        let (cancelled, until) =
            self.read(|scheduler| (scheduler.is_cancelled(server), scheduler.drain_deadline()));
        cancelled || until.is_some_and(|until| until <= self.clock.now())
    }

    /// Completes when the run has ended and accepts no more servers.
    pub(super) fn poll_ended(&self, cx: &mut Context<'_>) -> Step<()> {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        state.scheduler.handle_time(self.now());
        let step = if state.scheduler.end().is_some() {
            Step::Done(())
        } else {
            state.acceptor.register(cx, after);
            Step::Wait { until: state.scheduler.desertion_deadline() }
        };
        state.wake(after);
        step
    }

    /// Completes when nothing of the run is left.
    pub(super) fn poll_over(&self, cx: &mut Context<'_>) -> Step<()> {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        // With less than that, calls could still be in progress, and what the report says of their
        // tasks and servers could change.
        let ended = seeded::is(Bug::AnswerBeforeLeaving) && state.scheduler.end().is_some();
        if ended || state.scheduler.is_over() {
            return Step::Done(());
        }
        state.run.register(cx, after);
        Step::Wait { until: None }
    }

    pub(super) fn shutdown(&self, how: Shutdown) {
        self.source.emit(|| Event::RunShutdown { how: trace::how(how) });
        match how {
            Shutdown::Abort => self.change(Scheduler::handle_abort),
            Shutdown::Drain { timeout } => {
                let deadline = self.clock.now().checked_add(timeout);
                self.change(|scheduler| scheduler.handle_drain(deadline));
            }
        }
    }

    /// Completes with the current snapshot once it differs from `seen`, or with `None` at the end.
    pub(super) fn poll_changed(
        &self,
        seen: Option<Snapshot>,
        watcher: &mut Option<Ticket>,
        cx: &mut Context<'_>,
    ) -> Step<Option<Snapshot>> {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        let snapshot = Snapshot::of(&state.scheduler);
        if seen != Some(snapshot) {
            return Step::Done(Some(snapshot));
        }
        if state.scheduler.is_over() {
            return Step::Done(None);
        }
        state.watchers.enqueue(watcher, cx, after);
        Step::Wait { until: None }
    }

    pub(super) fn forget_watcher(&self, watcher: Ticket) {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        state.watchers.forget(Some(watcher), after);
    }
}

impl State {
    /// Wakes all that have to look again after a change, and tells what it was. Mostly there are none.
    #[inline]
    fn wake(&mut self, after: &mut AfterUnlock) {
        self.scheduler.notes.tell(&self.source, after);
        if !self.watchers.is_empty() || self.scheduler.has_wakes() {
            self.wake_any(after);
        }
    }

    #[inline(never)]
    fn wake_any(&mut self, after: &mut AfterUnlock) {
        if !self.watchers.is_empty() {
            after.wake(self.watchers.take_all());
        }
        let Some(wakes) = self.scheduler.poll_wakes() else { return };
        if wakes.all {
            self.workers.values_mut().for_each(|worker| worker.wake(after));
            self.run.wake(after);
            self.feeder.wake(after);
        } else {
            for server in &wakes.servers {
                if let Some(worker) = self.workers.get_mut(server) {
                    worker.wake(after);
                }
            }
        }
        if wakes.feeder {
            self.feeder.wake(after);
        }
        if (wakes.all || wakes.acceptor) && !seeded::is(Bug::DoorNotTold) {
            self.acceptor.wake(after);
        }
    }
}
