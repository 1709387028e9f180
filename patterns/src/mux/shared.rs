//! State shared by the connection and its callers, under one lock.

use core::fmt;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::error::{CloseReason, Report};
use super::options::{Options, Unexpected};
use super::proto::{Core, Received};
use super::protocol::Protocol;
use crate::sync::{Locked, Mutex};
use crate::waiters::Waiters;
use crate::waits::Peer;
use crate::wakers::{AfterUnlock, WakerSlot};

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
    /// Names the connection in the list of waiters.
    pub(super) peer: Peer,
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

/// Follows the unlock: wakers, and a user value to drop.
pub(super) struct WakeAndDrop<V> {
    pub(super) wakers: AfterUnlock,
    pub(super) discarded: Option<V>,
}

// Not derived: that would ask for `V: Default`.
impl<V> Default for WakeAndDrop<V> {
    fn default() -> Self {
        Self { wakers: AfterUnlock::default(), discarded: None }
    }
}

impl<P: Protocol> fmt::Debug for State<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("counts", &self.core.counts())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Numbers a connection without a name.
fn number() -> Peer {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
    Peer::Number(CONNECTIONS.fetch_add(1, Ordering::Relaxed))
}

impl<P: Protocol> Shared<P> {
    pub(super) fn new(options: Options) -> Self {
        Self {
            unexpected: options.unexpected,
            unsolicited: options.unsolicited.get(),
            peer: options.name.clone().map_or_else(number, Peer::Name),
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
        let mut locked = self.lock();
        let (state, after) = locked.split();
        if state.end.is_none() {
            let counts = state.core.counts();
            let unfinished = counts.waiting + counts.in_flight;
            state.end = Some(Report { end: reason, unfinished });
            for mut waker in state.core.end() {
                waker.wake(after);
            }
            state.inbox.waker.wake(after);
            state.task.wake(after);
        }
    }

    /// Accepts no more calls, and ends the connection when the last one is over, or at the deadline.
    pub(super) fn drain(&self, deadline: Option<Instant>) {
        let mut locked = self.lock();
        let (state, after) = locked.split();
        state.core.drain();
        state.deadline = [state.deadline, deadline].into_iter().flatten().min();
        state.task.wake(after);
    }

    /// Delivers a reply to its caller. Returns one that is unexpected.
    pub(super) fn reply(&self, tag: Option<P::Tag>, reply: P::Reply) -> Option<P::Reply> {
        let mut locked = self.lock_with::<WakeAndDrop<P::Reply>>();
        let (state, after) = locked.split();
        let Some(tag) = tag else {
            state.core.count_unexpected();
            return Some(reply);
        };
        match state.core.handle_reply(&tag, reply) {
            Received::Answered(mut waker) => waker.wake(&mut after.wakers),
            Received::Late(reply) => after.discarded = Some(reply),
            Received::Unexpected(reply) => return Some(reply),
        }
        None
    }

    /// Puts a message into the inbox, or counts and drops it if there is no room.
    pub(super) fn deliver(&self, message: P::Reply) {
        let mut locked = self.lock_with::<WakeAndDrop<P::Reply>>();
        let (state, after) = locked.split();
        if state.inbox.open && state.inbox.messages.len() < self.unsolicited {
            state.inbox.messages.push_back(message);
            state.inbox.waker.wake(&mut after.wakers);
        } else {
            state.core.count_discarded();
            after.discarded = Some(message);
        }
    }
}

impl<P: Protocol> State<P> {
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
