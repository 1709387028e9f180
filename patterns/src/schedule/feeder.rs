//! The feeder: takes tasks from their source as there is room for them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::Vec;

use futures_core::Stream;

use super::proto::{Room, Scheduler};
use super::serve::{contained, has_budget};
use super::shared::Shared;
use super::values::{Tasks, Values};
use crate::panics::{contain, discard};
use crate::wait::{Step, wait};
use crate::waits::{Entry, Site};

static FEEDER: Site = Site::task("schedule", "feeder");
static ROOM: Site = Site::wait("schedule", "feeder", "room, or a task");

/// The most tasks that are added under one lock.
const BATCH: usize = 64;

/// Takes tasks from their source. Dropping it closes the run to further ones.
pub(super) struct Feeder<S, T, R, E> {
    /// `None` once it is exhausted.
    pub(super) tasks: Option<Tasks<T>>,
    /// The tasks that are not taken before the run ends are returned.
    pub(super) returns_rest: bool,
    pub(super) shared: Arc<Shared>,
    pub(super) values: Arc<Values<S, T, R, E>>,
}

/// An iterator as a stream of tasks for [`schedule_stream`](super::schedule_stream).
///
/// ```
/// use pushdown_patterns::schedule::Iter;
///
/// let endless = Iter::new(0u64..);
/// # drop(endless);
/// ```
#[derive(Clone, Debug)]
pub struct Iter<I>(I);

impl<I: Iterator> Iter<I> {
    /// Creates a stream of the items of an iterator.
    pub fn new(items: impl IntoIterator<IntoIter = I>) -> Self {
        Self(items.into_iter())
    }
}

impl<I> Unpin for Iter<I> {}

impl<I: Iterator> Stream for Iter<I> {
    type Item = I::Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        Poll::Ready(self.0.next())
    }
}

/// Feeds a run until its end, or that of the tasks.
pub(super) async fn feed<S, T, R, E>(mut feeder: Feeder<S, T, R, E>) {
    let shared = feeder.shared.clone();
    let _entry = Entry::new(FEEDER.of(&shared.name));
    let fed = wait(ROOM.of(&shared.name), |cx, _| feeder.poll(cx));
    if let Err(message) = contained(fed).await {
        feeder.panicked(message);
    }
}

impl<S, T, R, E> Feeder<S, T, R, E> {
    /// Adds tasks as long as there is room. Completes when there will be no other.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Step<()> {
        loop {
            let room = match self.shared.poll_room(cx) {
                Room::Take(room) => room.min(BATCH),
                Room::Wait => return Step::Wait { until: None },
                Room::Closed => return Step::Done(()),
            };
            let Some(tasks) = &mut self.tasks else { return Step::Done(()) };
            let mut batch = Vec::new();
            let polled = loop {
                if batch.len() == room {
                    break Ok(Poll::Ready(true));
                }
                match contain(|| tasks.as_mut().poll_next(cx)) {
                    Ok(Poll::Ready(Some(task))) => {
                        if batch.is_empty() {
                            batch.reserve_exact(room);
                        }
                        batch.push(task);
                    }
                    Ok(Poll::Ready(None)) => break Ok(Poll::Ready(false)),
                    Ok(Poll::Pending) => break Ok(Poll::Pending),
                    Err(message) => break Err(message),
                }
            };
            // Kept before the state machine knows of them, since a server may take them at once.
            let slots = self.values.insert(batch);
            self.shared.change(|scheduler| {
                slots.into_iter().for_each(|slot| scheduler.handle_task(slot));
            });
            match polled {
                Ok(Poll::Ready(true)) if has_budget(cx) => {}
                Ok(Poll::Ready(true) | Poll::Pending) => return Step::Wait { until: None },
                Ok(Poll::Ready(false)) => {
                    discard(self.tasks.take());
                    self.shared.change(Scheduler::handle_exhausted);
                    return Step::Done(());
                }
                Err(message) => {
                    self.panicked(message);
                    return Step::Done(());
                }
            }
        }
    }

    /// Ends the run: it is not known which tasks are missing.
    fn panicked(&mut self, message: std::string::String) {
        discard(self.tasks.take());
        self.values.set_panic(message);
        self.shared.change(Scheduler::handle_panic);
    }
}

impl<S, T, R, E> Drop for Feeder<S, T, R, E> {
    fn drop(&mut self) {
        match self.tasks.take() {
            Some(rest) if self.returns_rest => self.values.keep_rest(rest),
            rest => discard(rest),
        }
        self.shared.change(Scheduler::handle_fed);
    }
}
