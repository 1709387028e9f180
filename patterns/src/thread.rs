//! For threads without an async runtime: a bounded blocking queue, and a way to run a future.
//!
//! The queue is the lecture's buffered channel. Many may send and many may receive; whoever has
//! waited longest goes first. It is closed for receivers when every [`Sender`] is gone and the rest
//! has been received, and for senders when every [`Receiver`] is gone.
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
use std::task::{Context, Poll, Waker};

use crate::sync::Mutex;
use crate::wait;
use crate::waiters::{Ticket, Waiters};
use crate::waits::Site;
use crate::wakers::AfterUnlock;

static SEND: Site = Site::wait("thread", "send", "room");
static RECV: Site = Site::wait("thread", "recv", "a value");

/// Runs a future to its end in this thread, which sleeps while the future waits.
///
/// The futures of the patterns that name no time work here without any runtime.
#[track_caller]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    wait::block_on(future)
}

/// A bounded blocking queue.
pub fn channel<T>(capacity: NonZeroUsize) -> (Sender<T>, Receiver<T>) {
    let shared = Arc::new(Shared {
        capacity: capacity.get(),
        state: Mutex::new(State {
            queue: VecDeque::new(),
            to_send: Waiters::default(),
            to_receive: Waiters::default(),
            to_close: Waiters::default(),
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

/// Invariant: whoever is first in a line has been woken since its condition came true, or has not
/// been in the line since.
struct State<T> {
    queue: VecDeque<T>,
    to_send: Waiters,
    to_receive: Waiters,
    /// Those who want to know when the last receiver has gone.
    to_close: Waiters,
    senders: usize,
    receivers: usize,
}

/// The end of a [`channel`] that values go into.
pub struct Sender<T> {
    shared: Arc<Shared<T>>,
}

/// The end of a [`channel`] that values come out of.
pub struct Receiver<T> {
    shared: Arc<Shared<T>>,
}

/// Every receiver is gone. The value was not sent: here it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendError<T>(pub T);

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the channel has no receiver")
    }
}

impl<T: fmt::Debug> core::error::Error for SendError<T> {}

/// Why nothing was received without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryRecvError {
    /// There is nothing at the moment.
    Empty,
    /// There is nothing, and nothing more will come.
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
    /// Sends a value, and waits as long as the queue is full.
    ///
    /// # Errors
    /// The value comes back if there is no receiver any more.
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        let mut send = self.start(value);
        wait::block(&SEND, |cx, _| send.poll(cx).into())
    }

    /// Whether both send into the same channel.
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Waits for the last receiver to go.
    pub(crate) fn closed(&self) -> Closed<'_, T> {
        Closed { shared: &self.shared, ticket: None }
    }

    /// A send that may be dropped while it waits, and then has sent nothing.
    pub(crate) fn start(&self, value: T) -> Send<'_, T> {
        Send { shared: &self.shared, value: Some(value), ticket: None }
    }
}

impl<T> Receiver<T> {
    /// Receives a value, and waits as long as there is none. `None` says that no more will come.
    pub fn recv(&self) -> Option<T> {
        let mut receive = self.start();
        wait::block(&RECV, |cx, _| receive.poll(cx).into())
    }

    /// Receives a value if there is one, without regard to those who wait for one.
    ///
    /// # Errors
    /// Says whether it is worth while to ask again.
    pub fn try_recv(&self) -> Result<T, TryRecvError> {
        let mut later = AfterUnlock::default();
        let mut state = self.shared.state.lock();
        if let Some(value) = state.queue.pop_front() {
            later.wake(state.to_send.first());
            return Ok(value);
        }
        Err(if state.senders == 0 { TryRecvError::Closed } else { TryRecvError::Empty })
    }

    /// All values until the channel is closed, waiting for each.
    pub fn iter(&self) -> impl Iterator<Item = T> {
        std::iter::from_fn(|| self.recv())
    }

    /// A receive that may be dropped while it waits, and then has taken nothing.
    pub(crate) fn start(&self) -> Receive<'_, T> {
        Receive { shared: &self.shared, ticket: None }
    }
}

/// See [`Sender::start`].
pub(crate) struct Send<'a, T> {
    shared: &'a Shared<T>,
    value: Option<T>,
    ticket: Option<Ticket>,
}

impl<T> Send<'_, T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), SendError<T>>> {
        let mut later = AfterUnlock::default();
        let mut _old = None;
        let mut state = self.shared.state.lock();
        let open = state.receivers > 0;
        if open
            && (state.queue.len() == self.shared.capacity || !state.to_send.has_turn(self.ticket))
        {
            _old = state.to_send.wait(&mut self.ticket, cx.waker());
            return Poll::Pending;
        }
        let value = self.value.take().expect("a send is not polled after its end");
        if !open {
            return Poll::Ready(Err(SendError(value)));
        }
        state.queue.push_back(value);
        later.wake(state.to_receive.first());
        Poll::Ready(Ok(()))
    }
}

impl<T> Drop for Send<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.leave(ticket, |state| &mut state.to_send);
        }
    }
}

/// See [`Receiver::start`].
pub(crate) struct Receive<'a, T> {
    shared: &'a Shared<T>,
    ticket: Option<Ticket>,
}

impl<T> Receive<'_, T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut later = AfterUnlock::default();
        let mut _old = None;
        let mut state = self.shared.state.lock();
        if state.to_receive.has_turn(self.ticket)
            && let Some(value) = state.queue.pop_front()
        {
            later.wake(state.to_send.first());
            return Poll::Ready(Some(value));
        }
        if state.senders == 0 && state.queue.is_empty() {
            return Poll::Ready(None);
        }
        _old = state.to_receive.wait(&mut self.ticket, cx.waker());
        Poll::Pending
    }
}

impl<T> Drop for Receive<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.leave(ticket, |state| &mut state.to_receive);
        }
    }
}

/// See [`Sender::closed`].
pub(crate) struct Closed<'a, T> {
    shared: &'a Shared<T>,
    ticket: Option<Ticket>,
}

impl<T> Closed<'_, T> {
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut _old = None;
        let mut state = self.shared.state.lock();
        if state.receivers == 0 {
            return Poll::Ready(());
        }
        _old = state.to_close.wait(&mut self.ticket, cx.waker());
        Poll::Pending
    }
}

impl<T> Drop for Closed<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.leave(ticket, |state| &mut state.to_close);
        }
    }
}

impl<T> Shared<T> {
    fn leave(&self, ticket: Ticket, line: fn(&mut State<T>) -> &mut Waiters) {
        let (left, next) = line(&mut self.state.lock()).leave(ticket);
        drop(left);
        next.into_iter().for_each(Waker::wake);
    }
}

/// Without the values, whose own code would run under the lock.
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
        let mut later = AfterUnlock::default();
        let mut state = self.shared.state.lock();
        state.senders -= 1;
        if state.senders == 0 {
            later.wake(state.to_receive.all());
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut later = AfterUnlock::default();
        let mut _rest = VecDeque::new();
        let mut state = self.shared.state.lock();
        state.receivers -= 1;
        if state.receivers == 0 {
            _rest = std::mem::take(&mut state.queue);
            later.wake(state.to_send.all());
            later.wake(state.to_close.all());
        }
    }
}
