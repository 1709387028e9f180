//! Tools for threads without an async runtime: a bounded blocking channel, and `block_on`.
//!
//! The channel is the lecture's buffered channel, for any number of senders and receivers. Both wait in
//! line: the one that has waited longest goes first. The channel is closed for receivers when every
//! [`Sender`] is gone and all values have been received, and for senders when every [`Receiver`] is
//! gone.
//!
//! ```
//! use std::num::NonZeroUsize;
//! use std::thread;
//! use pushdown_patterns::thread::channel;
//!
//! let (sender, receiver) = channel(NonZeroUsize::new(2).unwrap());
//! let numbers = thread::spawn(move || (0..10).all(|number| sender.send(number).is_ok()));
//! assert_eq!(receiver.iter().sum::<i32>(), 45);
//! assert!(numbers.join().unwrap());
//! ```

use core::fmt;
use std::collections::VecDeque;
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::sync::Mutex;
use crate::wait;
use crate::waiters::{Ticket, Waiters};
use crate::waits::Site;
use crate::wakers::AfterUnlock;

static SEND: Site = Site::wait("thread", "send", "room");
static RECV: Site = Site::wait("thread", "recv", "a value");

/// Runs a future to completion on this thread, which sleeps while the future waits.
///
/// Futures of this crate that use no timer need no runtime here.
#[track_caller]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    wait::block_on(future)
}

/// Creates a bounded blocking channel.
pub fn channel<T>(capacity: NonZeroUsize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        capacity: capacity.get(),
        state: Mutex::new(State {
            queue: VecDeque::new(),
            sending: Waiters::default(),
            receiving: Waiters::default(),
            closing: Waiters::default(),
            senders: 1,
            receivers: 1,
        }),
    });
    (Sender { shared: shared.clone() }, Receiver { shared })
}

struct Shared<T> {
    capacity: usize,
    state: Mutex<State<T>>,
}

/// Invariant: the first waiter of each line was woken after its condition became true, or joined the
/// line later.
struct State<T> {
    queue: VecDeque<T>,
    sending: Waiters,
    receiving: Waiters,
    /// Waiters for the drop of the last receiver.
    closing: Waiters,
    senders: usize,
    receivers: usize,
}

/// The sending half of a [`channel`].
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

/// The receiving half of a [`channel`].
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
}

/// The value of a failed send: every receiver is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel has no receiver")
    }
}

impl<T: fmt::Debug> core::error::Error for SendError<T> {}

/// The reason why [`Receiver::try_recv`] returned no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// The channel is empty at the moment.
    Empty,
    /// The channel is empty, and every sender is gone.
    Closed,
}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the channel is empty",
            Self::Closed => "the channel is closed",
        })
    }
}

impl core::error::Error for TryRecvError {}

impl<T> Sender<T> {
    /// Sends a value. Blocks while the channel is full.
    ///
    /// # Errors
    /// Returns the value if every receiver is gone.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut send = self.start(value);
        wait::block(&SEND, |cx, _| send.poll(cx).into())
    }

    /// Returns `true` if both belong to the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Waits until every receiver is gone.
    pub(crate) fn closed(&self) -> Closed<'_, T> {
        Closed { shared: &self.shared, ticket: None }
    }

    /// Begins a send. Dropped while it waits, it has sent nothing.
    pub(crate) fn start(&self, value: T) -> Send<'_, T> {
        Send { shared: &self.shared, value: Some(value), ticket: None }
    }
}

impl<T> Receiver<T> {
    /// Receives a value. Blocks while the channel is empty, and returns `None` once it is closed.
    pub fn recv(&self) -> Option<T> {
        let mut receive = self.start();
        wait::block(&RECV, |cx, _| receive.poll(cx).into())
    }

    /// Receives a value if there is one, ahead of the receivers that wait in line.
    ///
    /// # Errors
    /// Returns [`TryRecvError`] if the channel is empty.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut locked = self.shared.state.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if let Some(value) = state.queue.pop_front() {
            after.wake(state.sending.first());
            return Ok(value);
        }
        Err(if state.senders == 0 { TryRecvError::Closed } else { TryRecvError::Empty })
    }

    /// Returns an iterator that receives until the channel is closed.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv())
    }

    /// Begins a receive. Dropped while it waits, it has taken nothing.
    pub(crate) fn start(&self) -> Receive<'_, T> {
        Receive { shared: &self.shared, ticket: None }
    }
}

/// A send in progress: see [`Sender::start`].
pub(crate) struct Send<'a, T> {
    shared: &'a Shared<T>,
    value: Option<T>,
    ticket: Option<Ticket>,
}

impl<T> Send<'_, T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let mut locked = self.shared.state.lock_with();
        let (state, after) = locked.split();
        let open = state.receivers > 0;
        if open
            && (state.queue.len() == self.shared.capacity || !state.sending.has_turn(self.ticket))
        {
            state.sending.enqueue(&mut self.ticket, cx, after);
            return Poll::Pending;
        }
        let value = self.value.take().expect("a send is polled after completion");
        if !open {
            return Poll::Ready(Err(SendError(value)));
        }
        state.queue.push_back(value);
        after.wake(state.receiving.first());
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for Send<'_, T> {
    fn drop(&mut self) {
        self.shared.leave(self.ticket, |state| &mut state.sending);
    }
}

/// A receive in progress: see [`Receiver::start`].
pub(crate) struct Receive<'a, T> {
    shared: &'a Shared<T>,
    ticket: Option<Ticket>,
}

impl<T> Receive<'_, T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut locked = self.shared.state.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        if state.receiving.has_turn(self.ticket)
            && let Some(value) = state.queue.pop_front()
        {
            after.wake(state.sending.first());
            return Poll::Ready(Some(value));
        }
        if state.senders == 0 && state.queue.is_empty() {
            return Poll::Ready(None);
        }
        state.receiving.enqueue(&mut self.ticket, cx, after);
        Poll::Pending
    }
}

impl<T> Drop for Receive<'_, T> {
    fn drop(&mut self) {
        self.shared.leave(self.ticket, |state| &mut state.receiving);
    }
}

/// A wait for the last receiver to go: see [`Sender::closed`].
pub(crate) struct Closed<'a, T> {
    shared: &'a Shared<T>,
    ticket: Option<Ticket>,
}

impl<T> Closed<'_, T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut locked = self.shared.state.lock_with();
        let (state, after) = locked.split();
        if state.receivers == 0 {
            return Poll::Ready(());
        }
        state.closing.enqueue(&mut self.ticket, cx, after);
        Poll::Pending
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            let mut locked = self.shared.state.lock_with();
            let (state, after) = locked.split();
            state.closing.forget(self.ticket, after);
        }
    }
}

impl<T> Shared<T> {
    fn leave(&self, ticket: Option<Ticket>, line: fn(&mut State<T>) -> &mut Waiters) {
        if ticket.is_some() {
            let mut locked = self.state.lock_with();
            let (state, after) = locked.split();
            line(state).remove(ticket, after);
        }
    }
}

/// Omits the values, whose `Debug` would run under the lock.
impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("capacity", &self.shared.capacity).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("capacity", &self.shared.capacity).finish_non_exhaustive()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.shared.state.lock().senders += 1;
        Self { shared: self.shared.clone() }
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        self.shared.state.lock().receivers += 1;
        Self { shared: self.shared.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let mut locked = self.shared.state.lock_with::<AfterUnlock>();
        let (state, after) = locked.split();
        state.senders -= 1;
        if state.senders == 0 {
            after.wake(state.receiving.all());
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        // After the unlock the remaining values are dropped, and then the waiters are woken.
        let mut locked = self.shared.state.lock_with::<(VecDeque<T>, AfterUnlock)>();
        let (state, (unreceived, after)) = locked.split();
        state.receivers -= 1;
        if state.receivers == 0 {
            *unreceived = std::mem::take(&mut state.queue);
            after.wake(state.sending.all());
            after.wake(state.closing.all());
        }
    }
}
