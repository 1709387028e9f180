//! Destructors that are counted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The guards of one parser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guards(Rc<State>);

#[derive(Debug, Default)]
struct State {
    made: Cell<usize>,
    /// The innermost last.
    alive: RefCell<Vec<usize>>,
    disorder: Cell<bool>,
    armed: Cell<bool>,
}

/// Is to be dropped once, and before those that are older.
#[derive(Debug)]
pub(crate) struct Guard {
    number: usize,
    guards: Guards,
}

impl Guards {
    pub(crate) fn guard(&self) -> Guard {
        let number = self.0.made.replace(self.0.made.get() + 1);
        self.0.alive.borrow_mut().push(number);
        Guard { number, guards: self.clone() }
    }

    /// How many there are, if all that are gone were dropped as they should be.
    pub(crate) fn alive(&self) -> usize {
        assert!(!self.0.disorder.get(), "dropped twice, or in the wrong order");
        self.0.alive.borrow().len()
    }

    /// Makes the next destructor panic.
    pub(crate) fn arm(&self) {
        self.0.armed.set(true);
    }

    /// Whether a destructor has panicked since. None will from now on.
    pub(crate) fn fired(&self) -> bool {
        !self.0.armed.take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let State { alive, disorder, armed, .. } = &*self.guards.0;
        if alive.borrow_mut().pop() != Some(self.number) {
            disorder.set(true);
        }
        assert!(!armed.take(), "in a destructor");
    }
}
