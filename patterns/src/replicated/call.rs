//! A call under way: carries out what the core decides.
//!
//! ```text
//!   step ─► poll the attempts ─► a reply? ── yes ──► settle ─► Ok
//!                │ no                                  ▲
//!                ▼                                     │
//!        ┌─► ask the core ── Finish, or an abort ──────┴─────► Err
//!        │       │  └────── Wait ─► until woken, or until then
//!        │     Start
//!        └───────┘
//! ```
//!
//! Attempts are polled *before* the core is asked, so an answer that is there goes before a delay, a
//! deadline or an abort that has come meanwhile.

use std::mem;
use std::task::{Context, Poll};
use std::time::Instant;
use std::vec::Vec;

use super::Service;
use super::attempt::{Answer, Attempt};
use super::core::{Action, Call, Outcome};
use super::error::{CallError, CallErrorKind, Cause, Failure};
use super::losers::{Loser, Spawner};
use super::options::Losers;
use super::state::{Ended, Phase};
use crate::Effect;
use crate::panics::contain;
use crate::seeded::{self, Bug};
use crate::wait::{Clock, Step};
use crate::waiters::Ticket;
use crate::wakers::AfterUnlock;

/// A call that counts as running, until it is [settled](Self::settle).
pub(super) struct Ongoing<'a, S, A, R, E>
where
    R: Send + 'static,
    E: Send + 'static,
{
    service: &'a Service<S, A, R, E>,
    /// There until the call is over.
    args: Option<A>,
    call: Call,
    attempts: Vec<Attempt<R, E>>,
    failures: Vec<Failure<E>>,
    /// When the attempts were last polled.
    now: Instant,
    ticket: Option<Ticket>,
    /// Where losers go, once there may be any.
    spawner: Option<Spawner>,
    settled: bool,
}

impl<'a, S, A, R, E> Ongoing<'a, S, A, R, E>
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
            ticket: None,
            spawner: None,
            settled: false,
        }
    }

    /// The server of the latest attempt that is under way.
    pub(super) fn asked_last(&self) -> Option<usize> {
        self.attempts.last().map(|attempt| attempt.server)
    }

    pub(super) fn step(
        &mut self,
        cx: &mut Context<'_>,
        clock: Clock,
    ) -> Step<Result<R, CallError<A, E>>> {
        if let Some(reply) = self.poll(cx, clock) {
            return Step::Done(Ok(reply));
        }
        loop {
            match self.decide(cx) {
                Ok(Action::Start(server)) => {
                    if let Some(reply) = self.start(server, cx, clock) {
                        return Step::Done(Ok(reply));
                    }
                }
                Ok(Action::Wait { until }) => {
                    if matches!(self.service.losers, Losers::Finish { .. }) {
                        self.spawner = self.spawner.take().or_else(Spawner::current);
                    }
                    return Step::Wait { until };
                }
                Ok(Action::Finish(outcome)) => {
                    let kind = match outcome {
                        Outcome::TimedOut => CallErrorKind::TimedOut,
                        _ => CallErrorKind::Failed,
                    };
                    return Step::Done(Err(self.fail(kind, Ended::Finished)));
                }
                Err(Aborted) => {
                    return Step::Done(Err(self.fail(CallErrorKind::Closed, Ended::Aborted)));
                }
            }
        }
    }

    /// Polls the attempts, the oldest first.
    fn poll(&mut self, cx: &mut Context<'_>, clock: Clock) -> Option<R> {
        if self.attempts.is_empty() {
            return None;
        }
        let mut place = 0;
        while let Some(attempt) = self.attempts.get_mut(place) {
            match attempt.poll(cx) {
                Poll::Pending => place += 1,
                Poll::Ready(answer) => {
                    let Attempt { server, started, .. } = self.attempts.remove(place);
                    if let Some(reply) = self.answered(server, started, answer, clock) {
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
        let answer = match request {
            Ok(request) => {
                let mut attempt = Attempt::new(server, started, request);
                match attempt.poll(cx) {
                    Poll::Pending => {
                        self.attempts.push(attempt);
                        return None;
                    }
                    Poll::Ready(answer) => answer,
                }
            }
            Err(message) => Answer::Panicked(message),
        };
        self.answered(server, started, answer, clock)
    }

    /// Tells the core of an answer. A reply settles the call.
    fn answered(
        &mut self,
        server: usize,
        started: Instant,
        answer: Answer<R, E>,
        clock: Clock,
    ) -> Option<R> {
        self.now = clock.now();
        let (effect, cause) = match answer {
            Answer::Reply(reply) => {
                self.settle(Ended::Finished, Some(server));
                return Some(reply);
            }
            Answer::Error(error) => {
                let effect = contain(|| (self.service.effect)(&error));
                (effect.unwrap_or(Effect::MayHaveHappened), Cause::Error(error))
            }
            Answer::Panicked(message) => (Effect::MayHaveHappened, Cause::Panicked(message)),
        };
        {
            let replicas = &mut self.service.shared.lock().replicas;
            match cause {
                Cause::Panicked(_) => self.call.panicked(replicas, server, self.now),
                _ => self.call.failed(replicas, server, effect, self.now),
            }
        }
        let after = self.now.saturating_duration_since(started);
        self.failures.push(Failure { server, after, effect, cause });
        None
    }

    fn decide(&mut self, cx: &mut Context<'_>) -> Result<Action, Aborted> {
        let _old;
        let mut state = self.service.shared.lock();
        if state.phase == Phase::Aborting {
            return Err(Aborted);
        }
        let action = self.call.tick(&mut state.replicas, self.now);
        if matches!(action, Action::Wait { .. }) {
            _old = state.running.wait(&mut self.ticket, cx.waker());
        }
        Ok(action)
    }

    /// Ends the call without a reply.
    fn fail(&mut self, kind: CallErrorKind, ended: Ended) -> CallError<A, E> {
        let now = self.now;
        self.failures.extend(self.attempts.iter().map(|attempt| Failure {
            server: attempt.server,
            after: now.saturating_duration_since(attempt.started),
            effect: Effect::MayHaveHappened,
            cause: Cause::Unanswered,
        }));
        self.settle(ended, None);
        let args = self.args.take().expect("a call ends once");
        CallError { kind, args, failures: mem::take(&mut self.failures) }
    }
}

impl<S, A, R, E> Ongoing<'_, S, A, R, E>
where
    R: Send + 'static,
    E: Send + 'static,
{
    /// Ends the call: first what becomes of the attempts that run, then what all calls share.
    fn settle(&mut self, ended: Ended, winner: Option<usize>) {
        self.settled = true;
        let shared = &self.service.shared;
        let mut losers = mem::take(&mut self.attempts);
        let (mut spawner, mut until, mut kept) = (None, None, 0);
        if let Losers::Finish { at_most, within } = self.service.losers
            && !losers.is_empty()
        {
            spawner = self.spawner.take().or_else(Spawner::current);
            until = self.now.checked_add(within);
            let at_most = if spawner.is_some() { at_most.get() } else { 0 };
            kept = shared.lock().keep(losers.len(), at_most);
        }
        // Requests are dropped before the call counts as over, and without a lock.
        let cancelled: Vec<usize> =
            losers.split_off(kept).into_iter().map(|attempt| attempt.server).collect();
        {
            let mut later = AfterUnlock::default();
            let _left;
            let mut state = shared.lock();
            if let Some(server) = winner {
                self.call.succeeded(&mut state.replicas, server, self.now);
            }
            for server in cancelled {
                self.call.cancelled(&mut state.replicas, server, self.now);
            }
            _left = state.call_ended(self.ticket.take(), ended, &mut later);
        }
        for (attempt, spawner) in losers.into_iter().zip(spawner.iter().cycle()) {
            spawner.spawn(Loser::new(shared.clone(), attempt, until));
        }
    }
}

/// The client is shutting down, and does not wait for its calls.
struct Aborted;

/// The caller is gone, or has its answer, which is not to be lost by what else is dropped here.
impl<S, A, R, E> Drop for Ongoing<'_, S, A, R, E>
where
    R: Send + 'static,
    E: Send + 'static,
{
    fn drop(&mut self) {
        if !self.settled && !seeded::is(Bug::DroppedCallIsCounted) {
            self.now = Clock::TOKIO.now();
            self.settle(Ended::Cancelled, None);
        }
        let args = self.args.take();
        let _ = contain(|| drop(args));
        for failure in self.failures.drain(..) {
            let _ = contain(|| drop(failure));
        }
    }
}
