//! The slot of a server: where it is kept between its calls.

use core::fmt;
use std::mem;
use std::sync::Arc;
use std::task::Context;

use super::ServerId;
use crate::panics::{contain, discard};
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::wakers::WakerSlot;

/// User code that takes a departing server.
pub(super) type HandBack<S> = Arc<dyn Fn(ServerId, S) + Send + Sync>;

/// Holds a server while it is not on lease.
pub(super) struct ServerSlot<S> {
    id: ServerId,
    hand_back: Option<HandBack<S>>,
    state: Mutex<State<S>>,
}

/// ```text
/// Idle ── take ──► Leased ── put_back ──► Idle
///   └─────── close ──┴──► Closed ── put_back ──► handed back, or dropped
/// ```
#[derive(Debug)]
enum State<S> {
    Idle(S),
    /// On lease. The worker may wait for it.
    Leased(WakerSlot),
    /// The worker has left. A lease that is dropped later hands the server back on its own.
    Closed,
}

impl<S> ServerSlot<S> {
    pub(super) fn new(id: ServerId, server: S, hand_back: Option<HandBack<S>>) -> Arc<Self> {
        Arc::new(Self { id, hand_back, state: Mutex::new(State::Idle(server)) })
    }

    /// Takes the server for a lease.
    ///
    /// # Panics
    /// If the server is not here.
    pub(super) fn take(&self) -> S {
        let leased = State::Leased(WakerSlot::default());
        let State::Idle(server) = mem::replace(&mut *self.state.lock(), leased) else {
            unreachable!("a worker lends its server only while it has it")
        };
        server
    }

    pub(super) fn put_back(&self, server: S) {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        if let State::Leased(waker) = state {
            if !seeded::is(Bug::LeaseComesBackUnnoticed) {
                waker.wake(after);
            }
            *state = State::Idle(server);
            return;
        }
        drop(locked);
        if let Some(server) = self.hand_back(server) {
            discard(server);
        }
    }

    /// Returns `true` if the server is here. Otherwise the task is woken when it comes back.
    pub(super) fn poll_idle(&self, cx: &mut Context<'_>) -> bool {
        let mut locked = self.state.lock_with();
        let (state, after) = locked.split();
        let State::Leased(waker) = state else { return true };
        waker.register(cx, after);
        false
    }

    /// Ends the lending of the server. Returns it if it is here, and does not go to `hand_back`.
    pub(super) fn close(&self) -> Option<S> {
        let state = mem::replace(&mut *self.state.lock(), State::Closed);
        match state {
            State::Idle(server) => self.hand_back(server),
            State::Leased(_) | State::Closed => None,
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
