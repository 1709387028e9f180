//! A server that is lent to a call.

use core::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Instant;

use super::ServerId;
use super::board::Board;
use super::core::Attempt;
use crate::panics::{contain, discard};
use crate::seeded::{self, Bug};
use crate::sync::Mutex;
use crate::wakers::AfterUnlock;

/// What takes a server back.
pub(super) type HandBack<S> = Arc<dyn Fn(ServerId, S) + Send + Sync>;

/// A server, for one call alone. It goes back to the scheduler when this is dropped, and gets no other
/// task before that.
///
/// It may outlive the call, in a task that the call has started: then the server is busy until that
/// is over, and if the call has failed or timed out, its task is not tried again before. One that is [forgotten](std::mem::forget) never comes back, and a run that is not
/// aborted waits for it.
///
/// ```
/// use pushdown_patterns::schedule::{Failure, Lease};
///
/// async fn call(mut server: Lease<Vec<u32>>, task: u32) -> Result<usize, Failure<String>> {
///     if server.attempt() > 1 {
///         println!("{} tries task {task} again", server.server_id());
///     }
///     server.push(task); // a `Vec<u32>` in the part of a server
///     Ok(server.len())
/// }
/// ```
pub struct Lease<S> {
    /// Until it is dropped.
    server: Option<S>,
    attempt: Attempt,
    home: Arc<Home<S>>,
}

impl<S> Lease<S> {
    /// The server's name in this run.
    pub fn server_id(&self) -> ServerId {
        self.home.id
    }

    /// The how-manieth attempt at the task this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt.number
    }

    /// When the call is dropped, if there is a [timeout](super::Options::timeout).
    pub fn deadline(&self) -> Option<Instant> {
        self.attempt.deadline
    }

    /// Whether another call for the same task runs, of which this is the
    /// [backup copy](super::Options::backup_after).
    pub fn is_backup(&self) -> bool {
        self.attempt.backup
    }

    /// Sends the server away once this lease is back, as [`Control::retire`](super::Control::retire)
    /// does: for a call that succeeds, and knows that the server will do so no more.
    ///
    /// `false` says that it is to leave already, or that the run has ended.
    pub fn retire(&self) -> bool {
        self.home.board.change(|core| core.retire(self.home.id))
    }
}

impl<S> Deref for Lease<S> {
    type Target = S;

    fn deref(&self) -> &S {
        self.server.as_ref().expect("the server is here until the drop")
    }
}

impl<S> DerefMut for Lease<S> {
    fn deref_mut(&mut self) -> &mut S {
        self.server.as_mut().expect("the server is here until the drop")
    }
}

impl<S: fmt::Debug> fmt::Debug for Lease<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Lease");
        debug.field("id", &self.home.id).field("server", &**self).finish_non_exhaustive()
    }
}

impl<S> Drop for Lease<S> {
    fn drop(&mut self) {
        if let Some(server) = self.server.take() {
            self.home.take_back(server);
        }
    }
}

/// Where a server is while nobody has it on lease.
pub(super) struct Home<S> {
    id: ServerId,
    board: Arc<Board>,
    hand_back: Option<HandBack<S>>,
    place: Mutex<Place<S>>,
}

#[derive(Debug)]
enum Place<S> {
    In(S),
    /// Lent. What waits for it is to be woken.
    Out(Option<Waker>),
    /// Nobody waits for it. Whoever brings it hands it back.
    Given,
}

impl<S> Home<S> {
    /// The server joins.
    pub(super) fn new(board: &Arc<Board>, server: S, hand_back: Option<HandBack<S>>) -> Arc<Self> {
        let (id, board) = (board.join(), board.clone());
        Arc::new(Self { id, board, hand_back, place: Mutex::new(Place::In(server)) })
    }

    pub(super) fn id(&self) -> ServerId {
        self.id
    }

    /// # Panics
    /// If it is lent already.
    pub(super) fn lend(self: &Arc<Self>, attempt: Attempt) -> Lease<S> {
        let mut place = self.place.lock();
        let Place::In(server) = std::mem::replace(&mut *place, Place::Out(None)) else {
            unreachable!("the runner lends the server only when it is in")
        };
        drop(place);
        Lease { server: Some(server), attempt, home: self.clone() }
    }

    fn take_back(&self, server: S) {
        let mut later = AfterUnlock::default();
        let mut place = self.place.lock();
        match &mut *place {
            Place::Out(waker) => {
                later.wake(waker.take().filter(|_| !seeded::is(Bug::LeaseComesBackUnnoticed)));
                *place = Place::In(server);
            }
            Place::In(_) | Place::Given => {
                drop(place);
                if let Some(server) = self.give(server) {
                    discard(server);
                }
            }
        }
    }

    /// Whether the server is in. If not, the waker is stored.
    pub(super) fn is_in(&self, cx: &mut Context<'_>) -> bool {
        let mut _old = None;
        let mut place = self.place.lock();
        let Place::Out(waker) = &mut *place else { return true };
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            _old = waker.replace(cx.waker().clone());
        }
        false
    }

    /// No call will come any more. The answer is the server, if it is in and does not go to
    /// `hand_back`.
    pub(super) fn close(&self) -> Option<S> {
        let place = std::mem::replace(&mut *self.place.lock(), Place::Given);
        match place {
            Place::In(server) => self.give(server),
            Place::Out(_) | Place::Given => None,
        }
    }

    fn give(&self, server: S) -> Option<S> {
        let Some(hand_back) = &self.hand_back else { return Some(server) };
        let _ = contain(|| hand_back(self.id, server));
        None
    }
}

impl<S> fmt::Debug for Home<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("id", &self.id).finish_non_exhaustive()
    }
}
