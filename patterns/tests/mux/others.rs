//! Bugs of other software, a test for each, and the slip of the lecture.
//!
//! | test | bug of |
//! |---|---|
//! | `the_tag_of_an_answered_call_can_be_used_again` | the lecture: the entry is never removed |
//! | `a_dropped_call_leaves_no_entry` | async-nats #1617, jsonrpsee |
//! | `a_late_reply_leaves_the_connection_alive` | jsonrpsee #235, tokio-tower #28 |
//! | `a_duplicate_reply_leaves_the_connection_alive` | jsonrpsee 0.26 |
//! | `a_reply_to_a_cancelled_call_is_dropped` | tower-lsp-server #35 panics |
//! | `a_tag_is_not_assigned_while_its_old_reply_may_come` | redis-rs #698 answers the wrong caller |
//! | `receiving_does_not_wait_for_sending`, `sending_does_not_wait_for_receiving` | yamux #227, redis-rs #1955, h2 #860 |
//! | `the_end_of_the_connection_wakes_all_callers_at_every_cut` | redis-rs #275 |
//! | `the_timeout_covers_the_time_in_the_queue` | redis-rs #1541 |

use std::time::Duration;

use pushdown_patterns::Effect;
use pushdown_patterns::mux::dns::{self, Dns, Message};
use pushdown_patterns::mux::{CallErrorKind, CallOptions, CloseReason, Mux, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::wire::{Toy, ask, connect, frame, toy};
use crate::{SECOND, end_of, poll_times, settle};

#[tokio::test(start_paused = true)]
async fn the_tag_of_an_answered_call_can_be_used_again() {
    let (mux, _unsolicited, peer) = toy();
    for round in 0..3 {
        let answering = async {
            let request = peer.sent_one().await;
            peer.reply(request.tag, format!("{round}"));
        };
        let tag = CallOptions::new().tag(5);
        let (reply, ()) = tokio::join!(mux.call_with(ask("a"), tag), answering);
        assert_eq!(reply.unwrap(), frame(5, format!("{round}")));
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_call_leaves_no_entry() {
    let (mux, _unsolicited, peer) = toy();
    for polls in 1..4 {
        assert!(poll_times(polls, mux.call(ask("a"))).await.is_none());
        peer.reply(peer.sent_one().await.tag, "late");
        settle().await;
        let counts = mux.counts();
        assert_eq!((counts.waiting, counts.in_flight), (0, 0));
        assert_eq!((counts.unclaimed, counts.quarantined), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_leaves_the_connection_alive() {
    let options = Options::new().unexpected(pushdown_patterns::mux::Unexpected::Fail);
    let (mux, _unsolicited, peer) = connect(Toy::<9>, options);
    assert!(poll_times(2, mux.call(ask("a"))).await.is_none());
    peer.reply(peer.sent_one().await.tag, "late");
    let answering = async { peer.reply(peer.sent_one().await.tag, "b") };
    let (reply, ()) = tokio::join!(mux.call(ask("b")), answering);
    assert_eq!(reply.unwrap().text, "b");
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_reply_leaves_the_connection_alive() {
    let (mux, _unsolicited, peer) = toy();
    for text in ["a", "b"] {
        let answering = async {
            let request = peer.sent_one().await;
            peer.reply(request.tag, text);
            peer.reply(request.tag, "again");
        };
        let (reply, ()) = tokio::join!(mux.call(ask(text)), answering);
        assert_eq!(reply.unwrap().text, text);
    }
    settle().await;
    assert_eq!(mux.counts().unexpected, 2);
}

#[tokio::test(start_paused = true)]
async fn a_reply_to_a_cancelled_call_is_dropped() {
    let (mux, _unsolicited, peer) = connect(Toy::<9, true>, Options::new());
    assert!(poll_times(2, mux.call(ask("a"))).await.is_none());
    assert_eq!(peer.sent().await, [frame(0, "a"), frame(0, "cancel")]);
    peer.reply(0, "a, although it was cancelled");
    let answering = async { peer.reply(peer.sent_one().await.tag, "b") };
    let (reply, ()) = tokio::join!(mux.call(ask("b")), answering);
    assert_eq!(reply.unwrap().text, "b");
    assert_eq!((mux.counts().late, mux.counts().quarantined), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_tag_is_not_assigned_while_its_old_reply_may_come() {
    let (mux, _unsolicited, peer) = connect(Toy::<1>, Options::new());
    assert!(poll_times(2, mux.call(ask("a"))).await.is_none());
    assert_eq!(peer.sent_one().await, frame(0, "a"));
    let answering = async {
        assert_eq!(peer.sent().await, [], "there is no tag for b");
        peer.reply(0, "a");
        assert_eq!(peer.sent_one().await, frame(0, "b"));
        peer.reply(0, "b");
    };
    let (reply, ()) = tokio::join!(mux.call(ask("b")), answering);
    assert_eq!(reply.unwrap().text, "b");
}

/// A DNS message of the given length.
fn message(id: u16, length: usize, response: bool) -> Message {
    let mut bytes = vec![0; length];
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    bytes[2] = u8::from(response) << 7;
    Message::new(bytes).unwrap()
}

/// The peer reads nothing until it has written everything, and all buffers are full. A client that waits
/// for room to write before it reads would wait forever.
#[tokio::test(start_paused = true)]
async fn receiving_does_not_wait_for_sending() {
    let (ours, mut theirs) = tokio::io::duplex(64);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = dns::split(read, write);
    let (mux, mut unsolicited) = Mux::spawn(Dns, sink, stream, Options::new());
    let peer = async {
        for _ in 0..100 {
            theirs.write_u16(200).await.unwrap();
            theirs.write_all(message(0, 200, false).as_bytes()).await.unwrap();
        }
        for _ in 0..100 {
            let mut request = vec![0; usize::from(theirs.read_u16().await.unwrap())];
            theirs.read_exact(&mut request).await.unwrap();
            request[2] |= 0x80;
            theirs.write_u16(200).await.unwrap();
            theirs.write_all(&request).await.unwrap();
        }
    };
    let calls = async {
        let calls = (0..100).map(|_| {
            let mux = mux.clone();
            tokio::spawn(async move { mux.call(message(0, 200, false)).await.unwrap() })
        });
        for call in calls.collect::<Vec<_>>() {
            assert_eq!(call.await.unwrap().as_bytes().len(), 200);
        }
    };
    tokio::time::timeout(60 * SECOND, async { tokio::join!(peer, calls) }).await.unwrap();
    for _ in 0..100 {
        assert!(unsolicited.recv().await.is_some());
    }
}

/// The peer writes nothing until it has read everything.
#[tokio::test(start_paused = true)]
async fn sending_does_not_wait_for_receiving() {
    let (ours, mut theirs) = tokio::io::duplex(64);
    let (read, write) = tokio::io::split(ours);
    let (sink, stream) = dns::split(read, write);
    let (mux, _unsolicited) = Mux::spawn(Dns, sink, stream, Options::new());
    let peer = async {
        let mut requests = Vec::new();
        for _ in 0..100 {
            let mut request = vec![0; usize::from(theirs.read_u16().await.unwrap())];
            theirs.read_exact(&mut request).await.unwrap();
            requests.push(request);
        }
        for mut reply in requests.into_iter().rev() {
            reply[2] |= 0x80;
            theirs.write_u16(200).await.unwrap();
            theirs.write_all(&reply).await.unwrap();
        }
    };
    let calls = async {
        let calls = (0..100).map(|_| {
            let mux = mux.clone();
            tokio::spawn(async move { mux.call(message(0, 200, false)).await.unwrap() })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.unwrap();
        }
    };
    tokio::time::timeout(60 * SECOND, async { tokio::join!(peer, calls) }).await.unwrap();
}

/// The connection is cut after every byte of two replies. No time passes until all callers are woken.
#[tokio::test(start_paused = true)]
async fn the_end_of_the_connection_wakes_all_callers_at_every_cut() {
    let replies = [message(0, 20, true), message(1, 30, true)].map(|reply| {
        let length = u16::try_from(reply.as_bytes().len()).unwrap();
        [&length.to_be_bytes()[..], reply.as_bytes()].concat()
    });
    let stream = replies.concat();
    for cut in 0..=stream.len() {
        let start = Instant::now();
        let (ours, mut theirs) = tokio::io::duplex(1 << 10);
        let (read, write) = tokio::io::split(ours);
        let (sink, reader) = dns::split(read, write);
        let (mux, _unsolicited) = Mux::spawn(Dns, sink, reader, Options::new());
        let call = async || mux.call(message(0, 12, false)).await;
        let peer = async {
            let mut requests = [0; 3 * 14];
            theirs.read_exact(&mut requests).await.unwrap();
            theirs.write_all(&stream[..cut]).await.unwrap();
            drop(theirs);
        };
        let (a, b, c, ()) = tokio::join!(call(), call(), call(), peer);
        assert_eq!(a.is_ok(), cut >= 22, "the first call, cut at {cut}");
        assert_eq!(b.is_ok(), cut == stream.len(), "the second call, cut at {cut}");
        let error = c.unwrap_err();
        assert_eq!(error.effect(), Effect::MayHaveHappened);
        let between = [0, 22, stream.len()].contains(&cut);
        match end_of(&error) {
            CloseReason::Closed => assert!(between, "in the middle of a reply, cut at {cut}"),
            CloseReason::Receive(error) => {
                assert!(!between);
                let expected = format!("unexpected end of input at offset {cut}");
                assert_eq!(error.to_string(), expected);
            }
            other => panic!("{other}, cut at {cut}"),
        }
        let error = call().await.unwrap_err();
        assert_eq!(error.effect(), Effect::DidNotHappen);
        assert_eq!(error.into_request().unwrap().as_bytes().len(), 12);
        assert_eq!(start.elapsed(), Duration::ZERO);
    }
    println!("{} cuts", stream.len() + 1);
}

#[tokio::test(start_paused = true)]
async fn the_timeout_covers_the_time_in_the_queue() {
    let (mux, _unsolicited, peer) = toy();
    peer.block();
    let start = Instant::now();
    let error = mux.call_with(ask("a"), CallOptions::new().timeout(SECOND)).await.unwrap_err();
    assert_eq!(start.elapsed().as_millis(), 1000);
    assert!(matches!(error.kind(), CallErrorKind::TimedOut));
    assert_eq!(error.effect(), Effect::DidNotHappen);
    assert_eq!(error.into_request(), Some(ask("a")));
    peer.unblock();
    assert_eq!(peer.sent().await, [], "a call that timed out is not sent");
}
