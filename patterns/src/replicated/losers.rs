//! Attempts that outlive their call.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;
use std::vec::Vec;

use super::attempt::Attempt;
use super::proto::AttemptEnd;
use super::report::EndKind;
use super::shared::{Key, SharedState};
use crate::sync::Mutex;
use crate::trace::Event;
use crate::wait::{self, Clock, Step};
use crate::waits::{Entry, Peer, Site};
use crate::wakers::AfterUnlock;

static LOSER: Site = Site::task("replicated", "loser").peers("server");
static REPLY: Site = Site::wait("replicated", "loser", "a reply").peers("server");

/// An attempt that is parked in a slot of its own. Dropping it ends the attempt and frees the slot.
pub(super) struct Loser<S, R, E> {
    shared: Arc<Mutex<SharedState<S, R, E>>>,
    key: Key,
    deadline: Option<Instant>,
    /// Its one attempt, while it is polled.
    attempts: Vec<Attempt<R, E>>,
    is_parked: bool,
    attempt_end: AttemptEnd,
    end: EndKind,
}

impl<S, R, E> Loser<S, R, E> {
    pub(super) fn new(
        shared: Arc<Mutex<SharedState<S, R, E>>>,
        key: Key,
        deadline: Option<Instant>,
    ) -> Self {
        let (attempt_end, end) = (AttemptEnd::Cancelled, EndKind::Cancelled);
        Self { shared, key, deadline, attempts: Vec::new(), is_parked: true, attempt_end, end }
    }

    /// Runs the attempt to its end, which counts in the statistics.
    pub(super) async fn run(mut self, client: Peer) {
        let server = Peer::Number(self.key.loser.unwrap_or_default() as u64);
        let _alive = Entry::new(LOSER.of(&client).at(&server));
        wait::wait(REPLY.of(&client).at(&server), |cx, clock| self.step(cx, clock)).await;
    }

    fn step(&mut self, cx: &mut Context<'_>, clock: Clock) -> Step<()> {
        if self.unpark(cx).is_pending() {
            return Step::Wait { until: None };
        }
        if self.attempts.is_empty() {
            return Step::Done(());
        }
        for attempt in &mut self.attempts {
            if let Poll::Ready(completion) = attempt.poll(cx) {
                self.attempt_end = completion.into_end();
                self.end = match self.attempt_end {
                    AttemptEnd::Succeeded => EndKind::Replied,
                    _ => EndKind::Failed,
                };
                if self.attempt_end == AttemptEnd::Panicked {
                    let (source, server) = (self.shared.lock().source.clone(), attempt.server);
                    source.emit(|| Event::RequestPanicked { server });
                }
                return Step::Done(());
            }
        }
        if self.deadline.is_some_and(|deadline| clock.now() >= deadline) {
            return Step::Done(());
        }
        let mut locked = self.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if state.aborted().is_err() {
            self.end = EndKind::Aborted;
            return Step::Done(());
        }
        if self.key.loser.is_some_and(|server| state.replicas.is_aborted(server)) {
            return Step::Done(());
        }
        state.park(self.key, mem::take(&mut self.attempts), false, cx, after);
        self.is_parked = true;
        Step::Wait { until: self.deadline }
    }

    /// Takes the attempt back, unless an abort or the departure of its server was faster: then there is
    /// none.
    fn unpark(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.is_parked {
            let mut locked = self.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            self.attempts = ready!(state.unpark(self.key, cx, after)).unwrap_or_default();
            self.is_parked = false;
        }
        Poll::Ready(())
    }
}

impl<S, R, E> Drop for Loser<S, R, E> {
    fn drop(&mut self) {
        // An abort or a departure may have taken the attempt, and then ends the loser.
        let is_pending = self.unpark(&Context::from_waker(Waker::noop())).is_pending();
        if is_pending || self.attempts.is_empty() {
            return;
        }
        let now = Clock::TOKIO.now();
        // Requests are dropped before the loser counts as over, so a shutdown waits for that too.
        self.attempts.iter_mut().for_each(Attempt::cancel);
        let mut locked = self.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        for Attempt { server, started, .. } in &self.attempts {
            let took = now.saturating_duration_since(*started);
            state.replicas.handle_end(*server, self.attempt_end, took);
        }
        state.end(self.key, self.end, after);
        state.wake(after);
    }
}

cfg_select! {
    any(pushdown_model = "loom", pushdown_model = "shuttle") => {
        /// In the models each loser has its own thread.
        pub(super) struct Spawner;

        impl Spawner {
            pub(super) fn current() -> Option<Self> {
                Some(Self)
            }

            pub(super) fn spawn<S, R, E>(
                &self,
                loser: Loser<S, R, E>,
                client: Peer,
            ) where
                S: Send + Sync + 'static,
                R: Send + 'static,
                E: Send + 'static,
            {
                crate::sync::thread::spawn(move || wait::block_on(loser.run(client)));
            }
        }
    }
    _ => {
        /// The runtime that the call waited in, where its losers run.
        pub(super) struct Spawner(tokio::runtime::Handle);

        impl Spawner {
            pub(super) fn current() -> Option<Self> {
                tokio::runtime::Handle::try_current().ok().map(Self)
            }

            pub(super) fn spawn<S, R, E>(
                &self,
                loser: Loser<S, R, E>,
                client: Peer,
            ) where
                S: Send + Sync + 'static,
                R: Send + 'static,
                E: Send + 'static,
            {
                self.0.spawn(loser.run(client));
            }
        }
    }
}
