//! The acceptor of servers that join during a run.

use std::sync::Arc;
use std::task::Poll;

use tokio::task::coop::consume_budget;

use super::proto::Scheduler;
use super::serve::contained;
use super::servers::Joining;
use super::shared::Shared;
use super::slot::HandBack;
use super::values::Values;
use super::worker::Worker;
use crate::panics::{contain, discard};
use crate::wait::{Step, wait};
use crate::waits::{Entry, Site};

static ACCEPTOR: Site = Site::task("schedule", "acceptor");
static SERVER: Site = Site::wait("schedule", "acceptor", "a server");

/// Accepts servers. Dropping it closes the run to new ones.
pub(super) struct Acceptor<S, T, R, E> {
    pub(super) joining: Option<Joining<S>>,
    pub(super) shared: Arc<Shared>,
    pub(super) values: Arc<Values<S, T, R, E>>,
    pub(super) hand_back: Option<HandBack<S>>,
}

/// An acceptor, and how it starts workers.
///
/// The fields drop in this order. The acceptor must come last: its drop may end the run, and then no
/// user value may remain.
pub(super) struct AcceptorTask<S, T, R, E, F> {
    pub(super) start: F,
    pub(super) acceptor: Acceptor<S, T, R, E>,
}

/// The lecture's `case srv := <-servers: go runTasks(srv)`, except that it ends with the run.
pub(super) async fn accept<S, T, R, E, F>(mut task: AcceptorTask<S, T, R, E, F>)
where
    F: Fn(Worker<S, T, R, E>),
{
    if let Err(message) = contained(accept_servers(&mut task)).await {
        task.acceptor.values.set_panic(message);
        task.acceptor.shared.change(Scheduler::handle_panic);
    }
}

async fn accept_servers<S, T, R, E, F>(task: &mut AcceptorTask<S, T, R, E, F>)
where
    F: Fn(Worker<S, T, R, E>),
{
    let AcceptorTask { start, acceptor } = task;
    let shared = acceptor.shared.clone();
    let _entry = Entry::new(ACCEPTOR.of(&shared.name));
    while let Some(server) = acceptor.next().await {
        start(acceptor.worker(server));
        consume_budget().await;
    }
}

impl<S, T, R, E> Acceptor<S, T, R, E> {
    pub(super) fn worker(&self, server: S) -> Worker<S, T, R, E> {
        Worker::new(&self.shared, &self.values, server, self.hand_back.clone())
    }

    /// Waits for the next server. Returns `None` when there is no other, or the run has ended.
    async fn next(&mut self) -> Option<S> {
        wait(SERVER.of(&self.shared.name), |cx, _| {
            let until = match self.shared.poll_ended(cx) {
                Step::Done(()) => return Step::Done(None),
                Step::Wait { until } => until,
            };
            let Some(joining) = &mut self.joining else { return Step::Done(None) };
            match contain(|| joining.poll_next(cx)) {
                Ok(Poll::Ready(server)) => Step::Done(server),
                Ok(Poll::Pending) => Step::Wait { until },
                Err(message) => {
                    self.values.set_source_panic(message);
                    Step::Done(None)
                }
            }
        })
        .await
    }
}

impl<S, T, R, E> Drop for Acceptor<S, T, R, E> {
    fn drop(&mut self) {
        if let Some(mut joining) = self.joining.take() {
            while let Some(server) = joining.close_and_take() {
                drop(self.worker(server));
            }
            discard(joining);
        }
        self.shared.change(Scheduler::handle_close);
    }
}
