//! All waiting of the patterns.
//!
//! A waiter is a closure, polled again when its waker is woken or the deadline it returned has passed.
//! [`wait`] polls it from a task, [`block`] from a thread. That is the only difference between the two
//! drivers.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

pub(crate) use crate::clock::Clock;
use crate::clock::{self, Timer};
use crate::sync::{Condvar, Mutex};
use crate::waits::{At, Entry, Site, Why};

/// The result of one poll.
#[derive(Debug)]
pub(crate) enum Step<T> {
    Done(T),
    /// Not yet. The waker has been stored where it will be woken.
    Wait {
        /// When to poll again even if it is not woken.
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

/// Waits in a task. Needs the timer of tokio only once the closure returns a deadline.
pub(crate) async fn wait<'p, T>(
    at: impl Into<At<'p>>,
    mut poll: impl FnMut(&mut Context<'_>, Clock) -> Step<T>,
) -> T {
    wait_why(at, |cx, clock, _| poll(cx, clock)).await
}

/// Waits in a task for a reason that only the closure can name.
pub(crate) async fn wait_why<'p, T>(
    at: impl Into<At<'p>>,
    mut poll: impl FnMut(&mut Context<'_>, Clock, &mut Why) -> Step<T>,
) -> T {
    let mut waiter = Waiter::new(at.into());
    let mut timer = None;
    poll_fn(|cx| {
        loop {
            let until = match waiter.poll(|why| poll(cx, Clock::TOKIO, why)) {
                Ok(value) => return Poll::Ready(value),
                Err(None) => return Poll::Pending,
                Err(Some(until)) => until,
            };
            let timer = timer.get_or_insert_with(|| Timer::new(until));
            if timer.poll(until, cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await
}

/// Waits by blocking the thread.
pub(crate) fn block<'p, T>(
    at: impl Into<At<'p>>,
    mut poll: impl FnMut(&mut Context<'_>, Clock) -> Step<T>,
) -> T {
    block_why(at, |cx, clock, _| poll(cx, clock))
}

/// Waits by blocking the thread, for a reason that only the closure can name.
pub(crate) fn block_why<'p, T>(
    at: impl Into<At<'p>>,
    mut poll: impl FnMut(&mut Context<'_>, Clock, &mut Why) -> Step<T>,
) -> T {
    // Usually there is nothing to wait for, and then nothing to allocate.
    let mut cx = Context::from_waker(Waker::noop());
    if let Step::Done(value) = poll(&mut cx, Clock::SYSTEM, &mut Why::default()) {
        return value;
    }
    let mut waiter = Waiter::new(at.into());
    let parker = Arc::new(Parker { woken: Mutex::new(false), changed: Condvar::new() });
    let waker = Waker::from(parker.clone());
    let mut cx = Context::from_waker(&waker);
    loop {
        match waiter.poll(|why| poll(&mut cx, Clock::SYSTEM, why)) {
            Ok(value) => return value,
            Err(until) => clock::sleep(&mut cx, until, |until| parker.park(until)),
        }
    }
}

/// A waiter. It is registered from the first poll that was not ready until it is dropped.
struct Waiter<'p> {
    at: At<'p>,
    entry: Option<Entry>,
}

impl<'p> Waiter<'p> {
    fn new(at: At<'p>) -> Self {
        Self { at, entry: None }
    }

    /// Polls once. `Err` has the deadline of the next poll.
    fn poll<T>(&mut self, poll: impl FnOnce(&mut Why) -> Step<T>) -> Result<T, Option<Instant>> {
        let mut why = Why::default();
        let until = match poll(&mut why) {
            Step::Done(value) => return Ok(value),
            Step::Wait { until } => until,
        };
        self.entry.get_or_insert_with(|| Entry::new(self.at)).set(why);
        Err(until)
    }
}

static FUTURE: Site = Site::wait("thread", "block_on", "a future");

/// Runs a future to completion in this thread.
#[track_caller]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    block(FUTURE.here(), |cx, _| future.as_mut().poll(cx).into())
}

/// A thread that sleeps until it is woken. A wake-up before it sleeps counts.
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
