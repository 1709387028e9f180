//! The locks of the patterns, in one place: those of `std`, or those of a model checker.
//!
//! All state that threads or tasks share lies under a [`Mutex`] from here, so a model sees every
//! race. The rules, which hold throughout the module:
//!
//! * no code of the user runs while a lock is held: no payload is dropped, no waker is woken or
//!   dropped; wakers are cloned at most. So a lock is never poisoned and never held for long;
//! * a waker is stored under the lock under which its condition was found false, or the condition is
//!   looked at once more afterwards.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
pub(crate) use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::wakers::AfterUnlock;

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

cfg_select! {
    any(pushdown_model = "loom", pushdown_model = "shuttle") => {
        /// A place that is written once. No model checker has one: this one is std's, behind a flag
        /// that the checker sees.
        pub(crate) struct Once<T> {
            is_set: imp::atomic::AtomicBool,
            value: std::sync::OnceLock<T>,
        }

        impl<T> Default for Once<T> {
            fn default() -> Self {
                Self::new()
            }
        }

        impl<T> Once<T> {
            pub(crate) fn new() -> Self {
                let is_set = imp::atomic::AtomicBool::new(false);
                Self { is_set, value: std::sync::OnceLock::new() }
            }

            pub(crate) fn get(&self) -> Option<&T> {
                if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
            }

            pub(crate) fn set(&self, value: T) -> Result<(), T> {
                self.value.set(value)?;
                self.is_set.store(true, Ordering::Release);
                Ok(())
            }
        }
    }
    _ => {
        pub(crate) use std::sync::OnceLock as Once;
    }
}

pub(crate) use imp::MutexGuard;
pub(crate) use imp::atomic::AtomicU64;

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

/// A held lock, and what follows once it is released: wakers to wake and drop, values to drop.
///
/// The order is that of the fields: first the lock is released, then `after` is dropped. So code
/// under the lock hands over what must not run there, and cannot get the order wrong.
#[derive(Debug)]
#[allow(dead_code, reason = "until every lock has moved here")]
pub(crate) struct Locked<'a, T, A = AfterUnlock> {
    guard: MutexGuard<'a, T>,
    after: A,
}

#[allow(dead_code, reason = "until every lock has moved here")]
impl<T> Mutex<T> {
    /// Locks, with an empty `A` for what follows the unlock.
    pub(crate) fn lock_with<A: Default>(&self) -> Locked<'_, T, A> {
        Locked { guard: self.lock(), after: A::default() }
    }
}

#[allow(dead_code, reason = "until every lock has moved here")]
impl<T, A> Locked<'_, T, A> {
    /// The state, and what follows the unlock, as two borrows.
    pub(crate) fn split(&mut self) -> (&mut T, &mut A) {
        (&mut self.guard, &mut self.after)
    }
}

impl<T, A> Deref for Locked<'_, T, A> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.guard
    }
}

impl<T, A> DerefMut for Locked<'_, T, A> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.guard
    }
}
