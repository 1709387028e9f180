//! The locks of the patterns, in one place: those of `std`, or those of a model checker.
//!
//! All state that threads or tasks share lies under a [`Mutex`] from here, so a model sees every
//! race. The rules, which hold throughout the module:
//!
//! * no code of the user runs while a lock is held: no payload is dropped, no waker is woken or
//!   dropped. So a lock is never poisoned and never held for long;
//! * a waker is stored under the lock under which its condition was found false.

use std::sync::PoisonError;
use std::time::Instant;

cfg_select! {
    pushdown_model = "loom" => {
        use loom::sync as imp;
        pub(crate) use loom::thread;
    }
    pushdown_model = "shuttle" => {
        use shuttle::sync as imp;
        pub(crate) use shuttle::thread;
    }
    _ => {
        use std::sync as imp;
        pub(crate) use std::thread;
    }
}

pub(crate) use imp::MutexGuard;

/// A lock without poison, of which nothing here needs any.
#[derive(Debug)]
pub(crate) struct Mutex<T>(imp::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(imp::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(crate) struct Condvar(imp::Condvar);

impl Condvar {
    pub(crate) fn new() -> Self {
        Self(imp::Condvar::new())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    /// Waits to be notified, or until a point in time.
    pub(crate) fn wait<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, T> {
        match until {
            None => self.0.wait(guard).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                self.0.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }
}
