//! `pattern::mux`: everybody gets his own reply, or the reason why there is none, and nobody waits for
//! ever.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use futures_core::Stream;
use futures_sink::Sink;
use pushdown_patterns::mux::proto::{Core, Outcome, Received, Take};
use pushdown_patterns::mux::{CallErrorKind, End, Mux, Options, Protocol, Unexpected, Unsolicited};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::block_on;
use pushdown_patterns::{Effect, Shutdown};

use crate::{finds, holds, thread};

/// Messages are a tag and a number. The reply to a request is the request.
struct Echo<const TAGS: u64>;

type Message = (u64, u32);

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

/// A server in the connection's own task: it answers, and hangs up after so many replies.
///
/// Only that task touches it, so its lock is none of the checker's business.
#[derive(Clone)]
struct Server(Arc<Mutex<(VecDeque<Message>, usize, Option<Waker>)>>);

impl Server {
    fn new(replies: usize) -> Self {
        Self(Arc::new(Mutex::new((VecDeque::new(), replies, None))))
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
        if server.1 == 0 {
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
    (Mux<Echo<TAGS>>, Unsolicited<Echo<TAGS>>, thread::JoinHandle<End>);

/// A connection with a thread of its own.
fn connect<const TAGS: u64>(replies: usize) -> Connected<TAGS> {
    let server = Server::new(replies);
    let options = Options::new().unexpected(Unexpected::Fail);
    let (mux, unsolicited, connection) = Mux::new(Echo, server.clone(), server, &options);
    (mux, unsolicited, thread::spawn(move || block_on(connection).end))
}

fn call<const TAGS: u64>(mux: &Mux<Echo<TAGS>>, number: u32) {
    assert_eq!(block_on(mux.call((0, number))).unwrap().1, number, "a wrong answer");
}

/// Calls, and loses interest after one look.
fn call_and_drop<const TAGS: u64>(mux: &Mux<Echo<TAGS>>, number: u32) {
    block_on(async {
        let mut call = pin!(mux.call((0, number)));
        poll_fn(|cx| Poll::Ready(drop(call.as_mut().poll(cx)))).await;
    });
}

/// The end of the last handle ends the connection.
fn two_callers() {
    let (mux, _unsolicited, connection) = connect::<1>(usize::MAX);
    let other = mux.clone();
    let caller = thread::spawn(move || call(&other, 1));
    call(&mux, 2);
    caller.join().unwrap();
    drop(mux);
    assert!(matches!(connection.join().unwrap(), End::Aborted));
}

/// With one tag for both: what is dropped must not answer the other one.
fn a_caller_and_one_who_leaves() {
    let (mux, _unsolicited, connection) = connect::<1>(usize::MAX);
    let other = mux.clone();
    let leaver = thread::spawn(move || call_and_drop(&other, 1));
    call(&mux, 2);
    leaver.join().unwrap();
    // Behind the reply to the one who left, if that was sent.
    call(&mux, 3);
    let counts = mux.counts();
    assert_eq!((counts.waiting, counts.in_flight, counts.unclaimed), (0, 0, 0));
    assert_eq!(counts.quarantined, 0);
    drop(mux);
    assert!(matches!(connection.join().unwrap(), End::Aborted));
}

/// Whoever is not answered is told, also when he comes late.
fn a_server_that_hangs_up() {
    let (mux, _unsolicited, connection) = connect::<2>(1);
    let attempt = |mux: &Mux<Echo<2>>, number| match block_on(mux.call((0, number))) {
        Ok(reply) => {
            assert_eq!(reply.1, number, "a wrong answer");
            1
        }
        Err(error) => {
            assert!(matches!(error.kind(), CallErrorKind::Ended(End::Closed)), "{error}");
            assert_eq!(error.effect() == Effect::DidNotHappen, error.into_request().is_some());
            0
        }
    };
    let other = mux.clone();
    let caller = thread::spawn(move || attempt(&other, 1));
    let answered = attempt(&mux, 2) + caller.join().unwrap();
    assert_eq!(answered, 1, "one reply is sent, and delivered");
    assert!(matches!(connection.join().unwrap(), End::Closed));
}

/// A drain and a call: it is answered, or refused and comes back.
fn a_drain_and_a_caller() {
    let (mux, _unsolicited, connection) = connect::<2>(usize::MAX);
    let other = mux.clone();
    let caller = thread::spawn(move || match block_on(other.call((0, 1))) {
        Ok(reply) => assert_eq!(reply.1, 1),
        Err(error) => assert_eq!(error.effect(), Effect::DidNotHappen, "{error}"),
    });
    // The deadline never comes: no time passes in a model.
    let report = block_on(mux.shutdown(Shutdown::Drain { timeout: std::time::Duration::MAX }));
    assert!(matches!(report.end, End::Drained) && report.unfinished == 0);
    caller.join().unwrap();
    assert!(matches!(connection.join().unwrap(), End::Drained));
}

/// An abort and a call: it is answered, or told.
fn an_abort_and_a_caller() {
    let (mux, _unsolicited, connection) = connect::<2>(usize::MAX);
    let other = mux.clone();
    let caller = thread::spawn(move || match block_on(other.call((0, 1))) {
        Ok(reply) => assert_eq!(reply.1, 1),
        Err(error) => assert!(matches!(error.kind(), CallErrorKind::Ended(End::Aborted))),
    });
    drop(block_on(mux.shutdown(Shutdown::Abort)));
    caller.join().unwrap();
    assert!(matches!(connection.join().unwrap(), End::Aborted));
}

/// The last handle goes, and somebody waits for messages.
fn a_last_handle_and_a_listener() {
    let (mux, mut unsolicited, connection) = connect::<2>(usize::MAX);
    let listener = thread::spawn(move || assert_eq!(block_on(unsolicited.recv()), None));
    drop(mux);
    listener.join().unwrap();
    assert!(matches!(connection.join().unwrap(), End::Aborted));
}

/// A tag that its caller chose serves for one call after the other.
fn the_same_tag_twice() {
    let mut core = Core::<u64, u32, u32, ()>::new(Options::new(), false);
    for number in 0..2 {
        let id = core.call(Some(7), number).expect("the tag is free");
        assert!(matches!(core.take(|_| None), Take::Send { tag: Some(7), .. }));
        assert_eq!(core.receive(&7, number), Received::Answered(None));
        assert_eq!(core.poll(&id), Some(Outcome::Reply(number)));
    }
}

/// Tags of a call that is cancelled by another call are free when the other one is answered.
fn a_flush() {
    let mut core = Core::<u64, u32, u32, ()>::new(Options::new(), true);
    let tags = |number| (number < 2).then_some(number);
    let dropped = core.call(None, 1).unwrap();
    assert!(matches!(core.take(tags), Take::Send { tag: Some(0), .. }));
    core.abandon(&dropped, Instant::now());
    assert_eq!(core.take(tags), Take::Cancel { of: 0, tag: Some(1) });
    core.call(None, 2).unwrap();
    assert_eq!(core.receive(&0, 1), Received::Late(1));
    assert_eq!(core.take(tags), Take::Blocked, "the flush is not answered");
    assert_eq!(core.receive(&1, 0), Received::Late(0));
    assert!(matches!(core.take(tags), Take::Send { message: 2, .. }));
}

#[test]
fn callers_get_their_own_replies() {
    holds("two callers", two_callers);
}

#[test]
fn a_caller_who_leaves_takes_nobody_elses_reply() {
    holds("a caller and one who leaves", a_caller_and_one_who_leaves);
}

#[test]
fn the_end_reaches_everybody() {
    holds("a server that hangs up", a_server_that_hangs_up);
}

#[test]
fn a_drain_loses_no_call() {
    holds("a drain and a caller", a_drain_and_a_caller);
}

#[test]
fn an_abort_reaches_everybody() {
    holds("an abort and a caller", an_abort_and_a_caller);
    holds("a last handle and a listener", a_last_handle_and_a_listener);
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
    finds(Bug::MuxCallLeaks, a_caller_and_one_who_leaves);
}

#[test]
fn a_late_reply_taken_for_an_unexpected_one_is_found() {
    finds(Bug::MuxLateIsUnexpected, a_caller_and_one_who_leaves);
}

#[test]
fn a_panic_at_a_late_reply_is_found() {
    finds(Bug::MuxLatePanics, a_caller_and_one_who_leaves);
}

#[test]
fn a_tag_freed_too_early_is_found() {
    finds(Bug::MuxTagFreedOnDrop, a_caller_and_one_who_leaves);
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
