//! The requests to the owner.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec::Vec;

use super::super::error::{CancelError, PublishError, SubscribeError};
use super::super::forward::Channel;
use super::super::item::SubscriberId;
use super::super::policy::Policy;
use super::super::readers::Readers;
use super::super::report::{EndedSubscription, Report};
use super::super::subscription::{ServerHooks, Subscription};
use crate::Shutdown;
use crate::reply::{Question, Reply};
use crate::sync::Mutex;
use crate::wakers::{AfterUnlock, WakerSlot};

pub(super) enum Request<E: ?Sized> {
    Subscribe(Policy, Option<Channel<E>>, Reply<Result<Subscription<E>, SubscribeError>>),
    Publish(Arc<E>, usize, Reply<Result<u64, PublishError<E>>>),
    Cancel(Target<E>, Reply<Result<(), CancelError>>),
    Count(Reply<usize>),
    Shutdown(Shutdown, Reply<Report>),
    /// A publisher waited for room, and a reader has made some.
    RoomMade,
    /// A reader has read the end, or has been dropped.
    ReaderLeft(SubscriberId),
    /// The caller that asked this question no longer wants the answer.
    Forget(Question),
    /// A deadline has passed.
    Timeout,
}

/// The subscription to cancel.
pub(super) enum Target<E: ?Sized> {
    Id(SubscriberId),
    Channel(Channel<E>),
}

/// The requests that the owner has not taken yet.
///
/// It needs no bound: there is at most one request per waiting caller, one per caller that gave up
/// since the owner last ran, and the reports of the readers.
pub(super) struct Mailbox<E: ?Sized> {
    inbox: Mutex<Inbox<E>>,
    pub(super) readers: Readers,
}

struct Inbox<E: ?Sized> {
    requests: VecDeque<Request<E>>,
    owner: WakerSlot,
    handles: usize,
    /// The subscriptions that had ended when the owner did, once it has.
    ended: Option<Vec<EndedSubscription>>,
}

/// Wakers, and a request that came too late, for after the unlock. Dropping a request drops its reply,
/// which wakes the caller.
struct Unlocked<E: ?Sized> {
    wakers: AfterUnlock,
    refused: Option<Request<E>>,
}

impl<E: ?Sized> Default for Unlocked<E> {
    fn default() -> Self {
        Self { wakers: AfterUnlock::default(), refused: None }
    }
}

impl<E: ?Sized> Mailbox<E> {
    pub(super) fn new() -> Self {
        let inbox = Inbox {
            requests: VecDeque::new(),
            owner: WakerSlot::default(),
            handles: 1,
            ended: None,
        };
        Self { inbox: Mutex::new(inbox), readers: Readers::new() }
    }

    /// Sends a request. If the owner has ended, drops the request with its reply.
    pub(super) fn send(&self, request: Request<E>) {
        let mut locked = self.inbox.lock_with::<Unlocked<E>>();
        let (inbox, after) = locked.split();
        if inbox.ended.is_some() {
            after.refused = Some(request);
        } else {
            inbox.requests.push_back(request);
            inbox.owner.wake(&mut after.wakers);
        }
    }

    /// Returns the next request, or `None` if there are no handles any more.
    pub(super) fn poll_take(&self, cx: &Context<'_>) -> Poll<Option<Request<E>>> {
        let mut locked = self.inbox.lock_with();
        let (inbox, after) = locked.split();
        if inbox.handles == 0 {
            return Poll::Ready(None);
        }
        match inbox.requests.pop_front() {
            Some(request) => Poll::Ready(Some(request)),
            None => {
                inbox.owner.register(cx, after);
                Poll::Pending
            }
        }
    }

    /// Closes the mailbox: the owner has ended. Returns the requests that it has not taken.
    pub(super) fn close(&self, ended: Vec<EndedSubscription>) -> VecDeque<Request<E>> {
        let mut inbox = self.inbox.lock();
        inbox.ended = Some(ended);
        std::mem::take(&mut inbox.requests)
    }

    pub(super) fn ended(&self) -> Vec<EndedSubscription> {
        self.inbox.lock().ended.clone().unwrap_or_default()
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
    fn readers(&self) -> &Readers {
        &self.readers
    }

    fn handle_room_made(&self) {
        self.send(Request::RoomMade);
    }

    fn handle_reader_left(&self, id: SubscriberId) {
        self.send(Request::ReaderLeft(id));
    }
}
