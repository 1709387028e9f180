//! The requests to the owner.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::Vec;

use super::super::error::{CancelError, Closed, SubscribeError};
use super::super::forward::Channel;
use super::super::item::SubscriberId;
use super::super::line::Waiter;
use super::super::policy::Policy;
use super::super::proto::Ends;
use super::super::readers::Readers;
use super::super::report::{Counts, EndReason, EndedSubscription, Report};
use super::super::sizes::Sizes;
use super::super::subscription::{ServerHooks, Subscription};
use super::OWNER;
use crate::Shutdown;
use crate::reply::Reply;
use crate::sync::Mutex;
use crate::trace::Source;
use crate::waits::{Name, Peer, Progress};
use crate::wakers::{AfterUnlock, WakerSlot};

pub(super) enum Request<E: ?Sized> {
    Subscribe(Policy, Option<Channel<E>>, Reply<Result<Subscription<E>, SubscribeError>>),
    Publish(Arc<Waiter<E>>),
    Cancel(Target<E>, Reply<Result<(), CancelError>>),
    Count(Reply<Counts>),
    End(SubscriberId, Reply<Option<EndReason>>),
    Missed(u64, Reply<Result<(), Closed>>),
    Shutdown(Shutdown, Reply<Report>),
    /// The server waited for room, and this reader has made some.
    RoomMade(SubscriberId),
    /// A reader has read the end, or has been dropped.
    ReaderLeft(SubscriberId),
    /// A deadline has passed.
    Timeout,
}

/// The subscription to cancel.
pub(super) enum Target<E: ?Sized> {
    Id(SubscriberId),
    Channel(Channel<E>),
}

impl<E: ?Sized> Request<E> {
    /// Returns whether the caller still wants it. One that does not has taken its event back.
    pub(super) fn is_wanted(&self) -> bool {
        match self {
            Self::Publish(waiter) => waiter.is_waiting(),
            Self::Subscribe(_, _, reply) => reply.is_wanted(),
            Self::Cancel(_, reply) => reply.is_wanted(),
            Self::Count(reply) => reply.is_wanted(),
            Self::End(_, reply) => reply.is_wanted(),
            Self::Missed(_, reply) => reply.is_wanted(),
            Self::Shutdown(_, reply) => reply.is_wanted(),
            Self::RoomMade(_) | Self::ReaderLeft(_) | Self::Timeout => true,
        }
    }
}

/// The requests that the owner has not taken yet.
///
/// It needs no bound: there is at most one request per waiting caller, as many again of callers that
/// gave up, and the reports of the readers.
pub(super) struct Mailbox<E: ?Sized> {
    inbox: Mutex<Inbox<E>>,
    pub(super) readers: Readers,
    pub(super) sizes: Sizes<E>,
    pub(super) name: Arc<Name>,
    pub(super) source: Source,
    /// Tells the list of waiters which subscriber has no room.
    pub(super) progress: Progress,
}

struct Inbox<E: ?Sized> {
    requests: VecDeque<Request<E>>,
    owner: WakerSlot,
    handles: usize,
    /// The number of callers that have given up since the owner last took a request.
    given_up: usize,
    /// At least the number of requests that are not wanted. When they may be half of all, they are
    /// removed.
    unwanted: usize,
    /// `Some` once the owner has ended.
    over: Option<Over>,
}

/// The ends of the subscriptions, known once the owner has ended.
#[derive(Default)]
pub(super) struct Over {
    pub(super) ended: Vec<EndedSubscription>,
    pub(super) ends: Ends,
    pub(super) counts: Counts,
}

/// Wakers, and requests that are refused or not wanted, for after the unlock. Dropping a request drops
/// its reply, which wakes the caller, and its channel.
struct Unlocked<E: ?Sized> {
    wakers: AfterUnlock,
    requests: VecDeque<Request<E>>,
}

impl<E: ?Sized> Default for Unlocked<E> {
    fn default() -> Self {
        Self { wakers: AfterUnlock::default(), requests: VecDeque::new() }
    }
}

impl<E: ?Sized> Drop for Unlocked<E> {
    fn drop(&mut self) {
        refuse(mem::take(&mut self.requests));
    }
}

/// Drops requests that the owner will not handle, so none of them has an effect.
pub(super) fn refuse<E: ?Sized>(requests: VecDeque<Request<E>>) {
    for request in requests {
        if let Request::Publish(waiter) = request {
            waiter.refuse();
        }
    }
}

impl<E: ?Sized> Mailbox<E> {
    pub(super) fn new() -> Self {
        let inbox = Inbox {
            requests: VecDeque::new(),
            owner: WakerSlot::default(),
            handles: 1,
            given_up: 0,
            unwanted: 0,
            over: None,
        };
        let name = Arc::new(Name::new());
        Self {
            inbox: Mutex::new(inbox),
            readers: Readers::new(),
            sizes: Sizes::new(),
            source: Source::new(&name),
            name,
            progress: Progress::new(OWNER, OWNER),
        }
    }

    /// Sends a request. If the owner has ended, drops the request with its reply.
    pub(super) fn send(&self, request: Request<E>) {
        let mut locked = self.inbox.lock_with::<Unlocked<E>>();
        let (inbox, after) = locked.split();
        if inbox.over.is_some() {
            after.requests.push_back(request);
        } else {
            inbox.requests.push_back(request);
            inbox.owner.wake(&mut after.wakers);
        }
    }

    /// Handles that a caller has given up. The owner may have taken its request already.
    pub(super) fn handle_given_up(&self) {
        let mut locked = self.inbox.lock_with::<Unlocked<E>>();
        let (inbox, after) = locked.split();
        inbox.given_up += 1;
        inbox.unwanted += 1;
        if 2 * inbox.unwanted > inbox.requests.len() {
            inbox.unwanted = 0;
            let all = mem::take(&mut inbox.requests);
            (inbox.requests, after.requests) = all.into_iter().partition(Request::is_wanted);
        }
    }

    /// Returns the next request, or `None` if there are no handles any more, and the number of callers
    /// that have given up.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<(Request<E>, usize)>> {
        let mut locked = self.inbox.lock_with();
        let (inbox, after) = locked.split();
        if inbox.handles == 0 {
            return Poll::Ready(None);
        }
        match inbox.requests.pop_front() {
            Some(request) => Poll::Ready(Some((request, mem::take(&mut inbox.given_up)))),
            None => {
                inbox.owner.register(cx, after);
                Poll::Pending
            }
        }
    }

    /// Closes the mailbox: the owner has ended. Returns the requests that it has not taken.
    pub(super) fn close(&self, over: Over) -> VecDeque<Request<E>> {
        let mut inbox = self.inbox.lock();
        inbox.over = Some(over);
        mem::take(&mut inbox.requests)
    }

    pub(super) fn ended(&self) -> Vec<EndedSubscription> {
        let inbox = self.inbox.lock();
        inbox.over.as_ref().map_or_else(Vec::new, |over| over.ended.clone())
    }

    /// Returns the last counts of an owner that has ended.
    pub(super) fn counts(&self) -> Counts {
        let counts = self.inbox.lock().over.as_ref().map(|over| over.counts);
        Counts { missed: self.readers.missed(), ..counts.unwrap_or_default() }
    }

    pub(super) fn end(&self, id: SubscriberId) -> Option<EndReason> {
        self.inbox.lock().over.as_ref()?.ends.get(id)
    }

    /// Returns the number of requests.
    #[cfg(test)]
    pub(super) fn requests(&self) -> usize {
        self.inbox.lock().requests.len()
    }

    pub(super) fn add_handle(&self) {
        self.inbox.lock().handles += 1;
    }

    pub(super) fn drop_handle(&self) {
        let mut locked = self.inbox.lock_with();
        let (inbox, after) = locked.split();
        inbox.handles -= 1;
        if inbox.handles == 0 {
            inbox.owner.wake(after);
        }
    }
}

impl<E: ?Sized + Send + Sync + 'static> ServerHooks for Mailbox<E> {
    fn name(&self) -> &Peer {
        self.name.get()
    }

    fn source(&self) -> &Source {
        &self.source
    }

    fn readers(&self) -> &Readers {
        &self.readers
    }

    fn handle_room_made(&self, id: SubscriberId) {
        self.send(Request::RoomMade(id));
    }

    fn handle_reader_left(&self, id: SubscriberId) {
        self.send(Request::ReaderLeft(id));
    }
}
