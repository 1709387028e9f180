//! State shared by the connection and its callers, under one lock.

use core::fmt;
use std::collections::VecDeque;
use std::time::Instant;
use std::vec::Vec;

use super::error::{CloseReason, Report};
use super::options::{Options, Overflow, Unexpected};
use super::proto::{Abandoned, Core, Id, Received};
use super::protocol::Protocol;
use crate::sync::{Locked, Mutex};
use crate::wait::Clock;
use crate::waiters::Waiters;
use crate::waits::{Peer, Progress};
use crate::wakers::{AfterUnlock, WakeAndDrop, WakerSlot};

/// The reason of a call to wait while nothing holds up the queue.
pub(super) const QUEUE: &str = "its turn";

/// The reason of a call to wait after the sink has taken its request.
pub(super) const FLUSH: &str = "a flush of the sink";

/// The lock and everything under it.
///
/// The only user code that runs under the lock belongs to tags: [`Protocol::tag`], and `Ord`, `Clone`
/// and `Drop` of [`Protocol::Tag`]. [`Protocol`] tells its implementers so. Requests and replies are
/// moved under the lock, but dropped after it, and so are wakers.
#[derive(Debug)]
pub(super) struct Shared<P: Protocol> {
    state: Mutex<State<P>>,
    unexpected: Unexpected,
    unsolicited: usize,
    overflow: Overflow,
    /// Names the connection in the list of waiters.
    pub(super) name: Peer,
    /// Tells the list of waiters how far calls have come. A caller is not polled when its call is sent.
    pub(super) progress: Progress,
}

pub(super) struct State<P: Protocol> {
    pub(super) core: Core<P::Tag, P::Request, P::Reply, WakerSlot>,
    /// The connection's task.
    pub(super) task: WakerSlot,
    /// Set when the send loop has found nothing to send.
    pub(super) idle: bool,
    /// The earliest deadline of all drains.
    pub(super) deadline: Option<Instant>,
    end: Option<Report>,
    /// Set when the connection's loops have been dropped as well.
    pub(super) gone: bool,
    /// Tasks that wait for `gone`.
    pub(super) watchers: Waiters,
    pub(super) inbox: Inbox<P::Reply>,
}

/// Unsolicited messages, and the task that receives them.
pub(super) struct Inbox<R> {
    pub(super) messages: VecDeque<R>,
    pub(super) waker: WakerSlot,
    /// Cleared when the receiver is dropped.
    pub(super) open: bool,
}

/// Follows an unlock at which the connection may have ended: requests without a caller are dropped.
pub(super) type AfterEnd<P> = WakeAndDrop<Vec<<P as Protocol>::Request>>;

impl<P: Protocol> fmt::Debug for State<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("counts", &self.core.counts())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl<P: Protocol> Shared<P> {
    pub(super) fn new(options: Options) -> Self {
        let options = if P::IN_ORDER { options.in_order() } else { options };
        Self {
            unexpected: options.unexpected,
            unsolicited: options.unsolicited.get(),
            overflow: options.overflow,
            name: Peer::unique(options.name.clone()),
            progress: Progress::new(QUEUE, FLUSH),
            state: Mutex::new(State {
                core: Core::new(options, P::CANCEL_IS_CALL),
                task: WakerSlot::default(),
                idle: false,
                deadline: None,
                end: None,
                gone: false,
                watchers: Waiters::default(),
                inbox: Inbox { messages: VecDeque::new(), waker: WakerSlot::default(), open: true },
            }),
        }
    }

    pub(super) fn unexpected(&self) -> Unexpected {
        self.unexpected
    }

    pub(super) fn lock(&self) -> Locked<'_, State<P>> {
        self.lock_with()
    }

    pub(super) fn lock_with<A: Default>(&self) -> Locked<'_, State<P>, A> {
        self.state.lock_with()
    }

    /// Ends the connection, unless it has ended, and wakes everything that waits for it.
    pub(super) fn end(&self, reason: CloseReason) {
        let mut locked = self.lock_with::<AfterEnd<P>>();
        let (state, after) = locked.split();
        state.end(reason, after);
    }

    /// Takes a call out of the core, at whatever stage it is. What it held is dropped without the lock.
    pub(super) fn abandon(&self, id: &Id) -> Option<Abandoned<P::Request, P::Reply>> {
        let mut locked = self.lock_with::<AfterEnd<P>>();
        let (state, after) = locked.split();
        state.abandon(id, after)
    }

    /// Returns true if no caller waits for a reply.
    pub(super) fn is_quiet(&self) -> bool {
        self.lock().core.counts().in_flight == 0
    }

    /// Accepts no more calls, and ends the connection when the last one is over, or at the deadline.
    pub(super) fn drain(&self, deadline: Option<Instant>) {
        let mut locked = self.lock();
        let (state, after) = locked.split();
        state.core.drain();
        state.deadline = [state.deadline, deadline].into_iter().flatten().min();
        state.task.wake(after);
    }

    /// Delivers a reply to its caller. Returns one that has none.
    pub(super) fn reply(&self, tag: Option<&P::Tag>, reply: P::Reply) -> Option<NoCaller<P>> {
        let mut locked = self.lock_with::<WakeAndDrop<P::Reply>>();
        let (state, after) = locked.split();
        let Some(tag) = tag else {
            state.core.count_unexpected();
            return Some(NoCaller::Unexpected(reply));
        };
        match state.core.handle_reply(tag, reply, || Clock::TOKIO.now()) {
            Received::Answered(mut waker) => waker.wake(&mut after.wakers),
            Received::Own(reply) => after.discarded = Some(reply),
            Received::Late(reply) => return Some(NoCaller::Late(reply)),
            Received::Unexpected(reply) => return Some(NoCaller::Unexpected(reply)),
        }
        None
    }

    /// Queues a request that undoes a late reply, unless nothing is sent any more.
    pub(super) fn undo(&self, request: P::Request) {
        let has_reply = P::is_answered(&request).unwrap_or(true);
        let mut locked = self.lock_with::<WakeAndDrop<P::Request>>();
        let (state, after) = locked.split();
        after.discarded = state.core.undo(request, has_reply).err();
    }

    /// Puts a message into the inbox, or counts and drops it if there is no room. Returns false if
    /// [that is fatal](Overflow::Fail).
    pub(super) fn deliver(&self, message: P::Reply) -> bool {
        let mut locked = self.lock_with::<WakeAndDrop<P::Reply>>();
        let (state, after) = locked.split();
        if state.inbox.open && state.inbox.messages.len() < self.unsolicited {
            state.inbox.messages.push_back(message);
            state.inbox.waker.wake(&mut after.wakers);
            return true;
        }
        state.core.count_discarded();
        after.discarded = Some(message);
        // A receiver that was dropped wants no messages, and misses none.
        !(state.inbox.open && self.overflow == Overflow::Fail)
    }
}

/// A reply that no caller waits for.
pub(super) enum NoCaller<P: Protocol> {
    /// It answers a dropped call.
    Late(P::Reply),
    /// It answers no call.
    Unexpected(P::Reply),
}

impl<P: Protocol> State<P> {
    /// Ends the connection, unless it has ended, and wakes everything that waits for it.
    fn end(&mut self, reason: CloseReason, after: &mut AfterEnd<P>) {
        if self.end.is_some() {
            return;
        }
        let counts = self.core.counts();
        let unfinished = counts.waiting + counts.in_flight;
        self.end = Some(Report { end: reason, unfinished });
        let ended = self.core.end();
        after.discarded = Some(ended.discarded);
        for mut waker in ended.wakers {
            waker.wake(&mut after.wakers);
        }
        self.inbox.waker.wake(&mut after.wakers);
        self.task.wake(&mut after.wakers);
    }

    /// Takes a call out of the core, at whatever stage it is.
    pub(super) fn abandon(
        &mut self,
        id: &Id,
        after: &mut AfterEnd<P>,
    ) -> Option<Abandoned<P::Request, P::Reply>> {
        let (abandoned, mut waker) = self.core.abandon(id, || Clock::TOKIO.now())?;
        waker.clear(&mut after.wakers);
        // There may be a cancel to send, or this was the last call of a drain.
        self.wake_sender(&mut after.wakers);
        if self.core.is_overfull() {
            self.end(CloseReason::QuarantineFull, after);
        }
        Some(abandoned)
    }

    pub(super) fn report(&self) -> Option<&Report> {
        self.end.as_ref()
    }

    /// Wakes the send loop if it is idle: there is something to send, or the last call of a drain is
    /// over.
    pub(super) fn wake_sender(&mut self, after: &mut AfterUnlock) {
        if std::mem::take(&mut self.idle) {
            self.task.wake(after);
        }
    }
}
