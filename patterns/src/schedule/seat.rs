//! The end of a run that a server sits at, and what is gathered from all of them.

use core::fmt;
use std::collections::BTreeMap;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use super::board::Board;
use super::core::{Attempt, Outcome};
use super::failure::{Cause, FailedAttempt};
use super::lease::{HandBack, Home};
use super::{Finished, NotDone, Report, ServerId, ServerReport, Unfinished};
use crate::panics::discard;
use crate::seeded::{self, Bug};
use crate::sync::Mutex;

/// What the runners leave behind.
#[derive(Debug)]
pub(super) struct Harvest<S, R, E> {
    bags: Mutex<Vec<Bag<S, R, E>>>,
    source_panic: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Bag<S, R, E> {
    id: ServerId,
    server: Option<S>,
    results: Vec<(usize, R)>,
    failures: Vec<(usize, FailedAttempt<E>)>,
}

/// A server's place in a run. Results stay here until it leaves, so no lock is held over a value of
/// the user's.
///
/// Whatever becomes of a runner, it drops this: then the server is handed back, what was gathered
/// goes where it is waited for, and the board is told.
pub(super) struct Seat<S, R, E> {
    pub(super) board: Arc<Board>,
    pub(super) home: Arc<Home<S>>,
    harvest: Arc<Harvest<S, R, E>>,
    results: Vec<(usize, R)>,
    /// The last of each task, so that a run which fails for days does not fill the memory.
    failures: BTreeMap<usize, FailedAttempt<E>>,
}

/// What is known of a call that has ended, and not yet told to the board.
pub(super) enum Ended<R, E> {
    Success(R),
    Failed(Cause<E>),
    Cancelled,
}

impl<R, E> Ended<R, E> {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::Success(_) => Outcome::Success,
            Self::Failed(cause) => Outcome::Failed(cause.kind()),
            Self::Cancelled => Outcome::Cancelled,
        }
    }
}

impl<S, R, E> Seat<S, R, E> {
    pub(super) fn new(
        board: &Arc<Board>,
        harvest: &Arc<Harvest<S, R, E>>,
        server: S,
        hand_back: Option<HandBack<S>>,
    ) -> Self {
        Self {
            home: Home::new(board, server, hand_back),
            board: board.clone(),
            harvest: harvest.clone(),
            results: Vec::new(),
            failures: BTreeMap::new(),
        }
    }

    pub(super) fn id(&self) -> ServerId {
        self.home.id()
    }

    /// Keeps what came of a call. `counts` is what the board has said to it.
    pub(super) fn keep(&mut self, attempt: Attempt, ended: Ended<R, E>, counts: bool) {
        match ended {
            Ended::Success(result) if counts => self.results.push((attempt.task, result)),
            Ended::Failed(cause) if counts => {
                let failed = FailedAttempt { number: attempt.number, server: self.id(), cause };
                discard(self.failures.insert(attempt.task, failed));
            }
            late => discard(late),
        }
    }
}

impl<S, R, E> Drop for Seat<S, R, E> {
    fn drop(&mut self) {
        let id = self.id();
        let server = self.home.close().filter(|_| !seeded::is(Bug::NobodyTakesBack));
        let results = std::mem::take(&mut self.results);
        let failures = std::mem::take(&mut self.failures).into_iter();
        // What the report has no place for goes now. A run may outlive any number of servers.
        let (useless, failures): (Vec<_>, Vec<_>) =
            self.board.look(|core| failures.partition(|(task, _)| core.is_done(*task)));
        useless.into_iter().for_each(discard);
        self.harvest.bags.lock().push(Bag { id, server, results, failures });
        self.board.leave(id);
    }
}

impl<S, R, E> Harvest<S, R, E> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { bags: Mutex::new(Vec::new()), source_panic: Mutex::new(None) })
    }

    pub(super) fn source_panicked(&self, message: String) {
        *self.source_panic.lock() = Some(message);
    }

    /// The report of a run that is over.
    pub(super) fn report<T>(&self, board: &Board, tasks: Vec<T>) -> Finished<S, T, R, E> {
        let mut bags = std::mem::take(&mut *self.bags.lock());
        bags.sort_by_key(|bag| bag.id);
        let mut results: Vec<Option<R>> = tasks.iter().map(|_| None).collect();
        for (task, result) in bags.iter_mut().flat_map(|bag| bag.results.drain(..)) {
            results[task] = Some(result);
        }
        let mut failures = BTreeMap::<usize, Vec<_>>::new();
        for (task, failed) in bags.iter_mut().flat_map(|bag| bag.failures.drain(..)) {
            if results[task].is_none() {
                failures.entry(task).or_default().push(failed);
            } else {
                discard(failed);
            }
        }
        let result = |((index, task), result): ((usize, T), Option<R>)| {
            result.ok_or_else(|| {
                let attempts = board.look(|core| core.attempts(index));
                let mut failures = failures.remove(&index).unwrap_or_default();
                failures.sort_by_key(|failed| failed.number);
                NotDone { index, task, attempts, failures }
            })
        };
        let server = |Bag { id, server, .. }| {
            let (counts, _, end) = board.look(|core| core.server(id));
            ServerReport { id, counts, end, server }
        };
        let counts = board.look(super::core::Core::counts);
        let report = Report {
            results: tasks.into_iter().enumerate().zip(results).map(result).collect(),
            servers: bags.into_iter().map(server).collect(),
            attempts: counts.attempts,
            backups: counts.backups,
            source_panic: self.source_panic.lock().take(),
        };
        match board.look(super::core::Core::end).expect("what is over has an end") {
            Ok(()) => Ok(report),
            Err(reason) => Err(Unfinished { reason, report }),
        }
    }
}

/// Nobody waits for the report. Each value on its own: a second panic would abort.
impl<S, R, E> Drop for Harvest<S, R, E> {
    fn drop(&mut self) {
        for Bag { server, results, failures, .. } in std::mem::take(&mut *self.bags.lock()) {
            discard(server);
            results.into_iter().for_each(discard);
            failures.into_iter().for_each(discard);
        }
    }
}

impl<S, R, E> fmt::Debug for Seat<S, R, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seat").field("home", &self.home).finish_non_exhaustive()
    }
}
