//! The slot of a server: where it is kept between its calls.

use core::fmt;
use std::mem;
use std::sync::Arc;
use std::task::Context;

use super::ServerId;
use super::attempt::ServerHandle;
use crate::panics::{contain, discard};
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::wakers::WakerSlot;

/// User code that takes a departing server.
pub(super) type HandBack<S> = Arc<dyn Fn(ServerId, S) + Send + Sync>;

/// Where a lease puts its server back.
pub(super) struct ServerSlot<S> {
    id: ServerId,
    hand_back: Option<HandBack<S>>,
    state: Mutex<State<S>>,
}

/// ```text
/// Out ── put_back ──► Back ── poll_back ──► Out
///  └────── close ──────┴──► Closed ── put_back ──► handed back, or dropped
/// ```
#[derive(Debug)]
enum State<S> {
    /// The worker has the server, or has lent it and may wait for it.
    Out(WakerSlot),
    /// Back from a lease, with the handle that its attempt had.
    Back(S, Arc<ServerHandle>),
    /// The worker has left. A lease that is dropped later hands the server back on its own.
    Closed,
}

impl<S> ServerSlot<S> {
    pub(super) fn new(id: ServerId, hand_back: Option<HandBack<S>>) -> Arc<Self> {
        Arc::new(Self { id, hand_back, state: Mutex::new(State::Out(WakerSlot::default())) })
    }

    pub(super) fn put_back(&self, server: S, handle: Arc<ServerHandle>) {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        if let State::Out(waker) = state {
            if !seeded::is(Bug::LeaseComesBackUnnoticed) {
                waker.wake(after);
            }
            *state = State::Back(server, handle);
            return;
        }
        drop(locked);
        if let Some(server) = self.hand_back(server) {
            discard(server);
        }
    }

    /// Takes the server if it is back. Otherwise the task is woken when it comes.
    pub(super) fn poll_back(&self, cx: &mut Context<'_>) -> Option<(S, Arc<ServerHandle>)> {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        if let State::Out(waker) = state {
            waker.register(cx, after);
            return None;
        }
        match mem::replace(state, State::Out(WakerSlot::default())) {
            State::Back(server, handle) => Some((server, handle)),
            State::Out(_) | State::Closed => unreachable!("a worker waits only for its lease"),
        }
    }

    /// Ends the lending of the server, which the worker may have. Returns it unless it is on lease, or
    /// goes to `hand_back`.
    pub(super) fn close(&self, server: Option<S>) -> Option<S> {
        let state = mem::replace(&mut *self.state.lock(), State::Closed);
        match (server, state) {
            (Some(server), _) | (None, State::Back(server, _)) => self.hand_back(server),
            (None, State::Out(_) | State::Closed) => None,
        }
    }

    /// Returns the server if there is no `hand_back`.
    fn hand_back(&self, server: S) -> Option<S> {
        let Some(hand_back) = &self.hand_back else { return Some(server) };
        let _ = contain(|| hand_back(self.id, server));
        None
    }
}

impl<S> fmt::Debug for ServerSlot<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSlot").field("id", &self.id).finish_non_exhaustive()
    }
}
