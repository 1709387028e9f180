//! The task that owns the registry.

use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use tokio::task::coop;

use super::super::error::{CancelError, Closed, SubscribeError};
use super::super::forward::{Channel, Subscriber};
use super::super::item::SubscriberId;
use super::super::line::Line;
use super::super::policy::Policy;
use super::super::proto::{Deferred, Outlet, Queue, Registry};
use super::super::report::{Counts, EndReason, Report};
use super::super::subscription::Subscription;
use super::OWNER;
use super::mailbox::{self, Mailbox, Over, Request, Target};
use crate::panics::discard;
use crate::reply::Reply;
use crate::trace::Event;
use crate::wait::{self, Clock, Step};
use crate::waits::{Entry, Peer, Site};

static TASK: Site = Site::task("pubsub", "owner");
static REQUEST: Site = Site::wait("pubsub", "owner", "a request");

/// The owner. Its fields are the state of the server.
pub(super) struct Owner<E: ?Sized + Send + Sync + 'static> {
    mailbox: Arc<Mailbox<E>>,
    registry: Registry<Subscriber<E>>,
    line: Line<E>,
    /// The subscriber for which the first publisher in line waits.
    full: Option<SubscriberId>,
    /// Shutdowns under way, each with the time at which it aborts the rest.
    closing: Vec<(Option<Instant>, Reply<Report>)>,
}

impl<E: ?Sized + Send + Sync + 'static> Owner<E> {
    pub(super) fn new(mailbox: Arc<Mailbox<E>>) -> Self {
        Self {
            registry: Registry::told_by(mailbox.source.clone()),
            mailbox,
            line: Line::new(),
            full: None,
            closing: Vec::new(),
        }
    }

    /// Serves until the server is shut down or the last handle is dropped.
    pub(super) async fn serve(mut self) {
        let shared = self.mailbox.clone();
        let _alive = Entry::new(TASK.of(shared.name.get()));
        let mut deadline = None;
        loop {
            let (mailbox, full) = (&self.mailbox, self.full);
            let next = wait::wait(REQUEST.of(shared.name.get()), |cx, clock| {
                match mailbox.poll_take(cx) {
                    Poll::Ready(request) => Step::Done((request, clock)),
                    Poll::Pending if deadline.is_some_and(|deadline| clock.now() >= deadline) => {
                        Step::Done((Some((Request::Timeout, 0)), clock))
                    }
                    Poll::Pending => {
                        mailbox.progress.set(
                            || match full {
                                Some(id) => (0, "room", Some(Peer::Number(id.0))),
                                None => (0, OWNER, None),
                            },
                            false,
                        );
                        Step::Wait { until: deadline }
                    }
                }
            });
            let (Some((request, given_up)), clock) = next.await else { return };
            self.line.handle_given_up(given_up);
            deadline = self.handle(request, clock, deadline);
            if self.registry.is_finished() {
                return;
            }
            // As long as there are requests, nothing else makes the owner wait.
            coop::consume_budget().await;
        }
    }

    /// Handles the next request, if there is one.
    #[cfg(test)]
    pub(super) fn handle_next(&mut self, clock: Clock) -> bool {
        let cx = std::task::Context::from_waker(std::task::Waker::noop());
        let Poll::Ready(Some((request, given_up))) = self.mailbox.poll_take(&cx) else {
            return false;
        };
        self.line.handle_given_up(given_up);
        self.handle(request, clock, None);
        true
    }

    /// Returns the number of places in the line that were looked at since the last call.
    #[cfg(test)]
    pub(super) fn take_visits(&mut self) -> usize {
        std::mem::take(&mut self.line.visits)
    }

    /// Handles a request, then does everything that has become possible. Returns the deadline at which
    /// to run again even without a request.
    fn handle(
        &mut self,
        request: Request<E>,
        clock: Clock,
        deadline: Option<Instant>,
    ) -> Option<Instant> {
        let mut deferred = Deferred::default();
        match request {
            // As long as another subscriber has no room, nothing changes.
            Request::RoomMade(id) if !self.registry.handle_room_made(id) => return deadline,
            request if request.is_wanted() => self.answer(request, clock, &mut deferred),
            _ => {}
        }
        let readers = &self.mailbox.readers;
        let waits = self.line.settle(&mut self.registry, readers, || clock.now(), &mut deferred);
        self.full = waits.as_ref().map(|(full, _)| full.id);
        let for_room = waits.and_then(|(_, deadline)| deadline);
        let for_end = self.close(clock, &mut deferred);
        for_room.into_iter().chain(for_end).min()
    }

    fn answer(
        &mut self,
        request: Request<E>,
        clock: Clock,
        deferred: &mut Deferred<Subscriber<E>>,
    ) {
        match request {
            Request::Subscribe(policy, channel, reply) => {
                reply.send(self.subscribe(policy, channel, deferred));
            }
            Request::Publish(waiter) => self.line.join(waiter, clock.now()),
            Request::Cancel(target, reply) => {
                let id = match target {
                    Target::Id(id) => Some(id),
                    Target::Channel(channel) => self.registry.find(&channel),
                };
                let cancelled = id.and_then(|id| self.registry.cancel(id, deferred));
                if let Some(subscriber) = cancelled {
                    self.mailbox.readers.wake(subscriber.shared.slot, &mut deferred.wakers);
                }
                reply.send(cancelled.map(|_| ()).ok_or(CancelError::NotSubscribed));
            }
            Request::Count(reply) => reply.send(self.counts()),
            Request::End(id, reply) => reply.send(self.registry.end(id)),
            Request::Missed(missed, reply) => {
                let is_closed = self.registry.is_closed();
                if !is_closed {
                    self.registry.lose(missed, deferred);
                    self.mailbox.readers.wake_all(&mut deferred.wakers);
                }
                reply.send(if is_closed { Err(Closed) } else { Ok(()) });
            }
            Request::Shutdown(how, reply) => {
                self.registry.close(EndReason::Shutdown);
                self.mailbox.readers.wake_all(&mut deferred.wakers);
                self.closing.push((how.deadline(clock.now()), reply));
            }
            Request::RoomMade(_) | Request::Timeout => {}
            Request::ReaderLeft(id) => _ = self.registry.handle_reader_left(id, deferred),
        }
    }

    fn subscribe(
        &mut self,
        policy: Policy,
        channel: Option<Channel<E>>,
        deferred: &mut Deferred<Subscriber<E>>,
    ) -> Result<Subscription<E>, SubscribeError> {
        self.registry.admits(channel.as_ref())?;
        let subscriber = Subscriber::new(policy, self.mailbox.readers.join(), channel);
        let shared = subscriber.shared.clone();
        shared.with(Queue::set_unclaimed);
        let id = self.registry.subscribe(subscriber);
        let subscribed = || Event::Subscribed { subscriber: id.0 };
        self.mailbox.source.tell(&mut deferred.wakers, subscribed);
        Ok(Subscription::new(id, shared, self.mailbox.clone()))
    }

    fn counts(&self) -> Counts {
        self.line.count(&self.registry, &self.mailbox.readers)
    }

    /// Aborts the rest if the deadline of a shutdown has passed. Otherwise returns that deadline.
    fn close(&mut self, clock: Clock, deferred: &mut Deferred<Subscriber<E>>) -> Option<Instant> {
        self.closing.retain(|(_, reply)| reply.is_wanted());
        let deadline = self.closing.iter().filter_map(|(deadline, _)| *deadline).min()?;
        if clock.now() < deadline {
            return Some(deadline);
        }
        self.abort(deferred);
        None
    }

    fn abort(&mut self, deferred: &mut Deferred<Subscriber<E>>) {
        self.registry.abort(deferred);
        self.mailbox.readers.wake_all(&mut deferred.wakers);
    }
}

/// Ends all subscriptions and answers all callers, however the task ends, even if its runtime is shut
/// down.
impl<E: ?Sized + Send + Sync + 'static> Drop for Owner<E> {
    fn drop(&mut self) {
        let mut deferred = Deferred::default();
        self.abort(&mut deferred);
        self.line.refuse_all();
        let ended = self.registry.ended().unwrap_or_default().to_vec();
        let (ends, counts) = (self.registry.take_ends(), self.counts());
        let over = Over { ended: ended.clone(), ends, counts };
        let unanswered = self.mailbox.close(over);
        for (_, reply) in self.closing.drain(..) {
            reply.send(Report { ended: ended.clone() });
        }
        mailbox::refuse(unanswered);
        discard(deferred);
    }
}
