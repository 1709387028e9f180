//! State shared by the driver and the callers, under one lock.
//!
//! The lock of a connection may be taken under this one, never the other way round.

use core::fmt;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::error::Outage;
use super::options::{Options, WhenDown};
use super::proto::{Core, Counts, Next};
use crate::mux;
use crate::mux::call::PendingCall;
use crate::mux::proto::{Id, Refused};
use crate::mux::{CallOptions, CloseReason, Mux, Protocol, Report};
use crate::seeded::{self, Bug};
use crate::sync::{Locked, Mutex};
use crate::waiters::Waiters;
use crate::waits::Peer;
use crate::wakers::{AfterUnlock, WakerSlot};

/// Connections that have ended and whose messages are kept until they are received.
///
/// A server that sends a message on each connection and drops it must not make us hold more and more of
/// them. The oldest connection is forgotten: there is a gap behind its messages anyway.
const KEPT: usize = 16;

/// The lock and everything under it. User code runs under it only as under that of a [`Mux`].
pub(super) struct Shared<P: Protocol> {
    state: Mutex<State<P>>,
    pub(super) when_down: WhenDown,
    pub(super) waiting: usize,
    pub(super) attempts: u32,
    /// Names the client in the list of waiters.
    pub(super) name: Peer,
}

pub(super) struct State<P: Protocol> {
    pub(super) core: Core,
    /// The connection, if there is one, and its number.
    pub(super) connection: Option<(u64, Mux<P>)>,
    /// Calls that wait for a connection, in the order in which they were made. While there is
    /// one, only calls that it has refused.
    pub(super) line: BTreeMap<u64, Waiting<P>>,
    /// Calls that were given to a connection and whose callers have not been polled since.
    pub(super) placed: BTreeMap<u64, Placed<P>>,
    /// The number of the next call.
    pub(super) next: u64,
    pub(super) driver: WakerSlot,
    /// Calls that had no reply at the end, so far as it is known.
    unfinished: usize,
    /// Set once the end has been announced.
    is_settled: bool,
    /// Set when the driver is gone.
    pub(super) report: Option<Report>,
    /// Tasks that wait for `report`.
    pub(super) watchers: Waiters,
    pub(super) inboxes: VecDeque<mux::Unsolicited<P>>,
    pub(super) receiver: WakerSlot,
    /// Cleared when the receiver is dropped.
    pub(super) is_open: bool,
}

/// A call that waits for a connection.
pub(super) struct Waiting<P: Protocol> {
    pub(super) request: P::Request,
    pub(super) options: Option<CallOptions<P::Tag>>,
    pub(super) waker: WakerSlot,
}

/// A call that a connection has, or is to have next.
pub(super) struct Placed<P: Protocol> {
    pub(super) call: PendingCall<Arc<mux::shared::Shared<P>>, P>,
    pub(super) connection: u64,
}

/// Follows an unlock. All that is dropped here may run user code, or lock a connection.
pub(super) struct After<P: Protocol> {
    pub(super) wakers: AfterUnlock,
    pub(super) aborted: Option<Aborted<P>>,
    pub(super) connection: Option<Mux<P>>,
    pub(super) inboxes: VecDeque<mux::Unsolicited<P>>,
    pub(super) request: Option<P::Request>,
    pub(super) placed: Option<Placed<P>>,
}

// Not derived: that would ask for `P: Default`.
impl<P: Protocol> Default for After<P> {
    fn default() -> Self {
        Self {
            wakers: AfterUnlock::default(),
            aborted: None,
            connection: None,
            inboxes: VecDeque::new(),
            request: None,
            placed: None,
        }
    }
}

/// A connection that is aborted when this is dropped, whoever else has a handle to it.
pub(super) struct Aborted<P: Protocol>(Mux<P>);

impl<P: Protocol> Drop for Aborted<P> {
    fn drop(&mut self) {
        self.0.shared.end(CloseReason::Aborted);
    }
}

/// Queues a request in a connection.
pub(super) fn queue<P: Protocol>(
    state: &mut mux::shared::State<P>,
    request: P::Request,
    options: Option<CallOptions<P::Tag>>,
    now: impl FnOnce() -> Instant,
) -> Result<Id, Refused<P::Request>> {
    match options {
        Some(options) => state.core.call(options, request, now),
        None => state.core.send(request),
    }
}

impl<P: Protocol> Shared<P> {
    pub(super) fn new(options: Options) -> Self {
        Self {
            when_down: options.when_down,
            waiting: options.waiting.get(),
            attempts: options.attempts.get(),
            name: Peer::unique(options.name.clone()),
            state: Mutex::new(State {
                core: Core::new(options),
                connection: None,
                line: BTreeMap::new(),
                placed: BTreeMap::new(),
                next: 0,
                driver: WakerSlot::default(),
                unfinished: 0,
                is_settled: false,
                report: None,
                watchers: Waiters::default(),
                inboxes: VecDeque::new(),
                receiver: WakerSlot::default(),
                is_open: true,
            }),
        }
    }

    pub(super) fn lock(&self) -> Locked<'_, State<P>, After<P>> {
        self.state.lock_with()
    }

    /// Changes the core, and lets everybody know if that is the end.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Core) -> T) -> T {
        let mut locked = self.lock();
        let (state, after) = locked.split();
        let result = change(&mut state.core);
        if !seeded::is(Bug::ReconnectDriverNotWoken) {
            state.driver.wake(&mut after.wakers);
        }
        state.settle(after);
        result
    }

    /// Installs a connection, and gives it all calls that wait. Returns its number, or `None` if there
    /// is no use for it any more.
    pub(super) fn connected(
        &self,
        mux: Mux<P>,
        unsolicited: mux::Unsolicited<P>,
        now: Instant,
    ) -> Option<u64> {
        let mut locked = self.lock();
        let (state, after) = locked.split();
        let Some(connection) = state.core.handle_connected(now) else {
            after.connection = Some(mux);
            after.inboxes.push_back(unsolicited);
            return None;
        };
        if state.is_open {
            if state.inboxes.len() >= KEPT {
                after.inboxes.extend(state.inboxes.pop_front());
            }
            state.inboxes.push_back(unsolicited);
            state.receiver.wake(&mut after.wakers);
        } else {
            after.inboxes.push_back(unsolicited);
        }
        let mut inner = mux.shared.lock();
        for (number, mut waiting) in std::mem::take(&mut state.line) {
            let shared = mux.shared.clone();
            let call = match queue(&mut inner, waiting.request, waiting.options, || now) {
                Ok(id) => PendingCall::queued(shared, id),
                // The caller finds out why.
                Err(Refused { message, .. }) => PendingCall::new(shared, None, message),
            };
            state.placed.insert(number, Placed { call, connection });
            if !seeded::is(Bug::ReconnectLineNotWoken) {
                waiting.waker.wake(&mut after.wakers);
            }
        }
        inner.wake_sender(&mut after.wakers);
        drop(inner);
        state.connection = Some((connection, mux));
        Some(connection)
    }

    /// Records the end of a connection.
    pub(super) fn ended(&self, connection: u64, end: CloseReason, now: Instant) {
        let mut locked = self.lock();
        let (state, after) = locked.split();
        state.ended(connection, end, now, after);
    }
}

impl<P: Protocol> State<P> {
    /// Returns what the driver has to do next, and when to ask again at the latest.
    pub(super) fn poll_next(
        &mut self,
        now: Instant,
        after: &mut After<P>,
    ) -> (Next, Option<Instant>) {
        let next = self.core.poll_next(now, self.line.len());
        self.settle(after);
        (next, self.core.poll_timeout())
    }

    /// Records the end of a connection, unless it is known.
    pub(super) fn ended(
        &mut self,
        connection: u64,
        end: CloseReason,
        now: Instant,
        after: &mut After<P>,
    ) {
        if !self.core.handle_ended(now, connection, end) {
            return;
        }
        after.connection = self.connection.take().map(|(_, mux)| mux);
        if let Some(mux) = &after.connection
            && self.core.is_draining()
        {
            let report = mux.shared.lock().report().cloned();
            self.unfinished += report.map_or(0, |report| report.unfinished);
        }
        self.driver.wake(&mut after.wakers);
        self.settle(after);
    }

    /// If everything has just ended, lets those know that wait, and aborts the connection.
    fn settle(&mut self, after: &mut After<P>) {
        if self.core.end().is_none() || std::mem::replace(&mut self.is_settled, true) {
            return;
        }
        if let Some((_, mux)) = self.connection.take() {
            let counts = mux.shared.lock().core.counts();
            self.unfinished += counts.waiting + counts.in_flight;
            after.aborted = Some(Aborted(mux));
        }
        self.unfinished += self.line.len();
        if !seeded::is(Bug::ReconnectEndForgetsLine) {
            for waiting in self.line.values_mut() {
                waiting.waker.wake(&mut after.wakers);
            }
        }
        self.receiver.wake(&mut after.wakers);
    }

    /// The driver is gone, and with it everything that it ran.
    pub(super) fn gone(&mut self, after: &mut After<P>) {
        self.core.close(CloseReason::Dropped);
        self.settle(after);
        let end = self.core.end().expect("it has just been closed").clone();
        self.report = Some(Report { end, unfinished: self.unfinished });
        after.wakers.wake(self.watchers.all());
    }

    /// Takes a call out of the line or from where it was placed, as its caller has left.
    pub(super) fn leave(&mut self, number: u64, after: &mut After<P>) -> Option<P::Request> {
        after.placed = self.placed.remove(&number);
        let mut waiting = self.line.remove(&number)?;
        waiting.waker.clear(&mut after.wakers);
        if self.core.is_draining() && self.line.is_empty() {
            self.driver.wake(&mut after.wakers);
        }
        Some(waiting.request)
    }

    pub(super) fn counts(&self) -> Counts {
        Counts { waiting: self.line.len(), ..self.core.counts() }
    }

    pub(super) fn outage(&self) -> Option<Outage> {
        self.core.outage().cloned()
    }
}

impl<P: Protocol> fmt::Debug for Shared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.lock().counts();
        f.debug_struct("Reconnect").field("counts", &counts).finish_non_exhaustive()
    }
}
