//! The task that owns the registry.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use super::super::error::{CancelError, PublishError, SubscribeError};
use super::super::forward::{Channel, Subscriber};
use super::super::policy::Policy;
use super::super::proto::{Deferred, Patience, Registry, TimedOut};
use super::super::report::{EndReason, Report};
use super::super::subscription::Subscription;
use super::mailbox::{Mailbox, Request, Target};
use crate::Shutdown;
use crate::panics::{contain, discard};
use crate::reply::Reply;
use crate::wait::{self, Clock, Step};
use crate::waits::{Entry, Site};

static OWNER: Site = Site::task("pubsub", "owner");
static REQUEST: Site = Site::wait("pubsub", "owner", "a request");

/// The owner. Its fields are the state of the server.
pub(super) struct Owner<E: ?Sized + Send + Sync + 'static> {
    mailbox: Arc<Mailbox<E>>,
    registry: Registry<Subscriber<E>>,
    /// Publishers for whose events there is no room, in the order in which they asked.
    publishing: VecDeque<Publishing<E>>,
    /// Shutdowns under way, each with the time at which it aborts the rest.
    closing: Vec<(Option<Instant>, Reply<Report>)>,
}

struct Publishing<E: ?Sized> {
    event: Arc<E>,
    bytes: usize,
    reply: Reply<Result<u64, PublishError<E>>>,
    patience: Patience,
}

impl<E: ?Sized + Send + Sync + 'static> Owner<E> {
    pub(super) fn new(mailbox: Arc<Mailbox<E>>) -> Self {
        Self {
            mailbox,
            registry: Registry::new(),
            publishing: VecDeque::new(),
            closing: Vec::new(),
        }
    }

    /// Serves until the server is shut down or the last handle is dropped.
    pub(super) async fn serve(mut self) {
        let _alive = Entry::new((&OWNER).into());
        let mut deadline = None;
        loop {
            let mailbox = &self.mailbox;
            let next = wait::wait(&REQUEST, |cx, clock| match mailbox.poll_take(cx) {
                Poll::Ready(request) => Step::Done((request, clock)),
                Poll::Pending if deadline.is_some_and(|deadline| clock.now() >= deadline) => {
                    Step::Done((Some(Request::Timeout), clock))
                }
                Poll::Pending => Step::Wait { until: deadline },
            });
            let (Some(request), clock) = next.await else { return };
            // A payload that panics when it is dropped here must not end the server. The panic may
            // have cut the work short, so the owner runs again at once.
            let handled = contain(|| self.handle(request, clock, deadline));
            deadline = handled.unwrap_or_else(|_| Some(clock.now()));
            if self.registry.is_finished() {
                return;
            }
        }
    }

    /// Handles a request, then does everything that has become possible. Returns the deadline at which
    /// to run again even without a request.
    fn handle(
        &mut self,
        request: Request<E>,
        clock: Clock,
        deadline: Option<Instant>,
    ) -> Option<Instant> {
        // As long as another subscriber has no room, nothing changes.
        if matches!(request, Request::RoomMade) && !self.registry.handle_room_made() {
            return deadline;
        }
        let mut deferred = Deferred::default();
        self.answer(request, clock, &mut deferred);
        let for_room = self.publish(clock, &mut deferred);
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
                reply.send(self.subscribe(policy, channel));
            }
            Request::Publish(event, bytes, reply) => {
                let patience = Patience::default();
                self.publishing.push_back(Publishing { event, bytes, reply, patience });
            }
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
            Request::Count(reply) => reply.send(self.registry.len()),
            Request::Shutdown(how, reply) => {
                self.registry.close(EndReason::Shutdown);
                self.mailbox.readers.wake_all(&mut deferred.wakers);
                let deadline = match how {
                    Shutdown::Drain { timeout } => clock.now().checked_add(timeout),
                    Shutdown::Abort => Some(clock.now()),
                };
                self.closing.push((deadline, reply));
            }
            Request::RoomMade | Request::Timeout => {}
            Request::ReaderLeft(id) => _ = self.registry.handle_reader_left(id, deferred),
            Request::Forget(question) => {
                self.publishing.retain(|it| it.reply.question() != question);
                self.closing.retain(|(_, reply)| reply.question() != question);
            }
        }
    }

    fn subscribe(
        &mut self,
        policy: Policy,
        channel: Option<Channel<E>>,
    ) -> Result<Subscription<E>, SubscribeError> {
        if self.registry.is_closed() {
            return Err(SubscribeError::Closed);
        }
        if let Some(id) = channel.as_ref().and_then(|channel| self.registry.find_sending(channel)) {
            return Err(SubscribeError::Twice(id));
        }
        let subscriber = Subscriber::new(policy, self.mailbox.readers.join(), channel);
        let shared = subscriber.shared.clone();
        Ok(Subscription::new(self.registry.subscribe(subscriber), shared, self.mailbox.clone()))
    }

    /// Publishes the events for which there is room. Returns the deadline of the publishers that wait.
    fn publish(&mut self, clock: Clock, deferred: &mut Deferred<Subscriber<E>>) -> Option<Instant> {
        while let Some(Publishing { event, bytes, reply, mut patience }) =
            self.publishing.pop_front()
        {
            if !reply.is_wanted() {
                continue;
            }
            if self.registry.is_closed() {
                reply.send(Err(PublishError::Closed(event)));
                continue;
            }
            let Err(full) = self.registry.poll_room() else {
                let seq = self.registry.publish(event, bytes, || clock.now(), deferred);
                self.mailbox.readers.publish(seq, &mut deferred.wakers);
                reply.send(Ok(seq));
                continue;
            };
            let now = clock.now();
            match patience.poll_timeout(&self.registry, full, now) {
                Err(TimedOut { subscriber }) => {
                    reply.send(Err(PublishError::TimedOut { event, subscriber }));
                }
                Ok(deadline) => {
                    self.publishing.push_front(Publishing { event, bytes, reply, patience });
                    for waiting in &mut self.publishing {
                        waiting.patience.start(now);
                    }
                    return deadline;
                }
            }
        }
        None
    }

    /// Aborts the rest if the deadline of a shutdown has passed. Otherwise returns that deadline.
    fn close(&mut self, clock: Clock, deferred: &mut Deferred<Subscriber<E>>) -> Option<Instant> {
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
        let ended = self.registry.ended().unwrap_or_default().to_vec();
        let unanswered = self.mailbox.close(ended.clone());
        for (_, reply) in self.closing.drain(..) {
            reply.send(Report { ended: ended.clone() });
        }
        discard((deferred, unanswered));
    }
}
