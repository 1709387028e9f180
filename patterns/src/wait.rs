//! The one place in which anything waits.
//!
//! What waits is a closure that is asked again whenever its waker is woken, and when the time comes
//! that it has named. [`wait`] asks it from a task, [`block`] from a thread; that is all the
//! difference between the two drivers.

use std::boxed::Box;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

use crate::sync::{Condvar, Mutex};
use crate::waits::{At, Entry, Peer, Site};

/// What one question brought.
#[derive(Debug)]
pub(crate) enum Step<T> {
    Done(T),
    /// Not yet. The waker is stored where it will be woken.
    Wait {
        /// When to ask again even so.
        until: Option<Instant>,
    },
}

impl<T> From<Poll<T>> for Step<T> {
    fn from(poll: Poll<T>) -> Self {
        match poll {
            Poll::Ready(value) => Self::Done(value),
            Poll::Pending => Self::Wait { until: None },
        }
    }
}

/// What tells the time. It is read only where somebody has to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(fn() -> Instant);

impl Clock {
    /// The clock of tokio, which tests can pause.
    pub(crate) const TOKIO: Self = Self(|| tokio::time::Instant::now().into_std());
    pub(crate) const SYSTEM: Self = Self(Instant::now);

    pub(crate) fn now(self) -> Instant {
        (self.0)()
    }
}

/// Waits in a task. Needs tokio's timer only once the answer names a time.
pub(crate) async fn wait<'p, T>(
    at: impl Into<At<'p>>,
    mut ask: impl FnMut(&mut Context<'_>, Clock) -> Step<T>,
) -> T {
    wait_for(at, |cx, clock, _| ask(cx, clock)).await
}

/// Waits in a task for somebody whom only the answer names.
pub(crate) async fn wait_for<'p, T>(
    at: impl Into<At<'p>>,
    mut ask: impl FnMut(&mut Context<'_>, Clock, &mut Option<Peer>) -> Step<T>,
) -> T {
    let mut waiter = Waiter::new(at.into());
    let mut alarm: Option<Pin<Box<tokio::time::Sleep>>> = None;
    poll_fn(|cx| {
        loop {
            let until = match waiter.ask(|peer| ask(cx, Clock::TOKIO, peer)) {
                Ok(value) => return Poll::Ready(value),
                Err(None) => return Poll::Pending,
                Err(Some(until)) => tokio::time::Instant::from_std(until),
            };
            let alarm = alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
            if alarm.deadline() != until {
                alarm.as_mut().reset(until);
            }
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Waits in a thread, which it blocks.
pub(crate) fn block<'p, T>(
    at: impl Into<At<'p>>,
    mut ask: impl FnMut(&mut Context<'_>, Clock) -> Step<T>,
) -> T {
    block_for(at, |cx, clock, _| ask(cx, clock))
}

/// Waits in a thread for somebody whom only the answer names.
pub(crate) fn block_for<'p, T>(
    at: impl Into<At<'p>>,
    mut ask: impl FnMut(&mut Context<'_>, Clock, &mut Option<Peer>) -> Step<T>,
) -> T {
    // Mostly there is nothing to wait for, and then nothing to allocate either.
    let mut cx = Context::from_waker(Waker::noop());
    if let Step::Done(value) = ask(&mut cx, Clock::SYSTEM, &mut None) {
        return value;
    }
    let mut waiter = Waiter::new(at.into());
    let parker = Arc::new(Parker { woken: Mutex::new(false), changed: Condvar::new() });
    let waker = Waker::from(parker.clone());
    let mut cx = Context::from_waker(&waker);
    loop {
        match waiter.ask(|peer| ask(&mut cx, Clock::SYSTEM, peer)) {
            Ok(value) => return value,
            Err(until) => parker.park(until),
        }
    }
}

/// One that waits. It is registered from its first vain question until it is dropped.
struct Waiter<'p> {
    at: At<'p>,
    entry: Option<Entry>,
}

impl<'p> Waiter<'p> {
    fn new(at: At<'p>) -> Self {
        Self { at, entry: None }
    }

    /// Asks. `Err` says when to ask again at the latest.
    fn ask<T>(
        &mut self,
        ask: impl FnOnce(&mut Option<Peer>) -> Step<T>,
    ) -> Result<T, Option<Instant>> {
        let mut peer = None;
        let until = match ask(&mut peer) {
            Step::Done(value) => return Ok(value),
            Step::Wait { until } => until,
        };
        let entry = self.entry.get_or_insert_with(|| Entry::new(self.at));
        if let Some(peer) = peer {
            entry.move_to(peer);
        }
        Err(until)
    }
}

static FUTURE: Site = Site::wait("thread", "block_on", "a future");

/// Runs a future to its end in this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    block(&FUTURE, |cx, _| future.as_mut().poll(cx).into())
}

/// A thread that sleeps until it is woken. A wake-up before that counts.
#[derive(Debug)]
struct Parker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn park(&self, until: Option<Instant>) {
        let mut woken = self.woken.lock();
        while !*woken {
            woken = self.changed.wait(woken, until);
            if until.is_some_and(|until| Instant::now() >= until) {
                break;
            }
        }
        *woken = false;
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *self.woken.lock() = true;
        self.changed.notify_one();
    }
}
