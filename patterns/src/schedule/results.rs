//! The results of a run, collected from its workers as they leave.

use std::collections::BTreeMap;
use std::string::String;
use std::sync::Arc;
use std::vec::Vec;

use super::proto::Scheduler;
use super::shared::Shared;
use super::{FailedAttempt, Finished, NotDone, Report, ServerId, ServerReport, Unfinished};
use crate::panics::discard;
use crate::sync::Mutex;

/// The results of all workers that have left.
#[derive(Debug)]
pub(super) struct Results<S, R, E> {
    parts: Mutex<Vec<WorkerResults<S, R, E>>>,
    source_panic: Mutex<Option<String>>,
}

/// The results of one worker.
#[derive(Debug)]
pub(super) struct WorkerResults<S, R, E> {
    pub(super) id: ServerId,
    pub(super) server: Option<S>,
    pub(super) completed: Vec<(usize, R)>,
    pub(super) failures: Vec<(usize, FailedAttempt<E>)>,
}

impl<S, R, E> Results<S, R, E> {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { parts: Mutex::new(Vec::new()), source_panic: Mutex::new(None) })
    }

    pub(super) fn deliver(&self, part: WorkerResults<S, R, E>) {
        self.parts.lock().push(part);
    }

    pub(super) fn set_source_panic(&self, message: String) {
        *self.source_panic.lock() = Some(message);
    }

    /// Assembles the report of a run that is over.
    pub(super) fn report<T>(&self, shared: &Shared, tasks: Vec<T>) -> Finished<S, T, R, E> {
        let mut parts = std::mem::take(&mut *self.parts.lock());
        parts.sort_by_key(|part| part.id);
        let mut results: Vec<Option<R>> = tasks.iter().map(|_| None).collect();
        for (task, result) in parts.iter_mut().flat_map(|part| part.completed.drain(..)) {
            results[task] = Some(result);
        }
        let mut failures = BTreeMap::<usize, Vec<_>>::new();
        for (task, failed) in parts.iter_mut().flat_map(|part| part.failures.drain(..)) {
            if results[task].is_none() {
                failures.entry(task).or_default().push(failed);
            } else {
                discard(failed);
            }
        }
        let result = |((index, task), result): ((usize, T), Option<R>)| {
            result.ok_or_else(|| {
                let attempts = shared.read(|scheduler| scheduler.attempts(index));
                let mut failures = failures.remove(&index).unwrap_or_default();
                failures.sort_by_key(|failed| failed.number);
                NotDone { index, task, attempts, failures }
            })
        };
        let server = |WorkerResults { id, server, .. }| {
            let (counts, leave_reason) =
                shared.read(|scheduler| (scheduler.server_counts(id), scheduler.leave_reason(id)));
            ServerReport { id, counts, leave_reason, server }
        };
        let counts = shared.read(Scheduler::counts);
        let report = Report {
            results: tasks.into_iter().enumerate().zip(results).map(result).collect(),
            servers: parts.into_iter().map(server).collect(),
            attempts: counts.attempts,
            backups: counts.backups,
            source_panic: self.source_panic.lock().take(),
        };
        match shared.read(Scheduler::end).expect("a run that is over has an end") {
            Ok(()) => Ok(report),
            Err(reason) => Err(Unfinished { reason, report }),
        }
    }
}

/// Drops each value separately: a second panic in a destructor would abort.
impl<S, R, E> Drop for Results<S, R, E> {
    fn drop(&mut self) {
        let parts = std::mem::take(&mut *self.parts.lock());
        for WorkerResults { server, completed, failures, .. } in parts {
            discard(server);
            completed.into_iter().for_each(discard);
            failures.into_iter().for_each(discard);
        }
    }
}
