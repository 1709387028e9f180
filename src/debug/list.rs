//! The live parsers of each thread.
//!
//! A thread has a list of the parsers that were fed there. A parser has an [`Entry`], which says where it
//! waits and in whose list that counts. The lists hold the entries weakly and are swept when they grow, so
//! dropping a parser, on whatever thread, never touches a list.

use core::cell::{Cell, RefCell};
use core::panic::Location;
use core::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "coroutine")]
use std::rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread_local;
use std::vec::Vec;

use super::Stack;
#[cfg(feature = "coroutine")]
use crate::engine::coroutine::Suspended;

thread_local! {
    static LIST: List = List::new();
    static READ: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

/// The line of a body that has called a read.
#[derive(Clone, Copy)]
pub(crate) struct Site(&'static Location<'static>);

impl Site {
    #[track_caller]
    pub(crate) fn caller() -> Self {
        Self(Location::caller())
    }

    /// Remembers the read as the last one that has nothing to read, of the parser that runs on this thread.
    pub(crate) fn note(self) {
        READ.set(Some(self.0));
    }
}

/// The entry of a parser, made when it waits for the first time.
pub(crate) struct Entry {
    engine: &'static str,
    wait: Option<Arc<Mutex<Wait>>>,
}

/// A parser that runs.
pub(crate) struct Running {
    /// The last read of the parser around it that has nothing to read.
    outer: Option<&'static Location<'static>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        READ.set(self.outer);
    }
}

/// The wait of a parser, as the lists see it.
struct Wait {
    engine: &'static str,
    /// The line that waits, if the parser does.
    location: Option<&'static Location<'static>>,
    /// The list that it counts in.
    list: u64,
}

impl Entry {
    pub(crate) const fn new(engine: &'static str) -> Self {
        Self { engine, wait: None }
    }

    /// Says for which engine the parser stands.
    #[cfg(feature = "generator")]
    pub(crate) fn set_engine(&mut self, engine: &'static str) {
        self.engine = engine;
    }

    /// The parser runs, until the result is dropped. Its reads are told from those of a parser whose body
    /// or sink feeds it.
    pub(crate) fn run(&mut self) -> Running {
        self.leave();
        Running { outer: READ.take() }
    }

    /// The parser does not wait.
    pub(crate) fn leave(&mut self) {
        if let Some(wait) = &self.wait {
            lock(wait).location = None;
        }
    }

    /// The parser waits in the read noted last.
    pub(crate) fn wait(&mut self) {
        let Some(location) = READ.take() else { return };
        // A thread whose list is gone already lists nothing.
        _ = LIST.try_with(|list| {
            let engine = self.engine;
            let shared = self.wait.get_or_insert_with(|| {
                Arc::new(Mutex::new(Wait { engine, location: None, list: 0 }))
            });
            let mut wait = lock(shared);
            wait.location = Some(location);
            if wait.list != list.number {
                wait.list = list.number;
                drop(wait);
                list.add(Listed::Entry(Arc::downgrade(shared)));
            }
        });
    }

    pub(crate) fn location(&self) -> Option<&'static Location<'static>> {
        lock(self.wait.as_ref()?).location
    }
}

fn lock(wait: &Mutex<Wait>) -> MutexGuard<'_, Wait> {
    wait.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parsers that were fed on one thread, and may have been dropped or have moved since.
struct List {
    /// Different for each thread, from 1.
    number: u64,
    parsers: RefCell<Vec<Listed>>,
}

#[derive(Clone)]
enum Listed {
    Entry(Weak<Mutex<Wait>>),
    #[cfg(feature = "coroutine")]
    Coroutine(rc::Weak<Suspended>),
}

impl Listed {
    /// Something that no other live parser has.
    fn address(&self) -> usize {
        match self {
            Self::Entry(wait) => wait.as_ptr().addr(),
            #[cfg(feature = "coroutine")]
            Self::Coroutine(coroutine) => coroutine.as_ptr().addr(),
        }
    }
}

impl List {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self { number, parsers: RefCell::default() }
    }

    /// Adds a parser. The list is swept where it would have to grow, so once for as many as it has left.
    fn add(&self, parser: Listed) {
        let mut parsers = self.parsers.borrow_mut();
        if parsers.len() == parsers.capacity() {
            self.sweep(&mut parsers);
        }
        parsers.push(parser);
    }

    /// Removes parsers that were dropped, those that have moved, and all but one entry of those that have
    /// come back. Leaves room for as many again.
    fn sweep(&self, parsers: &mut Vec<Listed>) {
        parsers.retain(|parser| match parser {
            Listed::Entry(wait) => {
                wait.upgrade().is_some_and(|wait| lock(&wait).list == self.number)
            }
            #[cfg(feature = "coroutine")]
            Listed::Coroutine(coroutine) => coroutine.strong_count() > 0,
        });
        parsers.sort_unstable_by_key(Listed::address);
        parsers.dedup_by_key(|parser| parser.address());
        let room = parsers.len();
        parsers.shrink_to(2 * room);
        parsers.reserve(room);
    }
}

/// Adds a coroutine, which stays on this thread.
#[cfg(feature = "coroutine")]
pub(crate) fn add_coroutine(coroutine: rc::Weak<Suspended>) {
    // A thread whose list is gone already lists nothing.
    _ = LIST.try_with(|list| list.add(Listed::Coroutine(coroutine)));
}

/// The place where a parser waits.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// A read of a parser of this engine.
    Read(&'static str, &'static Location<'static>),
    /// The innermost call of a coroutine.
    #[cfg_attr(not(feature = "coroutine"), expect(dead_code, reason = "of that engine alone"))]
    Stack(Stack),
}

/// Visits the places where parsers of this thread wait.
pub(super) fn visit(mut visitor: impl FnMut(Place)) {
    let listed = LIST.try_with(|list| {
        let mut parsers = list.parsers.borrow_mut();
        list.sweep(&mut parsers);
        (list.number, parsers.clone())
    });
    let Ok((number, parsers)) = listed else { return };
    // The list is not borrowed here, so that a coroutine may be resumed.
    for parser in parsers {
        match parser {
            Listed::Entry(wait) => {
                let Some(wait) = wait.upgrade() else { continue };
                let wait = lock(&wait);
                // It may have moved meanwhile.
                if let (Some(location), true) = (wait.location, wait.list == number) {
                    visitor(Place::Read(wait.engine, location));
                }
            }
            #[cfg(feature = "coroutine")]
            Listed::Coroutine(coroutine) => {
                let stack = coroutine.upgrade().and_then(|coroutine| coroutine.stack());
                stack.into_iter().for_each(|stack| visitor(Place::Stack(stack)));
            }
        }
    }
}
