//! Guards that check the number and the order of their drops.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The guards of one parser.
#[derive(Clone, Debug, Default)]
pub(crate) struct Guards(Rc<State>);

#[derive(Debug, Default)]
struct State {
    made: Cell<usize>,
    /// The numbers of the guards alive, the youngest last.
    alive: RefCell<Vec<usize>>,
    disorder: Cell<bool>,
    armed: Cell<bool>,
}

/// Must be dropped once, and before the guards that are older.
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

    /// The number of guards alive. Panics if a guard was dropped twice or out of order.
    pub(crate) fn alive(&self) -> usize {
        assert!(!self.0.disorder.get(), "dropped twice, or in the wrong order");
        self.0.alive.borrow().len()
    }

    /// Makes the next destructor panic.
    pub(crate) fn arm(&self) {
        self.0.armed.set(true);
    }

    /// Disarms the destructors, and returns true if one has panicked since [`arm`](Self::arm).
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
