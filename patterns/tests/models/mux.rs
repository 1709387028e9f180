//! `mux`: each caller gets its own reply, or the reason why there is none, and no caller waits forever.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_core::Stream;
use futures_sink::Sink;
use pushdown_patterns::clock::advance;
use pushdown_patterns::mux::proto::{Core, Outcome, Received, Transmit};
use pushdown_patterns::mux::{
    CallErrorKind, CallOptions, CloseReason, Mux, Options, Protocol, Unexpected, Unsolicited,
};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::block_on;
use pushdown_patterns::{Effect, Shutdown};

use crate::{LIMIT, finds, holds, thread};

/// Messages are a tag and a number. The reply to a request is the request.
pub(crate) struct Echo<const TAGS: u64>;

pub(crate) type Message = (u64, u32);

impl<const TAGS: u64> Protocol for Echo<TAGS> {
    type Tag = u64;
    type Request = Message;
    type Reply = Message;

    fn tag(number: u64) -> Option<u64> {
        (number < TAGS).then_some(number)
    }

    fn set_tag(&self, request: &mut Message, tag: &u64) {
        request.0 = *tag;
    }

    fn read_tag(&self, reply: &Message) -> Option<u64> {
        Some(reply.0)
    }
}

/// A server in the connection's own task: it answers, hangs up after a number of replies, with 0 at
/// its first request, and remembers what it has received.
///
/// Only that task uses it, so its lock is std's and invisible to the checker.
#[derive(Clone)]
pub(crate) struct Server(Arc<Mutex<(VecDeque<Message>, usize, Option<Waker>, Vec<u32>)>>);

impl Server {
    pub(crate) fn new(replies: usize) -> Self {
        Self(Arc::new(Mutex::new((VecDeque::new(), replies, None, Vec::new()))))
    }

    /// Number of requests with this number that it has received.
    pub(crate) fn seen(&self, number: u32) -> usize {
        self.0.lock().unwrap().3.iter().filter(|seen| **seen == number).count()
    }
}

impl Sink<Message> for Server {
    type Error = Infallible;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Infallible> {
        let mut server = self.0.lock().unwrap();
        server.0.push_back(message);
        server.3.push(message.1);
        server.2.take().into_iter().for_each(Waker::wake);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl Stream for Server {
    type Item = Result<Message, Infallible>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut server = self.0.lock().unwrap();
        if server.1 == 0 && !server.3.is_empty() {
            return Poll::Ready(None);
        }
        match server.0.pop_front() {
            Some(message) => {
                server.1 -= 1;
                Poll::Ready(Some(Ok(message)))
            }
            None => {
                server.2 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

type Connected<const TAGS: u64> =
    (Mux<Echo<TAGS>>, Unsolicited<Echo<TAGS>>, thread::JoinHandle<CloseReason>);

/// A connection with a thread of its own.
fn connect<const TAGS: u64>(replies: usize) -> Connected<TAGS> {
    connect_to(Server::new(replies))
}

fn connect_to<const TAGS: u64>(server: Server) -> Connected<TAGS> {
    let options = Options::new().unexpected(Unexpected::Fail);
    let (mux, unsolicited, connection) = Mux::new(Echo, server.clone(), server, options);
    (mux, unsolicited, thread::spawn(move || block_on(connection).end))
}

fn call<const TAGS: u64>(mux: &Mux<Echo<TAGS>>, number: u32) {
    assert_eq!(block_on(mux.call((0, number))).unwrap().1, number, "a wrong answer");
}

/// Calls, and drops the call after one poll.
fn call_and_drop<const TAGS: u64>(mux: &Mux<Echo<TAGS>>, number: u32) {
    block_on(async {
        let mut call = pin!(mux.call((0, number)));
        poll_fn(|cx| Poll::Ready(drop(call.as_mut().poll(cx)))).await;
    });
}

/// Calls with a time limit. Returns true if the server may have got it.
fn call_with_limit<const TAGS: u64>(mux: &Mux<Echo<TAGS>>, number: u32) -> bool {
    match block_on(mux.call_with((0, number), CallOptions::new().timeout(LIMIT))) {
        Ok(reply) => {
            assert_eq!(reply.1, number, "a wrong answer");
            true
        }
        Err(error) => {
            assert!(matches!(error.kind(), CallErrorKind::TimedOut), "{error}");
            error.effect() != Effect::DidNotHappen
        }
    }
}

/// A call times out while it is queued, sent or answered: what its error says is what the server saw.
fn a_caller_that_times_out() {
    let server = Server::new(usize::MAX);
    let (mux, _unsolicited, connection) = connect_to::<2>(server.clone());
    let other = mux.clone();
    let caller = thread::spawn(move || call_with_limit(&other, 1));
    advance(LIMIT);
    call(&mux, 2);
    let may_have_happened = caller.join().unwrap();
    // Comes after the first, if that was sent.
    call(&mux, 3);
    let counts = mux.counts();
    assert_eq!((counts.waiting, counts.in_flight, counts.unclaimed), (0, 0, 0));
    drop(mux);
    connection.join().unwrap();
    assert!(
        may_have_happened || server.seen(1) == 0,
        "the request was sent although the error says it was not"
    );
}

/// Two calls that share one tag, and then the drop of the last handle.
fn two_callers() {
    let (mux, _unsolicited, connection) = connect::<1>(usize::MAX);
    let other = mux.clone();
    let caller = thread::spawn(move || call(&other, 1));
    call(&mux, 2);
    caller.join().unwrap();
    drop(mux);
    assert!(matches!(connection.join().unwrap(), CloseReason::Aborted));
}

/// Both share one tag: the reply to the dropped call must not answer the other.
fn a_caller_and_a_dropped_call() {
    let (mux, _unsolicited, connection) = connect::<1>(usize::MAX);
    let other = mux.clone();
    let dropped = thread::spawn(move || call_and_drop(&other, 1));
    call(&mux, 2);
    dropped.join().unwrap();
    // Its reply comes after that to the dropped call, if that one was sent.
    call(&mux, 3);
    let counts = mux.counts();
    assert_eq!((counts.waiting, counts.in_flight, counts.unclaimed), (0, 0, 0));
    assert_eq!(counts.quarantined, 0);
    drop(mux);
    assert!(matches!(connection.join().unwrap(), CloseReason::Aborted));
}

/// A call that is not answered gets the reason, even if it starts after the end.
fn a_server_that_hangs_up() {
    let (mux, _unsolicited, connection) = connect::<2>(1);
    let attempt = |mux: &Mux<Echo<2>>, number| match block_on(mux.call((0, number))) {
        Ok(reply) => {
            assert_eq!(reply.1, number, "a wrong answer");
            1
        }
        Err(error) => {
            assert!(matches!(error.kind(), CallErrorKind::Ended(CloseReason::Closed)), "{error}");
            assert_eq!(error.effect() == Effect::DidNotHappen, error.into_request().is_some());
            0
        }
    };
    let other = mux.clone();
    let caller = thread::spawn(move || attempt(&other, 1));
    let answered = attempt(&mux, 2) + caller.join().unwrap();
    assert_eq!(answered, 1, "one reply is sent, and delivered");
    assert!(matches!(connection.join().unwrap(), CloseReason::Closed));
}

/// The call is answered, or it is refused and the request comes back.
fn a_drain_and_a_caller() {
    let (mux, _unsolicited, connection) = connect::<2>(usize::MAX);
    let other = mux.clone();
    let caller = thread::spawn(move || match block_on(other.call((0, 1))) {
        Ok(reply) => assert_eq!(reply.1, 1),
        Err(error) => assert_eq!(error.effect(), Effect::DidNotHappen, "{error}"),
    });
    // No time passes in a model.
    let report = block_on(mux.shutdown(Shutdown::Drain { timeout: std::time::Duration::MAX }));
    assert!(matches!(report.end, CloseReason::Drained) && report.unfinished == 0);
    caller.join().unwrap();
    assert!(matches!(connection.join().unwrap(), CloseReason::Drained));
}

/// The call is answered, or it gets the reason.
fn an_abort_and_a_caller() {
    let (mux, _unsolicited, connection) = connect::<2>(usize::MAX);
    let other = mux.clone();
    let caller = thread::spawn(move || match block_on(other.call((0, 1))) {
        Ok(reply) => assert_eq!(reply.1, 1),
        Err(error) => assert!(matches!(error.kind(), CallErrorKind::Ended(CloseReason::Aborted))),
    });
    drop(block_on(mux.shutdown(Shutdown::Abort)));
    caller.join().unwrap();
    assert!(matches!(connection.join().unwrap(), CloseReason::Aborted));
}

/// The last handle is dropped while a receiver waits for unsolicited messages.
fn a_last_handle_and_a_receiver() {
    let (mux, mut unsolicited, connection) = connect::<2>(usize::MAX);
    let receiver = thread::spawn(move || assert_eq!(block_on(unsolicited.recv()), None));
    drop(mux);
    receiver.join().unwrap();
    assert!(matches!(connection.join().unwrap(), CloseReason::Aborted));
}

/// A chosen tag can be chosen again after its reply.
fn the_same_tag_twice() {
    let mut core = Core::<u64, u32, u32, ()>::new(Options::new(), false);
    for number in 0..2 {
        let id =
            core.call(CallOptions::new().tag(7), number, Instant::now).expect("the tag is free");
        assert!(matches!(
            core.poll_transmit(|_| None, Instant::now),
            Transmit::Send { tag: Some(7), .. }
        ));
        assert_eq!(core.handle_reply(&7, number, Instant::now), Received::Answered(()));
        assert_eq!(core.poll_call(&id), Some(Outcome::Reply(number)));
    }
}

/// The tag of a call that is cancelled by another call is free when the other one is answered.
fn a_flush() {
    let mut core = Core::<u64, u32, u32, ()>::new(Options::new(), true);
    let tags = |number| (number < 2).then_some(number);
    let dropped = core.call(CallOptions::new(), 1, Instant::now).unwrap();
    assert!(matches!(core.poll_transmit(tags, Instant::now), Transmit::Send { tag: Some(0), .. }));
    core.abandon(&dropped, Instant::now);
    let transmit = core.poll_transmit(tags, Instant::now);
    let Transmit::Cancel { entry, of: 0 } = transmit else { panic!("{transmit:?}") };
    core.cancel(entry, 0);
    let transmit = core.poll_transmit(tags, Instant::now);
    assert!(matches!(transmit, Transmit::Send { tag: Some(1), message: 0, .. }), "{transmit:?}");
    core.call(CallOptions::new(), 2, Instant::now).unwrap();
    assert_eq!(core.handle_reply(&0, 1, Instant::now), Received::Late(1));
    assert_eq!(
        core.poll_transmit(tags, Instant::now),
        Transmit::Blocked,
        "the flush is not answered"
    );
    assert_eq!(core.handle_reply(&1, 0, Instant::now), Received::Own(0));
    assert!(matches!(core.poll_transmit(tags, Instant::now), Transmit::Send { message: 2, .. }));
}

#[test]
fn callers_get_their_own_replies() {
    holds("two callers", two_callers);
}

#[test]
fn the_reply_to_a_dropped_call_reaches_no_other_caller() {
    holds("a caller and a dropped call", a_caller_and_a_dropped_call);
}

#[test]
fn a_call_that_times_out_says_what_became_of_it() {
    holds("a caller that times out", a_caller_that_times_out);
}

#[test]
fn a_time_out_that_answers_before_its_call_has_left_is_found() {
    finds(Bug::MuxAnswersBeforeLeaving, a_caller_that_times_out);
}

#[test]
fn the_end_reaches_every_caller() {
    holds("a server that hangs up", a_server_that_hangs_up);
}

#[test]
fn a_drain_loses_no_call() {
    holds("a drain and a caller", a_drain_and_a_caller);
}

#[test]
fn an_abort_reaches_callers_and_receivers() {
    holds("an abort and a caller", an_abort_and_a_caller);
    holds("a last handle and a receiver", a_last_handle_and_a_receiver);
}

#[test]
fn tags_become_free() {
    holds("the same tag twice", the_same_tag_twice);
    holds("a flush", a_flush);
}

#[test]
fn an_entry_that_stays_is_found() {
    finds(Bug::MuxEntryStays, the_same_tag_twice);
}

#[test]
fn a_dropped_call_that_leaks_is_found() {
    finds(Bug::MuxCallLeaks, a_caller_and_a_dropped_call);
}

#[test]
fn a_late_reply_taken_for_an_unexpected_one_is_found() {
    finds(Bug::MuxLateIsUnexpected, a_caller_and_a_dropped_call);
}

#[test]
fn a_panic_at_a_late_reply_is_found() {
    finds(Bug::MuxLatePanics, a_caller_and_a_dropped_call);
}

#[test]
fn a_tag_freed_too_early_is_found() {
    finds(Bug::MuxTagFreedOnDrop, a_caller_and_a_dropped_call);
}

#[test]
fn callers_forgotten_at_the_end_are_found() {
    finds(Bug::MuxEndForgetsCallers, a_server_that_hangs_up);
}

#[test]
fn a_flush_that_is_ignored_is_found() {
    finds(Bug::MuxFlushIgnored, a_flush);
}

#[test]
fn a_sender_that_is_not_woken_is_found() {
    finds(Bug::MuxSenderNotWoken, two_callers);
}
