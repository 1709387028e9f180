//! The tags of dropped calls.

use std::time::Duration;

use pushdown_patterns::mux::{CallErrorKind, CallOptions, CloseReason, Options, WhenFull};
use tokio::time::Instant;

use crate::wire::{Toy, ask, connect, frame, toy};
use crate::{SECOND, count, end_of, held, poll_times, settle};

#[tokio::test(start_paused = true)]
async fn a_call_dropped_before_it_is_sent_is_not_sent_and_its_tag_is_free() {
    let (mux, _unsolicited, peer) = toy();
    peer.block();
    let tag = || CallOptions::new().tag(3);
    assert!(poll_times(2, mux.call_with(ask("a"), tag())).await.is_none());
    assert_eq!(held(mux.counts()), [0; 4]);
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

#[tokio::test(start_paused = true)]
async fn a_chosen_tag_is_free_as_soon_as_it_comes_of_age() {
    let (mux, _unsolicited, peer) = connect(Toy::<9>, Options::new().quarantine_age(SECOND));
    let tag = || CallOptions::new().tag(3);
    assert!(poll_times(1, mux.call_with(ask("a"), tag())).await.is_none());
    let error = mux.call_with(ask("b"), tag()).await.unwrap_err();
    assert!(matches!(error.kind(), CallErrorKind::DuplicateTag));
    tokio::time::advance(SECOND).await;
    assert_eq!(mux.counts().quarantined, 0);
    assert!(poll_times(1, mux.call_with(ask("c"), tag())).await.is_none());
    assert_eq!(peer.sent().await, [frame(3, "a"), frame(3, "c")]);
}

#[tokio::test(start_paused = true)]
async fn tags_that_came_of_age_do_not_overflow_the_quarantine() {
    let options = Options::new().quarantine(count(2)).quarantine_age(SECOND);
    let (mux, _unsolicited, peer) = connect(Toy::<99>, options.when_full(WhenFull::Fail));
    for _ in 0..10 {
        let mut calls: Vec<_> = (0..2).map(|_| Box::pin(mux.call(ask("dropped")))).collect();
        for call in &mut calls {
            assert!(poll_times(1, call.as_mut()).await.is_none());
        }
        settle().await;
        // From now on the send loop does not look: nothing wakes it.
        peer.block();
        drop(calls);
        tokio::time::advance(SECOND).await;
        peer.unblock();
    }
    assert!(mux.end().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_full_quarantine_forgets_the_oldest_tag_if_it_may() {
    let options = Options::new().quarantine(count(2)).when_full(WhenFull::Forget);
    let (mux, _unsolicited, peer) = connect(Toy::<4>, options);
    for tag in [0, 1, 2, 3, 0, 1, 2] {
        assert!(poll_times(1, mux.call(ask("dropped"))).await.is_none());
        assert_eq!(peer.sent_one().await.tag, tag);
    }
    assert_eq!(mux.counts().quarantined, 2);
    // Tags 1 and 2 are remembered, 0 is forgotten.
    for tag in [0, 1, 2] {
        peer.reply(tag, "late");
    }
    settle().await;
    assert_eq!((mux.counts().late, mux.counts().unexpected), (2, 1));
}

/// With the default options: no call waits for ever, whatever the peer leaves unanswered.
#[tokio::test(start_paused = true)]
async fn a_peer_that_answers_no_dropped_call_blocks_no_other_for_ever() {
    let (mux, _unsolicited, peer) = toy();
    for _ in 0..Options::DEFAULT_QUARANTINE.get() {
        assert!(poll_times(1, mux.call(ask("dropped"))).await.is_none());
    }
    assert_eq!(peer.sent().await.len(), 1024);
    let answering = async { peer.reply(peer.sent_one().await.tag, "a") };
    assert!(tokio::join!(mux.call(ask("a")), answering).0.is_ok());
    assert!(poll_times(1, mux.call(ask("one too many"))).await.is_none());
    assert!(matches!(mux.end(), Some(CloseReason::QuarantineFull)));
    assert!(mux.call(ask("b")).await.unwrap_err().into_request().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_call_without_cancel_is_dropped_in_silence() {
    let (mux, _unsolicited, peer) = connect(Toy::<9, true>, Options::new());
    let silent = CallOptions::new().cancel(false);
    assert!(poll_times(2, mux.call_with(ask("a"), silent)).await.is_none());
    assert!(poll_times(2, mux.call(ask("b"))).await.is_none());
    assert_eq!(peer.sent().await, [frame(0, "a"), frame(1, "b"), frame(1, "cancel")]);
    assert_eq!(mux.counts().quarantined, 2);
}
