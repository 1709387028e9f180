//! The ways in which connections end.

use pushdown_patterns::mux::{CallErrorKind, CloseReason, Mux, Options, dns};
use pushdown_patterns::{Effect, Shutdown};
use tokio::time::Instant;

use crate::wire::{Peer, Toy, ask, connect, frame, toy};
use crate::{SECOND, end_of, poll_times, settle, tasks};

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_calls_and_takes_no_new_ones() {
    let (mux, _unsolicited, peer) = toy();
    let rest = async {
        settle().await;
        let draining = mux.shutdown(Shutdown::Drain { timeout: SECOND });
        let refused = async {
            settle().await;
            let error = mux.call(ask("b")).await.unwrap_err();
            assert!(matches!(error.kind(), CallErrorKind::ShuttingDown));
            assert_eq!(error.into_request(), Some(ask("b")));
            assert!(!peer.is_closed());
            peer.reply(0, "a");
        };
        let (report, ()) = tokio::join!(draining, refused);
        assert!(matches!(report.end, CloseReason::Drained), "{}", report.end);
        assert_eq!(report.unfinished, 0);
    };
    let (reply, ()) = tokio::join!(mux.call(ask("a")), rest);
    assert_eq!(reply.unwrap().text, "a");
    assert!(peer.is_closed() && peer.is_dropped());
    assert_eq!(tasks().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_sends_what_waits() {
    let (mux, _unsolicited, peer) = connect(Toy::<1>, Options::new());
    let rest = async {
        settle().await;
        let answering = async {
            peer.reply(0, "a");
            settle().await;
            peer.reply(0, "b");
        };
        let drain = mux.shutdown(Shutdown::Drain { timeout: SECOND });
        tokio::join!(drain, answering).0
    };
    let (a, b, report) = tokio::join!(mux.call(ask("a")), mux.call(ask("b")), rest);
    assert_eq!((a.unwrap().text.as_str(), b.unwrap().text.as_str()), ("a", "b"));
    assert!(matches!(report.end, CloseReason::Drained));
}

#[tokio::test(start_paused = true)]
async fn a_drain_ends_when_the_last_call_is_dropped() {
    let (mux, _unsolicited, _peer) = toy();
    let start = Instant::now();
    let drain = mux.shutdown(Shutdown::Drain { timeout: SECOND });
    let (dropped, report) = tokio::join!(poll_times(5, mux.call(ask("a"))), drain);
    assert!(dropped.is_none() && matches!(report.end, CloseReason::Drained));
    assert!(start.elapsed() < SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_takes_too_long_is_an_abort() {
    let (mux, _unsolicited, _peer) = toy();
    let start = Instant::now();
    let drain = mux.shutdown(Shutdown::Drain { timeout: SECOND });
    let (reply, report) = tokio::join!(mux.call(ask("a")), drain);
    assert!(matches!(end_of(&reply.unwrap_err()), CloseReason::Aborted));
    assert!(matches!(report.end, CloseReason::Aborted));
    assert_eq!((report.unfinished, start.elapsed().as_millis()), (1, 1000));
    assert_eq!(tasks().await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_drain_keeps_its_deadline_when_its_future_is_dropped() {
    let (mux, _unsolicited, peer) = toy();
    peer.block();
    let rest = async {
        let drain = mux.shutdown(Shutdown::Drain { timeout: SECOND });
        assert!(poll_times(1, drain).await.is_none());
    };
    let (reply, ()) = tokio::join!(mux.call(ask("a")), rest);
    let error = reply.unwrap_err();
    assert!(matches!(end_of(&error), CloseReason::Aborted));
    assert_eq!(error.effect(), Effect::DidNotHappen);
}

#[tokio::test(start_paused = true)]
async fn an_abort_wakes_all_callers_at_once_and_returns_unsent_requests() {
    let (mux, mut unsolicited, peer) = toy();
    let rest = async {
        settle().await;
        peer.block();
        settle().await;
        let b = mux.call(ask("b"));
        let abort = async {
            settle().await;
            mux.shutdown(Shutdown::Abort).await
        };
        tokio::join!(b, abort)
    };
    let (a, (b, report)) = tokio::join!(mux.call(ask("a")), rest);
    assert_eq!(a.unwrap_err().effect(), Effect::MayHaveHappened);
    let error = b.unwrap_err();
    assert!(matches!(end_of(&error), CloseReason::Aborted));
    assert_eq!(error.into_request(), Some(ask("b")));
    assert_eq!(report.unfinished, 2);
    assert_eq!(unsolicited.recv().await, None);
    assert!(peer.is_dropped());
    assert_eq!(tasks().await, 0);
    // A second shutdown returns the same report.
    assert!(matches!(mux.shutdown(Shutdown::Abort).await.end, CloseReason::Aborted));
}

#[tokio::test(start_paused = true)]
async fn dropping_the_last_handle_aborts() {
    let (mux, mut unsolicited, peer) = toy();
    let other = mux.clone();
    drop(mux);
    assert!(!peer.is_dropped());
    assert_eq!(tasks().await, 1);
    drop(other);
    assert_eq!(tasks().await, 0);
    assert!(peer.is_dropped());
    assert_eq!(unsolicited.recv().await, None);
}

#[tokio::test(start_paused = true)]
async fn dropping_the_connections_future_ends_all_calls() {
    for polls in [0, 2] {
        let peer = Peer::default();
        let (sink, stream) = peer.sides();
        let (mux, _unsolicited, connection) = Mux::new(Toy::<9>, sink, stream, Options::new());
        let rest = async { poll_times(polls, connection).await };
        let (reply, connection) = tokio::join!(mux.call(ask("a")), rest);
        assert!(connection.is_none());
        assert!(matches!(end_of(&reply.unwrap_err()), CloseReason::Dropped));
        assert!(matches!(mux.ended().await.end, CloseReason::Dropped));
    }
}

#[test]
fn a_runtime_that_shuts_down_ends_the_calls_of_other_threads() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (mux, _unsolicited, peer) = runtime.block_on(async { toy() });
    let (queued, is_queued) = std::sync::mpsc::channel();
    let caller = std::thread::spawn(move || {
        let call = async {
            let mut call = std::pin::pin!(mux.call(ask("a")));
            let first = std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx)));
            assert!(first.await.is_pending());
            queued.send(()).unwrap();
            call.await
        };
        pushdown_patterns::thread::block_on(call).unwrap_err()
    });
    is_queued.recv().unwrap();
    drop(runtime);
    assert!(matches!(end_of(&caller.join().unwrap()), CloseReason::Dropped));
    assert!(peer.is_dropped());
}

#[tokio::test(start_paused = true)]
async fn every_caller_gets_the_error_of_the_stream_or_the_sink() {
    for (fails, text) in [
        (Peer::hang_up as fn(&Peer), "the peer has closed the connection"),
        (Peer::fail, "receiving failed: connection reset"),
        (Peer::break_sink, "sending failed: broken pipe"),
    ] {
        let (mux, _unsolicited, peer) = toy();
        let rest = async {
            settle().await;
            fails(&peer);
            // A sink fails only when something is sent.
            mux.call(ask("b")).await
        };
        let (a, b) = tokio::join!(mux.call(ask("a")), rest);
        assert_eq!(end_of(&a.unwrap_err()).to_string(), text);
        assert_eq!(end_of(&b.unwrap_err()).to_string(), text);
        assert_eq!(mux.ended().await.end.to_string(), text);
        assert_eq!(tasks().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_drain_accepts_answers_until_the_last_call_is_over() {
    let (mux, _unsolicited, peer) = toy();
    let rest = async {
        settle().await;
        let answering = async {
            settle().await;
            mux.answer(frame(5, "answer")).await.unwrap();
            let error = mux.send(frame(5, "notice")).await.unwrap_err();
            assert!(matches!(error.kind(), CallErrorKind::ShuttingDown));
            assert_eq!(peer.sent().await, [frame(0, "a"), frame(5, "answer")]);
            assert!(mux.end().is_none());
            peer.reply(0, "a");
        };
        tokio::join!(mux.close(), answering).0
    };
    let (reply, report) = tokio::join!(mux.call(ask("a")), rest);
    assert!(reply.is_ok() && matches!(report.end, CloseReason::Drained));
    assert!(matches!(mux.end(), Some(CloseReason::Drained)));
}

/// The number of replies exceeds what the receive loop reads in one turn.
#[tokio::test(start_paused = true)]
async fn a_thousand_replies_that_have_come_are_delivered_although_sending_fails() {
    let (mux, _unsolicited, peer) = toy();
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..1000 {
        let mux = mux.clone();
        calls.spawn(async move { mux.call(ask(format!("{number}"))).await });
    }
    let sent = peer.sent().await;
    assert_eq!(sent.len(), 1000);
    peer.break_sink();
    for request in sent {
        peer.reply(request.tag, request.text);
    }
    let error = mux.call(ask("broken")).await.unwrap_err();
    assert!(matches!(end_of(&error), CloseReason::Send(_)));
    let replies = calls.join_all().await;
    assert_eq!(replies.into_iter().filter(Result::is_ok).count(), 1000);
}

/// The peer reads a thousand requests, answers them and hangs up. Sending fails before, between or after
/// the replies are read, as the socket pleases.
#[tokio::test]
async fn all_replies_of_a_peer_that_hangs_up_are_delivered() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for _ in 0..20 {
        let (ours, mut theirs) = tokio::net::UnixStream::pair().unwrap();
        let (read, write) = ours.into_split();
        let (sink, stream) = dns::split(read, write);
        let (mux, _unsolicited) = Mux::spawn(dns::Dns, sink, stream, Options::new());
        let query = || dns::Message::new(vec![0; 12]).unwrap();
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..1000 {
            let mux = mux.clone();
            calls.spawn(async move { mux.call(query()).await });
        }
        let mut messages = vec![0; 1000 * 14];
        theirs.read_exact(&mut messages).await.unwrap();
        messages.chunks_mut(14).for_each(|message| message[4] |= 0x80);
        theirs.write_all(&messages).await.unwrap();
        drop(theirs);
        assert!(mux.call(query()).await.is_err());
        let replies = calls.join_all().await;
        assert_eq!(replies.into_iter().filter(Result::is_ok).count(), 1000);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_send_ends_although_the_peer_never_pauses() {
    let (mux, _unsolicited, peer) = toy();
    peer.flood();
    // Paused time stands still during a flood.
    tokio::task::yield_now().await;
    peer.break_sink();
    let error = mux.call(ask("a")).await.unwrap_err();
    assert!(matches!(end_of(&error), CloseReason::Send(_)));
}

/// A message of 110 bytes over a connection that takes any number of bytes at a time.
#[tokio::test(start_paused = true)]
async fn an_accepted_message_is_written_whole_by_a_close_and_cut_off_at_most_by_a_drop() {
    use tokio::io::AsyncReadExt;
    let mut cut_off = 0;
    for room in 1..=112 {
        for closes in [true, false] {
            let (ours, mut theirs) = tokio::io::duplex(room);
            let (read, write) = tokio::io::split(ours);
            let (sink, stream) = dns::split(read, write);
            let (mux, _unsolicited) = Mux::spawn(dns::Dns, sink, stream, Options::new());
            let message: Vec<u8> = std::iter::once([7, 7, 0x80]).flatten().chain(3..108).collect();
            mux.answer(dns::Message::new(message.clone()).unwrap()).await.unwrap();
            settle().await;
            let mut bytes = Vec::new();
            if closes {
                let close = async { mux.close().await };
                let (report, read) = tokio::join!(close, theirs.read_to_end(&mut bytes));
                assert!(matches!(report.end, CloseReason::Drained) && read.is_ok());
                assert_eq!(bytes, [&[0, 108], &message[..]].concat(), "room for {room} bytes");
            } else {
                drop(mux);
                theirs.read_to_end(&mut bytes).await.unwrap();
                let whole = [&[0, 108], &message[..]].concat();
                assert!(whole.starts_with(&bytes), "room for {room} bytes");
                cut_off += usize::from(bytes.len() < whole.len());
            }
            assert_eq!(tasks().await, 0);
        }
    }
    println!("{cut_off} messages cut off");
    assert!(cut_off > 0);
}

#[tokio::test(start_paused = true)]
async fn received_replies_are_delivered_although_sending_fails() {
    let (mux, _unsolicited, peer) = toy();
    let rest = async {
        settle().await;
        peer.break_sink();
        peer.reply(0, "a");
        mux.call(ask("b")).await
    };
    let (a, b) = tokio::join!(mux.call(ask("a")), rest);
    assert_eq!(a.unwrap().text, "a");
    assert!(matches!(end_of(&b.unwrap_err()), CloseReason::Send(_)));
}
