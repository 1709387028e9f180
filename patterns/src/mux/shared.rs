//! What the connection and its callers share.

use core::fmt;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Waker;
use std::time::Instant;

use super::error::{End, Report};
use super::options::{Options, Unexpected};
use super::proto::{Core, Received};
use super::protocol::Protocol;
use crate::sync::{Mutex, MutexGuard};
use crate::waiters::Waiters;
use crate::waits::Peer;
use crate::wakers::AfterUnlock;

/// The lock and all that is under it.
#[derive(Debug)]
pub(super) struct Shared<P: Protocol> {
    state: Mutex<State<P>>,
    unexpected: Unexpected,
    unsolicited: usize,
    /// What it is called where its callers are listed.
    pub(super) peer: Peer,
}

pub(super) struct State<P: Protocol> {
    pub(super) core: Core<P::Tag, P::Request, P::Reply, Waker>,
    /// The connection's task.
    pub(super) task: Option<Waker>,
    /// The loop that sends has found nothing to send.
    pub(super) idle: bool,
    /// Until when a drain may last.
    pub(super) deadline: Option<Instant>,
    end: Option<Report>,
    /// The connection's loops are gone too.
    pub(super) gone: bool,
    /// Who waits for that.
    pub(super) watchers: Waiters,
    pub(super) inbox: Inbox<P::Reply>,
}

/// Unsolicited messages, and who takes them.
pub(super) struct Inbox<R> {
    pub(super) messages: VecDeque<R>,
    pub(super) waker: Option<Waker>,
    /// Whether anybody takes them.
    pub(super) open: bool,
}

impl<P: Protocol> fmt::Debug for State<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("counts", &self.core.counts())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// Who waits at a connection without a name is listed with its number.
fn number() -> Peer {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(1);
    Peer::Number(CONNECTIONS.fetch_add(1, Ordering::Relaxed))
}

impl<P: Protocol> Shared<P> {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            unexpected: options.unexpected,
            unsolicited: options.unsolicited.get(),
            peer: options.name.clone().map_or_else(number, Peer::Name),
            state: Mutex::new(State {
                core: Core::new(options.clone(), P::CANCEL_IS_CALL),
                task: None,
                idle: false,
                deadline: None,
                end: None,
                gone: false,
                watchers: Waiters::default(),
                inbox: Inbox { messages: VecDeque::new(), waker: None, open: true },
            }),
        }
    }

    pub(super) fn unexpected(&self) -> Unexpected {
        self.unexpected
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock()
    }

    /// Ends the connection, unless it has ended, and wakes everybody.
    pub(super) fn end(&self, end: End) {
        let mut later = AfterUnlock::default();
        let mut state = self.lock();
        if state.end.is_none() {
            let counts = state.core.counts();
            state.end = Some(Report { end, unfinished: counts.waiting + counts.in_flight });
            later.wake(state.core.end());
            later.wake(state.inbox.waker.take());
            later.wake(state.task.take());
        }
    }

    /// Accepts no more calls, and ends the connection when the last one is over, or at the deadline.
    pub(super) fn drain(&self, deadline: Option<Instant>) {
        let mut later = AfterUnlock::default();
        let mut state = self.lock();
        state.core.drain();
        state.deadline = [state.deadline, deadline].into_iter().flatten().min();
        later.wake(state.task.take());
    }

    /// Hands a reply to its caller. One that is unexpected comes back.
    pub(super) fn reply(&self, tag: Option<P::Tag>, reply: P::Reply) -> Option<P::Reply> {
        let mut later = AfterUnlock::default();
        let mut _late = None;
        let mut state = self.lock();
        let Some(tag) = tag else {
            state.core.unexpected();
            return Some(reply);
        };
        match state.core.receive(&tag, reply) {
            Received::Answered(waker) => later.wake(waker),
            Received::Late(reply) => _late = Some(reply),
            Received::Unexpected(reply) => return Some(reply),
        }
        None
    }

    /// Puts a message where unsolicited ones are taken from, if there is room.
    pub(super) fn deliver(&self, message: P::Reply) {
        let mut later = AfterUnlock::default();
        let mut _no_room = None;
        let mut state = self.lock();
        if state.inbox.open && state.inbox.messages.len() < self.unsolicited {
            state.inbox.messages.push_back(message);
            later.wake(state.inbox.waker.take());
        } else {
            state.core.discard();
            _no_room = Some(message);
        }
    }
}

impl<P: Protocol> State<P> {
    pub(super) fn report(&self) -> Option<&Report> {
        self.end.as_ref()
    }

    /// There is something to send.
    pub(super) fn wake_sender(&mut self) -> Option<Waker> {
        if std::mem::take(&mut self.idle) { self.task.take() } else { None }
    }
}
