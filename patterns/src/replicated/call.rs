//! A running call: carries out the decisions of [`proto::Call`](super::proto::Call).
//!
//! ```text
//!   step ─► poll the attempts ─► a reply? ── yes ──► settle ─► Ok
//!                │ no                                  ▲
//!                ▼                                     │
//!     ┌─► poll the next action ─── Finish, or abort ───┴─────► Err
//!     │          │      └─── none: wait until woken, or until the timeout
//!     │   Start, Drop
//!     └──────────┘
//! ```
//!
//! Attempts are polled *before* the next action, so an answer that is there takes precedence over a
//! delay or a deadline that has come in the meantime. Between two polls the attempts are parked in the
//! shared state, where an abort may end them: then the call only finds out.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;
use std::vec::Vec;

use super::attempt::{Attempt, Completion};
use super::error::{CallError, CallErrorKind, Cause, Failure};
use super::losers::{Loser, Spawner};
use super::options::{CallOptions, Losers};
use super::proto::{Call, Outcome};
use super::report::EndKind;
use super::service::Service;
use super::shared::{Aborted, Key, Next};
use crate::Effect;
use crate::panics::{contain, discard};
use crate::seeded::{self, Bug};
use crate::trace::Event;
use crate::wait::{Clock, Step};
use crate::waits::{Peer, Why};
use crate::wakers::AfterUnlock;

/// A call, which counts as running until it is [settled](Self::settle), or until an abort ends it
/// while it is parked.
pub(super) struct CallDriver<'a, S, A, R, E>
where
    S: Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
{
    service: &'a Service<S, A, R, E>,
    /// `Some` until the call is over.
    args: Option<A>,
    call: Call,
    attempts: Vec<Attempt<R, E>>,
    failures: Vec<Failure<E>>,
    /// The time at which the attempts were last polled.
    now: Instant,
    stage: Stage,
    /// Runs the losers. Taken while the call waits, as it may be dropped outside of its runtime.
    spawner: Option<Spawner>,
    /// The servers that were asked because another one was slow.
    hedged: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The call has these options, and has not begun.
    New(CallOptions),
    /// The attempts are here.
    Polled,
    /// The attempts are in the shared state, where an abort can end them.
    Parked,
    /// Nothing of the call is in the shared state any more.
    Over,
}

impl<'a, S, A, R, E> CallDriver<'a, S, A, R, E>
where
    S: Send + Sync + 'static,
    A: Clone,
    R: Send + 'static,
    E: Send + 'static,
{
    /// Creates a call that begins with its first step.
    #[inline]
    pub(super) fn new(
        service: &'a Service<S, A, R, E>,
        args: A,
        options: CallOptions,
        now: Instant,
    ) -> Self {
        Self {
            service,
            args: Some(args),
            call: Call::not_begun(options),
            attempts: Vec::new(),
            failures: Vec::new(),
            now,
            stage: Stage::New(options),
            spawner: None,
            hedged: Vec::new(),
        }
    }

    /// Names what the call waits for, and the server of the latest attempt that is running.
    pub(super) fn name_wait(&self, why: &mut Why) {
        let latest = self.call.running().next_back();
        why.set_what(self.call.waits_for_budget().then_some("a reply or its budget"));
        why.set_peer(latest.map(|(server, _)| Peer::Number(server as u64)));
    }

    pub(super) fn step(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
    ) -> Step<Result<R, CallError<A, E>>> {
        let mut next = if let Stage::New(options) = self.stage {
            match self.begin(options) {
                Ok(first) => Ok(first),
                // A call that has not begun has asked no server, and never will.
                Err(Aborted { .. }) => return Step::Done(Err(self.error(CallErrorKind::Closed))),
            }
        } else {
            match self.unpark(cx) {
                Poll::Ready(Ok(())) => self.note_dropped(clock),
                Poll::Ready(Err(aborted)) => return Step::Done(Err(self.aborted(&aborted))),
                Poll::Pending => return Step::Wait { until: None },
            }
            if let Some(reply) = self.poll(cx, clock) {
                return Step::Done(Ok(reply));
            }
            self.poll_action(cx)
        };
        loop {
            match next {
                Ok(Some(Next::Start(number, server))) => {
                    if let Some(reply) = self.start(number, server, cx, clock) {
                        return Step::Done(Ok(reply));
                    }
                }
                Ok(Some(Next::Drop(server))) => self.drop_attempt(server, clock),
                Ok(None) => {
                    if matches!(self.service.losers, Losers::Finish { .. }) {
                        self.spawner = self.spawner.take().or_else(Spawner::current);
                    }
                    return Step::Wait { until: self.call.poll_timeout() };
                }
                Ok(Some(Next::Finish(outcome))) => {
                    let (kind, end) = match outcome {
                        Outcome::TimedOut => (CallErrorKind::TimedOut, EndKind::TimedOut),
                        Outcome::NoServers => (CallErrorKind::NoServers, EndKind::Failed),
                        _ => (CallErrorKind::Failed, EndKind::Failed),
                    };
                    return Step::Done(Err(self.fail(kind, end)));
                }
                Err(Aborted { .. }) => {
                    return Step::Done(Err(self.fail(CallErrorKind::Closed, EndKind::Aborted)));
                }
            }
            next = self.poll_action(cx);
        }
    }

    /// Begins the call, unless the client is closed, and returns the first action, which is always there.
    fn begin(&mut self, options: CallOptions) -> Result<Option<Next<S>>, Aborted> {
        let mut locked = self.service.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if state.is_closed() {
            self.stage = Stage::Over;
            return Err(Aborted { since: self.now });
        }
        self.stage = Stage::Polled;
        state.calls += 1;
        self.call.begin(&mut state.replicas, options, self.now);
        state.poll_action(&mut self.call, &[], self.now, after)
    }

    /// Polls the attempts, the oldest first.
    fn poll(&mut self, cx: &mut Context<'_>, clock: Clock) -> Option<R> {
        if self.attempts.is_empty() {
            return None;
        }
        let mut index = 0;
        while let Some(attempt) = self.attempts.get_mut(index) {
            match attempt.poll(cx) {
                Poll::Pending => index += 1,
                Poll::Ready(completion) => {
                    let Attempt { server, started, .. } = self.attempts.remove(index);
                    if let Some(reply) = self.completed(server, started, completion, clock) {
                        return Some(reply);
                    }
                }
            }
        }
        self.now = clock.now();
        None
    }

    fn start(
        &mut self,
        number: usize,
        server: Arc<S>,
        cx: &mut Context<'_>,
        clock: Clock,
    ) -> Option<R> {
        let Self { service, args, now, .. } = self;
        let (started, args) = (*now, args.as_ref().expect("the call is not over"));
        let request = contain(|| (service.call)(server, args.clone()));
        let completion = match request {
            Ok(request) => {
                let mut attempt = Attempt::new(number, started, request);
                match attempt.poll(cx) {
                    Poll::Pending => {
                        self.attempts.push(attempt);
                        return None;
                    }
                    Poll::Ready(completion) => completion,
                }
            }
            Err(message) => Completion::Panicked(message),
        };
        self.completed(number, started, completion, clock)
    }

    /// Takes the result of an attempt. A reply settles the call.
    fn completed(
        &mut self,
        server: usize,
        started: Instant,
        completion: Completion<R, E>,
        clock: Clock,
    ) -> Option<R> {
        self.now = clock.now();
        let source = &{ self.service }.source;
        let (effect, cause) = match completion {
            Completion::Reply(reply) => {
                // Nothing of the call is in the shared state any more when the caller has the reply.
                self.settle(EndKind::Replied, Some(server));
                return Some(reply);
            }
            Completion::Error(error) => {
                let effect = contain(|| (self.service.effect)(&error));
                let effect = effect.unwrap_or(Effect::MayHaveHappened);
                source.emit(|| Event::RequestFailed { server, effect: effect.word() });
                (effect, Cause::Error(error))
            }
            Completion::Panicked(message) => {
                source.emit(|| Event::RequestPanicked { server });
                (Effect::MayHaveHappened, Cause::Panicked(message))
            }
        };
        {
            let mut locked = self.service.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            let replicas = &mut state.replicas;
            match cause {
                Cause::Panicked(_) => self.call.handle_panic(replicas, server, self.now),
                _ => self.call.handle_failure(replicas, server, effect, self.now),
            }
            state.wake(after);
        }
        let after = self.now.saturating_duration_since(started);
        self.failures.push(Failure { server, after, effect, cause });
        None
    }

    fn poll_action(&mut self, cx: &mut Context<'_>) -> Result<Option<Next<S>>, Aborted> {
        let mut locked = self.service.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        let (hedges, in_line) = (state.replicas.hedges(), self.call.waits_for_budget());
        let next = state.poll_action(&mut self.call, &self.attempts, self.now, after)?;
        if let Some(Next::Start(server, _)) = next
            && state.replicas.hedges() > hedges
        {
            self.hedged.push(server);
            state.source.tell(after, || Event::HedgeStarted { server });
        }
        if self.call.waits_for_budget() && !in_line {
            state.tell_short(after);
        }
        if next.is_none() {
            let (key, attempts) = (Key::call(&self.call), mem::take(&mut self.attempts));
            state.park(key, attempts, self.call.is_out(), cx, after);
            self.stage = Stage::Parked;
        }
        Ok(next)
    }

    /// Drops the attempt at a server that leaves.
    fn drop_attempt(&mut self, server: usize, clock: Clock) {
        let here = self.attempts.extract_if(.., |attempt| attempt.server == server);
        let mut dropped: Vec<_> = here.collect();
        dropped.iter_mut().for_each(Attempt::cancel);
        {
            let mut locked = self.service.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            dropped.iter().for_each(|attempt| state.dropped(attempt, self.now));
            state.wake(after);
        }
        self.note_dropped(clock);
    }

    /// Takes note of the attempts that were dropped with their servers.
    fn note_dropped(&mut self, clock: Clock) {
        if self.call.running().count() == self.attempts.len() {
            return;
        }
        self.now = clock.now();
        let is_here = |server| self.attempts.iter().any(|attempt| attempt.server == server);
        let running = self.call.running().map(|(server, _)| server);
        let dropped: Vec<usize> = running.filter(|&server| !is_here(server)).collect();
        for server in dropped {
            let started = self.call.handle_leave(server);
            let after = self.now.saturating_duration_since(started);
            let (effect, cause) = (Effect::MayHaveHappened, Cause::Left);
            self.failures.push(Failure { server, after, effect, cause });
        }
    }

    /// Ends the call without a reply.
    ///
    /// The error cannot become a lie: each attempt that was started is in the failures, either with its
    /// own end, or as one that may have an effect, now or later. No other is started, because the call
    /// is settled before the error is made.
    fn fail(&mut self, kind: CallErrorKind, end: EndKind) -> CallError<A, E> {
        self.give_up_running();
        self.settle(end, None);
        self.error(kind)
    }

    /// Ends a call that an abort has ended and counted. Its requests had been started, so they are
    /// among the failures.
    fn aborted(&mut self, aborted: &Aborted) -> CallError<A, E> {
        (self.now, self.stage) = (aborted.since, Stage::Over);
        self.leave_line();
        self.give_up_running();
        self.error(CallErrorKind::Closed)
    }

    /// Counts the running attempts as failures.
    fn give_up_running(&mut self) {
        let now = self.now;
        if seeded::is(Bug::AnswerForgetsRunning) {
            return;
        }
        self.failures.extend(self.call.running().map(|(server, started)| Failure {
            server,
            after: now.saturating_duration_since(started),
            effect: Effect::MayHaveHappened,
            cause: Cause::Unanswered,
        }));
    }

    fn error(&mut self, kind: CallErrorKind) -> CallError<A, E> {
        let attempts = self.failures.len();
        self.service.source.emit(|| Event::CallFailed { reason: kind.words(), attempts });
        let args = self.args.take().expect("a call ends once");
        CallError { kind, args, failures: mem::take(&mut self.failures) }
    }
}

impl<S, A, R, E> CallDriver<'_, S, A, R, E>
where
    S: Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
{
    /// Takes the attempts back from the shared state, unless an abort was faster.
    fn unpark(&mut self, cx: &Context<'_>) -> Poll<Result<(), Aborted>> {
        if self.stage == Stage::Parked {
            let mut locked = self.service.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            let attempts = ready!(state.unpark(Key::call(&self.call), cx, after));
            self.stage = Stage::Polled;
            match attempts {
                Some(attempts) => self.attempts = attempts,
                None => return Poll::Ready(state.aborted()),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the wait for the budget of a call that an abort ends.
    fn leave_line(&mut self) {
        let mut locked = self.service.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        self.call.handle_drop(&mut state.replicas);
        state.wake(after);
    }

    /// Ends the call: first its running attempts, then its part in the shared state.
    fn settle(&mut self, end: EndKind, winner: Option<usize>) {
        self.stage = Stage::Over;
        if self.attempts.is_empty() {
            return self.count_end(&[], end, winner);
        }
        self.end_losers(end, winner);
    }

    /// Leaves or drops the attempts that are running, and ends the call.
    fn end_losers(&mut self, end: EndKind, winner: Option<usize>) {
        let shared = &self.service.shared;
        let mut attempts = mem::take(&mut self.attempts);
        let (mut spawner, mut deadline, mut losers) = (None, None, Vec::new());
        if let Losers::Finish { at_most, within } = self.service.losers {
            spawner = self.spawner.take().or_else(Spawner::current);
            deadline = self.now.checked_add(within);
            let at_most = if spawner.is_some() { at_most.get() } else { 0 };
            losers = shared.lock().keep(&self.call, &mut attempts, at_most);
        }
        // Requests are dropped without the lock, and before the call counts as over.
        attempts.iter_mut().for_each(Attempt::cancel);
        self.count_end(&attempts, end, winner);
        for (key, spawner) in losers.into_iter().zip(spawner.iter().cycle()) {
            spawner.spawn(Loser::new(shared.clone(), key, deadline), self.service.name.clone());
        }
    }

    /// Removes the call from the shared state, and counts its winner and the attempts that were dropped.
    fn count_end(&mut self, dropped: &[Attempt<R, E>], end: EndKind, winner: Option<usize>) {
        let mut locked = self.service.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if let Some(server) = winner {
            self.call.handle_reply(&mut state.replicas, server, self.now);
            if self.hedged.contains(&server) {
                state.replicas.handle_hedge_won();
                state.source.tell(after, || Event::HedgeWon { server });
            }
        }
        for attempt in dropped {
            self.call.handle_cancel(&mut state.replicas, attempt.server, self.now);
        }
        self.call.handle_drop(&mut state.replicas);
        state.end(Key::call(&self.call), end, after);
        state.wake(after);
    }
}

/// Runs when the caller has given up, or has its reply. The reply must not be lost to a panic of what
/// else is dropped here.
impl<S, A, R, E> Drop for CallDriver<'_, S, A, R, E>
where
    S: Send + Sync + 'static,
    R: Send + 'static,
    E: Send + 'static,
{
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Polled | Stage::Parked) {
            match self.unpark(&Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(())) if seeded::is(Bug::DroppedCallIsCounted) => {}
                Poll::Ready(Ok(())) => {
                    self.now = Clock::TOKIO.now();
                    self.settle(EndKind::Cancelled, None);
                }
                // An abort ends it.
                Poll::Ready(Err(_)) | Poll::Pending => self.leave_line(),
            }
        }
        discard(self.args.take());
        self.failures.drain(..).for_each(discard);
    }
}
