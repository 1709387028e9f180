//! Attempts that outlive their call.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use super::attempt::Attempt;
use super::core::End;
use super::state::{Ended, Phase, Shared};
use crate::wait::{self, Clock, Step};
use crate::waiters::Ticket;
use crate::waits::{Entry, Peer, Site};
use crate::wakers::AfterUnlock;

static LOSER: Site = Site::task("replicated", "loser");
static REPLY: Site = Site::wait("replicated", "loser", "a reply");

/// An attempt for which a place is reserved. Dropping it gives the place back.
pub(super) struct Loser<R, E> {
    shared: Arc<Shared>,
    attempt: Attempt<R, E>,
    /// When it has to end.
    until: Option<Instant>,
    ticket: Option<Ticket>,
    end: End,
    ended: Ended,
}

impl<R, E> Loser<R, E> {
    pub(super) fn new(shared: Arc<Shared>, attempt: Attempt<R, E>, until: Option<Instant>) -> Self {
        let (end, ended) = (End::Cancelled, Ended::Cancelled);
        Self { shared, attempt, until, ticket: None, end, ended }
    }

    /// Waits for its end, which counts for the statistics.
    pub(super) async fn run(mut self) {
        let server = Peer::Number(self.attempt.server as u64);
        let _alive = Entry::new(LOSER.at(&server));
        wait::wait(REPLY.at(&server), |cx, clock| self.step(cx, clock)).await;
    }

    fn step(&mut self, cx: &mut Context<'_>, clock: Clock) -> Step<()> {
        if let Poll::Ready(answer) = self.attempt.poll(cx) {
            (self.end, self.ended) = (answer.end(), Ended::Finished);
            return Step::Done(());
        }
        if self.until.is_some_and(|until| clock.now() >= until) {
            return Step::Done(());
        }
        let _old;
        let mut state = self.shared.lock();
        if state.phase == Phase::Aborting {
            self.ended = Ended::Aborted;
            return Step::Done(());
        }
        _old = state.running.wait(&mut self.ticket, cx.waker());
        Step::Wait { until: self.until }
    }
}

impl<R, E> Drop for Loser<R, E> {
    fn drop(&mut self) {
        let after = Clock::TOKIO.now().saturating_duration_since(self.attempt.started);
        // Before it counts as ended.
        self.attempt.cancel();
        let mut later = AfterUnlock::default();
        let _left;
        let mut state = self.shared.lock();
        state.replicas.ended(self.attempt.server, self.end, after);
        _left = state.loser_ended(self.ticket, self.ended, &mut later);
    }
}

cfg_select! {
    any(pushdown_model = "loom", pushdown_model = "shuttle") => {
        /// In the models a loser has a thread of its own.
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
        /// Where losers run: the runtime that the call was waiting in.
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
