//! A toy protocol, and a connection whose other end the test controls.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_sink::Sink;
use pushdown_patterns::mux::{Mux, Options, Protocol, Role, Unsolicited};

use crate::settle;

/// A message, in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) tag: u64,
    pub(crate) text: String,
}

pub(crate) fn frame(tag: u64, text: impl Into<String>) -> Frame {
    Frame { tag, text: text.into() }
}

/// A request, whose tag is assigned.
pub(crate) fn ask(text: impl Into<String>) -> Frame {
    frame(u64::MAX, text)
}

/// Frames with `TAGS` tags. A text that begins with `!` is not a reply. With `CANCEL` there is a message
/// that cancels a call.
pub(crate) struct Toy<const TAGS: u64 = { u64::MAX }, const CANCEL: bool = false>;

impl<const TAGS: u64, const CANCEL: bool> Protocol for Toy<TAGS, CANCEL> {
    type Tag = u64;
    type Request = Frame;
    type Reply = Frame;

    fn tag(number: u64) -> Option<u64> {
        (number < TAGS).then_some(number)
    }

    fn set_tag(&self, request: &mut Frame, tag: &u64) {
        assert!(request.text != "panic in set_tag", "set_tag panics");
        request.tag = *tag;
    }

    fn read_tag(&self, reply: &Frame) -> Option<u64> {
        assert!(reply.text != "panic in read_tag", "read_tag panics");
        (reply.text != "no tag").then_some(reply.tag)
    }

    fn role(&self, message: &Frame) -> Role {
        if message.text.starts_with('!') { Role::Unsolicited } else { Role::Reply }
    }

    fn cancel(&self, tag: &u64) -> Option<Frame> {
        CANCEL.then(|| frame(*tag, "cancel"))
    }
}

#[derive(Default)]
struct State {
    sent: VecDeque<Frame>,
    /// Set while nothing can be sent.
    blocked: bool,
    broken: bool,
    closed: bool,
    sender: Option<Waker>,
    /// Number of flushes that had something to flush.
    flushes: usize,
    unflushed: usize,
    /// The most frames that waited for a flush at a time.
    most_unflushed: usize,
    incoming: VecDeque<Option<io::Result<Frame>>>,
    receiver: Option<Waker>,
    /// Set if there is always one more unsolicited message.
    floods: bool,
}

/// The test's end of the connection.
#[derive(Clone, Default)]
pub(crate) struct Peer(Arc<Mutex<State>>);

/// The sink and the stream of the multiplexer's end.
pub(crate) struct Side(Peer);

impl Peer {
    pub(crate) fn sides(&self) -> (Side, Side) {
        (Side(self.clone()), Side(self.clone()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.lock().unwrap();
        let result = change(&mut state);
        let wakers = [state.sender.take(), state.receiver.take()];
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        result
    }

    /// Takes all frames sent so far, once every task waits.
    pub(crate) async fn sent(&self) -> Vec<Frame> {
        settle().await;
        self.0.lock().unwrap().sent.drain(..).collect()
    }

    /// Takes all frames sent so far.
    pub(crate) fn take_sent(&self) -> Vec<Frame> {
        self.0.lock().unwrap().sent.drain(..).collect()
    }

    /// Takes the only frame sent so far, once every task waits.
    pub(crate) async fn sent_one(&self) -> Frame {
        let sent = self.sent().await;
        let [frame] = &sent[..] else { panic!("not one frame: {sent:?}") };
        frame.clone()
    }

    /// Number of flushes that had something to flush.
    pub(crate) fn flushes(&self) -> usize {
        self.0.lock().unwrap().flushes
    }

    /// The most frames that waited for a flush at a time.
    pub(crate) fn most_unflushed(&self) -> usize {
        self.0.lock().unwrap().most_unflushed
    }

    /// Returns true once the multiplexer has closed its sink.
    pub(crate) fn is_closed(&self) -> bool {
        self.0.lock().unwrap().closed
    }

    /// Returns true once the multiplexer has dropped its sink and stream.
    pub(crate) fn is_dropped(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    pub(crate) fn reply(&self, tag: u64, text: impl Into<String>) {
        self.change(|state| state.incoming.push_back(Some(Ok(frame(tag, text)))));
    }

    /// Makes the stream give unsolicited messages without end.
    pub(crate) fn flood(&self) {
        self.change(|state| state.floods = true);
    }

    /// Ends the stream.
    pub(crate) fn hang_up(&self) {
        self.change(|state| state.incoming.push_back(None));
    }

    /// Makes the stream fail.
    pub(crate) fn fail(&self) {
        let error = io::Error::from(io::ErrorKind::ConnectionReset);
        self.change(|state| state.incoming.push_back(Some(Err(error))));
    }

    /// Makes the sink fail.
    pub(crate) fn break_sink(&self) {
        self.change(|state| state.broken = true);
    }

    /// Stops the sink from taking frames.
    pub(crate) fn block(&self) {
        self.change(|state| state.blocked = true);
    }

    pub(crate) fn unblock(&self) {
        self.change(|state| state.blocked = false);
    }
}

impl Side {
    fn poll(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.0.0.lock().unwrap();
        if state.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if state.blocked {
            state.sender = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Sink<Frame> for Side {
    type Error = io::Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll(cx)
    }

    fn start_send(self: Pin<&mut Self>, frame: Frame) -> io::Result<()> {
        assert!(frame.text != "panic in start_send", "start_send panics");
        let mut state = self.0.0.lock().unwrap();
        assert!(!state.blocked, "start_send is called only when there is room");
        state.sent.push_back(frame);
        state.unflushed += 1;
        state.most_unflushed = state.most_unflushed.max(state.unflushed);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.poll(cx);
        let mut state = self.0.0.lock().unwrap();
        state.flushes += usize::from(polled.is_ready() && std::mem::take(&mut state.unflushed) > 0);
        polled
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = self.poll(cx);
        self.0.0.lock().unwrap().closed = polled.is_ready();
        polled
    }
}

impl Stream for Side {
    type Item = io::Result<Frame>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.0.0.lock().unwrap();
        match state.incoming.pop_front() {
            Some(frame) => Poll::Ready(frame),
            None if state.floods => Poll::Ready(Some(Ok(frame(0, "!more")))),
            None => {
                state.receiver = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

/// Creates a connection, and its other end.
pub(crate) fn connect<P>(protocol: P, options: Options) -> (Mux<P>, Unsolicited<P>, Peer)
where
    P: Protocol<Request = Frame, Reply = Frame>,
{
    let peer = Peer::default();
    let (sink, stream) = peer.sides();
    let (mux, unsolicited) = Mux::spawn(protocol, sink, stream, options);
    (mux, unsolicited, peer)
}

/// Creates a connection with unlimited tags and default options.
pub(crate) fn toy() -> (Mux<Toy>, Unsolicited<Toy>, Peer) {
    connect(Toy, Options::new())
}
