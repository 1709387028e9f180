//! Attempts that outlive their call.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::attempt::Attempt;
use super::proto::AttemptEnd;
use super::report::EndKind;
use super::shared::{Phase, SharedState};
use crate::sync::Mutex;
use crate::wait::{self, Clock, Step};
use crate::waiters::Ticket;
use crate::waits::{Entry, Peer, Site};
use crate::wakers::AfterUnlock;

static LOSER: Site = Site::task("replicated", "loser");
static REPLY: Site = Site::wait("replicated", "loser", "a reply");

/// An attempt with a reserved slot. Dropping it frees the slot.
pub(super) struct Loser<R, E> {
    shared: Arc<Mutex<SharedState>>,
    attempt: Attempt<R, E>,
    deadline: Option<Instant>,
    ticket: Option<Ticket>,
    attempt_end: AttemptEnd,
    end: EndKind,
}

impl<R, E> Loser<R, E> {
    pub(super) fn new(
        shared: Arc<Mutex<SharedState>>,
        attempt: Attempt<R, E>,
        deadline: Option<Instant>,
    ) -> Self {
        let (attempt_end, end) = (AttemptEnd::Cancelled, EndKind::Cancelled);
        Self { shared, attempt, deadline, ticket: None, attempt_end, end }
    }

    /// Runs the attempt to its end, which counts in the statistics.
    pub(super) async fn run(mut self) {
        let server = Peer::Number(self.attempt.server as u64);
        let _alive = Entry::new(LOSER.at(&server));
        wait::wait(REPLY.at(&server), |cx, clock| self.step(cx, clock)).await;
    }

    fn step(&mut self, cx: &mut Context<'_>, clock: Clock) -> Step<()> {
        if let Poll::Ready(completion) = self.attempt.poll(cx) {
            (self.attempt_end, self.end) = (completion.into_end(), EndKind::Finished);
            return Step::Done(());
        }
        if self.deadline.is_some_and(|deadline| clock.now() >= deadline) {
            return Step::Done(());
        }
        let mut locked = self.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if state.phase == Phase::Aborting {
            self.end = EndKind::Aborted;
            return Step::Done(());
        }
        state.running.enqueue(&mut self.ticket, cx, after);
        Step::Wait { until: self.deadline }
    }
}

impl<R, E> Drop for Loser<R, E> {
    fn drop(&mut self) {
        let took = Clock::TOKIO.now().saturating_duration_since(self.attempt.started);
        // The request is dropped before the loser counts as ended, so a shutdown waits for that too.
        self.attempt.cancel();
        let mut locked = self.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        state.replicas.handle_end(self.attempt.server, self.attempt_end, took);
        state.loser_ended(self.ticket, self.end, after);
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

            pub(super) fn spawn<R: Send + 'static, E: Send + 'static>(&self, loser: Loser<R, E>) {
                crate::sync::thread::spawn(move || wait::block_on(loser.run()));
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

            pub(super) fn spawn<R: Send + 'static, E: Send + 'static>(&self, loser: Loser<R, E>) {
                self.0.spawn(loser.run());
            }
        }
    }
}
