//! `mux::Reconnect`: a call waits in one place, is sent on one connection unless it may be sent on more, and
//! its error says what the servers saw.

use std::future::{Future, pending, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use pushdown_patterns::clock::advance;
use pushdown_patterns::mux::reconnect::{Options, Unsolicited};
use pushdown_patterns::mux::{self, CallErrorKind, CallOptions, CloseReason, Mux, Reconnect};
use pushdown_patterns::seeded::Bug;
use pushdown_patterns::thread::block_on;
use pushdown_patterns::{Effect, Shutdown};

use crate::mux::{Echo, Message, Server};
use crate::{LIMIT, finds, holds, thread};

/// A client whose driver and connections run in one thread. With a thread for each, loom would have to go
/// through ten times as many interleavings, of steps that share nothing but what callers see as well.
struct Client {
    handle: Reconnect<Echo<4>>,
    _messages: Unsolicited<Echo<4>>,
    background: thread::JoinHandle<CloseReason>,
}

type Running = Pin<Box<dyn Future<Output = CloseReason> + Send>>;

/// A client of these servers, one after another. Once there is none left, connecting takes for ever.
///
/// No time passes by itself, so there is no delay between them.
fn client(servers: &[&Server]) -> Client {
    let mut servers: Vec<_> = servers.iter().rev().map(|server| (*server).clone()).collect();
    let made = Arc::new(Mutex::new(Vec::<Running>::new()));
    let running = made.clone();
    let connect = move || {
        let connection = servers.pop().map(|server| {
            let options = mux::Options::new();
            let (mux, unsolicited, run) = Mux::new(Echo, server.clone(), server, options);
            made.lock().unwrap().push(Box::pin(async move { run.await.end }));
            (mux, unsolicited)
        });
        async move {
            match connection {
                Some(connection) => Ok::<_, io::Error>(connection),
                None => pending().await,
            }
        }
    };
    let zero = std::time::Duration::ZERO;
    let (handle, messages, driver) = Reconnect::new(connect, Options::new().backoff(zero, zero));
    let mut driver: Running = Box::pin(async move { driver.await.end });
    let mut end = None;
    let background = poll_fn(move |cx| {
        if end.is_none()
            && let Poll::Ready(ended) = driver.as_mut().poll(cx)
        {
            end = Some(ended);
        }
        let mut running = running.lock().unwrap();
        running.retain_mut(|connection| connection.as_mut().poll(cx).is_pending());
        if running.is_empty() {
            end.take().map_or(Poll::Pending, Poll::Ready)
        } else {
            Poll::Pending
        }
    });
    let background = thread::spawn(move || block_on(background));
    Client { handle, _messages: messages, background }
}

impl Client {
    /// Drops the last handle, which ends everything.
    fn end(self) -> CloseReason {
        drop(self.handle);
        self.background.join().unwrap()
    }
}

fn assert_reply(reply: Message, number: u32) {
    assert_eq!(reply.1, number, "a wrong answer");
}

/// A call, and one that is dropped after its first poll, while the connection is made.
fn a_call_and_a_dropped_one() {
    let server = Server::new(usize::MAX);
    let client = client(&[&server]);
    let handle = client.handle.clone();
    let dropped = thread::spawn(move || {
        block_on(async {
            let mut call = pin!(handle.call((0, 1)));
            poll_fn(|cx| Poll::Ready(drop(call.as_mut().poll(cx)))).await;
        });
    });
    assert_reply(block_on(client.handle.call((0, 2))).unwrap(), 2);
    dropped.join().unwrap();
    // Its reply comes after that to the dropped call, if that one was sent.
    assert_reply(block_on(client.handle.call((0, 3))).unwrap(), 3);
    let counts = client.handle.connection().unwrap().counts();
    assert_eq!((counts.waiting, counts.in_flight, counts.unclaimed), (0, 0, 0));
    assert_eq!(client.handle.counts().waiting, 0);
    assert!(matches!(client.end(), CloseReason::Aborted));
    assert!(server.seen(1) <= 1 && server.seen(2) == 1);
}

/// The first server hangs up at its first request. A call that may be sent once was sent to it, or is answered
/// by the second server; one that may be sent twice is answered.
fn two_calls_and_a_server_that_hangs_up() {
    let servers = [Server::new(0), Server::new(usize::MAX)];
    let client = client(&[&servers[0], &servers[1]]);
    let result = {
        let mut idempotent = pin!(client.handle.call_idempotent(|| (0, 2)));
        let first = block_on(poll_fn(|cx| Poll::Ready(idempotent.as_mut().poll(cx))));
        assert!(first.is_pending());
        let result = block_on(client.handle.call((0, 1)));
        assert_reply(block_on(idempotent).unwrap(), 2);
        result
    };
    client.end();
    let seen = |number| servers.each_ref().map(|server| server.seen(number));
    match result {
        Ok(reply) => {
            assert_reply(reply, 1);
            assert_eq!(seen(1), [0, 1]);
        }
        Err(error) => {
            assert!(matches!(error.kind(), CallErrorKind::Ended(CloseReason::Closed)), "{error}");
            assert_eq!(error.effect(), Effect::MayHaveHappened);
            assert_eq!(seen(1), [1, 0]);
        }
    }
    assert!(seen(2)[0] <= 1 && seen(2)[1] == 1);
}

/// The only server hangs up at its first request, and there is no other one before the call times out.
fn a_call_that_times_out_on_its_way() {
    let server = Server::new(0);
    let client = client(&[&server]);
    let limit = CallOptions::new().timeout(LIMIT);
    let error = {
        let mut call = pin!(client.handle.call_idempotent_with(|| (0, 1), limit));
        // The limit counts from the first poll.
        let first = poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx)));
        assert!(block_on(first).is_pending());
        advance(LIMIT);
        block_on(call).unwrap_err()
    };
    assert!(matches!(error.kind(), CallErrorKind::TimedOut), "{error}");
    client.end();
    let most = usize::from(error.effect() == Effect::MayHaveHappened);
    assert!(server.seen(1) <= most, "the request was sent although the error says it was not");
}

/// A call that waits for a connection gets the reason when there will be none.
fn an_abort_and_a_call() {
    let client = client(&[]);
    let handle = client.handle.clone();
    let call = thread::spawn(move || block_on(handle.call((0, 1))).unwrap_err());
    let report = block_on(client.handle.shutdown(Shutdown::Abort));
    assert!(matches!(report.end, CloseReason::Aborted));
    let error = call.join().unwrap();
    assert!(matches!(error.kind(), CallErrorKind::Ended(CloseReason::Aborted)), "{error}");
    assert_eq!(error.into_request(), Some((0, 1)));
    client.end();
}

/// A drain that meets a call is done with it, or refuses it.
fn a_drain_and_a_call() {
    let server = Server::new(usize::MAX);
    let client = client(&[&server]);
    let handle = client.handle.clone();
    let call = thread::spawn(move || match block_on(handle.call((0, 1))) {
        Ok(reply) => assert_reply(reply, 1),
        Err(error) => assert_eq!(error.effect(), Effect::DidNotHappen, "{error}"),
    });
    let report = block_on(client.handle.close());
    assert!(matches!(report.end, CloseReason::Drained) && report.unfinished == 0);
    call.join().unwrap();
    assert!(matches!(client.end(), CloseReason::Drained));
}

#[test]
fn a_call_that_waits_gets_its_reply_and_a_dropped_one_leaves_nothing() {
    holds("a call and a dropped one", a_call_and_a_dropped_one);
}

#[test]
fn no_call_is_sent_twice_that_must_not_be() {
    holds("two calls and a server that hangs up", two_calls_and_a_server_that_hangs_up);
}

#[test]
fn a_call_that_times_out_says_what_became_of_it() {
    holds("a call that times out on its way", a_call_that_times_out_on_its_way);
}

#[test]
fn an_end_reaches_everybody() {
    holds("an abort and a call", an_abort_and_a_call);
    holds("a drain and a call", a_drain_and_a_call);
}

#[test]
fn a_line_that_is_not_woken_is_found() {
    finds(Bug::ReconnectLineNotWoken, a_call_and_a_dropped_one);
}

#[test]
fn a_dropped_call_that_stays_is_found() {
    finds(Bug::ReconnectDroppedCallStays, a_call_and_a_dropped_one);
}

#[test]
fn an_attempt_that_is_forgotten_is_found() {
    finds(Bug::ReconnectForgetsSent, a_call_that_times_out_on_its_way);
}

#[test]
fn a_line_that_is_forgotten_at_the_end_is_found() {
    finds(Bug::ReconnectEndForgetsLine, an_abort_and_a_call);
}

#[test]
fn a_driver_that_is_not_woken_is_found() {
    finds(Bug::ReconnectDriverNotWoken, an_abort_and_a_call);
}
