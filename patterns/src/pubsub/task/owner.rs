//! The task that owns the registry.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;
use std::vec::Vec;

use super::super::core::{Aftermath, Registry};
use super::super::forward::{Channel, Seat};
use super::super::subscription::Subscription;
use super::super::{CancelError, End, Policy, PublishError, Report, SubscribeError, SubscriberId};
use super::mailbox::{Mailbox, Request, Who};
use crate::Shutdown;
use crate::panics::{contain, discard};
use crate::reply::Reply;
use crate::wait::{self, Clock, Step};
use crate::waits::{Entry, Site};

static OWNER: Site = Site::task("pubsub", "owner");
static REQUEST: Site = Site::wait("pubsub", "owner", "a request");

/// Its local variables are the state of the server.
pub(super) struct Owner<E: ?Sized + Send + Sync + 'static> {
    mailbox: Arc<Mailbox<E>>,
    registry: Registry<Seat<E>>,
    /// Publishers for whose events there is no room, in the order in which they asked.
    publishing: VecDeque<Publishing<E>>,
    /// Who waits for the end, and when what has not ended then is aborted.
    closing: Vec<(Option<Instant>, Reply<Report>)>,
}

struct Publishing<E: ?Sized> {
    event: Arc<E>,
    bytes: usize,
    reply: Reply<Result<u64, PublishError<E>>>,
    since: Option<Instant>,
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
        let mut alarm = None;
        loop {
            let mailbox = &self.mailbox;
            let next = wait::wait(&REQUEST, |cx, clock| match mailbox.poll_take(cx) {
                Poll::Ready(request) => Step::Done((request, clock)),
                Poll::Pending if alarm.is_some_and(|alarm| clock.now() >= alarm) => {
                    Step::Done((Some(Request::LookAgain), clock))
                }
                Poll::Pending => Step::Wait { until: alarm },
            });
            let (Some(request), clock) = next.await else { return };
            // A payload whose drop panics is its owner's misfortune, not that of the others.
            let looked = contain(|| self.look(request, clock, alarm));
            alarm = looked.unwrap_or_else(|_| Some(clock.now()));
            if self.registry.ended().is_some_and(|ended| ended.0) {
                return;
            }
        }
    }

    /// Does all that can be done now. The answer is when to look again even if nobody asks.
    fn look(
        &mut self,
        request: Request<E>,
        clock: Clock,
        alarm: Option<Instant>,
    ) -> Option<Instant> {
        // Room that is not enough yet changes nothing.
        if matches!(request, Request::RoomMade) && !self.registry.room_made() {
            return alarm;
        }
        let mut aftermath = Aftermath::default();
        self.answer(request, clock, &mut aftermath);
        let for_room = self.publish(clock, &mut aftermath);
        let for_end = self.close(clock, &mut aftermath);
        for_room.into_iter().chain(for_end).min()
    }

    fn answer(&mut self, request: Request<E>, clock: Clock, aftermath: &mut Aftermath<E>) {
        match request {
            Request::Subscribe(policy, channel, reply) => {
                reply.send(self.subscribe(policy, channel));
            }
            Request::Publish(event, bytes, reply) => {
                self.publishing.push_back(Publishing { event, bytes, reply, since: None });
            }
            Request::Cancel(who, reply) => {
                let id = match who {
                    Who::Id(id) => Some(id),
                    Who::Channel(channel) => self.find(&channel),
                };
                let seat = id.and_then(|id| self.registry.cancel(id, aftermath));
                if let Some(seat) = seat {
                    self.mailbox.readers.wake(seat.shared.place, &mut aftermath.wakers);
                }
                reply.send(seat.map(|_| ()).ok_or(CancelError::NotSubscribed));
            }
            Request::Count(reply) => reply.send(self.registry.len()),
            Request::Shutdown(how, reply) => {
                self.registry.close(End::Shutdown);
                self.mailbox.readers.wake_all(&mut aftermath.wakers);
                let until = match how {
                    Shutdown::Drain { timeout } => clock.now().checked_add(timeout),
                    Shutdown::Abort => Some(clock.now()),
                };
                self.closing.push((until, reply));
            }
            Request::RoomMade | Request::LookAgain => {}
            Request::Left(id) => drop(self.registry.left(id)),
            Request::Forget(question) => {
                let place = self.publishing.iter().position(|it| it.reply.question() == question);
                let _unwanted = place.and_then(|place| self.publishing.remove(place));
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
        if let Some(id) = channel.as_ref().and_then(|channel| self.registry.fed(channel)) {
            return Err(SubscribeError::Twice(id));
        }
        let seat = Seat::new(policy, self.mailbox.readers.join(), channel);
        let shared = seat.shared.clone();
        Ok(Subscription::new(self.registry.subscribe(seat), shared, self.mailbox.clone()))
    }

    fn find(&self, channel: &Channel<E>) -> Option<SubscriberId> {
        self.registry.outlets().find(|(_, seat)| seat.is(channel)).map(|(id, _)| id)
    }

    /// Publishes what there is room for. The answer is when that may change without a request.
    fn publish(&mut self, clock: Clock, aftermath: &mut Aftermath<E>) -> Option<Instant> {
        while let Some(Publishing { event, bytes, reply, since }) = self.publishing.pop_front() {
            if !reply.is_wanted() {
                continue;
            }
            if self.registry.is_closed() {
                reply.send(Err(PublishError::Closed(event)));
                continue;
            }
            let Err(full) = self.registry.room() else {
                let seq = self.registry.publish(event, bytes, || clock.now(), aftermath);
                self.mailbox.readers.publish(seq, &mut aftermath.wakers);
                reply.send(Ok(seq));
                continue;
            };
            let now = clock.now();
            let since = since.unwrap_or(now);
            let waited = now.saturating_duration_since(since);
            if waited >= full.limit {
                reply.send(Err(PublishError::TimedOut { event, subscriber: full.id }));
                continue;
            }
            self.publishing.push_front(Publishing { event, bytes, reply, since: Some(since) });
            for waiting in &mut self.publishing {
                waiting.since.get_or_insert(now);
            }
            let limit = self.registry.next_limit(waited);
            return limit.and_then(|limit| since.checked_add(limit));
        }
        None
    }

    /// Ends what is to end. The answer is when that may change without a request.
    fn close(&mut self, clock: Clock, aftermath: &mut Aftermath<E>) -> Option<Instant> {
        let until = self.closing.iter().filter_map(|(until, _)| *until).min()?;
        if clock.now() < until {
            return Some(until);
        }
        self.abort(aftermath);
        None
    }

    fn abort(&mut self, aftermath: &mut Aftermath<E>) {
        drop(self.registry.abort(aftermath));
        self.mailbox.readers.wake_all(&mut aftermath.wakers);
    }
}

/// However it ends, even with its runtime, everything ends and everyone is told.
impl<E: ?Sized + Send + Sync + 'static> Drop for Owner<E> {
    fn drop(&mut self) {
        let mut aftermath = Aftermath::default();
        self.abort(&mut aftermath);
        let ended = self.registry.ended().map(|(_, ended)| ended.to_vec()).unwrap_or_default();
        let unanswered = self.mailbox.close(ended.clone());
        for (_, reply) in self.closing.drain(..) {
            reply.send(Report { ended: ended.clone() });
        }
        discard((aftermath, unanswered));
    }
}
