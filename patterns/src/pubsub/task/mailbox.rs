//! What the owner is asked.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::vec::Vec;

use super::super::forward::Channel;
use super::super::readers::Readers;
use super::super::subscription::{Home, Subscription};
use super::super::{
    CancelError, Ended, Policy, PublishError, Report, SubscribeError, SubscriberId,
};
use crate::Shutdown;
use crate::reply::{Question, Reply};
use crate::sync::Mutex;

pub(super) enum Request<E: ?Sized> {
    Subscribe(Policy, Option<Channel<E>>, Reply<Result<Subscription<E>, SubscribeError>>),
    Publish(Arc<E>, usize, Reply<Result<u64, PublishError<E>>>),
    Cancel(Who<E>, Reply<Result<(), CancelError>>),
    Count(Reply<usize>),
    Shutdown(Shutdown, Reply<Report>),
    /// A subscriber has made room for which publishers wait.
    RoomMade,
    /// A reader has read the end, or has been dropped.
    Left(SubscriberId),
    /// Who asked this question does not want the answer any more.
    Forget(Question),
    /// Time has passed.
    LookAgain,
}

/// Whose subscription.
pub(super) enum Who<E: ?Sized> {
    Id(SubscriberId),
    Channel(Channel<E>),
}

/// Requests on their way to the owner: those of callers who wait, or have given up since it last ran, and
/// reports of readers.
pub(super) struct Mailbox<E: ?Sized> {
    inbox: Mutex<Inbox<E>>,
    pub(super) readers: Readers,
}

struct Inbox<E: ?Sized> {
    requests: VecDeque<Request<E>>,
    owner: Option<Waker>,
    handles: usize,
    /// How everything ended, once the owner has.
    ended: Option<Vec<Ended>>,
}

impl<E: ?Sized> Mailbox<E> {
    pub(super) fn new() -> Self {
        let inbox = Inbox { requests: VecDeque::new(), owner: None, handles: 1, ended: None };
        Self { inbox: Mutex::new(inbox), readers: Readers::new() }
    }

    /// Puts a request in. If the owner has ended it is dropped, and so is its reply.
    pub(super) fn put(&self, request: Request<E>) {
        let mut inbox = self.inbox.lock();
        if inbox.ended.is_some() {
            drop(inbox);
            return drop(request);
        }
        inbox.requests.push_back(request);
        let owner = inbox.owner.take();
        drop(inbox);
        owner.into_iter().for_each(Waker::wake);
    }

    /// The next request. `None` if there is no handle any more.
    pub(super) fn poll_take(&self, cx: &mut Context<'_>) -> Poll<Option<Request<E>>> {
        let _replaced;
        let mut inbox = self.inbox.lock();
        if inbox.handles == 0 {
            return Poll::Ready(None);
        }
        match inbox.requests.pop_front() {
            Some(request) => Poll::Ready(Some(request)),
            None => {
                _replaced = inbox.owner.replace(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The owner has ended. Nobody answers what is still here: it is to be dropped.
    pub(super) fn close(&self, ended: Vec<Ended>) -> VecDeque<Request<E>> {
        let mut inbox = self.inbox.lock();
        inbox.ended = Some(ended);
        std::mem::take(&mut inbox.requests)
    }

    pub(super) fn ended(&self) -> Vec<Ended> {
        self.inbox.lock().ended.clone().unwrap_or_default()
    }

    pub(super) fn add_handle(&self) {
        self.inbox.lock().handles += 1;
    }

    pub(super) fn drop_handle(&self) {
        let mut inbox = self.inbox.lock();
        inbox.handles -= 1;
        let owner = if inbox.handles == 0 { inbox.owner.take() } else { None };
        drop(inbox);
        owner.into_iter().for_each(Waker::wake);
    }
}

impl<E: ?Sized + Send + Sync + 'static> Home for Mailbox<E> {
    fn readers(&self) -> &Readers {
        &self.readers
    }

    fn room_made(&self) {
        self.put(Request::RoomMade);
    }

    fn left(&self, id: SubscriberId) {
        self.put(Request::Left(id));
    }
}
