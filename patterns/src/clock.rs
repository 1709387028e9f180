//! The time: that of tokio, that of the system, or that of a model.
//!
//! In a model time stands still until a thread of the model calls `advance`. The model checker then
//! goes through the moments at which that happens, so a time limit is over at every point where it can
//! be.

use std::task::{Context, Poll};
use std::time::Instant;

/// A source of the time. It is read only by a waiter that has to wait.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(fn() -> Instant);

impl Clock {
    pub(crate) fn now(self) -> Instant {
        (self.0)()
    }
}

cfg_select! {
    any(pushdown_model = "loom", pushdown_model = "shuttle") => {
        use std::task::Waker;
        use std::time::Duration;

        use crate::sync::{AtomicU64, Mutex, Ordering, lazy_static};

        /// Starts anew with each run of a model.
        struct Time {
            /// Nanoseconds since the start.
            passed: AtomicU64,
            timers: Mutex<Vec<(u64, Waker)>>,
        }

        lazy_static! {
            static ref TIME: Time =
                Time { passed: AtomicU64::new(0), timers: Mutex::new(Vec::new()) };
        }

        /// Lets time pass in a model.
        pub fn advance(by: Duration) {
            let by = u64::try_from(by.as_nanos()).expect("a time of less than 500 years");
            let now = TIME.passed.fetch_add(by, Ordering::AcqRel) + by;
            let due = TIME.timers.lock().extract_if(.., |(at, _)| *at <= now).collect::<Vec<_>>();
            due.into_iter().for_each(|(_, waker)| waker.wake());
        }

        /// The time 0 of all models.
        fn start() -> Instant {
            static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
            *START.get_or_init(Instant::now)
        }

        /// The time in a model.
        pub fn now() -> Instant {
            start() + Duration::from_nanos(TIME.passed.load(Ordering::Acquire))
        }

        impl Clock {
            pub(crate) const TOKIO: Self = Self(now);
            pub(crate) const SYSTEM: Self = Self::TOKIO;
        }

        /// A timer, woken by [`advance`].
        pub(crate) struct Timer;

        impl Timer {
            pub(crate) fn new(_: Instant) -> Self {
                Self
            }

            pub(crate) fn poll(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
                let at = (until - start()).as_nanos();
                let Ok(at) = u64::try_from(at) else { return Poll::Pending };
                TIME.timers.lock().push((at, cx.waker().clone()));
                if now() < until { Poll::Pending } else { Poll::Ready(()) }
            }
        }

        /// Sleeps until a time or a wake-up.
        pub(crate) fn sleep(
            cx: &mut Context<'_>,
            until: Option<Instant>,
            park: impl FnOnce(Option<Instant>),
        ) {
            if until.is_none_or(|until| Timer.poll(until, cx).is_pending()) {
                park(None);
            }
        }
    }
    _ => {
        use std::boxed::Box;
        use std::pin::Pin;

        use tokio::time::Sleep;

        impl Clock {
            /// The clock of tokio, which tests can pause.
            pub(crate) const TOKIO: Self = Self(|| tokio::time::Instant::now().into_std());
            pub(crate) const SYSTEM: Self = Self(Instant::now);
        }

        /// A timer of tokio.
        pub(crate) struct Timer(Pin<Box<Sleep>>);

        impl Timer {
            pub(crate) fn new(until: Instant) -> Self {
                Self(Box::pin(tokio::time::sleep_until(until.into())))
            }

            pub(crate) fn poll(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
                if self.0.deadline() != until.into() {
                    self.0.as_mut().reset(until.into());
                }
                self.0.as_mut().poll(cx)
            }
        }

        /// Sleeps until a time or a wake-up.
        pub(crate) fn sleep(
            _: &mut Context<'_>,
            until: Option<Instant>,
            park: impl FnOnce(Option<Instant>),
        ) {
            park(until);
        }
    }
}
