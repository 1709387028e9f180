//! The tags of dropped calls.

use std::time::Duration;

use pushdown_patterns::mux::{CallOptions, CloseReason, Options, WhenFull};
use tokio::time::Instant;

use crate::wire::{Toy, ask, connect, frame, toy};
use crate::{SECOND, count, end_of, poll_times, settle};

#[tokio::test(start_paused = true)]
async fn a_call_dropped_before_it_is_sent_is_not_sent_and_its_tag_is_free() {
    let (mux, _unsolicited, peer) = toy();
    peer.block();
    let tag = || CallOptions::new().tag(3);
    assert!(poll_times(2, mux.call_with(ask("a"), tag())).await.is_none());
    assert_eq!(mux.counts(), Default::default());
    peer.unblock();
    assert!(poll_times(1, mux.call_with(ask("b"), tag())).await.is_none());
    assert_eq!(peer.sent_one().await, frame(3, "b"));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_never_polled_does_nothing() {
    let (mux, _unsolicited, peer) = toy();
    drop(mux.call(ask("a")));
    assert_eq!(peer.sent().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_chooses_a_tag_in_quarantine_is_refused() {
    let (mux, _unsolicited, peer) = toy();
    let tag = || CallOptions::new().tag(3);
    assert!(poll_times(2, mux.call_with(ask("a"), tag())).await.is_none());
    assert!(mux.call_with(ask("b"), tag()).await.is_err());
    peer.reply(3, "a");
    settle().await;
    assert!(poll_times(1, mux.call_with(ask("b"), tag())).await.is_none());
    assert_eq!(peer.sent().await, [frame(3, "a"), frame(3, "b")]);
}

#[tokio::test(start_paused = true)]
async fn while_the_quarantine_is_full_calls_wait() {
    let options = Options::new().quarantine(count(2)).when_full(WhenFull::Wait);
    let (mux, _unsolicited, peer) = connect(Toy::<99>, options);
    for _ in 0..2 {
        assert!(poll_times(2, mux.call(ask("dropped"))).await.is_none());
    }
    assert_eq!(peer.sent().await.len(), 2);
    let rest = async {
        assert_eq!(peer.sent().await, []);
        peer.reply(1, "late");
        assert_eq!(peer.sent_one().await, frame(2, "a"));
        peer.reply(2, "a");
    };
    let (reply, ()) = tokio::join!(mux.call(ask("a")), rest);
    assert_eq!(reply.unwrap().text, "a");
}

#[tokio::test(start_paused = true)]
async fn a_quarantine_that_overflows_ends_the_connection_if_that_is_fatal() {
    let options = Options::new().quarantine(count(2)).when_full(WhenFull::Fail);
    let (mux, _unsolicited, peer) = connect(Toy::<99>, options);
    let mut calls: Vec<_> = (0..3).map(|_| Box::pin(mux.call(ask("dropped")))).collect();
    for call in &mut calls {
        assert!(poll_times(1, call.as_mut()).await.is_none());
    }
    let rest = async {
        settle().await;
        // Even if the peer reads no more.
        peer.block();
        while let Some(call) = calls.pop() {
            settle().await;
            assert!(!peer.is_dropped());
            drop(call);
        }
    };
    let (reply, ()) = tokio::join!(mux.call(ask("a")), rest);
    assert!(matches!(end_of(&reply.unwrap_err()), CloseReason::QuarantineFull));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_gets_a_tag_as_soon_as_it_comes_of_age() {
    let options = Options::new().quarantine_age(SECOND);
    let (mux, _unsolicited, peer) = connect(Toy::<1>, options);
    let start = Instant::now();
    assert!(poll_times(1, mux.call(ask("a"))).await.is_none());
    assert_eq!(peer.sent_one().await, frame(0, "a"));
    let answering = async {
        while peer.take_sent().is_empty() {
            settle().await;
        }
        peer.reply(0, "b");
    };
    let (reply, ()) = tokio::join!(mux.call(ask("b")), answering);
    assert_eq!(reply.unwrap().text, "b");
    let took = start.elapsed();
    assert!((SECOND..SECOND + Duration::from_millis(5)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_after_its_tag_came_of_age_is_unexpected() {
    let options = Options::new().quarantine_age(SECOND);
    let (mux, _unsolicited, peer) = connect(Toy::<9>, options);
    assert!(poll_times(1, mux.call(ask("a"))).await.is_none());
    tokio::time::advance(2 * SECOND).await;
    let answering = async { peer.reply(peer.sent().await[1].tag, "b") };
    assert!(tokio::join!(mux.call(ask("b")), answering).0.is_ok());
    assert_eq!(mux.counts().quarantined, 0);
    peer.reply(0, "a");
    settle().await;
    assert_eq!((mux.counts().late, mux.counts().unexpected), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn no_cancel_is_sent_for_a_dropped_call_that_has_been_answered() {
    let (mux, _unsolicited, peer) = connect(Toy::<9, true>, Options::new());
    let mut call = Box::pin(mux.call(ask("a")));
    assert!(poll_times(2, call.as_mut()).await.is_none());
    assert_eq!(peer.sent_one().await, frame(0, "a"));
    peer.block();
    drop(call);
    peer.reply(0, "a");
    settle().await;
    peer.unblock();
    assert_eq!(peer.sent().await, []);
    assert_eq!(mux.counts().quarantined, 0);
}
