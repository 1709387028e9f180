//! The locks of the patterns: those of `std`, or those of a model checker.
//!
//! State that threads or tasks of a pattern share is under a [`Mutex`] from here, so a model checker
//! sees every race for it. The exceptions use `std` directly: the table of what waits
//! (`waits/table.rs`) and counters that only hand out numbers.
//!
//! The rules, throughout the crate:
//!
//! * User code under a lock is limited to clones of wakers and, in `mux`, to the `Ord` and `Clone` of
//!   tags and to `Protocol::tag`. Wakers are not woken or dropped under a lock, and neither payloads
//!   nor requests, replies and servers are dropped there: [`Locked`] carries them past the unlock.
//! * A waker is stored under the lock under which its condition was found false. Otherwise the
//!   condition is checked again after the waker has been stored.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
pub(crate) use std::sync::atomic::Ordering;
use std::time::Instant;

use crate::wakers::AfterUnlock;

cfg_select! {
    pushdown_model = "loom" => {
        pub(crate) use loom::lazy_static;
        use loom::sync as imp;
        pub(crate) use loom::thread;
    }
    pushdown_model = "shuttle" => {
        pub(crate) use shuttle::lazy_static;
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
        /// A cell that is written once. The model checkers have none, so this is the one of `std`,
        /// behind a flag that the checker sees.
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

/// A mutex that ignores poison.
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

    /// Waits for a notification, or until the deadline.
    pub(crate) fn wait<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        deadline: Option<Instant>,
    ) -> MutexGuard<'a, T> {
        match deadline {
            None => self.0.wait(guard).unwrap_or_else(PoisonError::into_inner),
            Some(deadline) => {
                let left = deadline.saturating_duration_since(Instant::now());
                self.0.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }
}

/// A held lock, and an `A` that is dropped after the unlock: wakers to wake, values to drop.
///
/// The order is that of the fields. Code under the lock moves into `after` what must not run there, and
/// cannot get the order wrong.
#[derive(Debug)]
pub(crate) struct Locked<'a, T, A = AfterUnlock> {
    guard: MutexGuard<'a, T>,
    after: A,
}

impl<T> Mutex<T> {
    /// Locks, with an empty `A` to be dropped after the unlock.
    pub(crate) fn lock_with<A: Default>(&self) -> Locked<'_, T, A> {
        Locked { guard: self.lock(), after: A::default() }
    }
}

impl<T, A> Locked<'_, T, A> {
    /// Returns the state and what follows the unlock, as two borrows.
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
