//! The user values of a run: its tasks, results and servers.
//!
//! The state machine names a task by its slot. Values move in and out under the lock, and are made,
//! cloned and dropped outside of it.

use std::boxed::Box;
use std::collections::VecDeque;
use std::mem;
use std::pin::Pin;
use std::string::String;
use std::sync::Arc;
use std::task::Context;
use std::vec::Vec;

use futures_core::Stream;

use super::proto::{Assignment, Scheduler, Verdict};
use super::shared::Shared;
use super::{FailedAttempt, NotDone, ServerId, ServerReport, Summary};
use crate::panics::discard;
use crate::sync::Mutex;
use crate::wakers::{AfterUnlock, WakerSlot};

/// The source of the tasks.
pub(super) type Tasks<T> = Pin<Box<dyn Stream<Item = T> + Send>>;

/// The number of a task that is settled, and its result.
pub(super) type Settled<T, R, E> = (usize, Result<R, Box<NotDone<T, E>>>);

pub(super) struct Values<S, T, R, E> {
    table: Mutex<Table<T, R, E>>,
    servers: Mutex<Vec<(ServerId, Option<S>)>>,
    panics: Mutex<Panics>,
    /// The tasks that were not taken before the run ended.
    rest: Mutex<Option<Tasks<T>>>,
    /// Two attempts at a task may need it at the same time.
    copies: bool,
}

struct Table<T, R, E> {
    entries: Vec<Entry<T, E>>,
    free: Vec<usize>,
    /// The number of the next task.
    next: usize,
    settled: VecDeque<Settled<T, R, E>>,
    /// Waits for the next settled task.
    reader: WakerSlot,
}

/// A task that is not settled, or of which a copy still runs. Without one the slot is free.
struct Entry<T, E> {
    number: usize,
    /// `None` during an attempt, unless copies are enabled.
    task: Option<Kept<T>>,
    /// The last failure on each server, so that a run that fails for days does not fill the memory.
    failures: Vec<FailedAttempt<E>>,
}

#[derive(Default)]
struct Panics {
    /// Of the stream of servers.
    servers: Option<String>,
    /// Of the stream of tasks, or of a worker.
    run: Option<String>,
}

/// A task, of which each attempt is given a clone. It is moved to the attempt and back; only if copies
/// may need it at the same time is it shared.
pub(super) enum Kept<T> {
    Moved(T),
    Shared(Arc<T>),
}

impl<T> Kept<T> {
    pub(super) fn get(&self) -> &T {
        match self {
            Self::Moved(task) => task,
            Self::Shared(task) => task,
        }
    }
}

impl<T> Kept<T> {
    /// Takes the task back. Each attempt drops its share before the state machine learns that it has
    /// ended.
    fn into_inner(self) -> T {
        match self {
            Self::Moved(task) => task,
            Self::Shared(task) => Arc::into_inner(task).expect("no attempt is in progress"),
        }
    }
}

impl<S, T, R, E> Values<S, T, R, E> {
    pub(super) fn new(copies: bool) -> Arc<Self> {
        Arc::new(Self {
            table: Mutex::new(Table {
                entries: Vec::new(),
                free: Vec::new(),
                next: 0,
                settled: VecDeque::new(),
                reader: WakerSlot::default(),
            }),
            servers: Mutex::new(Vec::new()),
            panics: Mutex::new(Panics::default()),
            rest: Mutex::new(None),
            copies,
        })
    }

    /// Keeps new tasks, and returns their slots.
    pub(super) fn insert(&self, tasks: Vec<T>) -> Vec<usize> {
        let mut slots = Vec::with_capacity(tasks.len());
        let mut locked = self.table.lock();
        let table = &mut *locked;
        for task in tasks {
            let task = if self.copies { Kept::Shared(Arc::new(task)) } else { Kept::Moved(task) };
            let (number, task) = (table.next, Some(task));
            table.next += 1;
            let slot = table.free.pop().unwrap_or(table.entries.len());
            match table.entries.get_mut(slot) {
                // Its failures were taken when it was released.
                Some(free) => (free.number, free.task) = (number, task),
                None => table.entries.push(Entry { number, task, failures: Vec::new() }),
            }
            slots.push(slot);
        }
        slots
    }

    /// Takes a task for an attempt.
    pub(super) fn take(&self, slot: usize) -> Kept<T> {
        self.table.lock().take(slot)
    }

    /// Puts a task back after a failed attempt. Before the state machine knows of the failure, since
    /// another server may be given the task at once.
    pub(super) fn put_back(&self, slot: usize, task: Kept<T>, failed: Option<FailedAttempt<E>>) {
        let mut left = (None, None);
        let mut table = self.table.lock();
        let entry = &mut table.entries[slot];
        if entry.task.is_none() && matches!(task, Kept::Moved(_)) {
            entry.task = Some(task);
        } else {
            left.0 = Some(task);
        }
        if let Some(failed) = failed {
            let same = entry.failures.iter().position(|other| other.server == failed.server);
            left.1 = same.map(|index| entry.failures.remove(index));
            entry.failures.push(failed);
        }
        drop(table);
        discard(left.0);
        discard(left.1);
    }

    /// Passes on the result of a task that succeeded, and takes the task of the next attempt.
    ///
    /// The state machine has settled the task, under its own lock, before the result can be seen here:
    /// no other attempt at it starts, and a success of a copy in progress does not count any more.
    pub(super) fn succeed(
        &self,
        &Assignment { slot, task: number, .. }: &Assignment,
        result: R,
        verdict: Verdict,
        next: Option<usize>,
    ) -> Option<Kept<T>> {
        let mut locked = self.table.lock_with::<AfterUnlock>();
        let (table, after) = locked.split();
        let left = table.release(slot, verdict.is_last);
        table.settled.push_back((number, Ok(result)));
        table.reader.wake(after);
        let next = next.map(|slot| table.take(slot));
        drop(locked);
        left.discard();
        next
    }

    /// Passes on that a task was given up.
    ///
    /// It is settled, as in [`succeed`](Self::succeed), and the state machine gives up a task only when
    /// no attempt at it is in progress. What the error says about attempts and effect cannot change.
    pub(super) fn give_up(&self, slot: usize, verdict: Verdict) {
        let entry = self.table.lock().release(slot, verdict.is_last);
        let number = entry.number;
        let Some(not_done) = entry.not_done(verdict.attempts, verdict.deaths) else { return };
        let mut locked = self.table.lock_with::<AfterUnlock>();
        let (table, after) = locked.split();
        table.settled.push_back((number, Err(Box::new(not_done))));
        table.reader.wake(after);
    }

    /// The last copy of a task that is settled has ended.
    pub(super) fn free(&self, slot: usize) {
        let left = self.table.lock().release(slot, true);
        left.discard();
    }

    /// Takes all tasks settled so far, into an empty queue. If there are none, the task is woken by the
    /// next one.
    pub(super) fn poll_settled(&self, into: &mut VecDeque<Settled<T, R, E>>, cx: &mut Context<'_>) {
        let mut locked = self.table.lock_with::<AfterUnlock>();
        let (table, after) = locked.split();
        if table.settled.is_empty() {
            table.reader.register(cx, after);
        } else {
            mem::swap(&mut table.settled, into);
        }
    }

    /// Takes what is left of the tasks of a run that is over: it failed before they were settled.
    ///
    /// Called only after every worker has left and the source of the tasks is gone, so that nothing can
    /// start an attempt or end one. `DidNotHappen` stays true: no call was made with the task.
    pub(super) fn unsettled(&self, shared: &Shared, into: &mut VecDeque<Settled<T, R, E>>) {
        let mut table = self.table.lock();
        let mut settled = mem::take(&mut table.settled);
        let entries = mem::take(&mut table.entries);
        drop(table);
        into.append(&mut settled);
        let entries = entries.into_iter().enumerate().filter(|(_, entry)| entry.task.is_some());
        let mut entries = entries.collect::<Vec<_>>();
        entries.sort_by_key(|(_, entry)| entry.number);
        into.extend(entries.into_iter().filter_map(|(slot, entry)| {
            let (attempts, deaths) = shared.read(|scheduler| scheduler.attempts(slot));
            let number = entry.number;
            Some((number, Err(Box::new(entry.not_done(attempts, deaths)?))))
        }));
    }

    /// Keeps the tasks that were not taken.
    pub(super) fn keep_rest(&self, tasks: Tasks<T>) {
        *self.rest.lock() = Some(tasks);
    }

    pub(super) fn take_rest(&self) -> Option<Tasks<T>> {
        self.rest.lock().take()
    }

    /// Keeps a server whose worker leaves.
    pub(super) fn keep_server(&self, id: ServerId, server: Option<S>) {
        self.servers.lock().push((id, server));
    }

    pub(super) fn set_source_panic(&self, message: String) {
        self.panics.lock().servers = Some(message);
    }

    /// Records why the run cannot go on. The first reason counts.
    pub(super) fn set_panic(&self, message: String) {
        self.panics.lock().run.get_or_insert(message);
    }

    /// Returns the outcome of a run that is over.
    pub(super) fn summary(&self, shared: &Shared) -> Summary<S> {
        let mut servers = mem::take(&mut *self.servers.lock());
        servers.sort_by_key(|(id, _)| *id);
        let report = |(id, server)| {
            shared.read(|scheduler| ServerReport {
                id,
                counts: scheduler.server_counts(id),
                leave_reason: scheduler.leave_reason(id),
                interrupted: scheduler.is_interrupted(id),
                server,
            })
        };
        let counts = shared.read(Scheduler::counts);
        let Panics { servers: source_panic, run: panic } = mem::take(&mut *self.panics.lock());
        Summary {
            end: shared.read(Scheduler::end).expect("a run that is over has an end"),
            servers: servers.into_iter().map(report).collect(),
            attempts: counts.attempts,
            backups: counts.backups,
            source_panic: source_panic.map(String::into_boxed_str),
            panic: panic.map(String::into_boxed_str),
        }
    }
}

impl<T, R, E> Table<T, R, E> {
    #[inline]
    fn take(&mut self, slot: usize) -> Kept<T> {
        let kept = &mut self.entries[slot].task;
        match kept {
            Some(Kept::Shared(task)) => Kept::Shared(task.clone()),
            _ => kept.take().expect("a task without copies is in one place"),
        }
    }

    /// Takes what a settled task has left, and frees its slot if no attempt at it is in progress. A copy
    /// that was assigned before may yet come for the task.
    #[inline]
    fn release(&mut self, slot: usize, is_last: bool) -> Entry<T, E> {
        let entry = &mut self.entries[slot];
        let failures = mem::take(&mut entry.failures);
        let mut left = Entry { number: entry.number, task: None, failures };
        if is_last {
            left.task = entry.task.take();
            self.free.push(slot);
        }
        left
    }
}

impl<T, E> Entry<T, E> {
    /// Returns `None` for the entry of a task that is settled.
    fn not_done(self, attempts: u32, deaths: u32) -> Option<NotDone<T, E>> {
        let Self { number: index, task, mut failures } = self;
        failures.sort_by_key(|failed| failed.number);
        Some(NotDone { index, task: task?.into_inner(), attempts, deaths, failures })
    }

    /// Drops each value separately: a second panic in a destructor would abort.
    #[inline]
    fn discard(self) {
        if let Some(task) = self.task {
            discard(task);
        }
        self.failures.into_iter().for_each(discard);
    }
}

impl<S, T, R, E> Drop for Values<S, T, R, E> {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        let (entries, settled) = (mem::take(&mut table.entries), mem::take(&mut table.settled));
        drop(table);
        entries.into_iter().for_each(Entry::discard);
        for (_, result) in settled {
            discard_result(result);
        }
        let servers = mem::take(&mut *self.servers.lock());
        servers.into_iter().for_each(discard);
        discard(self.take_rest());
    }
}

/// Drops a result, and each failure of a task separately.
pub(super) fn discard_result<T, R, E>(result: Result<R, Box<NotDone<T, E>>>) {
    match result {
        Ok(result) => discard(result),
        Err(not_done) => {
            let NotDone { task, failures, .. } = *not_done;
            discard(task);
            failures.into_iter().for_each(discard);
        }
    }
}
