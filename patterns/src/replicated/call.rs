//! A running call: carries out the decisions of [`proto::Call`](super::proto::Call).
//!
//! ```text
//!   step ─► poll the attempts ─► a reply? ── yes ──► settle ─► Ok
//!                │ no                                  ▲
//!                ▼                                     │
//!     ┌─► poll the next action ─── Finish, or abort ───┴─────► Err
//!     │          │      └─── none: wait until woken, or until the timeout
//!     │        Start
//!     └──────────┘
//! ```
//!
//! Attempts are polled *before* the next action, so an answer that is there takes precedence over a
//! delay or a deadline that has come in the meantime. Between two polls the attempts are parked in the
//! shared state, where an abort may end them: then the call only finds out.

use std::mem;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;
use std::vec::Vec;

use super::attempt::{Attempt, Completion};
use super::error::{CallError, CallErrorKind, Cause, Failure};
use super::losers::{Loser, Spawner};
use super::options::Losers;
use super::proto::{Action, Call, Outcome};
use super::report::EndKind;
use super::service::Service;
use super::shared::{Aborted, Key};
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
    /// Set while the attempts are in the shared state, where an abort can end them.
    is_parked: bool,
    /// Runs the losers. Taken while the call waits, as it may be dropped outside of its runtime.
    spawner: Option<Spawner>,
    /// The servers that were asked because another one was slow.
    hedged: Vec<usize>,
    settled: bool,
}

impl<'a, S, A, R, E> CallDriver<'a, S, A, R, E>
where
    A: Clone,
    R: Send + 'static,
    E: Send + 'static,
{
    pub(super) fn new(service: &'a Service<S, A, R, E>, args: A, call: Call, now: Instant) -> Self {
        Self {
            service,
            args: Some(args),
            call,
            attempts: Vec::new(),
            failures: Vec::new(),
            now,
            is_parked: false,
            spawner: None,
            hedged: Vec::new(),
            settled: false,
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
        match self.unpark(cx) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(aborted)) => return Step::Done(Err(self.aborted(&aborted))),
            Poll::Pending => return Step::Wait { until: None },
        }
        if let Some(reply) = self.poll(cx, clock) {
            return Step::Done(Ok(reply));
        }
        loop {
            match self.poll_action(cx) {
                Ok(Some(Action::Start(server))) => {
                    if let Some(reply) = self.start(server, cx, clock) {
                        return Step::Done(Ok(reply));
                    }
                }
                Ok(None) => {
                    if matches!(self.service.losers, Losers::Finish { .. }) {
                        self.spawner = self.spawner.take().or_else(Spawner::current);
                    }
                    return Step::Wait { until: self.call.poll_timeout() };
                }
                Ok(Some(Action::Finish(outcome))) => {
                    let (kind, end) = match outcome {
                        Outcome::TimedOut => (CallErrorKind::TimedOut, EndKind::TimedOut),
                        _ => (CallErrorKind::Failed, EndKind::Failed),
                    };
                    return Step::Done(Err(self.fail(kind, end)));
                }
                Err(Aborted { .. }) => {
                    return Step::Done(Err(self.fail(CallErrorKind::Closed, EndKind::Aborted)));
                }
            }
        }
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

    fn start(&mut self, server: usize, cx: &mut Context<'_>, clock: Clock) -> Option<R> {
        let Self { service, args, now, .. } = self;
        let (started, args) = (*now, args.as_ref().expect("the call is not over"));
        let request = contain(|| (service.call)(service.servers[server].clone(), args.clone()));
        let completion = match request {
            Ok(request) => {
                let mut attempt = Attempt::new(server, started, request);
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
        self.completed(server, started, completion, clock)
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
            let replicas = &mut self.service.shared.lock().replicas;
            match cause {
                Cause::Panicked(_) => self.call.handle_panic(replicas, server, self.now),
                _ => self.call.handle_failure(replicas, server, effect, self.now),
            }
        }
        let after = self.now.saturating_duration_since(started);
        self.failures.push(Failure { server, after, effect, cause });
        None
    }

    fn poll_action(&mut self, cx: &mut Context<'_>) -> Result<Option<Action>, Aborted> {
        let mut locked = self.service.shared.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        state.aborted()?;
        let (hedges, in_line) = (state.replicas.hedges(), self.call.waits_for_budget());
        let action = self.call.poll_action(&mut state.replicas, self.now);
        if let Some(Action::Start(server)) = action
            && state.replicas.hedges() > hedges
        {
            self.hedged.push(server);
            state.source.tell(after, || Event::HedgeStarted { server });
        }
        if self.call.waits_for_budget() && !in_line {
            state.tell_short(after);
        }
        if action.is_none() {
            state.park(Key::call(&self.call), mem::take(&mut self.attempts), cx, after);
            self.is_parked = true;
        }
        state.wake_line(after);
        Ok(action)
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
        (self.now, self.settled) = (aborted.since, true);
        self.call.handle_drop(&mut self.service.shared.lock().replicas);
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
    R: Send + 'static,
    E: Send + 'static,
{
    /// Takes the attempts back from the shared state, unless an abort was faster.
    fn unpark(&mut self, cx: &Context<'_>) -> Poll<Result<(), Aborted>> {
        if self.is_parked {
            let mut locked = self.service.shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            let attempts = ready!(state.unpark(Key::call(&self.call), cx, after));
            self.is_parked = false;
            self.attempts = attempts?;
        }
        Poll::Ready(Ok(()))
    }

    /// Ends the call: first its running attempts, then its part in the shared state.
    fn settle(&mut self, end: EndKind, winner: Option<usize>) {
        self.settled = true;
        let shared = &self.service.shared;
        let mut attempts = mem::take(&mut self.attempts);
        let (mut spawner, mut deadline, mut losers) = (None, None, Vec::new());
        if let Losers::Finish { at_most, within } = self.service.losers
            && !attempts.is_empty()
        {
            spawner = self.spawner.take().or_else(Spawner::current);
            deadline = self.now.checked_add(within);
            let at_most = if spawner.is_some() { at_most.get() } else { 0 };
            losers = shared.lock().keep(&self.call, &mut attempts, at_most);
        }
        // Requests are dropped without the lock, and before the call counts as over.
        attempts.iter_mut().for_each(Attempt::cancel);
        {
            let mut locked = shared.lock_with::<AfterUnlock>();
            let (state, after) = locked.split();
            if let Some(server) = winner {
                self.call.handle_reply(&mut state.replicas, server, self.now);
                if self.hedged.contains(&server) {
                    state.replicas.handle_hedge_won();
                    state.source.tell(after, || Event::HedgeWon { server });
                }
            }
            for attempt in &attempts {
                self.call.handle_cancel(&mut state.replicas, attempt.server, self.now);
            }
            self.call.handle_drop(&mut state.replicas);
            state.end(Key::call(&self.call), end, after);
            state.wake_line(after);
        }
        for (key, spawner) in losers.into_iter().zip(spawner.iter().cycle()) {
            spawner.spawn(Loser::new(shared.clone(), key, deadline), self.service.name.clone());
        }
    }
}

/// Runs when the caller has given up, or has its reply. The reply must not be lost to a panic of what
/// else is dropped here.
impl<S, A, R, E> Drop for CallDriver<'_, S, A, R, E>
where
    R: Send + 'static,
    E: Send + 'static,
{
    fn drop(&mut self) {
        let cx = Context::from_waker(Waker::noop());
        if !self.settled {
            match self.unpark(&cx) {
                Poll::Ready(Ok(())) if seeded::is(Bug::DroppedCallIsCounted) => {}
                Poll::Ready(Ok(())) => {
                    self.now = Clock::TOKIO.now();
                    self.settle(EndKind::Cancelled, None);
                }
                // An abort ends it.
                Poll::Ready(Err(_)) | Poll::Pending => {
                    self.call.handle_drop(&mut self.service.shared.lock().replicas);
                }
            }
        }
        discard(self.args.take());
        self.failures.drain(..).for_each(discard);
    }
}
