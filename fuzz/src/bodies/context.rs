//! The record of a run: a hash of all that the program has read, the same in every engine.

use std::cell::Cell;

use pushdown::{ErrorKind, Events, Failure};

use super::program::{FUEL, FUEL_AFTER_END};

/// The events of a program.
#[derive(Debug)]
pub(super) enum Marks {}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark<'a> {
    Text(&'a [u8]),
    /// All that was read so far.
    Hash(u64),
}

impl Events for Marks {
    type Event<'a> = Mark<'a>;
}

/// A hash of all bytes read, and the operations that are left.
#[derive(Debug)]
pub(super) struct Context {
    hash: u64,
    fuel: u32,
}

impl Context {
    pub(super) fn new() -> Self {
        Self { hash: 0, fuel: FUEL }
    }

    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn note(&mut self, what: u64) {
        self.hash = (self.hash ^ what).wrapping_mul(0x0100_0000_01b3).rotate_left(9);
    }

    pub(super) fn note_bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.note(u64::from(*byte));
        }
    }

    /// Counts an operation. False if there have been too many.
    pub(super) fn spend(&mut self) -> bool {
        self.fuel = self.fuel.saturating_sub(1);
        self.fuel > 0
    }

    /// An error that a `Try` may swallow: not bad input, and not a machine that waits.
    pub(super) fn swallows(&mut self, failure: Failure) -> bool {
        let swallowed =
            matches!(failure.kind(), Some(ErrorKind::TooLong | ErrorKind::UnexpectedEnd));
        if swallowed {
            self.note(match failure.kind() {
                Some(ErrorKind::TooLong) => 1000,
                _ => 1001,
            });
            self.fuel = self.fuel.min(FUEL_AFTER_END);
        }
        swallowed
    }

    /// The error of a program that has done too much.
    pub(super) fn out_of_fuel() -> ErrorKind {
        ErrorKind::Custom(1)
    }
}

thread_local! {
    static LIVE: Cell<i32> = const { Cell::new(0) };
}

/// A value that has to be dropped.
#[derive(Debug)]
pub(super) struct Guard(());

impl Guard {
    pub(super) fn new() -> Self {
        LIVE.set(LIVE.get() + 1);
        Self(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
    }
}

/// The number of guards that are alive on this thread.
pub(super) fn live() -> i32 {
    LIVE.get()
}

/// A panic without its message.
pub(super) fn panic() -> ! {
    std::panic::resume_unwind(Box::new("the program panics"))
}
